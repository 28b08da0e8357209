/* SPDX-License-Identifier: MIT
 *
 * Invitations, API tokens, the audit log, the status, the description.
 */
#include "cgi.h"

#define AUDIT_DEFAULT 100
#define AUDIT_MAX 1000

int invitation_post(struct call *k, struct rn_error *err)
{
	struct console_invite invite = {0};
	uint64_t expires;
	int rc = body_read(k, err);

	rc = rc ? rc : rec_u64(&k->body, "expires_s", 0, UINT32_MAX, &expires, err);
	if (rc)
		return rc;
	invite.gateway = str_is(rec_get(&k->body, "role"), "gateway");
	invite.user = body_text(k, "user");
	invite.expires_s = (uint32_t)expires;
	rc = console_invite(k->console, &k->actor, &invite, &k->out, err);
	return rc ? rc : reply_records(k->re, k->rq, 201, buf_str(&k->out), false, err);
}

int token_post(struct call *k, struct rn_error *err)
{
	uint64_t expires;
	int rc = body_read(k, err);

	rc = rc ? rc : rec_u64(&k->body, "expires_s", 0, UINT32_MAX, &expires, err);
	rc = rc ? rc
		: console_token_add(k->console, &k->actor, str_from(k->id), body_text(k, "name"),
				    (uint32_t)expires, &k->out, err);
	return rc ? rc : reply_records(k->re, k->rq, 201, buf_str(&k->out), false, err);
}

/* What was read of it is wiped; the audit log has only that it was set. */
int password_put(struct call *k, struct rn_error *err)
{
	int rc = body_read(k, err);
	struct str password = rc ? STR("") : body_text(k, "password");

	if (!rc && !password.ptr)
		rc = rn_fail(err, RN_EDATA, "password is missing");
	if (!rc)
		rc = console_user_password(k->console, &k->actor, str_from(k->id), password, err);
	if (password.len)
		secret_wipe((char *)(uintptr_t)password.ptr, password.len);
	k->re->status = 204;
	return rc;
}

/* Lines as rn-console import reads them; JSON has no form for records of several kinds. */
int import_post(struct call *k, struct rn_error *err)
{
	int rc = str_eq_nocase(body_type(k), STR("text/x-rn"))
			 ? console_import(k->console, &k->actor, buf_str(&k->rq->body), "body",
					  &k->out, err)
			 : body_wrong_type(err, "Content-Type must be text/x-rn");

	if (rc == RN_ECONFIG)
		rc = err->code = RN_EDATA;
	return rc ? rc : reply_records(k->re, k->rq, 200, buf_str(&k->out), false, err);
}

static int read_number(const struct call *k, const char *name, uint64_t max, uint64_t *out,
		       struct rn_error *err)
{
	struct str text = k->rq->query.ptr ? http_query_find(k->rq->query, name) : k->rq->query;

	if (text.ptr && !str_to_u64(text, max, out))
		return rn_fail(err, RN_EDATA, "query: %s must be a number up to %llu", name,
			       (unsigned long long)max);
	return 0;
}

int audit_get(struct call *k, struct rn_error *err)
{
	uint64_t after = 0, limit = AUDIT_DEFAULT;
	int rc = read_number(k, "after", INT64_MAX, &after, err);

	rc = rc ? rc : read_number(k, "limit", AUDIT_MAX, &limit, err);
	rc = rc ? rc : console_audit(k->console, &k->actor, after, (uint32_t)limit, &k->out, err);
	return rc ? rc : reply_records(k->re, k->rq, 200, buf_str(&k->out), true, err);
}

/* Strangers learn that it works, and the serial that nodes wait for; who has a credential, the
 * rest. */
static int cut_status(struct call *k, struct rn_error *err)
{
	struct str line = buf_str(&k->out);
	struct rec r;
	int rc = rec_parse(&r, str_slice(line, 0, line.len - 1), NULL, err);

	if (rc)
		return rc;
	struct str serial = rec_text(&r, "serial", &k->arena);

	buf_clear(&k->out);
	rec_begin(&k->out, "status", STR("ok"));
	rec_add(&k->out, "serial", serial);
	rec_end(&k->out);
	return 0;
}

int status_get(struct call *k, struct rn_error *err)
{
	bool known = k->rq->authorization.len > 0;
	int rc = known ? actor_find(k, err) : 0;

	rc = rc ? rc : console_status(k->console, &k->out, err);
	rc = rc || known ? rc : cut_status(k, err);
	return rc ? rc : reply_records(k->re, k->rq, 200, buf_str(&k->out), false, err);
}

int openapi_get(struct call *k, struct rn_error *err)
{
	k->re->status = 200;
	k->re->type = "application/json";
	k->re->cacheable = true;
	return openapi_write(&k->re->body, err);
}
