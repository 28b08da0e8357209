/* SPDX-License-Identifier: MIT
 *
 * Which target is next: smooth weighted round robin (as nginx: each turn everyone gains its weight,
 * the richest is chosen and pays the total), which for equal weights is plain round robin.
 */
#include "proxy/worker.h"

uint8_t balance_bit(const struct resource *res, const struct target *t)
{
	unsigned place = 0;
	for (const struct target *i = res->targets; i && i != t; i = i->next)
		place++;
	return place < 8 ? (uint8_t)(1U << place) : 0;
}

static bool is_suspect(const struct target *t, uint64_t now_ms)
{
	return atomic_load_explicit(&t->state->suspect_ms, memory_order_relaxed) > now_ms;
}

/* NOW_MS 0: suspected ones too. */
static struct target *pick(struct view *v, struct resource *res, uint8_t tried, uint64_t now_ms)
{
	struct target *best = NULL;
	int total = 0;
	unsigned place = 0;

	for (struct target *t = res->targets; t; t = t->next, place++) {
		if (place < 8 && (tried & (1U << place)))
			continue;
		if (atomic_load_explicit(&t->state->health, memory_order_relaxed) == TARGET_DOWN)
			continue;
		if (now_ms && is_suspect(t, now_ms))
			continue;
		v->weight[t->index] += t->weight;
		total += t->weight;
		if (!best || v->weight[t->index] > v->weight[best->index])
			best = t;
	}
	if (best)
		v->weight[best->index] -= total;
	return best;
}

struct target *balance_pick(struct view *v, struct resource *res, uint8_t tried)
{
	struct target *t = pick(v, res, tried, clock_now_ms());
	return t ? t : pick(v, res, tried, 0);
}
