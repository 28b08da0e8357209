/* SPDX-License-Identifier: MIT
 *
 * A visitor's HTTP connection: TLS handshake, waiting for requests, ending.
 */
#include "proxy/run.h"

/* After a refusal the visitor may still be sending; a reset would take our answer away from it, so
 * what comes is read and forgotten for a while. */
#define LINGER_MS 2000
#define LINGER_MAX (1U << 20)
#define DEPTH_MAX 16

static struct conn *conn_of(struct watch *watch)
{
	return container_of(container_of(watch, struct stream, watch), struct conn, stream);
}

/* ---- waiting for the visitor ----------------------------------------------------------------- */

static void conn_waits(struct conn *c)
{
	link_remove(&c->waiting);
	link_add(&c->worker->waiting, &c->waiting);
}

void conn_asked(struct conn *c)
{
	link_remove(&c->waiting);
}

#define EVICT_TELL_MS 10000

bool conns_evict(struct worker *w)
{
	uint64_t now = loop_now_ms(w->loop);

	if (w->waiting.next == &w->waiting)
		return false;
	if (!w->evict_told_ms || now - w->evict_told_ms >= EVICT_TELL_MS) {
		w->evict_told_ms = now;
		log_event(LOG_WARN, "too many connections: those that wait longest are ended", NULL);
	}
	struct conn *c = container_of(w->waiting.next, struct conn, waiting);
	if (c->txn)
		txn_abort(c->txn, "evicted");
	else
		conn_close(c);
	return true;
}

