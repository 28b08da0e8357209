/* SPDX-License-Identifier: MIT
 *
 * The head of a message, line by line (RFC 9112, sections 2 to 5). A line that is not whole yet is
 * read again from its start when more has come; all lines before it are done. What is wrong is
 * judged at the first byte that proves it, so the cut of the input never changes the result.
 */
#include "http/chars.h"
#include "http/field.h"

enum { STEP_START, STEP_FIRST, STEP_FIELDS, STEP_WHOLE, STEP_REFUSED };

/* What a line parser says; more than zero is never used. */
enum { LINE_OK = 0, LINE_PARTIAL = 1 };

/* The part of the input that one line may use. */
struct line {
	const char *p, *end;
	bool cut; /* end is the line's limit, not the end of input: running into it is too long */
	int too_long; /* status for that */
};

void http_head_init(struct http_head *h, enum http_kind kind)
{
	memset(h, 0, offsetof(struct http_head, fields));
	h->kind = kind;
	h->step = STEP_START;
}

void http_head_init_response(struct http_head *h, enum http_method method)
{
	http_head_init(h, HTTP_RESPONSE);
	h->method = method;
}

int http_refuse(struct http_head *h, int status, const char *why)
{
	h->why = why;
	h->status = (uint16_t)(h->kind == HTTP_REQUEST ? status : 502);
	h->step = STEP_REFUSED;
	return -h->status;
}

/* The buffer has moved: so do the views into it. The old address is only a number by now. */
static void rebase(struct http_head *h, const char *base)
{
#define MOVE(s) ((s).ptr = (s).ptr ? base + ((uintptr_t)(s).ptr - (uintptr_t)h->base) : NULL)
	MOVE(h->method_text);
	MOVE(h->target);
	MOVE(h->path);
	MOVE(h->query);
	MOVE(h->host);
	MOVE(h->reason);
	for (size_t i = 0; i < h->n; i++) {
		MOVE(h->fields[i].name);
		MOVE(h->fields[i].value);
	}
#undef MOVE
	h->base = base;
}

/* ---- pieces of a line ----------------------------------------------------------------------- */

static int out_of_bytes(struct http_head *h, const struct line *l)
{
	if (!l->cut)
		return LINE_PARTIAL;
	return http_refuse(h, l->too_long,
			   l->too_long == 414 ? "the request line is too long"
					      : "a field or the whole head is too long");
}

/* The end of a line: CR LF, and for CGI LF alone. */
static int line_end(struct http_head *h, struct line *l)
{
	if (l->p < l->end && *l->p == '\n' && h->kind == HTTP_CGI) {
		l->p++;
		return LINE_OK;
	}
	if (l->p < l->end && *l->p != '\r')
		return http_refuse(h, 400,
				   *l->p == '\n' ? "a line ends with LF alone" : "a control byte");
	if (l->end - l->p < 2)
		return out_of_bytes(h, l);
	if (l->p[1] != '\n')
		return http_refuse(h, 400, "CR without LF");
	l->p += 2;
	return LINE_OK;
}

/* The rest of the line and its end. */
static int line_rest(struct http_head *h, struct line *l, struct str *text)
{
	const char *from = l->p;

	l->p = ch_skip_value(l->p, l->end);
	if (l->p == l->end)
		return out_of_bytes(h, l);
	*text = str_make(from, (size_t)(l->p - from));
	return line_end(h, l);
}

/* ---- first lines ---------------------------------------------------------------------------- */

static const struct {
	struct str name;
	enum http_method method;
} methods[] = {
	{STR_INIT("GET"), HTTP_GET},	     {STR_INIT("HEAD"), HTTP_HEAD},
	{STR_INIT("POST"), HTTP_POST},	     {STR_INIT("PUT"), HTTP_PUT},
	{STR_INIT("DELETE"), HTTP_DELETE},   {STR_INIT("PATCH"), HTTP_PATCH},
	{STR_INIT("OPTIONS"), HTTP_OPTIONS}, {STR_INIT("CONNECT"), HTTP_CONNECT},
	{STR_INIT("TRACE"), HTTP_TRACE},
};

