/* SPDX-License-Identifier: MIT
 *
 * The body of a request as one record, whatever it was written in, held against the schema.
 */
#include "cgi.h"

#include <errno.h>

static int fail_sys(struct rn_error *err, int sys)
{
	err->sys = sys;
	return err->code = RN_EDATA;
}

struct str body_type(const struct call *k)
{
	struct str rest = k->rq->content_type, type;

	str_cut(&rest, ';', &type);
	return str_trim(type);
}

int body_wrong_type(struct rn_error *err, const char *text)
{
	rn_fail(err, RN_EDATA, "%s", text);
	return fail_sys(err, EMEDIUMTYPE);
}

/* The body as one canonical line in k->body_line. An empty body is a record without fields. */
static int to_line(struct call *k, struct rn_error *err)
{
	struct str type = body_type(k), text = buf_str(&k->rq->body);
	int rc;

	if (!text.len) {
		rec_begin(&k->body_line, k->route->takes, STR(""));
		return 0;
	}
	if (str_eq_nocase(type, STR("text/x-rn"))) {
		buf_add(&k->body_line, text);
	} else if (str_eq_nocase(type, STR("application/json"))) {
		rc = rec_from_json(&k->body_line, text, k->route->takes, err);
		if (rc)
			return rc;
	} else {
		return body_wrong_type(err,
				       "Content-Type must be application/json or text/x-rn");
	}
	text = buf_str(&k->body_line);
	if (k->body_line.failed || !text.len || text.ptr[text.len - 1] != '\n')
		return rn_fail(err, RN_EDATA,
			       "the body is not one record that ends in a line feed");
	k->body_line.len--;
	return 0;
}

/* Unknown keys are refused whatever the kind: a restriction that was not understood must not be
 * lost. */
static int check(const struct rec *r, const char *kind, struct rn_error *err)
{
	const struct schema_kind *schema = schema_find(str_from(kind));

	if (!rec_is(r, kind))
		return rn_fail(err, RN_EDATA, "the body must be a %s record, not %.*s", kind,
			       STR_ARG(r->n ? rec_kind(r) : STR("an empty one")));
	for (size_t i = 1; schema && i < r->n; i++) {
		const struct schema_key *key = schema_key_find(schema, r->f[i].key);
		struct str rest = r->f[i].value, element = rest;

		if (!key) {
			rn_fail(err, RN_EDATA, "unknown key '%.*s' in %s", STR_ARG(r->f[i].key),
				kind);
			return fail_sys(err, EINVAL);
		}
		while (key->flags & KEY_LIST ? rec_list_next(&rest, &element) : rest.ptr != NULL) {
			if (schema_check_value(key->type, key->values, element, err)) {
				rn_fail_in(err, "%s", key->name);
				return fail_sys(err, EINVAL);
			}
			if (!(key->flags & KEY_LIST))
				break;
		}
	}
	return 0;
}

int body_identify(struct call *k, struct str id, struct rn_error *err)
{
	struct buf line;
	int rc;

	buf_init(&line, REC_LINE_MAX);
	rec_begin(&line, k->route->takes, id);
	for (size_t i = 1; i < k->body.n; i++) {
		buf_add_byte(&line, ' ');
		buf_add(&line, k->body.f[i].key);
		buf_add_byte(&line, '=');
		buf_add(&line, k->body.f[i].value);
	}
	buf_clear(&k->body_line);
	buf_add(&k->body_line, buf_str(&line));
	rc = line.failed ? rn_fail(err, RN_EDATA, "the body is too long") : 0;
	buf_free(&line);
	return rc ? rc : rec_parse(&k->body, buf_str(&k->body_line), NULL, err);
}

/* What {id} stands for, which the body must leave out or say the same. */
static int set_identity(struct call *k, struct rn_error *err)
{
	if (!k->id[0] || str_is(rec_id(&k->body), k->id))
		return 0;
	if (rec_id(&k->body).len)
		return rn_fail(err, RN_EDATA, "the body is about %.*s, the path about %s",
			       STR_ARG(rec_id(&k->body)), k->id);
	return body_identify(k, str_from(k->id), err);
}

int body_read(struct call *k, struct rn_error *err)
{
	int rc = to_line(k, err);

	rc = rc ? rc : rec_parse(&k->body, buf_str(&k->body_line), NULL, err);
	rc = rc ? rc : check(&k->body, k->route->takes, err);
	return rc ? rc : set_identity(k, err);
}

struct str body_text(struct call *k, const char *key) { return rec_text(&k->body, key, &k->arena); }
