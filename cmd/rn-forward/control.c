/* SPDX-License-Identifier: MIT
 *
 * The control socket of a forward, and the two commands that use it: rn forward list and stop.
 */
#include "rn-forward.h"

#include <dirent.h>
#include <errno.h>

#define ASK_MS 2000

static void handle(void *ctx, struct ctl_call *call, const struct rec *request, struct str body)
{
	struct forward *f = ctx;
	struct rn_error err;

	(void)body;
	if (str_is(rec_id(request), "hello") || str_is(rec_id(request), "show")) {
		forward_record(f, ctl_out(call));
		ctl_done(call);
	} else if (str_is(rec_id(request), "stop")) {
		ctl_done(call);
		app_stop_forward(f->app, f);
	} else {
		rn_fail(&err, RN_EUSAGE, "unknown request: hello, show or stop");
		ctl_fail(call, &err);
	}
}

int control_open(struct forward *f, struct rn_error *err)
{
	struct cli *c = f->app->cli;
	char file[REMOTE_MAX + 32], path[AGENT_PATH_MAX];

	snprintf(file, sizeof(file), "forward-%s.sock", f->asked.remote);
	if (cli_run_path(c, path, sizeof(path), file)) {
		*err = c->err;
		return err->code;
	}
	f->ctl = ctl_listen(f->app->loop, path, handle, f, err);
	if (f->ctl)
		return 0;
	if (err->code == RN_EAWAY)
		rn_fail(err, RN_EAWAY,
			"%s is forwarded already on this machine: rn forward stop %s",
			f->asked.remote, f->asked.remote);
	return err->code;
}

/* ---- list and stop --------------------------------------------------------------------------- */

static int put_record(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct cli *c = ctx;
	struct buf b;
	int rc;

	buf_init(&b, REC_LINE_MAX);
	rec_write(&b, r);
	rc = rec_out_put(&c->out, buf_str(&b), err);
	buf_free(&b);
	return rc;
}

int run_list(struct cli *c, int argc, char **argv)
{
	char path[AGENT_PATH_MAX];
	DIR *d = opendir(c->run_dir);
	struct dirent *e;
	int rc = 0;

	(void)argc;
	(void)argv;
	while (d && !rc && (e = readdir(d))) {
		struct str name = str_from(e->d_name);

		if (!str_starts(name, STR("forward-")) || !str_ends(name, STR(".sock")) ||
		    !path_join(path, sizeof(path), c->run_dir, name))
			continue;
		rc = ctl_call(path, STR("request=show\n"), ASK_MS, put_record, c, NULL, NULL,
			      &c->err);
		if (rc == RN_EAWAY) /* ended a moment ago, or stale */
			rc = 0;
	}
	if (d)
		closedir(d);
	return rc;
}

int run_stop(struct cli *c, int argc, char **argv)
{
	char file[REMOTE_MAX + 32], path[AGENT_PATH_MAX];
	int n = snprintf(file, sizeof(file), "forward-%s.sock", argv[0]);
	int rc;

	(void)argc;
	if (strchr(argv[0], '/') || n < 0 || (size_t)n >= sizeof(file) ||
	    !path_join(path, sizeof(path), c->run_dir, str_from(file)))
		return rn_fail(&c->err, RN_EUSAGE, "'%s' is not HOST:PORT of a forward", argv[0]);
	rc = ctl_call(path, STR("request=stop\n"), ASK_MS, NULL, NULL, NULL, NULL, &c->err);
	if (rc == RN_EAWAY && (c->err.sys == ENOENT || c->err.sys == ECONNREFUSED))
		return rn_fail(&c->err, RN_ENO,
			       "%s is not forwarded here (rn forward list shows what is)", argv[0]);
	return rc;
}
