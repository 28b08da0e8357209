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

static bool cidr_same(const struct cidr *a, const struct cidr *b)
{
	return a->family == b->family && a->bits == b->bits &&
	       memcmp(a->ip, b->ip, a->family == AF_INET ? 4 : 16) == 0;
}

static bool has_cidr(const struct cidr *v, size_t n, const struct cidr *c)
{
	for (size_t i = 0; i < n; i++)
		if (cidr_same(&v[i], c))
			return true;
	return false;
}

/* Tells the engine which addresses are ours: see the rule in doc/contracts.md. A device whose
 * addresses nobody told us (given with ip-address(8), as for wireguard-go) cannot have the rule. */
static int tell_addresses(struct carrier *d, struct rn_error *err)
{
	VEC(struct addr) own = {0};
	int code = 0;
	for (size_t i = 0; i < d->addresses.len && !code; i++) {
		struct addr *a = VEC_PUSH(&own);
		if (a)
			wg_cidr_addr(&d->addresses.ptr[i], a);
		else
			code = rn_fail(err, RN_EOS, "out of memory");
	}
	if (!code)
		code = wg_set_addresses(d->wg, own.ptr, own.len, err);
	vec_free(&own.base);
	wg_set_forward(d->wg, d->forward || !d->addressed);
	return code;
}

/* Takes away the addresses that C does not have. *ANY: there was one. */
static int remove_addresses(struct carrier *d, const struct wg_config *c, bool *any,
			    struct rn_error *err)
{
	for (size_t i = d->addresses.len; i-- > 0;) {
		struct cidr a = d->addresses.ptr[i];
		if (has_cidr(c->addresses.ptr, c->addresses.len, &a))
			continue;
		d->addresses.ptr[i] = d->addresses.ptr[--d->addresses.len];
		*any = true;
		int code = inside_address(d->inside, &a, false, err);
		if (code)
			return code;
	}
	return 0;
}

/* First those that go: with the first address of a prefix the kernel takes the others of it along,
 * and with the last one of a family all its routes; so whatever is wanted is set anew then. */
static int apply_addresses(struct carrier *d, const struct wg_config *c, struct rn_error *err)
{
	bool removed = false;
	int code = remove_addresses(d, c, &removed, err);
	for (size_t i = 0; i < c->addresses.len && !code; i++) {
		const struct cidr *a = &c->addresses.ptr[i];
		bool has = has_cidr(d->addresses.ptr, d->addresses.len, a);
		if (!has) {
			struct cidr *mine = VEC_PUSH(&d->addresses);
			if (!mine)
				return rn_fail(err, RN_EOS, "out of memory");
			*mine = *a;
		}
		if (!has || removed)
			code = inside_address(d->inside, a, true, err);
	}
	d->addressed = true;
	d->routes_lost |= removed;
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
	struct wg_peer *self = wg_peer_find(d->wg, public_key);
	if (self)
		carrier_peer_remove(d, self);
	return wg_set_private_key(d->wg, c->private_key, err);
}

static int apply_interface(struct carrier *d, const struct wg_config *c, struct rn_error *err)
{
	int code = 0;
	if (c->has_mtu || !d->tun->up) {
		d->tun->mtu = c->has_mtu && c->mtu ? c->mtu : TUN_MTU_DEFAULT;
		wg_set_mtu(d->wg, d->tun->mtu);
		code = inside_up(d->inside, d->tun->mtu, err);
		d->tun->up = !code;
	}
	if (c->has_forward)
		d->forward = c->forward;
	if (c->has_routes)
		d->manage_routes = c->routes;
	else if (c->has_addresses && !d->addressed)
		d->manage_routes = true;
	if (!code && c->has_addresses)
		code = apply_addresses(d, c, err);
	if (!code && (c->has_addresses || c->has_forward))
		code = tell_addresses(d, err);
	if (!code && c->has_private_key)
		code = apply_private_key(d, c, err);
	return code;
}

/* ---- peers -------------------------------------------------------------------------------------- */

static void forget(struct carrier_peer *own)
{
	free(own->name);
	free(own->endpoint);
	free(own);
}

