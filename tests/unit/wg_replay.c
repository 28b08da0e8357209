/* SPDX-License-Identifier: MIT
 *
 * The replay window against a slow reference that remembers everything.
 */
#include "wg/replay.h"

#include "tap.h"

#define SPAN 60000U

static uint64_t rng = 7;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

struct slow {
	bool seen[SPAN];
	uint64_t newest;
};

/* Before 8192 counters have passed, nothing is behind the window. */
static bool slow_take(struct slow *s, uint64_t c)
{
	if (s->seen[c] || (s->newest >= WG_REPLAY_BITS && c + WG_REPLAY_BITS - 64 < s->newest))
		return false;
	s->seen[c] = true;
	s->newest = MAX(s->newest, c);
	return true;
}

/* A walk that moves ahead by up to STEP, with counters up to BACK behind. */
static bool agrees(struct wg_pool *pool, uint64_t step, uint64_t back)
{
	struct slow *slow = calloc(1, sizeof(*slow));
	struct wg_replay r = {0};
	uint64_t at = 0;
	bool same = slow;

	for (unsigned i = 0; same && i < 20000; i++) {
		uint64_t c, away = next_random() % (back + 1);

		at = MIN(at + next_random() % (step + 1), SPAN - 1);
		c = at > away ? at - away : 0;
		if (wg_replay_ok(&r, c) != (!slow->seen[c] && wg_replay_ok(&r, c)))
			same = false;
		same = same && wg_replay_take(&r, c, pool) == slow_take(slow, c);
	}
	wg_replay_clear(&r, pool);
	free(slow);
	return same;
}

static void test_small(struct wg_pool *pool)
{
	struct wg_replay r = {0};
	bool taken = true;

	for (uint64_t c = 128; c--;)
		taken = taken && wg_replay_take(&r, c, pool);
	TAP_OK(taken && !r.ring, "128 counters in any order need no ring");
	TAP_OK(!wg_replay_take(&r, 0, pool) && !wg_replay_take(&r, 127, pool), "each once");
	TAP_OK(wg_replay_take(&r, 128, pool) && r.ring, "one more brings it");
	TAP_OK(!wg_replay_take(&r, 5, pool) && !wg_replay_take(&r, 128, pool),
	       "and it knows the old ones");
	wg_replay_clear(&r, pool);
}

static void test_no_memory(struct wg_pool *pool)
{
	struct wg_replay r = {0};

	mem_fail_at(1);
	TAP_OK(wg_replay_take(&r, 500, pool) && !r.ring, "without memory the small ring goes on");
	mem_fail_at(0);
	TAP_OK(wg_replay_take(&r, 460, pool) && !wg_replay_take(&r, 460, pool),
	       "with a window of 64");
	TAP_OK(!wg_replay_take(&r, 400, pool) && !wg_replay_take(&r, 1, pool),
	       "what is older is refused");
	TAP_OK(wg_replay_take(&r, 10000, pool) && !r.ring && !wg_replay_take(&r, 9000, pool),
	       "and stays so: a late ring would not know what was seen");
	wg_replay_clear(&r, pool);
}

int main(void)
{
	struct wg_pool pool;

	rn_assert(secret_init());
	wg_pool_init(&pool, WG_REPLAY_BITS / 8);
	test_no_memory(&pool);
	test_small(&pool);
	TAP_OK(agrees(&pool, 1, 0), "in order");
	TAP_OK(agrees(&pool, 2, 40), "a little out of order");
	TAP_OK(agrees(&pool, 3, 9000), "across the whole window");
	TAP_OK(agrees(&pool, 2, 200), "across the small one's end");
	TAP_OK(agrees(&pool, 20, 12000), "in leaps");
	wg_pool_free(&pool);
	return tap_done();
}
