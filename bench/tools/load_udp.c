/* SPDX-License-Identifier: MIT
 *
 * load_udp NS-A NS-B ADDRESS MS BYTES LIMIT [PID]...
 *
 * The most datagrams of BYTES (the IP packet's length) a second that pass from NS-A to ADDRESS in
 * NS-B with less than 1 % lost, found by probing rates for MS each, up to LIMIT a second. Plain
 * sendmmsg and recvmmsg, so that each datagram is a packet of its own in both stacks.
 */
#include "load.h"

#include <netinet/udp.h>

#define BATCH 64
#define TICK_NS 200000
#define DATAGRAM_MAX 1472
#define FIRST_RATE 20000.0
#define HALVINGS 4
#define QUIET_NS 20000000

struct probe {
	double sent_per_s, received_per_s;
	double cpu_us, all_cpu_us; /* a packet received: of one end; of both and this program */
	bool passed;
};

static _Atomic uint64_t received;
static int in_fd, out_fd;
static size_t payload;
static struct load_cost cost;

static void *receive_all(void *ctx)
{
	static uint8_t room[BATCH][DATAGRAM_MAX];
	static struct mmsghdr msgs[BATCH];
	static struct iovec iov[BATCH];
	(void)ctx;
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){room[i], sizeof(room[i])};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	for (;;) {
		int n = recvmmsg(in_fd, msgs, BATCH, MSG_WAITFORONE, NULL);
		load_check(n > 0, "recvmmsg");
		atomic_fetch_add_explicit(&received, (uint64_t)n, memory_order_relaxed);
	}
	return NULL;
}

static uint64_t send_some(uint64_t n)
{
	static uint8_t room[DATAGRAM_MAX];
	static struct mmsghdr msgs[BATCH];
	static struct iovec iov;
	uint64_t sent = 0;
	iov = (struct iovec){room, payload};
	for (size_t i = 0; i < BATCH; i++)
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	while (sent < n) {
		int got = sendmmsg(out_fd, msgs, (unsigned)MIN(n - sent, BATCH), 0);
		if (got <= 0) /* the queue is full: as good as lost */
			return n;
		sent += (uint64_t)got;
	}
	return sent;
}

/* RATE datagrams a second for NS, in bursts of one tick. */
static struct probe probe(double rate, uint64_t ns)
{
	struct probe p = {0};
	uint64_t sent = 0, before = atomic_load(&received), start = clock_now_ns(), now = start;
	memset(cost.cpu_ns, 0, sizeof(cost.cpu_ns));
	cost.own_ns = 0;
	load_cost_read(&cost);
	while (now - start < ns) {
		uint64_t due = (uint64_t)(rate * (double)(now - start) / 1e9);
		if (due > sent)
			sent += send_some(due - sent);
		load_sleep(TICK_NS);
		now = clock_now_ns();
	}
	load_cost_read(&cost);
	uint64_t last;
	do { /* until what is queued has arrived */
		last = atomic_load(&received);
		load_sleep(QUIET_NS);
	} while (atomic_load(&received) != last);
	double s = (double)(now - start) / 1e9;
	p.sent_per_s = (double)sent / s;
	p.received_per_s = (double)(last - before) / s;
	p.cpu_us = load_cost_s(&cost) * 1e6 / (double)MAX(last - before, 1);
	p.all_cpu_us = load_cost_all_s(&cost) * 1e6 / (double)MAX(last - before, 1);
	p.passed = p.received_per_s >= 0.99 * p.sent_per_s && p.sent_per_s >= 0.95 * rate;
	return p;
}

/* A rate counts as lost when it fails twice: the machine may have been busy elsewhere. */
static struct probe search(uint64_t ns, double limit)
{
	struct probe best = {0}, p;
	double rate = FIRST_RATE, low = 0, high;
	for (;; rate *= 1.5) {
		p = probe(rate, ns);
		if (!p.passed)
			p = probe(rate, ns);
		if (!p.passed || rate > limit)
			break;
		best = p;
		low = rate;
	}
	high = rate;
	for (int i = 0; i < HALVINGS; i++) {
		rate = (low + high) / 2;
		p = probe(rate, ns);
		if (p.passed) {
			best = p;
			low = rate;
		} else {
			high = rate;
		}
	}
	return best;
}

int main(int argc, char **argv)
{
	if (argc < 7) {
		fputs("usage: load_udp NS-A NS-B ADDRESS MS BYTES LIMIT [PID]...\n", stderr);
		return 64;
	}
	struct addr to = load_address(argv[3]);
	uint64_t ms = load_number(argv[4]);
	payload = MIN(load_number(argv[5]) - (to.sa.sa_family == AF_INET ? 28 : 48), DATAGRAM_MAX);
	load_cost_pids(&cost, argc - 7, argv + 7);
	prctl(PR_SET_TIMERSLACK, 1000UL);
	in_fd = load_socket(argv[2], &to, SOCK_DGRAM);
	load_check(bind(in_fd, &to.sa, addr_len(&to)) == 0, "bind");
	out_fd = load_socket(argv[1], &to, SOCK_DGRAM);
	load_check(connect(out_fd, &to.sa, addr_len(&to)) == 0, "connect");
	load_thread(receive_all, NULL);
	struct probe best = search(ms * 1000000, (double)load_number(argv[6]));
	printf("packets_per_s=%.0f cpu_us_per_packet=%.2f all_cpu_us_per_packet=%.2f\n",
	       best.received_per_s, best.cpu_us, best.all_cpu_us);
	return 0;
}
