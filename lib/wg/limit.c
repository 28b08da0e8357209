/* SPDX-License-Identifier: MIT
 *
 * Buckets are kept as the time at which they will be full again (GCRA): empty is capacity away from
 * now, and a token is a step forward.
 */
#include "wg/limit.h"

#define NS_PER_S 1000000000ULL
#define LOAD_TOKEN_NS (NS_PER_S / 8192)
#define LOAD_FULL_NS (2 * NS_PER_S)
#define LOAD_IN_VAIN 16U
#define LOAD_LASTS_NS NS_PER_S
#define COOKIE_TOKEN_NS (NS_PER_S / 8192)
#define COOKIE_BURST 512U
#define ADDRESS_TOKEN_NS (NS_PER_S / 20)
#define ADDRESS_BURST 5U

bool wg_limit_init(struct wg_limit *l)
{
	*l = (struct wg_limit){.sets = calloc(WG_LIMIT_SETS, sizeof(*l->sets))};
	return l->sets;
}

void wg_limit_free(struct wg_limit *l)
{
	free(l->sets);
	l->sets = NULL;
}

void wg_limit_spend(struct wg_limit *l, bool in_vain, uint64_t now_ns)
{
	l->full_ns = MAX(l->full_ns, now_ns) + LOAD_TOKEN_NS * (in_vain ? LOAD_IN_VAIN : 1);
	if (l->full_ns - now_ns < LOAD_FULL_NS)
		return;
	l->full_ns = now_ns + LOAD_FULL_NS;
	l->until_ns = now_ns + LOAD_LASTS_NS;
}

bool wg_limit_under_load(const struct wg_limit *l, uint64_t now_ns)
{
	return now_ns < l->until_ns;
}

bool wg_limit_cookie_left(const struct wg_limit *l, uint64_t now_ns)
{
	return MAX(l->cookies_full_ns, now_ns) - now_ns <= (COOKIE_BURST - 1) * COOKIE_TOKEN_NS;
}

void wg_limit_cookie_spend(struct wg_limit *l, uint64_t now_ns)
{
	l->cookies_full_ns = MAX(l->cookies_full_ns, now_ns) + COOKIE_TOKEN_NS;
}

static uint64_t hash_address(const struct addr *a)
{
	uint8_t key[9] = {a->sa.sa_family == AF_INET6};

	if (key[0])
		memcpy(key + 1, &a->in6.sin6_addr, 8);
	else
		memcpy(key + 1, &a->in.sin_addr, 4);
	return map_hash(str_make(key, sizeof(key)));
}

/* The entry of ADDRESS, else one whose bucket is full again, which says no more than none. */
static struct wg_limit_entry *entry_of(struct wg_limit *l, uint64_t address, uint64_t now_ns)
{
	struct wg_limit_entry *set = l->sets[address % WG_LIMIT_SETS], *unused = NULL;

	for (size_t i = 0; i < WG_LIMIT_WAYS; i++) {
		if (set[i].address == address)
			return &set[i];
		if (set[i].full_ns <= now_ns)
			unused = &set[i];
	}
	return unused;
}

bool wg_limit_allow(struct wg_limit *l, const struct addr *from, uint64_t now_ns)
{
	uint64_t address = hash_address(from), full_ns;
	struct wg_limit_entry *e = entry_of(l, address, now_ns);

	if (!e)
		return false;
	full_ns = MAX(e->address == address ? e->full_ns : 0, now_ns) + ADDRESS_TOKEN_NS;
	if (full_ns - now_ns > ADDRESS_BURST * ADDRESS_TOKEN_NS)
		return false;
	*e = (struct wg_limit_entry){address, full_ns};
	return true;
}
