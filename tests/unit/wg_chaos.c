/* SPDX-License-Identifier: MIT
 *
 * Three nodes, every one a peer of every other, on a link that loses, doubles, reorders, changes
 * and replays datagrams, while peers move, are removed, change keys, and hours pass. Nothing may be
 * delivered that was not sent by the one it claims, or twice; and when the link is good again, so
 * is the tunnel.
 *
 * Takes the number of events and a seed as arguments (check-long runs a million).
 */
#include "wg_sim.h"

#include "tap.h"

#define NODES 3U

/* Changes some datagrams, keeps some and sends them again later. */
static bool meddle(struct sim *s, struct sim_flight *f)
{
	struct sim_flight changed = *f;

	if (sim_chance(s, 5)) {
		changed.data[sim_random(s) % f->len] ^= (uint8_t)(1 << sim_random(s) % 8);
		sim_fly(s, &changed);
	}
	if (sim_chance(s, 3))
		s->kept = *f;
	if (sim_chance(s, 3) && s->kept.len) {
		s->kept.from.in.sin_port = htons((uint16_t)(1 + sim_random(s) % 60000));
		sim_fly(s, &s->kept);
	}
	return true;
}

static void change_psk(struct sim *s, unsigned a, unsigned b)
{
	uint8_t psk[WG_KEY_LEN];

	sim_on_random(&s->nodes[a], psk, sizeof(psk));
	wg_peer_set_psk(s->nodes[a].dev, sim_peer(s, a, b), psk);
	wg_peer_set_psk(s->nodes[b].dev, sim_peer(s, b, a), psk);
}

static void change_key(struct sim *s, unsigned a)
{
	struct sim_node *n = &s->nodes[a];
	struct rn_error err;

	for (unsigned b = 0; b < NODES; b++)
		if (b != a)
			wg_peer_remove(s->nodes[b].dev, sim_peer(s, b, a));
	sim_on_random(n, n->private_key, WG_KEY_LEN);
	wg_key_public(n->public_key, n->private_key);
	rn_assert(wg_set_private_key(n->dev, n->private_key, &err) == 0);
	for (unsigned b = 0; b < NODES; b++)
		if (b != a) {
			uint8_t psk[WG_KEY_LEN];

			sim_add_peer(s, b, a, true);
			wg_peer_psk(sim_peer(s, a, b), psk);
			wg_peer_set_psk(s->nodes[b].dev, sim_peer(s, b, a), psk);
		}
}

static void remove_and_add(struct sim *s, unsigned a, unsigned b)
{
	uint8_t psk[WG_KEY_LEN];

	wg_peer_psk(sim_peer(s, a, b), psk);
	wg_peer_remove(s->nodes[a].dev, sim_peer(s, a, b));
	wg_peer_set_psk(s->nodes[a].dev, sim_add_peer(s, a, b, true), psk);
}

/* Something seldom. */
static void upset(struct sim *s, unsigned a, unsigned b)
{
	switch (sim_random(s) % 8) {
	case 0:
		s->nodes[a].at.in.sin_port = htons((uint16_t)(1024 + sim_random(s) % 60000));
		break;
	case 1:
		change_psk(s, a, b);
		break;
	case 2:
		change_key(s, a);
		break;
	case 3:
		remove_and_add(s, a, b);
		break;
	case 4:
		wg_peer_set_keepalive(s->nodes[a].dev, sim_peer(s, a, b),
				      sim_random(s) % 2 ? 25 : 0, s->now_ns);
		break;
	case 5:
		s->loss_percent = (unsigned)(sim_random(s) % 100);
		break;
	case 6:
		wg_peer_reset(s->nodes[a].dev, sim_peer(s, a, b));
		break;
	default:
		sim_run(s, sim_random(s) % (1000 * NS_PER_S));
	}
}

static void live(struct sim *s, unsigned long events)
{
	for (unsigned long i = 0; i < events; i++) {
		unsigned a = (unsigned)(sim_random(s) % NODES),
			 b = (a + 1 + (unsigned)(sim_random(s) % 2)) % NODES;

		if (sim_chance(s, 40))
			sim_send(s, a, b, SIM_PACKET_MIN + (uint32_t)(sim_random(s) % 150));
		else if (!sim_step(s, s->now_ns + 60 * NS_PER_S))
			s->now_ns += sim_random(s) % NS_PER_S;
		if (sim_random(s) % 500 == 0)
			upset(s, a, b);
	}
}

/* The link is good and everybody knows where everybody is. */
static void heal(struct sim *s)
{
	s->tap = NULL;
	s->loss_percent = s->twice_percent = 0;
	for (unsigned a = 0; a < NODES; a++)
		for (unsigned b = 0; b < NODES; b++)
			if (a != b)
				wg_peer_set_endpoint(s->nodes[a].dev, sim_peer(s, a, b),
						     &s->nodes[b].at);
	sim_run(s, 20 * NS_PER_S);
}

static bool all_reach(struct sim *s)
{
	bool good = true;

	for (unsigned a = 0; a < NODES; a++)
		for (unsigned b = 0; b < NODES; b++)
			if (a != b)
				sim_send(s, a, b, 64);
	sim_run(s, 20 * NS_PER_S);
	for (unsigned a = 0; a < NODES; a++)
		for (unsigned b = 0; b < NODES; b++)
			if (a != b) {
				unsigned before = s->nodes[b].delivered;

				sim_send(s, a, b, 64);
				sim_run(s, NS_PER_S);
				good = good && s->nodes[b].delivered == before + 1;
			}
	return good;
}

int main(int argc, char **argv)
{
	unsigned long events = argc > 1 ? strtoul(argv[1], NULL, 10) : 30000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct sim *s = sim_new(seed, NODES);
	unsigned delivered = 0;

	for (unsigned a = 0; a < NODES; a++)
		for (unsigned b = a + 1; b < NODES; b++)
			sim_join(s, a, b);
	s->tap = meddle;
	s->loss_percent = 10;
	s->twice_percent = 5;
	s->delay_spread_ns = 30 * NS_PER_MS;
	live(s, events);
	for (unsigned i = 0; i < NODES; i++)
		delivered += s->nodes[i].delivered;
	printf("# %lu events, %u datagrams, %u delivered, %lu s\n", events, s->datagrams, delivered,
	       (unsigned long)(s->now_ns / NS_PER_S));
	TAP_OK(delivered > events / 20, "much gets through");
	TAP_OK(s->bad == 0, "nothing wrong is delivered");
	heal(s);
	TAP_OK(all_reach(s), "on a good link everybody reaches everybody");
	TAP_OK(s->bad == 0, "still nothing wrong");
	for (unsigned i = 0; i < NODES; i++)
		wg_peer_remove_all(s->nodes[i].dev);
	TAP_OK(!s->nodes[0].dev->index.len && !s->nodes[1].dev->index.len &&
		       !s->nodes[2].dev->index.len && !s->nodes[0].dev->staged_bytes,
	       "removed peers leave nothing");
	sim_free(s);
	return tap_done();
}