void carrier_peer_remove(struct carrier *d, struct wg_peer *peer)
{
	struct carrier_peer *own = wg_peer_user(peer);
	wg_peer_remove(d->wg, peer);
	if (own)
		forget(own);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* *AT becomes a copy of TEXT (NULL: nothing). */
static int set_text(char **at, const char *text, struct rn_error *err)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return rn_fail(err, RN_EOS, "out of memory");
	free(*at);
	*at = copy;
	return 0;
}

static int apply_endpoint(struct carrier *d, struct wg_peer *peer, struct carrier_peer *own,
			  const char *endpoint, struct rn_error *err)
{
	struct addr a;
	if (same_text(own->endpoint, endpoint))
		return 0;
	int code = set_text(&own->endpoint, endpoint, err);
	if (code || !endpoint)
		return code;
	own->is_name = own->unresolved = !addr_parse(&a, str_from(endpoint), -1);
	if (!own->is_name)
		wg_peer_set_endpoint(d->wg, peer, &a);
	return 0;
}

/* Name and endpoint, which not every peer has. */
static int apply_own(struct carrier *d, struct wg_peer *peer, const struct wg_peer_config *p,
		     bool exact, struct rn_error *err)
{
	struct carrier_peer *own = wg_peer_user(peer);
	if (!own && !p->name && !p->endpoint)
		return 0;
	if (!own) {
		own = calloc(1, sizeof(*own));
		if (!own)
			return rn_fail(err, RN_EOS, "out of memory");
		wg_peer_set_user(peer, own);
	}
	int code = 0;
	if ((p->name || exact) && !same_text(own->name, p->name))
		code = set_text(&own->name, p->name, err);
	if (!code && (p->endpoint || exact))
		code = apply_endpoint(d, peer, own, p->endpoint, err);
	return code;
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

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cidr));
}

/* Takes away the prefixes of PEER that are not in SORTED. */
static int disallow_others(struct carrier *d, struct wg_peer *peer, const struct cidr *sorted, size_t n,
			   struct rn_error *err)
{
	VEC(struct cidr) gone = {0};
	struct cidr got;
	uint32_t at = 0;
	while (wg_allowed_next(d->wg, peer, &at, &got)) {
		struct cidr c = {0};
		c.family = got.family;
		c.bits = got.bits;
		memcpy(c.ip, got.ip, got.family == AF_INET ? 4 : 16);
		if (n && bsearch(&c, sorted, n, sizeof(c), compare))
			continue;
		struct cidr *last = VEC_PUSH(&gone);
		if (!last) {
			vec_free(&gone.base);
			return rn_fail(err, RN_EOS, "out of memory");
		}
		*last = c;
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
			qsort(sorted, n, sizeof(*sorted), compare);
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
			carrier_peer_remove(d, peer);
		return 0;
	}
	if (!peer)
		peer = wg_peer_add(d->wg, p->public_key, err);
	if (!peer)
		return err->code;
	if (p->psk || exact)
		apply_psk(d, peer, p->psk);
	int code = apply_own(d, peer, p, exact, err);
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

/* Removes the peers that C does not name. */
static int remove_others(struct carrier *d, const struct wg_config *c, struct rn_error *err)
{
	struct map named = {0};
	int code = 0;
	for (size_t i = 0; i < c->peers.len && !code; i++) {
		struct wg_peer_config *p = &c->peers.ptr[i];
		if (!map_set(&named, str_make(p->public_key, WG_KEY_LEN), p))
			code = rn_fail(err, RN_EOS, "out of memory");
	}
	for (size_t i = wg_peer_count(d->wg); i-- > 0 && !code;) {
		struct wg_peer *peer = wg_peer_at(d->wg, i);
		struct wg_peer_info info;
		wg_peer_info(peer, 0, &info);
		if (!map_get(&named, str_make(info.public_key, WG_KEY_LEN)))
			carrier_peer_remove(d, peer);
	}
	map_free(&named);
	return code;
}

int carrier_apply(struct carrier *d, const struct wg_config *c, struct rn_error *err)
{
	int code = apply_sockets(d, c, err);
	if (!code)
		code = apply_interface(d, c, err);
	if (!code && c->replace_peers)
		code = remove_others(d, c, err);
	if (!code)
		code = apply_peers(d, c, err);
	if (!code)
		code = carrier_routes_sync(d, err);
	carrier_names_start(d);
	carrier_rearm(d);
	return code;
}
