/* SPDX-License-Identifier: MIT
 *
 * load_ping NS-A NS-B ADDRESS MS BYTES
 *
 * The time that a datagram of BYTES takes from NS-A to ADDRESS in NS-B and back, one after another.
 */
#include "load.h"

#define DATAGRAM_MAX 1472
#define SAMPLES_MAX 1000000
#define WARM_UP 200U

static int server;

static void *echo(void *ctx)
{
	uint8_t room[DATAGRAM_MAX];
	struct addr from;
	(void)ctx;
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(server, room, sizeof(room), 0, &from.sa, &len);
		load_check(n > 0 && sendto(server, room, (size_t)n, 0, &from.sa, len) == n, "echo");
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static uint32_t ns[SAMPLES_MAX];
	uint8_t room[DATAGRAM_MAX] = {0};
	size_t n = 0, lost = 0;
	if (argc != 6) {
		fputs("usage: load_ping NS-A NS-B ADDRESS MS BYTES\n", stderr);
		return 64;
	}
	struct addr to = load_address(argv[3]);
	uint64_t deadline = load_number(argv[4]) * 1000000;
	size_t bytes = MIN(load_number(argv[5]), DATAGRAM_MAX);
	server = load_socket(argv[2], &to, SOCK_DGRAM);
	load_check(bind(server, &to.sa, addr_len(&to)) == 0, "bind");
	int fd = load_socket(argv[1], &to, SOCK_DGRAM);
	load_check(connect(fd, &to.sa, addr_len(&to)) == 0, "connect");
	struct timeval wait = {.tv_usec = 500000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	load_thread(echo, NULL);
	deadline += clock_now_ns();
	for (size_t i = 0; clock_now_ns() < deadline && n < SAMPLES_MAX; i++) {
		uint64_t t = clock_now_ns();
		load_check(send(fd, room, bytes, 0) == (ssize_t)bytes, "send");
		if (recv(fd, room, sizeof(room), 0) < 0)
			lost++;
		else if (i >= WARM_UP)
			ns[n++] = (uint32_t)MIN(clock_now_ns() - t, UINT32_MAX);
	}
	load_check(n, "no answers");
	qsort(ns, n, sizeof(*ns), by_value);
	printf("p50_us=%.1f p99_us=%.1f count=%zu lost=%zu\n", ns[n / 2] / 1e3,
	       ns[n * 99 / 100] / 1e3, n, lost);
	return 0;
}
