/* SPDX-License-Identifier: MIT
 *
 * A small world for tests of the WireGuard engine: nodes with an engine each, a network between them
 * that loses, doubles, delays and so reorders, and time that jumps to the next event. Everything
 * follows from the seed. Plain packets carry their sender and a number, so that each delivery is
 * held against what was really sent.
 */
#ifndef RN_WG_SIM_H
#define RN_WG_SIM_H

#include "wg/state.h"

#define SIM_NODES 4
#define SIM_FLIGHT 4096 /* datagrams under way */
#define SIM_SENT_MAX (1U << 20)
#define SIM_PACKET_MIN 36U /* IPv4 header, sender, number */
#define SIM_WALL_NS (1763640000ULL * NS_PER_S)

struct sim;
struct sim_node {
	struct sim *sim;
	struct wg_device *dev;
	struct addr at; /* 192.0.2.N:51820; change it to roam */
	uint8_t public_key[WG_KEY_LEN], private_key[WG_KEY_LEN];
	uint8_t *sent; /* a byte a number: 0 not sent, 1 sent, 2 delivered; by this sender */
	uint32_t next_number;
	unsigned delivered, refused, events[3];
	enum wg_counter refused_why;
	const struct wg_peer *event_peer;
};

struct sim_flight {
	uint64_t at_ns;
	struct addr from, to;
	uint32_t len;
	uint8_t data[256];
};

struct sim {
	uint64_t random, now_ns;
	unsigned loss_percent, twice_percent;
	uint64_t delay_ns, delay_spread_ns;
	struct sim_node nodes[SIM_NODES];
	struct sim_flight flight[SIM_FLIGHT];
	unsigned flying, datagrams;
	unsigned bad; /* deliveries that should not be */
	/* Sees each datagram before it flies; false drops it. May change it. */
	bool (*tap)(struct sim *s, struct sim_flight *f);
	struct sim_flight kept; /* for taps */
	unsigned kept_count;
};

static uint64_t sim_random(struct sim *s)
{
	uint64_t z = (s->random += 0x9E3779B97F4A7C15ULL); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
	return z ^ (z >> 31);
}

static bool sim_chance(struct sim *s, unsigned percent)
{
	return sim_random(s) % 100 < percent;
}

/* ---- network ---- */

static void sim_fly(struct sim *s, const struct sim_flight *f)
{
	if (s->flying == SIM_FLIGHT)
		return;
	s->flight[s->flying] = *f;
	s->flight[s->flying++].at_ns = s->now_ns + s->delay_ns +
				       (s->delay_spread_ns ? sim_random(s) % s->delay_spread_ns : 0);
}

static void sim_on_send(void *ctx, const struct wg_dgram *v, size_t n)
{
	struct sim_node *node = ctx;
	struct sim *s = node->sim;

	for (size_t i = 0; i < n; i++) {
		struct sim_flight f = {.from = node->at, .to = v[i].at->to, .len = v[i].len};

		rn_assert(v[i].len <= sizeof(f.data));
		memcpy(f.data, v[i].data, v[i].len);
		s->datagrams++;
		if ((s->tap && !s->tap(s, &f)) || sim_chance(s, s->loss_percent))
			continue;
		sim_fly(s, &f);
		if (sim_chance(s, s->twice_percent))
			sim_fly(s, &f);
	}
}

/* ---- plain packets ---- */

/* 10.0.0.N */
static void sim_ip(uint8_t out[static 4], unsigned node)
{
	memcpy(out, (uint8_t[]){10, 0, 0, (uint8_t)(node + 1)}, 4);
}

static void sim_on_deliver(void *ctx, const struct wg_pkt *v, size_t n)
{
	struct sim_node *node = ctx;
	struct sim *s = node->sim;

	for (size_t i = 0; i < n; i++) {
		uint32_t from, number;

		memcpy(&from, v[i].data + 20, 4);
		memcpy(&number, v[i].data + 24, 4);
		if (v[i].len < SIM_PACKET_MIN || from >= SIM_NODES || number >= SIM_SENT_MAX ||
		    s->nodes[from].sent[number] != 1 || v[i].data[15] != from + 1 ||
		    memcmp(v[i].peer->public_key, s->nodes[from].public_key, WG_KEY_LEN) != 0) {
			s->bad++;
			continue;
		}
		s->nodes[from].sent[number] = 2;
		node->delivered++;
	}
}

/* Sends LEN bytes from node A to node B's tunnel address; SOURCE is whose address it bears. */
static void sim_send_as(struct sim *s, unsigned a, unsigned b, uint32_t len, unsigned source)
{
	struct sim_node *node = &s->nodes[a];
	uint8_t room[WG_HEAD + 256 + WG_TAIL] = {0}, *ip = room + WG_HEAD;
	struct wg_pkt pkt = {ip, len, NULL};
	uint32_t number = node->next_number++ % SIM_SENT_MAX;

	ip[0] = 0x45;
	ip[2] = (uint8_t)(len >> 8);
	ip[3] = (uint8_t)len;
	sim_ip(ip + 12, source);
	sim_ip(ip + 16, b);
	memcpy(ip + 20, &a, 4);
	memcpy(ip + 24, &number, 4);
	node->sent[number] = 1;
	wg_input_tun(node->dev, &pkt, 1, s->now_ns);
}

