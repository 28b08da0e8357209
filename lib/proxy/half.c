/* SPDX-License-Identifier: MIT */
#include "proxy/half.h"

#define TURNS 16 /* reads a call, so that one fast connection does not hold up the others */

void half_begin(struct half *h, enum http_body from, enum http_body to, uint64_t length)
{
	h->from = (uint8_t)from;
	h->to = (uint8_t)to;
	h->left = length;
	h->seen = from == HTTP_BODY_NONE || (from == HTTP_BODY_LENGTH && length == 0);
	h->chunked = (struct http_chunked){0};
	h->bytes = 0;
}

void half_push(struct half *h, struct str bytes)
{
	if (bytes.len == 0)
		return;
	rn_assert(h->n < HALF_IOV);
	h->iov[h->n++] = (struct iovec){(void *)(uintptr_t)bytes.ptr, bytes.len};
}

/* One run of body bytes leaves as the other side's framing wants it. */
static void push_data(struct half *h, struct str data)
{
	if (data.len == 0)
		return;
	h->framed = true;
	h->bytes += data.len;
	if (h->to != HTTP_BODY_CHUNKED) {
		half_push(h, data);
		return;
	}
	half_push(h, str_make(h->chunk, http_chunk_head(h->chunk, data.len)));
	half_push(h, data);
	half_push(h, STR("\r\n"));
}

static void push_end(struct half *h)
{
	h->seen = h->framed = true;
	if (h->to == HTTP_BODY_CHUNKED)
		half_push(h, STR(HTTP_LAST_CHUNK));
}

static bool frame_chunked(struct half *h)
{
	struct str data = {0};
	while (h->in.from < h->in.to && !h->chunked.done && data.len == 0) {
		ptrdiff_t used = http_chunked_next(&h->chunked, inbuf_str(&h->in), &data);
		if (used < 0) {
			h->why = h->chunked.why;
			return false;
		}
		inbuf_use(&h->in, (size_t)used);
	}
	push_data(h, data);
	if (h->chunked.done)
		push_end(h);
	return true;
}

/* Turns bytes that were read into bytes to leave. False: wrongly framed. */
static bool half_frame(struct half *h)
{
	struct str have = inbuf_str(&h->in);

	if (h->from == HTTP_BODY_CHUNKED)
		return frame_chunked(h);
	if (h->from == HTTP_BODY_LENGTH)
		have.len = (size_t)MIN((uint64_t)have.len, h->left);
	push_data(h, have);
	inbuf_use(&h->in, have.len);
	if (h->from == HTTP_BODY_LENGTH && (h->left -= have.len) == 0)
		push_end(h);
	return true;
}

static enum io half_write(struct half *h)
{
	while (half_pending(h)) {
		size_t n;
		enum io io = stream_writev(h->dst, h->iov + h->at, h->n - h->at, &n);
		if (io != IO_OK)
			return io == IO_EOF ? IO_FAILED : io;
		while (n > 0 && n >= h->iov[h->at].iov_len)
			n -= h->iov[h->at++].iov_len;
		if (n > 0) {
			h->iov[h->at].iov_base = (char *)h->iov[h->at].iov_base + n;
			h->iov[h->at].iov_len -= n;
		}
	}
	half_forget(h);
	return IO_OK;
}

static enum io half_read(struct half *h, bool *short_read)
{
	char *at;
	size_t n;

	h->in.from = h->in.to = 0; /* all that was read has left */
	if (h->bulk && (!h->in.block || h->in.block->cap <= BLOCK_SMALL))
		(void)inbuf_grow(&h->in, h->pool);
	size_t room = inbuf_room(&h->in, h->pool, &at);
	if (room == 0)
		return IO_FAILED;
	enum io io = stream_read(h->src, at, room, &n);
	h->in.to += (uint32_t)n;
	*short_read = n < room && !h->src->tls;
	h->bulk = n == room || (h->bulk && n > BLOCK_SMALL) || (h->src->tls && n == BLOCK_SMALL);
	return io;
}

static enum half_result half_end_of_src(struct half *h, enum io io)
{
	if (io == IO_WAIT) {
		inbuf_rest(&h->in, h->pool);
		return HALF_WAIT_SRC;
	}
	if (io == IO_EOF && h->from == HTTP_BODY_CLOSE) {
		push_end(h);
		return half_pump(h);
	}
	return HALF_SRC_FAILED;
}

enum half_result half_pump(struct half *h)
{
	bool short_read = false;

	for (int turn = 0;; turn++) {
		/* Behind a head that waits as well: both leave in one segment. */
		while (!h->framed && !h->seen && h->in.from < h->in.to)
			if (!half_frame(h))
				return HALF_BAD;
		enum io io = half_write(h);
		if (io != IO_OK)
			return io == IO_WAIT ? HALF_WAIT_DST : HALF_DST_FAILED;
		if (h->in.from < h->in.to && !h->seen)
			continue;
		if (h->seen)
			return HALF_DONE;
		if (short_read || (turn >= TURNS && !(h->src->tls && tls_pending(h->src->tls))))
			return half_end_of_src(h, IO_WAIT);
		io = half_read(h, &short_read);
		if (io != IO_OK)
			return half_end_of_src(h, io);
	}
}
