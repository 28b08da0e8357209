/* SPDX-License-Identifier: MIT
 *
 * One request, or, without a web server around it, a word to the person who started it.
 */
#include "cgi.h"
#include "page.h"

#include "cli/cli.h"

#include <errno.h>

static const char *env(const char *name)
{
	return getenv(name);
}

/* Somebody known asked for what is not theirs to do: the audit log says so. */
static void note_refusal(struct call *k, const struct rn_error *why)
{
	struct rn_error err;
	char detail[700];

	if (str_is(k->rq->method, "GET"))
		return;
	snprintf(detail, sizeof(detail), "%s %s: %s", k->route->method, k->route->pattern, why->text);
	if (console_refused(k->console, &k->actor, k->route->kind, str_from(k->id), detail, &err))
		log_write(LOG_ERROR, "%s", err.text);
}

static int dispatch(struct call *k, struct rn_error *err)
{
	const char *dir = env("RN_CONSOLE_DIR");
	int rc;

	if (!dir || !*dir)
		return rn_fail(err, RN_ECONFIG, "RN_CONSOLE_DIR is not set");
	rc = console_open(&k->console, dir, err);
	if (rc)
		return rc;
	if (k->route->who != WHO_ANYBODY)
		rc = actor_find(k, err);
	if (!rc)
		rc = k->route->fn(k, err);
	if (rc == RN_EPERM && err->sys == EACCES)
		note_refusal(k, err);
	console_close(k->console);
	return rc;
}

/* A person's browser gets a page, a program a record. */
static void fail(struct call *k, unsigned status, const char *title, const char *text)
{
	if (str_starts(k->rq->path, STR(API "/")))
		reply_error(k->re, k->rq, status, text);
	else
		page_notice(k->re, status, title, text);
}

static void run_route(struct call *k)
{
	struct rn_error err = {0};

	if (!dispatch(k, &err))
		return;
	buf_clear(&k->re->fields);
	reply_fail(k->re, k->rq, &err);
	if (!str_starts(k->rq->path, STR(API "/")))
		page_notice(k->re, k->re->status, "This did not work",
			    "Please try again. If it stays so, the console's log says why.");
}

static void answer(struct call *k)
{
	struct buf allow;

	buf_init(&allow, 256);
	switch (route_find(&k->route, k->id, k->rq, &allow)) {
	case ROUTE_FOUND:
		run_route(k);
		break;
	case ROUTE_NO_PATH:
		fail(k, 404, "Not found", "There is nothing at this path.");
		break;
	case ROUTE_NO_METHOD:
		fail(k, 405, "Not possible", "This path does not know that method.");
		buf_addf(&k->re->fields, "Allow: %.*s\r\n", STR_ARG(buf_str(&allow)));
		break;
	}
	buf_free(&allow);
}

static int serve(struct request *rq, struct rn_error *err)
{
	static struct call k; /* large, and one is enough */
	struct reply re;
	int rc;

	reply_init(&re);
	re.https = env("HTTPS") && strcmp(env("HTTPS"), "on") == 0;
	k = (struct call){.rq = rq, .re = &re, .now_s = clock_wall_s()};
	buf_init(&k.out, ANSWER_MAX);
	buf_init(&k.body_line, BODY_MAX);
	arena_init(&k.arena, 4 * BODY_MAX);
	if (request_read(rq, env, 0, err))
		reply_fail(&re, rq, err);
	else
		answer(&k);
	rc = reply_send(&re, rq, 1, err);
	arena_free(&k.arena);
	if (k.body_line.ptr)
		secret_wipe(k.body_line.ptr, k.body_line.cap); /* may hold a password or a token */
	buf_free(&k.body_line);
	buf_free(&k.out);
	reply_free(&re);
	return rc;
}

/* ---- at a terminal --------------------------------------------------------------------------- */

static int run_openapi(struct cli *c, int argc, char **argv)
{
	struct buf b;
	int rc;

	(void)argc, (void)argv;
	buf_init(&b, ANSWER_MAX);
	rc = openapi_write(&b, &c->err);
	if (!rc)
		cli_printf(c, "%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
	return rc;
}

static int terminal(int argc, char **argv)
{
	static const struct cli_cmd cmds[] = {
		{.name = "openapi", .run = run_openapi, .no_views = true,
		 .doc = "Print the description of the REST API (OpenAPI 3.0)"},
		{0}};
	static const struct cli_prog prog = {
		.name = "rn-console.cgi", .cmds = cmds,
		.doc = "The console's REST API and login page, as a CGI program for any web server.\n"
		       "It wants RN_CONSOLE_DIR in its environment: the folder that rn-console init made.",
		.examples = "  target=console resource=console "
			    "address=cgi:/usr/local/lib/rustronaut/rn-console.cgi\n"
			    "      behind rn-proxy (rn-console init writes this)\n"
			    "  rn-console.cgi openapi | jq .paths\n"
			    "      all calls\n"};

	return cli_main(&prog, argc, argv);
}

int main(int argc, char **argv)
{
	struct request rq;
	struct rn_error err = {0};

	/* A server may pass words of the query as arguments: with a request around, argv is not read. */
	if (!env("REQUEST_METHOD") && !env("GATEWAY_INTERFACE"))
		return terminal(argc, argv);
	log_open(2, "rn-console.cgi", LOG_WARN);
	if (!secret_init())
		return 71;
	if (serve(&rq, &err)) {
		log_write(LOG_ERROR, "%s", err.text);
		return -err.code;
	}
	request_free(&rq);
	return 0;
}