static void sim_send(struct sim *s, unsigned a, unsigned b, uint32_t len)
{
	sim_send_as(s, a, b, len, a);
}

/* ---- nodes ---- */

static void sim_on_refuse(void *ctx, const struct wg_pkt *pkt, enum wg_counter why)
{
	struct sim_node *node = ctx;

	(void)pkt;
	node->refused++;
	node->refused_why = why;
}

static void sim_on_event(void *ctx, struct wg_peer *peer, enum wg_event what)
{
	struct sim_node *node = ctx;

	node->events[what]++;
	node->event_peer = peer;
}

static uint64_t sim_wall(void *ctx)
{
	return SIM_WALL_NS + ((struct sim_node *)ctx)->sim->now_ns;
}

static void sim_on_random(void *ctx, void *out, size_t len)
{
	uint8_t *p = out;

	while (len--)
		*p++ = (uint8_t)sim_random(((struct sim_node *)ctx)->sim);
}

static const struct wg_ops sim_ops = {sim_on_send,  sim_on_deliver, sim_on_refuse,
				      sim_on_event, sim_wall,	    sim_on_random};

static struct sim *sim_new(uint64_t seed, unsigned nodes)
{
	struct sim *s = calloc(1, sizeof(*s));
	struct rn_error err;

	rn_assert(s && secret_init());
	s->random = seed;
	s->delay_ns = 10 * NS_PER_MS;
	for (unsigned i = 0; i < nodes; i++) {
		struct sim_node *n = &s->nodes[i];
		struct addr ip = {.in = {.sin_family = AF_INET}};

		n->sim = s;
		n->sent = calloc(1, SIM_SENT_MAX);
		n->at.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(51820)};
		memcpy(&n->at.in.sin_addr, (uint8_t[]){192, 0, 2, (uint8_t)(i + 1)}, 4);
		n->dev = wg_device_new(&sim_ops, n, &err);
		rn_assert(n->dev && n->sent);
		sim_on_random(n, n->private_key, WG_KEY_LEN);
		wg_key_public(n->public_key, n->private_key);
		rn_assert(wg_set_private_key(n->dev, n->private_key, &err) == 0);
		sim_ip((uint8_t *)&ip.in.sin_addr, i);
		rn_assert(wg_set_addresses(n->dev, &ip, 1, &err) == 0);
	}
	return s;
}

static void sim_free(struct sim *s)
{
	for (unsigned i = 0; i < SIM_NODES; i++) {
		wg_device_free(s->nodes[i].dev);
		free(s->nodes[i].sent);
	}
	free(s);
}

/* Makes B a peer of A, with B's tunnel address. */
static struct wg_peer *sim_add_peer(struct sim *s, unsigned a, unsigned b, bool endpoint)
{
	struct cidr c = {.family = AF_INET, .bits = 32};
	struct rn_error err;
	struct wg_peer *peer = wg_peer_add(s->nodes[a].dev, s->nodes[b].public_key, &err);

	rn_assert(peer);
	sim_ip(c.ip, b);
	rn_assert(wg_allow(s->nodes[a].dev, peer, &c, &err) == 0);
	if (endpoint)
		wg_peer_set_endpoint(s->nodes[a].dev, peer, &s->nodes[b].at);
	return peer;
}

static void sim_join(struct sim *s, unsigned a, unsigned b)
{
	sim_add_peer(s, a, b, true);
	sim_add_peer(s, b, a, true);
}

static struct wg_peer *sim_peer(struct sim *s, unsigned a, unsigned b)
{
	return wg_peer_find(s->nodes[a].dev, s->nodes[b].public_key);
}

/* ---- time ---- */

static void sim_land(struct sim *s, unsigned i)
{
	struct sim_flight f = s->flight[i];
	struct wg_endpoint from = {.to = f.from};
	struct wg_dgram d = {f.data, f.len, &from};

	s->flight[i] = s->flight[--s->flying];
	for (unsigned n = 0; n < SIM_NODES; n++)
		if (s->nodes[n].dev && !memcmp(&s->nodes[n].at, &f.to, sizeof(f.to)))
			wg_input_udp(s->nodes[n].dev, &d, 1, s->now_ns);
}

/* The next event at or before UNTIL; false if there is none. */
static bool sim_step(struct sim *s, uint64_t until_ns)
{
	uint64_t next = UINT64_MAX;
	unsigned who = SIM_NODES, flight = 0;

	for (unsigned i = 0; i < SIM_NODES; i++)
		if (s->nodes[i].dev && wg_deadline(s->nodes[i].dev) < next) {
			next = wg_deadline(s->nodes[i].dev);
			who = i;
		}
	for (unsigned i = 0; i < s->flying; i++)
		if (s->flight[i].at_ns < next) {
			next = s->flight[i].at_ns;
			who = SIM_NODES;
			flight = i;
		}
	if (next > until_ns)
		return false;
	s->now_ns = MAX(s->now_ns, next);
	if (who < SIM_NODES)
		wg_timers(s->nodes[who].dev, s->now_ns);
	else
		sim_land(s, flight);
	return true;
}

static void sim_run(struct sim *s, uint64_t for_ns)
{
	uint64_t until = s->now_ns + for_ns;

	while (sim_step(s, until))
		;
	s->now_ns = until;
}

#define sim_count(s, node, which) wg_counter((s)->nodes[node].dev, (which))

#endif
