/* SPDX-License-Identifier: MIT
 *
 * Datagrams coming in: sorted by type, data packets decrypted, checked, and handed on.
 */
#include "wg/state.h"

static void deliver_flush(struct wg_device *dev)
{
	if (dev->in_len)
		dev->ops->deliver(dev->ctx, dev->in, dev->in_len);
	dev->in_len = 0;
}

/* ---- inner packets ---- */

/* The length that the IP header tells; 0 if it is none or tells more than there is. */
static uint32_t ip_len(const uint8_t *ip, uint32_t len)
{
	uint32_t told;

	if (len >= 20 && ip[0] >> 4 == 4) {
		told = (uint32_t)ip[2] << 8 | ip[3];
		return told >= 20 && told <= len ? told : 0;
	}
	if (len >= 40 && ip[0] >> 4 == 6) {
		told = ((uint32_t)ip[4] << 8 | ip[5]) + 40;
		return told <= len ? told : 0;
	}
	return 0;
}

/* Cryptokey routing (paper 2): a packet is its peer's only if answers would go to that peer. */
static bool is_from(const struct wg_device *dev, const struct wg_peer *peer, const uint8_t *ip,
		    bool v6)
{
	return wg_trie_find(&dev->allowed, v6, v6 ? wg_ip6(ip + 8) : wg_ip4(ip + 12)) == peer;
}

static void take_packet(struct wg_device *dev, struct wg_peer *peer, uint8_t *ip, uint32_t len)
{
	uint32_t told = ip_len(ip, len);
	bool v6 = told && ip[0] >> 4 == 6;

	if (!told) {
		count(dev, WG_DROP_NOT_IP);
	} else if (!is_from(dev, peer, ip, v6)) {
		count(dev, WG_DROP_SOURCE);
		peer->source_dropped++;
	} else if (!dev->forward && !wg_is_own_address(dev, v6, ip + (v6 ? 24 : 16))) {
		count(dev, WG_DROP_FORWARD);
	} else {
		count(dev, WG_RX_DATA);
		dev->in[dev->in_len++] = (struct wg_pkt){ip, told, peer};
		if (dev->in_len == WG_OUT_MAX)
			deliver_flush(dev);
	}
}

/* ---- data messages ---- */

static bool same_place(const struct addr *a, const struct addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->in6.sin6_port == b->in6.sin6_port &&
	       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
	       !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16);
}

void wg_roam(struct wg_device *dev, struct wg_peer *peer, const struct wg_endpoint *at)
{
	bool moved;

	if (!memcmp(&peer->endpoint, at, sizeof(*at)))
		return;
	moved = !same_place(&peer->endpoint.to, &at->to);
	peer->endpoint = *at;
	if (moved)
		wg_tell(dev, peer, WG_EVENT_ENDPOINT);
}

/* A data message under S has authenticated. */
static void after_authentic(struct wg_device *dev, struct wg_session *s, const struct wg_dgram *d)
{
	struct wg_peer *peer = s->peer;

	peer->rx_bytes += d->len;
	wg_roam(dev, peer, d->at);
	s->received++;
	if (wg_session_confirm(dev, s)) {
		peer->rtt_ns = dev->now_ns - peer->answered_ns; /* who gets a response sends at once */
		wg_timer_handshake_complete(dev, peer);
		wg_send_staged(dev, peer);
	}
	wg_handshake_last_minute(dev, peer);
	wg_timer_any_received(dev, peer);
}

static void take_data(struct wg_device *dev, const struct wg_dgram *d)
{
	struct wg_index_entry *e;
	struct wg_session *s;
	struct noise_data head;
	uint32_t len = d->len - WG_HEAD - WG_TAG_LEN;

	memcpy(&head, d->data, sizeof(head));
	e = wg_index_find(&dev->index, head.receiver);
	if (!e || e->kind != WG_INDEX_SESSION) {
		count(dev, WG_DROP_UNKNOWN_INDEX);
		return;
	}
	s = e->ptr;
	if (!s->can_receive || dev->now_ns - s->born_ns >= WG_REJECT_AFTER_NS ||
	    head.counter >= WG_REJECT_AFTER_MESSAGES) {
		count(dev, WG_DROP_EXPIRED);
		return;
	}
	if (!wg_replay_ok(&s->replay, head.counter)) {
		count(dev, WG_DROP_REPLAY);
		return;
	}
	if (!wg_aead_open(dev->aead, s->receive_key, head.counter, d->data + WG_HEAD,
			  len + WG_TAG_LEN)) {
		count(dev, WG_DROP_FORGED);
		return;
	}
	if (!wg_replay_take(&s->replay, head.counter, &dev->ring_pool)) {
		count(dev, WG_DROP_REPLAY);
		return;
	}
	after_authentic(dev, s, d);
	if (!len) {
		count(dev, WG_RX_KEEPALIVE);
		return;
	}
	wg_timer_data_received(dev, s->peer);
	take_packet(dev, s->peer, d->data + WG_HEAD, len);
}

void wg_input_udp(struct wg_device *dev, const struct wg_dgram *v, size_t n, uint64_t now_ns)
{
	dev->now_ns = now_ns;
	for (size_t i = 0; i < n; i++) {
		uint32_t type;

		if (v[i].len < sizeof(struct noise_data) + WG_TAG_LEN) {
			count(dev, WG_DROP_MALFORMED);
			continue;
		}
		memcpy(&type, v[i].data, sizeof(type));
		if (type == NOISE_DATA)
			take_data(dev, &v[i]);
		else
			wg_handshake_input(dev, &v[i], type);
	}
	deliver_flush(dev);
	wg_out_flush(dev);
}
