/* SPDX-License-Identifier: MIT
 *
 * Endpoints that are host names: resolved one after the other in the background, and again when
 * handshakes get no answer, since the peer may have got another address.
 */
#include "wg/engine_impl.h"

#define LOOK_MS 15000 /* between looks at handshakes that fail */
#define RETRY_MS 5000 /* until a name that did not resolve is tried again */
#define STALE_NS (180ULL * 1000000000)
#define INITIATION_BYTES 148

static void look_soon(struct engine *e, uint64_t ms)
{
	timer_start(e->loop, &e->names_timer, ms);
}

static void resolved(void *ctx, const struct addr *a)
{
	struct engine *e = ctx;
	struct engine_peer *own = engine_peer_find(e, e->resolving);
	struct wg_peer_info info;
	e->resolve = NULL;
	if (own && own->is_name && a && e->ops->peer_info(e, own->key, &info)) {
		own->unresolved = false;
		own->tx_bytes = info.tx_bytes;
		if (!addr_eq(&info.endpoint.to, a))
			e->ops->peer_endpoint(e, own->key, a);
	} else if (own && own->endpoint) {
		log_write(LOG_WARN, "%s: %s does not resolve", e->name, own->endpoint);
	}
	look_soon(e, a ? 0 : RETRY_MS);
}

/* More than one handshake could have been begun since the last look, and none succeeded for a while. */
static bool fails(struct engine *e, struct engine_peer *own)
{
	struct wg_peer_info info;
	if (!e->ops->peer_info(e, own->key, &info))
		return false;
	uint64_t sent = info.tx_bytes - own->tx_bytes;
	own->tx_bytes = info.tx_bytes;
	uint64_t now = (uint64_t)clock_wall_ms() * 1000000;
	return sent > INITIATION_BYTES && (!info.session || info.last_handshake_ns + STALE_NS < now);
}

static bool resolve_next(struct engine *e, bool look)
{
	struct rn_error err;
	bool names = false;
	for (size_t i = 0; i < e->peers.len; i++) {
		struct engine_peer *own = e->peers.entries[i].value;
		if (!own->is_name)
			continue;
		names = true;
		if (look && fails(e, own))
			own->unresolved = true;
		if (!own->unresolved || e->resolve)
			continue;
		memcpy(e->resolving, own->key, WG_KEY_LEN);
		e->resolve = resolve_start(e->loop, own->endpoint, resolved, e, &err);
		if (!e->resolve)
			log_write(LOG_WARN, "%s", err.text);
	}
	return names;
}

static void names_event(struct timer *t)
{
	struct engine *e = container_of(t, struct engine, names_timer);
	if (resolve_next(e, true) && !e->resolve)
		look_soon(e, LOOK_MS);
}

void engine_names_start(struct engine *e)
{
	e->names_timer.fn = names_event;
	if (!e->resolve && resolve_next(e, false) && !e->resolve)
		look_soon(e, LOOK_MS);
}

void engine_names_stop(struct engine *e)
{
	resolve_cancel(e->resolve);
	e->resolve = NULL;
	if (e->names_timer.fn)
		timer_stop(e->loop, &e->names_timer);
}
