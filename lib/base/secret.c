/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <sodium.h>

bool secret_init(void)
{
	return sodium_init() >= 0;
}

void *secret_alloc(size_t size)
{
	void *p = sodium_malloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

void secret_free(void *p)
{
	sodium_free(p);
}

void secret_wipe(void *p, size_t size)
{
	sodium_memzero(p, size);
}

bool secret_eq(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void random_bytes(void *out, size_t len)
{
	randombytes_buf(out, len);
}