static enum http_method method_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(name, methods[i].name))
			return methods[i].method;
	return HTTP_OTHER;
}

static int parse_method(struct http_head *h, struct line *l)
{
	const char *from = l->p, *end = MIN(l->end, from + HTTP_METHOD_MAX + 1);

	l->p = ch_skip(l->p, end, CH_TOKEN);
	if (l->p - from > HTTP_METHOD_MAX)
		return http_refuse(h, 501, "the method is too long");
	if (l->p == l->end)
		return out_of_bytes(h, l);
	if (l->p == from || *l->p != ' ')
		return http_refuse(h, 400, "the request line does not begin with a method");
	h->method_text = str_make(from, (size_t)(l->p - from));
	h->method = method_find(h->method_text);
	l->p++;
	return LINE_OK;
}

static int parse_target(struct http_head *h, struct line *l)
{
	const char *from = l->p;

	l->p = ch_skip(l->p, l->end, CH_TARGET);
	if (l->p == l->end)
		return out_of_bytes(h, l);
	if (l->p == from || *l->p != ' ')
		return http_refuse(h, 400, "a byte that a request target must escape");
	h->target = str_make(from, (size_t)(l->p - from));
	l->p++;
	return LINE_OK;
}

/* "HTTP/" DIGIT "." DIGIT; of the other major versions the message says nothing that we could read.
 */
