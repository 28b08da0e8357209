/* SPDX-License-Identifier: MIT
 *
 * Allowed IPs as a list that is searched from end to end, to hold the trie against.
 */
#ifndef RN_WG_SLOW_TRIE_H
#define RN_WG_SLOW_TRIE_H

#include "wg/trie.h"

#define OWNERS 12
#define LIST_MAX 600

struct owner {
	uint32_t first;
};

static uint32_t *head_of(void *owner)
{
	return &((struct owner *)owner)->first;
}

struct slow {
	struct {
		struct cidr c;
		struct owner *owner;
	} list[LIST_MAX];
	size_t len;
};

static inline bool same_cidr(const struct cidr *a, const struct cidr *b)
{
	return a->family == b->family && a->bits == b->bits && !memcmp(a->ip, b->ip, 16);
}

static size_t slow_index(const struct slow *s, const struct cidr *c)
{
	size_t i = 0;

	while (i < s->len && !same_cidr(&s->list[i].c, c))
		i++;
	return i;
}

static bool holds(const struct cidr *c, const uint8_t *ip)
{
	for (unsigned i = 0; i < c->bits; i++)
		if ((c->ip[i / 8] ^ ip[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static struct owner *slow_find(const struct slow *s, int family, const uint8_t *ip)
{
	struct owner *owner = NULL;
	int best = -1;

	for (size_t i = 0; i < s->len; i++)
		if (s->list[i].c.family == family && s->list[i].c.bits > best && holds(&s->list[i].c, ip)) {
			best = s->list[i].c.bits;
			owner = s->list[i].owner;
		}
	return owner;
}

/* Each owner's list holds exactly its prefixes. */
static bool lists_same(const struct wg_trie *t, const struct slow *s, struct owner *owners)
{
	size_t n = 0;

	for (size_t o = 0; o < OWNERS; o++)
		for (uint32_t i = owners[o].first; i; n++) {
			struct cidr c;
			size_t at;

			i = wg_trie_get(t, i, &c);
			at = slow_index(s, &c);
			if (at == s->len || s->list[at].owner != &owners[o])
				return false;
		}
	return n == s->len;
}

#endif
