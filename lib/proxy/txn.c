/* SPDX-License-Identifier: MIT
 *
 * A request from its first byte to its access record: the pool, the way through the stages, the
 * end.
 */
#include "proxy/run.h"

#include <netinet/tcp.h>

/* In this order; a stage that answers itself ends the way, and the access record follows always.
 * The firewall's place is behind route: its rules may be a resource's own. */
static stage_fn *const stages[] = {
	[STAGE_PARSE] = stage_parse,
	[STAGE_ROUTE] = stage_route,
	[STAGE_AUTHENTICATE] = stage_authenticate,
	[STAGE_POLICY] = stage_policy,
	[STAGE_BALANCE] = stage_balance,
	[STAGE_RELAY] = stage_relay,
};

#define HEAD_TEXT_MAX (HTTP_HEAD_MAX * 2)
#define HEAD_TEXT_KEEP 16384 /* a pooled buffer that grew beyond is given back */

/* ---- pools ----------------------------------------------------------------------------------- */

static struct message *message_new(struct worker *w)
{
	struct message *m = w->free_messages;
	if (m) {
		w->free_messages = m->next_free;
	} else {
		m = malloc(sizeof(*m));
		if (!m)
			return NULL;
		buf_init(&m->req_text, HEAD_TEXT_MAX);
		buf_init(&m->res_text, HEAD_TEXT_MAX);
		buf_init(&m->path_buf, HTTP_LINE_MAX + 1);
		buf_init(&m->query_buf, HTTP_LINE_MAX);
		buf_init(&m->set_cookie, 4096);
	}
	http_head_init(&m->req, HTTP_REQUEST);
	m->head = (struct inbuf){0};
	m->host = m->path = m->query = (struct str){0};
	memset(&m->who, 0, offsetof(struct who, link_id));
	return m;
}

static void buf_reset(struct buf *b)
{
	if (b->cap > HEAD_TEXT_KEEP)
		buf_free(b);
	else
		buf_clear(b);
}

static void message_bufs(struct message *m, void (*fn)(struct buf *))
{
	fn(&m->req_text);
	fn(&m->res_text);
	fn(&m->path_buf);
	fn(&m->query_buf);
	fn(&m->set_cookie);
}

void txn_message_free(struct txn *t)
{
	struct message *m = t->m;
	if (!m)
		return;
	inbuf_drop(&m->head, &t->worker->blocks);
	message_bufs(m, buf_reset);
	m->next_free = t->worker->free_messages;
	t->worker->free_messages = m;
	t->m = NULL;
}

static void txn_timeout(struct timer *timer);

struct txn *txn_new(struct conn *c, struct inbuf *left)
{
	struct worker *w = c->worker;
	struct txn *t = w->free_txns;
	struct message *m = message_new(w);

