/* SPDX-License-Identifier: MIT
 *
 * What the WireGuard engine costs by itself, on one core without any system call: packets encrypted
 * and decrypted, handshakes answered, and the memory of many live peers.
 */
#include "wg/wg.h"

#include <unistd.h>

#define BATCH 64U
#define ROUND_NS 300000000ULL
#define PEERS 10000U

struct end {
	struct wg_device *dev;
	struct end *other;
	struct wg_endpoint at;
	struct wg_dgram sent[BATCH * 2]; /* of the last call */
	uint8_t copies[BATCH * 2][160];	 /* of short ones */
	size_t sent_len;
	uint64_t delivered;
};

static uint64_t now; /* of the engines: made up */

/* ---- two ends ---- */

static void on_send(void *ctx, const struct wg_dgram *v, size_t n)
{
	struct end *e = ctx;

	for (size_t i = 0; i < n; i++) {
		struct wg_dgram *d = &e->sent[e->sent_len];

		*d = (struct wg_dgram){v[i].data, v[i].len, &e->at};
		if (v[i].len <= sizeof(e->copies[0]))
			d->data = memcpy(e->copies[e->sent_len], v[i].data, v[i].len);
		e->sent_len++;
	}
}

static void on_deliver(void *ctx, const struct wg_pkt *v, size_t n)
{
	(void)v;
	((struct end *)ctx)->delivered += n;
}

static const struct wg_ops ops = {.send = on_send, .deliver = on_deliver};

static void make_end(struct end *e, struct end *other, uint8_t host)
{
	uint8_t key[WG_KEY_LEN];
	struct rn_error err;

	e->other = other;
	e->at.to.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(51820)};
	e->at.to.in.sin_addr.s_addr = htonl(0xC0000200U + host);
	e->dev = wg_device_new(&ops, e, &err);
	rn_assert(e->dev);
	wg_key_generate(key);
	rn_assert(wg_set_private_key(e->dev, key, &err) == 0);
	wg_set_forward(e->dev, true);
}

/* Everything passes from one to the other until both are silent. */
static void exchange(struct end *a, struct end *b)
{
	while (a->sent_len || b->sent_len) {
		struct end *from = a->sent_len ? a : b;
		size_t n = from->sent_len;

		from->sent_len = 0;
		wg_input_udp(from->other->dev, from->sent, n, now);
	}
}

static struct wg_peer *add(struct end *e, struct end *other, const struct cidr *c)
{
	uint8_t key[WG_KEY_LEN];
	struct rn_error err;
	struct wg_peer *p;

	wg_public_key(other->dev, key);
	p = wg_peer_add(e->dev, key, &err);
	rn_assert(p && wg_allow(e->dev, p, c, &err) == 0);
	wg_peer_set_endpoint(e->dev, p, &other->at.to);
	return p;
}

static void ip_packet(uint8_t *ip, uint32_t len, uint32_t from, uint32_t to)
{
	memset(ip, 0, len);
	ip[0] = 0x45;
	ip[2] = (uint8_t)(len >> 8);
	ip[3] = (uint8_t)len;
	from = htonl(from);
	to = htonl(to);
	memcpy(ip + 12, &from, 4);
	memcpy(ip + 16, &to, 4);
}

/* ---- packets ---- */

static uint8_t room[BATCH][2048];

static void fill(struct wg_pkt v[static BATCH], uint32_t len)
{
	for (unsigned i = 0; i < BATCH; i++) {
		v[i] = (struct wg_pkt){room[0] + i * WG_SEALED_LEN(len) + WG_HEAD, len, NULL};
		ip_packet(v[i].data, len, 0x0A000001, 0x0A000002);
	}
}

static void print_speed(const char *what, uint32_t len, uint64_t packets, uint64_t ns)
{
	printf("bench=wg_engine what=%s bytes=%u packets_per_s=%.0f gbit_per_s=%.2f ns=%.0f\n",
	       what, len, (double)packets * 1e9 / (double)ns,
	       (double)packets * len * 8 / (double)ns, (double)ns / (double)packets);
}

