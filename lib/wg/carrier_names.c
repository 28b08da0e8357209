/* SPDX-License-Identifier: MIT
 *
 * Endpoints that are host names: resolved one after the other in the background, and again when
 * handshakes get no answer, since the peer may have got another address.
 */
#include "wg/carrier_impl.h"

#define LOOK_MS 15000     /* between looks at handshakes that fail */
#define RETRY_MS 5000     /* until a name that did not resolve is tried again */
#define STALE_NS (180ULL * 1000000000)

static void look_soon(struct carrier *d, uint64_t ms)
{
	timer_start(d->loop, &d->names_timer, ms);
}

static void resolved(void *ctx, const struct addr *a)
{
	struct carrier *d = ctx;
	struct wg_peer *peer = wg_peer_find(d->wg, d->resolving);
	struct carrier_peer *own = peer ? wg_peer_user(peer) : NULL;
	struct wg_peer_info info;
	d->resolve = NULL;
	if (own && own->is_name && a) {
		own->unresolved = false;
		wg_peer_info(peer, clock_now_ns(), &info);
		own->initiations = info.initiations_sent;
		if (!addr_eq(&info.endpoint.to, a)) {
			wg_peer_set_endpoint(d->wg, peer, a);
			wg_peer_connect(d->wg, peer, clock_now_ns());
			carrier_rearm(d);
		}
	} else if (own && own->endpoint) {
		log_write(LOG_WARN, "%s: %s does not resolve", d->tun->name, own->endpoint);
	}
	look_soon(d, a ? 0 : RETRY_MS);
}

/* Handshakes were begun since the last look, and none succeeded for a while. */
static bool fails(struct wg_peer *peer, struct carrier_peer *own)
{
	struct wg_peer_info info;
	wg_peer_info(peer, clock_now_ns(), &info);
	uint32_t begun = info.initiations_sent - own->initiations;
	own->initiations = info.initiations_sent;
	uint64_t now = (uint64_t)clock_wall_ms() * 1000000;
	return begun > 1 && (!info.session || info.last_handshake_ns + STALE_NS < now);
}

static bool resolve_next(struct carrier *d, bool look)
{
	struct rn_error err;
	bool names = false;
	for (size_t i = 0; i < wg_peer_count(d->wg); i++) {
		struct wg_peer *peer = wg_peer_at(d->wg, i);
		struct carrier_peer *own = wg_peer_user(peer);
		if (!own || !own->is_name)
			continue;
		names = true;
		if (look && fails(peer, own))
			own->unresolved = true;
		if (!own->unresolved || d->resolve)
			continue;
		struct wg_peer_info info;
		wg_peer_info(peer, 0, &info);
		memcpy(d->resolving, info.public_key, WG_KEY_LEN);
		d->resolve = resolve_start(d->loop, own->endpoint, resolved, d, &err);
		if (!d->resolve)
			log_write(LOG_WARN, "%s", err.text);
	}
	return names;
}

static void names_event(struct timer *t)
{
	struct carrier *d = container_of(t, struct carrier, names_timer);
	if (resolve_next(d, true) && !d->resolve)
		look_soon(d, LOOK_MS);
}

void carrier_names_start(struct carrier *d)
{
	d->names_timer.fn = names_event;
	if (!d->resolve && resolve_next(d, false) && !d->resolve)
		look_soon(d, LOOK_MS);
}

void carrier_names_stop(struct carrier *d)
{
	resolve_cancel(d->resolve);
	d->resolve = NULL;
	if (d->names_timer.fn)
		timer_stop(d->loop, &d->names_timer);
}
