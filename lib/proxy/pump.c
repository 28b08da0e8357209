/* SPDX-License-Identifier: MIT
 *
 * Moving a request and its answer: pump both halves, then wait for what each needs.
 */
#include "proxy/run.h"

static uint64_t patience_ms(const struct txn *t)
{
	if (t->upgraded)
		return t->resource->flow_ms;
	return t->resource ? t->resource->idle_ms : t->listen ? t->listen->head_ms : 10000;
}

/* Wants of the two sockets. Interest that does no harm is left as it is: between requests nothing
 * has to change, so an ordinary request costs no epoll_ctl. */
static void wait_for(struct txn *t)
{
	struct loop *l = t->worker->loop;
	uint32_t visitor = t->res_waits_dst ? EPOLLOUT : 0,
		 target = t->req_waits_dst ? EPOLLOUT : 0;

	if (!t->req_done && t->relaying)
		visitor |= t->req_waits_dst ? 0 : EPOLLIN;
	else
		visitor |= t->conn->stream.want & EPOLLIN;
	stream_want(&t->conn->stream, l, visitor);
	if (!t->up || !t->relaying)
		return;
	if (!t->res_done && !t->res_waits_dst)
		target |= EPOLLIN;
	stream_want(&t->up->stream, l, target);
}

/* The request has left, all of it. */
static void request_done(struct txn *t)
{
	t->req_done = true;
	if (t->upgraded || t->target->kind == TARGET_CGI)
		stream_shutdown(&t->up->stream);
}

/* False: T is gone or answers differently now. */
static bool pump_request(struct txn *t)
{
	enum half_result r = half_pump(&t->req_half);
	t->req_waits_dst = r == HALF_WAIT_DST;
	switch (r) {
	case HALF_DONE:
		request_done(t);
		return true;
	case HALF_WAIT_SRC:
	case HALF_WAIT_DST:
		return true;
	case HALF_BAD:
		txn_why(t, t->req_half.why);
		if (!t->answering)
			txn_answer(t, &(struct answer){.status = 400,
						       .text = str_from(t->req_half.why)});
		else
			txn_abort(t, NULL);
		return false;
	case HALF_SRC_FAILED:
		txn_abort(t, "visitor broke off");
		return false;
	case HALF_DST_FAILED:
		break;
	}
	/* The target does not read on; perhaps it has answered before. */
	half_forget(&t->req_half);
	t->req_done = true;
	t->keep = t->keep && t->m && t->m->req.body == HTTP_BODY_NONE;
	t->up_keep = false;
	return true;
}

static bool pump_answer(struct txn *t)
{
	enum half_result r = half_pump(&t->res_half);
	t->res_waits_dst = r == HALF_WAIT_DST;
	switch (r) {
	case HALF_DONE:
		t->res_done = true;
		if (t->upgraded)
			stream_shutdown(&t->conn->stream);
		else if (!t->own && !t->req_done)
			t->keep = t->up_keep = false; /* an early answer: the rest is not wanted */
		return true;
	case HALF_WAIT_SRC:
	case HALF_WAIT_DST:
		return true;
	case HALF_BAD:
		txn_abort(t, t->res_half.why);
		return false;
	case HALF_SRC_FAILED:
		txn_abort(t, "target broke off");
		return false;
	case HALF_DST_FAILED:
		break;
	}
	txn_abort(t, "visitor is gone");
	return false;
}

void txn_pump(struct txn *t)
{
	if (t->relaying && !t->req_done && !pump_request(t))
		return;
	if (t->answering && !t->res_done && !pump_answer(t))
		return;
	if (t->res_done && (!t->upgraded || t->req_done)) {
		txn_end(t);
		return;
	}
	if (t->upgraded && t->m && !half_pending(&t->res_half))
		txn_message_free(t);
	if (t->relaying || t->answering)
		timer_start(t->worker->loop, &t->timer, patience_ms(t));
	wait_for(t);
}
