/* SPDX-License-Identifier: MIT
 *
 * What all forwards of this process share, and the end.
 */
#include "rn-forward.h"

#include <signal.h>
#include <unistd.h>

static void on_signal(void *ctx, int signo)
{
	struct app *app = ctx;

	(void)signo;
	loop_stop(app->loop);
}

void app_stop_forward(struct app *app, struct forward *f)
{
	for (size_t i = 0; i < app->n_forwards; i++)
		if (app->forwards[i] == f)
			app->forwards[i] = app->forwards[--app->n_forwards];
	forward_free(f);
	if (app->n_forwards == 0)
		loop_stop(app->loop);
}

/* ---- the tunnel ------------------------------------------------------------------------------ */

static void tell_ready(struct app *app)
{
	app->ready = true;
	for (size_t i = 0; i < app->n_forwards; i++)
		forward_print(app->forwards[i]);
	if (cli_flush(app->cli)) {
		app->result = app->cli->err.code;
		loop_stop(app->loop);
		return;
	}
	ready_tell(getenv("NOTIFY_SOCKET"), app->opts->ready_fd - 1);
}

static void on_tunnel(void *ctx, struct tunnel *t, const struct rn_error *why)
{
	struct app *app = ctx;
	int64_t now = clock_wall_s();

	app->tunnel = t;
	if (t && !app->ready) {
		tell_ready(app);
	} else if (t) {
		dprintf(2, "rn-forward: up again after %lld s\n",
			(long long)(now - app->down_since));
	} else if (!app->ready && why->code != RN_EAWAY && why->code != RN_EAGAIN) {
		app->cli->err = *why; /* it cannot be started: no use to wait */
		app->result = why->code;
		loop_stop(app->loop);
	} else {
		app->down_since = now;
		dprintf(2, "rn-forward: down: %s\n", why->text);
	}
}

/* ---- what to forward ------------------------------------------------------------------------- */

static int add_forward(struct app *app, const struct asked *a, struct rn_error *err)
{
	struct forward *f;

	if (app->n_forwards == FORWARDS_MAX)
		return rn_fail(err, RN_EDATA, "more than %d forwards", FORWARDS_MAX);
	f = forward_new(app, a, err);
	if (!f)
		return err->code;
	app->forwards[app->n_forwards++] = f;
	return 0;
}

static int add_record(struct app *app, const struct rec *r, struct rn_error *err)
{
	struct str local = rec_get(r, "local_address");
	struct asked a;
	int rc;

	if (!rec_is(r, "forward"))
		return 0;
	rc = asked_parse(&a, rec_id(r), local.ptr ? local : STR("localhost"), err);
	if (rc)
		return err->code = RN_EDATA;
	a.udp = app->opts->udp || str_is(rec_get(r, "protocol"), "udp");
	return add_forward(app, &a, err);
}

/* Forward records from standard input. A bad one is told and left out. */
static int add_lines(struct app *app, struct rn_error *err)
{
	struct rec_reader rd;
	struct rn_error why;
	struct rec r;
	int rc;

	rec_reader_fd(&rd, 0, "stdin");
	while ((rc = rec_read(&rd, &r, &why)) == 1 || rc == RN_EDATA) {
		if (rc == 1) {
			rc = add_record(app, &r, &why);
			if (rc)
				rn_fail_in(&why, "stdin:%zu", rd.line);
		}
		if (rc) {
			app->result = rc;
			dprintf(2, "rn-forward: %s\n", why.text);
		}
	}
	rec_reader_free(&rd);
	if (rc) {
		*err = why;
		return rc;
	}
	if (app->n_forwards)
		return 0;
	return rn_fail(err, app->result ? app->result : RN_ENOINPUT,
		       "nothing to forward on standard input");
}

static int add_asked(struct app *app, int argc, char **argv, struct rn_error *err)
{
	bool lines = strcmp(argv[0], "-") == 0;
	struct asked a;
	int rc;

	if (lines)
		return argc == 1 ? add_lines(app, err)
				 : rn_fail(err, RN_EUSAGE,
					   "- takes no local address: the lines say it");
	rc = asked_parse(&a, str_from(argv[0]), argc > 1 ? str_from(argv[1]) : STR("localhost"),
			 err);
	if (rc)
		return rc;
	a.udp = app->opts->udp;
	return add_forward(app, &a, err);
}

/* ---- run ------------------------------------------------------------------------------------- */

static int app_open(struct app *app, int argc, char **argv, struct rn_error *err)
{
	struct cli *c = app->cli;
	char rn_wg[AGENT_PATH_MAX];
	int rc = agent_net_find(&app->net, c->state_dir, app->opts->network, err);

	if (rc)
		return rc;
	app->rest = agent_rest_open(&app->net, err);
	if (!app->rest)
		return err->code;
	rc = add_asked(app, argc, argv, err); /* may wait for the console: signals still end us */
	if (rc)
		return rc;
	cli_sibling(c, "rn-wg", rn_wg, sizeof(rn_wg));
	app->keeper =
		agent_keeper_new(app->loop, &app->net, rn_wg, c->run_dir, on_tunnel, app, err);
	if (!app->keeper)
		return err->code;
	rc = loop_signal(app->loop, SIGINT, on_signal, app, err);
	return rc ? rc : loop_signal(app->loop, SIGTERM, on_signal, app, err);
}

int app_run(struct cli *c, int argc, char **argv)
{
	struct app app = {.cli = c, .opts = c->opts};
	struct asked checked;
	int rc = 0;

	/* A mistake in the arguments is told before anything else. */
	if (strcmp(argv[0], "-") != 0)
		rc = asked_parse(&checked, str_from(argv[0]),
				 argc > 1 ? str_from(argv[1]) : STR("localhost"), &c->err);
	if (rc)
		return rc;
	app.loop = loop_new(&c->err);
	if (!app.loop)
		return c->err.code;
	rc = app_open(&app, argc, argv, &c->err);
	if (!rc)
		rc = loop_run(app.loop, &c->err);
	while (app.n_forwards)
		forward_free(app.forwards[--app.n_forwards]);
	agent_keeper_free(app.keeper);
	agent_rest_free(app.rest);
	loop_free(app.loop);
	return rc ? rc : app.result;
}
