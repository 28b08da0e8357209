/* SPDX-License-Identifier: MIT
 *
 * The heads that we send on: the request as the target gets it, the answer as the visitor gets it.
 */
#include "proxy/run.h"
#include "proxy/session.h"

static void add_line(struct buf *b, struct str name, struct str value)
{
	char *at = buf_reserve(b, name.len + value.len + 4);
	if (!at)
		return;
	memcpy(at, name.ptr, name.len);
	memcpy(at + name.len, ": ", 2);
	memcpy(at + name.len + 2, value.ptr, value.len);
	memcpy(at + name.len + 2 + value.len, "\r\n", 2);
	b->len += name.len + value.len + 4;
}

/* A name with '_' may mean the same as one with '-' behind us (CGI, WSGI), so none passes. */
bool head_field_is_ours(const struct http_field *f)
{
	switch (f->id) {
	case HTTP_HOST:
	case HTTP_CONTENT_LENGTH:
	case HTTP_FORWARDED:
	case HTTP_X_FORWARDED_FOR:
	case HTTP_X_FORWARDED_HOST:
	case HTTP_X_FORWARDED_PORT:
	case HTTP_X_FORWARDED_PROTO:
	case HTTP_X_REAL_IP:
	case HTTP_X_REQUEST_ID:
		return true;
	case HTTP_UNKNOWN:
		return str_find(f->name, '_') >= 0 ||
		       (f->name.len > 13 &&
			str_eq_nocase(str_slice(f->name, 0, 13), STR("X-Rustronaut-")));
	default:
		return false;
	}
}

static void add_length(struct buf *b, uint64_t length)
{
	buf_add(b, STR("Content-Length: "));
	buf_add_u64(b, length);
	buf_add(b, STR("\r\n"));
}

static void copy_cookie(struct txn *t, struct buf *b, const struct http_field *f)
{
	size_t start = b->len;
	buf_add(b, STR("Cookie: "));
	size_t before = b->len;
	http_cookie_strip(b, f->value, session_cookie_name(t));
	if (b->len == before)
		b->len = start;
	else
		buf_add(b, STR("\r\n"));
}

static void copy_request_fields(struct txn *t, struct buf *b)
{
	const struct http_head *h = &t->m->req;
	for (size_t i = 0; i < h->n; i++) {
		const struct http_field *f = &h->fields[i];
		if (f->hop || head_field_is_ours(f))
			continue;
		if (f->id == HTTP_COOKIE)
			copy_cookie(t, b, f);
		else
			add_line(b, f->name, f->value);
	}
}

/* RFC 7239, section 4: an IPv6 address stands in brackets and quotes. */
static void add_forwarded(struct txn *t, struct buf *b)
{
	const char *proto = t->conn->tls ? "https" : "http";
	struct str host = http_value(&t->m->req, HTTP_HOST);
	char ip[ADDR_TEXT_MAX];

	addr_format_ip(&t->conn->peer, ip);
	add_line(b, STR("X-Forwarded-For"), str_from(ip));
	add_line(b, STR("X-Forwarded-Proto"), str_from(proto));
	add_line(b, STR("X-Forwarded-Host"), host.ptr ? host : t->m->host);
	bool v6 = strchr(ip, ':') != NULL;
	buf_add_cstr(b, v6 ? "Forwarded: for=\"[" : "Forwarded: for=");
	buf_add_cstr(b, ip);
	buf_add_cstr(b, v6 ? "]\";proto=" : ";proto=");
	buf_add_cstr(b, proto);
	if (host.ptr) {
		buf_add(b, STR(";host=\""));
		buf_add(b, host);
		buf_add_byte(b, '"');
	}
	buf_add(b, STR("\r\n"));
	add_line(b, STR("X-Request-Id"), str_from(t->id));
}

