/* SPDX-License-Identifier: MIT
 *
 * Allowed IPs against a list that is searched from end to end; and pool, index and heap beside it.
 */
#include "wg/heap.h"
#include "wg/index.h"
#include "wg/pool.h"

#include "tap.h"
#include "wg_slow_trie.h"

static uint64_t rng = 42;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* Few distinct bytes, so that prefixes meet, hold and split each other. */
static void random_ip(uint8_t ip[static 16], int family)
{
	memset(ip, 0, 16);
	for (unsigned i = 0; i < (family == AF_INET6 ? 16 : 4); i++)
		ip[i] = (uint8_t)(next_random() % 4 ? next_random() % 2 * 0x80 : next_random());
}

static void random_prefix(struct cidr *c)
{
	*c = (struct cidr){.family = next_random() % 2 ? AF_INET6 : AF_INET};
	random_ip(c->ip, c->family);
	c->bits = (uint8_t)(next_random() % (c->family == AF_INET6 ? 129 : 33));
	for (unsigned i = c->bits; i < 128; i++)
		c->ip[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

static bool finds_same(const struct wg_trie *t, const struct slow *s)
{
	for (unsigned i = 0; i < 200; i++) {
		bool v6 = i % 2;
		uint8_t ip[16];

		random_ip(ip, v6 ? AF_INET6 : AF_INET);
		if (wg_trie_find(t, v6, v6 ? wg_ip6(ip) : wg_ip4(ip)) !=
		    slow_find(s, v6 ? AF_INET6 : AF_INET, ip))
			return false;
	}
	return true;
}

/* Of prefixes that are there, and of others. */
static bool owners_same(const struct wg_trie *t, const struct slow *s)
{
	for (unsigned i = 0; i < 50; i++) {
		struct cidr c;
		size_t at;

		if (s->len && i % 2)
			c = s->list[next_random() % s->len].c;
		else
			random_prefix(&c);
		at = slow_index(s, &c);
		if (wg_trie_owner(t, &c) != (at < s->len ? s->list[at].owner : NULL))
			return false;
	}
	return true;
}

static void change(struct wg_trie *t, struct slow *s, struct owner *owners, bool *same)
{
	struct owner *owner = &owners[next_random() % OWNERS];
	struct cidr c;
	size_t i;

	random_prefix(&c);
	if (next_random() % 3 && s->len < LIST_MAX) {
		i = slow_index(s, &c);
		s->list[i].c = c;
		s->list[i].owner = owner;
		s->len = MAX(s->len, i + 1);
		rn_assert(wg_trie_add(t, &c, owner, head_of));
		return;
	}
	if (s->len && next_random() % 4) { /* one that is there, mostly by its owner */
		i = next_random() % s->len;
		c = s->list[i].c;
		owner = next_random() % 4 ? s->list[i].owner : owner;
	}
	i = slow_index(s, &c);
	if (i < s->len && s->list[i].owner == owner) {
		*same = *same && wg_trie_remove(t, &c, owner, head_of);
		s->list[i] = s->list[--s->len];
	} else {
		*same = *same && !wg_trie_remove(t, &c, owner, head_of);
	}
}

static void test_trie(void)
{
	struct owner owners[OWNERS] = {0};
	struct slow *s = calloc(1, sizeof(*s));
	struct wg_trie t = {0};
	bool same = true, found = true, lists = true, exact = true;

	rn_assert(s);
	for (unsigned i = 0; i < 4000; i++) {
		change(&t, s, owners, &same);
		if (i % 20 == 0) {
			found = found && finds_same(&t, s);
			exact = exact && owners_same(&t, s);
			lists = lists && lists_same(&t, s, owners);
		}
	}
	TAP_OK(same, "removal tells whether the owner had the prefix");
	TAP_OK(found, "the longest prefix is found, as by the list");
	TAP_OK(exact, "exactly that prefix is found, or none");
	TAP_OK(lists, "owners' lists hold what they own");
	TAP_OK(t.nodes.len <= 2 * LIST_MAX + 3, "at most two nodes a prefix");
	while (s->len) {
		s->len--;
		same = same &&
		       wg_trie_remove(&t, &s->list[s->len].c, s->list[s->len].owner, head_of);
	}
	TAP_OK(same && !t.root[0] && !t.root[1], "empty again, it has no node");
	TAP_OK(!wg_trie_add(&t, &(struct cidr){.family = AF_INET, .bits = 33}, owners, head_of),
	       "/33 is no IPv4 prefix");
	wg_trie_free(&t);
	free(s);
}

static void test_index(void)
{
	struct wg_index t = {0};
	uint32_t in[3000];
	bool good = true;

	for (uint32_t i = 0; i < ARRAY_LEN(in); i++) {
		in[i] = (uint32_t)(next_random() % 8 ? next_random() : i * 64) |
			1U; /* with clusters */
		while (wg_index_find(&t, in[i]))
			in[i] += 2;
		good = good && wg_index_add(&t, in[i], WG_INDEX_SESSION, &in[i]);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(in); i += 2)
		wg_index_remove(&t, in[i]);
	for (uint32_t i = 0; i < ARRAY_LEN(in); i++) {
		struct wg_index_entry *e = wg_index_find(&t, in[i]);

		good = good && (i % 2 ? e && e->ptr == &in[i] : !e);
	}
	TAP_OK(good && t.len == ARRAY_LEN(in) / 2, "indices are found until removed");
	wg_index_free(&t);
}

static void test_heap(void)
{
	struct wg_heap h = {0};
	struct wg_heap_item items[500];
	uint64_t due[500], last = 0;
	bool good = true;

	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		items[i].at = WG_HEAP_OUT;
		good = good && wg_heap_reserve(&h);
	}
	for (unsigned i = 0; i < 20000; i++) {
		size_t which = next_random() % ARRAY_LEN(items);

		due[which] = next_random() % 8 ? next_random() % 1000 : UINT64_MAX;
		wg_heap_set(&h, &items[which], due[which]);
		good = good && wg_heap_deadline(&h, &items[which]) == due[which];
	}
	while (h.slots.len) {
		good = good && wg_heap_first_ns(&h) >= last;
		last = wg_heap_first_ns(&h);
		wg_heap_set(&h, h.slots.ptr[0].item, UINT64_MAX);
	}
	TAP_OK(good && wg_heap_first_ns(&h) == UINT64_MAX, "the heap gives the earliest first");
	wg_heap_free(&h);
}

static void test_pool(void)
{
	struct wg_pool p;
	uint8_t *all[2000];
	bool zero = true;

	wg_pool_init(&p, 100);
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_LEN(all); i++) {
			all[i] = wg_pool_get(&p);
			rn_assert(all[i]);
			for (size_t b = 0; b < 100; b++)
				zero = zero && !all[i][b];
			memset(all[i], 0xAA, 100);
		}
		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			wg_pool_put(&p, all[i]);
	}
	TAP_OK(zero, "elements are zero when given out");
	TAP_OK(p.slabs.len < 12, "and used again");
	wg_pool_free(&p);
}

int main(void)
{
	rn_assert(secret_init());
	test_trie();
	test_index();
	test_heap();
	test_pool();
	return tap_done();
}