static int parse_version(struct http_head *h, struct line *l)
{
	static const char want[] = "HTTP/0.0";

	for (size_t i = 0; i < sizeof(want) - 1; i++, l->p++) {
		if (l->p == l->end)
			return out_of_bytes(h, l);
		if (want[i] == '0' ? !ch_is(*l->p, CH_DIGIT) : *l->p != want[i])
			return http_refuse(h, 400, "no HTTP version where one has to be");
	}
	if (l->p[-3] != '1')
		return http_refuse(h, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	h->minor = l->p[-1] != '0';
	return LINE_OK;
}

static int request_line(struct http_head *h, struct line *l)
{
	int r = parse_method(h, l);

	if (r == LINE_OK)
		r = parse_target(h, l);
	if (r == LINE_OK)
		r = parse_version(h, l);
	return r == LINE_OK ? line_end(h, l) : r;
}

/* Three digits, 100 to 599, or 0. */
static uint16_t parse_status(struct str s)
{
	uint64_t status;

	return s.len == 3 && str_to_u64(s, 599, &status) && status >= 100 ? (uint16_t)status : 0;
}

static int status_line(struct http_head *h, struct line *l)
{
	struct str rest;
	int r = parse_version(h, l);

	if (r == LINE_OK)
		r = line_rest(h, l, &rest);
	if (r != LINE_OK)
		return r;
	/* Many servers leave out the blank when there is no reason; so it is not asked for. */
	h->status = rest.len >= 4 && rest.ptr[0] == ' ' ? parse_status(str_slice(rest, 1, 4)) : 0;
	if (!h->status || (rest.len > 4 && rest.ptr[4] != ' '))
		return http_refuse(h, 400, "a malformed status line");
	h->reason = str_from_at(rest, 5);
	return LINE_OK;
}

static int first_line(struct http_head *h, struct line *l)
{
	int r = h->kind == HTTP_REQUEST ? request_line(h, l) : status_line(h, l);

	if (r == LINE_OK)
		h->step = STEP_FIELDS;
	return r;
}

/* A server should pass over an empty line before a request (RFC 9112, section 2.2): one. */
static int start(struct http_head *h, struct line *l)
{
	int r = LINE_OK;

	if (h->kind == HTTP_REQUEST && *l->p == '\r')
		r = line_end(h, l);
	if (r == LINE_OK)
		h->step = h->kind == HTTP_CGI ? STEP_FIELDS : STEP_FIRST;
	return r;
}

/* ---- fields --------------------------------------------------------------------------------- */

static int bad_name(struct http_head *h, char c)
{
	switch (c) {
	case ' ':
	case '\t':
		return http_refuse(h, 400, "a blank before or in a field name (or a folded line)");
	case '_':
		return http_refuse(h, 400, "a field name with \"_\", which CGI takes for \"-\"");
	default:
		return http_refuse(h, 400, "a byte that a field name cannot have, or no colon");
	}
}

static int parse_name(struct http_head *h, struct line *l, struct str *name)
{
	const char *from = l->p, *end = MIN(l->end, from + HTTP_NAME_MAX + 1);

	l->p = ch_skip(l->p, end, h->kind == HTTP_REQUEST ? CH_NAME : CH_TOKEN);
	if (l->p - from > HTTP_NAME_MAX)
		return http_refuse(h, 431, "a field name is too long");
	if (l->p == l->end)
		return out_of_bytes(h, l);
	if (l->p == from || *l->p != ':')
		return bad_name(h, *l->p);
	*name = str_make(from, (size_t)(l->p - from));
	l->p++;
	return LINE_OK;
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The value and the line's end; blanks around it are not its own. */
static int parse_value(struct http_head *h, struct line *l, struct str *value)
{
	while (l->p < l->end && is_blank(*l->p))
		l->p++;
	int r = line_rest(h, l, value);
	while (r == LINE_OK && value->len > 0 && is_blank(value->ptr[value->len - 1]))
		value->len--;
	return r;
}

static int add_field(struct http_head *h, struct str name, struct str value)
{
	enum http_id id = http_id_find(name);
	unsigned flags = http_id_flags(id);

	if (h->n == HTTP_FIELDS_MAX)
		return http_refuse(h, 431, "too many fields");
	if (h->known[id] && (flags & HTTP_FLAG_ONCE))
		return http_refuse(h, 400, "a field that may stand once stands twice");
	h->fields[h->n++] = (struct http_field){
		.name = name, .value = value, .id = (uint8_t)id, .hop = flags & HTTP_FLAG_HOP};
	if (id && !h->known[id])
		h->known[id] = (uint8_t)h->n;
	return LINE_OK;
}

/* One field, or the empty line that ends the head. */
static int field_line(struct http_head *h, struct line *l)
{
	struct str name, value;
	int r;

	if (*l->p == '\r' || *l->p == '\n') {
		r = line_end(h, l);
		if (r == LINE_OK)
			h->step = STEP_WHOLE;
		return r;
	}
	r = parse_name(h, l, &name);
	if (r == LINE_OK)
		r = parse_value(h, l, &value);
	return r == LINE_OK ? add_field(h, name, value) : r;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int parse_line(struct http_head *h, struct line *l)
{
	switch (h->step) {
	case STEP_START:
		return start(h, l);
	case STEP_FIRST:
		return first_line(h, l);
	default:
		return field_line(h, l);
	}
}

ptrdiff_t http_head_parse(struct http_head *h, struct str in)
{
	if (h->base != in.ptr)
		rebase(h, in.ptr);
	while (h->step < STEP_WHOLE) {
		size_t limit = MIN(h->pos + HTTP_LINE_MAX, (size_t)HTTP_HEAD_MAX);
		struct line l = {
			.p = in.ptr + h->pos,
			.end = in.ptr + MIN(in.len, limit),
			.cut = in.len >= limit,
			.too_long = h->step == STEP_FIRST && h->kind == HTTP_REQUEST ? 414 : 431,
		};
		int r = l.p < l.end ? parse_line(h, &l) : out_of_bytes(h, &l);

		if (r == LINE_PARTIAL)
			return 0;
		if (r < 0)
			return r;
		h->pos = (size_t)(l.p - in.ptr);
		if (h->step == STEP_WHOLE)
			(void)http_head_finish(h); /* a refusal is the step */
	}
	return h->step == STEP_REFUSED ? -(ptrdiff_t)h->status : (ptrdiff_t)h->pos;
}
