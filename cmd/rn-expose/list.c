/* SPDX-License-Identifier: MIT
 *
 * rn expose list: this machine's services as the console knows them, and whether they work, as the
 * programs that serve them know it.
 */
#include "rn-expose.h"

#include <dirent.h>

#define LIST_BYTES (4u << 20)
#define ASK_MS 2000

/* One of this machine's programs that answered. */
struct local {
	char id[AGENT_NAME_MAX + 1];
	char line[REC_LINE_MAX];
	bool listed;
};
struct locals {
	VEC(struct local) all;
};

static int take_local(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct locals *ls = ctx;
	struct local *l;

	(void)err;
	if (!rec_is(r, "service") || !(l = VEC_PUSH(&ls->all)))
		return 0;
	if (!str_copy(l->id, sizeof(l->id), rec_id(r)) ||
	    !str_copy(l->line, sizeof(l->line), r->line))
		ls->all.len--;
	return 0;
}

static void ask_locals(const char *run_dir, struct locals *ls)
{
	char path[AGENT_PATH_MAX];
	struct rn_error ignored;
	DIR *d = opendir(run_dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct str name = str_from(e->d_name);

		if (!str_starts(name, STR("expose-")) || !str_ends(name, STR(".sock")) ||
		    !path_join(path, sizeof(path), run_dir, name))
			continue;
		if (ctl_call(path, STR("request=show\n"), ASK_MS, take_local, ls, NULL, NULL,
			     &ignored))
			log_write(LOG_DEBUG, "%s", ignored.text); /* ended a moment ago, or stale */
	}
	if (d)
		closedir(d);
}

static struct local *local_find(struct locals *ls, struct str id)
{
	for (size_t i = 0; i < ls->all.len; i++)
		if (str_is(id, ls->all.ptr[i].id))
			return &ls->all.ptr[i];
	return NULL;
}

static int put_line(struct cli *c, struct str line)
{
	struct buf b;
	int rc;

	buf_init(&b, REC_LINE_MAX);
	buf_add(&b, line);
	buf_add_byte(&b, '\n');
	rc = rec_out_put(&c->out, buf_str(&b), &c->err);
	buf_free(&b);
	return rc;
}

/* A service of the console's list: as its program tells it, else as one that nothing serves. */
static int put_listed(struct cli *c, struct locals *ls, struct rec *r)
{
	struct local *l = local_find(ls, rec_id(r));
	struct buf b;
	int rc;

	if (l) {
		l->listed = true;
		return put_line(c, str_from(l->line));
	}
	put_field(r, "status", STR("down"));
	buf_init(&b, REC_LINE_MAX);
	rec_write(&b, r);
	rc = rec_out_put(&c->out, buf_str(&b), &c->err);
	buf_free(&b);
	return rc;
}

static int put_all(struct cli *c, const struct agent_net *net, struct locals *ls, struct str answer)
{
	struct rec_reader rd;
	struct rec r;
	int rc;

	rec_reader_mem(&rd, answer, "answer");
	while ((rc = rec_read(&rd, &r, &c->err)) == 1) {
		struct str device = rec_get(&r, "device");

		if (!rec_is(&r, "service") || (device.ptr && !str_is(device, net->node)))
			continue;
		rc = put_listed(c, ls, &r);
		if (rc)
			break;
	}
	rec_reader_free(&rd);
	/* What runs here but is not listed: not registered yet, or the console does not answer. */
	for (size_t i = 0; !rc && i < ls->all.len; i++)
		if (!ls->all.ptr[i].listed)
			rc = put_line(c, str_from(ls->all.ptr[i].line));
	return rc;
}

int run_list(struct cli *c, int argc, char **argv)
{
	const struct options *o = c->opts;
	const struct agent_request q = {.path = "/api/v1/services"};
	struct rn_error away = {0};
	struct agent_rest *rest;
	struct agent_net net;
	struct locals ls = {0};
	struct buf answer;
	int rc;

	(void)argc;
	(void)argv;
	rc = agent_net_find(&net, c->state_dir, o->network, &c->err);
	if (rc)
		return rc;
	rest = agent_rest_open(&net, &c->err);
	if (!rest)
		return c->err.code;
	buf_init(&answer, LIST_BYTES);
	ask_locals(c->run_dir, &ls);
	if (agent_rest_records(rest, &q, &answer, &away))
		buf_clear(&answer);
	rc = put_all(c, &net, &ls, buf_str(&answer));
	agent_rest_free(rest);
	buf_free(&answer);
	vec_free(&ls.all.base);
	if (!rc && away.code) {
		c->err = away; /* what runs here was told; the rest is not known */
		rc = away.code;
	}
	return rc;
}
