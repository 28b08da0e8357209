/* SPDX-License-Identifier: MIT
 *
 * rn expose stop NAME: ends the program that serves it here; or, if none does, takes the name away
 * at the console.
 */
#include "rn-expose.h"

#include <errno.h>

#define STOP_MS 5000

/* 0 when a program was there and has ended the service; RN_ENO when none runs. */
static int stop_local(struct cli *c, const char *name)
{
	char file[AGENT_NAME_MAX + 32], path[AGENT_PATH_MAX];
	int n = snprintf(file, sizeof(file), "expose-%s.sock", name);
	int rc;

	if (strchr(name, '/') || n < 0 || (size_t)n >= sizeof(file) ||
	    !path_join(path, sizeof(path), c->run_dir, str_from(file)))
		return rn_fail(&c->err, RN_EUSAGE, "'%s' is not the name of a service", name);
	rc = ctl_call(path, STR("request=stop\n"), STOP_MS, NULL, NULL, NULL, NULL, &c->err);
	if (rc == RN_EAWAY && (c->err.sys == ENOENT || c->err.sys == ECONNREFUSED))
		return RN_ENO;
	return rc;
}

/* The identity of this machine's service NAME. */
static int find_id(const struct agent_net *net, struct str answer, const char *name,
		   struct arena *a, struct str *id, struct rn_error *err)
{
	struct rec_reader rd;
	struct rec r;
	int rc;

	*id = (struct str){0};
	rec_reader_mem(&rd, answer, "answer");
	while ((rc = rec_read(&rd, &r, err)) == 1) {
		struct str device = rec_get(&r, "device");

		if (rec_is(&r, "service") && str_is(rec_get(&r, "name"), name) &&
		    (!device.ptr || str_is(device, net->node)))
			*id = arena_str(a, rec_id(&r));
	}
	rec_reader_free(&rd);
	if (!rc && !id->ptr)
		rc = rn_fail(err, RN_ENO,
			     "this machine exposes no service '%s' (rn expose list shows them)",
			     name);
	return rc;
}

static int stop_remote(struct cli *c, struct agent_rest *rest, const struct agent_net *net,
		       const char *name)
{
	struct agent_request find = {0}, remove = {.method = "DELETE"};
	struct buf path, answer;
	struct arena arena;
	struct str id;
	int rc;

	arena_init(&arena, 65536);
	buf_init(&path, 1024);
	buf_init(&answer, 4u << 20);
	buf_add_cstr(&path, "/api/v1/services");
	agent_query_add(&path, "name", str_from(name));
	buf_add_byte(&path, '\0');
	find.path = path.ptr;
	rc = agent_rest_records(rest, &find, &answer, &c->err);
	if (!rc)
		rc = find_id(net, buf_str(&answer), name, &arena, &id, &c->err);
	if (!rc) {
		remove.path = arena_printf(&arena, "/api/v1/services/%.*s", STR_ARG(id)).ptr;
		rc = agent_rest_records(rest, &remove, NULL, &c->err);
	}
	buf_free(&path);
	buf_free(&answer);
	arena_free(&arena);
	return rc;
}

int run_stop(struct cli *c, int argc, char **argv)
{
	const struct options *o = c->opts;
	struct agent_rest *rest;
	struct agent_net net;
	int rc = stop_local(c, argv[0]);

	(void)argc;
	if (rc != RN_ENO)
		return rc;
	rc = agent_net_find(&net, c->state_dir, o->network, &c->err);
	if (rc)
		return rc;
	rest = agent_rest_open(&net, &c->err);
	if (!rest)
		return c->err.code;
	rc = stop_remote(c, rest, &net, argv[0]);
	agent_rest_free(rest);
	return rc;
}
