/* SPDX-License-Identifier: MIT */
#include "wg/index.h"

#define CAP_MIN 16U

void wg_index_free(struct wg_index *t)
{
	free(t->entries);
	*t = (struct wg_index){0};
}

/* The entry of INDEX, or the free one where it would go. */
static uint32_t place_of(const struct wg_index *t, uint32_t index)
{
	uint32_t i = index & (t->cap - 1);

	while (t->entries[i].kind != WG_INDEX_NONE && t->entries[i].index != index)
		i = (i + 1) & (t->cap - 1);
	return i;
}

static bool grow(struct wg_index *t)
{
	struct wg_index bigger = {.cap = t->cap ? t->cap * 2 : CAP_MIN, .len = t->len};

	if (!bigger.cap)
		return false;
	bigger.entries = calloc(bigger.cap, sizeof(*bigger.entries));
	if (!bigger.entries)
		return false;
	for (uint32_t i = 0; i < t->cap; i++)
		if (t->entries[i].kind != WG_INDEX_NONE)
			bigger.entries[place_of(&bigger, t->entries[i].index)] = t->entries[i];
	free(t->entries);
	*t = bigger;
	return true;
}

bool wg_index_add(struct wg_index *t, uint32_t index, enum wg_index_kind kind, void *ptr)
{
	if (t->len >= t->cap / 2 && !grow(t))
		return false;
	t->entries[place_of(t, index)] = (struct wg_index_entry){index, kind, ptr};
	t->len++;
	return true;
}

struct wg_index_entry *wg_index_find(const struct wg_index *t, uint32_t index)
{
	struct wg_index_entry *e;

	if (!t->len)
		return NULL;
	e = &t->entries[place_of(t, index)];
	return e->kind == WG_INDEX_NONE ? NULL : e;
}

void wg_index_remove(struct wg_index *t, uint32_t index)
{
	uint32_t mask = t->cap - 1, hole, i;

	if (!t->len)
		return;
	hole = place_of(t, index);
	if (t->entries[hole].kind == WG_INDEX_NONE)
		return;
	/* Move back whoever would no longer be found behind the hole. */
	for (i = (hole + 1) & mask; t->entries[i].kind != WG_INDEX_NONE; i = (i + 1) & mask) {
		uint32_t home = t->entries[i].index & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			t->entries[hole] = t->entries[i];
			hole = i;
		}
	}
	t->entries[hole] = (struct wg_index_entry){0};
	t->len--;
}
