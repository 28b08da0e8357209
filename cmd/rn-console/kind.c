/* SPDX-License-Identifier: MIT
 *
 * rn-console KIND ACTION [ID] [KEY=VALUE...]: one grammar for all kinds.
 */
#include "rn-console.h"

#include <unistd.h>

struct call {
	struct cli *cli;
	struct work *s;
	const char *kind, *id;
	char **fields;
	int n_fields;
	struct rec *r; /* KIND=ID and the fields */
	struct buf line;
};

/* The words after the identity as one record; what a shell cannot write plainly may be written
 * plainly: it is escaped here. */
static int build_record(struct call *k)
{
	struct rn_error *err = &k->cli->err;

	rec_begin(&k->line, k->kind, str_from(k->id));
	for (int i = 0; i < k->n_fields; i++) {
		struct str value = str_from(k->fields[i]), key;
		char name[REC_KEY_MAX + 1];

		if (!str_cut(&value, '=', &key) || !value.ptr || !str_copy(name, sizeof(name), key))
			return rn_fail(err, RN_EUSAGE, "%s: KEY=VALUE is needed", k->fields[i]);
		rec_add(&k->line, name, value);
	}
	k->r = malloc(sizeof(*k->r));
	if (!k->r || k->line.failed)
		return rn_fail(err, RN_EUSAGE, "the record is too long");
	if (rec_parse(k->r, buf_str(&k->line), NULL, err))
		return err->code = RN_EUSAGE;
	return 0;
}

static int do_list(struct call *k)
{
	return console_list(k->s->console, &k->s->actor, str_from(k->kind), NULL, &k->s->out,
			    &k->cli->err);
}

static int do_show(struct call *k)
{
	return console_show(k->s->console, &k->s->actor, str_from(k->kind), str_from(k->id),
			    &k->s->out, &k->cli->err);
}

static int do_add(struct call *k)
{
	return console_add(k->s->console, &k->s->actor, k->r, &k->s->out, &k->cli->err);
}

static int do_set(struct call *k)
{
	return console_set(k->s->console, &k->s->actor, k->r, &k->s->out, &k->cli->err);
}

static int do_remove(struct call *k)
{
	return console_remove(k->s->console, &k->s->actor, str_from(k->kind), str_from(k->id),
			      &k->cli->err);
}

static int do_suspend(struct call *k)
{
	return console_suspend(k->s->console, &k->s->actor, str_from(k->kind), str_from(k->id),
			       true, &k->cli->err);
}

static int do_resume(struct call *k)
{
	return console_suspend(k->s->console, &k->s->actor, str_from(k->kind), str_from(k->id),
			       false, &k->cli->err);
}

/* One line of standard input, without its LF. */
static int read_password(struct call *k, struct buf *b)
{
	int rc = file_read("-", b, &k->cli->err);

	if (!rc && b->len && b->ptr[b->len - 1] == '\n')
		b->len--;
	if (!rc && (!b->len || str_find(buf_str(b), '\n') >= 0))
		rc = rn_fail(&k->cli->err, RN_EDATA, "stdin: one line with the password is needed");
	return rc;
}

static int do_password(struct call *k)
{
	const struct options *o = k->cli->opts;
	char made[TOKEN_LEN + 1] = "";
	struct buf b;
	int rc = 0;

	buf_init(&b, 4096);
	if (o->generate) {
		token_make(made);
		buf_add_cstr(&b, made);
	} else {
		rc = read_password(k, &b);
	}
	if (!rc)
		rc = console_user_password(k->s->console, &k->s->actor, str_from(k->id),
					   buf_str(&b), &k->cli->err);
	if (!rc && o->generate) {
		rec_begin(&k->s->out, "user", str_from(k->id));
		rec_add_cstr(&k->s->out, "password", made);
		rec_end(&k->s->out);
	}
	secret_wipe(made, sizeof(made));
	if (b.ptr)
		secret_wipe(b.ptr, b.cap);
	buf_free(&b);
	return rc;
}

static int do_token(struct call *k)
{
	const struct options *o = k->cli->opts;

	return console_token_add(k->s->console, &k->s->actor, str_from(k->id),
				 rec_get(k->r, "name"), o->expires_s, &k->s->out, &k->cli->err);
}

static int do_link(struct call *k)
{
	const struct options *o = k->cli->opts;

	return console_service_link(k->s->console, &k->s->actor, str_from(k->id), o->expires_s,
				    &k->s->out, &k->cli->err);
}

static const struct action {
	const char *name, *kind; /* kind NULL: as console_kinds says */
	int (*run)(struct call *k);
	bool id, fields;
} actions[] = {
	{"list", NULL, do_list, false, false},	  {"show", NULL, do_show, true, false},
	{"add", NULL, do_add, true, true},	  {"set", NULL, do_set, true, true},
	{"remove", NULL, do_remove, true, false}, {"suspend", NULL, do_suspend, true, false},
	{"resume", NULL, do_resume, true, false}, {"password", "user", do_password, true, false},
	{"token", "user", do_token, true, true},  {"link", "service", do_link, true, false},
};

static bool kind_has(const char *kind, const struct action *a)
{
	if (a->kind)
		return strcmp(a->kind, kind) == 0;
	for (const struct console_kind_info *i = console_kinds; i->name; i++) {
		struct str rest = str_from(i->verbs), verb;

		while (strcmp(i->name, kind) == 0 && str_cut(&rest, ' ', &verb)) {
			if (str_is(verb, a->name))
				return true;
		}
	}
	return false;
}

static const struct action *action_find(const char *kind, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (strcmp(actions[i].name, name) == 0 && kind_has(kind, &actions[i]))
			return &actions[i];
	}
	return NULL;
}

static int no_action(struct cli *c, const char *kind, const char *name)
{
	char known[160] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (kind_has(kind, &actions[i]))
			n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "",
					      actions[i].name);
	}
	return name ? rn_fail(&c->err, RN_EUSAGE, "%s %s: no such action; there are %s", kind,
			      name, known)
		    : rn_fail(&c->err, RN_EUSAGE, "%s: missing action: %s", kind, known);
}

int run_kind(struct cli *c, int argc, char **argv)
{
	const struct action *a = argc ? action_find(c->cmd->name, argv[0]) : NULL;
	struct call k = {.cli = c, .kind = c->cmd->name, .id = ""};
	struct work s;

	if (!a)
		return no_action(c, k.kind, argc ? argv[0] : NULL);
	if (a->id && argc < 2)
		return rn_fail(&c->err, RN_EUSAGE, "%s %s: of which %s?", k.kind, a->name, k.kind);
	if (argc > 1 + a->id && !a->fields)
		return rn_fail(&c->err, RN_EUSAGE, "%s %s: %s is too much", k.kind, a->name,
			       argv[1 + a->id]);
	if (a->id) {
		k.id = argv[1];
		k.fields = argv + 2;
		k.n_fields = argc - 2;
	}
	buf_init(&k.line, REC_LINE_MAX);
	int rc = a->id ? build_record(&k) : 0;

	if (!rc)
		rc = work_open(c, &s);
	if (!rc) {
		k.s = &s;
		rc = work_close(c, &s, a->run(&k));
	}
	buf_free(&k.line);
	free(k.r);
	return rc;
}
