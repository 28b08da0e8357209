/* SPDX-License-Identifier: MIT
 *
 * Chunked bodies: whole and in pieces give the same; a body that is encoded from any bytes decodes to them.
 */
#include "http/http.h"

static ptrdiff_t decode(struct str in, size_t step, struct buf *out, bool *done)
{
	struct http_chunked c = {0};
	size_t used = 0;

	while (used < in.len && !c.done) {
		struct str data, part = str_slice(in, used, used + step);
		ptrdiff_t n = http_chunked_next(&c, part, &data);

		if (n < 0) {
			rn_assert(c.why && http_chunked_next(&c, part, &data) == n);
			return n;
		}
		rn_assert((size_t)n <= part.len && (n > 0 || c.done));
		buf_add(out, data);
		used += (size_t)n;
	}
	*done = c.done;
	return (ptrdiff_t)used;
}

static void round_trip(struct str bytes, size_t step)
{
	struct buf coded, back;
	char head[HTTP_CHUNK_HEAD_MAX];
	bool done = false;

	buf_init(&coded, 1 << 22);
	buf_init(&back, 1 << 20);
	for (size_t at = 0; at < bytes.len; at += step) {
		struct str part = str_slice(bytes, at, at + step);

		buf_add(&coded, str_make(head, http_chunk_head(head, part.len)));
		buf_add(&coded, part);
		buf_add_cstr(&coded, "\r\n");
	}
	buf_add_cstr(&coded, HTTP_LAST_CHUNK);
	rn_assert(decode(buf_str(&coded), step + 1, &back, &done) == (ptrdiff_t)coded.len && done);
	rn_assert(str_eq(buf_str(&back), bytes));
	buf_free(&coded);
	buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, pieces;
	bool done = false, done2 = false;

	if (size < 1)
		return 0;
	size_t step = (size_t)data[0] % 32 + 1;
	struct str in = str_make(data + 1, size - 1);

	buf_init(&whole, 1 << 20);
	buf_init(&pieces, 1 << 20);
	ptrdiff_t r = decode(in, SIZE_MAX / 2, &whole, &done), r2 = decode(in, step, &pieces, &done2);
	rn_assert(r == r2 && done == done2);
	rn_assert(r < 0 || str_eq(buf_str(&whole), buf_str(&pieces)));
	buf_free(&whole);
	buf_free(&pieces);
	round_trip(in, step);
	return 0;
}
