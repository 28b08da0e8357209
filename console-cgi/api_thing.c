/* SPDX-License-Identifier: MIT
 *
 * The verbs that all kinds share: list, show, add, set, remove, suspend, resume.
 */
#include "cgi.h"

#include <errno.h>

/* Every query parameter that is a key of the kind narrows the list: ?status=active. */
static int read_want(struct call *k, struct rec *want, struct buf *line, struct rn_error *err)
{
	const struct schema_kind *schema = schema_find(str_from(k->route->kind));
	struct str rest = k->rq->query, pair, key;
	char name[REC_KEY_MAX + 1], value[512];

	rec_begin(line, k->route->kind, STR(""));
	while (str_cut(&rest, '&', &pair)) {
		if (!pair.len)
			continue;
		str_cut(&pair, '=', &key);
		if (!schema || !schema_key_find(schema, key) ||
		    !str_copy(name, sizeof(name), key) ||
		    !request_param(k->rq->query, name, value, sizeof(value)))
			return rn_fail(err, RN_EDATA, "query: a %s has no %.*s", k->route->kind,
				       STR_ARG(key));
		rec_add_cstr(line, name, value);
	}
	return line->failed ? rn_fail(err, RN_EDATA, "query: too long")
			    : rec_parse(want, buf_str(line), NULL, err);
}

int thing_list(struct call *k, struct rn_error *err)
{
	struct buf line;
	struct rec want;
	int rc;

	buf_init(&line, REC_LINE_MAX);
	rc = read_want(k, &want, &line, err);
	if (!rc) {
		/* The subject stands for nothing: only the fields behind it narrow. */
		bool narrowed = want.n > 1;

		for (size_t i = 1; i < want.n; i++)
			want.f[i - 1] = want.f[i];
		want.n -= want.n > 0;
		rc = console_list(k->console, &k->actor, str_from(k->route->kind),
				  narrowed ? &want : NULL, &k->out, err);
	}
	buf_free(&line);
	return rc ? rc : reply_records(k->re, k->rq, 200, buf_str(&k->out), true, err);
}

int thing_show(struct call *k, struct rn_error *err)
{
	int rc = console_show(k->console, &k->actor, str_from(k->route->kind), str_from(k->id),
			      &k->out, err);

	return rc ? rc : reply_records(k->re, k->rq, 200, buf_str(&k->out), false, err);
}

/* Reads the body; without an identity its name= is it. */
static int read_new(struct call *k, struct rn_error *err)
{
	int rc = body_read(k, err);

	if (rc || rec_id(&k->body).len)
		return rc;
	if (rec_get(&k->body, "name").len)
		return body_identify(k, body_text(k, "name"), err);
	rn_fail(err, RN_EDATA, "the new %s has no name", k->route->kind);
	err->sys = EINVAL;
	return err->code;
}

int thing_add(struct call *k, struct rn_error *err)
{
	int rc = read_new(k, err);

	rc = rc ? rc : console_add(k->console, &k->actor, &k->body, &k->out, err);
	return rc ? rc : reply_records(k->re, k->rq, 201, buf_str(&k->out), false, err);
}

/* The console answers with two records, the gateway and its invitation: here the invitation's text
 * becomes a field of the gateway, so that the answer is one thing. */
int gateway_post(struct call *k, struct rn_error *err)
{
	struct str gateway, invitation = {NULL, 0};
	struct rec r;
	struct buf one;
	int rc = read_new(k, err);

	rc = rc ? rc : console_add(k->console, &k->actor, &k->body, &k->out, err);
	if (rc)
		return rc;
	invitation = buf_str(&k->out);
	if (!str_cut(&invitation, '\n', &gateway) || !str_ends(invitation, STR("\n")) ||
	    rec_parse(&r, str_slice(invitation, 0, invitation.len - 1), NULL, err))
		return rn_fail(err, RN_EBUG, "a new gateway came without an invitation");
	buf_init(&one, REC_LINE_MAX);
	buf_add(&one, gateway);
	rec_add_raw(&one, "invitation", rec_get(&r, "url"));
	rec_end(&one);
	rc = reply_records(k->re, k->rq, 201, buf_str(&one), false, err);
	buf_free(&one);
	return rc;
}

/* Answers with what the thing is now. */
int thing_set(struct call *k, struct rn_error *err)
{
	int rc = body_read(k, err);

	rc = rc ? rc : console_set(k->console, &k->actor, &k->body, &k->out, err);
	if (rc)
		return rc;
	buf_clear(&k->out);
	return thing_show(k, err);
}

int thing_remove(struct call *k, struct rn_error *err)
{
	k->re->status = 204;
	return console_remove(k->console, &k->actor, str_from(k->route->kind), str_from(k->id),
			      err);
}

static int suspend(struct call *k, bool suspend, struct rn_error *err)
{
	k->re->status = 204;
	return console_suspend(k->console, &k->actor, str_from(k->route->kind), str_from(k->id),
			       suspend, err);
}

int thing_suspend(struct call *k, struct rn_error *err) { return suspend(k, true, err); }

int thing_resume(struct call *k, struct rn_error *err) { return suspend(k, false, err); }
