/* SPDX-License-Identifier: MIT
 *
 * Allowed IPs: which owner has the longest prefix that holds an address. Two path-compressed binary
 * tries, IPv4 and IPv6, in one array of nodes that name each other by number (0 is none), so a
 * prefix costs at most two nodes of 48 bytes. The prefixes of one owner are also a list, whose head
 * the owner keeps.
 */
#ifndef RN_WG_TRIE_H
#define RN_WG_TRIE_H

#include "net/net.h"

/* An address as two host-order words, most significant bit first; IPv4 in the top 32 bits. */
struct wg_ip {
	uint64_t hi, lo;
};

struct wg_trie_node {
	struct wg_ip ip;
	void *owner;       /* NULL: only a fork */
	uint32_t child[2]; /* by the bit behind the prefix */
	uint32_t next, prev; /* list of the owner's prefixes; NEXT links free nodes too */
	uint8_t bits;
	bool v6;
};

struct wg_trie {
	VEC(struct wg_trie_node) nodes; /* [0] is not used */
	uint32_t root[2];               /* IPv4, IPv6 */
	uint32_t free;
};

void wg_trie_free(struct wg_trie *t); /* a zeroed struct is an empty trie */

/* The list head of OWNER, for the trie to maintain: given by the user of this module. */
typedef uint32_t *wg_trie_head_fn(void *owner);

/* Gives the prefix to OWNER, taking it from whoever had it. False when out of memory (unchanged). */
bool wg_trie_add(struct wg_trie *t, const struct cidr *c, void *owner, wg_trie_head_fn *head) must_check;
/* False if OWNER does not have exactly that prefix. */
bool wg_trie_remove(struct wg_trie *t, const struct cidr *c, void *owner, wg_trie_head_fn *head);
/* Who has exactly that prefix, or NULL. */
void *wg_trie_owner(const struct wg_trie *t, const struct cidr *c);
/* The prefix of node I, and the next of the same owner (0: none). */
uint32_t wg_trie_get(const struct wg_trie *t, uint32_t i, struct cidr *c);

static inline struct wg_ip wg_ip4(const uint8_t b[static 4])
{
	uint32_t v;

	memcpy(&v, b, sizeof(v));
	return (struct wg_ip){(uint64_t)__builtin_bswap32(v) << 32, 0};
}

static inline struct wg_ip wg_ip6(const uint8_t b[static 16])
{
	struct wg_ip ip;

	memcpy(&ip, b, sizeof(ip));
	return (struct wg_ip){__builtin_bswap64(ip.hi), __builtin_bswap64(ip.lo)};
}

/* The owner of the longest prefix that holds IP, or NULL. */
void *wg_trie_find(const struct wg_trie *t, bool v6, struct wg_ip ip);

#endif
