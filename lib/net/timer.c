/* SPDX-License-Identifier: MIT
 *
 * The timer wheel; loop_impl.h says how it works.
 */
#include "net/loop_impl.h"

static void list_init(struct timer *head)
{
	head->prev = head->next = head;
}

static bool list_empty(const struct timer *head)
{
	return head->next == head;
}

static void list_append(struct timer *head, struct timer *t)
{
	t->prev = head->prev;
	t->next = head;
	head->prev->next = t;
	head->prev = t;
}

static void list_unlink(struct timer *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->prev = t->next = NULL;
}

/* Moves all of FROM behind TO. */
static void list_splice(struct timer *to, struct timer *from)
{
	if (list_empty(from))
		return;
	to->prev->next = from->next;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	memset(w, 0, sizeof(*w));
	w->now = now_ms;
	for (size_t i = 0; i < ARRAY_LEN(w->slots); i++)
		list_init(&w->slots[i]);
	list_init(&w->due);
}

void wheel_add(struct wheel *w, struct timer *t)
{
	uint64_t at = MAX(t->at_ms, w->now);
	uint64_t differ = (at ^ w->now) | (WHEEL_SLOTS - 1);
	unsigned level = (63u - (unsigned)__builtin_clzll(differ)) / WHEEL_BITS;
	unsigned slot;

	rn_assert(level < WHEEL_LEVELS);
	t->slot_ms = at;
	slot = (at >> (level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
	w->used[level] |= UINT64_C(1) << slot;
	list_append(&w->slots[level * WHEEL_SLOTS + slot], t);
}

void wheel_remove(struct wheel *w, struct timer *t)
{
	struct timer *head = t->next;

	list_unlink(t);
	/* The last of its slot leaves: what was next to it is the slot's head. */
	if (list_empty(head) && head >= w->slots && head < w->slots + ARRAY_LEN(w->slots)) {
		size_t i = (size_t)(head - w->slots);

		w->used[i / WHEEL_SLOTS] &= ~(UINT64_C(1) << (i % WHEEL_SLOTS));
	}
}

/* The first slot in use, and the time at which it begins. */
static bool wheel_first(const struct wheel *w, unsigned *level, unsigned *slot, uint64_t *at)
{
	for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
		unsigned shift = l * WHEEL_BITS;

		if (!w->used[l])
			continue;
		*level = l;
		*slot = (unsigned)__builtin_ctzll(w->used[l]);
		*at = (w->now >> shift >> WHEEL_BITS << WHEEL_BITS | *slot) << shift;
		return true;
	}
	return false;
}

uint64_t wheel_next_ms(const struct wheel *w)
{
	unsigned level, slot;
	uint64_t at;

	return wheel_first(w, &level, &slot, &at) ? at : UINT64_MAX;
}

/* Hands the timers of a slot whose time has come down to lower levels, or to the due list. */
static void wheel_open_slot(struct wheel *w, unsigned level, unsigned slot)
{
	struct timer moved, *head = &w->slots[level * WHEEL_SLOTS + slot];

	w->used[level] &= ~(UINT64_C(1) << slot);
	if (level == 0) {
		list_splice(&w->due, head);
		return;
	}
	list_init(&moved);
	list_splice(&moved, head);
	while (!list_empty(&moved)) {
		struct timer *t = moved.next;

		list_unlink(t);
		wheel_add(w, t);
	}
}

void wheel_advance(struct wheel *w, uint64_t now_ms)
{
	unsigned level, slot;
	uint64_t at;

	while (wheel_first(w, &level, &slot, &at) && at <= now_ms) {
		w->now = MAX(w->now, at);
		wheel_open_slot(w, level, slot);
	}
	w->now = MAX(w->now, now_ms);
	while (!list_empty(&w->due)) {
		struct timer *t = w->due.next;

		list_unlink(t);
		if (t->at_ms > w->now) { /* was put off where it lay */
			wheel_add(w, t);
			continue;
		}
		t->at_ms = 0;
		t->fn(t);
	}
}

void timer_start(struct loop *l, struct timer *t, uint64_t after_ms)
{
	const uint64_t longest = UINT64_C(1) << 46;
	const uint64_t at = MAX(loop_now_ms(l) + MIN(after_ms, longest), 1u);

	/* A deadline that is put off again and again stays where it lies until that time has come. */
	if (t->at_ms && t->slot_ms <= at && at > l->wheel.now) {
		t->at_ms = at;
		return;
	}
	timer_stop(l, t);
	t->at_ms = at;
	wheel_add(&l->wheel, t);
}

void timer_stop(struct loop *l, struct timer *t)
{
	if (t->at_ms == 0)
		return;
	t->at_ms = 0;
	wheel_remove(&l->wheel, t);
}
