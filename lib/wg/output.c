/* SPDX-License-Identifier: MIT
 *
 * Packets on their way out: whose they are, encryption in place, waiting for a session, and the
 * vector that goes to ops.send.
 */
#include "wg/state.h"

/* ---- the vector ---- */

void wg_out_flush(struct wg_device *dev)
{
	if (dev->out_len)
		dev->ops->send(dev->ctx, dev->out, dev->out_len);
	dev->out_len = 0;
}

static void push_to(struct wg_device *dev, const struct wg_endpoint *at, uint8_t *data,
		    uint32_t len)
{
	dev->out[dev->out_len++] = (struct wg_dgram){data, len, at};
	if (dev->out_len == WG_OUT_MAX)
		wg_out_flush(dev);
}

void wg_out_push(struct wg_device *dev, struct wg_peer *peer, uint8_t *data, uint32_t len)
{
	peer->tx_bytes += len;
	push_to(dev, &peer->endpoint, data, len);
}

void wg_out_reply(struct wg_device *dev, const struct wg_endpoint *at, uint8_t *data, uint32_t len)
{
	push_to(dev, at, data, len);
}

uint8_t *wg_out_message(struct wg_device *dev)
{
	return dev->messages[dev->out_len];
}

/* ---- encryption ---- */

static bool can_send(const struct wg_device *dev, struct wg_session *s)
{
	if (!s || !s->can_send)
		return false;
	if (dev->now_ns - s->born_ns < WG_REJECT_AFTER_NS &&
	    s->send_counter < WG_REJECT_AFTER_MESSAGES)
		return true;
	s->can_send = false;
	return false;
}

/* Paper 5.4.6: padded to 16 bytes, but not beyond what fits the MTU. */
static uint32_t padded_len(const struct wg_device *dev, uint32_t len)
{
	uint32_t padded = (len + 15) & ~15U;

	return padded <= dev->mtu || len > dev->mtu ? padded : dev->mtu;
}

/* Encrypts in place and queues; DATA has WG_HEAD bytes in front and WG_TAIL behind. */
static void seal_and_push(struct wg_device *dev, struct wg_session *s, uint8_t *data, uint32_t len)
{
	uint32_t padded = padded_len(dev, len);
	struct noise_data head = {NOISE_DATA, s->remote, s->send_counter++};

	memset(data + len, 0, padded - len);
	wg_aead_seal(dev->aead, s->send_key, head.counter, data, padded);
	memcpy(data - WG_HEAD, &head, sizeof(head));
	wg_out_push(dev, s->peer, data - WG_HEAD, WG_HEAD + padded + WG_TAG_LEN);
}

/* After data went out under S: the timers, and a successor if it is getting old (paper 6.2). */
static void after_data(struct wg_device *dev, struct wg_session *s)
{
	struct wg_peer *peer = s->peer;

	wg_timer_any_sent(dev, peer);
	if (s->send_counter > WG_REKEY_AFTER_MESSAGES ||
	    (s->initiator && dev->now_ns - s->born_ns >= WG_REKEY_AFTER_NS))
		wg_handshake_begin(dev, peer, false);
}

void wg_send_keepalive(struct wg_device *dev, struct wg_peer *peer)
{
	struct wg_session *s = peer->current;

	if (peer->staged_len) {
		wg_send_staged(dev, peer);
	} else if (can_send(dev, s)) {
		seal_and_push(dev, s, wg_out_message(dev) + WG_HEAD, 0);
		count(dev, WG_TX_KEEPALIVE);
		after_data(dev, s);
	} else {
		wg_handshake_begin(dev, peer, false);
	}
}

/* ---- waiting ---- */

static void drop_first(struct wg_device *dev, struct wg_peer *peer)
{
	struct wg_staged *p = peer->staged_first;

	peer->staged_first = p->next;
	if (!p->next)
		peer->staged_end = &peer->staged_first;
	peer->staged_len--;
	dev->staged_bytes -= p->len;
	free(p);
}

void wg_drop_staged(struct wg_device *dev, struct wg_peer *peer)
{
	while (peer->staged_len) {
		drop_first(dev, peer);
		count(dev, WG_DROP_STAGED);
	}
}

static void stage(struct wg_device *dev, struct wg_peer *peer, const struct wg_pkt *pkt)
{
	struct wg_staged *p = NULL;

	if (peer->staged_len == WG_STAGED_PER_PEER) {
		drop_first(dev, peer);
		count(dev, WG_DROP_STAGED);
	}
	if (dev->staged_bytes + pkt->len <= WG_STAGED_BYTES)
		p = malloc(sizeof(*p) + WG_HEAD + pkt->len + WG_TAIL);
	if (!p) {
		count(dev, WG_DROP_STAGED);
		return;
	}
	p->next = NULL;
	p->len = pkt->len;
	memcpy(p->room + WG_HEAD, pkt->data, pkt->len);
	*peer->staged_end = p;
	peer->staged_end = &p->next;
	peer->staged_len++;
	dev->staged_bytes += pkt->len;
}

void wg_send_staged(struct wg_device *dev, struct wg_peer *peer)
{
	struct wg_session *s = peer->current;

	if (!peer->staged_len)
		return;
	if (!can_send(dev, s)) {
		wg_handshake_begin(dev, peer, false);
		return;
	}
	for (struct wg_staged *p = peer->staged_first; p; p = p->next) {
		seal_and_push(dev, s, p->room + WG_HEAD, p->len);
		count(dev, WG_TX_DATA);
	}
	wg_out_flush(dev); /* before the copies go */
	while (peer->staged_len)
		drop_first(dev, peer);
	wg_timer_data_sent(dev, peer);
	after_data(dev, s);
}

/* ---- from TUN ---- */

/* The peer that PKT goes to by its destination, or NULL. */
static struct wg_peer *peer_for(const struct wg_device *dev, const struct wg_pkt *pkt)
{
	const uint8_t *ip = pkt->data;

	if (pkt->len >= 20 && ip[0] >> 4 == 4)
		return wg_trie_find(&dev->allowed, false, wg_ip4(ip + 16));
	if (pkt->len >= 40 && ip[0] >> 4 == 6)
		return wg_trie_find(&dev->allowed, true, wg_ip6(ip + 24));
	return NULL;
}

static void refuse(struct wg_device *dev, const struct wg_pkt *pkt, enum wg_counter why)
{
	count(dev, why);
	if (dev->ops->refuse)
		dev->ops->refuse(dev->ctx, pkt, why);
}

static void send_packet(struct wg_device *dev, const struct wg_pkt *pkt)
{
	struct wg_peer *peer = peer_for(dev, pkt);

	if (!peer) {
		refuse(dev, pkt, WG_DROP_NO_PEER);
	} else if (!peer->endpoint.to.sa.sa_family) {
		refuse(dev, pkt, WG_DROP_NO_ENDPOINT);
	} else if (pkt->len > WG_PLAIN_MAX) {
		count(dev, WG_DROP_TOO_LONG);
	} else if (can_send(dev, peer->current)) {
		seal_and_push(dev, peer->current, pkt->data, pkt->len);
		count(dev, WG_TX_DATA);
		wg_timer_data_sent(dev, peer);
		after_data(dev, peer->current);
	} else {
		stage(dev, peer, pkt);
		wg_handshake_begin(dev, peer, false);
	}
}

void wg_input_tun(struct wg_device *dev, const struct wg_pkt *v, size_t n, uint64_t now_ns)
{
	dev->now_ns = now_ns;
	for (size_t i = 0; i < n; i++)
		send_packet(dev, &v[i]);
	wg_out_flush(dev);
}
