/* SPDX-License-Identifier: MIT
 *
 * rn-rec check: everything that is wrong, not only the first. As a stream: grammar and schema, line
 * by line. As a config: the whole file, with subjects that stand twice and references to nothing.
 */
#include "rn-rec.h"

#define CONFIG_MAX (64 * 1024 * 1024)

int check_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct check_opts *o = opts;
	(void)arg, (void)err;
	if (key == CHECK_CONFIG)
		o->config = true;
	else if (key == CHECK_KNOWN)
		o->known = true;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static int unknown_kind(struct rn_error *err, struct str kind)
{
	const char *nearest = NULL;
	size_t best = kind.len / 3 + 2;
	for (const struct schema_kind *const *k = schema_kinds; *k; k++) {
		size_t d = str_distance(kind, str_from((*k)->name), best);
		if (d < best) {
			best = d;
			nearest = (*k)->name;
		}
	}
	return rn_fail(err, RN_EDATA, "unknown kind '%.*s'%s%s%s", STR_ARG(kind),
		       nearest ? ": did you mean '" : "", nearest ? nearest : "",
		       nearest ? "'?" : "");
}

static int check_one(struct cli *c, const struct rec_reader *rd, const struct rec *r)
{
	const struct check_opts *o = c->opts;
	size_t column = 1;
	int rc = schema_check(r, &column, &c->err);
	if (rc == 0 && o->known && !schema_find(rec_kind(r)))
		rc = unknown_kind(&c->err, rec_kind(r));
	if (rc < 0)
		rn_fail_in(&c->err, "%s:%zu:%zu", rd->name, rd->line, column);
	return rc < 0 ? RN_EDATA : 0;
}

/* ---- a config as a whole ---- */

/* Text of the file; subjects are keys of the map as they stand in it. */
struct config {
	struct cli *cli;
	struct map subjects;
	int worst;
};

static void complain(struct config *x, const struct rec_reader *rd, size_t column)
{
	rn_fail_in(&x->cli->err, "%s:%zu:%zu", rd->name, rd->line, column);
	x->worst = input_complain(x->cli);
}

static int note_subject(struct config *x, const struct rec_reader *rd, const struct rec *r)
{
	struct str subject = rec_subject(r);
	if (!schema_find(rec_kind(r)))
		return 0;
	if (map_get(&x->subjects, subject)) {
		rn_fail(&x->cli->err, RN_EDATA, "%.*s stands twice", STR_ARG(subject));
		complain(x, rd, 1);
		return 0;
	}
	return map_set(&x->subjects, subject, x) ? 0
						 : rn_fail(&x->cli->err, RN_EOS, "out of memory");
}

/* Is there a record of one of the kinds "a|b" with this identity? Kinds that are no configuration
 * need not stand in a config. */
static bool exists(const struct config *x, const char *kinds, struct str id)
{
	struct str rest = str_from(kinds), kind;
	char subject[REC_LINE_MAX + REC_KEY_MAX];
	while (str_cut(&rest, '|', &kind)) {
		const struct schema_kind *k = schema_find(kind);
		int n = snprintf(subject, sizeof subject, "%.*s=%.*s", STR_ARG(kind), STR_ARG(id));
		if (!k || !k->config || map_get(&x->subjects, str_make(subject, (size_t)n)))
			return true;
	}
	return false;
}

static void check_references(struct config *x, const struct rec_reader *rd, const struct rec *r)
{
	const struct schema_kind *kind = schema_find(rec_kind(r));
	for (size_t i = 1; kind && i < r->n; i++) {
		const struct schema_key *key = schema_key_find(kind, r->f[i].key);
		struct str rest = r->f[i].value, id;
		while (key && key->type == TYPE_REF && rec_list_next(&rest, &id)) {
			if (exists(x, key->values, id))
				continue;
			rn_fail(&x->cli->err, RN_EDATA, "%s: there is no %s=%.*s", key->name,
				key->values, STR_ARG(id));
			complain(x, rd, (size_t)(id.ptr - r->line.ptr) + 1);
		}
	}
}

static int read_config(struct config *x, struct str text, const char *name, bool second)
{
	struct rec_reader rd;
	struct rec r;
	int rc;
	rec_reader_mem(&rd, text, name);
	while ((rc = rec_read(&rd, &r, &x->cli->err)) != 0) {
		if (second) {
			if (rc > 0)
				check_references(x, &rd, &r);
			continue;
		}
		if (rc < 0 || check_one(x->cli, &rd, &r) < 0)
			x->worst = input_complain(x->cli);
		if (rc > 0 && note_subject(x, &rd, &r) < 0)
			return x->cli->err.code;
	}
	x->cli->err.text[0] = '\0'; /* all was said; bad lines, met again, are not said twice */
	return 0;
}

static int check_config(struct cli *c, const char *file)
{
	struct config x = {.cli = c};
	const char *name = strcmp(file, "-") == 0 ? "stdin" : file;
	struct buf text;
	buf_init(&text, CONFIG_MAX);
	int rc = file_read(file, &text, &c->err);
	if (rc == 0)
		rc = read_config(&x, buf_str(&text), name, false);
	if (rc == 0)
		rc = read_config(&x, buf_str(&text), name, true);
	map_free(&x.subjects);
	buf_free(&text);
	return rc < 0 ? rc : x.worst < 0 ? RN_ECONFIG : 0;
}

int check_run(struct cli *c, int argc, char **argv)
{
	const struct check_opts *o = c->opts;
	int worst = 0;
	if (!o->config)
		return input_each(c, argc, argv, check_one);
	if (argc == 0)
		return check_config(c, "-");
	for (int i = 0; i < argc; i++) {
		int rc = check_config(c, argv[i]);
		if (rc < 0 && rc != RN_ECONFIG)
			return rc;
		worst = rc < 0 ? rc : worst;
	}
	return worst;
}
