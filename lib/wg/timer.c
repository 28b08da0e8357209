/* SPDX-License-Identifier: MIT
 *
 * The timers of a peer (paper 6; the kernel's timers.c has the same five). Each is a deadline in
 * the peer; the peer's place in the device's heap is at the earliest of them or before. Moving one
 * later or stopping it leaves the heap alone: most packets move some timer, few make one due
 * earlier. When the heap's time comes, what is due runs, and the place is computed anew.
 */
#include "wg/state.h"

#define STOPPED UINT64_MAX
#define MAX_ATTEMPTS (WG_REKEY_ATTEMPT_NS / WG_REKEY_TIMEOUT_NS)
#define ZERO_KEYS_AFTER_NS (3 * WG_REJECT_AFTER_NS)

static void start(struct wg_device *dev, struct wg_peer *peer, enum wg_timer which,
		  uint64_t after_ns)
{
	uint64_t at = dev->now_ns + after_ns;

	peer->timers[which] = at;
	if (at < wg_heap_deadline(&dev->due, &peer->due))
		wg_heap_set(&dev->due, &peer->due, at);
}

static void stop(struct wg_peer *peer, enum wg_timer which)
{
	peer->timers[which] = STOPPED;
}

static bool is_running(const struct wg_peer *peer, enum wg_timer which)
{
	return peer->timers[which] != STOPPED;
}

/* Up to a third of a second, so that two sides do not go on in step (xorshift64*; no secret). */
static uint64_t jitter_ns(struct wg_device *dev)
{
	while (!dev->jitter)
		wg_random(dev, &dev->jitter, sizeof(dev->jitter));
	dev->jitter ^= dev->jitter >> 12;
	dev->jitter ^= dev->jitter << 25;
	dev->jitter ^= dev->jitter >> 27;
	return (dev->jitter * 0x2545F4914F6CDD1DULL >> 32) * WG_JITTER_MAX_NS >> 32;
}

void wg_timer_init(struct wg_peer *peer)
{
	for (size_t i = 0; i < WG_TIMERS_LEN; i++)
		peer->timers[i] = STOPPED;
}

void wg_timer_stop_all(struct wg_device *dev, struct wg_peer *peer)
{
	wg_timer_init(peer);
	wg_heap_set(&dev->due, &peer->due, UINT64_MAX);
}

/* ---- what happened ---- */

/* Any authenticated packet, either way, keeps a NAT's mapping alive. */
static void any_traversal(struct wg_device *dev, struct wg_peer *peer)
{
	if (peer->keepalive_s)
		start(dev, peer, WG_TIMER_PERSISTENT, peer->keepalive_s * NS_PER_S);
}

void wg_timer_data_sent(struct wg_device *dev, struct wg_peer *peer)
{
	if (!is_running(peer, WG_TIMER_SILENCE))
		start(dev, peer, WG_TIMER_SILENCE,
		      WG_KEEPALIVE_TIMEOUT_NS + WG_REKEY_TIMEOUT_NS + jitter_ns(dev));
}

void wg_timer_data_received(struct wg_device *dev, struct wg_peer *peer)
{
	if (is_running(peer, WG_TIMER_KEEPALIVE))
		peer->keepalive_again = true;
	else
		start(dev, peer, WG_TIMER_KEEPALIVE, WG_KEEPALIVE_TIMEOUT_NS);
}

void wg_timer_any_sent(struct wg_device *dev, struct wg_peer *peer)
{
	stop(peer, WG_TIMER_KEEPALIVE);
	any_traversal(dev, peer);
}

void wg_timer_any_received(struct wg_device *dev, struct wg_peer *peer)
{
	stop(peer, WG_TIMER_SILENCE);
	any_traversal(dev, peer);
}

void wg_timer_handshake_initiated(struct wg_device *dev, struct wg_peer *peer)
{
	start(dev, peer, WG_TIMER_RETRANSMIT, WG_REKEY_TIMEOUT_NS + jitter_ns(dev));
}

void wg_timer_handshake_complete(struct wg_device *dev, struct wg_peer *peer)
{
	stop(peer, WG_TIMER_RETRANSMIT);
	peer->attempts = 0;
	peer->last_minute_sent = false;
	peer->handshake_wall_ns = wg_wall_ns(dev);
	wg_tell(dev, peer, WG_EVENT_SESSION);
}

void wg_timer_session_derived(struct wg_device *dev, struct wg_peer *peer)
{
	start(dev, peer, WG_TIMER_ZERO_KEYS, ZERO_KEYS_AFTER_NS);
}

