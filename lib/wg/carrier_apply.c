/* SPDX-License-Identifier: MIT
 *
 * Making a running tunnel what a struct wg_config wants, by the smallest difference.
 */
#include "wg/carrier_impl.h"

/* ---- the interface ----------------------------------------------------------------------------- */

static int apply_sockets(struct carrier *d, const struct wg_config *c, struct rn_error *err)
{
	bool open = d->udp_watched;
	uint16_t port = c->has_listen_port && c->listen_port ? c->listen_port : d->udp->port;
	uint32_t mark = c->has_fwmark ? c->fwmark : d->udp->fwmark;
	if (open && port == d->udp->port && mark == d->udp->fwmark)
		return 0;
	uint16_t before = d->udp->port;
	int code = udp_open(d->udp, port, mark, err);
	if (code)
		return code;
	wg_set_listen_port(d->wg, d->udp->port);
	wg_set_fwmark(d->wg, mark);
	return open && before == d->udp->port ? 0 : carrier_watch_udp(d, err);
}

/* Tells the engine which addresses are ours: see the rule in doc/contracts.md. A device whose
 * addresses nobody told us (given with ip-address(8), as for wireguard-go) cannot have the rule. */
static int tell_addresses(struct carrier *d, struct rn_error *err)
{
	VEC(struct addr) own = {0};
	int code = 0;
	for (size_t i = 0; i < d->base.addresses.len && !code; i++) {
		struct addr *a = VEC_PUSH(&own);
		if (a)
			wg_cidr_addr(&d->base.addresses.ptr[i], a);
		else
			code = rn_fail(err, RN_EOS, "out of memory");
	}
	if (!code)
		code = wg_set_addresses(d->wg, own.ptr, own.len, err);
	vec_free(&own.base);
	wg_set_forward(d->wg, engine_lets_all_in(&d->base));
	return code;
}

static int apply_private_key(struct carrier *d, const struct wg_config *c, struct rn_error *err)
{
	static const uint8_t none[WG_KEY_LEN];
	uint8_t key[WG_KEY_LEN], public_key[WG_KEY_LEN];
	bool has = wg_private_key(d->wg, key);
	bool same = secret_eq(has ? key : none, c->private_key, WG_KEY_LEN);
	secret_wipe(key, sizeof(key));
	if (same)
		return 0;
	if (secret_eq(c->private_key, none, WG_KEY_LEN))
		return wg_set_private_key(d->wg, NULL, err);
	/* The engine would remove a peer with our own key, but what we know of it must go too. */
	wg_key_public(public_key, c->private_key);
	engine_peer_forget(&d->base, public_key);
	return wg_set_private_key(d->wg, c->private_key, err);
}

static int apply_interface(struct carrier *d, const struct wg_config *c, struct rn_error *err)
{
	int code = 0;
	if (engine_wants_up(&d->base, c)) {
		code = engine_up(&d->base, c, err);
		if (d->tun)
			d->tun->mtu = d->base.mtu;
		wg_set_mtu(d->wg, d->base.mtu);
	}
	if (!code)
		code = engine_apply_network(&d->base, c, err);
	if (!code && (c->has_addresses || c->has_forward))
		code = tell_addresses(d, err);
	if (!code && c->has_private_key)
		code = apply_private_key(d, c, err);
	return code;
}

/* ---- peers -------------------------------------------------------------------------------------- */

static void remove_peer(struct carrier *d, struct wg_peer *peer)
{
	struct wg_peer_info info;
	wg_peer_info(peer, 0, &info);
	wg_peer_remove(d->wg, peer);
	engine_peer_forget(&d->base, info.public_key);
}

static void apply_psk(struct carrier *d, struct wg_peer *peer, const uint8_t *psk)
{
	static const uint8_t none[WG_KEY_LEN];
	uint8_t now[WG_KEY_LEN];
	wg_peer_psk(peer, now);
	if (!secret_eq(now, psk ? psk : none, WG_KEY_LEN))
		wg_peer_set_psk(d->wg, peer, psk ? psk : none);
	secret_wipe(now, sizeof(now));
}

/* Takes away the prefixes of PEER that are not in SORTED. */
static int disallow_others(struct carrier *d, struct wg_peer *peer, const struct cidr *sorted, size_t n,
			   struct rn_error *err)
{
	VEC(struct cidr) gone = {0};
	struct cidr got;
	uint32_t at = 0;
	while (wg_allowed_next(d->wg, peer, &at, &got)) {
		if (n && bsearch(&got, sorted, n, sizeof(got), engine_cidr_compare))
			continue;
		struct cidr *last = VEC_PUSH(&gone);
		if (!last) {
			vec_free(&gone.base);
			return rn_fail(err, RN_EOS, "out of memory");
		}
		*last = got;
	}
	for (size_t i = 0; i < gone.len; i++)
		wg_disallow(d->wg, peer, &gone.ptr[i]);
	vec_free(&gone.base);
	return 0;
}

static int apply_allowed(struct carrier *d, struct wg_peer *peer, const struct wg_peer_config *p,
			 bool exact, struct rn_error *err)
{
	int code = 0;
	if (p->replace_allowed || exact) {
		size_t n = p->allowed.len;
		struct cidr *sorted = n ? calloc(n, sizeof(*sorted)) : NULL;
		if (n && !sorted)
			return rn_fail(err, RN_EOS, "out of memory");
		if (n) {
			memcpy(sorted, p->allowed.ptr, n * sizeof(*sorted));
			qsort(sorted, n, sizeof(*sorted), engine_cidr_compare);
		}
		code = disallow_others(d, peer, sorted, n, err);
		free(sorted);
	}
	for (size_t i = 0; i < p->disallowed.len; i++)
		wg_disallow(d->wg, peer, &p->disallowed.ptr[i]);
	for (size_t i = 0; i < p->allowed.len && !code; i++)
		code = wg_allow(d->wg, peer, &p->allowed.ptr[i], err);
	return code;
}

