/* SPDX-License-Identifier: MIT
 *
 * What a whole head means for the connection: who is asked for, where the body ends (RFC 9112,
 * section 6), which fields end here, and whether another message may follow.
 */
#include "http/chars.h"
#include "http/field.h"

#define CONNECTION_OPTIONS_MAX 32 /* each costs a look at every field */

static uint16_t port_or(uint16_t port, uint16_t fallback)
{
	return port ? port : fallback;
}

/* RFC 9112, section 3.2: exactly one Host in HTTP/1.1. An absolute target decides, and must agree.
 */
static int check_host(struct http_head *h)
{
	const struct http_field *f = http_known(h, HTTP_HOST);
	struct str host;
	uint16_t port;

	if (!f)
		return h->minor ? http_refuse(h, 400, "no Host field") : 0;
	if (!http_host_parse(f->value, &host, &port))
		return http_refuse(h, 400, "a malformed Host field");
	if (!h->host.ptr) {
		h->host = host;
		h->port = port;
		return 0;
	}
	uint16_t usual = h->target.ptr[4] == 's' ? 443 : 80; /* http: or https: */
	if (h->form == HTTP_FORM_AUTHORITY)
		usual = h->port;
	if (!str_eq_nocase(host, h->host) || port_or(port, usual) != port_or(h->port, usual))
		return http_refuse(h, 400, "Host and request target disagree");
	return 0;
}

/* RFC 9112, section 6.1. Chunked is the one coding that is known: another one in front of it is
 * 501, anything else leaves the length open and is 400. */
static int check_transfer_encoding(struct http_head *h, struct str value)
{
	struct str coding, last = {NULL, 0};
	unsigned n = 0, chunked = 0;

	for (; http_list_next(&value, &coding); n++, last = coding)
		chunked += str_eq_nocase(coding, STR("chunked"));
	if (h->minor == 0)
		return http_refuse(h, 400, "Transfer-Encoding in HTTP/1.0");
	if (h->known[HTTP_CONTENT_LENGTH])
		return http_refuse(h, 400, "both Transfer-Encoding and Content-Length");
	if (chunked != 1 || !str_eq_nocase(last, STR("chunked")))
		return http_refuse(h, 400, "Transfer-Encoding that does not end in one chunked");
	if (n > 1)
		return http_refuse(h, 501, "a transfer coding other than chunked");
	h->body = HTTP_BODY_CHUNKED;
	return 0;
}

/* Digits only; leading zeros are nothing that two readers could differ on. */
static bool parse_length(struct str s, uint64_t *out)
{
	uint64_t n = 0;

	if (!ch_all(s, CH_DIGIT))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s.ptr[i] - '0'), &n))
			return false;
	*out = n;
	return n <= INT64_MAX;
}

static int check_body(struct http_head *h)
{
	struct str coding = http_value(h, HTTP_TRANSFER_ENCODING);
	struct str length = http_value(h, HTTP_CONTENT_LENGTH);

	h->body = h->kind == HTTP_REQUEST ? HTTP_BODY_NONE : HTTP_BODY_CLOSE;
	if (coding.ptr)
		return check_transfer_encoding(h, coding);
	if (!length.ptr)
		return 0;
	if (!parse_length(length, &h->content_length))
		return http_refuse(h, 400, "a malformed Content-Length");
	h->body = h->content_length ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
	return 0;
}

/* ---- connection ----------------------------------------------------------------------------- */

/* A field that Connection names ends here. Naming one that every server on the way needs would take
 * it from behind the next hop's back: refused. */
static int name_hop(struct http_head *h, struct str option)
{
	enum http_id id = http_id_find(option);

	if (id != HTTP_UNKNOWN && !(http_id_flags(id) & HTTP_FLAG_HOP))
		return http_refuse(h, 400, "Connection names a field that is not for it");
	for (size_t i = 0; i < h->n; i++)
		if (str_eq_nocase(h->fields[i].name, option))
			h->fields[i].hop = true;
	return 0;
}

