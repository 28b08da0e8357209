/* SPDX-License-Identifier: MIT
 *
 * When each peer wants to be looked at: a heap of deadlines, four children to a node. Each element
 * embeds a struct wg_heap_item. The earliest is at the front.
 */
#ifndef RN_WG_HEAP_H
#define RN_WG_HEAP_H

#include "base/base.h"

struct wg_heap_item {
	uint32_t at; /* place in the heap, or WG_HEAP_OUT */
};
#define WG_HEAP_OUT UINT32_MAX

struct wg_heap_slot {
	uint64_t deadline_ns;
	struct wg_heap_item *item;
};

struct wg_heap {
	VEC(struct wg_heap_slot) slots;
	size_t room; /* elements that have a place reserved */
};

/* Reserves a place for one more element, so that wg_heap_set cannot fail. */
bool wg_heap_reserve(struct wg_heap *h) must_check;
/* Takes an element out, if it is in, and its reserved place. */
void wg_heap_forget(struct wg_heap *h, struct wg_heap_item *item);
void wg_heap_free(struct wg_heap *h);

/* Enters or moves ITEM; UINT64_MAX takes it out. */
void wg_heap_set(struct wg_heap *h, struct wg_heap_item *item, uint64_t deadline_ns);
/* UINT64_MAX if ITEM is out. */
static inline uint64_t wg_heap_deadline(const struct wg_heap *h, const struct wg_heap_item *item)
{
	return item->at == WG_HEAP_OUT ? UINT64_MAX : h->slots.ptr[item->at].deadline_ns;
}
static inline uint64_t wg_heap_first_ns(const struct wg_heap *h)
{
	return h->slots.len ? h->slots.ptr[0].deadline_ns : UINT64_MAX;
}

#endif
