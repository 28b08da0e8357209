/* SPDX-License-Identifier: MIT
 *
 * The protocol, one behaviour a test, over the simulated link of wg_sim.h.
 */
#include "wg_sim.h"

#include "tap.h"

#define S NS_PER_S

static struct wg_peer_info info_of(struct sim *s, unsigned a, unsigned b)
{
	struct wg_peer_info info;

	wg_peer_info(sim_peer(s, a, b), s->now_ns, &info);
	return info;
}

static struct sim *pair(void)
{
	struct sim *s = sim_new(1, 2);

	sim_join(s, 0, 1);
	return s;
}

static void test_first_packet(void)
{
	struct sim *s = pair();

	sim_send(s, 0, 1, 100);
	TAP_OK(info_of(s, 0, 1).staged == 1, "a packet without a session waits");
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 1 && !s->bad, "it is delivered after one handshake");
	TAP_OK(sim_count(s, 0, WG_TX_INITIATION) == 1 && sim_count(s, 1, WG_TX_RESPONSE) == 1,
	       "which took one message each way");
	TAP_OK(info_of(s, 0, 1).session && info_of(s, 1, 0).session, "both sides can send");
	TAP_OK(info_of(s, 0, 1).last_handshake_ns / S == SIM_WALL_NS / S &&
		       info_of(s, 1, 0).last_handshake_ns / S == SIM_WALL_NS / S,
	       "the time of the handshake is the wall's");
	sim_send(s, 1, 0, 50);
	sim_run(s, S);
	TAP_OK(s->nodes[0].delivered == 1, "and the answer comes back");
	TAP_OK(info_of(s, 0, 1).tx_bytes == 148 + 32 + 112 &&
		       info_of(s, 0, 1).rx_bytes == 92 + 32 + 64,
	       "bytes count datagrams with their headers and padding");
	sim_free(s);
}

static void test_give_up(void)
{
	struct sim *s = pair();

	s->loss_percent = 100;
	for (unsigned i = 0; i < 70; i++)
		sim_send(s, 0, 1, 60);
	TAP_OK(info_of(s, 0, 1).staged == WG_STAGED_PER_PEER, "waiting packets are bounded");
	sim_run(s, 89 * S);
	TAP_OK(info_of(s, 0, 1).staged && info_of(s, 0, 1).initiations_sent >= 16,
	       "a handshake is tried again about every 5 s");
	sim_run(s, 30 * S);
	TAP_OK(info_of(s, 0, 1).initiations_sent <= 20 && s->nodes[0].events[WG_EVENT_GAVE_UP] == 1,
	       "it is given up after 90 s");
	TAP_OK(info_of(s, 0, 1).staged == 0 && sim_count(s, 0, WG_DROP_STAGED) == 70,
	       "and what waited is dropped");
	sim_run(s, 3600 * S);
	TAP_OK(info_of(s, 0, 1).initiations_sent <= 20, "then it is silent");
	TAP_OK(wg_deadline(s->nodes[0].dev) == UINT64_MAX, "and no timer runs");
	s->loss_percent = 0;
	sim_send(s, 0, 1, 60);
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 1, "a new packet begins anew");
	sim_free(s);
}

/* Traffic from A to B, a packet every 100 ms. */
static void stream(struct sim *s, unsigned a, unsigned b, uint64_t for_ns)
{
	for (uint64_t end = s->now_ns + for_ns; s->now_ns < end;) {
		sim_send(s, a, b, 64);
		sim_run(s, 100 * NS_PER_MS);
	}
}

static void test_rekey_by_time(void)
{
	struct sim *s = pair();

	stream(s, 0, 1, 119 * S);
	TAP_OK(sim_count(s, 0, WG_TX_INITIATION) == 1, "no new session before 120 s");
	stream(s, 0, 1, 3 * S);
	TAP_OK(sim_count(s, 0, WG_TX_INITIATION) == 2, "a new one at 120 s");
	stream(s, 0, 1, 1078 * S);
	TAP_OK(sim_count(s, 0, WG_TX_INITIATION) == 10, "one every 120 s");
	TAP_OK(s->nodes[1].delivered == s->nodes[0].next_number && !s->bad,
	       "and no packet is lost");
	TAP_OK(sim_count(s, 1, WG_TX_INITIATION) == 0, "the responder did not initiate");
	sim_free(s);
}

