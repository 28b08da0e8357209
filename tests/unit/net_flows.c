/* SPDX-License-Identifier: MIT
 *
 * UDP flows: two clients keep apart, the limit holds, idle flows end, a refusal upstream ends its
 * own.
 */
#include "net/net.h"
#include "tap.h"

#include <unistd.h>

static struct rn_error err;
static struct loop *loop;
static struct addr upstream_addr;
static int opened, ended;
static enum rn_err last_why;
static struct flow_stat last_stat;

static int open_upstream(void *ctx, const struct addr *client, void **flow_ctx)
{
	(void)ctx;
	(void)client;
	*flow_ctx = &opened;
	opened++;
	return sock_udp_to(&upstream_addr, &err);
}

static void on_end(void *ctx, const struct addr *client, const struct flow_stat *stat,
		   enum rn_err why, void *flow_ctx)
{
	(void)ctx;
	rn_assert(flow_ctx == &opened && addr_port(client));
	ended++;
	last_why = why;
	last_stat = *stat;
}

static int bind_any(struct addr *a)
{
	int fd;

	rn_assert(addr_parse(a, STR("127.0.0.1:0"), -1));
	fd = sock_udp(a, false, &err);
	rn_assert(fd >= 0 && sock_local(fd, a));
	return fd;
}

static void turn(void)
{
	rn_assert(loop_once(loop, 2, &err) == 0);
}

static ssize_t get(int fd, char *b, size_t n, struct addr *from)
{
	for (int i = 0; i < 500; i++) {
		socklen_t len = sizeof(*from);
		ssize_t got = recvfrom(fd, b, n, MSG_DONTWAIT, from ? &from->sa : NULL,
				       from ? &len : NULL);

		if (got >= 0)
			return got;
		turn();
	}
	return -1;
}

static void test_flows(void)
{
	struct flows_conf conf = {.max = 2, .idle_ms = 1000, .open = open_upstream, .end = on_end};
	struct addr front, from1, from2, x;
	int echo = bind_any(&upstream_addr), c1, c2, c3;
	struct flows *f;
	char b[70000] = {0};

	conf.listener = bind_any(&front);
	clock_fake_ns(UINT64_C(1000000000));
	loop = loop_new(&err);
	f = flows_start(loop, &conf, &err);
	rn_assert(f);
	c1 = sock_udp_to(&front, &err);
	c2 = sock_udp_to(&front, &err);
	c3 = sock_udp_to(&front, &err);
	rn_assert(c1 >= 0 && c2 >= 0 && c3 >= 0);

	rn_assert(send(c1, "one", 3, 0) == 3);
	TAP_OK(get(echo, b, sizeof(b), &from1) == 3,
	       "the first client's datagram arrives upstream");
	rn_assert(send(c2, "two!", 4, 0) == 4);
	TAP_OK(get(echo, b, sizeof(b), &from2) == 4 && !addr_eq(&from1, &from2),
	       "the second's from another socket");
	rn_assert(sendto(echo, "A", 1, 0, &from1.sa, addr_len(&from1)) == 1);
	rn_assert(sendto(echo, "BB", 2, 0, &from2.sa, addr_len(&from2)) == 2);
	TAP_OK(get(c1, b, sizeof(b), &x) == 1 && b[0] == 'A', "each gets its own answer");
	TAP_OK(get(c2, b, sizeof(b), &x) == 2 && b[0] == 'B', "from its own flow");

	rn_assert(send(c3, "three", 5, 0) == 5);
	turn();
	TAP_OK(flows_count(f) == 2 && flows_refused(f) == 1 && opened == 2,
	       "a third is over the limit");

	memset(b, 'z', 60000);
	rn_assert(send(c1, b, 60000, 0) == 60000);
	TAP_OK(get(echo, b, sizeof(b), &x) == 60000 && addr_eq(&x, &from1),
	       "large datagrams stay whole");
	rn_assert(send(c1, "", 0, 0) == 0);
	TAP_OK(get(echo, b, sizeof(b), &x) == 0, "empty ones too");
	for (int i = 0; i < 40; i++)
		rn_assert(send(c1, "n", 1, 0) == 1);
	for (int i = 0; i < 40; i++)
		rn_assert(get(echo, b, sizeof(b), &x) == 1);
	TAP_OK(true, "a burst of more than one batch arrives");

	clock_fake_ns(UINT64_C(1900000000));
	rn_assert(send(c1, "n", 1, 0) == 1);
	rn_assert(get(echo, b, sizeof(b), &x) == 1);
	clock_fake_ns(UINT64_C(2100000000));
	turn();
	TAP_OK(flows_count(f) == 1 && ended == 1 && last_why == RN_EAGAIN,
	       "the idle one ends, the busy one stays");
	TAP_OK(last_stat.to_upstream_packets == 1 && last_stat.to_upstream_bytes == 4 &&
		       last_stat.to_client_bytes == 2,
	       "and tells what it carried");

	close(echo);
	rn_assert(send(c1, "n", 1, 0) == 1);
	for (int i = 0; i < 100 && ended < 2; i++)
		turn();
	TAP_OK(ended == 2 && last_why == RN_EAWAY, "refused upstream: the flow ends");

	rn_assert(send(c2, "n", 1, 0) == 1);
	for (int i = 0; i < 100 && opened < 3; i++)
		turn();
	flows_stop(f);
	TAP_OK(opened == 3 && ended == 3, "stop ends every flow");
	close(c1);
	close(c2);
	close(c3);
	loop_free(loop);
}

