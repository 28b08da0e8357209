/* SPDX-License-Identifier: MIT
 *
 * A running tunnel as records.
 */
#include "wg/engine_impl.h"
#include "wg/sandbox.h"

#include <unistd.h>

#define ADDRESSES_SHOWN 32

static void add_key(struct buf *out, const char *name, const uint8_t key[static WG_KEY_LEN])
{
	char text[BASE64_SIZE(WG_KEY_LEN)];
	base64_encode(text, key, WG_KEY_LEN, BASE64_STD);
	rec_add_cstr(out, name, text);
}

static void add_addresses(struct buf *out, const struct engine *e)
{
	char text[ADDRESSES_SHOWN][ADDR_TEXT_MAX];
	struct str list[ADDRESSES_SHOWN];
	size_t n = MIN(e->addresses.len, (size_t)ADDRESSES_SHOWN);
	for (size_t i = 0; i < n; i++) {
		cidr_format(&e->addresses.ptr[i], text[i]);
		list[i] = str_from(text[i]);
	}
	if (n)
		rec_add_list(out, "address", list, n);
}

static const char *mode_name(const struct engine *e)
{
	return e->mode == INSIDE_PRIVATE ? "private" : "host";
}

int engine_show(struct engine *e, bool detail, struct buf *out, struct rn_error *err)
{
	struct engine_live live = {0};
	int code = e->ops->live(e, &live, err);
	if (code)
		return code;
	rec_begin(out, "interface", str_from(e->name));
	add_addresses(out, e);
	if (live.has_key)
		add_key(out, "public_key", live.public_key);
	rec_add_u64(out, "listen_port", live.listen_port);
	rec_add_u64(out, "mtu", e->mtu);
	if (e->forward)
		rec_add_bool(out, "forward", true);
	rec_add_cstr(out, "netns", mode_name(e));
	rec_add_cstr(out, "engine", e->ops->name);
	rec_add_cstr(out, "why", e->why);
	if (live.fwmark)
		rec_add_u64(out, "fwmark", live.fwmark);
	if (e->dns)
		rec_add_raw(out, "dns", str_from(e->dns));
	if (e->search)
		rec_add_raw(out, "search", str_from(e->search));
	rec_add_raw(out, "sandbox", str_from(sandbox_state()));
	rec_end(out);
	e->detail = detail;
	code = e->ops->show_peers(e, out, err);
	if (!code && detail && e->ops->show_counters)
		e->ops->show_counters(e, out);
	return code;
}

static int compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorted, as a set is written. A record has a greatest length: of more prefixes than fit, only some
 * are shown, and the record says so. */
static void add_allowed(const struct cidr *allowed, size_t n, struct buf *out)
{
	char text[ENGINE_ALLOWED_SHOWN][ADDR_TEXT_MAX];
	struct str list[ENGINE_ALLOWED_SHOWN] = {0};
	size_t shown = MIN(n, (size_t)ENGINE_ALLOWED_SHOWN);
	if (!shown)
		return;
	for (size_t i = 0; i < shown; i++) {
		cidr_format(&allowed[i], text[i]);
		list[i] = str_from(text[i]);
	}
	qsort(list, shown, sizeof(*list), compare);
	rec_add_list(out, "allowed_ips", list, shown);
	if (shown < n)
		rec_add_bool(out, "cut", true);
}

static void add_positive(struct buf *out, const char *key, uint64_t n)
{
	if (n)
		rec_add_u64(out, key, n);
}

static void add_quality(struct buf *out, const struct wg_peer_info *info)
{
	add_positive(out, "rtt_us", (info->rtt_ns + 999) / 1000);
	add_positive(out, "rx_packets", info->rx_packets);
	add_positive(out, "rx_lost", info->rx_lost);
}

static void add_handshakes(struct buf *out, const struct wg_peer_info *info)
{
	rec_add_u64(out, "initiations_sent", info->initiations_sent);
	rec_add_u64(out, "initiations_received", info->initiations_received);
	rec_add_u64(out, "responses_received", info->responses_received);
	rec_add_u64(out, "responses_failed", info->responses_failed);
	rec_add_u64(out, "source_dropped", info->source_dropped);
	rec_add_u64(out, "waiting", info->staged);
	if (info->session)
		rec_add_u64(out, "session_s", info->session_age_ns / 1000000000);
}

void engine_show_peer(const struct engine *e, const struct wg_peer_info *info,
		      const struct cidr *allowed, size_t n, struct buf *out)
{
	const struct engine_peer *own = engine_peer_find(e, info->public_key);
	char text[ADDR_TEXT_MAX];
	char key[BASE64_SIZE(WG_KEY_LEN)];
	base64_encode(key, info->public_key, WG_KEY_LEN, BASE64_STD);
	rec_begin(out, "peer", str_from(key));
	rec_add_cstr(out, "interface", e->name);
	rec_add_cstr(out, "name", own ? own->name : NULL);
	add_allowed(allowed, n, out);
	if (info->endpoint.to.sa.sa_family) {
		addr_format(&info->endpoint.to, text);
		rec_add_cstr(out, "endpoint", text);
	} else if (own) {
		rec_add_cstr(out, "endpoint", own->endpoint);
	}
	if (info->keepalive_s)
		rec_add_u64(out, "keepalive_s", info->keepalive_s);
	if (info->last_handshake_ns)
		rec_add_u64(out, "handshake_at", info->last_handshake_ns / 1000000000);
	rec_add_u64(out, "rx_bytes", info->rx_bytes);
	rec_add_u64(out, "tx_bytes", info->tx_bytes);
	add_quality(out, info);
	if (e->detail && e->ops->show_counters) /* who counts, counts these too */
		add_handshakes(out, info);
	rec_end(out);
}

int engine_hello(struct engine *e, struct buf *out, struct rn_error *err)
{
	struct engine_live live = {0};
	int code = e->ops->live(e, &live, err);
	if (code)
		return code;
	rec_begin(out, "tunnel", str_from(e->name));
	rec_add_u64(out, "pid", (uint64_t)getpid());
	add_addresses(out, e);
	rec_add_cstr(out, "mode", mode_name(e));
	rec_add_cstr(out, "engine", e->ops->name);
	rec_add_u64(out, "mtu", e->mtu);
	if (live.has_key)
		add_key(out, "public_key", live.public_key);
	rec_add_u64(out, "listen_port", live.listen_port);
	rec_end(out);
	return 0;
}
