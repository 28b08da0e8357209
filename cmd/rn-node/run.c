/* SPDX-License-Identifier: MIT
 *
 * The agent: holds the network's lock, keeps its programs running, and its bundle fresh.
 */
#include "rn-node.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define INTERVAL_S 30
#define ROLLBACK_S 20
#define STOP_MS 15000
#define FIRST_PULL_MS 1000 /* unless all programs are up before that */

int run_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct run_options *o = opts;
	uint64_t n;

	switch (key) {
	case 'i':
		if (!str_to_u64(str_from(arg), 86400, &n) || n == 0)
			return rn_fail(err, RN_EUSAGE, "--interval %s: not 1 to 86400 seconds",
				       arg);
		o->interval_s = (unsigned)n;
		return 0;
	case 'b':
		if (!str_to_u64(str_from(arg), 3600, &n))
			return rn_fail(err, RN_EUSAGE, "--rollback %s: not 0 to 3600 seconds", arg);
		o->rollback_s = (unsigned)n;
		o->rollback_given = true;
		return 0;
	case 'm':
		o->management = arg;
		return 0;
	case 'r':
		if (!str_to_u64(str_from(arg), 65535, &n))
			return rn_fail(err, RN_EUSAGE, "--ready-fd %s: not a descriptor", arg);
		o->ready_fd = (int)n + 1;
		return 0;
	case 'l':
		o->leave_running = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- programs ------------------------------------------------------------------------------- */

bool agent_is_well(const struct agent *a)
{
	return a->started && a->wg.state == DAEMON_UP &&
	       (!a->apply.gateway || a->proxy.state == DAEMON_UP);
}

/* A program came up, went down, or ended for good. */
static void on_daemon(void *ctx)
{
	struct agent *a = ctx;

	if (a->stopping) {
		bool wg_left = a->wg.state == DAEMON_STOPPED && a->wg.pid > 0;
		bool proxy_left = a->proxy.state == DAEMON_STOPPED && a->proxy.pid > 0;

		if (!wg_left && !proxy_left)
			loop_stop(a->loop);
		return;
	}
	if (agent_is_well(a) && !a->told) {
		a->told = true;
		pull_start(a); /* the way to the console may lead through what has just come up */
		log_event(LOG_INFO, "ready", "network", a->apply.net.name, NULL);
		ready_tell(getenv("NOTIFY_SOCKET"), a->options.ready_fd - 1);
	}
}

static void start_programs(struct agent *a)
{
	const struct apply *p = &a->apply;

	a->started = true;
	a->wg = (struct daemon){
		.loop = a->loop,
		.name = "rn-wg",
		.sock = p->wg_sock,
		.changed = on_daemon,
		.ctx = a,
		.argv = {p->rn_wg, "up", p->net.name, "-f", p->file, "--netns", "private",
			 "--foreground"},
	};
	daemon_start(&a->wg);
	if (!p->gateway)
		return;
	a->proxy = (struct daemon){
		.loop = a->loop,
		.name = "rn-proxy",
		.sock = p->proxy_sock,
		.changed = on_daemon,
		.ctx = a,
		.argv = {p->rn_proxy, "-f", p->file, "--name", p->net.name},
	};
	daemon_start(&a->proxy);
}

/* ---- bundles -------------------------------------------------------------------------------- */

void agent_applied(struct agent *a, const struct applied *done)
{
	char serial[24];

	a->applied++;
	snprintf(serial, sizeof(serial), "%llu", (unsigned long long)a->apply.current.serial);
	log_event(LOG_INFO, "a bundle was applied", "serial", serial, NULL);
	a->pull_done = *done;
	if (!a->started)
		start_programs(a);
}

int agent_apply(struct agent *a, struct str text, struct str sig, struct applied *done,
		struct rn_error *err)
{
	uint64_t before = a->apply.current.serial;
	bool had = a->apply.current.text.len > 0;
	struct bundle next;
	int rc;

	if (a->stopping)
		return rn_fail(err, RN_EAGAIN, "the agent is ending");
	bundle_init(&next);
	rc = bundle_set(&next, text, sig, err);
	if (!rc)
		rc = apply_bundle(&a->apply, &next, done, err);
	if (rc)
		log_event(LOG_WARN, err->text, NULL);
	else if (!had || a->apply.current.serial != before)
		agent_applied(a, done);
	if (!rc && had && a->apply.current.serial != before)
		guard_applied(a, &next);
	bundle_free(&next);
	return rc;
}

static const char *state_text(const struct agent *a)
{
	if (a->stopping)
		return "stopping";
	if (!a->started)
		return "waiting%20for%20its%20first%20bundle";
	return agent_is_well(a) ? "up" : "degraded";
}

void agent_record(struct buf *b, const struct agent *a)
{
	const struct agent_net *n = &a->apply.net;

	rec_begin(b, "node", str_from(n->node));
	rec_add_cstr(b, "network", n->name);
	rec_add_cstr(b, "role", n->role);
	rec_add_cstr(b, "url", n->url);
	if (a->apply.current.text.len)
		rec_add_u64(b, "serial", a->apply.current.serial);
	rec_add_raw(b, "state", str_from(state_text(a)));
	rec_add_u64(b, "pid", (uint64_t)getpid());
	if (a->pulled_at)
		rec_add_i64(b, "pulled_at", a->pulled_at);
	if (a->pull_err.code)
		rec_add_cstr(b, "text", a->pull_err.text);
	rec_end(b);
}

/* ---- end ------------------------------------------------------------------------------------ */

static void on_stop_timeout(struct timer *t)
{
	struct agent *a = container_of(t, struct agent, stop_timer);

	log_event(LOG_WARN, "the programs did not end in time", NULL);
	daemon_kill(&a->proxy);
	daemon_kill(&a->wg);
	loop_stop(a->loop);
}

/* A gateway's programs end with it; a client's tunnel only if it was started here, since rn-expose
 * and rn-forward may live on one that was there before. A second signal does not wait. */
static void on_end(void *ctx, int signo)
{
	struct agent *a = ctx;

	(void)signo;
	if (a->stopping || a->options.leave_running || !a->started) {
		loop_stop(a->loop);
		return;
	}
	a->stopping = true;
	guard_stop(a);
	pull_stop(a);
	a->stop_timer.fn = on_stop_timeout;
	timer_start(a->loop, &a->stop_timer, STOP_MS);
	if (a->apply.gateway)
		daemon_stop(&a->proxy);
	if (a->apply.gateway || a->wg.ours)
		daemon_stop(&a->wg);
	else
		daemon_leave(&a->wg);
	on_daemon(a);
}

static void on_hup(void *ctx, int signo)
{
	(void)signo;
	pull_start(ctx);
}

/* ---- start ---------------------------------------------------------------------------------- */

static int open_loop(struct agent *a, struct rn_error *err)
{
	int rc;

	a->loop = loop_new(err);
	if (!a->loop)
		return err->code;
	rc = loop_signal(a->loop, SIGTERM, on_end, a, err);
	if (!rc)
		rc = loop_signal(a->loop, SIGINT, on_end, a, err);
	if (!rc)
		rc = loop_signal(a->loop, SIGHUP, on_hup, a, err);
	return rc;
}

static int serve(struct agent *a, struct rn_error *err)
{
	int rc = door_open(a, err);

	if (!rc && a->apply.gateway)
		rc = manage_open(a, err);
	if (rc)
		return rc;
	guard_load(a);
	a->rest = agent_rest_open(&a->apply.net, err);
	if (!a->rest)
		return err->code;
	if (a->apply.current.text.len)
		start_programs(a);
	if (!a->told)
		pull_later(a, a->started ? FIRST_PULL_MS : 0);
	return loop_run(a->loop, err);
}

static void agent_close(struct agent *a)
{
	http_server_close(a->manage);
	guard_stop(a);
	pull_stop(a);
	agent_rest_free(a->rest);
	if (a->door)
		ctl_close(a->door);
	daemon_leave(&a->wg);
	daemon_leave(&a->proxy);
	bundle_free(&a->next);
	apply_close(&a->apply);
	if (a->loop)
		loop_free(a->loop);
}

int run_run(struct cli *c, int argc, char **argv)
{
	struct agent *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return rn_fail(&c->err, RN_EOS, "out of memory");
	a->cli = c;
	a->options = *(const struct run_options *)c->opts;
	if (!a->options.interval_s)
		a->options.interval_s = INTERVAL_S;
	if (!a->options.rollback_given)
		a->options.rollback_s = ROLLBACK_S;
	bundle_init(&a->guard.other);
	bundle_init(&a->next);
	rc = apply_open(&a->apply, c, argc ? argv[0] : NULL, true, &c->err);
	if (!rc)
		rc = open_loop(a, &c->err);
	if (!rc)
		rc = serve(a, &c->err);
	agent_close(a);
	free(a);
	return rc;
}
