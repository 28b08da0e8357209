/* SPDX-License-Identifier: MIT
 *
 * Handshake and cookie messages: which peer, when, and what follows. The mathematics is in noise.c
 * and cookie.c.
 */
#include "wg/state.h"

/* ---- out ---- */

void wg_handshake_abandon(struct wg_device *dev, struct wg_peer *peer)
{
	if (peer->noise.pending)
		wg_index_remove(&dev->index, peer->pending_index);
	noise_forget(&peer->noise);
}

/* Fills M; false if there is no key, or no memory. */
static bool write_initiation(struct wg_device *dev, struct wg_peer *peer,
			     struct noise_initiation *m)
{
	uint8_t timestamp[NOISE_TIMESTAMP_LEN], ephemeral[32];
	uint32_t index = wg_index_pick(dev);
	bool ok;

	wg_handshake_abandon(dev, peer);
	noise_timestamp(timestamp, wg_wall_ns(dev));
	wg_random(dev, ephemeral, sizeof(ephemeral));
	ok = noise_write_initiation(m, &peer->noise, dev->self, peer->public_key, ephemeral,
				    timestamp, index);
	secret_wipe(ephemeral, sizeof(ephemeral));
	if (ok && !wg_index_add(&dev->index, index, WG_INDEX_HANDSHAKE, peer)) {
		noise_forget(&peer->noise);
		count(dev, WG_DROP_MEMORY);
		ok = false;
	}
	peer->pending_index = index;
	return ok;
}

/* The last steps of every handshake message of ours. */
static void finish(struct wg_device *dev, struct wg_peer *peer, uint8_t *message, uint32_t len)
{
	cookie_add_macs(&peer->cookie, peer->public_key, message, len, dev->now_ns);
	peer->initiation_sent_ns = dev->now_ns;
	wg_timer_any_sent(dev, peer);
	wg_out_push(dev, peer, message, len);
}

void wg_handshake_begin(struct wg_device *dev, struct wg_peer *peer, bool again)
{
	uint8_t *message = wg_out_message(dev);

	if (!again)
		peer->attempts = 0;
	if (peer->initiation_sent_ns != UINT64_MAX &&
	    dev->now_ns - peer->initiation_sent_ns < WG_REKEY_TIMEOUT_NS)
		return;
	if (!peer->noise.has_shared || !peer->endpoint.to.sa.sa_family)
		return;
	if (!write_initiation(dev, peer, (struct noise_initiation *)(void *)message))
		return;
	count(dev, WG_TX_INITIATION);
	peer->initiations_sent++;
	peer->asked_ns = dev->now_ns;
	wg_timer_handshake_initiated(dev, peer);
	finish(dev, peer, message, sizeof(struct noise_initiation));
}

void wg_handshake_last_minute(struct wg_device *dev, struct wg_peer *peer)
{
	const struct wg_session *s = peer->current;

	if (peer->last_minute_sent || !s || !s->initiator ||
	    dev->now_ns - s->born_ns <
		    WG_REJECT_AFTER_NS - WG_KEEPALIVE_TIMEOUT_NS - WG_REKEY_TIMEOUT_NS)
		return;
	peer->last_minute_sent = true;
	wg_handshake_begin(dev, peer, false);
}

void wg_peer_connect(struct wg_device *dev, struct wg_peer *peer, uint64_t now_ns)
{
	dev->now_ns = now_ns;
	wg_handshake_begin(dev, peer, false);
	wg_out_flush(dev);
}

void wg_peer_try(struct wg_device *dev, struct wg_peer *peer, const struct addr *a, uint64_t now_ns)
{
	struct wg_endpoint kept = peer->endpoint;

	peer->endpoint = (struct wg_endpoint){.to = *a};
	wg_peer_connect(dev, peer, now_ns); /* sends before it returns */
	peer->endpoint = kept;
}

static void send_cookie(struct wg_device *dev, const struct wg_dgram *d)
{
	uint8_t *message = wg_out_message(dev), random[32];

	if (!wg_limit_cookie_left(&dev->limit, dev->now_ns))
		return;
	wg_limit_cookie_spend(&dev->limit, dev->now_ns);
	if (cookie_secret_due(dev->cookie, dev->now_ns)) {
		wg_random(dev, random, sizeof(random));
		cookie_secret_set(dev->cookie, random, dev->now_ns);
	}
	cookie_write((struct noise_cookie *)(void *)message, dev->cookie, d->data, d->len,
		     &d->at->to, wg_nonce(dev));
	count(dev, WG_TX_COOKIE);
	wg_out_reply(dev, d->at, message, sizeof(struct noise_cookie));
}

