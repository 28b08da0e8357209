/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#define FAKE_WALL_S 1763640000

static uint64_t fake_ns = UINT64_MAX;

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void clock_fake_ns(uint64_t now_ns)
{
	fake_ns = now_ns;
}

bool clock_is_fake(void)
{
	return fake_ns != UINT64_MAX;
}

uint64_t clock_now_ns(void)
{
	return fake_ns != UINT64_MAX ? fake_ns : read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_now_ms(void)
{
	return clock_now_ns() / 1000000;
}

int64_t clock_wall_ms(void)
{
	if (fake_ns != UINT64_MAX)
		return FAKE_WALL_S * 1000LL + (int64_t)(fake_ns / 1000000);
	return (int64_t)(read_ns(CLOCK_REALTIME) / 1000000);
}

int64_t clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}
