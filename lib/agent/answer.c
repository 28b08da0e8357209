/* SPDX-License-Identifier: MIT
 *
 * What the console's answer means for a person and for the exit code.
 */
#include "agent/agent.h"

struct meaning {
	int from, to; /* HTTP status */
	enum rn_err code;
	const char *hint; /* what to do, or NULL */
};

static const struct meaning meanings[] = {
	{400, 400, RN_EDATA, NULL},
	{401, 401, RN_EPERM,
	 "if this machine was removed, join again with rn join; a clock that is 5 minutes off is "
	 "refused too"},
	{403, 403, RN_EPERM, NULL},
	{404, 404, RN_ENO, NULL},
	{409, 410, RN_ENO, NULL},
	{413, 413, RN_EDATA, NULL},
	{422, 422, RN_EDATA, NULL},
	{429, 429, RN_EAGAIN, "try again later"},
	{500, 599, RN_EAWAY, "the console has trouble; its log tells more"},
};

static const struct meaning *meaning_of(int status)
{
	static const struct meaning unknown = {0, 0, RN_EPROTO, "is the URL that of a console?"};

	for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
		if (status >= meanings[i].from && status <= meanings[i].to)
			return &meanings[i];
	return &unknown;
}

/* The text of the answer's error record, decoded, into OUT; false if there is none. */
static bool error_text(const struct agent_answer *a, struct buf *out)
{
	struct rec_reader rd;
	struct rn_error ignored;
	struct rec r;
	bool found = false;

	rec_reader_mem(&rd, buf_str(&a->body), "answer");
	if (rec_read(&rd, &r, &ignored) == 1 && rec_is(&r, "error")) {
		struct str text = rec_get(&r, "text");

		found = unescape_value(out, text.ptr ? text : rec_id(&r)) && !out->failed;
	}
	rec_reader_free(&rd);
	return found;
}

int agent_answer_check(const struct agent_answer *a, struct rn_error *err)
{
	const struct meaning *m;
	struct buf text;

	if (a->status >= 200 && a->status < 300)
		return 0;
	m = meaning_of(a->status);
	buf_init(&text, REC_LINE_MAX);
	if (!error_text(a, &text)) {
		buf_clear(&text);
		buf_addf(&text, "the console answered with status %d", a->status);
	}
	rn_fail(err, m->code, "%.*s%s%s%s", STR_ARG(buf_str(&text)), m->hint ? " (" : "",
		m->hint ? m->hint : "", m->hint ? ")" : "");
	buf_free(&text);
	return err->code;
}

int agent_rest_records(struct agent_rest *r, const struct agent_request *q, struct buf *out,
		       struct rn_error *err)
{
	struct agent_answer a;
	int rc = agent_rest_call(r, q, &a, err);

	if (rc)
		return rc;
	rc = agent_answer_check(&a, err);
	if (!rc && out)
		buf_add(out, buf_str(&a.body));
	buf_free(&a.body);
	if (!rc && out && out->failed)
		rc = rn_fail(err, RN_EPROTO, "the console's answer is too long");
	return rc;
}

void agent_query_add(struct buf *path, const char *key, struct str s)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	bool first = path->len == 0 || !memchr(path->ptr, '?', path->len);

	buf_addf(path, "%c%s=", first ? '?' : '&', key);
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] && strchr(plain, s.ptr[i]))
			buf_add_byte(path, s.ptr[i]);
		else
			buf_addf(path, "%%%02X", (unsigned char)s.ptr[i]);
	}
}