/* Clients of made-up addresses fill the table; who talks stays, and who comes gets in. */
static void test_flood(void)
{
	struct flows_conf conf = {.max = 8, .idle_ms = 60000, .open = open_upstream};
	struct addr front, from;
	int echo = bind_any(&upstream_addr), talks, comes, made_up[20];
	struct flows *f;
	char b[16];

	conf.listener = bind_any(&front);
	clock_fake_ns(UINT64_C(10000000000));
	loop = loop_new(&err);
	f = flows_start(loop, &conf, &err);
	rn_assert(f);
	talks = sock_udp_to(&front, &err);
	rn_assert(send(talks, "hello", 5, 0) == 5);
	rn_assert(get(echo, b, sizeof(b), &from) == 5);
	rn_assert(sendto(echo, "yes", 3, 0, &from.sa, addr_len(&from)) == 3);
	rn_assert(get(talks, b, sizeof(b), NULL) == 3);
	for (size_t i = 0; i < ARRAY_LEN(made_up); i++) {
		made_up[i] = sock_udp_to(&front, &err);
		rn_assert(send(made_up[i], "x", 1, 0) == 1);
		turn();
	}
	TAP_OK(flows_count(f) == 8 && flows_refused(f) == 13, "at once a flood gets what is free");
	while (recv(echo, b, sizeof(b), MSG_DONTWAIT) > 0)
		;
	clock_fake_ns(UINT64_C(10500000000));
	comes = sock_udp_to(&front, &err);
	rn_assert(send(comes, "me", 2, 0) == 2);
	TAP_OK(get(echo, b, sizeof(b), &from) == 2 && flows_count(f) == 8,
	       "half a second later a new client takes the place of one that was never answered");
	for (int i = 0; i < 20; i++)
		turn();
	opened = 0;
	rn_assert(send(talks, "again", 5, 0) == 5);
	TAP_OK(get(echo, b, sizeof(b), &from) == 5 && opened == 0, "who was answered kept its flow");
	flows_stop(f);
	close(echo);
	close(talks);
	close(comes);
	for (size_t i = 0; i < ARRAY_LEN(made_up); i++)
		close(made_up[i]);
	loop_free(loop);
}

int main(void)
{
	test_flows();
	test_flood();
	return tap_done();
}