	if (t && m)
		w->free_txns = t->next_free;
	else if (m)
		t = malloc(sizeof(*t));
	if (!t || !m) {
		free(m);
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->conn = c;
	t->worker = w;
	t->m = m;
	t->view = view_ref(w->view);
	t->listen = snapshot_listen(t->view->snap, c->listener);
	t->timer.fn = txn_timeout;
	t->req_half.pool = t->res_half.pool = &w->blocks;
	t->req_half.src = t->res_half.dst = &c->stream;
	if (left) {
		m->head = *left;
		*left = (struct inbuf){0};
	}
	buf_init(&t->record, REC_LINE_MAX);
	t->began_ms = loop_now_ms(w->loop);
	t->began_at = clock_wall_ms();
	access_id(t->id, t->began_at, w->id_next);
	timer_start(w->loop, &t->timer, t->listen ? t->listen->head_ms : 1000);
	return t;
}

void txns_free(struct worker *w)
{
	for (struct txn *t = w->free_txns, *next; t; t = next) {
		next = t->next_free;
		free(t);
	}
	for (struct message *m = w->free_messages, *next; m; m = next) {
		next = m->next_free;
		message_bufs(m, buf_free);
		free(m);
	}
}

static void txn_free(struct txn *t)
{
	struct worker *w = t->worker;
	timer_stop(w->loop, &t->timer);
	inbuf_drop(&t->req_half.in, &w->blocks);
	inbuf_drop(&t->res_half.in, &w->blocks);
	txn_message_free(t);
	buf_free(&t->record);
	view_unref(t->view);
	t->next_free = w->free_txns;
	w->free_txns = t;
}

/* ---- the way --------------------------------------------------------------------------------- */

void txn_run(struct txn *t)
{
	while (t->stage < ARRAY_LEN(stages)) {
		if (stages[t->stage](t) != STAGE_NEXT)
			return; /* waits, or has an answer; T may be gone */
		t->stage++;
	}
}

/* A visitor over TLS that ended its stream while the target thinks is gone: nobody leaves TLS half open.
 * A plain one may only have said all it had to say (nc -N), and still reads. */
static bool visitor_left(const struct txn *t)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return t->conn->stream.tls && !t->upgraded &&
	       getsockopt(t->conn->stream.watch.fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_CLOSE_WAIT;
}

void txn_conn_event(struct txn *t, uint32_t events)
{
	if (!t->head_done) {
		txn_run(t);
		return;
	}
	if ((!t->upgraded && (events & (EPOLLERR | EPOLLHUP))) ||
	    ((events & (EPOLLIN | EPOLLRDHUP)) && visitor_left(t))) {
		txn_abort(t, "visitor is gone");
		return;
	}
	if ((events & EPOLLIN) && (t->req_done || !t->relaying)) {
		/* The next request, or the end: not now. */
		struct stream *s = &t->conn->stream;
		stream_want(s, t->worker->loop,
			    (s->want & EPOLLOUT) | (s->tls && !t->upgraded ? (uint32_t)EPOLLRDHUP : 0));
		if (!(events & EPOLLOUT))
			return;
	}
	txn_pump(t);
}

void txn_why(struct txn *t, const char *why)
{
	if (!t->why[0])
		str_copy(t->why, sizeof(t->why), str_slice(str_from(why), 0, sizeof(t->why) - 1));
}

static void txn_timeout(struct timer *timer)
{
	struct txn *t = container_of(timer, struct txn, timer);
	if (!t->head_done && inbuf_str(&t->m->head).len > 0 && !t->answering) {
		txn_answer(t, &(struct answer){.status = 408,
					       .why = "the head did not come in time",
					       .text = STR("The request did not arrive in time.")});
		return;
	}
	if (t->head_done && !t->answering && t->up) {
		txn_answer(t, &(struct answer){
				      .status = 504,
				      .why = "the target did not answer in time",
				      .text = STR("The service behind this name took too long to "
						  "answer.")});
		return;
	}
	txn_abort(t, t->head_done ? "nothing moved in time" : "");
}

/* ---- the end --------------------------------------------------------------------------------- */

static void txn_up_release(struct txn *t)
{
	struct up *up = t->up;
	t->up = NULL;
	if (!up)
		return;
	if (t->up_keep && t->res_done && t->req_done && !t->own && !t->res_half.in.block)
		up_keep(up);
	else
		up_close(up);
}

void txn_end(struct txn *t)
{
	struct conn *c = t->conn;
	struct inbuf left = t->req_half.in;
	bool keep = t->keep && t->req_done;

	inbuf_rest(&t->res_half.in, &t->worker->blocks);
	txn_up_release(t);
	inbuf_rest(&left, &t->worker->blocks);
	t->req_half.in = (struct inbuf){0};
	c->last = t->m && !t->m->req.keep_alive && t->req_done;
	stage_access(t);
	c->requests++;
	txn_free(t);
	conn_next(c, keep, &left);
}

void txn_abort(struct txn *t, const char *why)
{
	struct conn *c = t->conn;
	txn_why(t, why);
	up_close(t->up);
	t->up = NULL;
	if (t->head_done)
		stage_access(t);
	txn_free(t);
	c->txn = NULL;
	conn_close(c);
}