static void add_who(struct txn *t, struct buf *b)
{
	const struct who *who = &t->m->who;
	if (who->user.len)
		add_line(b, STR("X-Rustronaut-User"), who->user);
	if (who->user.len && who->groups.len)
		add_line(b, STR("X-Rustronaut-Groups"), who->groups);
	if (who->device.len)
		add_line(b, STR("X-Rustronaut-Device"), who->device);
}

static void add_request_framing(struct txn *t, struct buf *b)
{
	const struct http_head *h = &t->m->req;
	if (h->body == HTTP_BODY_CHUNKED)
		buf_add(b, STR("Transfer-Encoding: chunked\r\n"));
	else if (h->known[HTTP_CONTENT_LENGTH])
		add_length(b, h->content_length);
	if (h->upgrade) {
		buf_add(b, STR("Connection: upgrade\r\n"));
		add_line(b, STR("Upgrade"), http_value(h, HTTP_UPGRADE));
	}
}

bool head_for_target(struct txn *t)
{
	struct message *m = t->m;
	struct buf *b = &m->req_text;
	struct str host = http_value(&m->req, HTTP_HOST);

	buf_clear(b);
	buf_add(b, m->req.method_text);
	buf_add_byte(b, ' ');
	buf_add(b, m->req.path.len ? m->req.path : STR("/"));
	if (m->query.ptr) {
		buf_add_byte(b, '?');
		buf_add(b, m->query);
	}
	buf_add(b, STR(" HTTP/1.1\r\n"));
	if (m->req.form == HTTP_FORM_ABSOLUTE || !host.ptr)
		host = m->host;
	add_line(b, STR("Host"), host);
	copy_request_fields(t, b);
	add_forwarded(t, b);
	add_who(t, b);
	add_request_framing(t, b);
	buf_add(b, STR("\r\n"));
	return !b->failed;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void copy_answer_fields(struct txn *t, struct buf *b)
{
	const struct http_head *h = &t->m->res;
	for (size_t i = 0; i < h->n; i++) {
		const struct http_field *f = &h->fields[i];
		if (f->hop || f->id == HTTP_CONTENT_LENGTH ||
		    (f->id == HTTP_STATUS && h->kind == HTTP_CGI))
			continue;
		add_line(b, f->name, f->value);
	}
	if (!h->known[HTTP_DATE]) {
		char date[HTTP_DATE_SIZE];
		http_date(date, clock_wall_s());
		add_line(b, STR("Date"), str_from(date));
	}
}

static void add_answer_framing(struct txn *t, struct buf *b, enum http_body body)
{
	const struct http_head *h = &t->m->res;
	if (body == HTTP_BODY_CHUNKED)
		buf_add(b, STR("Transfer-Encoding: chunked\r\n"));
	else if (h->known[HTTP_CONTENT_LENGTH] && body != HTTP_BODY_CLOSE)
		add_length(b, h->content_length);
	if (t->upgraded) {
		buf_add(b, STR("Connection: upgrade\r\n"));
		add_line(b, STR("Upgrade"), http_value(h, HTTP_UPGRADE));
	} else if (!t->keep) {
		buf_add(b, STR("Connection: close\r\n"));
	} else if (t->m->req.minor == 0) {
		buf_add(b, STR("Connection: keep-alive\r\n"));
	}
}

bool head_for_visitor(struct txn *t, enum http_body body)
{
	const struct http_head *h = &t->m->res;
	struct buf *b = &t->m->res_text;
	struct str reason = h->reason.len ? h->reason : str_from(http_status_text(h->status));

	buf_add(b, STR("HTTP/1.1 "));
	buf_add_u64(b, h->status);
	buf_add_byte(b, ' ');
	buf_add(b, reason);
	buf_add(b, STR("\r\n"));
	copy_answer_fields(t, b);
	buf_add(b, buf_str(&t->m->set_cookie));
	add_answer_framing(t, b, body);
	buf_add(b, STR("\r\n"));
	return !b->failed;
}
