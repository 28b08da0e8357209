/* SPDX-License-Identifier: MIT
 *
 * rn-rec canon, pick and json: records in, the same or some of them out.
 */
#include "rn-rec.h"

/* Room for one record written again; each run starts with it empty. */
static struct buf line;

/* What pick asks for. */
static struct {
	struct str kinds; /* "any", or names with commas between */
	const struct pick_opts *opts;
} wanted;

static int put(struct cli *c, const struct rec_reader *rd, const struct rec *r)
{
	buf_clear(&line);
	rec_canonical(&line, r);
	if (line.failed)
		return rn_fail(&c->err, RN_EDATA,
			       "%s:%zu:1: longer than %d bytes in canonical form", rd->name,
			       rd->line, REC_LINE_MAX);
	return rec_out_put(&c->out, buf_str(&line), &c->err);
}

static int run(struct cli *c, int argc, char **argv, input_fn *fn)
{
	buf_init(&line, 4 * REC_LINE_MAX);
	int rc = input_each(c, argc, argv, fn);
	buf_free(&line);
	return rc;
}

int canon_run(struct cli *c, int argc, char **argv)
{
	return run(c, argc, argv, put);
}

int json_run(struct cli *c, int argc, char **argv)
{
	c->out.view = REC_VIEW_JSON;
	return run(c, argc, argv, put);
}

/* ---- pick ---- */

int pick_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct pick_opts *o = opts;
	if (key != 'w')
		return ARGP_ERR_UNKNOWN;
	if (o->n == ARRAY_LEN(o->where))
		return rn_fail(err, RN_EUSAGE, "more than %zu --where", ARRAY_LEN(o->where));
	if (!*arg || *arg == '=')
		return rn_fail(err, RN_EUSAGE,
			       "--where wants KEY=VALUE, KEY!=VALUE or KEY, not '%s'", arg);
	o->where[o->n++] = str_from(arg);
	return 0;
}

static bool is_picked_kind(const struct rec *r)
{
	struct str rest = wanted.kinds, kind;
	while (str_cut(&rest, ',', &kind))
		if (str_eq(kind, rec_kind(r)) || str_is(kind, "any"))
			return true;
	return false;
}

/* VALUE itself, or one element where it is a list. */
static bool holds_value(struct str have, struct str value)
{
	struct str element;
	if (str_eq(have, value))
		return true;
	while (rec_list_next(&have, &element))
		if (str_eq(element, value))
			return true;
	return false;
}

/* KEY=VALUE, KEY!=VALUE (absent is not equal), KEY (is there). */
static bool holds(const struct rec *r, struct str where)
{
	struct str key, value = where;
	char name[REC_KEY_MAX + 1];
	str_cut(&value, '=', &key);
	bool negated = value.ptr && key.len && key.ptr[key.len - 1] == '!';
	if (negated)
		key.len--;
	if (!str_copy(name, sizeof name, key))
		return false;
	struct str have = rec_get(r, name);
	if (!value.ptr)
		return have.ptr;
	return negated != (have.ptr && holds_value(have, value));
}

static int pick_one(struct cli *c, const struct rec_reader *rd, const struct rec *r)
{
	if (!is_picked_kind(r))
		return 0;
	for (size_t i = 0; i < wanted.opts->n; i++)
		if (!holds(r, wanted.opts->where[i]))
			return 0;
	return put(c, rd, r);
}

int pick_run(struct cli *c, int argc, char **argv)
{
	wanted.kinds = str_from(argv[0]);
	wanted.opts = c->opts;
	return run(c, argc - 1, argv + 1, pick_one);
}
