/* SPDX-License-Identifier: MIT
 *
 * load_tcp NS-A NS-B ADDRESS MS UP DOWN CC [PID]...
 *
 * TCP streams from namespace NS-A to ADDRESS in NS-B: UP of them carry data from A to B, DOWN from
 * B to A, all at once, under congestion control CC. Prints bytes received in MS after a warm-up,
 * and the processor time that the processes (the ends of the tunnel) spent meanwhile.
 */
#include "load.h"

#include <netinet/tcp.h>

#define CHUNK_BYTES (128U << 10)
#define WARM_UP_NS (NS_PER_S / 2)
#define STREAMS_MAX 64

static _Atomic uint64_t received;
static atomic_bool done;

static void *send_all(void *ctx)
{
	static const uint8_t chunk[CHUNK_BYTES];
	int fd = *(int *)ctx;
	while (!atomic_load_explicit(&done, memory_order_relaxed) &&
	       send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
		;
	shutdown(fd, SHUT_RDWR);
	return NULL;
}

static void *receive_all(void *ctx)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	int fd = *(int *)ctx;
	ssize_t n;
	load_check(chunk, "malloc");
	while ((n = recv(fd, chunk, CHUNK_BYTES, 0)) > 0)
		atomic_fetch_add_explicit(&received, (uint64_t)n, memory_order_relaxed);
	free(chunk);
	return NULL;
}

static void set_control(int fd, const char *name)
{
	load_check(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0,
		   name);
}

int main(int argc, char **argv)
{
	static int fds[STREAMS_MAX][2];
	struct load_cost cost = {0};
	if (argc < 8) {
		fputs("usage: load_tcp NS-A NS-B ADDRESS MS UP DOWN CC [PID]...\n", stderr);
		return 64;
	}
	struct addr to = load_address(argv[3]);
	uint64_t ms = load_number(argv[4]), up = load_number(argv[5]), down = load_number(argv[6]);
	load_cost_pids(&cost, argc - 8, argv + 8);
	int listener = load_socket(argv[2], &to, SOCK_STREAM);
	load_check(bind(listener, &to.sa, addr_len(&to)) == 0 && listen(listener, STREAMS_MAX) == 0,
		   "listen");
	size_t n = MIN(up + down, STREAMS_MAX);
	for (size_t i = 0; i < n; i++) {
		fds[i][0] = load_socket(argv[1], &to, SOCK_STREAM);
		load_check(connect(fds[i][0], &to.sa, addr_len(&to)) == 0, "connect");
		fds[i][1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		load_check(fds[i][1] >= 0, "accept");
		set_control(fds[i][i >= up], argv[7]);
	}
	for (size_t i = 0; i < n; i++) {
		load_thread(receive_all, &fds[i][i < up]);
		load_thread(send_all, &fds[i][i >= up]);
	}
	load_sleep(WARM_UP_NS);
	load_cost_read(&cost);
	uint64_t from = atomic_load(&received), t = clock_now_ns();
	load_sleep(ms * 1000000);
	uint64_t bytes = atomic_load(&received) - from;
	double s = (double)(clock_now_ns() - t) / 1e9;
	load_cost_read(&cost);
	atomic_store(&done, true);
	double gb = (double)bytes / 1e9;
	printf("gbit_per_s=%.3f cpu_s_per_gb=%.3f all_cpu_s_per_gb=%.3f\n", gb * 8 / s,
	       load_cost_s(&cost) / gb, load_cost_all_s(&cost) / gb);
	return 0; /* the sockets and threads go with the process */
}
