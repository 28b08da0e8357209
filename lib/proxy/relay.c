/* SPDX-License-Identifier: MIT
 *
 * Stage relay: the request to the target, the answer back, both at the speed of the slower side.
 */
#include "proxy/run.h"

static enum stage_result relay_begin(struct txn *t)
{
	struct half *req = &t->req_half, *res = &t->res_half;

	t->relaying = true;
	t->up->owner = t;
	req->dst = res->src = &t->up->stream;
	req->to = t->target->kind == TARGET_CGI ? HTTP_BODY_CLOSE : req->from;
	http_head_init_response(&t->m->res, t->m->req.method);
	if (t->target->kind == TARGET_CGI)
		http_head_init(&t->m->res, HTTP_CGI);
	else
		half_push(req, buf_str(&t->m->req_text));
	/* Even without a body the head has to leave. */
	t->req_done = false;
	txn_pump(t);
	return STAGE_DONE;
}

enum stage_result stage_relay(struct txn *t)
{
	if (t->target->kind != TARGET_CGI && !head_for_target(t))
		return txn_answer(
			t, &(struct answer){.status = 431,
					    .why = "the head does not fit",
					    .text = STR("The head of this request is too long.")});
	return relay_begin(t);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void target_failed(struct txn *t, const char *why)
{
	if (t->up && t->target->kind != TARGET_CGI)
		atomic_fetch_add_explicit(&t->target->state->slots[t->worker->index].failures, 1,
					  memory_order_relaxed);
	if (t->answering) {
		txn_abort(t, why);
		return;
	}
	t->keep = t->keep && t->m->req.body == HTTP_BODY_NONE;
	if (t->m->req.body == HTTP_BODY_NONE)
		t->req_done = true;
	txn_answer(t, &(struct answer){
			      .status = 502,
			      .why = why,
			      .text = STR("The service behind this name did not answer properly. "
					  "The gateway itself is fine.")});
}

static bool is_idempotent(enum http_method m)
{
	return m == HTTP_GET || m == HTTP_HEAD || m == HTTP_OPTIONS || m == HTTP_PUT ||
	       m == HTTP_DELETE;
}

/* A pooled connection may end just as we take it. If nothing came back and the request can be said
 * twice, it is, on a new connection. */
static bool retry(struct txn *t)
{
	if (t->retried || t->up->uses == 0 || t->m->req.body != HTTP_BODY_NONE ||
	    !is_idempotent(t->m->req.method) || t->res_half.in.to > 0)
		return false;
	t->retried = true;
	t->relaying = false;
	half_forget(&t->req_half);
	inbuf_drop(&t->res_half.in, &t->worker->blocks);
	up_close(t->up);
	t->up = up_dial(t->worker, t->target, t->resource->connect_ms, txn_up_done, t);
	if (!t->up)
		return false;
	t->stage = STAGE_BALANCE;
	return true;
}

static void target_ended(struct txn *t, const char *why)
{
	if (!t->answering && retry(t))
		return;
	target_failed(t, why);
}

/* ---- the answer's head ----------------------------------------------------------------------- */

/* How the body goes on to the visitor. */
static enum http_body visitor_body(struct txn *t)
{
	const struct http_head *h = &t->m->res;
	if (h->body == HTTP_BODY_NONE || h->body == HTTP_BODY_LENGTH)
		return h->body;
	if (t->m->req.minor >= 1)
		return HTTP_BODY_CHUNKED;
	t->keep = false;
	return HTTP_BODY_CLOSE;
}

static void answer_begin(struct txn *t, size_t head_len)
{
	struct half *res = &t->res_half;
	const struct http_head *h = &t->m->res;
	enum http_body body = visitor_body(t);

	t->status = h->status;
	t->up_keep = h->keep_alive && h->body != HTTP_BODY_CLOSE && h->kind == HTTP_RESPONSE;
	if (!t->req_done && t->req_half.from != HTTP_BODY_NONE && !half_pending(&t->req_half) &&
	    t->m->req.expect_continue && !t->continued)
		t->keep = false; /* the visitor may or may not send its body now */
	if (!head_for_visitor(t, body)) {
		target_failed(t, "the head of its answer does not fit");
		return;
	}
	t->answering = true;
	inbuf_use(&res->in, head_len);
	half_begin(res, h->body, body, h->content_length);
	half_push(res, buf_str(&t->m->res_text));
	txn_pump(t);
}

/* The connection becomes the target's: bytes both ways, until both have ended. */
static void upgrade_begin(struct txn *t, size_t head_len)
{
	if (!t->m->req.upgrade || !t->m->res.upgrade || !t->req_done) {
		target_failed(t, "it switched protocols unasked");
		return;
	}
	t->upgraded = t->answering = true;
	t->keep = t->up_keep = false;
	t->req_done = false;
	t->status = 101;
	if (!head_for_visitor(t, HTTP_BODY_NONE)) {
		txn_abort(t, "the head of its answer does not fit");
		return;
	}
	access_describe(t, &t->record);
	inbuf_use(&t->res_half.in, head_len);
	half_begin(&t->req_half, HTTP_BODY_CLOSE, HTTP_BODY_CLOSE, 0);
	half_begin(&t->res_half, HTTP_BODY_CLOSE, HTTP_BODY_CLOSE, 0);
	half_push(&t->res_half, buf_str(&t->m->res_text));
	txn_pump(t);
}

/* 1xx: the visitor gets the 100 that it waits for, once; others say nothing that has to pass. */
static bool interim(struct txn *t, size_t head_len)
{
	inbuf_use(&t->res_half.in, head_len);
	if (t->m->res.status == 100 && t->m->req.expect_continue && !t->continued) {
		size_t n;
		struct iovec line = {(void *)(uintptr_t) "HTTP/1.1 100 Continue\r\n\r\n", 25};
		t->continued = true;
		if (stream_writev(&t->conn->stream, &line, 1, &n) != IO_OK || n != 25) {
			txn_abort(t, "visitor is gone");
			return false;
		}
	}
	http_head_init_response(&t->m->res, t->m->req.method);
	return true;
}

/* What was read so far. True: read on. */
static bool answer_parse(struct txn *t)
{
	while (inbuf_str(&t->res_half.in).len > 0) {
		struct http_head *h = &t->m->res;
		ptrdiff_t len = http_head_parse(h, inbuf_str(&t->res_half.in));
		if (len == 0)
			return true;
		if (len < 0) {
			target_failed(t, h->why);
			return false;
		}
		if (h->status == 101) {
			upgrade_begin(t, (size_t)len);
			return false;
		}
		if (h->status >= 200) {
			answer_begin(t, (size_t)len);
			return false;
		}
		if (!interim(t, (size_t)len))
			return false;
	}
	return true;
}

static void answer_read(struct txn *t)
{
	struct inbuf *in = &t->res_half.in;
	for (;;) {
		char *at;
		size_t n, room = inbuf_room(in, t->res_half.pool, &at);
		if (room == 0 && inbuf_grow(in, t->res_half.pool))
			room = inbuf_room(in, t->res_half.pool, &at);
		enum io io = room ? stream_read(&t->up->stream, at, room, &n) : IO_FAILED;
		if (io == IO_WAIT) {
			inbuf_rest(in, t->res_half.pool);
			return;
		}
		if (io != IO_OK) {
			target_ended(t, in->to > in->from
						? "it broke off within the head of its answer"
						: "it ended the connection without an answer");
			return;
		}
		in->to += (uint32_t)n;
		if (!answer_parse(t))
			return;
	}
}

void txn_up_event(struct watch *watch, uint32_t events)
{
	struct up *up = container_of(container_of(watch, struct stream, watch), struct up, stream);
	struct txn *t = up->owner;

	if (!t->relaying) /* detached or waiting: nothing is expected */
		return;
	if (!t->answering && (events & ~(uint32_t)EPOLLOUT)) {
		answer_read(t);
		return;
	}
	txn_pump(t);
}
