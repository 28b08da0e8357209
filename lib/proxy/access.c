/* SPDX-License-Identifier: MIT */
#include "proxy/access.h"

bool access_ring_init(struct access_ring *r)
{
	memset(r, 0, sizeof(*r));
	buf_init(&r->line, REC_LINE_MAX * 2);
	r->bytes = malloc(ACCESS_RING);
	return r->bytes != NULL;
}

void access_ring_free(struct access_ring *r)
{
	free(r->bytes);
	r->bytes = NULL;
	buf_free(&r->line);
}

bool access_ring_put(struct access_ring *r)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	size_t len = r->line.len, at = head % ACCESS_RING, first = MIN(len, ACCESS_RING - at);
	bool half = false;

	if (r->line.failed || len > ACCESS_RING - (head - tail)) {
		atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
	} else {
		memcpy(r->bytes + at, r->line.ptr, first);
		memcpy(r->bytes, r->line.ptr + first, len - first);
		atomic_store_explicit(&r->head, head + len, memory_order_release);
		half = head - tail < ACCESS_RING / 2 && head - tail + len >= ACCESS_RING / 2;
	}
	buf_clear(&r->line);
	return half;
}

void access_ring_take(struct access_ring *r, struct buf *out)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t len = (size_t)(head - tail), at = tail % ACCESS_RING;
	size_t first = MIN(len, ACCESS_RING - at);

	buf_add(out, str_make(r->bytes + at, first));
	buf_add(out, str_make(r->bytes, len - first));
	atomic_store_explicit(&r->tail, head, memory_order_release);
}

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void base32(char *out, int n, uint64_t v)
{
	while (n-- > 0) {
		out[n] = digits[v & 31];
		v >>= 5;
	}
}

void access_id(char out[static 27], int64_t now_ms, uint64_t next[static 2])
{
	base32(out, 10, (uint64_t)now_ms);
	base32(out + 10, 8, next[0]);
	base32(out + 18, 8, next[1]++);
	out[26] = 0;
}

/* The longest start of S of at most MAX bytes that does not cut a UTF-8 character. */
static struct str cut_text(struct str s, size_t max)
{
	while (max > 0 && ((unsigned char)s.ptr[max] & 0xC0) == 0x80)
		max--;
	return str_slice(s, 0, max);
}

void access_add_text(struct buf *b, const char *key, struct str text, size_t max, bool *cut)
{
	if (text.len > max) {
		text = cut_text(text, max);
		*cut = true;
	}
	rec_add(b, key, text);
}
