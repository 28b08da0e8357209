/* SPDX-License-Identifier: MIT */
#include "wg/trie.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "wg_ip4, wg_ip6 and the messages swap bytes");

static unsigned bit_at(struct wg_ip ip, unsigned i)
{
	return (unsigned)((i < 64 ? ip.hi >> (63 - i) : ip.lo >> (127 - i)) & 1);
}

/* How many leading bits are equal. */
static unsigned common_bits(struct wg_ip a, struct wg_ip b)
{
	if (a.hi != b.hi)
		return (unsigned)__builtin_clzll(a.hi ^ b.hi);
	return a.lo != b.lo ? 64 + (unsigned)__builtin_clzll(a.lo ^ b.lo) : 128;
}

static struct wg_ip cut(struct wg_ip ip, unsigned bits)
{
	if (bits < 64)
		return (struct wg_ip){bits ? ip.hi & (~0ULL << (64 - bits)) : 0, 0};
	if (bits < 128)
		ip.lo &= bits > 64 ? ~0ULL << (128 - bits) : 0;
	return ip;
}

void wg_trie_free(struct wg_trie *t)
{
	vec_free(&t->nodes.base);
	*t = (struct wg_trie){0};
}

void *wg_trie_find(const struct wg_trie *t, bool v6, struct wg_ip ip)
{
	const unsigned max = v6 ? 128 : 32;
	void *owner = NULL;

	for (uint32_t i = t->root[v6]; i;) {
		const struct wg_trie_node *n = &t->nodes.ptr[i];

		if (common_bits(n->ip, ip) < n->bits)
			break;
		if (n->owner)
			owner = n->owner;
		if (n->bits == max)
			break;
		i = n->child[bit_at(ip, n->bits)];
	}
	return owner;
}

/* ---- nodes ---- */

/* Makes sure that the next N calls of take_node succeed and move nothing. */
static bool reserve_nodes(struct wg_trie *t, unsigned n)
{
	for (; n; n--) {
		struct wg_trie_node *node = VEC_PUSH(&t->nodes);

		if (!node)
			return false;
		if (t->nodes.len == 1)
			n++;
		else {
			node->next = t->free;
			t->free = (uint32_t)(t->nodes.len - 1);
		}
	}
	return true;
}

static bool have_free_nodes(const struct wg_trie *t)
{
	return t->free && t->nodes.ptr[t->free].next;
}

static uint32_t take_node(struct wg_trie *t, struct wg_ip ip, unsigned bits, bool v6)
{
	uint32_t i = t->free;
	struct wg_trie_node *n = &t->nodes.ptr[i];

	t->free = n->next;
	*n = (struct wg_trie_node){.ip = cut(ip, bits), .bits = (uint8_t)bits, .v6 = v6};
	return i;
}

static void drop_node(struct wg_trie *t, uint32_t i)
{
	t->nodes.ptr[i] = (struct wg_trie_node){.next = t->free};
	t->free = i;
}

static void link_owner(struct wg_trie *t, uint32_t i, void *owner, wg_trie_head_fn *head)
{
	struct wg_trie_node *n = &t->nodes.ptr[i];
	uint32_t *first = head(owner);

	n->owner = owner;
	n->prev = 0;
	n->next = *first;
	if (*first)
		t->nodes.ptr[*first].prev = i;
	*first = i;
}

static void unlink_owner(struct wg_trie *t, uint32_t i, wg_trie_head_fn *head)
{
	struct wg_trie_node *n = &t->nodes.ptr[i];

	if (n->prev)
		t->nodes.ptr[n->prev].next = n->next;
	else
		*head(n->owner) = n->next;
	if (n->next)
		t->nodes.ptr[n->next].prev = n->prev;
	n->owner = NULL;
	n->next = n->prev = 0;
}

/* ---- changes ---- */

/* The address and length of C; false if its family or length is no prefix. */
static bool prefix_of(const struct cidr *c, struct wg_ip *ip, bool *v6)
{
	*v6 = c->family == AF_INET6;
	if ((!*v6 && c->family != AF_INET) || c->bits > (*v6 ? 128 : 32))
		return false;
	*ip = cut(*v6 ? wg_ip6(c->ip) : wg_ip4(c->ip), c->bits);
	return true;
}

