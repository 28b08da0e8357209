/* SPDX-License-Identifier: MIT
 *
 * Changes of allowed IPs and look-ups, 19 bytes each, against a list.
 */
#include "../unit/wg_slow_trie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void step(struct wg_trie *t, struct slow *s, struct owner *owners,
		 const uint8_t in[static 19])
{
	bool v6 = in[0] & 1;
	struct owner *owner = &owners[in[1] % OWNERS];
	struct cidr c = {.family = v6 ? AF_INET6 : AF_INET,
			 .bits = (uint8_t)(in[2] % (v6 ? 129 : 33))};
	uint8_t ip[16] = {0};
	size_t i;

	memcpy(ip, in + 3, v6 ? 16 : 4);
	memcpy(c.ip, ip, 16);
	for (unsigned bit = c.bits; bit < 128; bit++)
		c.ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	i = slow_index(s, &c);
	if (in[0] & 2) {
		bool mine = i < s->len && s->list[i].owner == owner;

		rn_assert(wg_trie_remove(t, &c, owner, head_of) == mine);
		if (mine)
			s->list[i] = s->list[--s->len];
	} else if (i < LIST_MAX) {
		s->list[i].c = c;
		s->list[i].owner = owner;
		s->len = MAX(s->len, i + 1);
		rn_assert(wg_trie_add(t, &c, owner, head_of));
	}
	rn_assert(wg_trie_find(t, v6, v6 ? wg_ip6(ip) : wg_ip4(ip)) == slow_find(s, c.family, ip));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct slow s;
	struct owner owners[OWNERS] = {0};
	struct wg_trie t = {0};

	s.len = 0;
	for (; size >= 19; data += 19, size -= 19)
		step(&t, &s, owners, data);
	rn_assert(lists_same(&t, &s, owners));
	wg_trie_free(&t);
	return 0;
}
