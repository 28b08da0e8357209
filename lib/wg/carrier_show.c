/* SPDX-License-Identifier: MIT
 *
 * A running tunnel as records.
 */
#include "wg/carrier_impl.h"

#include <unistd.h>

#define ADDRESSES_SHOWN 32
#define ALLOWED_SHOWN 64 /* 64 of the longest fit a record */

static void add_key(struct buf *out, const char *name, const uint8_t key[static WG_KEY_LEN])
{
	char text[BASE64_SIZE(WG_KEY_LEN)];
	base64_encode(text, key, WG_KEY_LEN, BASE64_STD);
	rec_add_cstr(out, name, text);
}

static void add_addresses(struct buf *out, const struct carrier *d)
{
	char text[ADDRESSES_SHOWN][ADDR_TEXT_MAX];
	struct str list[ADDRESSES_SHOWN];
	size_t n = MIN(d->addresses.len, (size_t)ADDRESSES_SHOWN);
	for (size_t i = 0; i < n; i++) {
		cidr_format(&d->addresses.ptr[i], text[i]);
		list[i] = str_from(text[i]);
	}
	if (n)
		rec_add_list(out, "address", list, n);
}

static const char *mode_name(const struct carrier *d)
{
	return d->mode == INSIDE_PRIVATE ? "private" : "host";
}

static void show_interface(const struct carrier *d, struct buf *out)
{
	uint8_t key[WG_KEY_LEN];
	rec_begin(out, "interface", str_from(d->tun->name));
	add_addresses(out, d);
	if (wg_public_key(d->wg, key))
		add_key(out, "public_key", key);
	rec_add_u64(out, "listen_port", d->udp->port);
	rec_add_u64(out, "mtu", d->tun->mtu);
	if (d->forward)
		rec_add_bool(out, "forward", true);
	rec_add_cstr(out, "netns", mode_name(d));
	rec_add_cstr(out, "engine", "user");
	if (d->udp->fwmark)
		rec_add_u64(out, "fwmark", d->udp->fwmark);
	rec_end(out);
}

static int compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Sorted, as a set is written. A record has a greatest length: of more prefixes than fit, only some
 * are shown, and the record says so. */
static void add_allowed(const struct carrier *d, const struct wg_peer *peer, struct buf *out)
{
	char text[ALLOWED_SHOWN][ADDR_TEXT_MAX];
	struct str list[ALLOWED_SHOWN];
	struct cidr prefix;
	size_t n = 0;
	uint32_t at = 0;
	bool more;
	while ((more = wg_allowed_next(d->wg, peer, &at, &prefix)) && n < ALLOWED_SHOWN) {
		cidr_format(&prefix, text[n]);
		list[n] = str_from(text[n]);
		n++;
	}
	if (n)
		qsort(list, n, sizeof(*list), compare);
	if (n)
		rec_add_list(out, "allowed_ips", list, n);
	if (more)
		rec_add_bool(out, "cut", true);
}

static void show_peer(const struct carrier *d, struct wg_peer *peer, struct buf *out)
{
	struct wg_peer_info info;
	const struct carrier_peer *own = wg_peer_user(peer);
	char text[ADDR_TEXT_MAX];
	char key[BASE64_SIZE(WG_KEY_LEN)];
	wg_peer_info(peer, clock_now_ns(), &info);
	base64_encode(key, info.public_key, WG_KEY_LEN, BASE64_STD);
	rec_begin(out, "peer", str_from(key));
	rec_add_cstr(out, "interface", d->tun->name);
	rec_add_cstr(out, "name", own ? own->name : NULL);
	add_allowed(d, peer, out);
	if (info.endpoint.to.sa.sa_family) {
		addr_format(&info.endpoint.to, text);
		rec_add_cstr(out, "endpoint", text);
	} else if (own) {
		rec_add_cstr(out, "endpoint", own->endpoint);
	}
	if (info.keepalive_s)
		rec_add_u64(out, "keepalive_s", info.keepalive_s);
	if (info.last_handshake_ns)
		rec_add_u64(out, "handshake_at", info.last_handshake_ns / 1000000000);
	rec_add_u64(out, "rx_bytes", info.rx_bytes);
	rec_add_u64(out, "tx_bytes", info.tx_bytes);
	rec_end(out);
}

void carrier_show(const struct carrier *d, struct buf *out)
{
	show_interface(d, out);
	for (size_t i = 0; i < wg_peer_count(d->wg); i++)
		show_peer(d, wg_peer_at(d->wg, i), out);
}

void carrier_hello(const struct carrier *d, struct buf *out)
{
	uint8_t key[WG_KEY_LEN];
	rec_begin(out, "tunnel", str_from(d->tun->name));
	rec_add_u64(out, "pid", (uint64_t)getpid());
	add_addresses(out, d);
	rec_add_cstr(out, "mode", mode_name(d));
	rec_add_cstr(out, "engine", "user");
	rec_add_u64(out, "mtu", d->tun->mtu);
	if (wg_public_key(d->wg, key))
		add_key(out, "public_key", key);
	rec_add_u64(out, "listen_port", d->udp->port);
	rec_end(out);
}
