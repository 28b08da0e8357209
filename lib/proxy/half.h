/* SPDX-License-Identifier: MIT
 *
 * One direction of a message on its way: bytes come from one stream, are checked against the
 * framing of their body, framed anew if the other side needs it, and leave on the other stream.
 * Data is not copied: what leaves are views into the block it was read to. Nothing is read before
 * everything read earlier has left, so a slow reader slows the writer and memory stays bounded.
 */
#ifndef RN_PROXY_HALF_H
#define RN_PROXY_HALF_H

#include "http/http.h"
#include "proxy/block.h"
#include "proxy/stream.h"

#define HALF_IOV 8

struct half {
	struct stream *src, *dst;
	struct block_pool *pool;
	struct inbuf in;
	struct iovec iov[HALF_IOV]; /* to leave: n of them from at on */
	uint8_t at, n;
	uint8_t from, to; /* enum http_body; HTTP_BODY_CLOSE in "to": bytes as they are */
	bool framed;	  /* body bytes are among them, and chunk is in use */
	bool seen;	  /* the whole body was read */
	bool bulk;	  /* a read filled its block: a large one pays */
	char chunk[HTTP_CHUNK_HEAD_MAX];
	struct http_chunked chunked;
	uint64_t left;	 /* of HTTP_BODY_LENGTH */
	uint64_t bytes;	 /* of the body, so far */
	const char *why; /* after HALF_BAD */
};

enum half_result {
	HALF_DONE, /* all of it has left */
	HALF_WAIT_SRC,
	HALF_WAIT_DST,
	HALF_SRC_FAILED, /* broke off before its end */
	HALF_DST_FAILED,
	HALF_BAD, /* wrongly framed */
};

/* Begins a body whose first bytes may be in h->in already. LENGTH is for HTTP_BODY_LENGTH. */
void half_begin(struct half *h, enum http_body from, enum http_body to, uint64_t length);
/* Adds bytes that leave before anything else; they must stay until then. */
void half_push(struct half *h, struct str bytes);
/* What waits to leave will not. */
static inline void half_forget(struct half *h)
{
	h->at = h->n = 0;
	h->framed = false;
}
/* Moves what can be moved now. */
enum half_result half_pump(struct half *h);
static inline bool half_pending(const struct half *h)
{
	return h->at < h->n;
}

#endif