static void test_rekey_by_receiving(void)
{
	struct sim *s = pair();

	sim_send(s, 0, 1, 64);
	sim_run(s, S);
	stream(s, 1, 0, 163 * S);
	TAP_OK(sim_count(s, 0, WG_TX_INITIATION) == 2,
	       "an initiator that only receives (and answers keepalives) renews in time");
	stream(s, 1, 0, 300 * S);
	TAP_OK(s->nodes[0].delivered == s->nodes[1].next_number, "and loses nothing");
	sim_free(s);
}

static void test_rekey_by_count(void)
{
	struct sim *s = pair();

	stream(s, 0, 1, 6 * S);
	sim_peer(s, 0, 1)->current->send_counter = WG_REKEY_AFTER_MESSAGES;
	stream(s, 0, 1, S);
	TAP_OK(sim_count(s, 0, WG_TX_INITIATION) == 2, "2^60 messages make a new session");
	stream(s, 0, 1, 6 * S);
	s->loss_percent = 100;
	sim_peer(s, 0, 1)->current->send_counter = WG_REJECT_AFTER_MESSAGES;
	sim_send(s, 0, 1, 64);
	TAP_OK(info_of(s, 0, 1).staged == 1, "a used-up session sends no more");
	s->loss_percent = 0;
	sim_run(s, 6 * S);
	TAP_OK(info_of(s, 0, 1).staged == 0 && s->nodes[1].delivered == s->nodes[0].next_number,
	       "a new one does");
	sim_free(s);
}

static void test_expiry(void)
{
	struct sim *s = pair();
	struct wg_session *old;

	sim_send(s, 0, 1, 64);
	sim_run(s, S);
	old = sim_peer(s, 0, 1)->current;
	sim_run(s, 180 * S);
	TAP_OK(!info_of(s, 0, 1).session, "a session ends after 180 s");
	TAP_OK(sim_peer(s, 0, 1)->current == old, "its keys are kept a while");
	sim_run(s, 361 * S);
	TAP_OK(!sim_peer(s, 0, 1)->current && !sim_peer(s, 1, 0)->current &&
		       !sim_peer(s, 1, 0)->previous,
	       "and wiped after 540 s");
	TAP_OK(s->nodes[0].dev->index.len == 0 && s->nodes[1].dev->index.len == 0,
	       "no index is left");
	sim_free(s);
}

static void test_passive_keepalive(void)
{
	struct sim *s = pair();

	sim_send(s, 0, 1, 64);
	sim_run(s, 9 * S);
	TAP_OK(sim_count(s, 1, WG_TX_KEEPALIVE) == 0, "a receiver is silent for 10 s");
	sim_run(s, 2 * S);
	TAP_OK(sim_count(s, 1, WG_TX_KEEPALIVE) == 1, "then says that it lives");
	sim_run(s, 60 * S);
	TAP_OK(sim_count(s, 1, WG_TX_KEEPALIVE) == 1, "once");
	s->loss_percent = 100;
	sim_send(s, 0, 1, 64);
	sim_run(s, 14 * S);
	TAP_OK(sim_count(s, 0, WG_TX_INITIATION) == 1, "silence of the peer is borne for 15 s");
	sim_run(s, 2 * S);
	TAP_OK(sim_count(s, 0, WG_TX_INITIATION) == 2, "then a handshake asks");
	sim_free(s);
}

static void test_persistent_keepalive(void)
{
	struct sim *s = pair();

	wg_peer_set_keepalive(s->nodes[0].dev, sim_peer(s, 0, 1), 25, s->now_ns);
	TAP_OK(s->flying == 1, "turning it on sends at once");
	sim_run(s, 24 * S);
	TAP_OK(sim_count(s, 1, WG_RX_KEEPALIVE) == 1, "one confirms the session");
	sim_run(s, 76 * S);
	TAP_OK(sim_count(s, 1, WG_RX_KEEPALIVE) == 4, "one comes every 25 s");
	wg_peer_set_keepalive(s->nodes[0].dev, sim_peer(s, 0, 1), 0, s->now_ns);
	sim_run(s, 76 * S);
	TAP_OK(sim_count(s, 1, WG_RX_KEEPALIVE) == 4, "none when turned off");
	sim_free(s);
}

