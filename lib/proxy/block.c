/* SPDX-License-Identifier: MIT */
#include "proxy/block.h"

/* Free blocks that are kept; more go back to the system. */
#define KEEP_SMALL 64
#define KEEP_LARGE 16

struct block *block_get(struct block_pool *p, size_t cap)
{
	bool large = cap > BLOCK_SMALL;
	struct block **list = large ? &p->large : &p->small;
	struct block *b = *list;

	if (b) {
		*list = b->next;
		*(large ? &p->n_large : &p->n_small) -= 1;
		return b;
	}
	/* The header is taken from the size, so that the allocation is a whole number of pages. */
	size_t size = large ? BLOCK_LARGE : BLOCK_SMALL;
	b = malloc(size);
	if (b)
		b->cap = (uint32_t)(size - sizeof(*b));
	return b;
}

void block_put(struct block_pool *p, struct block *b)
{
	if (!b)
		return;
	bool large = b->cap > BLOCK_SMALL;
	unsigned *n = large ? &p->n_large : &p->n_small;
	if (*n >= (large ? KEEP_LARGE : KEEP_SMALL)) {
		free(b);
		return;
	}
	struct block **list = large ? &p->large : &p->small;
	b->next = *list;
	*list = b;
	++*n;
}

static void list_free(struct block *b)
{
	for (struct block *next; b; b = next) {
		next = b->next;
		free(b);
	}
}

void block_pool_free(struct block_pool *p)
{
	list_free(p->small);
	list_free(p->large);
	*p = (struct block_pool){0};
}

size_t inbuf_room(struct inbuf *in, struct block_pool *p, char **at)
{
	if (!in->block) {
		in->block = block_get(p, BLOCK_SMALL);
		in->from = in->to = 0;
		if (!in->block)
			return 0;
	}
	*at = in->block->bytes + in->to;
	return in->block->cap - in->to;
}

static bool inbuf_shift(struct inbuf *in)
{
	if (in->from == 0)
		return false;
	memmove(in->block->bytes, in->block->bytes + in->from, in->to - in->from);
	in->to -= in->from;
	in->from = 0;
	return true;
}

bool inbuf_grow(struct inbuf *in, struct block_pool *p)
{
	if (in->block && in->block->cap > BLOCK_SMALL)
		return inbuf_shift(in);
	struct block *large = block_get(p, BLOCK_LARGE);
	if (!large)
		return false;
	struct str have = inbuf_str(in);
	memcpy(large->bytes, have.ptr, have.len);
	block_put(p, in->block);
	*in = (struct inbuf){.block = large, .to = (uint32_t)have.len};
	return true;
}

void inbuf_use(struct inbuf *in, size_t n)
{
	in->from += (uint32_t)n;
}

void inbuf_rest(struct inbuf *in, struct block_pool *p)
{
	if (in->from == in->to)
		inbuf_drop(in, p);
}

void inbuf_drop(struct inbuf *in, struct block_pool *p)
{
	block_put(p, in->block);
	*in = (struct inbuf){0};
}

bool inbuf_copy(struct inbuf *in, struct block_pool *p, struct str bytes)
{
	*in = (struct inbuf){0};
	if (bytes.len == 0)
		return true;
	in->block = block_get(p, bytes.len + sizeof(struct block));
	if (!in->block)
		return false;
	memcpy(in->block->bytes, bytes.ptr, bytes.len);
	in->to = (uint32_t)bytes.len;
	return true;
}