bool conns_room(struct worker *w)
{
	return atomic_load_explicit(&w->open, memory_order_relaxed) < w->proxy->conns_max ||
	       conns_evict(w);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void conn_linger(struct conn *c)
{
	char waste[4096];
	size_t n;
	enum io io;
	while ((io = stream_read(&c->stream, waste, sizeof(waste), &n)) == IO_OK) {
		c->linger_bytes += (uint32_t)n;
		if (c->linger_bytes > LINGER_MAX)
			break;
	}
	if (io != IO_WAIT)
		conn_close(c);
}

static void conn_handshake(struct conn *c)
{
	struct rn_error err = {0};
	enum io io = stream_handshake(&c->stream, &err);

	if (io == IO_WAIT) {
		stream_want(&c->stream, c->worker->loop,
			    c->stream.tls_wants_out ? EPOLLOUT : EPOLLIN);
		return;
	}
	if (io != IO_OK) {
		conn_close(c);
		return;
	}
	conn_next(c, true, NULL);
}

static void conn_begin_txn(struct conn *c, struct inbuf *left)
{
	c->step = CONN_BUSY; /* its timer rests where it is: it will be put off, not set anew */
	c->txn = txn_new(c, left);
	if (!c->txn) {
		conn_close(c);
		return;
	}
	txn_conn_event(c->txn, EPOLLIN);
}

static void conn_event(struct watch *watch, uint32_t events)
{
	struct conn *c = conn_of(watch);
	switch (c->step) {
	case CONN_HANDSHAKE:
		conn_handshake(c);
		break;
	case CONN_IDLE:
		conn_begin_txn(c, NULL);
		break;
	case CONN_BUSY:
		txn_conn_event(c->txn, events);
		break;
	case CONN_LEFT:
		stream_want(&c->stream, c->worker->loop, 0);
		break;
	case CONN_LINGER:
		conn_linger(c);
		break;
	}
}

static void conn_timeout(struct timer *timer)
{
	struct conn *c = container_of(timer, struct conn, timer);
	if (c->step == CONN_BUSY)
		return;
	c->depth = 0;
	if (c->step == CONN_LEFT)
		conn_begin_txn(c, &c->left);
	else
		conn_close(c);
}

void conn_accept(struct listener *l, int fd, const struct addr *peer)
{
	struct worker *w = l->worker;
	const struct listen_conf *conf = listener_conf(l);
	struct conn *c = calloc(1, sizeof(*c) + l->name.len);
	struct rn_error err;

	if (!c || stream_open(&c->stream, w->loop, fd, EPOLLIN, conn_event, &err)) {
		if (!c)
			fd_close(&fd);
		free(c);
		return;
	}
	memcpy(c + 1, l->name.ptr, l->name.len);
	c->listener = str_make(c + 1, l->name.len);
	c->worker = w;
	c->peer = *peer;
	c->count = l->count;
	c->timer.fn = conn_timeout;
	link_add(&w->conns, &c->link);
	conn_waits(c);
	worker_opened(w);
	atomic_fetch_add_explicit(&c->count->open, 1, memory_order_relaxed);
	timer_start(w->loop, &c->timer, conf->head_ms);
	c->step = CONN_IDLE;
	if (conf->proto != LISTEN_HTTPS)
		return;
	c->step = CONN_HANDSHAKE;
	c->tls = true;
	stream_secure(&c->stream, w->loop, tls_accept_new(w->view->snap->tls, fd));
	if (!c->stream.tls)
		conn_close(c);
}

void conn_close(struct conn *c)
{
	struct worker *w = c->worker;
	timer_stop(w->loop, &c->timer);
	inbuf_drop(&c->left, &w->blocks);
	if (c->stream.tls && c->step != CONN_HANDSHAKE)
		(void)tls_shutdown(c->stream.tls);
	stream_close(&c->stream, w->loop);
	link_remove(&c->link);
	link_remove(&c->waiting);
	atomic_fetch_sub_explicit(&c->count->open, 1, memory_order_relaxed);
	free(c);
	worker_closed(w);
}

static void conn_begin_linger(struct conn *c)
{
	stream_shutdown(&c->stream);
	c->step = CONN_LINGER;
	stream_want(&c->stream, c->worker->loop, EPOLLIN);
	timer_start(c->worker->loop, &c->timer, LINGER_MS);
	conn_linger(c);
}

/* Bytes of the next request are here. Answers that need no waiting would nest: after some of them
 * the loop takes over. */
static void conn_go_on(struct conn *c, struct inbuf *left)
{
	if (c->depth++ < DEPTH_MAX) {
		conn_begin_txn(c, left);
		return;
	}
	c->step = CONN_LEFT;
	if (left) {
		c->left = *left;
		*left = (struct inbuf){0};
	}
	timer_start(c->worker->loop, &c->timer, 0);
}

void conn_next(struct conn *c, bool keep, struct inbuf *left)
{
	const struct listen_conf *conf = snapshot_listen(c->worker->view->snap, c->listener);

	c->txn = NULL;
	conn_waits(c);
	if (!keep || c->worker->draining || !conf) {
		bool more = (left && left->block) || (c->stream.ready & EPOLLIN);
		if (left)
			inbuf_drop(left, &c->worker->blocks);
		if (c->last && !more)
			conn_close(c);
		else
			conn_begin_linger(c);
		return;
	}
	if ((left && left->block) || (c->stream.tls && tls_pending(c->stream.tls))) {
		conn_go_on(c, left);
		return;
	}
	c->depth = 0;
	c->step = CONN_IDLE;
	stream_want(&c->stream, c->worker->loop, EPOLLIN);
	timer_start(c->worker->loop, &c->timer, conf->idle_ms);
}

void conns_drain(struct worker *w)
{
	for (struct link *i = w->conns.next, *next; i != &w->conns; i = next) {
		struct conn *c = container_of(i, struct conn, link);
		next = i->next;
		/* One that has not asked anything yet may have a request on its way. */
		if (c->step == CONN_IDLE && c->requests > 0)
			conn_close(c);
	}
}

void conns_cut_gone(struct worker *w)
{
	for (struct link *l = w->conns.next; l != &w->conns; l = l->next) {
		struct txn *t = container_of(l, struct conn, link)->txn;

		if (t && t->up && t->target)
			up_cut_gone(t->up, t->target->via);
	}
}

void conns_close(struct worker *w)
{
	while (w->conns.next != &w->conns) {
		struct conn *c = container_of(w->conns.next, struct conn, link);
		if (c->txn)
			txn_abort(c->txn, "stopped");
		else
			conn_close(c);
	}
}