/* Puts a node for the prefix at *SLOT, whose present subtree does not start with it. */
static uint32_t insert_at(struct wg_trie *t, uint32_t *slot, struct wg_ip ip, unsigned bits,
			  bool v6)
{
	struct wg_trie_node *nodes = t->nodes.ptr;
	uint32_t old = *slot, new = take_node(t, ip, bits, v6);
	unsigned shared;

	if (!old) {
		*slot = new;
		return new;
	}
	shared = common_bits(nodes[old].ip, ip);
	if (shared >= bits) { /* the new prefix holds the old one */
		nodes[new].child[bit_at(nodes[old].ip, bits)] = old;
		*slot = new;
	} else {
		uint32_t fork = take_node(t, ip, shared, v6);

		nodes[fork].child[bit_at(ip, shared)] = new;
		nodes[fork].child[!bit_at(ip, shared)] = old;
		*slot = fork;
	}
	return new;
}

bool wg_trie_add(struct wg_trie *t, const struct cidr *c, void *owner, wg_trie_head_fn *head)
{
	struct wg_ip ip;
	uint32_t *slot, i;
	bool v6;

	if (!prefix_of(c, &ip, &v6) || (!have_free_nodes(t) && !reserve_nodes(t, 2)))
		return false;
	for (slot = &t->root[v6]; (i = *slot);) {
		struct wg_trie_node *n = &t->nodes.ptr[i];

		if (n->bits > c->bits || common_bits(n->ip, ip) < n->bits)
			break;
		if (n->bits == c->bits) {
			if (n->owner)
				unlink_owner(t, i, head);
			link_owner(t, i, owner, head);
			return true;
		}
		slot = &n->child[bit_at(ip, n->bits)];
	}
	link_owner(t, insert_at(t, slot, ip, c->bits, v6), owner, head);
	return true;
}

/* Takes the ownerless node at *SLOT out unless it is needed as a fork. */
static void prune(struct wg_trie *t, uint32_t *slot)
{
	uint32_t i = *slot;
	const struct wg_trie_node *n = &t->nodes.ptr[i];

	if (n->owner || (n->child[0] && n->child[1]))
		return;
	*slot = n->child[0] ? n->child[0] : n->child[1];
	drop_node(t, i);
}

bool wg_trie_remove(struct wg_trie *t, const struct cidr *c, void *owner, wg_trie_head_fn *head)
{
	uint32_t *slot, *above = NULL, i;
	struct wg_ip ip;
	bool v6;

	if (!prefix_of(c, &ip, &v6))
		return false;
	for (slot = &t->root[v6]; (i = *slot);) {
		struct wg_trie_node *n = &t->nodes.ptr[i];

		if (n->bits > c->bits || common_bits(n->ip, ip) < n->bits)
			return false;
		if (n->bits == c->bits)
			break;
		above = slot;
		slot = &n->child[bit_at(ip, n->bits)];
	}
	if (!i || t->nodes.ptr[i].owner != owner)
		return false;
	unlink_owner(t, i, head);
	prune(t, slot);
	if (above)
		prune(t, above);
	return true;
}

uint32_t wg_trie_get(const struct wg_trie *t, uint32_t i, struct cidr *c)
{
	const struct wg_trie_node *n = &t->nodes.ptr[i];
	uint64_t words[2] = {__builtin_bswap64(n->ip.hi), __builtin_bswap64(n->ip.lo)};

	*c = (struct cidr){.family = n->v6 ? AF_INET6 : AF_INET, .bits = n->bits};
	memcpy(c->ip, words, n->v6 ? 16 : 4);
	return n->next;
}

void *wg_trie_owner(const struct wg_trie *t, const struct cidr *c)
{
	struct wg_ip ip;
	bool v6;

	if (!prefix_of(c, &ip, &v6))
		return NULL;
	for (uint32_t i = t->root[v6]; i;) {
		const struct wg_trie_node *n = &t->nodes.ptr[i];

		if (n->bits > c->bits || common_bits(n->ip, ip) < n->bits)
			return NULL;
		if (n->bits == c->bits)
			return n->owner;
		i = n->child[bit_at(ip, n->bits)];
	}
	return NULL;
}
