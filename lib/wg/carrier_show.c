/* SPDX-License-Identifier: MIT
 *
 * The state of the user engine, for the records.
 */
#include "wg/carrier_impl.h"

int carrier_live(struct engine *e, struct engine_live *live, struct rn_error *err)
{
	const struct carrier *d = carrier_of(e);
	(void)err;
	live->has_key = wg_public_key(d->wg, live->public_key);
	live->listen_port = d->udp->port;
	live->fwmark = d->udp->fwmark;
	return 0;
}

int carrier_show_peers(struct engine *e, struct buf *out, struct rn_error *err)
{
	const struct carrier *d = carrier_of(e);
	(void)err;
	for (size_t i = 0; i < wg_peer_count(d->wg); i++) {
		const struct wg_peer *peer = wg_peer_at(d->wg, i);
		struct cidr allowed[ENGINE_ALLOWED_SHOWN + 1];
		struct wg_peer_info info;
		uint32_t at = 0;
		size_t n = 0;
		while (n < ARRAY_LEN(allowed) && wg_allowed_next(d->wg, peer, &at, &allowed[n]))
			n++;
		wg_peer_info(peer, clock_now_ns(), &info);
		engine_show_peer(e, &info, allowed, n, out);
	}
	return 0;
}

void carrier_show_counters(struct engine *e, struct buf *out)
{
	const struct carrier *d = carrier_of(e);
	for (unsigned i = 0; i < WG_COUNTERS_LEN; i++) {
		uint64_t value = wg_counter(d->wg, (enum wg_counter)i);
		if (!value)
			continue;
		rec_begin(out, "stat", str_from(wg_counter_name((enum wg_counter)i)));
		rec_add_cstr(out, "interface", e->name);
		rec_add_u64(out, "value", value);
		rec_end(out);
	}
}