static void bench_packets(struct end *a, struct end *b, uint32_t len)
{
	uint64_t seal_ns = 0, open_ns = 0, packets = 0, t0, t1, t2;
	struct wg_pkt v[BATCH];

	while (open_ns < ROUND_NS) {
		fill(v, len);
		t0 = clock_now_ns();
		wg_input_tun(a->dev, v, BATCH, now);
		t1 = clock_now_ns();
		a->sent_len = 0;
		wg_input_udp(b->dev, a->sent, BATCH, now);
		t2 = clock_now_ns();
		seal_ns += t1 - t0;
		open_ns += t2 - t1;
		packets += BATCH;
	}
	rn_assert(b->delivered >= packets);
	b->delivered = 0;
	print_speed("seal", len, packets, seal_ns);
	print_speed("open", len, packets, open_ns);
}

static void bench_pair(void)
{
	static struct end a, b;
	const struct cidr all = {.family = AF_INET};
	const uint32_t lens[] = {64, 256, 1280, 1420};
	struct wg_peer *peer;

	make_end(&a, &b, 1);
	make_end(&b, &a, 2);
	peer = add(&a, &b, &all);
	add(&b, &a, &all);
	wg_peer_connect(a.dev, peer, now);
	exchange(&a, &b);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++)
		bench_packets(&a, &b, lens[i]);
	wg_device_free(a.dev);
	wg_device_free(b.dev);
}

/* ---- many peers ---- */

static size_t resident_bytes(void)
{
	size_t total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%zu %zu", &total, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* From the hub to all of them in no order, so that little is in the processor's caches. */
static void bench_scattered(struct end *hub)
{
	uint64_t ns = 0, packets = 0, t;
	struct wg_pkt v[BATCH];
	uint32_t at = 1;

	while (ns < ROUND_NS) {
		fill(v, 64);
		for (unsigned i = 0; i < BATCH; i++) {
			at = at * 1664525 + 1013904223;
			ip_packet(v[i].data, 64, 0x0A000001, 0x0A000000 + (at >> 8) % PEERS);
		}
		hub->sent_len = 0;
		t = clock_now_ns();
		wg_input_tun(hub->dev, v, BATCH, now);
		ns += clock_now_ns() - t;
		packets += hub->sent_len;
	}
	print_speed("seal_scattered", 64, packets, ns);
}

/* One client after another, with a key of its own each, shakes hands and sends packets to one hub.
 */
static void bench_many(void)
{
	static struct end hub, client;
	const struct cidr all = {.family = AF_INET};
	uint64_t hub_ns = 0, t;
	size_t before;
	struct rn_error err;

	make_end(&hub, &client, 1);
	make_end(&client, &hub, 2);
	add(&client, &hub, &all);
	before = resident_bytes();
	for (uint32_t i = 0; i < PEERS; i++) {
		uint8_t key[WG_KEY_LEN], buf[WG_HEAD + 64 + WG_TAIL];
		uint32_t ip = htonl(0x0A000000 + i);
		struct cidr c = {.family = AF_INET, .bits = 32};
		struct wg_pkt pkt = {buf + WG_HEAD, 64, NULL};

		memcpy(c.ip, &ip, 4);
		wg_key_generate(key);
		rn_assert(wg_set_private_key(client.dev, key, &err) == 0);
		add(&hub, &client, &c);
		wg_peer_reset(client.dev, wg_peer_at(client.dev, 0)); /* may initiate at once */
		now += 5000000ULL; /* all sessions live at the end */
		ip_packet(pkt.data, 64, 0x0A000000 + i, 0x0A000001);
		wg_input_tun(client.dev, &pkt, 1, now);
		t = clock_now_ns();
		client.sent_len = 0;
		wg_input_udp(hub.dev, client.sent, 1, now); /* answers the initiation */
		hub_ns += clock_now_ns() - t;
		exchange(&hub, &client);
	}
	rn_assert(hub.delivered == PEERS);
	printf("bench=wg_engine what=answer_handshake count=%u per_s=%.0f us=%.1f\n", PEERS,
	       PEERS * 1e9 / (double)hub_ns, (double)hub_ns / PEERS / 1e3);
	printf("bench=wg_engine what=live_peers count=%u resident_bytes_per_peer=%zu\n", PEERS,
	       (resident_bytes() - before) / PEERS);
	bench_scattered(&hub);
	wg_device_free(hub.dev);
	wg_device_free(client.dev);
}

int main(void)
{
	rn_assert(secret_init());
	now = clock_now_ns();
	bench_pair();
	bench_many();
	return 0;
}
