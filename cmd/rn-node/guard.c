/* SPDX-License-Identifier: MIT
 *
 * A bundle that cuts its node off could never be mended by the next one. So after a change the console
 * must be reached again, over a new connection, if it was reached before:
 *
 *     applied → reached                                 fine
 *             → not reached in time: the bundle before comes back
 *                   → reached      the new one is to blame; its serial is refused from then on
 *                   → not reached  it is not: it comes back for good
 *
 * The last step matters: whoever can cut the way to the console must not be able to undo with that what
 * the console has just revoked.
 */
#include "rn-node.h"

#define ASK_MS 500 /* between two tries */
#define BAD_FILE "bundle.bad"

/* Over a new connection: an old one may outlive the listener that it came by. */
static void ask(struct agent *a)
{
	struct agent_rest *fresh;
	struct rn_error err;

	if (!a->call && (fresh = agent_rest_open(&a->apply.net, &err)) != NULL) {
		agent_rest_free(a->rest);
		a->rest = fresh;
	}
	pull_start(a);
}

static void on_ask(struct timer *t)
{
	struct agent *a = container_of(t, struct agent, guard.again);

	if (a->guard.state == GUARD_OFF)
		return;
	ask(a);
	timer_start(a->loop, t, ASK_MS);
}

static void end(struct agent *a)
{
	a->guard.state = GUARD_OFF;
	timer_stop(a->loop, &a->guard.deadline);
	timer_stop(a->loop, &a->guard.again);
	bundle_free(&a->guard.other);
	bundle_init(&a->guard.other);
}

static void begin(struct agent *a, enum guard_state state)
{
	a->guard.state = state;
	a->guard.since_ms = loop_now_ms(a->loop);
	a->guard.again.fn = on_ask;
	timer_start(a->loop, &a->guard.deadline, a->options.rollback_s * 1000ull);
	timer_start(a->loop, &a->guard.again, PULL_GAP_MS);
}

/* ---- which serial is to blame --------------------------------------------------------------- */

static void keep_bad(struct agent *a, uint64_t serial)
{
	char path[AGENT_PATH_MAX], text[24];
	struct rn_error err;

	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)serial);
	if (agent_net_path(&a->apply.net, path, BAD_FILE, &err) ||
	    file_write(path, 0600, str_from(text), &err))
		log_event(LOG_WARN, err.text, NULL);
}

void guard_load(struct agent *a)
{
	char path[AGENT_PATH_MAX];
	struct rn_error err;
	struct str rest, line;
	struct buf text;

	buf_init(&text, REC_LINE_MAX);
	if (agent_net_path(&a->apply.net, path, BAD_FILE, &err) == 0 &&
	    file_read(path, &text, &err) == 0 &&
	    (rest = buf_str(&text), !str_cut(&rest, '\n', &line) ||
					    !str_to_u64(line, UINT64_MAX, &a->apply.bad_serial)))
		log_event(LOG_WARN, "bundle.bad is not a serial number; it is passed over", NULL);
	buf_free(&text);
}

/* ---- the steps ------------------------------------------------------------------------------ */

/* Puts the other bundle in place of the present one, which becomes the other. */
static bool swap(struct agent *a)
{
	struct applied done;
	struct rn_error err;

	if (apply_restore(&a->apply, &a->guard.other, &done, &err) == 0)
		return true;
	log_event(LOG_ERROR, "going back failed", "reason", err.text, NULL);
	end(a);
	return false;
}

static void on_deadline(struct timer *t)
{
	struct agent *a = container_of(t, struct agent, guard.deadline);

	if (a->guard.state == GUARD_NEW) {
		log_event(LOG_ERROR,
			  "the console was lost with this bundle; the one before comes back", NULL);
		if (!swap(a))
			return;
		a->apply.bad_serial = a->guard.other.serial;
		begin(a, GUARD_OLD);
		return;
	}
	log_event(LOG_WARN, "the console is away with the bundle before too; the new one is back",
		  NULL);
	a->apply.bad_serial = 0;
	if (swap(a))
		end(a);
}

void guard_applied(struct agent *a, struct bundle *before)
{
	if (a->guard.state == GUARD_OLD)
		end(a); /* the console was reached, or somebody here knows better */
	if (!a->reached || !a->options.rollback_s || !before->text.len)
		return;
	if (a->guard.state == GUARD_OFF) { /* else there is one that was proved good */
		a->guard.other = *before;
		bundle_init(before);
	}
	a->guard.deadline.fn = on_deadline;
	begin(a, GUARD_NEW);
}

void guard_heard(struct agent *a)
{
	if (a->guard.state == GUARD_OFF || a->pull_at_ms < a->guard.since_ms)
		return; /* asked before the change */
	if (a->guard.state == GUARD_OLD) {
		log_event(LOG_ERROR, "the console is back: the new bundle is refused until a newer "
				     "one comes",
			  NULL);
		keep_bad(a, a->apply.bad_serial);
	}
	end(a);
}

void guard_stop(struct agent *a)
{
	if (a->loop)
		end(a);
	else
		bundle_free(&a->guard.other);
}
