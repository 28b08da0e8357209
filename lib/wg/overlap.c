/* SPDX-License-Identifier: MIT
 *
 * Prefixes either nest or have nothing in common. So all of them sorted by address, the shorter
 * first, are a walk through a tree, and those above the present one are a stack of 128 at most.
 */
#include "wg/overlap.h"

enum whose { OURS, HOST, ENDPOINT };

struct claim {
	struct cidr prefix;
	enum whose whose;
	const struct wg_peer_config *peer; /* ours, of a peer, and endpoints */
	const struct overlap_range *range; /* the host's */
};
typedef VEC(struct claim) claims;

static int compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	if (x->prefix.family != y->prefix.family)
		return x->prefix.family < y->prefix.family ? -1 : 1;
	int order = memcmp(x->prefix.ip, y->prefix.ip, x->prefix.family == AF_INET ? 4 : 16);
	return order ? order : (int)x->prefix.bits - (int)y->prefix.bits;
}

/* The first pair, in address order, that FN says must not overlap: *OUTER holds *INNER. */
typedef bool clash_fn(const struct claim *outer, const struct claim *inner);

static bool find_clash(claims *all, clash_fn *clash, const struct claim **outer,
		       const struct claim **inner)
{
	VEC(const struct claim *) above = {0};
	bool found = false;
	if (all->len)
		qsort(all->ptr, all->len, sizeof(*all->ptr), compare);
	for (size_t i = 0; i < all->len && !found; i++) {
		const struct claim *now = &all->ptr[i];
		while (above.len && !cidr_overlaps(&above.ptr[above.len - 1]->prefix, &now->prefix))
			above.len--;
		for (size_t j = 0; j < above.len && !found; j++) {
			found = clash(above.ptr[j], now);
			*outer = above.ptr[j];
			*inner = now;
		}
		const struct claim **top = VEC_PUSH(&above);
		if (!top)
			break;
		*top = now;
	}
	vec_free(&above.base);
	return found;
}

void overlap_clear_host_bits(struct cidr *c)
{
	for (unsigned bit = c->bits; bit < (c->family == AF_INET ? 32U : 128U); bit++)
		c->ip[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
}

/* ---- what a config claims ------------------------------------------------------------ */

static bool push(claims *all, const struct cidr *prefix, enum whose whose,
		 const struct wg_peer_config *peer)
{
	struct claim *c = VEC_PUSH(all);
	if (!c)
		return false;
	*c = (struct claim){.prefix = *prefix, .whose = whose, .peer = peer};
	overlap_clear_host_bits(&c->prefix);
	return true;
}

static bool push_endpoint(claims *all, const struct wg_peer_config *peer)
{
	struct cidr c = {0};
	struct addr a;
	if (!peer->endpoint || !addr_parse(&a, str_from(peer->endpoint), -1))
		return true;
	c.family = a.sa.sa_family;
	c.bits = c.family == AF_INET ? 32 : 128;
	if (c.family == AF_INET)
		memcpy(c.ip, &a.in.sin_addr, 4);
	else
		memcpy(c.ip, &a.in6.sin6_addr, 16);
	return push(all, &c, ENDPOINT, peer);
}

/* A default route is never set on the host, so a prefix of no bits claims nothing there. */
static bool push_config(claims *all, const struct wg_config *c)
{
	bool routes = !c->has_routes || c->routes, good = true;
	for (size_t i = 0; i < c->addresses.len && good; i++)
		good = push(all, &c->addresses.ptr[i], OURS, NULL);
	for (size_t i = 0; i < c->peers.len && routes && good; i++) {
		const struct wg_peer_config *peer = &c->peers.ptr[i];
		for (size_t j = 0; j < peer->allowed.len && !peer->remove && good; j++)
			if (peer->allowed.ptr[j].bits)
				good = push(all, &peer->allowed.ptr[j], OURS, peer);
		good = good && push_endpoint(all, peer);
	}
	return good;
}

static bool push_host(claims *all, const overlap_ranges *host, const char *except, bool routes)
{
	for (size_t i = 0; i < host->len; i++) {
		const struct overlap_range *range = &host->ptr[i];
		if ((except && strcmp(range->device, except) == 0) || (!routes && !range->own))
			continue;
		if (!push(all, &range->prefix, HOST, NULL))
			return false;
		all->ptr[all->len - 1].range = range;
	}
	return true;
}

static bool must_not(const struct claim *outer, const struct claim *inner)
{
	if (outer->whose == OURS)
		return inner->whose != OURS;
	return outer->whose == HOST && inner->whose == OURS;
}

static void name_peer(const struct wg_peer_config *peer, char *out, size_t size)
{
	char key[BASE64_SIZE(WG_KEY_LEN)];
	if (peer->name) {
		snprintf(out, size, "peer %.64s", peer->name);
		return;
	}
	base64_encode(key, peer->public_key, WG_KEY_LEN, BASE64_STD);
	snprintf(out, size, "peer=%s", key);
}

static int refuse(const struct claim *outer, const struct claim *inner, struct rn_error *err)
{
	const struct claim *ours = outer->whose == OURS ? outer : inner;
	const struct claim *other = ours == outer ? inner : outer;
	char mine[ADDR_TEXT_MAX], theirs[ADDR_TEXT_MAX], who[80] = "address";
	cidr_format(&ours->prefix, mine);
	cidr_format(&other->prefix, theirs);
	if (other->whose == ENDPOINT) {
		name_peer(other->peer, who, sizeof(who));
		return rn_fail(err, RN_ECONFIG,
			       "%s: its endpoint %s lies in %s, which goes into the tunnel: "
			       "the tunnel would carry itself (--allow-overlap takes it anyway)",
			       who, other->peer->endpoint, mine);
	}
	if (ours->peer)
		name_peer(ours->peer, who, sizeof(who));
	return rn_fail(err, RN_ECONFIG,
		       "%s: %s overlaps %s, which this machine has on %s (--allow-overlap "
		       "takes it anyway, --netns private keeps them apart)",
		       who, mine, theirs, other->range->device);
}

int overlap_check(const struct wg_config *c, const char *name, const overlap_ranges *host,
		  struct rn_error *err)
{
	claims all = {0};
	const struct claim *outer, *inner;
	int code = 0;
	if (!push_config(&all, c) || !push_host(&all, host, name, true))
		code = rn_fail(err, RN_EOS, "out of memory");
	else if (find_clash(&all, must_not, &outer, &inner))
		code = refuse(outer, inner, err);
	vec_free(&all.base);
	return code;
}

static bool differ(const struct claim *outer, const struct claim *inner)
{
	return strcmp(outer->range->device, inner->range->device) != 0;
}

bool overlap_between(const overlap_ranges *host, const struct overlap_range **a,
		     const struct overlap_range **b)
{
	claims all = {0};
	const struct claim *outer, *inner;
	bool found = push_host(&all, host, NULL, false) && find_clash(&all, differ, &outer, &inner);
	if (found) {
		*a = outer->range;
		*b = inner->range;
	}
	vec_free(&all.base);
	return found;
}