/* ---- in: initiations ---- */

static bool respond(struct wg_device *dev, struct wg_peer *peer, struct noise_reading *r)
{
	struct noise_response *m = (struct noise_response *)(void *)wg_out_message(dev);
	struct noise_keys keys;
	uint8_t ephemeral[32];
	bool ok;

	wg_random(dev, ephemeral, sizeof(ephemeral));
	ok = noise_write_response(m, &keys, r, &peer->noise, ephemeral, wg_index_pick(dev));
	if (ok && !wg_session_new(dev, peer, &keys, false)) {
		count(dev, WG_DROP_MEMORY);
		ok = false;
	}
	secret_wipe(ephemeral, sizeof(ephemeral));
	secret_wipe(&keys, sizeof(keys));
	if (!ok)
		return false;
	count(dev, WG_TX_RESPONSE);
	peer->answered_ns = dev->now_ns;
	wg_timer_session_derived(dev, peer);
	finish(dev, peer, (uint8_t *)m, sizeof(*m));
	return true;
}

/* Not older than the newest that we took, and not more than 50 a second (paper 5.1, kernel). */
static bool is_fresh(const struct wg_device *dev, const struct wg_peer *peer,
		     const struct noise_reading *r)
{
	return memcmp(r->timestamp, peer->noise.timestamp, sizeof(r->timestamp)) > 0 &&
	       (peer->initiation_taken_ns == UINT64_MAX ||
		dev->now_ns - peer->initiation_taken_ns >= WG_INITIATION_GAP_NS);
}

/* Why the initiation is no good, or WG_RX_INITIATION. */
static enum wg_counter check_initiation(struct wg_device *dev, const struct noise_initiation *m,
					struct noise_reading *r, struct wg_peer **peer)
{
	if (!noise_read_initiation(r, m, dev->self))
		return WG_DROP_HANDSHAKE;
	*peer = wg_peer_find(dev, r->static_key);
	if (!*peer)
		return WG_DROP_UNKNOWN_PEER;
	if (!noise_read_timestamp(r, m, &(*peer)->noise))
		return WG_DROP_HANDSHAKE;
	return is_fresh(dev, *peer, r) ? WG_RX_INITIATION : WG_DROP_OLD_INITIATION;
}

static bool take_initiation(struct wg_device *dev, const struct wg_dgram *d)
{
	struct noise_initiation m;
	struct noise_reading r;
	struct wg_peer *peer = NULL;
	enum wg_counter what;

	memcpy(&m, d->data, sizeof(m));
	what = check_initiation(dev, &m, &r, &peer);
	count(dev, what);
	if (what == WG_RX_INITIATION) {
		memcpy(peer->noise.timestamp, r.timestamp, sizeof(r.timestamp));
		peer->initiation_taken_ns = dev->now_ns;
		peer->initiations_received++;
		peer->rx_bytes += d->len;
		wg_roam(dev, peer, d->at);
		if (respond(dev, peer, &r))
			wg_timer_any_received(dev, peer);
	}
	secret_wipe(&r, sizeof(r));
	return what == WG_RX_INITIATION;
}

/* ---- in: responses ---- */

/* The peer whose pending initiation of ours has INDEX, or NULL. */
static struct wg_peer *waiting_peer(const struct wg_device *dev, uint32_t index)
{
	const struct wg_index_entry *e = wg_index_find(&dev->index, index);

	return e && e->kind == WG_INDEX_HANDSHAKE ? e->ptr : NULL;
}

/* PEER's handshake is done, and we began it. */
static void complete(struct wg_device *dev, struct wg_peer *peer, const struct noise_keys *keys)
{
	wg_index_remove(&dev->index, peer->pending_index);
	if (!wg_session_new(dev, peer, keys, true)) {
		count(dev, WG_DROP_MEMORY);
		return;
	}
	wg_timer_session_derived(dev, peer);
	wg_timer_handshake_complete(dev, peer);
	wg_send_keepalive(dev, peer); /* or what waits: the peer needs a packet to confirm */
}