static void test_simultaneous(void)
{
	struct sim *s = pair();

	sim_send(s, 0, 1, 64);
	sim_send(s, 1, 0, 64);
	sim_run(s, S);
	TAP_OK(s->nodes[0].delivered == 1 && s->nodes[1].delivered == 1,
	       "both initiating at once is settled within a round trip");
	stream(s, 0, 1, 10 * S);
	stream(s, 1, 0, 10 * S);
	TAP_OK(s->nodes[0].delivered == s->nodes[1].next_number &&
		       s->nodes[1].delivered == s->nodes[0].next_number,
	       "and traffic flows both ways");
	sim_free(s);
}

/* ---- attackers ---- */

static bool keep_data(struct sim *s, struct sim_flight *f)
{
	if (f->data[0] == NOISE_DATA && f->len > 32) {
		s->kept = *f;
		s->kept_count++;
	}
	return true;
}

static void test_replay(void)
{
	struct sim *s = pair();

	s->tap = keep_data;
	stream(s, 0, 1, S);
	s->tap = NULL;
	for (unsigned i = 0; i < 3; i++)
		sim_fly(s, &s->kept);
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 10 && sim_count(s, 1, WG_DROP_REPLAY) == 3 && !s->bad,
	       "a replayed packet is dropped");
	stream(s, 0, 1, S);
	TAP_OK(s->nodes[1].delivered == 20, "and does no harm");
	sim_free(s);
}

static void test_forged(void)
{
	struct sim *s = pair();
	unsigned tried = 0;

	s->tap = keep_data;
	stream(s, 0, 1, S);
	s->tap = NULL;
	for (unsigned byte = 4; byte < s->kept.len; byte += 3) {
		struct sim_flight f = s->kept;

		f.data[8] ^= 0x80; /* a counter of its own */
		f.data[byte] ^= 0x10;
		f.from.in.sin_port = htons(666);
		sim_fly(s, &f);
		tried++;
	}
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 10 && !s->bad, "no changed packet is delivered");
	TAP_OK(sim_count(s, 1, WG_DROP_FORGED) + sim_count(s, 1, WG_DROP_UNKNOWN_INDEX) +
			       sim_count(s, 1, WG_DROP_EXPIRED) ==
		       tried,
	       "each is counted");
	TAP_OK(info_of(s, 1, 0).endpoint.to.in.sin_port == htons(51820), "and moves no endpoint");
	sim_free(s);
}

static bool keep_initiation(struct sim *s, struct sim_flight *f)
{
	if (f->data[0] == NOISE_INITIATION)
		s->kept = *f;
	return true;
}

static void test_initiation_replay(void)
{
	struct sim *s = pair();

	s->tap = keep_initiation;
	stream(s, 0, 1, S);
	s->tap = NULL;
	sim_fly(s, &s->kept);
	sim_run(s, S);
	TAP_OK(sim_count(s, 1, WG_TX_RESPONSE) == 1 && sim_count(s, 1, WG_DROP_OLD_INITIATION) == 1,
	       "a replayed initiation gets no response");
	s->kept.data[40] ^= 1;
	sim_fly(s, &s->kept);
	sim_run(s, S);
	TAP_OK(sim_count(s, 1, WG_DROP_MAC1) == 1, "a changed one fails its mac1");
	sim_free(s);
}

static void test_wrong_source(void)
{
	struct sim *s = sim_new(1, 3);

	sim_join(s, 0, 1);
	sim_join(s, 1, 2);
	sim_send_as(s, 0, 1, 64, 2);
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 0 && sim_count(s, 1, WG_DROP_SOURCE) == 1,
	       "a packet with another peer's address is dropped");
	TAP_OK(info_of(s, 1, 0).source_dropped == 1, "and counted for its sender");
	sim_free(s);
}

