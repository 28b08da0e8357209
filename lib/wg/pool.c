/* SPDX-License-Identifier: MIT */
#include "wg/pool.h"

#define SLAB_MIN_BYTES 4096U
#define SLAB_MAX_BYTES (256U * 1024)

void wg_pool_init(struct wg_pool *p, size_t element_size)
{
	*p = (struct wg_pool){.size = (element_size + 15) & ~(size_t)15};
}

void wg_pool_free(struct wg_pool *p)
{
	for (size_t i = 0; i < p->slabs.len; i++)
		secret_free(p->slabs.ptr[i]);
	vec_free(&p->slabs.base);
	p->free = NULL;
}

static void push(struct wg_pool *p, void *element)
{
	memcpy(element, &p->free, sizeof(p->free));
	p->free = element;
}

static bool grow(struct wg_pool *p)
{
	size_t bytes = SLAB_MIN_BYTES << MIN(p->slabs.len, 16U);
	size_t n = MAX(MIN(bytes, SLAB_MAX_BYTES) / p->size, 1U);
	void **slab = VEC_PUSH(&p->slabs);

	if (!slab)
		return false;
	*slab = secret_alloc(n * p->size);
	if (!*slab) {
		p->slabs.len--;
		return false;
	}
	/* Last one first, so that elements are given out in the order of their addresses. */
	while (n--)
		push(p, (char *)*slab + n * p->size);
	return true;
}

void *wg_pool_get(struct wg_pool *p)
{
	void *element;

	if (!p->free && !grow(p))
		return NULL;
	element = p->free;
	memcpy(&p->free, element, sizeof(p->free));
	memset(element, 0, sizeof(p->free));
	return element;
}

void wg_pool_put(struct wg_pool *p, void *element)
{
	if (!element)
		return;
	secret_wipe(element, p->size);
	push(p, element);
}
