/* SPDX-License-Identifier: MIT */
#include "proxy/half.h"

#include "tap.h"

#include <unistd.h>

static struct loop *loop;
static struct block_pool pool;

static void ignore(struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
}

/* Sends BYTES in pieces of STEP through a half; what comes out is in OUT. */
static enum half_result carry(struct str bytes, size_t step, enum http_body from, enum http_body to,
			      uint64_t length, struct buf *out)
{
	struct stream src = {0}, dst = {0};
	struct half h = {.pool = &pool, .src = &src, .dst = &dst};
	struct rn_error err;
	int in[2], to_fd[2];
	enum half_result r = HALF_WAIT_SRC;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, in) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, to_fd) ||
	    stream_open(&src, loop, in[0], EPOLLIN, ignore, &err) ||
	    stream_open(&dst, loop, to_fd[0], EPOLLOUT, ignore, &err))
		return HALF_BAD;
	half_begin(&h, from, to, length);
	for (size_t at = 0; r == HALF_WAIT_SRC; at += step) {
		if (at >= bytes.len)
			shutdown(in[1], SHUT_WR);
		else if (write(in[1], bytes.ptr + at, MIN(step, bytes.len - at)) < 0)
			break;
		r = half_pump(&h);
		char *room = buf_reserve(out, 65536);
		ssize_t n = room ? read(to_fd[1], room, 65536) : 0;
		out->len += n > 0 ? (size_t)n : 0;
	}
	inbuf_drop(&h.in, &pool);
	stream_close(&src, loop);
	stream_close(&dst, loop);
	close(in[1]);
	close(to_fd[1]);
	return r;
}

static void expect(const char *what, struct str bytes, enum http_body from, enum http_body to,
		   uint64_t length, enum half_result want, struct str text)
{
	bool fine = true;
	for (size_t step = 1; step <= bytes.len + 1; step++) {
		struct buf out;
		buf_init(&out, 1 << 20);
		fine &= carry(bytes, step, from, to, length, &out) == want;
		fine &= want != HALF_DONE || to == HTTP_BODY_CHUNKED || str_eq(buf_str(&out), text);
		if (want == HALF_DONE && to == HTTP_BODY_CHUNKED) {
			struct buf plain;
			buf_init(&plain, 1 << 20);
			fine &= carry(buf_str(&out), out.len, HTTP_BODY_CHUNKED, HTTP_BODY_CLOSE, 0,
				      &plain) == HALF_DONE;
			fine &= str_eq(buf_str(&plain), text);
			buf_free(&plain);
		}
		buf_free(&out);
	}
	TAP_OK(fine, what);
}

int main(void)
{
	struct rn_error err;
	const struct str chunks = STR("3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n");
	const struct str text = STR("abc0123456789");

	loop = loop_new(&err);
	expect("a length, however it is cut", text, HTTP_BODY_LENGTH, HTTP_BODY_LENGTH, 13,
	       HALF_DONE, text);
	expect("nothing behind a length", STR("abc0123456789GET"), HTTP_BODY_LENGTH,
	       HTTP_BODY_LENGTH, 13, HALF_DONE, text);
	expect("too little of a length", text, HTTP_BODY_LENGTH, HTTP_BODY_LENGTH, 14,
	       HALF_SRC_FAILED, text);
	expect("chunks to chunks", chunks, HTTP_BODY_CHUNKED, HTTP_BODY_CHUNKED, 0, HALF_DONE,
	       text);
	expect("chunks to plain", chunks, HTTP_BODY_CHUNKED, HTTP_BODY_CLOSE, 0, HALF_DONE, text);
	expect("until the end to chunks", text, HTTP_BODY_CLOSE, HTTP_BODY_CHUNKED, 0, HALF_DONE,
	       text);
	expect("chunks that break off", STR("3\r\nabc\r\nA\r\n01234"), HTTP_BODY_CHUNKED,
	       HTTP_BODY_CHUNKED, 0, HALF_SRC_FAILED, text);
	expect("a bad chunk", STR("3\r\nabcd\r\n0\r\n\r\n"), HTTP_BODY_CHUNKED, HTTP_BODY_CHUNKED,
	       0, HALF_BAD, text);
	block_pool_free(&pool);
	loop_free(loop);
	return tap_done();
}
