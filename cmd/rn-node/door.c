/* SPDX-License-Identifier: MIT
 *
 * The agent's control socket: hello, show, pull, apply.
 */
#include "rn-node.h"

int door_path(struct cli *c, char *out, size_t size, const char *net)
{
	char name[AGENT_NAME_MAX + 16];

	snprintf(name, sizeof(name), "node-%s.sock", net);
	return cli_run_path(c, out, size, name);
}

static void do_show(struct agent *a, struct ctl_call *call)
{
	agent_record(ctl_out(call), a);
	if (a->started)
		daemon_record(ctl_out(call), &a->wg);
	if (a->started && a->apply.gateway)
		daemon_record(ctl_out(call), &a->proxy);
	ctl_done(call);
}

static void do_hello(struct agent *a, struct ctl_call *call)
{
	agent_record(ctl_out(call), a);
	ctl_done(call);
}

/* Answered at the end of the pull. */
static void do_pull(struct agent *a, struct ctl_call *call)
{
	struct rn_error err;

	if (a->n_waiting == WAITING_MAX) {
		rn_fail(&err, RN_EAGAIN, "too many wait for a pull already");
		ctl_fail(call, &err);
		return;
	}
	a->waiting[a->n_waiting++] = call;
	pull_start(a);
}

/* request=apply file=PATH signature=PATH: the asker is us or root, so the agent may as well read
 * them. */
static int apply_files(struct agent *a, const struct rec *rq, struct applied *done,
		       struct rn_error *err)
{
	struct arena arena;
	struct bundle b;
	int rc;

	arena_init(&arena, 16384);
	bundle_init(&b);
	struct str file = rec_text(rq, "file", &arena), sig = rec_text(rq, "signature", &arena);
	if (!file.ptr || !sig.ptr)
		rc = rn_fail(err, RN_EUSAGE, "request=apply: file and signature are needed");
	else
		rc = file_read(file.ptr, &b.text, err);
	if (!rc)
		rc = file_read(sig.ptr, &b.sig, err);
	if (!rc)
		rc = agent_apply(a, buf_str(&b.text), buf_str(&b.sig), done, err);
	bundle_free(&b);
	arena_free(&arena);
	return rc;
}

static void on_request(void *ctx, struct ctl_call *call, const struct rec *rq, struct str body)
{
	struct agent *a = ctx;
	struct applied done;
	struct rn_error err;

	(void)body;
	if (str_is(rec_id(rq), "hello")) {
		do_hello(a, call);
	} else if (str_is(rec_id(rq), "show")) {
		do_show(a, call);
	} else if (str_is(rec_id(rq), "pull")) {
		do_pull(a, call);
	} else if (!str_is(rec_id(rq), "apply")) {
		rn_fail(&err, RN_EUSAGE, "request=%.*s: unknown",
			STR_ARG(str_slice(rec_id(rq), 0, 64)));
		ctl_fail(call, &err);
	} else if (apply_files(a, rq, &done, &err) < 0) {
		ctl_fail(call, &err);
	} else {
		apply_record(ctl_out(call), &a->apply, &done);
		ctl_done(call);
	}
}

int door_open(struct agent *a, struct rn_error *err)
{
	char path[128];

	if (door_path(a->cli, path, sizeof(path), a->apply.net.name) < 0) {
		*err = a->cli->err;
		return err->code;
	}
	a->door = ctl_listen(a->loop, path, on_request, a, err);
	return a->door ? 0 : err->code;
}