static void test_forwarding(void)
{
	struct sim *s = sim_new(1, 3);
	struct cidr all = {.family = AF_INET, .bits = 0};
	struct rn_error err;

	sim_join(s, 0, 1);
	rn_assert(wg_allow(s->nodes[0].dev, sim_peer(s, 0, 1), &all, &err) == 0);
	sim_send(s, 0, 2, 64);
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 0 && sim_count(s, 1, WG_DROP_FORWARD) == 1,
	       "a packet to another address is not delivered");
	wg_set_forward(s->nodes[1].dev, true);
	sim_send(s, 0, 2, 64);
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 1, "unless forwarding is on");
	sim_free(s);
}

static void test_refuse(void)
{
	struct sim *s = sim_new(1, 2);

	sim_send(s, 0, 1, 64);
	TAP_OK(s->nodes[0].refused == 1 && s->nodes[0].refused_why == WG_DROP_NO_PEER,
	       "a packet to nobody is refused");
	sim_add_peer(s, 0, 1, false);
	sim_send(s, 0, 1, 64);
	TAP_OK(s->nodes[0].refused == 2 && s->nodes[0].refused_why == WG_DROP_NO_ENDPOINT,
	       "and one to a peer without an address");
	sim_free(s);
}

/* ---- settings while packets flow ---- */

static void test_psk(void)
{
	struct sim *s = pair();
	uint8_t psk[WG_KEY_LEN] = {1, 2, 3};

	wg_peer_set_psk(s->nodes[0].dev, sim_peer(s, 0, 1), psk);
	sim_send(s, 0, 1, 64);
	sim_run(s, 3 * S);
	TAP_OK(s->nodes[1].delivered == 0 && info_of(s, 0, 1).responses_failed == 1,
	       "a psk on one side only fails, and is counted so");
	wg_peer_set_psk(s->nodes[1].dev, sim_peer(s, 1, 0), psk);
	sim_run(s, 10 * S);
	TAP_OK(s->nodes[1].delivered == 1, "with the same psk the next try succeeds");
	TAP_OK(info_of(s, 0, 1).has_psk, "it is shown as set");
	sim_free(s);
}

static void test_roaming(void)
{
	struct sim *s = pair();

	stream(s, 0, 1, S);
	s->nodes[0].at.in.sin_port = htons(4242);
	stream(s, 1, 0, S);
	TAP_OK(s->nodes[0].delivered == 0, "a peer that moved is not found");
	stream(s, 0, 1, S);
	stream(s, 1, 0, S);
	TAP_OK(s->nodes[0].delivered == 10 && s->nodes[1].events[WG_EVENT_ENDPOINT] == 1,
	       "until it sends a packet from there");
	sim_free(s);
}

static void test_removal(void)
{
	struct sim *s = pair();

	stream(s, 0, 1, S);
	sim_send(s, 0, 1, 64);
	wg_peer_remove(s->nodes[1].dev, sim_peer(s, 1, 0));
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 10 && sim_count(s, 1, WG_DROP_UNKNOWN_INDEX) == 1,
	       "nothing comes from a removed peer");
	TAP_OK(s->nodes[1].dev->index.len == 0 && wg_peer_count(s->nodes[1].dev) == 0 &&
		       wg_deadline(s->nodes[1].dev) == UINT64_MAX,
	       "nothing is left of it");
	sim_run(s, 30 * S);
	TAP_OK(sim_count(s, 1, WG_DROP_UNKNOWN_PEER) > 0, "its handshakes are dropped");
	sim_add_peer(s, 1, 0, false);
	stream(s, 0, 1, 20 * S);
	TAP_OK(s->nodes[1].delivered > 100, "added again it is back");
	sim_free(s);
}

static void test_key_change(void)
{
	struct sim *s = pair();
	struct sim_node *n = &s->nodes[0];
	struct rn_error err;

	stream(s, 0, 1, S);
	n->private_key[5] ^= 1;
	TAP_OK(wg_set_private_key(n->dev, n->private_key, &err) == 0 && !info_of(s, 0, 1).session,
	       "a new private key ends all sessions");
	wg_key_public(n->public_key, n->private_key);
	sim_run(s, 6 * S);
	stream(s, 0, 1, S);
	TAP_OK(s->nodes[1].delivered == 10, "the peer does not know it");
	sim_add_peer(s, 1, 0, true);
	sim_run(s, 6 * S);
	stream(s, 0, 1, S);
	TAP_OK(s->nodes[1].delivered > 20 && !s->bad, "and then does");
	TAP_OK(!wg_peer_add(n->dev, n->public_key, &err) && err.code == RN_EDATA,
	       "our own key is no peer");
	TAP_OK(wg_set_private_key(n->dev, s->nodes[1].private_key, &err) == 0 &&
		       wg_peer_count(n->dev) == 0,
	       "a peer whose key becomes ours is removed");
	TAP_OK(wg_set_private_key(n->dev, NULL, &err) == 0 &&
		       !wg_public_key(n->dev, (uint8_t[32]){0}),
	       "a key can be taken away");
	sim_free(s);
}

