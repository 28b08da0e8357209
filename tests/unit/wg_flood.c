/* SPDX-License-Identifier: MIT
 *
 * No allocation on an attacker's demand: malloc and its kin are counted while datagrams of every kind that
 * somebody without a key can make, and those that can be replayed, are poured into the engine. Also what
 * the engine tells of a peer's quality: the round trip and the loss.
 */
#include "wg_sim.h"

#include "tap.h"

#define FLOOD 20000U
#define S NS_PER_S

/* ---- counting allocations ------------------------------------------------------------ */

static unsigned allocations;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTED false /* the sanitizer's own malloc is in place */
#else
#define COUNTED true
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	allocations++;
	return __libc_realloc(p, size);
}
#endif

/* ---- the floods ------------------------------------------------------------ */

/* Keeps the first datagram of a kind that flies. */
static bool keep_initiation(struct sim *s, struct sim_flight *f)
{
	if (f->data[0] == NOISE_INITIATION && !s->kept_count++)
		s->kept = *f;
	return true;
}

static bool keep_data(struct sim *s, struct sim_flight *f)
{
	if (f->data[0] == NOISE_DATA && !s->kept_count++)
		s->kept = *f;
	return true;
}

/* Pours N datagrams like F into node 1, one a microsecond, each from another address; CHANGE makes each
 * what it should be. */
typedef void change_fn(struct sim *s, struct sim_flight *f, unsigned i);

static unsigned pour(struct sim *s, const struct sim_flight *f, unsigned n, change_fn *change)
{
	unsigned before = allocations;

	for (unsigned i = 0; i < n; i++) {
		struct sim_flight one = *f;
		struct wg_endpoint at = {.to = f->from};
		struct wg_dgram d = {one.data, one.len, &at};
		uint32_t ip = htonl(0xCB007100U + i % 251);

		memcpy(&at.to.in.sin_addr, &ip, sizeof(ip));
		if (change) {
			change(s, &one, i);
			d.len = one.len;
		}
		wg_input_udp(s->nodes[1].dev, &d, 1, s->now_ns += 1000);
		wg_timers(s->nodes[1].dev, s->now_ns);
	}
	return allocations - before;
}

static void make_garbage(struct sim *s, struct sim_flight *f, unsigned i)
{
	f->len = (uint32_t)(sim_random(s) % sizeof(f->data));
	sim_on_random(&s->nodes[0], f->data, f->len);
	f->data[0] = (uint8_t)(i % 5); /* mostly a type that exists */
	memset(f->data + 1, 0, 3);
}

static void forge_data(struct sim *s, struct sim_flight *f, unsigned i)
{
	uint64_t counter = 1000000 + i;

	(void)s;
	memcpy(f->data + 8, &counter, sizeof(counter));
	f->data[20] ^= 1;
}

/* Right first MAC, wrong everything else: what somebody who knows the public key can make. */
static void forge_initiation(struct sim *s, struct sim_flight *f, unsigned i)
{
	struct cookie_peer none = {.cookie_ns = UINT64_MAX};

	memcpy(f->data + 4, &i, sizeof(i));
	sim_on_random(&s->nodes[0], f->data + 8, 108);
	cookie_add_macs(&none, s->nodes[1].public_key, f->data, f->len, s->now_ns);
}

static struct sim *pair(bool (*tap)(struct sim *, struct sim_flight *))
{
	struct sim *s = sim_new(7, 2);

	sim_join(s, 0, 1);
	s->tap = tap;
	sim_send(s, 0, 1, 60);
	sim_run(s, S);
	s->tap = NULL;
	s->flying = 0;
	return s;
}

