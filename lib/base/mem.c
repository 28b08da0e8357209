/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <link.h>
#include <malloc.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA_BLOCK 4096
#define ALIGN 16

struct arena_block {
	struct arena_block *next;
	size_t used, size; /* of data */
	_Alignas(ALIGN) char data[];
};

static unsigned fail_at;

void mem_fail_at(unsigned n)
{
	fail_at = n;
}

static bool must_fail(void)
{
	return fail_at && --fail_at == 0;
}

size_t size_add(size_t a, size_t b)
{
	size_t r;

	return __builtin_add_overflow(a, b, &r) ? SIZE_MAX : r;
}

size_t size_mul(size_t a, size_t b)
{
	size_t r;

	return __builtin_mul_overflow(a, b, &r) ? SIZE_MAX : r;
}

/* ---- arena ---- */

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){.max = max};
}

void arena_free(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->used = 0;
}

static struct arena_block *block_add(struct arena *a, size_t need)
{
	/* Blocks double with what is used, so that big arenas are few allocations. */
	size_t data = MAX(need, MAX(ARENA_BLOCK, a->used) - sizeof(struct arena_block));
	size_t total = size_add(sizeof(struct arena_block), data);
	struct arena_block *b;

	if (total > a->max - a->used) {
		data = need;
		total = size_add(sizeof(struct arena_block), data);
	}
	if (total > a->max - a->used || must_fail())
		return NULL;
	b = malloc(total);
	if (!b)
		return NULL;
	*b = (struct arena_block){.next = a->blocks, .size = data};
	a->blocks = b;
	a->used += total;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	size_t need = size_add(size, ALIGN - 1) / ALIGN * ALIGN;
	void *p;

	if (need < size)
		return NULL;
	if (!b || need > b->size - b->used)
		b = block_add(a, need);
	if (!b)
		return NULL;
	p = b->data + b->used;
	b->used += need;
	memset(p, 0, need);
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	return arena_alloc(a, size_mul(n, size));
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, size_add(s.len, 1));

	if (!p)
		return (struct str){NULL, 0};
	if (s.len)
		memcpy(p, s.ptr, s.len);
	return (struct str){p, s.len};
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	int n;
	char *p;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return (struct str){p, p ? (size_t)n : 0};
}

/* ---- buf ---- */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_init_secret(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max, .secret = true};
}

static void wipe_secret(const struct buf *b, size_t from)
{
	if (b->secret && b->ptr)
		secret_wipe(b->ptr + from, b->cap - from);
}

void buf_free(struct buf *b)
{
	wipe_secret(b, 0);
	free(b->ptr);
	*b = (struct buf){.max = b->max, .secret = b->secret};
}

void buf_clear(struct buf *b)
{
	wipe_secret(b, 0);
	b->len = 0;
	b->failed = false;
}

/* As realloc, which would leave a copy of a secret behind. */
static char *resize(struct buf *b, size_t cap)
{
	char *p;

	if (!b->secret)
		return realloc(b->ptr, cap);
	p = malloc(cap);
	if (!p)
		return NULL;
	if (b->len)
		memcpy(p, b->ptr, b->len);
	wipe_secret(b, 0);
	free(b->ptr);
	return p;
}

static bool buf_grow(struct buf *b, size_t need)
{
	size_t cap = MAX(b->cap, 64);
	char *p;

	if (need > SIZE_MAX / 2)
		return false;
	while (cap < need)
		cap *= 2;
	cap = MIN(cap, b->max);
	p = must_fail() ? NULL : resize(b, cap);
	if (!p)
		return false;
	b->ptr = p;
	b->cap = cap;
	return true;
}

char *buf_reserve_more(struct buf *b, size_t n)
{
	size_t need = size_add(b->len, n);

	if (b->failed || need > b->max || (need > b->cap && !buf_grow(b, need))) {
		b->failed = true;
		return NULL;
	}
	return b->ptr + b->len;
}

void buf_add(struct buf *b, struct str s)
{
	char *p;

	if (s.len == 0)
		return;
	p = buf_reserve(b, s.len);
	if (p) {
		memcpy(p, s.ptr, s.len);
		b->len += s.len;
	}
}

void buf_add_u64(struct buf *b, uint64_t v)
{
	char text[20], *p = text + sizeof(text);

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	buf_add(b, str_make(p, (size_t)(text + sizeof(text) - p)));
}

void buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	const size_t had = b->cap; /* mostly it fits at once */
	va_list again;
	int n;
	char *p;

	va_copy(again, ap);
	n = vsnprintf(b->ptr ? b->ptr + b->len : NULL, b->cap - b->len, fmt, ap);
	p = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (!p)
		b->failed = true;
	else if ((size_t)n >= had - b->len)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	if (p)
		b->len += (size_t)n;
	va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
	rn_assert(n <= b->len);
	if (n && n < b->len)
		memmove(b->ptr, b->ptr + n, b->len - n);
	b->len -= n;
	if (n && b->secret)
		secret_wipe(b->ptr + b->len, n);
}

/* ---- vec ---- */

void *vec_push(struct vec_base *v, size_t size)
{
	char *p = v->ptr;

	if (v->len == v->cap) {
		size_t cap = v->cap ? size_mul(v->cap, 2) : 8;
		size_t bytes = size_mul(cap, size);

		p = bytes == SIZE_MAX || must_fail() ? NULL : realloc(v->ptr, bytes);
		if (!p)
			return NULL;
		v->ptr = p;
		v->cap = cap;
	}
	p += v->len++ * size;
	return memset(p, 0, size);
}

void vec_free(struct vec_base *v)
{
	free(v->ptr);
	*v = (struct vec_base){0};
}

/* ---- giving back -------------------------------------------------------------------------------- */

static int drop_clean_pages(struct dl_phdr_info *object, size_t size, void *ctx)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)ctx;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD || part->p_flags & PF_W)
			continue;
		/* A refusal (the vdso) leaves things as they are. */
		madvise((void *)(from & ~(page - 1)), part->p_memsz + from % page, MADV_DONTNEED);
	}
	return 0;
}

void mem_give_back(void)
{
	malloc_trim(0);
	dl_iterate_phdr(drop_clean_pages, NULL);
}