/* ---- load ---- */

/* Initiations that know our public key but no more. */
static void flood(struct sim *s, unsigned to, unsigned n)
{
	struct noise_initiation m = {.type = NOISE_INITIATION};
	struct cookie_peer none = {.cookie_ns = UINT64_MAX};
	struct wg_endpoint from = {.to = s->nodes[0].at};
	struct wg_dgram d = {(uint8_t *)&m, sizeof(m), &from};

	from.to.in.sin_addr.s_addr = htonl(0xC6336401);
	for (unsigned i = 0; i < n; i++) {
		sim_on_random(&s->nodes[to], m.ephemeral, sizeof(m.ephemeral));
		cookie_add_macs(&none, s->nodes[to].public_key, (uint8_t *)&m, sizeof(m),
				s->now_ns);
		wg_input_udp(s->nodes[to].dev, &d, 1, s->now_ns);
	}
}

static void test_load(void)
{
	struct sim *s = pair();
	uint64_t forged;

	flood(s, 1, 2000);
	forged = sim_count(s, 1, WG_DROP_HANDSHAKE);
	TAP_OK(forged < 1100 && forged + sim_count(s, 1, WG_DROP_MAC2) == 2000,
	       "a flood soon gets no more X25519");
	TAP_OK(sim_count(s, 1, WG_TX_COOKIE) == 512, "but cookies, so many at once");
	sim_send(s, 0, 1, 64);
	sim_run(s, 100 * NS_PER_MS);
	TAP_OK(sim_count(s, 0, WG_RX_COOKIE) == 1 && s->nodes[1].delivered == 0,
	       "a peer is asked for its cookie too");
	for (unsigned i = 0; i < 55; i++) {
		sim_run(s, 100 * NS_PER_MS);
		flood(s, 1, 100);
	}
	TAP_OK(s->nodes[1].delivered == 1, "and passes with it while the flood goes on");
	TAP_OK(sim_count(s, 1, WG_DROP_HANDSHAKE) - forged < 5600, "which goes on costing little");
	sim_run(s, 10 * S);
	TAP_OK(!wg_limit_under_load(&s->nodes[1].dev->limit, s->now_ns), "load passes");
	sim_free(s);
}

/* The device under load is the one that begins: the peer's response needs a cookie, too. */
static void test_load_as_initiator(void)
{
	struct sim *s = pair();

	flood(s, 0, 2000);
	sim_send(s, 0, 1, 64);
	for (unsigned i = 0; i < 70; i++) {
		sim_run(s, 100 * NS_PER_MS);
		flood(s, 0, 100);
	}
	TAP_OK(sim_count(s, 1, WG_RX_COOKIE) == 1 && s->nodes[1].delivered == 1,
	       "a device under load completes its own handshakes with a cookie");
	TAP_OK(s->nodes[0].dev->index.len <= 2 && s->nodes[1].dev->index.len <= 3,
	       "and keeps no index of those in vain");
	sim_free(s);
}

static void test_limit(void)
{
	struct wg_limit l;
	struct addr a = {.in6 = {.sin6_family = AF_INET6}};
	unsigned passed = 0;

	rn_assert(wg_limit_init(&l));
	for (unsigned i = 0; i < 1000; i++) {
		a.in6.sin6_addr.s6_addr[15] = (uint8_t)i; /* the same /64 */
		passed += wg_limit_allow(&l, &a, i * NS_PER_MS);
	}
	TAP_OK(passed >= 20 && passed <= 25,
	       "an IPv6 /64 gets 20 handshakes a second, and 5 at once");
	a.in6.sin6_addr.s6_addr[7] = 1;
	TAP_OK(wg_limit_allow(&l, &a, NS_PER_S), "another /64 its own");
	wg_limit_free(&l);
}