void wg_peer_set_keepalive(struct wg_device *dev, struct wg_peer *peer, uint16_t seconds,
			   uint64_t now_ns)
{
	bool turned_on = seconds && !peer->keepalive_s;

	dev->now_ns = now_ns;
	peer->keepalive_s = seconds;
	if (!seconds)
		stop(peer, WG_TIMER_PERSISTENT);
	if (!turned_on)
		return;
	any_traversal(dev, peer);
	wg_send_keepalive(dev, peer);
	wg_out_flush(dev);
}

void wg_moved(struct wg_device *dev, uint64_t now_ns)
{
	dev->now_ns = now_ns;
	for (size_t i = 0; i < dev->peers.len; i++) {
		struct wg_peer *peer = dev->peers.entries[i].value;

		if (!peer->keepalive_s || !peer->endpoint.to.sa.sa_family)
			continue;
		peer->endpoint.from.sa.sa_family = 0; /* may be an address that is ours no more */
		peer->endpoint.ifindex = 0;
		wg_send_keepalive(dev, peer);
	}
	wg_out_flush(dev);
}

/* ---- what is due ---- */

static void expire_retransmit(struct wg_device *dev, struct wg_peer *peer)
{
	if (peer->attempts > MAX_ATTEMPTS) {
		stop(peer, WG_TIMER_KEEPALIVE);
		wg_handshake_abandon(dev, peer);
		wg_drop_staged(dev, peer);
		if (!is_running(peer, WG_TIMER_ZERO_KEYS))
			start(dev, peer, WG_TIMER_ZERO_KEYS, ZERO_KEYS_AFTER_NS);
		wg_tell(dev, peer, WG_EVENT_GAVE_UP);
		return;
	}
	peer->attempts++;
	peer->endpoint.from.sa.sa_family = 0; /* perhaps our address changed */
	peer->endpoint.ifindex = 0;
	wg_handshake_begin(dev, peer, true);
}

static void expire_keepalive(struct wg_device *dev, struct wg_peer *peer)
{
	wg_send_keepalive(dev, peer);
	if (peer->keepalive_again) {
		peer->keepalive_again = false;
		start(dev, peer, WG_TIMER_KEEPALIVE, WG_KEEPALIVE_TIMEOUT_NS);
	}
}

static void expire_silence(struct wg_device *dev, struct wg_peer *peer)
{
	peer->endpoint.from.sa.sa_family = 0;
	peer->endpoint.ifindex = 0;
	wg_handshake_begin(dev, peer, false);
}

static void expire_persistent(struct wg_device *dev, struct wg_peer *peer)
{
	any_traversal(dev, peer); /* also if nothing can be sent yet */
	wg_send_keepalive(dev, peer);
}

static void expire_zero_keys(struct wg_device *dev, struct wg_peer *peer)
{
	wg_handshake_abandon(dev, peer);
	wg_sessions_forget(dev, peer);
}

static void (*const expire[WG_TIMERS_LEN])(struct wg_device *, struct wg_peer *) = {
	[WG_TIMER_RETRANSMIT] = expire_retransmit,
	[WG_TIMER_KEEPALIVE] = expire_keepalive,
	[WG_TIMER_SILENCE] = expire_silence,
	[WG_TIMER_PERSISTENT] = expire_persistent,
	[WG_TIMER_ZERO_KEYS] = expire_zero_keys,
};

static void run_due(struct wg_device *dev, struct wg_peer *peer)
{
	uint64_t first = STOPPED;

	for (size_t i = 0; i < WG_TIMERS_LEN; i++) {
		if (peer->timers[i] > dev->now_ns)
			continue;
		peer->timers[i] = STOPPED;
		expire[i](dev, peer);
	}
	for (size_t i = 0; i < WG_TIMERS_LEN; i++)
		first = MIN(first, peer->timers[i]);
	wg_heap_set(&dev->due, &peer->due, first);
}

uint64_t wg_deadline(const struct wg_device *dev)
{
	return wg_heap_first_ns(&dev->due);
}

uint64_t wg_timers(struct wg_device *dev, uint64_t now_ns)
{
	dev->now_ns = now_ns;
	while (wg_deadline(dev) <= now_ns)
		run_due(dev, container_of(dev->due.slots.ptr[0].item, struct wg_peer, due));
	wg_out_flush(dev);
	return wg_deadline(dev);
}
