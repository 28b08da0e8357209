/* SPDX-License-Identifier: MIT */
#include "wg/replay.h"

static const uint64_t *ring_of(const struct wg_replay *r, uint64_t *bits)
{
	*bits = r->ring ? WG_REPLAY_BITS : WG_REPLAY_SMALL_BITS;
	return r->ring ? r->ring : r->small;
}

bool wg_replay_ok(const struct wg_replay *r, uint64_t counter)
{
	uint64_t bits;
	const uint64_t *ring = ring_of(r, &bits);

	if (counter > r->newest)
		return true;
	/* One word is always being filled, so the oldest bits in it cannot be told apart. */
	if (r->newest - counter > bits - 64)
		return r->newest < bits && !(ring[counter / 64] >> (counter % 64) & 1);
	return !(ring[counter / 64 % (bits / 64)] >> (counter % 64) & 1);
}

/* Clears the words between the newest counter's and COUNTER's. */
static void advance(struct wg_replay *r, uint64_t *ring, uint64_t words, uint64_t counter)
{
	uint64_t from = r->newest / 64, steps = MIN(counter / 64 - from, words);

	for (uint64_t i = 1; i <= steps; i++)
		ring[(from + i) % words] = 0;
	r->newest = counter;
}

static void enlarge(struct wg_replay *r, struct wg_pool *pool)
{
	uint64_t *ring;

	/* Only while the small ring still tells all: afterwards what it forgot would look unseen.
	 */
	if (r->newest >= WG_REPLAY_SMALL_BITS)
		return;
	ring = wg_pool_get(pool);
	if (!ring)
		return;
	memcpy(ring, r->small, sizeof(r->small));
	r->ring = ring;
}

bool wg_replay_take(struct wg_replay *r, uint64_t counter, struct wg_pool *pool)
{
	uint64_t bits, *ring;

	if (!wg_replay_ok(r, counter))
		return false;
	if (!r->ring && counter >= WG_REPLAY_SMALL_BITS)
		enlarge(r, pool);
	ring = r->ring ? r->ring : r->small;
	bits = r->ring ? WG_REPLAY_BITS : WG_REPLAY_SMALL_BITS;
	if (counter > r->newest)
		advance(r, ring, bits / 64, counter);
	ring[counter / 64 % (bits / 64)] |= 1ULL << (counter % 64);
	return true;
}

void wg_replay_clear(struct wg_replay *r, struct wg_pool *pool)
{
	wg_pool_put(pool, r->ring);
	*r = (struct wg_replay){0};
}
