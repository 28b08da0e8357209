/* SPDX-License-Identifier: MIT
 *
 * Heads: a table of good and bad messages, each parsed whole, byte by byte, and in a buffer that
 * moves at every byte; all three must agree.
 */
#include "http/http.h"
#include "tap.h"

#include <ctype.h>

#define H "Host: a.example\r\n"
#define E "\r\n"

/* A description on one line. */
static printf_like(1, 2) const char *say(const char *fmt, ...)
{
	static char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if (!isprint((unsigned char)*p) || *p == '#')
			*p = '.';
	return text;
}

struct request_case {
	const char *text;
	int status; /* 0: accepted */
	enum http_body body;
	bool keep_alive;
	const char *path, *host;
};

static const struct request_case requests[] = {
	/* plain ones */
	{"GET / HTTP/1.1\r\n" H E, 0, HTTP_BODY_NONE, true, "/", "a.example"},
	{"\r\nGET / HTTP/1.1\r\n" H E, 0, HTTP_BODY_NONE, true, "/", "a.example"},
	{"GET /a?b=c HTTP/1.1\r\nHost: a.example:8443\r\n" E, 0, HTTP_BODY_NONE, true, "/a", "a.example"},
	{"GET / HTTP/1.1\r\nhost:a.example \t\r\nX:\r\n" E, 0, HTTP_BODY_NONE, true, "/", "a.example"},
	{"GET / HTTP/1.1\r\nHost: [::1]:80\r\n" E, 0, HTTP_BODY_NONE, true, "/", "[::1]"},
	{"GET / HTTP/1.0\r\n" E, 0, HTTP_BODY_NONE, false, "/", NULL},
	{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" E, 0, HTTP_BODY_NONE, true, "/", NULL},
	{"GET / HTTP/1.1\r\n" H "Connection: x, CLOSE\r\n" E, 0, HTTP_BODY_NONE, false, "/", "a.example"},
	{"GET / HTTP/1.7\r\n" H E, 0, HTTP_BODY_NONE, true, "/", "a.example"},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n" E, 0, HTTP_BODY_LENGTH, true, "/", "a.example"},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n" E, 0, HTTP_BODY_NONE, true, "/", "a.example"},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n" E, 0, HTTP_BODY_CHUNKED, true, "/", "a.example"},
	{"OPTIONS * HTTP/1.1\r\n" H E, 0, HTTP_BODY_NONE, true, "", "a.example"},
	{"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n" E, 0, HTTP_BODY_NONE, true, "", "a.example"},
	{"GET http://a.example/x?y HTTP/1.1\r\n" H E, 0, HTTP_BODY_NONE, true, "/x", "a.example"},
	{"GET https://A.example HTTP/1.1\r\nHost: a.EXAMPLE:443\r\n" E, 0, HTTP_BODY_NONE, true, "/", "A.example"},
	{"BREW /pot HTTP/1.1\r\n" H "X-Blob: \x80\xff\r\n" E, 0, HTTP_BODY_NONE, true, "/pot", "a.example"},
	{"GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n" E, 0, HTTP_BODY_NONE, true, "/", "a.example"},

	/* request line */
	{"GET /\r\n" H E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1 \r\n" H E, 400, 0, 0, 0, 0},
	{"GET  / HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET\t/ HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{" GET / HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"G@T / HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET /a b HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET /a#b HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET /\x80 HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET /\x01 HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET / http/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET / HTTP/11\r\n" H E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.10\r\n" H E, 400, 0, 0, 0, 0},
	{"GET / HTTP/2.0\r\n" H E, 505, 0, 0, 0, 0},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 0, 0, 0, 0},
	{"GET / HTTP/1.1\n" H E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r" H E, 400, 0, 0, 0, 0},
	{"\nGET / HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"\r\n\r\nGET / HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLM / HTTP/1.1\r\n" H E, 501, 0, 0, 0, 0},
	{"GET * HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET a.example:80 HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET ftp://a.example/ HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET http://u@a.example/ HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"CONNECT a.example HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"CONNECT a.example:1 HTTP/1.1\r\nHost: a.example:1\r\nContent-Length: 1\r\n" E, 400, 0, 0, 0, 0},
	{"\x16\x03\x01\x02", 400, 0, 0, 0, 0},

	/* fields */
	{"GET / HTTP/1.1\r\n" H "Bad Name: x\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "Name : x\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "X: a\r\n folded\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "X: a\r\n\tfolded\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n Host: a.example\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "NoColon\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H ": empty\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "X_Y: cgi\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "X\x80: a\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "X: a\rb\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "X: a\nY: b\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "X: \x7f\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "X: \x1b[0m\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "\n", 400, 0, 0, 0, 0},

	/* Host */
	{"GET / HTTP/1.1\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H H E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "host: b.example\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\nHost:\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\nHost: a.example, b\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\nHost: a/b\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\nHost: u@a\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\nHost: a:0\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\nHost: a:65536\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\nHost: a..b\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\nHost: 127.1\r\n" E, 400, 0, 0, 0, 0},
	{"GET http://b.example/ HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},
	{"GET http://a.example:81/ HTTP/1.1\r\n" H E, 400, 0, 0, 0, 0},

	/* where the body ends: the ways to smuggle */
	{"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length:\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b" "chunked\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n" E, 501, 0, 0, 0, 0},
	{"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n" E, 400, 0, 0, 0, 0},

	/* connection and expectations */
	{"GET / HTTP/1.1\r\n" H "Connection: close, Host\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "Connection: X-Forwarded-For\r\n" E, 400, 0, 0, 0, 0},
	{"GET / HTTP/1.1\r\n" H "Connection: a b\r\n" E, 400, 0, 0, 0, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: tea\r\n" E, 417, 0, 0, 0, 0},
};

struct response_case {
	const char *text;
	enum http_method method;
	bool good;
	enum http_body body;
	bool keep_alive;
	unsigned status;
};

static const struct response_case responses[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP_GET, true, HTTP_BODY_LENGTH, true, 200},
	{"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_GET, true, HTTP_BODY_CHUNKED, true, 200},
	{"HTTP/1.1 200\r\n\r\n", HTTP_GET, true, HTTP_BODY_CLOSE, false, 200},
	{"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP_GET, true, HTTP_BODY_LENGTH, false, 200},
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP_HEAD, true, HTTP_BODY_NONE, true, 200},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", HTTP_GET, true, HTTP_BODY_NONE, true, 304},
	{"HTTP/1.1 204 No Content\r\n\r\n", HTTP_GET, true, HTTP_BODY_NONE, true, 204},
	{"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", HTTP_GET, true, HTTP_BODY_NONE, false, 204},
	{"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", HTTP_GET, true,
	 HTTP_BODY_NONE, true, 101},
	{"HTTP/1.1 200 OK\r\nX_Y: fine from a server\r\n\r\n", HTTP_GET, true, HTTP_BODY_CLOSE, false, 200},
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_GET, false, 0, 0, 0},
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", HTTP_GET, false, 0, 0, 0},
	{"HTTP/1.1 099 No\r\n\r\n", HTTP_GET, false, 0, 0, 0},
	{"HTTP/1.1 600 No\r\n\r\n", HTTP_GET, false, 0, 0, 0},
	{"HTTP/1.1 20 No\r\n\r\n", HTTP_GET, false, 0, 0, 0},
	{"HTTP/1.1 2000 No\r\n\r\n", HTTP_GET, false, 0, 0, 0},
	{"HTTP/2 200\r\n\r\n", HTTP_GET, false, 0, 0, 0},
	{"HTTP/1.1 200 OK\nContent-Length: 3\n\n", HTTP_GET, false, 0, 0, 0},
};

static const struct response_case cgis[] = {
	{"Content-Type: text/plain\n\n", HTTP_GET, true, HTTP_BODY_CLOSE, false, 200},
	{"Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\n", HTTP_GET, true, HTTP_BODY_CLOSE, false, 404},
	{"Location: /x\n\n", HTTP_GET, true, HTTP_BODY_CLOSE, false, 302},
	{"Status: 99\n\n", HTTP_GET, false, 0, 0, 0},
	{"Status: 200\nStatus: 404\n\n", HTTP_GET, false, 0, 0, 0},
	{"HTTP/1.1 200 OK\n\n", HTTP_GET, false, 0, 0, 0},
};

static void init(struct http_head *h, enum http_kind kind, enum http_method method)
{
	http_head_init(h, kind);
	if (kind != HTTP_REQUEST)
		h->method = method;
}

/* Parses TEXT in steps; with MOVE every step gets a new buffer of exactly that size. The last buffer
 * is left in *keep, for the views. */
static ptrdiff_t feed(struct http_head *h, struct str text, bool move, char **keep)
{
	ptrdiff_t r = 0;

	*keep = NULL;
	for (size_t n = 1; n <= text.len && r == 0; n++) {
		if (move) {
			char *next = malloc(n);
			memcpy(next, text.ptr, n);
			r = http_head_parse(h, str_make(next, n));
			free(*keep);
			*keep = next;
		} else {
			r = http_head_parse(h, str_make(text.ptr, n));
		}
	}
	return r;
}

static bool str_same(struct str a, struct str b)
{
	return (a.ptr == NULL) == (b.ptr == NULL) && str_eq(a, b);
}

static bool same(const struct http_head *a, const struct http_head *b)
{
	bool eq = a->n == b->n && a->body == b->body && a->content_length == b->content_length &&
		  a->keep_alive == b->keep_alive && a->upgrade == b->upgrade && a->port == b->port &&
		  a->form == b->form && str_same(a->path, b->path) && str_same(a->query, b->query) &&
		  str_same(a->host, b->host) && str_same(a->method_text, b->method_text);

	for (size_t i = 0; eq && i < a->n; i++)
		eq = str_eq(a->fields[i].name, b->fields[i].name) &&
		     str_eq(a->fields[i].value, b->fields[i].value) &&
		     a->fields[i].hop == b->fields[i].hop;
	return eq;
}

/* All three ways; the whole one's head is left in *h. */
static ptrdiff_t parse_all_ways(struct http_head *h, enum http_kind kind, enum http_method method,
				const char *cstr)
{
	static struct http_head bytes, moved;
	struct str text = str_from(cstr);
	char *none, *keep;

	init(h, kind, method);
	init(&bytes, kind, method);
	init(&moved, kind, method);
	ptrdiff_t r = http_head_parse(h, text), r2 = feed(&bytes, text, false, &none),
		  r3 = feed(&moved, text, true, &keep);
	bool ok = r == r2 && r == r3 && (r <= 0 || (same(h, &bytes) && same(h, &moved)));
	free(keep);
	TAP_OK(ok, say("cut does not matter: whole %td, bytes %td, moved %td: %.40s", r, r2, r3, cstr));
	return r;
}

static void test_requests(void)
{
	static struct http_head h;

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		const struct request_case *c = &requests[i];
		ptrdiff_t r = parse_all_ways(&h, HTTP_REQUEST, 0, c->text);

		if (c->status) {
			TAP_OK(r == -c->status && h.why, say("%d for %.60s (got %td, %s)", c->status, c->text, r,
							    h.why ? h.why : "-"));
			continue;
		}
		TAP_OK(r == (ptrdiff_t)strlen(c->text) && h.body == c->body &&
			       h.keep_alive == c->keep_alive && str_is(h.path, c->path) &&
			       (c->host ? str_is(h.host, c->host) : !h.host.ptr),
		       say("accepted: %.60s (got %td, %s)", c->text, r, r < 0 ? h.why : "-"));
	}
}

static void test_responses(enum http_kind kind, const struct response_case *cases, size_t n)
{
	static struct http_head h;

	for (const struct response_case *c = cases; c < cases + n; c++) {
		ptrdiff_t r = parse_all_ways(&h, kind, c->method, c->text);

		if (c->good)
			TAP_OK(r > 0 && h.status == c->status && h.body == c->body &&
				       h.keep_alive == c->keep_alive,
			       say("accepted: %.60s (got %td)", c->text, r));
		else
			TAP_OK(r == -502 && h.why, say("502 for %.60s (got %td)", c->text, r));
	}
}

/* "GET /", then N bytes C, then REST. */
static ptrdiff_t parse_long(struct http_head *h, const char *head, char c, size_t n, const char *rest)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_add_cstr(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_add_byte(&b, c);
	buf_add_cstr(&b, rest);
	http_head_init(h, HTTP_REQUEST);
	ptrdiff_t whole = http_head_parse(h, buf_str(&b)), bytes = 0;

	http_head_init(h, HTTP_REQUEST);
	for (size_t i = 1; i <= b.len && bytes == 0; i++)
		bytes = http_head_parse(h, str_make(b.ptr, i));
	TAP_OK(whole == bytes, say("long input, cut or not: %td, %td", whole, bytes));
	buf_free(&b);
	return whole;
}

static void test_limits(void)
{
	static struct http_head h;
	struct buf b;

	TAP_OK(parse_long(&h, "GET /", 'a', HTTP_LINE_MAX - 16, " HTTP/1.1\r\n" H E) > 0, "the longest request line");
	TAP_OK(parse_long(&h, "GET /", 'a', HTTP_LINE_MAX - 15, " HTTP/1.1\r\n" H E) == -414, "one byte more: 414");
	TAP_OK(parse_long(&h, "GET / HTTP/1.1\r\n" H "X: ", 'a', HTTP_LINE_MAX, "\r\n\r\n") == -431, "long value: 431");
	TAP_OK(parse_long(&h, "GET / HTTP/1.1\r\n" H, 'a', HTTP_NAME_MAX + 1, ": x\r\n\r\n") == -431, "long name: 431");
	TAP_OK(parse_long(&h, "GET / HTTP/1.1\r\n" H, 'a', HTTP_NAME_MAX, ": x\r\n\r\n") > 0, "the longest name");

	buf_init(&b, 1 << 20);
	buf_add_cstr(&b, "GET / HTTP/1.1\r\n" H);
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		buf_add_cstr(&b, "X: y\r\n");
	buf_add_cstr(&b, "\r\n");
	http_head_init(&h, HTTP_REQUEST);
	TAP_OK(http_head_parse(&h, buf_str(&b)) == -431, "too many fields: 431");
	buf_clear(&b);
	buf_add_cstr(&b, "GET / HTTP/1.1\r\n" H);
	while (b.len < HTTP_HEAD_MAX)
		buf_addf(&b, "X: %0500d\r\n", 1);
	http_head_init(&h, HTTP_REQUEST);
	TAP_OK(http_head_parse(&h, str_slice(buf_str(&b), 0, HTTP_HEAD_MAX - 1)) == 0, "just under the limit: partial");
	http_head_init(&h, HTTP_REQUEST);
	TAP_OK(http_head_parse(&h, str_slice(buf_str(&b), 0, HTTP_HEAD_MAX)) == -431, "a full head without end: 431");
	buf_free(&b);

	http_head_init(&h, HTTP_REQUEST);
	TAP_OK(http_head_parse(&h, str_make("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29)) == -400, "NUL in a value");
	TAP_OK(http_head_parse(&h, str_make("GET", 3)) == -400, "a refusal is final");
}

static bool is_hop(const struct http_head *h, enum http_id id)
{
	const struct http_field *f = http_known(h, id);

	return f && f->hop;
}

static void test_fields(void)
{
	static struct http_head h;
	static const char text[] = "GET / HTTP/1.1\r\n" H "X-One: 1\r\nx-one: 2\r\nTE: trailers\r\nConnection: te, "
				   "x-Two\r\nX-TWO: 3\r\nUpgrade: h2c\r\nCookie: a=1; __Host-s=\"x y\"\r\n"
				   "Cookie: b=2; a=3\r\n\r\nGET ";
	bool dup;

	http_head_init(&h, HTTP_REQUEST);
	TAP_OK(http_head_parse(&h, str_from(text)) == (ptrdiff_t)sizeof(text) - 5, "the next message is left");
	const struct http_field *f = http_find(&h, "x-one", NULL);
	TAP_OK(f && str_is(f->value, "1") && !f->hop, "found in lower case");
	f = http_find(&h, "x-one", f);
	TAP_OK(f && str_is(f->value, "2") && !http_find(&h, "x-one", f), "and the second");
	f = http_find(&h, "x-two", NULL);
	TAP_OK(f && f->hop, "named by Connection: ends here");
	TAP_OK(is_hop(&h, HTTP_TE) && is_hop(&h, HTTP_UPGRADE), "known ones end here");
	TAP_OK(!is_hop(&h, HTTP_HOST) && !h.upgrade, "Upgrade alone is no upgrade");
	TAP_OK(str_is(http_cookie_find(&h, "a", &dup), "1") && dup, "a cookie that stands twice");
	TAP_OK(str_is(http_cookie_find(&h, "b", &dup), "2") && !dup, "one in the second field");
	TAP_OK(str_is(http_cookie_find(&h, "__Host-s", &dup), "x y"), "quotes are not its value");
	TAP_OK(!http_cookie_find(&h, "s", NULL).ptr, "no cookie");
#define X(id, name, first, near_last, flags) TAP_OK(http_id_find(STR(name)) == HTTP_##id, "known: " name);
	HTTP_KNOWN_FIELDS(X)
#undef X
	TAP_OK(http_id_find(STR("HOST")) == HTTP_HOST && http_id_find(STR("hoxt")) == HTTP_UNKNOWN &&
		       http_id_find(STR("")) == HTTP_UNKNOWN, "in any case; not others");
}

int main(void)
{
	test_requests();
	test_responses(HTTP_RESPONSE, responses, ARRAY_LEN(responses));
	test_responses(HTTP_CGI, cgis, ARRAY_LEN(cgis));
	test_limits();
	test_fields();
	return tap_done();
}