/* ---- IPv6, allowed IPs, padding, memory ---- */

static const uint8_t v6_of[2][16] = {{0xfd, [15] = 1}, {0xfd, [15] = 2}};
static struct wg_pkt last_delivered;
static uint32_t longest_sent;

static void keep_delivered(void *ctx, const struct wg_pkt *v, size_t n)
{
	(void)ctx;
	last_delivered = v[n - 1];
}

/* Sends an IPv6 packet of LEN bytes from node 0 to node 1. */
static void send_v6(struct sim *s, uint32_t len)
{
	uint8_t room[WG_HEAD + 256 + WG_TAIL] = {0}, *ip = room + WG_HEAD;
	struct wg_pkt pkt = {ip, len, NULL};

	ip[0] = 0x60;
	ip[5] = (uint8_t)(len - 40);
	memcpy(ip + 8, v6_of[0], 16);
	memcpy(ip + 24, v6_of[1], 16);
	wg_input_tun(s->nodes[0].dev, &pkt, 1, s->now_ns);
}

static void test_v6(void)
{
	static struct wg_ops ops;
	struct sim *s = pair();
	struct addr own = {.in6 = {.sin6_family = AF_INET6}};
	struct rn_error err;

	for (unsigned i = 0; i < 2; i++) { /* outside, too */
		s->nodes[i].at =
			(struct addr){.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(51820)}};
		s->nodes[i].at.in6.sin6_addr.s6_addr[15] = (uint8_t)(i + 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		struct cidr c = {.family = AF_INET6, .bits = 128};

		memcpy(c.ip, v6_of[!i], 16);
		rn_assert(wg_allow(s->nodes[i].dev, sim_peer(s, i, !i), &c, &err) == 0);
		wg_peer_set_endpoint(s->nodes[i].dev, sim_peer(s, i, !i), &s->nodes[!i].at);
	}
	ops = sim_ops;
	ops.deliver = keep_delivered;
	s->nodes[1].dev->ops = &ops;
	last_delivered.len = 0;
	send_v6(s, 77);
	sim_run(s, S);
	TAP_OK(last_delivered.len == 0 && sim_count(s, 1, WG_DROP_FORWARD) == 1,
	       "IPv6 to no address of ours is dropped");
	memcpy(&own.in6.sin6_addr, v6_of[1], 16);
	rn_assert(wg_set_addresses(s->nodes[1].dev, &own, 1, &err) == 0);
	send_v6(s, 77);
	sim_run(s, S);
	TAP_OK(last_delivered.len == 77, "IPv6 inside and outside: delivered without its padding");
	flood(s, 1, 3000);
	wg_peer_reset(s->nodes[0].dev, sim_peer(s, 0, 1));
	send_v6(s, 78);
	sim_run(s, 7 * S);
	TAP_OK(last_delivered.len == 78 && sim_count(s, 0, WG_RX_COOKIE) == 1,
	       "a cookie is for an IPv6 address as well");
	sim_free(s);
}

static void test_allowed_ips(void)
{
	struct sim *s = sim_new(1, 3);
	struct wg_device *dev = s->nodes[0].dev;
	struct wg_peer *one = sim_add_peer(s, 0, 1, true), *two = sim_add_peer(s, 0, 2, true);
	struct addr a = {.in = {.sin_family = AF_INET}};
	struct cidr c = {.family = AF_INET, .bits = 24, .ip = {10, 9, 0, 99}}, got;
	struct rn_error err;
	uint32_t at = 0;
	unsigned n = 0;

	memcpy(&a.in.sin_addr, (uint8_t[]){10, 9, 0, 1}, 4);
	TAP_OK(wg_allow(dev, one, &c, &err) == 0 && wg_allowed_find(dev, &a) == one,
	       "a prefix is its peer's");
	TAP_OK(wg_allow(dev, two, &c, &err) == 0 && wg_allowed_find(dev, &a) == two,
	       "and moves to another");
	while (wg_allowed_next(dev, two, &at, &got))
		n += got.bits == 32 || (got.bits == 24 && got.ip[3] == 0);
	TAP_OK(n == 2, "a walk shows them without host bits");
	TAP_OK(!wg_disallow(dev, one, &c) && wg_disallow(dev, two, &c) && !wg_allowed_find(dev, &a),
	       "only its owner can lose it");
	c.bits = 33;
	TAP_OK(wg_allow(dev, one, &c, &err) == RN_EDATA, "a bad length is refused");
	wg_peer_remove(dev, two);
	at = 0;
	TAP_OK(wg_allowed_next(dev, one, &at, &got) && !wg_allowed_next(dev, one, &at, &got),
	       "a removed peer takes its own along");
	sim_free(s);
}

