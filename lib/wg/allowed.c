/* SPDX-License-Identifier: MIT */
#include "wg/state.h"

static uint32_t *head_of(void *owner)
{
	return &((struct wg_peer *)owner)->allowed_first;
}

int wg_allow(struct wg_device *dev, struct wg_peer *peer, const struct cidr *prefix,
	     struct rn_error *err)
{
	if ((prefix->family != AF_INET || prefix->bits > 32) &&
	    (prefix->family != AF_INET6 || prefix->bits > 128))
		return rn_fail(err, RN_EDATA, "an allowed IP must be an IPv4 or IPv6 prefix");
	if (!wg_trie_add(&dev->allowed, prefix, peer, head_of))
		return rn_fail(err, RN_EOS, "no memory for another allowed IP");
	return 0;
}

bool wg_disallow(struct wg_device *dev, struct wg_peer *peer, const struct cidr *prefix)
{
	return wg_trie_remove(&dev->allowed, prefix, peer, head_of);
}

void wg_disallow_all(struct wg_device *dev, struct wg_peer *peer)
{
	struct cidr c;

	while (peer->allowed_first) {
		wg_trie_get(&dev->allowed, peer->allowed_first, &c);
		wg_trie_remove(&dev->allowed, &c, peer, head_of);
	}
}

bool wg_allowed_next(const struct wg_device *dev, const struct wg_peer *peer, uint32_t *at,
		     struct cidr *prefix)
{
	uint32_t i = *at ? *at : peer->allowed_first;

	if (!i || i == UINT32_MAX)
		return false;
	i = wg_trie_get(&dev->allowed, i, prefix);
	*at = i ? i : UINT32_MAX;
	return true;
}

struct wg_peer *wg_allowed_find(const struct wg_device *dev, const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		return wg_trie_find(&dev->allowed, true, wg_ip6(a->in6.sin6_addr.s6_addr));
	if (a->sa.sa_family == AF_INET)
		return wg_trie_find(&dev->allowed, false, wg_ip4((const uint8_t *)&a->in.sin_addr));
	return NULL;
}

struct wg_peer *wg_allowed_owner(const struct wg_device *dev, const struct cidr *prefix)
{
	return wg_trie_owner(&dev->allowed, prefix);
}
