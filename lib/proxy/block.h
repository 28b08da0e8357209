/* SPDX-License-Identifier: MIT
 *
 * Blocks of memory that requests borrow while bytes are on their way, from a pool that each worker
 * has. An idle connection holds none.
 */
#ifndef RN_PROXY_BLOCK_H
#define RN_PROXY_BLOCK_H

#include "base/base.h"

#define BLOCK_SMALL (16U << 10)
#define BLOCK_LARGE (64U << 10) /* the longest head fits; bulk bodies move in few system calls */

struct block {
	struct block *next;
	uint32_t cap;
	char bytes[];
};

struct block_pool {		     /* a zeroed one is empty */
	struct block *small, *large; /* free ones */
	unsigned n_small, n_large;
};

struct block *block_get(struct block_pool *p,
			size_t cap) must_check;	       /* BLOCK_SMALL or _LARGE; or NULL */
void block_put(struct block_pool *p, struct block *b); /* NULL is fine */
void block_pool_free(struct block_pool *p);

/* Bytes that were read and not used up yet: from <= to <= block->cap. Holds a block only while it
 * must. */
struct inbuf {
	struct block *block;
	uint32_t from, to;
};

static inline struct str inbuf_str(const struct inbuf *in)
{
	return in->block ? str_make(in->block->bytes + in->from, in->to - in->from) : STR("");
}
/* Where to read into and how much fits; a block is borrowed if there is none. 0: out of memory or
 * full. */
size_t inbuf_room(struct inbuf *in, struct block_pool *p, char **at);
/* Makes room: the unread bytes move to the front, of a large block. False: no more can be had. */
bool inbuf_grow(struct inbuf *in, struct block_pool *p);
/* Takes N bytes off the front. */
void inbuf_use(struct inbuf *in, size_t n);
/* Gives the block back if it holds nothing. */
void inbuf_rest(struct inbuf *in, struct block_pool *p);
/* An inbuf with a copy of BYTES; none of a block if they are empty. */
bool inbuf_copy(struct inbuf *in, struct block_pool *p, struct str bytes) must_check;
void inbuf_drop(struct inbuf *in, struct block_pool *p);

#endif
