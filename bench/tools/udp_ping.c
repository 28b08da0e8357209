/* SPDX-License-Identifier: MIT
 *
 * Round trips of 100-byte datagrams through a UDP proxy: FLOWS client sockets with DEPTH datagrams
 * each on their way, and the server that echoes them, for MS. Prints how many came back, and how
 * many were given up.
 * usage: udp_ping SERVER-PORT PROXY-PORT FLOWS DEPTH MS
 */
#include "load.h"

#include <errno.h>
#include <sys/epoll.h>

#define BYTES 100
#define BATCH 32
#define FLOWS_MAX 4096
#define PATIENCE_MS 200 /* then what is missing was lost, and its flow begins again */

static uint8_t room[BATCH][2048];
static struct sockaddr_in from[BATCH];
static struct mmsghdr msgs[BATCH];
static struct iovec iov[BATCH];
static unsigned on_way[FLOWS_MAX];
static int fds[FLOWS_MAX];
static uint64_t trips, lost;

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int receive(int fd)
{
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){room[i], sizeof(room[i])};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i],
						  .msg_iovlen = 1,
						  .msg_name = &from[i],
						  .msg_namelen = sizeof(from[i])};
	}
	int n = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		iov[i].iov_len = msgs[i].msg_len;
	return n;
}

static void echo(int fd)
{
	int n;
	while ((n = receive(fd)) > 0)
		(void)sendmmsg(fd, msgs, (unsigned)n, MSG_DONTWAIT);
}

static void send_more(int flow, unsigned n)
{
	static const uint8_t text[BYTES];
	for (; n > 0; n--)
		on_way[flow] += send(fds[flow], text, sizeof(text), MSG_DONTWAIT) == BYTES;
}

static void flow_ready(int flow)
{
	int n;
	while ((n = receive(fds[flow])) > 0) {
		unsigned came = MIN((unsigned)n, on_way[flow]);
		trips += came;
		on_way[flow] -= came;
		send_more(flow, came);
	}
}

static void watch_fd(int ep, int fd, uint32_t id)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = id};
	load_check(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
}

static void start_lost(int flows, unsigned depth)
{
	for (int i = 0; i < flows; i++) {
		lost += on_way[i];
		on_way[i] = 0;
		send_more(i, depth);
	}
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 64;
	struct sockaddr_in server = loopback((uint16_t)load_number(argv[1]));
	struct sockaddr_in proxy = loopback((uint16_t)load_number(argv[2]));
	int flows = (int)load_number(argv[3]), ep = epoll_create1(0);
	unsigned depth = (unsigned)load_number(argv[4]);
	load_check(flows > 0 && flows < FLOWS_MAX, "FLOWS");
	int echo_fd = socket(AF_INET, SOCK_DGRAM, 0);
	load_check(bind(echo_fd, (struct sockaddr *)&server, sizeof(server)) == 0, "bind");
	watch_fd(ep, echo_fd, (uint32_t)flows);
	for (int i = 0; i < flows; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		load_check(connect(fds[i], (struct sockaddr *)&proxy, sizeof(proxy)) == 0,
			   "connect");
		watch_fd(ep, fds[i], (uint32_t)i);
		send_more(i, depth);
	}
	uint64_t end = clock_now_ms() + load_number(argv[5]), last = clock_now_ms();
	while (clock_now_ms() < end) {
		struct epoll_event batch[BATCH];
		int n = epoll_wait(ep, batch, BATCH, PATIENCE_MS);
		uint64_t before = trips;
		for (int i = 0; i < n; i++)
			if (batch[i].data.u32 == (uint32_t)flows)
				echo(echo_fd);
			else
				flow_ready((int)batch[i].data.u32);
		if (trips == before && clock_now_ms() - last > PATIENCE_MS)
			start_lost(flows, depth);
		else if (trips == before)
			continue;
		last = clock_now_ms();
	}
	printf("trips=%llu lost=%llu\n", (unsigned long long)trips, (unsigned long long)lost);
	return fflush(stdout) ? 74 : 0;
}
