/* SPDX-License-Identifier: MIT
 *
 * The connections of one listener, each relayed to a connection of its own.
 */
#include "net/net.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CONNS_BATCH 16
#define CONNS_PAUSE_MS 100

struct conn {
	struct conn *prev, *next;
	struct conns *owner;
	struct relay *relay; /* NULL while it is held */
	struct watch held;   /* fd is -1 once it is relayed */
	struct timer wait;
	struct addr from;
};

struct conns {
	struct loop *loop;
	struct conns_conf conf;
	struct watch listener;
	struct timer pause;
	struct conn list; /* head */
	size_t count;
};

static void conn_forget(struct conn *c)
{
	struct conns *cs = c->owner;

	c->prev->next = c->next;
	c->next->prev = c->prev;
	if (cs->count-- == cs->conf.max)
		watch_set(cs->loop, &cs->listener, EPOLLIN);
	free(c);
}

static void conn_done(void *ctx, const struct relay_stat *stat, enum rn_err why)
{
	struct conn *c = ctx;
	struct conns *cs = c->owner;
	struct addr from = c->from;

	conn_forget(c);
	if (cs->conf.end)
		cs->conf.end(cs->conf.ctx, &from, stat, why);
}

/* A visitor that cannot be served is reset: no clean end of a stream that never was. */
static void refuse(int fd)
{
	const struct linger cut = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &cut, sizeof(cut));
	close(fd);
}

/* Relays FD from now on, or refuses it and forgets C. */
static void conn_serve(struct conn *c, int fd)
{
	struct conns *cs = c->owner;
	struct rn_error err;
	int other = cs->conf.open(cs->conf.ctx, &c->from);

	if (other < 0)
		refuse(fd);
	else
		c->relay = relay_start(cs->loop, fd, other, cs->conf.idle_ms, conn_done, c, &err);
	if (!c->relay)
		conn_forget(c);
}

/* ---- held ones --------------------------------------------------------------------------------
 */

static int conn_release(struct conn *c)
{
	int fd = c->held.fd;

	timer_stop(c->owner->loop, &c->wait);
	watch_del(c->owner->loop, &c->held);
	c->held.fd = -1;
	return fd;
}

static void held_event(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, held);
	char byte;
	ssize_t n = recv(w->fd, &byte, 1, MSG_PEEK);
	int fd;

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	fd = conn_release(c);
	if (n > 0) {
		conn_serve(c, fd);
		return;
	}
	close(fd);
	conn_forget(c);
}

static void held_long(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, wait);

	conn_serve(c, conn_release(c));
}

static void conn_hold(struct conn *c, int fd)
{
	struct conns *cs = c->owner;
	struct rn_error err;

	c->held = (struct watch){.fd = fd, .events = EPOLLIN | EPOLLRDHUP, .fn = held_event};
	c->wait.fn = held_long;
	if (watch_add(cs->loop, &c->held, &err)) {
		c->held.fd = -1;
		refuse(fd);
		conn_forget(c);
		return;
	}
	timer_start(cs->loop, &c->wait, cs->conf.hold_ms);
}

/* ---- accepting --------------------------------------------------------------------------------
 */

static void conn_start(struct conns *cs, int fd, const struct addr *from)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c) {
		refuse(fd);
		return;
	}
	c->owner = cs;
	c->from = *from;
	c->held.fd = -1;
	c->prev = cs->list.prev;
	c->next = &cs->list;
	c->prev->next = c;
	c->next->prev = c;
	if (++cs->count == cs->conf.max)
		watch_set(cs->loop, &cs->listener, 0);
	if (cs->conf.hold_ms)
		conn_hold(c, fd);
	else
		conn_serve(c, fd);
}

static void pause_over(struct timer *t)
{
	struct conns *cs = container_of(t, struct conns, pause);

	if (cs->count < cs->conf.max)
		watch_set(cs->loop, &cs->listener, EPOLLIN);
}

static void listener_event(struct watch *w, uint32_t events)
{
	struct conns *cs = container_of(w, struct conns, listener);

	(void)events;
	for (int i = 0; i < CONNS_BATCH && cs->count < cs->conf.max; i++) {
		struct addr from = {0};
		socklen_t len = sizeof(from);
		int fd = accept4(w->fd, &from.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			if (from.sa.sa_family == AF_UNIX)
				(void)sock_peer(fd, &from); /* all zeros when it has none */
			conn_start(cs, fd, &from);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			watch_set(cs->loop, w, 0);
			timer_start(cs->loop, &cs->pause, CONNS_PAUSE_MS);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

/* Accepted sockets inherit these: a peer that vanished without a word is noticed after two minutes.
 */
static void notice_dead_peers(int listener)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},	  {IPPROTO_TCP, TCP_KEEPIDLE, 60},
		{IPPROTO_TCP, TCP_KEEPINTVL, 20}, {IPPROTO_TCP, TCP_KEEPCNT, 3},
		{IPPROTO_TCP, TCP_NODELAY, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++) /* fails on unix sockets, which need none */
		setsockopt(listener, options[i].level, options[i].name, &options[i].value,
			   sizeof(int));
}

struct conns *conns_start(struct loop *l, const struct conns_conf *conf, struct rn_error *err)
{
	struct conns *cs = calloc(1, sizeof(*cs));

	rn_assert(conf->max > 0);
	if (!cs) {
		rn_fail(err, RN_EOS, "no memory for connections");
		return NULL;
	}
	cs->loop = l;
	cs->conf = *conf;
	cs->pause.fn = pause_over;
	cs->list.prev = cs->list.next = &cs->list;
	cs->listener =
		(struct watch){.fd = conf->listener, .events = EPOLLIN, .fn = listener_event};
	notice_dead_peers(conf->listener);
	if (watch_add(l, &cs->listener, err) == 0)
		return cs;
	free(cs);
	return NULL;
}

void conns_stop(struct conns *cs)
{
	if (!cs)
		return;
	timer_stop(cs->loop, &cs->pause);
	while (cs->list.next != &cs->list) {
		struct conn *c = cs->list.next;

		if (c->held.fd >= 0)
			refuse(conn_release(c));
		relay_cancel(c->relay);
		conn_forget(c);
	}
	watch_del(cs->loop, &cs->listener);
	fd_close(&cs->listener.fd);
	free(cs);
}

size_t conns_count(const struct conns *cs)
{
	return cs->count;
}