static bool take_response(struct wg_device *dev, const struct wg_dgram *d)
{
	struct noise_response m;
	struct noise_keys keys;
	struct wg_peer *peer;
	bool ok;

	memcpy(&m, d->data, sizeof(m));
	peer = waiting_peer(dev, m.receiver);
	ok = noise_read_response(&keys, &m, &peer->noise, dev->self, m.receiver);
	count(dev, ok ? WG_RX_RESPONSE : WG_DROP_HANDSHAKE);
	if (ok) {
		peer->responses_received++;
		peer->rtt_ns = dev->now_ns - peer->asked_ns; /* an initiation is answered once */
		peer->rx_bytes += d->len;
		wg_roam(dev, peer, d->at);
		complete(dev, peer, &keys);
		wg_timer_any_received(dev, peer);
	} else {
		peer->responses_failed++;
	}
	secret_wipe(&keys, sizeof(keys));
	return ok;
}

/* ---- in: cookies, and the door ---- */

static void take_cookie(struct wg_device *dev, const struct wg_dgram *d)
{
	const struct wg_index_entry *e;
	struct noise_cookie m;
	struct wg_peer *peer;

	memcpy(&m, d->data, sizeof(m));
	e = wg_index_find(&dev->index, m.receiver);
	if (!e) {
		count(dev, WG_DROP_UNKNOWN_INDEX);
		return;
	}
	peer = e->kind == WG_INDEX_HANDSHAKE ? e->ptr : ((struct wg_session *)e->ptr)->peer;
	count(dev, cookie_read(&peer->cookie, &m, peer->public_key, dev->now_ns) ? WG_RX_COOKIE
										 : WG_DROP_COOKIE);
}

bool wg_under_load(const struct wg_device *dev, uint64_t now_ns)
{
	return wg_limit_under_load(&dev->limit, now_ns);
}

/* May it cost us an X25519? Under load only with a cookie, and not too often from one address. */
static bool passes_door(struct wg_device *dev, const struct wg_dgram *d)
{
	bool loaded = wg_limit_under_load(&dev->limit, dev->now_ns);

	/* All that it could get is a cookie, and there is none left: not worth a look at its mac1. */
	if (loaded && !cookie_has_mac2(d->data, d->len) &&
	    !wg_limit_cookie_left(&dev->limit, dev->now_ns)) {
		count(dev, WG_DROP_MAC2);
		return false;
	}
	if (!cookie_mac1_ok(dev->cookie, d->data, d->len)) {
		count(dev, WG_DROP_MAC1);
		wg_limit_spend(&dev->limit, false, dev->now_ns); /* noise is load, too */
		return false;
	}
	if (!loaded)
		return true;
	if (cookie_secret_due(dev->cookie, dev->now_ns) ||
	    !cookie_mac2_ok(dev->cookie, d->data, d->len, &d->at->to)) {
		count(dev, WG_DROP_MAC2);
		send_cookie(dev, d);
		return false;
	}
	if (!wg_limit_allow(&dev->limit, &d->at->to, dev->now_ns)) {
		count(dev, WG_DROP_RATE);
		return false;
	}
	return true;
}

/* Is it a response to nothing? Told before any cryptography. */
static bool is_unasked(const struct wg_device *dev, const struct wg_dgram *d)
{
	struct noise_response m;

	memcpy(&m, d->data, sizeof(m));
	return !waiting_peer(dev, m.receiver);
}

void wg_handshake_input(struct wg_device *dev, const struct wg_dgram *d, uint32_t type)
{
	bool initiation = type == NOISE_INITIATION && d->len == sizeof(struct noise_initiation);
	bool response = type == NOISE_RESPONSE && d->len == sizeof(struct noise_response);

	if (!dev->has_key) {
		count(dev, WG_DROP_MAC1);
	} else if (type == NOISE_COOKIE && d->len == sizeof(struct noise_cookie)) {
		take_cookie(dev, d);
	} else if (!initiation && !response) {
		count(dev, WG_DROP_MALFORMED);
	} else if (response && is_unasked(dev, d)) {
		count(dev, WG_DROP_UNKNOWN_INDEX);
	} else if (passes_door(dev, d)) {
		bool good = initiation ? take_initiation(dev, d) : take_response(dev, d);

		wg_limit_spend(&dev->limit, !good, dev->now_ns);
	}
}
