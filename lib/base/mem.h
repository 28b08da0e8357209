/* SPDX-License-Identifier: MIT
 *
 * Memory. An arena serves one unit of work (a config snapshot, a request) and is released whole; it
 * has a hard cap so that input cannot grow it without end. A buf is a growable run of bytes with a
 * maximum. Failures are values: NULL from an arena, a sticky flag in a buf.
 */
#ifndef RN_MEM_H
#define RN_MEM_H

#include "base/str.h"

#include <stdarg.h>

/* Sizes that saturate at SIZE_MAX, which no allocation grants. */
size_t size_add(size_t a, size_t b);
size_t size_mul(size_t a, size_t b);

struct arena_block;
struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* bytes taken from the system so far */
	size_t max;                 /* never more than this many */
};

/* Makes an empty arena that will take at most MAX bytes; takes none yet. */
void arena_init(struct arena *a, size_t max);
/* Gives every byte back; the arena may be used again. */
void arena_free(struct arena *a);
/* Zeroed, aligned for any type; NULL at the cap or out of memory. Lives until arena_free. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((warn_unused_result));
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((warn_unused_result));
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
/* A copy with a NUL behind it (not counted); ptr is NULL on failure. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* For tests: the N-th arena or buf allocation from now on fails (0 = never). */
void mem_fail_at(unsigned n);

struct buf {
	char *ptr;
	size_t len;
	size_t cap;
	size_t max;
	bool failed; /* an addition did not fit or memory ran out; every later one is ignored */
	bool secret; /* memory is wiped before it is given back, also what was outgrown */
};

void buf_init(struct buf *b, size_t max);
/* For what holds a secret. */
void buf_init_secret(struct buf *b, size_t max);
void buf_free(struct buf *b);
/* Forgets the content and the failure; keeps the memory. */
void buf_clear(struct buf *b);
/* Room for N more bytes at ptr+len, or NULL and failed. The caller adds to len. */
char *buf_reserve_more(struct buf *b, size_t n); /* the rare part of buf_reserve */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	return !b->failed && n <= b->cap - b->len ? b->ptr + b->len : buf_reserve_more(b, n);
}
void buf_add(struct buf *b, struct str s);
static inline void buf_add_cstr(struct buf *b, const char *s)
{
	buf_add(b, str_from(s));
}
static inline void buf_add_byte(struct buf *b, char c)
{
	char *p = buf_reserve(b, 1);
	if (p) {
		*p = c;
		b->len++;
	}
}
void buf_add_u64(struct buf *b, uint64_t v); /* decimal */
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *fmt, va_list ap);
/* Removes N bytes from the front. */
void buf_consume(struct buf *b, size_t n);
static inline struct str buf_str(const struct buf *b)
{
	return (struct str){b->ptr, b->len};
}

/* Growable array of any struct: VEC(struct peer) peers = {0}; VEC_PUSH(&peers) gives a pointer to a
 * zeroed new last element or NULL. Released with vec_free(&v.base). */
struct vec_base {
	void *ptr;
	size_t len, cap;
};
#define VEC(type)                                                                                  \
	union {                                                                                    \
		struct vec_base base;                                                              \
		struct {                                                                           \
			type *ptr;                                                                 \
			size_t len, cap;                                                           \
		};                                                                                 \
	}
#define VEC_PUSH(v) ((__typeof__((v)->ptr))vec_push(&(v)->base, sizeof(*(v)->ptr)))
void *vec_push(struct vec_base *v, size_t size);
void vec_free(struct vec_base *v);

/* Gives back to the system what only starting needed: free heap, and the pages of the program and its
 * libraries that can be read from their files again (they come back as they are used). A daemon calls it
 * once it serves, or after something as large. */
void mem_give_back(void);

#endif
