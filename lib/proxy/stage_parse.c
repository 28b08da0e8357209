/* SPDX-License-Identifier: MIT
 *
 * Stage parse: the request's head, whole and unambiguous, or a refusal.
 */
#include "proxy/run.h"

static enum stage_result refuse(struct txn *t, int status, const char *why)
{
	t->keep = false;
	t->head_done = true;
	return txn_answer(
		t, &(struct answer){.status = (unsigned)status, .why = why, .text = str_from(why)});
}

/* > 0: bytes came. 0: wait. < 0: the visitor has gone (T too). */
static int read_more(struct txn *t)
{
	struct inbuf *in = &t->m->head;
	char *at;
	size_t n, room = inbuf_room(in, t->req_half.pool, &at);

	if (room == 0 && inbuf_grow(in, t->req_half.pool))
		room = inbuf_room(in, t->req_half.pool, &at);
	enum io io = room ? stream_read(&t->conn->stream, at, room, &n) : IO_FAILED;
	if (io == IO_OK) {
		in->to += (uint32_t)n;
		return 1;
	}
	if (io == IO_WAIT) {
		stream_want(&t->conn->stream, t->worker->loop, EPOLLIN);
		return 0;
	}
	txn_abort(t, "");
	return -1;
}

static void take_short_head(struct txn *t, size_t len)
{
	struct message *m = t->m;
	struct inbuf *in = &t->req_half.in;

	*in = m->head;
	m->head = (struct inbuf){0};
	memcpy(m->short_head, in->block->bytes + in->from, len);
	(void)http_head_parse(&m->req, str_make(m->short_head, len)); /* only moves the views */
	inbuf_use(in, len);
	inbuf_rest(in, t->req_half.pool);
}

/* Views of the head have to last until the end, what came behind it moves on. A usual head is
 * copied out of its block, behind a long one the rest is. */
static bool split_body(struct txn *t, size_t len)
{
	struct inbuf *head = &t->m->head;
	if (len <= sizeof(t->m->short_head)) {
		take_short_head(t, len);
		return true;
	}
	struct str behind =
		str_make(head->block->bytes + head->from + len, head->to - head->from - len);
	head->to = head->from + (uint32_t)len;
	return inbuf_copy(&t->req_half.in, t->req_half.pool, behind);
}

static enum stage_result accept_head(struct txn *t, size_t len)
{
	const struct http_head *h = &t->m->req;

	t->head_done = true;
	conn_asked(t->conn);
	t->keep = h->keep_alive;
	if (!split_body(t, len))
		return refuse(t, 503, "out of memory");
	half_begin(&t->req_half, h->body, h->body, h->content_length);
	t->req_done = t->req_half.seen;
	if (h->method == HTTP_CONNECT || h->method == HTTP_TRACE)
		return refuse(t, 405, "This method is not for a gateway.");
	if (h->form == HTTP_FORM_ASTERISK || h->form == HTTP_FORM_AUTHORITY)
		return refuse(t, 400, "The request names no path.");
	return STAGE_NEXT;
}

enum stage_result stage_parse(struct txn *t)
{
	struct inbuf *in = &t->m->head;

	for (;;) {
		ptrdiff_t len = in->to > in->from ? http_head_parse(&t->m->req, inbuf_str(in)) : 0;
		if (len > 0)
			return accept_head(t, (size_t)len);
		if (len < 0)
			return refuse(t, (int)-len, t->m->req.why);
		int more = read_more(t);
		if (more <= 0)
			return more == 0 ? STAGE_WAIT : STAGE_DONE;
	}
}
