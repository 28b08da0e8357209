/* SPDX-License-Identifier: MIT
 *
 * The agent's calls to the console: a conditional GET of the bundle, then its signature. One at a
 * time; who asks meanwhile gets one more after it.
 */
#include "rn-node.h"

/* How often a bundle that does not match its signature is asked for again: it was published in
 * between. */
#define MISMATCH_RETRIES 3
#define MISMATCH_MS 100
#define GUARD_ASK_MS 3000 /* a try while the console is to be reached soon */

static void on_timer(struct timer *t)
{
	struct agent *a = container_of(t, struct agent, pull_timer);

	pull_start(a);
}

void pull_later(struct agent *a, uint64_t ms)
{
	a->pull_timer.fn = on_timer;
	timer_start(a->loop, &a->pull_timer, ms);
}

/* The interval, a fifth more or less, so that many nodes do not come at once. */
static uint64_t next_ms(const struct agent *a)
{
	uint64_t ms = a->options.interval_s * 1000ull;
	uint32_t random;

	random_bytes(&random, sizeof(random));
	return ms - ms / 5 + random % (ms / 5 * 2 + 1);
}

/* ---- the end of a pull ---------------------------------------------------------------------- */

static void answer_waiting(struct agent *a)
{
	for (size_t i = 0; i < a->n_waiting; i++) {
		struct ctl_call *call = a->waiting[i];

		if (a->pull_err.code) {
			ctl_fail(call, &a->pull_err);
			continue;
		}
		apply_record(ctl_out(call), &a->apply, &a->pull_done);
		ctl_done(call);
	}
	a->n_waiting = 0;
}

static void finish(struct agent *a, const struct rn_error *err)
{
	bool was_fine = !a->pull_err.code, news = err && strcmp(err->text, a->pull_err.text) != 0;

	a->call = NULL;
	a->pull_err = err ? *err : (struct rn_error){0};
	a->pulls++;
	a->pull_failures += err != NULL;
	if (err && (was_fine || news))
		log_event(LOG_WARN,
			  "the console's bundle could not be had; going on with the last good one",
			  "reason", err->text, NULL);
	if (!err && !was_fine)
		log_event(LOG_INFO, "the console answers again", NULL);
	answer_waiting(a);
	pull_later(a, a->pull_again ? PULL_GAP_MS : next_ms(a));
	a->pull_again = false;
}

/* ---- its two calls -------------------------------------------------------------------------- */

/* What was refused is not asked for again until it changes; what could not be had or done is. */
static void remember(struct agent *a, int rc, const struct rn_error *err)
{
	bool refused = rc == RN_EDATA || rc == RN_ENO || rc == RN_ECONFIG;

	if (!rc || refused)
		memcpy(a->etag, a->next_etag, sizeof(a->etag));
	else
		a->etag[0] = '\0';
	a->refused = refused ? *err : (struct rn_error){0};
}

static int apply_pulled(struct agent *a, struct str sig, struct rn_error *err)
{
	struct applied done;
	int rc = agent_apply(a, buf_str(&a->next.text), sig, &done, err);

	if (!rc) {
		a->pull_done = done;
		a->pulled_at = clock_wall_s();
	}
	remember(a, rc, err);
	return rc;
}

static void on_sig(void *ctx, int rc, const struct agent_answer *answer, const struct rn_error *why)
{
	struct agent *a = ctx;
	struct rn_error err = rc ? *why : (struct rn_error){0};

	a->call = NULL;
	if (!rc)
		rc = agent_answer_check(answer, &err);
	if (!rc)
		rc = apply_pulled(a, buf_str(&answer->body), &err);
	if (rc == RN_EPERM && a->mismatches++ < MISMATCH_RETRIES) {
		pull_later(a, MISMATCH_MS);
		return;
	}
	a->mismatches = 0;
	finish(a, rc ? &err : NULL);
}

static int ask(struct agent *a, bool sig, agent_rest_fn *fn, struct rn_error *err)
{
	char path[160];

	bundle_path(path, a->apply.net.node, sig);
	struct agent_request q = {.path = path,
				  .etag = !sig && a->etag[0] ? a->etag : NULL,
				  .timeout_ms = a->guard.state == GUARD_OFF ? 0 : GUARD_ASK_MS};
	a->call = agent_rest_start(a->rest, a->loop, &q, fn, a, err);
	return a->call ? 0 : err->code;
}

static void on_bundle(void *ctx, int rc, const struct agent_answer *answer,
		      const struct rn_error *why)
{
	struct agent *a = ctx;
	struct rn_error err = rc ? *why : (struct rn_error){0};

	a->call = NULL;
	a->reached = !rc && answer->status < 500;
	if (a->reached)
		guard_heard(a);
	if (!rc && answer->status == 304) {
		a->pulled_at = clock_wall_s();
		a->pull_done = (struct applied){0};
		finish(a, a->refused.code ? &a->refused : NULL);
		return;
	}
	if (!rc)
		rc = agent_answer_check(answer, &err);
	if (!rc) {
		memcpy(a->next_etag, answer->etag, sizeof(a->next_etag));
		rc = bundle_set(&a->next, buf_str(&answer->body), STR(""), &err);
	}
	if (!rc)
		rc = ask(a, true, on_sig, &err);
	if (rc)
		finish(a, &err);
}

void pull_start(struct agent *a)
{
	struct rn_error err;
	uint64_t now = loop_now_ms(a->loop);

	if (a->stopping)
		return;
	if (a->call) {
		a->pull_again = true;
		return;
	}
	if (now - a->pull_at_ms < PULL_GAP_MS && a->pull_at_ms) {
		pull_later(a, PULL_GAP_MS);
		return;
	}
	timer_stop(a->loop, &a->pull_timer);
	a->pull_at_ms = now;
	if (ask(a, false, on_bundle, &err) < 0)
		finish(a, &err);
}

void pull_stop(struct agent *a)
{
	if (a->call)
		agent_rest_cancel(a->call);
	a->call = NULL;
	if (a->loop)
		timer_stop(a->loop, &a->pull_timer);
	struct rn_error err;
	for (size_t i = 0; i < a->n_waiting; i++) {
		rn_fail(&err, RN_EAWAY, "the agent is ending");
		ctl_fail(a->waiting[i], &err);
	}
	a->n_waiting = 0;
}
