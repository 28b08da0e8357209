/* SPDX-License-Identifier: MIT
 *
 * Stage balance: a target and a connection to it. A target that cannot be reached is left for the
 * next one; nothing of the request has left yet, so any request may try again.
 */
#include "proxy/run.h"
#include "proxy/cgi.h"

#define TRIES_MAX 3

static enum stage_result no_target(struct txn *t)
{
	const struct resource *r = t->resource;
	struct answer a = {
		.status = 503,
		.why = "no target is up",
		.text = STR("The service behind this name is not running right now. The gateway "
			    "itself is fine; please try again later.")};
	if (r->n_targets == 0)
		a.why = "the resource has no target";
	if (t->tries) {
		a.status = 502;
		a.why = "no target could be reached";
	}
	return txn_answer(t, &a);
}

void txn_up_done(void *owner, struct up *up, const char *why)
{
	struct txn *t = owner;
	t->up = up;
	if (why) {
		txn_why(t, why);
		t->tried |= balance_bit(t->resource, t->target);
		t->tries++;
	} else {
		t->stage++;
	}
	txn_run(t);
}

static enum stage_result start_cgi(struct txn *t)
{
	struct rn_error err;
	if (t->m->req.body == HTTP_BODY_CHUNKED) {
		t->keep = false;
		return txn_answer(
			t, &(struct answer){.status = 411,
					    .why = "CGI needs a length",
					    .text = STR("This service needs to know the length of "
							"a body beforehand.")});
	}
	t->up = cgi_up(t, &err);
	if (t->up)
		return STAGE_NEXT;
	return txn_answer(
		t, &(struct answer){.status = 503,
				    .why = err.text,
				    .text = STR("The service behind this name cannot be started "
						"right now.")});
}

enum stage_result stage_balance(struct txn *t)
{
	struct target *target =
		t->tries < TRIES_MAX ? balance_pick(t->view, t->resource, t->tried) : NULL;

	if (!target)
		return no_target(t);
	t->target = target;
	if (target->kind == TARGET_CGI)
		return start_cgi(t);
	t->up = up_reuse(t->worker, target, t);
	if (t->up)
		return STAGE_NEXT;
	t->up = up_dial(t->worker, target, t->resource->connect_ms, txn_up_done, t);
	if (!t->up)
		return txn_answer(t, &(struct answer){.status = 503,
						      .why = "out of memory",
						      .text = STR("The gateway is overloaded.")});
	/* Its own timer guards it; ours would fire earlier than a second target can be tried. */
	timer_start(t->worker->loop, &t->timer, t->resource->connect_ms * 4);
	return STAGE_WAIT;
}
