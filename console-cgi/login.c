/* SPDX-License-Identifier: MIT
 *
 * The login page. A gateway sends a visitor here with ?return=URL; who logs in goes back with an
 * assertion for that URL's host, which the gateway turns into a cookie of its own. Here no session
 * is kept.
 *
 * A form is only taken from the browser that was given it: a random value stands in a cookie and in
 * the form, and both must agree.
 */
#include "page.h"

#include <errno.h>

#define COOKIE "__Host-rn_login"
#define RETURN_MAX 2048

/* Where the visitor wants to go: only hosts of ours, only where the console itself is reached. */
struct target {
	char host[HTTP_HOST_MAX + 1];
	char origin[HTTP_HOST_MAX + 32]; /* https://host[:port] */
	char path[RETURN_MAX];           /* with its query */
	int64_t org;
};

static uint16_t console_port(const struct call *k)
{
	struct http_url url;

	return http_url_parse(&url, str_from(console_url(k->console))) ? url.port : 443;
}

static int read_target(struct call *k, struct target *t, struct rn_error *err)
{
	char text[RETURN_MAX], resource[CONSOLE_NAME_MAX], port[8] = "";
	struct http_url url;

	if (!k->rq->query.ptr || !request_param(k->rq->query, "return", text, sizeof(text)) ||
	    !http_url_parse(&url, str_from(text)) || !str_is(url.scheme, "https") ||
	    (url.port != 443 && url.port != console_port(k)))
		return rn_fail(err, RN_EDATA,
			       "Open the address of the service that you want to reach: it brings you here.");
	http_host_fold(t->host, url.host);
	if (console_host_find(k->console, str_from(t->host), resource, &t->org, err))
		return rn_fail(err, RN_EDATA, "There is no service at that address.");
	if (url.port != 443)
		snprintf(port, sizeof(port), ":%u", (unsigned)url.port);
	snprintf(t->origin, sizeof(t->origin), "https://%s%s", t->host, port);
	snprintf(t->path, sizeof(t->path), "%.*s%s%.*s",
		 STR_ARG(url.path.len ? url.path : STR("/")), url.query.ptr ? "?" : "",
		 STR_ARG(url.query.ptr ? url.query : STR("")));
	return 0;
}

/* The form, with a fresh random value in it and in the cookie. MESSAGE: what was wrong, or NULL. */
static void write_form(struct call *k, unsigned status, const struct target *t, const char *user,
		       const char *message)
{
	struct buf *b = &k->re->body;
	char token[TOKEN_LEN + 1];

	token_make(token);
	page_begin(k->re, status, "Log in");
	buf_add_cstr(b, "<p>to reach <strong>");
	html_text(b, str_from(t->host));
	buf_add_cstr(b, "</strong></p>\n");
	if (message) {
		buf_add_cstr(b, "<p class=\"bad\" role=\"alert\">");
		html_text(b, str_from(message));
		buf_add_cstr(b, "</p>\n");
	}
	/* Without an action a form goes to its own URL, whatever this program is called there. */
	buf_addf(b, "<form method=\"post\">\n<input type=\"hidden\" name=\"token\" value=\"%s\">\n",
		 token);
	buf_add_cstr(b,
		     "<label for=\"user\">Name</label>\n<input id=\"user\" name=\"user\" required "
		     "autofocus autocapitalize=\"none\" autocomplete=\"username\" value=\"");
	html_attr(b, str_from(user));
	buf_add_cstr(
		b,
		"\">\n<label for=\"password\">Password</label>\n<input id=\"password\" name=\"password\" "
		"type=\"password\" required autocomplete=\"current-password\">\n"
		"<button>Log in</button>\n</form>\n");
	page_end(k->re, t->origin);
	buf_addf(&k->re->fields,
		 "Set-Cookie: " COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict\r\n", token);
}

int login_get(struct call *k, struct rn_error *err)
{
	struct target t;

	if (read_target(k, &t, err))
		page_notice(k->re, 400, "Log in", err->text);
	else
		write_form(k, 200, &t, "", NULL);
	return 0;
}

/* ---- the answer to the form ------------------------------------------------------------------ */

static bool from_our_form(const struct call *k, struct str form)
{
	struct str cookie = request_cookie(k->rq, COOKIE);
	char token[TOKEN_LEN + 1];

	return request_param(form, "token", token, sizeof(token)) && token_valid(str_from(token)) &&
	       cookie.len == TOKEN_LEN && secret_eq(cookie.ptr, token, TOKEN_LEN);
}

/* 303 to the gateway, with the console's word for who it is. */
static int redirect(struct call *k, const struct target *t, struct rn_error *err)
{
	struct assertion a = {.expires_at = k->now_s + AUTH_ASSERTION_S};
	const struct auth_key *key = console_key(k->console);
	struct buf *b = &k->re->fields, groups;
	int rc;

	buf_init(&groups, AUTH_GROUPS_MAX);
	rc = console_groups(k->console, &k->actor, &groups, err);
	if (!rc && (!str_copy(a.user, sizeof(a.user), str_from(k->actor.id)) ||
		    !str_copy(a.groups, sizeof(a.groups), buf_str(&groups)) ||
		    !str_copy(a.resource_host, sizeof(a.resource_host), str_from(t->host))))
		rc = rn_fail(err, RN_EDATA, "in too many groups");
	if (!rc) {
		k->re->status = 303;
		buf_addf(b, "Referrer-Policy: no-referrer\r\nLocation: %s/.rustronaut/session?t=",
			 t->origin);
		assertion_make(b, key, &a);
		buf_add_cstr(b, "&return=");
		url_arg(b, str_from(t->path));
		buf_add_cstr(b, "\r\nSet-Cookie: " COOKIE
				"=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0\r\n");
		rc = b->failed ? rn_fail(err, RN_EOS, "out of memory") : 0;
	}
	buf_free(&groups);
	return rc;
}

static int check_password(struct call *k, struct str form, const struct target *t,
			  struct rn_error *err)
{
	char user[AUTH_USER_MAX + CONSOLE_NAME_MAX], password[PASSWORD_MAX + 1];
	int rc;

	if (!request_param(form, "user", user, sizeof(user)) ||
	    !request_param(form, "password", password, sizeof(password))) {
		write_form(k, 400, t, user, "Give your name and your password.");
		return 0;
	}
	rc = console_login(k->console, str_from(user), str_from(password), k->rq->remote, &k->actor,
			   err);
	secret_wipe(password, sizeof(password));
	if (rc == RN_EPERM) {
		write_form(k, 401, t, user, "Name or password is wrong.");
		return 0;
	}
	if (rc == RN_EAGAIN && err->sys == EACCES) {
		write_form(k, 429, t, user, "Too many attempts. Wait five minutes, then try again.");
		return 0;
	}
	if (rc)
		return rc;
	if (k->actor.org != t->org) {
		page_notice(k->re, 403, "No access",
			    "Your name and password are right, but this service belongs to another "
			    "organisation. Ask who gave you its address.");
		return 0;
	}
	return redirect(k, t, err);
}

int login_post(struct call *k, struct rn_error *err)
{
	struct str form = buf_str(&k->rq->body);
	struct target t;

	if (read_target(k, &t, err)) {
		page_notice(k->re, 400, "Log in", err->text);
		return 0;
	}
	if (!str_starts(k->rq->content_type, STR("application/x-www-form-urlencoded")))
		return rn_fail(err, RN_EDATA, "not a form");
	if (!from_our_form(k, form)) {
		write_form(k, 403, &t, "",
			   "This form has expired, or cookies are off. Please try again.");
		return 0;
	}
	return check_password(k, form, &t, err);
}
