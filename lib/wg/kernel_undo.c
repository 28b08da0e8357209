/* SPDX-License-Identifier: MIT
 *
 * All or nothing with the kernel's device: what it is, written down as the config that brings it
 * back.
 */
#include "wg/kernel_impl.h"

static int no_memory(struct rn_error *err)
{
	return rn_fail(err, RN_EOS, "out of memory");
}

static const char *text(struct wg_config *undo, const char *s)
{
	return s ? arena_str(&undo->arena, str_from(s)).ptr : NULL;
}

static int remember_peer(const struct kernel *k, const struct kernel_peer *peer,
			 struct wg_config *undo, struct rn_error *err)
{
	const struct engine_peer *own = engine_peer_find(&k->base, peer->info.public_key);
	struct wg_peer_config *p = wg_config_peer(undo, peer->info.public_key);
	if (!p)
		return no_memory(err);
	p->has_keepalive = true;
	p->keepalive_s = peer->info.keepalive_s;
	if (peer->psk) {
		p->psk = arena_alloc(&undo->arena, WG_KEY_LEN);
		if (!p->psk)
			return no_memory(err);
		memcpy(p->psk, peer->psk, WG_KEY_LEN);
	}
	p->name = text(undo, own ? own->name : NULL);
	p->endpoint = text(undo, own ? own->endpoint : NULL);
	for (size_t i = 0; i < peer->allowed_n; i++) {
		struct cidr *c = VEC_PUSH(&p->allowed);
		if (!c)
			return no_memory(err);
		*c = k->state.allowed.ptr[peer->allowed_at + i];
	}
	return 0;
}

static int remember_addresses(const struct kernel *k, struct wg_config *undo, struct rn_error *err)
{
	undo->has_addresses = true;
	for (size_t i = 0; i < k->base.addresses.len; i++) {
		struct cidr *a = VEC_PUSH(&undo->addresses);
		if (!a)
			return no_memory(err);
		*a = k->base.addresses.ptr[i];
	}
	return 0;
}

int kernel_remember(const struct kernel *k, const struct wg_config *c, struct wg_config *undo,
		    struct rn_error *err)
{
	undo->exact = undo->replace_peers = true;
	undo->has_listen_port = c->has_listen_port;
	undo->listen_port = k->state.listen_port;
	undo->has_fwmark = c->has_fwmark;
	undo->fwmark = k->state.fwmark;
	undo->has_mtu = c->has_mtu;
	undo->mtu = k->base.mtu;
	undo->has_forward = c->has_forward;
	undo->forward = k->base.forward;
	undo->has_routes = true;
	undo->routes = k->base.manage_routes;
	undo->has_private_key = c->has_private_key;
	if (k->state.has_key)
		memcpy(undo->private_key, k->state.private_key, WG_KEY_LEN);
	int code = c->has_addresses ? remember_addresses(k, undo, err) : 0;
	for (size_t i = 0; i < k->state.peers.len && !code; i++)
		code = remember_peer(k, &k->state.peers.ptr[i], undo, err);
	return code;
}
