/* SPDX-License-Identifier: MIT
 *
 * Chunked bodies: good and bad ones, whole and byte by byte with the same result.
 */
#include "http/http.h"
#include "tap.h"

static const struct {
	const char *in;
	const char *out;  /* the body, or NULL when it is refused */
	size_t left;      /* bytes behind the end */
} cases[] = {
	{"0\r\n\r\n", "", 0},
	{"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
	{"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET", "hello world", 3},
	{"A\r\n0123456789\r\n00\r\n\r\n", "0123456789", 0},
	{"a;name=\"value\";x\r\n0123456789\r\n0;last\r\n\r\n", "0123456789", 0},
	{"1 ;x\r\na\r\n0\r\n\r\n", "a", 0},
	{"1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "a", 0},

	{"\r\n", NULL, 0},
	{";x\r\n", NULL, 0},
	{"g\r\n", NULL, 0},
	{"0x5\r\nhello\r\n", NULL, 0},
	{"-5\r\nhello\r\n", NULL, 0},
	{" 5\r\nhello\r\n", NULL, 0},
	{"5 \r\nhello\r\n", NULL, 0},
	{"5\nhello\n0\n\n", NULL, 0},
	{"5\rhello", NULL, 0},
	{"5;a\nb\r\nhello\r\n", NULL, 0},
	{"5;a\x01\r\nhello\r\n", NULL, 0},
	{"5\r\nhello0\r\n\r\n", NULL, 0},
	{"5\r\nhello\n0\r\n\r\n", NULL, 0},
	{"4\r\nhello\r\n0\r\n\r\n", NULL, 0},
	{"7fffffffffffffff\r\n", "", 0}, /* partial: fine so far */
	{"8000000000000000\r\n", NULL, 0},
	{"10000000000000000\r\n", NULL, 0},
	{"0\r\n folded: x\r\n\r\n", NULL, 0},
	{"0\r\nNo colon\r\n\r\n", NULL, 0},
	{"0\r\nX: a\rb\r\n\r\n", NULL, 0},
	{"0\r\n\rX", NULL, 0},
};

/* Feeds TEXT at most STEP bytes at a time. Bytes used, or what was refused with. */
static ptrdiff_t decode(struct http_chunked *c, struct str text, size_t step, struct buf *out)
{
	size_t used = 0;

	*c = (struct http_chunked){0};
	buf_clear(out);
	while (used < text.len && !c->done) {
		struct str data, part = str_slice(text, used, used + step);
		ptrdiff_t n = http_chunked_next(c, part, &data);

		if (n < 0)
			return n;
		buf_add(out, data);
		used += (size_t)n;
	}
	return (ptrdiff_t)used;
}

static void test_cases(void)
{
	struct buf whole, bytes;
	struct http_chunked c, c2;

	buf_init(&whole, 4096);
	buf_init(&bytes, 4096);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str in = str_from(cases[i].in);
		ptrdiff_t r = decode(&c, in, in.len, &whole), r2 = decode(&c2, in, 1, &bytes);
		char text[80];

		snprintf(text, sizeof(text), "case %zu: %td %td (%s)", i, r, r2, c.why ? c.why : "accepted");
		TAP_OK(r == r2 && c.done == c2.done && str_eq(buf_str(&whole), buf_str(&bytes)), text);
		if (cases[i].out)
			TAP_OK(r == (ptrdiff_t)(in.len - cases[i].left) && str_is(buf_str(&whole), cases[i].out), text);
		else
			TAP_OK(r == -400 && c.why && !c.done, text);
	}
	buf_free(&whole);
	buf_free(&bytes);
}

static void test_limits(void)
{
	struct http_chunked c;
	struct buf b, out;

	buf_init(&b, 1 << 16);
	buf_init(&out, 4096);
	buf_addf(&b, "5;%0*d", HTTP_CHUNK_LINE_MAX - 4, 0);
	buf_add_cstr(&b, "\r\nhello\r\n0\r\n\r\n");
	TAP_OK(decode(&c, buf_str(&b), 7, &out) > 0 && c.done, "the longest extension");
	buf_clear(&b);
	buf_addf(&b, "5;%0*d", HTTP_CHUNK_LINE_MAX - 3, 0);
	buf_add_cstr(&b, "\r\nhello\r\n0\r\n\r\n");
	TAP_OK(decode(&c, buf_str(&b), 7, &out) == -400, "one byte more is refused");
	buf_clear(&b);
	buf_add_cstr(&b, "0\r\n");
	while (b.len < HTTP_TRAILER_MAX + 10)
		buf_add_cstr(&b, "X: y\r\n");
	TAP_OK(decode(&c, buf_str(&b), 100, &out) == -431, "too many trailers: 431");
	buf_free(&b);
	buf_free(&out);
}

int main(void)
{
	char head[HTTP_CHUNK_HEAD_MAX];

	test_cases();
	test_limits();
	TAP_OK(http_chunk_head(head, 255) == 4 && strcmp(head, "ff\r\n") == 0, "a size line is written");
	TAP_OK(http_chunk_head(head, UINT64_MAX) == 18, "the largest fits");
	return tap_done();
}
