/* SPDX-License-Identifier: MIT
 *
 * Heads: parsed whole, and in pieces whose sizes come from the input, in a buffer that moves: the same
 * result, the same views. What is accepted stays inside the input and obeys the rules that smuggling breaks.
 * First byte: what is parsed; second: size of pieces.
 */
#include "http/http.h"

#define INSIDE(s, in) rn_assert((s).ptr == NULL || ((s).ptr >= (in).ptr && (s).ptr + (s).len <= (in).ptr + (in).len))

static void check_rules(const struct http_head *h, struct str in)
{
	unsigned lengths = 0, codings = 0, hosts = 0;

	INSIDE(h->path, in);
	INSIDE(h->query, in);
	INSIDE(h->host, in);
	INSIDE(h->reason, in);
	for (size_t i = 0; i < h->n; i++) {
		const struct http_field *f = &h->fields[i];

		INSIDE(f->name, in);
		INSIDE(f->value, in);
		rn_assert(http_is_token(f->name) && http_is_value(f->value));
		rn_assert(f->id == http_id_find(f->name));
		lengths += f->id == HTTP_CONTENT_LENGTH;
		codings += f->id == HTTP_TRANSFER_ENCODING;
		hosts += f->id == HTTP_HOST;
	}
	rn_assert(lengths + codings <= 1 && hosts <= 1);
	rn_assert(h->kind != HTTP_REQUEST || hosts == 1 || h->minor == 0);
	rn_assert(h->kind != HTTP_REQUEST || h->body != HTTP_BODY_CLOSE);
	rn_assert((h->body == HTTP_BODY_CHUNKED) <= codings);
}

static void check_same(const struct http_head *a, struct str in_a, const struct http_head *b, struct str in_b)
{
	rn_assert(a->n == b->n && a->body == b->body && a->content_length == b->content_length);
	rn_assert(a->keep_alive == b->keep_alive && a->upgrade == b->upgrade && a->status == b->status);
	rn_assert(a->path.ptr - in_a.ptr == b->path.ptr - in_b.ptr || !a->path.ptr);
	rn_assert(str_eq(a->path, b->path) && str_eq(a->query, b->query) && str_eq(a->host, b->host));
	for (size_t i = 0; i < a->n; i++) {
		rn_assert(a->fields[i].value.ptr - in_a.ptr == b->fields[i].value.ptr - in_b.ptr);
		rn_assert(str_eq(a->fields[i].name, b->fields[i].name) && str_eq(a->fields[i].value, b->fields[i].value));
		rn_assert(a->fields[i].hop == b->fields[i].hop);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_head whole, pieces;

	if (size < 2)
		return 0;
	enum http_kind kind = (enum http_kind)(data[0] % 3);
	size_t step = (size_t)data[1] % 64 + 1;
	struct str in = str_make(data + 2, size - 2), copy = {NULL, 0};
	char *buf = NULL;

	http_head_init(&whole, kind);
	http_head_init(&pieces, kind);
	ptrdiff_t r = http_head_parse(&whole, in), r2 = 0;
	for (size_t n = MIN(step, in.len); r2 == 0; n = MIN(n + step, in.len)) {
		char *next = malloc(n + 1);
		memcpy(next, in.ptr, n);
		free(buf);
		buf = next;
		copy = str_make(buf, n);
		r2 = http_head_parse(&pieces, copy);
		if (n == in.len)
			break;
	}
	rn_assert(r == r2);
	if (r > 0) {
		check_rules(&whole, in);
		check_same(&whole, in, &pieces, copy);
	} else if (r < 0) {
		rn_assert(whole.why && pieces.why && strcmp(whole.why, pieces.why) == 0);
	}
	free(buf);
	return 0;
}
