/* SPDX-License-Identifier: MIT
 *
 * The connections of a listener: each is relayed, a refused one is reset, the limit holds back.
 */
#include "net/net.h"
#include "tap.h"

#include <errno.h>
#include <unistd.h>

static struct rn_error err;
static struct loop *loop;
static struct addr front, back;
static bool refuse;
static int ended, opened;

static int open_back(void *ctx, const struct addr *from)
{
	(void)ctx;
	rn_assert(addr_is_loopback(from));
	opened++;
	return refuse ? RN_EPERM : sock_connect(&back, &err);
}

static void on_end(void *ctx, const struct addr *from, const struct relay_stat *stat,
		   enum rn_err why)
{
	(void)ctx;
	(void)from;
	(void)stat;
	(void)why;
	ended++;
}

static int listen_any(struct addr *a)
{
	int fd;

	rn_assert(addr_parse(a, STR("127.0.0.1:0"), -1));
	fd = sock_listen(a, false, &err);
	rn_assert(fd >= 0 && sock_local(fd, a));
	return fd;
}

static int accept_soon(int fd)
{
	for (int i = 0; i < 500; i++) {
		int got;

		rn_assert(loop_once(loop, 2, &err) == 0);
		got = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
		if (got >= 0)
			return got;
	}
	return -1;
}

static ssize_t get(int fd, char *b, size_t n)
{
	for (int i = 0; i < 500; i++) {
		ssize_t got;

		rn_assert(loop_once(loop, 2, &err) == 0);
		got = recv(fd, b, n, 0);
		if (got >= 0 || errno != EAGAIN)
			return got;
	}
	return -2;
}

static void turns(int n)
{
	while (n--)
		rn_assert(loop_once(loop, 2, &err) == 0);
}

/* With hold_ms nobody is opened for who hangs up at once; who sends is served at once, who waits
 * soon. */
static void test_hold(int server)
{
	struct conns_conf conf = {
		.listener = listen_any(&front), .max = 4, .hold_ms = 200, .open = open_back};
	uint64_t start = clock_now_ms();
	struct conns *cs = conns_start(loop, &conf, &err);
	int c, s;

	rn_assert(cs);
	opened = 0;
	c = sock_connect(&front, &err);
	turns(2);
	close(c);
	turns(5);
	TAP_OK(opened == 0 && conns_count(cs) == 0, "who hangs up is not opened for");
	c = sock_connect(&front, &err);
	rn_assert(send(c, "GET", 3, 0) == 3);
	s = accept_soon(server);
	TAP_OK(s >= 0 && clock_now_ms() - start < 200, "who speaks is served at once");
	close(c);
	close(s);
	c = sock_connect(&front, &err);
	s = accept_soon(server);
	TAP_OK(s >= 0 && opened == 2, "who waits to be spoken to is served soon");
	close(s);
	close(c);
	c = sock_connect(&front, &err);
	turns(2);
	conns_stop(cs);
	TAP_OK(opened == 2, "one that is held ends with stop");
	close(c);
}

int main(void)
{
	int server = listen_any(&back), c1, c2, c3, s1, s2, s3;
	struct conns_conf conf = {
		.listener = listen_any(&front), .max = 2, .open = open_back, .end = on_end};
	struct conns *cs;
	char b[8];

	loop = loop_new(&err);
	cs = conns_start(loop, &conf, &err);
	rn_assert(cs);
	c1 = sock_connect(&front, &err);
	s1 = accept_soon(server);
	c2 = sock_connect(&front, &err);
	s2 = accept_soon(server);
	rn_assert(s1 >= 0 && s2 >= 0 && send(c1, "one", 3, 0) == 3 && send(c2, "two!", 4, 0) == 4);
	TAP_OK(get(s1, b, sizeof(b)) == 3 && get(s2, b, sizeof(b)) == 4 && conns_count(cs) == 2,
	       "two are relayed");
	c3 = sock_connect(&front, &err);
	turns(5);
	TAP_OK(accept4(server, NULL, NULL, SOCK_NONBLOCK) < 0 && conns_count(cs) == 2,
	       "a third waits at the limit");
	close(c1);
	close(s1);
	s3 = accept_soon(server);
	TAP_OK(s3 >= 0 && ended == 1 && conns_count(cs) == 2, "and has its turn when one ends");
	close(c2);
	close(s2);
	turns(5);
	refuse = true;
	c1 = sock_connect(&front, &err);
	TAP_OK(get(c1, b, sizeof(b)) == -1 && errno == ECONNRESET && conns_count(cs) == 1,
	       "a refused one is reset");
	conns_stop(cs);
	TAP_OK(get(c3, b, sizeof(b)) == -1 && get(s3, b, sizeof(b)) == -1,
	       "stop cuts what is left");
	TAP_OK(ended == 2, "without a word to end");
	refuse = false;
	test_hold(server);
	close(c1);
	close(c3);
	close(s3);
	close(server);
	loop_free(loop);
	return tap_done();
}
