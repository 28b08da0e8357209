/* SPDX-License-Identifier: MIT
 *
 * All or nothing: what a change is about to touch, written down as the change that would bring it
 * back. A peer's sessions are not part of that; so peers that go, go last, when nothing can fail
 * any more.
 */
#include "wg/carrier_impl.h"

static int no_memory(struct rn_error *err)
{
	return rn_fail(err, RN_EOS, "out of memory");
}

static const char *text(struct wg_config *undo, const char *s)
{
	return s ? arena_str(&undo->arena, str_from(s)).ptr : NULL;
}

/* PEER as it is, to be set exactly. */
static int remember_peer(const struct carrier *d, struct wg_config *undo,
			 const struct wg_peer *peer, struct rn_error *err)
{
	struct wg_peer_info info;
	struct cidr prefix;
	uint32_t at = 0;
	wg_peer_info(peer, 0, &info);
	const struct engine_peer *own = engine_peer_find(&d->base, info.public_key);
	struct wg_peer_config *p = wg_config_peer(undo, info.public_key);
	if (!p || !(p->psk = arena_alloc(&undo->arena, WG_KEY_LEN)))
		return no_memory(err);
	wg_peer_psk(peer, p->psk);
	p->has_keepalive = true;
	p->keepalive_s = info.keepalive_s;
	p->name = text(undo, own ? own->name : NULL);
	p->endpoint = text(undo, own ? own->endpoint : NULL);
	if (own && ((own->name && !p->name) || (own->endpoint && !p->endpoint)))
		return no_memory(err);
	while (wg_allowed_next(d->wg, peer, &at, &prefix)) {
		struct cidr *c = VEC_PUSH(&p->allowed);
		if (!c)
			return no_memory(err);
		*c = prefix;
	}
	return 0;
}

/* A prefix that P is about to take from a peer that C does not name: it gets that one back. */
static int remember_taken(struct carrier *d, const struct map *named, struct wg_config *undo,
			  const struct wg_peer_config *p, struct rn_error *err)
{
	for (size_t i = 0; i < p->allowed.len; i++) {
		struct wg_peer_info info;
		const struct wg_peer *owner = wg_allowed_owner(d->wg, &p->allowed.ptr[i]);
		if (!owner)
			continue;
		wg_peer_info(owner, 0, &info);
		if (map_get(named, str_make(info.public_key, WG_KEY_LEN)))
			continue;
		int code = remember_peer(d, undo, owner, err);
		if (code)
			return code;
	}
	return 0;
}

static int remember_peers(struct carrier *d, const struct wg_config *c, const struct map *named,
			  struct wg_config *undo, struct rn_error *err)
{
	int code = 0;
	for (size_t i = 0; i < c->peers.len && !code; i++) {
		const struct wg_peer_config *p = &c->peers.ptr[i];
		const struct wg_peer *peer = wg_peer_find(d->wg, p->public_key);
		code = remember_taken(d, named, undo, p, err);
		if (!code && peer)
			code = remember_peer(d, undo, peer, err);
		struct wg_peer_config *gone =
			code || peer ? NULL : wg_config_peer(undo, p->public_key);
		if (gone)
			gone->remove = true;
		else if (!code && !peer)
			code = no_memory(err);
	}
	return code;
}

static int remember_addresses(const struct carrier *d, struct wg_config *undo, struct rn_error *err)
{
	undo->has_addresses = true;
	for (size_t i = 0; i < d->base.addresses.len; i++) {
		struct cidr *a = VEC_PUSH(&undo->addresses);
		if (!a)
			return no_memory(err);
		*a = d->base.addresses.ptr[i];
	}
	return 0;
}

int carrier_remember(struct carrier *d, const struct wg_config *c, const struct map *named,
		     struct wg_config *undo, struct rn_error *err)
{
	undo->exact = true;
	undo->has_listen_port = c->has_listen_port;
	undo->listen_port = d->udp->port;
	undo->has_fwmark = c->has_fwmark;
	undo->fwmark = d->udp->fwmark;
	undo->has_mtu = c->has_mtu;
	undo->mtu = d->base.mtu;
	undo->has_forward = c->has_forward;
	undo->forward = d->base.forward;
	undo->has_routes = true;
	undo->routes = d->base.manage_routes;
	undo->has_private_key = c->has_private_key;
	if (c->has_private_key && !wg_private_key(d->wg, undo->private_key))
		memset(undo->private_key, 0, sizeof(undo->private_key));
	int code = c->has_addresses ? remember_addresses(d, undo, err) : 0;
	return code ? code : remember_peers(d, c, named, undo, err);
}
