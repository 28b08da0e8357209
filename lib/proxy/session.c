/* SPDX-License-Identifier: MIT */
#include "proxy/session.h"

#include "proxy/once.h"
#include "proxy/run.h"

#define LOGIN_S (12 * 3600)
#define SCOPE_SIZE (AUTH_HOST_MAX + 1)

const char *session_cookie_name(const struct txn *t)
{
	return t->conn->tls ? "__Host-rn_session" : "rn_session";
}

/* What a session is sealed for. The kind stands in front, so that a host and a resource of the same
 * name are not taken for each other. */
static bool scope_of(const struct txn *t, bool link, char out[static SCOPE_SIZE])
{
	struct str name = link ? t->resource->name : t->m->host;
	int n = snprintf(out, SCOPE_SIZE, "%s:%.*s", link ? "r" : "h", STR_ARG(name));
	return n > 0 && n < SCOPE_SIZE;
}

/* Whether the console has put an end to it: its user was suspended, say. */
static bool is_over(const struct txn *t, const struct session *s)
{
	const int64_t *at = map_get(&t->view->snap->logouts, str_from(s->user));

	return at && s->expires_at - LOGIN_S <= *at;
}

bool session_from_cookie(struct txn *t)
{
	struct session *s = &t->m->session;
	char scope[SCOPE_SIZE];
	struct rn_error err;
	bool dup = false;

	if (!http_known(&t->m->req, HTTP_COOKIE))
		return false;
	struct str text = http_cookie_find(&t->m->req, session_cookie_name(t), &dup);
	if (!text.ptr || dup || !t->resource)
		return false;
	for (int link = 0; link <= 1; link++)
		if (scope_of(t, link, scope) &&
		    session_open(s, text, t->worker->proxy->session_key, str_from(scope),
				 t->began_at / 1000, &err) == 0)
			return link ? s->link[0] != 0 : s->user[0] != 0 && !is_over(t, s);
	return false;
}

static void set_cookie(struct txn *t, struct str value, int64_t max_age_s)
{
	struct buf *b = &t->m->set_cookie;
	buf_addf(b, "Set-Cookie: %s=%.*s; Path=/; HttpOnly; SameSite=Lax; Max-Age=%lld%s\r\n",
		 session_cookie_name(t), STR_ARG(value), (long long)max_age_s,
		 t->conn->tls ? "; Secure" : "");
}

static void session_seal_cookie(struct txn *t, const struct session *s)
{
	struct buf text;
	buf_init(&text, SESSION_TEXT_MAX);
	session_seal(&text, t->worker->proxy->session_key, s);
	if (!text.failed)
		set_cookie(t, buf_str(&text), s->expires_at - t->began_at / 1000);
	buf_free(&text);
}

bool session_from_link(struct txn *t, struct str token)
{
	const struct snapshot *snap = t->view->snap;
	struct session s = {0};
	struct rn_error err;

	for (size_t i = 0; t->resource && i < snap->signers.len; i++) {
		const struct signer *signer = &snap->signers.ptr[i];
		if (!signer->links ||
		    link_verify(token, signer->key, t->resource->name, t->began_at / 1000,
				&s.expires_at, t->m->who.link_id, &err))
			continue;
		str_copy(s.link, sizeof(s.link), str_from(t->m->who.link_id));
		if (scope_of(t, true, s.resource))
			session_seal_cookie(t, &s);
		return true;
	}
	return false;
}

/* Good once in this process, and only if made since it started: what the one before us let in is
 * not remembered. */
int session_from_assertion(struct txn *t, struct str text, struct rn_error *err)
{
	const struct snapshot *snap = t->view->snap;
	int64_t now_s = t->began_at / 1000;
	struct assertion a;
	struct session s = {0};
	int rc = rn_fail(err, RN_EPERM, "this gateway knows nobody whose logins it may believe");

	for (size_t i = 0; rc && i < snap->signers.len; i++)
		if (snap->signers.ptr[i].logins)
			rc = assertion_verify(&a, text, snap->signers.ptr[i].key, t->m->host, now_s,
					      err);
	if (rc)
		return rc;
	if (a.expires_at < t->worker->proxy->started_at + AUTH_ASSERTION_S)
		return rn_fail(err, RN_EPERM, "this login is older than this gateway's start");
	if (once_use(&once_logins, str_from(a.nonce), now_s, a.expires_at) != ONCE_NEW)
		return rn_fail(err, RN_EPERM, "this login was used already");
	str_copy(s.user, sizeof(s.user), str_from(a.user));
	str_copy(s.groups, sizeof(s.groups), str_from(a.groups));
	s.expires_at = now_s + LOGIN_S;
	if (!scope_of(t, false, s.resource))
		return rn_fail(err, RN_EDATA, "the host name is too long");
	session_seal_cookie(t, &s);
	return 0;
}

void session_clear(struct txn *t)
{
	set_cookie(t, STR(""), 0);
}