/* A switch to another HTTP (h2c, HTTP/2.0, TLS/1.0) would take every further request from under
 * whoever routes and decides here: such an Upgrade is not taken up, and ends here as a hop's field. */
static bool upgrade_leaves_http(struct str value)
{
	struct str protocol;

	if (!http_list_next(&value, &protocol))
		return false;
	do {
		if (str_eq_nocase(protocol, STR("h2c")) || str_eq_nocase(protocol, STR("h2")) ||
		    str_eq_nocase(str_slice(protocol, 0, MIN(protocol.len, 5)), STR("HTTP/")) ||
		    str_eq_nocase(str_slice(protocol, 0, MIN(protocol.len, 4)), STR("TLS/")))
			return false;
	} while (http_list_next(&value, &protocol));
	return true;
}

static int check_connection(struct http_head *h)
{
	bool close = false, keep = false, upgrade = false;
	unsigned count = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct str rest = h->fields[i].value, option;

		if (h->fields[i].id != HTTP_CONNECTION)
			continue;
		while (http_list_next(&rest, &option)) {
			if (++count > CONNECTION_OPTIONS_MAX || !http_is_token(option))
				return http_refuse(h, 400, "a malformed Connection field");
			if (str_eq_nocase(option, STR("close")))
				close = true;
			else if (str_eq_nocase(option, STR("keep-alive")))
				keep = true;
			else if (str_eq_nocase(option, STR("upgrade")))
				upgrade = true;
			else if (name_hop(h, option) < 0)
				return -h->status;
		}
	}
	h->keep_alive = !close && (h->minor || keep);
	h->upgrade = upgrade && h->minor && upgrade_leaves_http(http_value(h, HTTP_UPGRADE));
	return 0;
}

/* ---- the two kinds -------------------------------------------------------------------------- */

static int finish_request(struct http_head *h)
{
	struct str expect = http_value(h, HTTP_EXPECT);

	if (http_target_parse(h) < 0 || check_host(h) < 0 || check_body(h) < 0)
		return -h->status;
	if (h->method == HTTP_CONNECT && h->body != HTTP_BODY_NONE)
		return http_refuse(h, 400, "CONNECT with a body");
	if (expect.ptr && h->minor) {
		if (!str_eq_nocase(expect, STR("100-continue")))
			return http_refuse(h, 417, "Expect asks for what is not known");
		h->expect_continue = h->body != HTTP_BODY_NONE;
	}
	return 0;
}

/* RFC 3875, section 6.3.3; "Status: 404 Not Found". */
static int finish_cgi(struct http_head *h)
{
	struct str text = http_value(h, HTTP_STATUS);
	uint64_t status = h->known[HTTP_LOCATION] ? 302 : 200;

	h->minor = 1;
	if (text.ptr && (!str_to_u64(str_slice(text, 0, 3), 599, &status) || status < 200 ||
			 (text.len > 3 && text.ptr[3] != ' ')))
		return http_refuse(h, 502, "a malformed Status field");
	h->status = (uint16_t)status;
	h->reason = str_from_at(text, 4);
	return check_body(h);
}

static bool status_has_no_body(const struct http_head *h)
{
	return h->status < 200 || h->status == 204 || h->status == 304 || h->method == HTTP_HEAD ||
	       (h->method == HTTP_CONNECT && h->status < 300);
}

static int finish_response(struct http_head *h)
{
	if ((h->kind == HTTP_CGI ? finish_cgi(h) : check_body(h)) < 0)
		return -h->status;
	/* 1xx and 204 must not announce a body; one that does may send it all the same. */
	bool poisoned = (h->status < 200 || h->status == 204) && h->body != HTTP_BODY_CLOSE &&
			h->body != HTTP_BODY_NONE;
	if (status_has_no_body(h))
		h->body = HTTP_BODY_NONE;
	if (h->body == HTTP_BODY_CLOSE || poisoned)
		h->keep_alive = false;
	return 0;
}

int http_head_finish(struct http_head *h)
{
	if (check_connection(h) < 0)
		return -h->status;
	return h->kind == HTTP_REQUEST ? finish_request(h) : finish_response(h);
}
