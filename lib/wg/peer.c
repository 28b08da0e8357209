/* SPDX-License-Identifier: MIT */
#include "wg/state.h"

static struct str key_str(const uint8_t *key)
{
	return str_make(key, WG_KEY_LEN);
}

struct wg_peer *wg_peer_find(struct wg_device *dev, const uint8_t key[static WG_KEY_LEN])
{
	return map_get(&dev->peers, key_str(key));
}

size_t wg_peer_count(const struct wg_device *dev)
{
	return dev->peers.len;
}

struct wg_peer *wg_peer_at(const struct wg_device *dev, size_t i)
{
	return i < dev->peers.len ? dev->peers.entries[i].value : NULL;
}

/* ---- adding and removing ---- */

/* What no key can be a peer's: our own, and those that share a secret with nobody. */
static bool is_usable(const struct wg_device *dev, const uint8_t key[static WG_KEY_LEN])
{
	static const uint8_t any_scalar[32] = {8, [31] = 64};
	uint8_t out[32];

	if (dev->has_key && !memcmp(key, dev->self->public_key, WG_KEY_LEN))
		return false;
	return wg_x25519(out, any_scalar, key);
}

static struct wg_peer *fail_no_memory(struct rn_error *err)
{
	rn_fail(err, RN_EOS, "no memory for another peer");
	return NULL;
}

void wg_peer_new_self(struct wg_device *dev, struct wg_peer *peer)
{
	noise_forget(&peer->noise);
	peer->noise.has_shared =
		dev->has_key && noise_peer_set(&peer->noise, dev->self, peer->public_key);
	peer->cookie.cookie_ns = UINT64_MAX;
	peer->cookie.mac1_sent = false;
}

static void init(struct wg_device *dev, struct wg_peer *peer, const uint8_t *key)
{
	memcpy(peer->public_key, key, WG_KEY_LEN);
	peer->staged_end = &peer->staged_first;
	peer->due.at = WG_HEAP_OUT;
	peer->initiation_sent_ns = peer->initiation_taken_ns = UINT64_MAX;
	wg_timer_init(peer);
	wg_peer_new_self(dev, peer);
}

struct wg_peer *wg_peer_add(struct wg_device *dev, const uint8_t key[static WG_KEY_LEN],
			    struct rn_error *err)
{
	struct wg_peer *peer = wg_peer_find(dev, key);

	if (peer)
		return peer;
	if (!is_usable(dev, key)) {
		rn_fail(err, RN_EDATA, "the peer's public key is our own or no valid key");
		return NULL;
	}
	peer = wg_pool_get(&dev->peer_pool);
	if (!peer)
		return fail_no_memory(err);
	init(dev, peer, key);
	if (!wg_heap_reserve(&dev->due)) {
		wg_pool_put(&dev->peer_pool, peer);
		return fail_no_memory(err);
	}
	if (!map_set(&dev->peers, key_str(peer->public_key), peer)) {
		wg_heap_forget(&dev->due, &peer->due);
		wg_pool_put(&dev->peer_pool, peer);
		return fail_no_memory(err);
	}
	return peer;
}

void wg_peer_reset(struct wg_device *dev, struct wg_peer *peer)
{
	wg_timer_stop_all(dev, peer);
	wg_handshake_abandon(dev, peer);
	wg_sessions_forget(dev, peer);
	wg_drop_staged(dev, peer);
	peer->initiation_sent_ns = UINT64_MAX;
}

void wg_peer_remove(struct wg_device *dev, struct wg_peer *peer)
{
	wg_peer_reset(dev, peer);
	wg_disallow_all(dev, peer);
	wg_heap_forget(&dev->due, &peer->due);
	map_remove(&dev->peers, key_str(peer->public_key));
	wg_pool_put(&dev->peer_pool, peer);
}

void wg_peer_remove_all(struct wg_device *dev)
{
	while (dev->peers.len)
		wg_peer_remove(dev, dev->peers.entries[dev->peers.len - 1].value);
}

/* ---- settings ---- */

void wg_peer_set_psk(struct wg_device *dev, struct wg_peer *peer,
		     const uint8_t psk[static WG_KEY_LEN])
{
	(void)dev;
	memcpy(peer->noise.psk, psk, WG_KEY_LEN);
}

void wg_peer_psk(const struct wg_peer *peer, uint8_t psk[static WG_KEY_LEN])
{
	memcpy(psk, peer->noise.psk, WG_KEY_LEN);
}

void wg_peer_set_endpoint(struct wg_device *dev, struct wg_peer *peer, const struct addr *a)
{
	(void)dev;
	peer->endpoint = (struct wg_endpoint){.to = *a};
}

void wg_peer_set_user(struct wg_peer *peer, void *user)
{
	peer->user = user;
}

void *wg_peer_user(const struct wg_peer *peer)
{
	return peer->user;
}

static void add_session(struct wg_peer_info *info, const struct wg_session *s)
{
	if (!s)
		return;
	info->rx_packets += s->received;
	info->rx_lost += wg_session_lost(s);
}

void wg_peer_info(const struct wg_peer *peer, uint64_t now_ns, struct wg_peer_info *info)
{
	static const uint8_t zero[WG_KEY_LEN];
	const struct wg_session *s = peer->current;

	*info = (struct wg_peer_info){
		.has_psk = !secret_eq(peer->noise.psk, zero, sizeof(zero)),
		.endpoint = peer->endpoint,
		.keepalive_s = peer->keepalive_s,
		.last_handshake_ns = peer->handshake_wall_ns,
		.rx_bytes = peer->rx_bytes,
		.tx_bytes = peer->tx_bytes,
		.session = s && s->can_send && now_ns - s->born_ns < WG_REJECT_AFTER_NS,
		.initiations_sent = peer->initiations_sent,
		.initiations_received = peer->initiations_received,
		.responses_received = peer->responses_received,
		.responses_failed = peer->responses_failed,
		.source_dropped = peer->source_dropped,
		.staged = peer->staged_len,
		.rtt_ns = peer->rtt_ns,
		.rx_packets = peer->rx_packets,
		.rx_lost = peer->rx_lost,
	};
	add_session(info, s);
	add_session(info, peer->previous);
	add_session(info, peer->next);
	memcpy(info->public_key, peer->public_key, WG_KEY_LEN);
	if (info->session)
		info->session_age_ns = now_ns - s->born_ns;
}
