/* SPDX-License-Identifier: MIT */
#include "wg/heap.h"

#define ARITY 4U

bool wg_heap_reserve(struct wg_heap *h)
{
	size_t len = h->slots.len;
	struct wg_heap_slot *slot;

	/* Push behind all that are reserved, so that the vector's memory covers one more; then go back. */
	h->slots.len = h->room;
	slot = VEC_PUSH(&h->slots);
	h->slots.len = len;
	h->room += slot != NULL;
	return slot;
}

void wg_heap_free(struct wg_heap *h)
{
	vec_free(&h->slots.base);
	h->room = 0;
}

static void put(struct wg_heap *h, uint32_t at, struct wg_heap_slot slot)
{
	h->slots.ptr[at] = slot;
	slot.item->at = at;
}

static void sift_up(struct wg_heap *h, uint32_t at, struct wg_heap_slot slot)
{
	while (at) {
		uint32_t parent = (at - 1) / ARITY;

		if (h->slots.ptr[parent].deadline_ns <= slot.deadline_ns)
			break;
		put(h, at, h->slots.ptr[parent]);
		at = parent;
	}
	put(h, at, slot);
}

static void sift_down(struct wg_heap *h, uint32_t at, struct wg_heap_slot slot)
{
	const struct wg_heap_slot *s = h->slots.ptr;

	for (;;) {
		uint32_t first = at * ARITY + 1, best = first;

		if (first >= h->slots.len)
			break;
		for (uint32_t c = first + 1; c < first + ARITY && c < h->slots.len; c++)
			if (s[c].deadline_ns < s[best].deadline_ns)
				best = c;
		if (s[best].deadline_ns >= slot.deadline_ns)
			break;
		put(h, at, s[best]);
		at = best;
	}
	put(h, at, slot);
}

static void take_out(struct wg_heap *h, struct wg_heap_item *item)
{
	uint32_t at = item->at;
	struct wg_heap_slot last;

	if (at == WG_HEAP_OUT)
		return;
	item->at = WG_HEAP_OUT;
	last = h->slots.ptr[--h->slots.len];
	if (at == h->slots.len)
		return;
	if (at && h->slots.ptr[(at - 1) / ARITY].deadline_ns > last.deadline_ns)
		sift_up(h, at, last);
	else
		sift_down(h, at, last);
}

void wg_heap_forget(struct wg_heap *h, struct wg_heap_item *item)
{
	take_out(h, item);
	h->room--;
}

void wg_heap_set(struct wg_heap *h, struct wg_heap_item *item, uint64_t deadline_ns)
{
	struct wg_heap_slot slot = {deadline_ns, item};

	if (deadline_ns == UINT64_MAX) {
		take_out(h, item);
	} else if (item->at == WG_HEAP_OUT) {
		rn_assert(h->slots.len < h->room);
		sift_up(h, (uint32_t)h->slots.len++, slot);
	} else if (deadline_ns < h->slots.ptr[item->at].deadline_ns) {
		sift_up(h, item->at, slot);
	} else {
		sift_down(h, item->at, slot);
	}
}
