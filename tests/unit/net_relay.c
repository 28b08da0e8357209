/* SPDX-License-Identifier: MIT
 *
 * The relay between two TCP connections over loopback: integrity under back-pressure, half-close,
 * resets, refusals, idle time.
 */
#include "net/net.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static struct rn_error err;
static struct loop *loop;

/* client ↔ [near relay far] ↔ server */
struct chain {
	int client, server;
	struct relay *relay;
	int done;
	enum rn_err why;
	struct relay_stat stat;
};

static void on_done(void *ctx, const struct relay_stat *stat, enum rn_err why)
{
	struct chain *c = ctx;

	c->done++;
	c->why = why;
	c->stat = *stat;
	c->relay = NULL;
}

static void tcp_pair(int fds[2])
{
	struct addr a;
	int ls;

	rn_assert(addr_parse(&a, STR("127.0.0.1:0"), -1));
	ls = sock_listen(&a, false, &err);
	rn_assert(ls >= 0 && sock_local(ls, &a));
	fds[0] = sock_connect(&a, &err);
	rn_assert(fds[0] >= 0);
	while ((fds[1] = accept4(ls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
		rn_assert(errno == EAGAIN);
	close(ls);
}

static void chain_open(struct chain *c, uint64_t idle_ms)
{
	int near[2], far[2];

	*c = (struct chain){0};
	tcp_pair(near);
	tcp_pair(far);
	c->client = near[0];
	c->server = far[1];
	c->relay = relay_start(loop, near[1], far[0], idle_ms, on_done, c, &err);
	rn_assert(c->relay);
}

static void chain_close(struct chain *c)
{
	fd_close(&c->client);
	fd_close(&c->server);
	relay_cancel(c->relay);
}

static void turns(int n)
{
	while (n--)
		rn_assert(loop_once(loop, 2, &err) == 0);
}

/* Turns until FD gives N bytes, end of file (0) or an error (-1), or a second has passed. */
static ssize_t get(int fd, void *bytes, size_t n)
{
	for (int i = 0; i < 500; i++) {
		ssize_t got;

		rn_assert(loop_once(loop, 2, &err) == 0);
		got = recv(fd, bytes, n, 0);
		if (got >= 0 || errno != EAGAIN)
			return got;
	}
	return -2;
}

static bool until_done(struct chain *c)
{
	for (int i = 0; i < 500 && !c->done; i++)
		rn_assert(loop_once(loop, 2, &err) == 0);
	return c->done == 1;
}

static void test_half_close(void)
{
	struct chain c;
	char b[64];

	chain_open(&c, 0);
	rn_assert(send(c.client, "question", 8, 0) == 8);
	TAP_OK(get(c.server, b, sizeof(b)) == 8, "the question arrives");
	shutdown(c.client, SHUT_WR);
	TAP_OK(get(c.server, b, sizeof(b)) == 0, "the client's end is passed on");
	TAP_OK(!c.done, "the other way stays open");
	rn_assert(send(c.server, "late answer", 11, 0) == 11);
	TAP_OK(get(c.client, b, sizeof(b)) == 11, "an answer after it arrives");
	fd_close(&c.server);
	TAP_OK(get(c.client, b, sizeof(b)) == 0, "then the server's end");
	TAP_OK(until_done(&c) && c.why == RN_OK, "both ended: done, cleanly, once");
	TAP_OK(c.stat.a_to_b_bytes == 8 && c.stat.b_to_a_bytes == 11, "and counted");
	chain_close(&c);
}

struct stream { /* one sender and its receiver: bytes of a counter-driven pattern */
	int from, to;
	uint64_t sent, got, want;
	bool wrong;
};

static unsigned char pattern(uint64_t i)
{
	return (unsigned char)((i * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

static void stream_send(struct stream *s, size_t chunk)
{
	unsigned char b[65536];
	size_t n = MIN(MIN(chunk, sizeof(b)), (size_t)(s->want - s->sent));
	ssize_t did;

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		b[i] = pattern(s->sent + i);
	did = send(s->from, b, n, MSG_NOSIGNAL);
	if (did > 0)
		s->sent += (uint64_t)did;
	if (s->sent == s->want)
		shutdown(s->from, SHUT_WR);
}

static void stream_recv(struct stream *s, size_t chunk)
{
	unsigned char b[65536];
	ssize_t did = recv(s->to, b, MIN(chunk, sizeof(b)), 0);

	for (ssize_t i = 0; i < did; i++)
		s->wrong |= b[i] != pattern(s->got + (uint64_t)i);
	if (did > 0)
		s->got += (uint64_t)did;
}

/* Both ways at once, writers and readers at different paces, so that every buffer fills up. */
static void test_back_pressure(size_t send_chunk, size_t recv_chunk, uint64_t total,
			       const char *text)
{
	struct chain c;
	struct stream up, down;

	chain_open(&c, 0);
	up = (struct stream){.from = c.client, .to = c.server, .want = total};
	down = (struct stream){.from = c.server, .to = c.client, .want = total};
	for (int i = 0; i < 2000000 && !(up.got == total && down.got == total && c.done); i++) {
		stream_send(&up, send_chunk);
		stream_send(&down, send_chunk);
		rn_assert(loop_once(loop, 0, &err) == 0);
		if (i % 3 == 0)
			stream_recv(&up, recv_chunk);
		if (i % 5 == 0)
			stream_recv(&down, recv_chunk);
	}
	TAP_OK(up.got == total && down.got == total && !up.wrong && !down.wrong, text);
	TAP_OK(c.done == 1 && c.why == RN_OK && c.stat.a_to_b_bytes == total &&
		       c.stat.b_to_a_bytes == total,
	       "ends cleanly, every byte counted");
	chain_close(&c);
}

/* Nobody reads: the relay must stop taking bytes, and go on when somebody does. */
static void test_stall(void)
{
	struct chain c;
	struct stream up;
	uint64_t before;

	chain_open(&c, 0);
	up = (struct stream){.from = c.client, .to = c.server, .want = 64u << 20};
	for (int i = 0; i < 3000; i++) {
		stream_send(&up, 65536);
		rn_assert(loop_once(loop, 0, &err) == 0);
	}
	before = up.sent;
	TAP_OK(before < up.want, "a reader that stalls stalls the writer");
	for (int i = 0; i < 200000 && up.got < before + (4u << 20); i++) {
		stream_send(&up, 65536);
		rn_assert(loop_once(loop, 0, &err) == 0);
		stream_recv(&up, 65536);
	}
	TAP_OK(up.got >= before + (4u << 20) && !up.wrong, "and both go on");
	chain_close(&c);
}

static void test_reset(void)
{
	const struct linger cut = {1, 0};
	struct chain c;
	char b[8];

	chain_open(&c, 0);
	turns(3);
	setsockopt(c.client, SOL_SOCKET, SO_LINGER, &cut, sizeof(cut));
	fd_close(&c.client);
	TAP_OK(until_done(&c) && c.why == RN_EAWAY, "a reset ends the relay");
	TAP_OK(get(c.server, b, sizeof(b)) == -1 && errno == ECONNRESET,
	       "and is passed on as a reset");
	chain_close(&c);
}

/* A server that answers early and closes while the client still uploads: the answer must arrive. */
static void test_early_answer(void)
{
	struct chain c;
	struct stream up;
	char b[64];

	chain_open(&c, 0);
	up = (struct stream){.from = c.client, .to = -1, .want = 1u << 30};
	for (int i = 0; i < 100; i++) {
		stream_send(&up, 65536);
		rn_assert(loop_once(loop, 0, &err) == 0);
	}
	rn_assert(send(c.server, "413 no", 6, 0) == 6);
	TAP_OK(get(c.client, b, sizeof(b)) == 6, "an early answer arrives");
	shutdown(c.server, SHUT_RDWR);
	fd_close(&c.server);
	for (int i = 0; i < 2000 && !c.done; i++) {
		stream_send(&up, 65536);
		rn_assert(loop_once(loop, 0, &err) == 0);
	}
	TAP_OK(c.done == 1 && c.why == RN_EAWAY, "and the broken upload ends the relay");
	chain_close(&c);
}

static void test_refused(void)
{
	struct chain c = {.server = -1};
	struct addr a;
	int pair[2], ls;

	rn_assert(addr_parse(&a, STR("127.0.0.1:0"), -1));
	ls = sock_listen(&a, false, &err);
	rn_assert(ls >= 0 && sock_local(ls, &a));
	close(ls); /* now nobody listens there */
	tcp_pair(pair);
	c.client = pair[0];
	c.relay = relay_start(loop, pair[1], sock_connect(&a, &err), 0, on_done, &c, &err);
	rn_assert(c.relay);
	rn_assert(send(c.client, "hello", 5, 0) == 5);
	TAP_OK(until_done(&c) && c.why == RN_EAWAY, "a refused connect ends the relay");
	TAP_OK(c.stat.a_to_b_bytes <= 5, "with nothing delivered");
	chain_close(&c);
}

static void test_idle(void)
{
	struct loop *real = loop;
	struct chain c;
	char b[8];

	clock_fake_ns(UINT64_C(1000) * 1000000);
	loop = loop_new(&err);
	chain_open(&c, 500);
	turns(2);
	clock_fake_ns(UINT64_C(1400) * 1000000);
	rn_assert(send(c.client, "x", 1, 0) == 1);
	TAP_OK(get(c.server, b, 1) == 1, "something moves at 400 ms");
	clock_fake_ns(UINT64_C(1700) * 1000000);
	turns(2);
	TAP_OK(!c.done, "so 700 ms is not yet idle");
	clock_fake_ns(UINT64_C(1900) * 1000000);
	turns(2);
	TAP_OK(c.done == 1 && c.why == RN_EAGAIN, "500 ms without a byte is");
	chain_close(&c);
	loop_free(loop);
	clock_fake_ns(UINT64_MAX);
	loop = real;
}

static void test_cancel(void)
{
	struct chain c;
	char b[8];

	chain_open(&c, 1000);
	rn_assert(send(c.client, "abc", 3, 0) == 3);
	TAP_OK(get(c.server, b, sizeof(b)) == 3 && relay_stat(c.relay)->a_to_b_bytes == 3,
	       "counted while it runs");
	relay_cancel(c.relay);
	c.relay = NULL;
	TAP_OK(get(c.server, b, sizeof(b)) == -1, "cancel cuts both");
	TAP_OK(!c.done, "without a call of done");
	chain_close(&c);
}

/* A unix socket at the far end, as for unix:/path services. */
static void test_unix(void)
{
	struct chain c = {0};
	int near[2], far[2];
	char b[16];

	tcp_pair(near);
	rn_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, far) == 0);
	c.client = near[0];
	c.server = far[1];
	c.relay = relay_start(loop, near[1], far[0], 0, on_done, &c, &err);
	rn_assert(c.relay);
	rn_assert(send(c.client, "ping", 4, 0) == 4);
	TAP_OK(get(c.server, b, sizeof(b)) == 4, "to a unix socket");
	rn_assert(send(c.server, "pong!", 5, 0) == 5);
	TAP_OK(get(c.client, b, sizeof(b)) == 5, "and back");
	fd_close(&c.server);
	TAP_OK(get(c.client, b, sizeof(b)) == 0, "its end arrives");
	fd_close(&c.client);
	TAP_OK(until_done(&c), "done");
	chain_close(&c);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	loop = loop_new(&err);
	rn_assert(loop);
	test_half_close();
	test_back_pressure(65536, 65536, 16u << 20, "16 MiB each way");
	test_back_pressure(65536, 700, 1u << 20, "slow readers");
	test_back_pressure(1, 65536, 20000, "single bytes fill a pipe's slots before its size");
	test_stall();
	test_reset();
	test_early_answer();
	test_refused();
	test_idle();
	test_cancel();
	test_unix();
	loop_free(loop);
	return tap_done();
}
