/* SPDX-License-Identifier: MIT
 *
 * What all services of this process share, and the end.
 */
#include "rn-expose.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define END_MS 900 /* after Ctrl-C: the name is gone within a second, or we say that it is not */

/* ---- the end --------------------------------------------------------------------------------- */

static void app_end(struct app *app)
{
	app->ending = true;
	timer_start(app->loop, &app->deadline, END_MS);
	for (size_t i = app->n_services;
	     i-- > 0;) /* one that ends at once leaves the last in its place */
		service_end(app->services[i]);
}

static void on_signal(void *ctx, int signo)
{
	struct app *app = ctx;

	(void)signo;
	if (app->ending)
		loop_stop(app->loop);
	else
		app_end(app);
}

static void on_deadline(struct timer *t)
{
	struct app *app = container_of(t, struct app, deadline);

	for (size_t i = 0; i < app->n_services; i++)
		print_note(app->services[i],
			   "the console does not answer: its name stays registered, though nothing "
			   "serves it "
			   "any more; later: rn expose stop %s",
			   app->services[i]->asked.name);
	app->result = RN_EAWAY;
	loop_stop(app->loop);
}

void app_service_ended(struct app *app, struct service *s, const struct rn_error *why)
{
	for (size_t i = 0; i < app->n_services; i++)
		if (app->services[i] == s)
			app->services[i] = app->services[--app->n_services];
	if (why) {
		if (!app->result)
			app->result = why->code;
		print_note(s, "%s", why->text);
	}
	service_free(s);
	if (app->n_services == 0)
		loop_stop(app->loop);
	else
		app_service_up(app); /* those that are left may be all up */
}

static void on_broken(struct timer *t)
{
	struct app *app = container_of(t, struct app, broken);

	if (!app->ending)
		app_end(app);
}

/* ---- up -------------------------------------------------------------------------------------- */

void app_flush(struct app *app)
{
	if (cli_flush(app->cli) == 0)
		return;
	app->result = app->cli->err.code;
	timer_start(app->loop, &app->broken, 0); /* the caller still has its service in hand */
}

void app_service_up(struct app *app)
{
	for (size_t i = 0; i < app->n_services; i++)
		if (!app->services[i]->shown)
			return;
	if (app->ready || app->ending)
		return;
	app->ready = true;
	ready_tell(getenv("NOTIFY_SOCKET"), app->opts->ready_fd - 1);
}

static void on_tunnel(void *ctx, struct tunnel *t, const struct rn_error *why)
{
	struct app *app = ctx;

	app->tunnel = t;
	for (size_t i = app->n_services; i-- > 0;) {
		if (t)
			service_tunnel_up(app->services[i]);
		else
			service_tunnel_down(app->services[i], why);
	}
}

/* ---- what to expose -------------------------------------------------------------------------- */

static int add_service(struct app *app, const struct asked *a, struct rn_error *err)
{
	struct service *s;

	for (size_t i = 0; i < app->n_services; i++)
		if (strcmp(app->services[i]->asked.name, a->name) == 0)
			return rn_fail(err, RN_EDATA, "%s is there twice", a->name);
	if (app->n_services == SERVICES_MAX)
		return rn_fail(err, RN_EDATA, "more than %d services", SERVICES_MAX);
	s = service_new(app, a, err);
	if (!s)
		return err->code;
	app->services[app->n_services++] = s;
	return 0;
}

static int add_record(struct app *app, const struct rec *r, struct rn_error *err)
{
	struct asked a;
	int rc;

	if (!rec_is(r, "service"))
		return 0;
	rc = asked_from_record(&a, app->opts, r, err);
	return rc ? rc : add_service(app, &a, err);
}

/* Service records from standard input. A bad one is told and left out. */
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
			dprintf(2, "rn-expose: %s\n", why.text);
		}
	}
	rec_reader_free(&rd);
	if (rc) {
		*err = why;
		return rc;
	}
	if (app->n_services)
		return 0;
	return rn_fail(err, app->result ? app->result : RN_ENOINPUT,
		       "no service to expose on standard input");
}

static int add_asked(struct app *app, int argc, char **argv, struct rn_error *err)
{
	struct asked a;
	int rc;

	if (strcmp(argv[0], "-") == 0)
		return argc == 1 ? add_lines(app, err)
				 : rn_fail(err, RN_EUSAGE, "- takes no protocol: the lines say it");
	if (argc < 2)
		return rn_fail(err, RN_EUSAGE, "missing PROTOCOL: http, https, tcp or udp");
	rc = asked_from_args(&a, app->opts, argv[0], argv[1], err);
	return rc ? rc : add_service(app, &a, err);
}

/* ---- run ------------------------------------------------------------------------------------- */

static int app_open(struct app *app, struct rn_error *err)
{
	struct cli *c = app->cli;
	char rn_wg[AGENT_PATH_MAX];
	int rc = agent_net_find(&app->net, c->state_dir, app->opts->network, err);

	if (rc)
		return rc;
	app->rest = agent_rest_open(&app->net, err);
	if (!app->rest)
		return err->code;
	cli_sibling(c, "rn-wg", rn_wg, sizeof(rn_wg));
	app->keeper =
		agent_keeper_new(app->loop, &app->net, rn_wg, c->run_dir, on_tunnel, app, err);
	if (!app->keeper)
		return err->code;
	rc = loop_signal(app->loop, SIGINT, on_signal, app, err);
	return rc ? rc : loop_signal(app->loop, SIGTERM, on_signal, app, err);
}

static void app_close(struct app *app)
{
	while (app->n_services)
		service_free(app->services[--app->n_services]);
	agent_keeper_free(app->keeper);
	agent_rest_free(app->rest);
	loop_free(app->loop);
}

int app_run(struct cli *c, int argc, char **argv)
{
	struct app app = {
		.cli = c, .opts = c->opts, .deadline.fn = on_deadline, .broken.fn = on_broken};
	int rc;

	app.loop = loop_new(&c->err);
	if (!app.loop)
		return c->err.code;
	rc = add_asked(&app, argc, argv, &c->err);
	if (!rc)
		rc = app_open(&app, &c->err);
	if (!rc)
		rc = loop_run(app.loop, &c->err);
	app_close(&app);
	return rc ? rc : app.result;
}