static bool keep_longest(struct sim *s, struct sim_flight *f)
{
	(void)s;
	longest_sent = MAX(longest_sent, f->len);
	return true;
}

static void test_padding(void)
{
	struct sim *s = pair();

	sim_send(s, 0, 1, 100);
	sim_run(s, S);
	s->tap = keep_longest;
	wg_set_mtu(s->nodes[0].dev, 199);
	sim_send(s, 0, 1, 195);
	TAP_OK(longest_sent == 199 + 32, "padding does not go beyond the MTU");
	sim_send(s, 0, 1, 201);
	TAP_OK(longest_sent == 208 + 32, "a longer packet is padded as ever");
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 3, "all are delivered");
	sim_free(s);
}

static void test_peer_memory(void)
{
	struct sim *s = sim_new(1, 1);
	uint8_t key[WG_KEY_LEN] = {9};
	struct rn_error err;
	unsigned fails = 0;

	for (unsigned n = 1; n < 20; n++) {
		struct wg_peer *p;

		key[0]++;
		mem_fail_at(n);
		p = wg_peer_add(s->nodes[0].dev, key, &err);
		mem_fail_at(0);
		fails += !p;
		if (!p && (err.code != RN_EOS || wg_peer_find(s->nodes[0].dev, key)))
			fails = 100;
	}
	TAP_OK(fails && fails < 20, "a peer without memory is refused and leaves nothing");
	memset(key, 0, sizeof(key));
	TAP_OK(!wg_peer_add(s->nodes[0].dev, key, &err) && err.code == RN_EDATA,
	       "a key of low order is refused");
	TAP_OK(wg_set_private_key(s->nodes[0].dev, key, &err) == RN_EDATA,
	       "so is a private key of zeros");
	for (unsigned i = 0; i < WG_COUNTERS_LEN; i++)
		fails += !wg_counter_name(i);
	TAP_OK(fails < 20, "every counter has a name");
	sim_free(s);
}

/* ---- messages of no peer ---- */

static void test_garbage(void)
{
	struct sim *s = pair();
	struct wg_endpoint from = {.to = s->nodes[0].at};
	uint8_t bytes[200];

	for (unsigned len = 0; len < sizeof(bytes); len++)
		for (uint8_t type = 0; type < 6; type++) {
			struct wg_dgram d = {bytes, len, &from};

			memset(bytes, 0, sizeof(bytes));
			bytes[0] = type;
			wg_input_udp(s->nodes[1].dev, &d, 1, s->now_ns);
		}
	TAP_OK(s->datagrams == 0 && s->nodes[1].delivered == 0, "garbage gets no answer");
	TAP_OK(wg_deadline(s->nodes[1].dev) == UINT64_MAX, "and starts no timer");
	sim_free(s);
}

int main(void)
{
	test_first_packet();
	test_give_up();
	test_rekey_by_time();
	test_rekey_by_receiving();
	test_rekey_by_count();
	test_expiry();
	test_passive_keepalive();
	test_persistent_keepalive();
	test_simultaneous();
	test_replay();
	test_forged();
	test_initiation_replay();
	test_wrong_source();
	test_forwarding();
	test_refuse();
	test_psk();
	test_roaming();
	test_removal();
	test_key_change();
	test_load();
	test_load_as_initiator();
	test_limit();
	test_v6();
	test_allowed_ips();
	test_padding();
	test_peer_memory();
	test_garbage();
	return tap_done();
}