static int apply_peer(struct carrier *d, const struct wg_peer_config *p, bool exact,
		      struct rn_error *err)
{
	struct wg_peer *peer = wg_peer_find(d->wg, p->public_key);
	if (p->remove || (!peer && p->update_only)) {
		if (peer && p->remove)
			remove_peer(d, peer);
		return 0;
	}
	if (!peer)
		peer = wg_peer_add(d->wg, p->public_key, err);
	if (!peer)
		return err->code;
	if (p->psk || exact)
		apply_psk(d, peer, p->psk);
	struct addr endpoint;
	bool set;
	int code = engine_peer_apply(&d->base, p, exact, &set, &endpoint, err);
	if (!code && set)
		wg_peer_set_endpoint(d->wg, peer, &endpoint);
	if (!code)
		code = apply_allowed(d, peer, p, exact, err);
	struct wg_peer_info info;
	wg_peer_info(peer, 0, &info);
	if (!code && (p->has_keepalive || exact) && info.keepalive_s != p->keepalive_s)
		wg_peer_set_keepalive(d->wg, peer, p->keepalive_s, clock_now_ns());
	return code;
}

static int apply_peers(struct carrier *d, const struct wg_config *c, struct rn_error *err)
{
	for (size_t i = 0; i < c->peers.len; i++) {
		int code = apply_peer(d, &c->peers.ptr[i], c->exact, err);
		if (code) {
			char key[BASE64_SIZE(WG_KEY_LEN)];
			base64_encode(key, c->peers.ptr[i].public_key, WG_KEY_LEN, BASE64_STD);
			return rn_fail_in(err, "peer=%s", key);
		}
	}
	return 0;
}

static bool is_named(const struct map *named, const struct wg_peer *peer)
{
	struct wg_peer_info info;
	wg_peer_info(peer, 0, &info);
	return map_get(named, str_make(info.public_key, WG_KEY_LEN)) != NULL;
}

static int collect_named(struct map *named, const struct wg_config *c, struct rn_error *err)
{
	for (size_t i = 0; i < c->peers.len; i++) {
		struct wg_peer_config *p = &c->peers.ptr[i];
		if (!map_set(named, str_make(p->public_key, WG_KEY_LEN), p))
			return rn_fail(err, RN_EOS, "out of memory");
	}
	return 0;
}

/* Removes the peers that are not named. */
static void remove_others(struct carrier *d, const struct map *named)
{
	for (size_t i = wg_peer_count(d->wg); i-- > 0;) {
		struct wg_peer *peer = wg_peer_at(d->wg, i);
		if (!is_named(named, peer))
			remove_peer(d, peer);
	}
}

/* For the peers that stay: KEPT, or all if it is NULL. */
static int apply_routes(struct carrier *d, const struct map *kept, struct rn_error *err)
{
	VEC(struct cidr) all = {0};
	struct cidr prefix;
	int code = 0;
	for (size_t i = 0; i < wg_peer_count(d->wg) && !code; i++) {
		const struct wg_peer *peer = wg_peer_at(d->wg, i);
		uint32_t at = 0;
		while (!code && (!kept || is_named(kept, peer)) &&
		       wg_allowed_next(d->wg, peer, &at, &prefix)) {
			struct cidr *last = VEC_PUSH(&all);
			if (last)
				*last = prefix;
			else
				code = rn_fail(err, RN_EOS, "out of memory");
		}
	}
	if (!code)
		code = engine_routes_sync(&d->base, all.ptr, all.len, err);
	vec_free(&all.base);
	return code;
}

/* What may fail comes first; what cannot be undone, that peers go, comes last. */
static int apply_all(struct carrier *d, const struct wg_config *c, const struct map *named,
		     struct rn_error *err)
{
	int code = apply_sockets(d, c, err);
	if (!code)
		code = apply_interface(d, c, err);
	if (!code)
		code = apply_peers(d, c, err);
	if (!code)
		code = apply_routes(d, c->replace_peers ? named : NULL, err);
	if (!code && c->replace_peers)
		remove_others(d, named);
	return code;
}

/* After a failure in the middle, which is what ERR tells. */
static void bring_back(struct carrier *d, const struct wg_config *undo, struct rn_error *err)
{
	struct rn_error second;
	struct map none = {0};
	if (apply_all(d, undo, &none, &second))
		log_write(LOG_ERROR, "%s: a change failed (%s), and could not be taken back: %s",
			  d->base.name, err->text, second.text);
}

int carrier_apply(struct engine *e, const struct wg_config *c, struct rn_error *err)
{
	struct carrier *d = carrier_of(e);
	bool first = !e->up, addressed = e->addressed; /* when the first one fails, the tunnel goes */
	struct map named = {0};
	struct wg_config undo;
	wg_config_init(&undo);
	int code = collect_named(&named, c, err);
	if (!code && !first)
		code = carrier_remember(d, c, &named, &undo, err);
	if (!code) {
		code = apply_all(d, c, &named, err);
		if (code && !first) {
			bring_back(d, &undo, err);
			e->addressed = addressed;
			wg_set_forward(d->wg, engine_lets_all_in(e));
		}
	}
	wg_config_free(&undo);
	map_free(&named);
	engine_names_start(e);
	carrier_rearm(d);
	return code;
}
