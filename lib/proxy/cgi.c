/* SPDX-License-Identifier: MIT */
#include "proxy/cgi.h"

#include "proxy/run.h"
#include "proxy/session.h"

#include <unistd.h>

static void add_var(struct buf *b, const char *name, struct str value)
{
	buf_add_cstr(b, name);
	buf_add_byte(b, '=');
	if (memchr(value.ptr ? value.ptr : "", 0, value.len))
		value.len = 0;
	buf_add(b, value);
	buf_add_byte(b, 0);
}

/* Fields that become HTTP_* (section 4.1.18). "Proxy" would be HTTP_PROXY, which HTTP clients obey. */
static bool is_passed(const struct http_field *f)
{
	if (f->hop || f->id == HTTP_CONTENT_TYPE || str_eq_nocase(f->name, STR("proxy")))
		return false;
	return f->id == HTTP_HOST || !head_field_is_ours(f);
}

static void add_name(struct buf *b, struct str name)
{
	buf_add_cstr(b, "HTTP_");
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		buf_add_byte(b, c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
	}
	buf_add_byte(b, '=');
}

/* Our own cookies are not for programs. */
static void add_cookie(struct txn *t, struct buf *b, struct str value, bool first)
{
	size_t start = b->len;

	if (!first)
		buf_add_cstr(b, "; ");
	size_t before = b->len;
	http_cookie_strip(b, value, session_cookie_name(t));
	if (b->len == before)
		b->len = start;
}

/* The Nth field, and those behind it of the same name, as one variable: of two variables of one name
 * some programs read the first, others the last. */
static void add_header(struct txn *t, struct buf *b, size_t n)
{
	const struct http_head *h = &t->m->req;
	const struct http_field *f = &h->fields[n];

	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(h->fields[i].name, f->name))
			return;
	add_name(b, f->name);
	size_t start = b->len;
	for (const struct http_field *i = f; i < h->fields + h->n; i++) {
		if (!str_eq_nocase(i->name, f->name))
			continue;
		if (i->id == HTTP_COOKIE) {
			add_cookie(t, b, i->value, b->len == start);
			continue;
		}
		if (i != f)
			buf_add_cstr(b, ", ");
		buf_add(b, i->value);
	}
	buf_add_byte(b, 0);
}

static void add_config_env(struct buf *b, const struct target *t)
{
	struct str rest = t->env, one;
	while (rest.len && rec_list_next(&rest, &one)) {
		if (unescape_value(b, one))
			buf_add_byte(b, 0);
	}
}

/* As sent, but for a share link's token. */
static void add_uri(struct buf *b, const struct message *m)
{
	buf_add_cstr(b, "REQUEST_URI=");
	buf_add(b, m->req.path);
	if (m->query.ptr) {
		buf_add_byte(b, '?');
		buf_add(b, m->query);
	}
	buf_add_byte(b, 0);
}

static void add_request_vars(struct txn *t, struct buf *b)
{
	const struct message *m = t->m;
	char text[ADDR_TEXT_MAX], port[8];
	struct addr local;

	add_var(b, "GATEWAY_INTERFACE", STR("CGI/1.1"));
	add_var(b, "SERVER_SOFTWARE", STR("rn-proxy/" RN_VERSION));
	add_var(b, "SERVER_PROTOCOL", m->req.minor ? STR("HTTP/1.1") : STR("HTTP/1.0"));
	add_var(b, "SERVER_NAME", m->host);
	if (sock_local(t->conn->stream.watch.fd, &local)) {
		snprintf(port, sizeof(port), "%u", addr_port(&local));
		add_var(b, "SERVER_PORT", str_from(port));
	}
	addr_format_ip(&t->conn->peer, text);
	add_var(b, "REMOTE_ADDR", str_from(text));
	add_var(b, "REQUEST_METHOD", m->req.method_text);
	add_uri(b, m);
	add_var(b, "REQUEST_ID", str_from(t->id));
	add_var(b, "SCRIPT_NAME", STR(""));
	add_var(b, "PATH_INFO", m->path);
	add_var(b, "QUERY_STRING", m->query.ptr ? m->query : STR(""));
	add_var(b, "SCRIPT_FILENAME", t->target->path);
	if (t->conn->tls)
		add_var(b, "HTTPS", STR("on"));
}

static void add_who_vars(struct txn *t, struct buf *b)
{
	const struct who *who = &t->m->who;
	if (who->user.len) {
		add_var(b, "REMOTE_USER", who->user);
		add_var(b, "RN_USER", who->user);
		add_var(b, "RN_GROUPS", who->groups);
	}
	if (who->device.len)
		add_var(b, "RN_DEVICE", who->device);
}

static void add_body_vars(struct txn *t, struct buf *b)
{
	const struct http_head *h = &t->m->req;
	if (h->body == HTTP_BODY_LENGTH) {
		char length[24];
		snprintf(length, sizeof(length), "%llu", (unsigned long long)h->content_length);
		add_var(b, "CONTENT_LENGTH", str_from(length));
	}
	if (h->known[HTTP_CONTENT_TYPE])
		add_var(b, "CONTENT_TYPE", http_value(h, HTTP_CONTENT_TYPE));
	for (size_t i = 0; i < h->n; i++)
		if (is_passed(&h->fields[i]))
			add_header(t, b, i);
}

static int cgi_send(struct txn *t, const struct buf *env, int fd, struct rn_error *err)
{
	struct str path = t->target->path;
	struct cgi_request q = {.path_len = (uint32_t)path.len + 1,
				.env_len = (uint32_t)env->len,
				.limit_ms = (uint32_t)t->target->limit_ms};
	struct buf b;
	ssize_t sent = -1;

	buf_init(&b, CGI_ENV_MAX * 2);
	buf_add(&b, str_make(&q, sizeof(q)));
	buf_add(&b, str_make(path.ptr, path.len + 1));
	buf_add(&b, buf_str(env));
	if (!b.failed && t->worker->cgi_fd >= 0)
		sent = fds_send(t->worker->cgi_fd, buf_str(&b), &fd, 1);
	buf_free(&b);
	return sent > 0 ? 0 : rn_fail(err, RN_EAWAY, "the CGI helper does not take requests");
}

struct up *cgi_up(struct txn *t, struct rn_error *err)
{
	struct buf env;
	int pair[2];
	struct up *up = NULL;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		rn_fail_errno(err, RN_EOS, "socketpair");
		return NULL;
	}
	buf_init(&env, CGI_ENV_MAX);
	add_request_vars(t, &env);
	add_body_vars(t, &env);
	add_who_vars(t, &env);
	add_config_env(&env, t->target);
	if (env.failed)
		rn_fail(err, RN_EDATA, "the request does not fit into a CGI environment");
	else if (cgi_send(t, &env, pair[1], err) == 0)
		up = up_from_fd(t->worker, t->target, pair[0], t, err);
	else
		fd_close(&pair[0]);
	if (env.failed)
		fd_close(&pair[0]);
	fd_close(&pair[1]);
	buf_free(&env);
	return up;
}
