/* SPDX-License-Identifier: MIT
 *
 * The chunked coding (RFC 9112, section 7.1) as a state machine over bytes; it never needs to see
 * two bytes at once, so the cut of the input cannot matter. Only runs of data are taken whole.
 */
#include "http/chars.h"

enum step {
	STEP_SIZE,	/* hex digits */
	STEP_BLANK,	/* blanks between size and extension */
	STEP_EXTENSION, /* passed over, bounded by HTTP_CHUNK_LINE_MAX */
	STEP_SIZE_LF,	/* behind the CR of the size line */
	STEP_DATA,
	STEP_DATA_CR,
	STEP_DATA_LF,
	STEP_TRAILER, /* at the start of a trailer line */
	STEP_TRAILER_NAME,
	STEP_TRAILER_VALUE,
	STEP_TRAILER_LF,
	STEP_LAST_LF, /* behind the CR of the empty line that ends all */
	STEP_DONE,
	STEP_REFUSED,
};

static int refuse(struct http_chunked *c, const char *why)
{
	c->why = why;
	c->step = STEP_REFUSED;
	return -1;
}

static int go(struct http_chunked *c, enum step next)
{
	c->step = (uint8_t)next;
	return 0;
}

static int expect_lf(struct http_chunked *c, char b, enum step next)
{
	return b == '\n' ? go(c, next) : refuse(c, "CR without LF in a chunked body");
}

static int size_byte(struct http_chunked *c, char b)
{
	int digit = ch_hex(b);

	if (digit >= 0) {
		if (c->left > (uint64_t)INT64_MAX >> 4)
			return refuse(c, "a chunk size that is too large");
		c->left = c->left << 4 | (unsigned)digit;
		c->digits = true;
		return 0;
	}
	if (c->digits && b == '\r')
		return go(c, STEP_SIZE_LF);
	if (c->digits && b == ';')
		return go(c, STEP_EXTENSION);
	if (c->digits && (b == ' ' || b == '\t'))
		return go(c, STEP_BLANK);
	return refuse(c, "a malformed chunk size");
}

static int extension_byte(struct http_chunked *c, char b)
{
	if (c->step == STEP_BLANK && b != ' ' && b != '\t')
		return b == ';' ? go(c, STEP_EXTENSION) : refuse(c, "a blank behind a chunk size");
	if (b == '\r')
		return go(c, STEP_SIZE_LF);
	return http_is_value(str_make(&b, 1)) ? 0
					      : refuse(c, "a control byte in a chunk extension");
}

/* The size line is whole: data, or after the last chunk the trailer section. */
static int size_done(struct http_chunked *c, char b)
{
	c->count = 0;
	c->digits = false;
	return expect_lf(c, b, c->left ? STEP_DATA : STEP_TRAILER);
}

static int trailer_byte(struct http_chunked *c, char b)
{
	switch (c->step) {
	case STEP_TRAILER:
		if (b == '\r')
			return go(c, STEP_LAST_LF);
		return ch_is(b, CH_NAME) ? go(c, STEP_TRAILER_NAME)
					 : refuse(c, "a malformed trailer");
	case STEP_TRAILER_NAME:
		if (b == ':')
			return go(c, STEP_TRAILER_VALUE);
		return ch_is(b, CH_NAME) ? 0 : refuse(c, "a malformed trailer");
	case STEP_TRAILER_VALUE:
		if (b == '\r')
			return go(c, STEP_TRAILER_LF);
		return http_is_value(str_make(&b, 1)) ? 0
						      : refuse(c, "a control byte in a trailer");
	default:
		return expect_lf(c, b, STEP_TRAILER);
	}
}

static int one_byte(struct http_chunked *c, char b)
{
	switch (c->step) {
	case STEP_SIZE:
		return size_byte(c, b);
	case STEP_BLANK:
	case STEP_EXTENSION:
		return extension_byte(c, b);
	case STEP_SIZE_LF:
		return size_done(c, b);
	case STEP_DATA_CR:
		return b == '\r' ? go(c, STEP_DATA_LF) : refuse(c, "a chunk longer than its size");
	case STEP_DATA_LF:
		return expect_lf(c, b, STEP_SIZE);
	case STEP_LAST_LF:
		c->done = b == '\n';
		return expect_lf(c, b, STEP_DONE);
	default:
		return trailer_byte(c, b);
	}
}

/* Size lines and the trailer section are counted against their limits. */
static int count_byte(struct http_chunked *c)
{
	if (c->step <= STEP_SIZE_LF && ++c->count > HTTP_CHUNK_LINE_MAX)
		return refuse(c, "a chunk extension that is too long");
	if (c->step >= STEP_TRAILER && ++c->count > HTTP_TRAILER_MAX)
		return refuse(c, "a trailer section that is too long");
	return 0;
}

/* Takes what is there of the current chunk. */
static size_t take_data(struct http_chunked *c, struct str in, struct str *data)
{
	*data = str_slice(in, 0, (size_t)MIN(c->left, in.len));
	c->left -= data->len;
	if (c->left == 0)
		c->step = STEP_DATA_CR;
	return data->len;
}

ptrdiff_t http_chunked_next(struct http_chunked *c, struct str in, struct str *data)
{
	size_t used = 0;

	*data = str_make(in.ptr, 0);
	while (used < in.len && c->step < STEP_DONE) {
		if (c->step == STEP_DATA)
			return (ptrdiff_t)(used + take_data(c, str_from_at(in, used), data));
		if (count_byte(c) < 0 || one_byte(c, in.ptr[used++]) < 0)
			break;
	}
	if (c->step == STEP_REFUSED)
		return c->count > HTTP_TRAILER_MAX ? -431 : -400;
	return (ptrdiff_t)used;
}

size_t http_chunk_head(char out[static HTTP_CHUNK_HEAD_MAX], uint64_t size)
{
	return (size_t)snprintf(out, HTTP_CHUNK_HEAD_MAX, "%llx\r\n", (unsigned long long)size);
}