static void test_flood(void)
{
	struct sim *s = pair(keep_initiation);
	struct sim_flight garbage = {.from = s->nodes[0].at, .len = 100};
	uint64_t before = sim_count(s, 1, WG_TX_COOKIE);

	TAP_OK(allocations > 0, "allocations are counted");
	TAP_OK(pour(s, &garbage, FLOOD, make_garbage) == 0, "garbage of all lengths and types");
	TAP_OK(pour(s, &s->kept, FLOOD, NULL) == 0, "a real initiation, again and again");
	TAP_OK(pour(s, &s->kept, FLOOD, forge_initiation) == 0, "initiations that cost a handshake to refuse");
	TAP_OK(sim_count(s, 1, WG_TX_COOKIE) > before, "which are answered by cookies before long");
	sim_free(s);

	s = pair(keep_data);
	TAP_OK(pour(s, &s->kept, FLOOD, NULL) == 0, "real data, again and again");
	TAP_OK(pour(s, &s->kept, FLOOD, forge_data) == 0, "data with forged content");
	TAP_OK(sim_count(s, 1, WG_DROP_FORGED) >= FLOOD && sim_count(s, 1, WG_DROP_REPLAY) >= FLOOD,
	       "all of which was looked at");
	s->flying = 0;
	sim_send(s, 0, 1, 60);
	sim_run(s, S);
	TAP_OK(s->nodes[1].delivered == 2 && !s->bad, "and the session is as good as before");
	sim_free(s);
}

/* A peer that begins handshake after handshake costs the sessions that it replaces, and no more. */
static void test_handshakes(void)
{
	struct sim *s = pair(NULL);
	unsigned after_warm_up = 0;

	for (unsigned i = 0; i < 60; i++) {
		if (i == 10)
			after_warm_up = allocations;
		sim_run(s, 6 * S);
		wg_peer_connect(s->nodes[0].dev, sim_peer(s, 0, 1), s->now_ns);
		sim_run(s, S);
	}
	TAP_OK(sim_count(s, 1, WG_RX_INITIATION) >= 60, "60 handshakes by a peer of ours");
	TAP_OK(allocations == after_warm_up, "take no more memory than 10 did");
	sim_free(s);
}

/* ---- what is told of the link ------------------------------------------------------------ */

static bool lose_every_fourth(struct sim *s, struct sim_flight *f)
{
	return f->data[0] != NOISE_DATA || f->to.in.sin_addr.s_addr != s->nodes[1].at.in.sin_addr.s_addr ||
	       ++s->kept_count % 4 != 0;
}

static void test_quality(void)
{
	struct sim *s = sim_new(3, 2);
	struct wg_peer_info a, b;

	s->delay_ns = 25 * NS_PER_MS;
	sim_join(s, 0, 1);
	s->tap = lose_every_fourth;
	for (unsigned i = 0; i < 400; i++) {
		sim_send(s, 0, 1, 60);
		sim_run(s, 100 * NS_PER_MS);
	}
	s->tap = NULL;
	sim_send(s, 0, 1, 60);
	sim_run(s, S);
	wg_peer_info(sim_peer(s, 0, 1), s->now_ns, &a);
	wg_peer_info(sim_peer(s, 1, 0), s->now_ns, &b);
	TAP_OK(a.rtt_ns == 50 * NS_PER_MS, "who began the handshake knows the round trip");
	TAP_OK(b.rtt_ns == 50 * NS_PER_MS, "and who answered it does");
	TAP_OK(b.rx_packets >= 300 && b.rx_packets <= 303 && b.rx_lost == s->kept_count / 4,
	       "the gaps in the counters are the loss");
	TAP_OK(a.rx_lost == 0 && a.rx_packets > 0, "and none is told where none is");
	sim_run(s, 600 * S); /* sessions die, what they counted does not */
	wg_peer_info(sim_peer(s, 1, 0), s->now_ns, &b);
	TAP_OK(b.rx_lost == s->kept_count / 4 && !b.session, "also of sessions that are gone");
	sim_free(s);
}

int main(void)
{
	if (COUNTED)
		test_flood();
	if (COUNTED)
		test_handshakes();
	test_quality();
	return tap_done();
}
