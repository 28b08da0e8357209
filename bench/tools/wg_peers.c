/* SPDX-License-Identifier: MIT
 *
 * wg_peers conf N                                   the [Peer] sections for wg setconf
 * wg_peers run NS-A NS-B N MS PUBLIC_KEY [PID]      the peers
 *
 * Many WireGuard peers in one process, each with a key, an address outside (198.18.0.1 and up) and
 * one inside (10.64.0.1 and up). From namespace NS-A they shake hands with the device PUBLIC_KEY at
 * 192.0.2.2:51820, then for MS they take turns at sending a datagram to 10.63.0.2 in NS-B and await
 * its echo. Prints how long it took until all were answered, and what the device's process PID
 * spent and holds. The peers' own mathematics is not timed: initiations are made before the clock
 * starts, responses read when it has stopped.
 */
#include "load.h"

#include "wg/blake2s.h"
#include "wg/cookie.h"
#include "wg/crypto.h"
#include "wg/noise.h"
#include "wg/wg.h"

#include <poll.h>

#define OUTSIDE 0xC6120001U /* 198.18.0.1 */
#define INSIDE 0x0A400001U  /* 10.64.0.1 */
#define DEVICE 0x0A3F0002U  /* 10.63.0.2 */
#define WINDOW 64 /* messages without an answer: less than makes wireguard-go ask for cookies */
#define BATCH 32
#define STALL_MS 300
#define INNER_LEN 64

struct client {
	struct noise_self self;
	struct noise_peer noise;
	struct cookie_peer cookie;
	struct noise_keys keys;
	struct noise_initiation initiation; /* ready to be sent, or sent */
	struct noise_response response;	    /* … and its answer */
	bool responded, live, answered;
	uint64_t counter;
};

static struct client *clients;
static size_t n_clients;
static uint8_t device_key[32];
static struct wg_aead *aead;
static int sock, echo_sock;

/* ---- keys --------------------------------------------------------------------------------------
 */

/* No secret: the same peers in every run. */
static void make_self(struct noise_self *self, uint32_t i)
{
	uint8_t key[32];
	blake2s_hash(key, "bench peer", 10, &i, sizeof(i));
	noise_self_set(self, key);
}

static int print_conf(size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct noise_self self;
		char text[BASE64_SIZE(32)], ip[ADDR_TEXT_MAX];
		struct addr a = {
			.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INSIDE + i)}};
		make_self(&self, i);
		base64_encode(text, self.public_key, sizeof(self.public_key), BASE64_STD);
		addr_format_ip(&a, ip);
		printf("[Peer]\nPublicKey = %s\nAllowedIPs = %s/32\n", text, ip);
	}
	return 0;
}

/* ---- datagrams ---------------------------------------------------------------------------------
 */

struct outbox {
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control[BATCH];
	uint8_t room[BATCH][256];
	unsigned n;
};

static struct outbox out;
static struct sockaddr_in device = {.sin_family = AF_INET};

static void flush(void)
{
	for (unsigned done = 0; done < out.n;) {
		int n = sendmmsg(sock, out.msgs + done, out.n - done, 0);
		done += n > 0 ? (unsigned)n : 1; /* lost, as on any link */
	}
	out.n = 0;
}

/* LEN bytes from the address of client I; they are copied. */
static void post(size_t i, const void *data, size_t len)
{
	unsigned at = out.n++;
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(OUTSIDE + (uint32_t)i)};
	struct cmsghdr *c = &out.control[at].align;
	*c = (struct cmsghdr){.cmsg_level = IPPROTO_IP,
			      .cmsg_type = IP_PKTINFO,
			      .cmsg_len = CMSG_LEN(sizeof(info))};
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	memcpy(out.room[at], data, len);
	out.iov[at] = (struct iovec){out.room[at], len};
	out.msgs[at].msg_hdr = (struct msghdr){.msg_name = &device,
					       .msg_namelen = sizeof(device),
					       .msg_iov = &out.iov[at],
					       .msg_iovlen = 1,
					       .msg_control = c,
					       .msg_controllen = sizeof(out.control[at])};
	if (out.n == BATCH)
		flush();
}

/* Reads what is there, waiting for it if need be, and gives each datagram to FN; 0: a stall. */
static int take(void (*fn)(const uint8_t *data, size_t len))
{
	static uint8_t room[BATCH][2048];
	static struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct pollfd p = {.fd = sock, .events = POLLIN};
	if (poll(&p, 1, STALL_MS) <= 0)
		return 0;
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){room[i], sizeof(room[i])};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
	}
	int n = recvmmsg(sock, msgs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		fn(room[i], msgs[i].msg_len);
	return n;
}

/* ---- handshakes --------------------------------------------------------------------------------
 */

static size_t responded, waiting, cookies;

static void make_initiation(size_t i)
{
	struct client *c = &clients[i];
	uint8_t timestamp[NOISE_TIMESTAMP_LEN], ephemeral[32];
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	noise_timestamp(timestamp, (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec);
	random_bytes(ephemeral, sizeof(ephemeral));
	load_check(noise_write_initiation(&c->initiation, &c->noise, &c->self, device_key,
					  ephemeral, timestamp, (uint32_t)i + 1),
		   "initiation");
	cookie_add_macs(&c->cookie, device_key, (uint8_t *)&c->initiation, sizeof(c->initiation),
			clock_now_ns());
}

static void take_handshake(const uint8_t *data, size_t len)
{
	struct noise_response r;
	struct noise_cookie k;
	uint32_t type, i;
	memcpy(&type, data, sizeof(type));
	if (type == NOISE_RESPONSE && len == sizeof(r)) {
		memcpy(&r, data, sizeof(r));
		i = r.receiver - 1;
		if (i >= n_clients || clients[i].responded)
			return;
		clients[i].response = r;
		clients[i].responded = true;
		responded++;
		waiting -= waiting > 0;
	} else if (type == NOISE_COOKIE && len == sizeof(k)) {
		memcpy(&k, data, sizeof(k));
		i = k.receiver - 1;
		cookies += i < n_clients &&
			   cookie_read(&clients[i].cookie, &k, device_key, clock_now_ns());
		waiting -= waiting > 0;
	}
}

/* All of them, WINDOW at a time; who got no answer is asked again. Seconds. */
static double shake_hands(uint64_t deadline_ns)
{
	uint64_t start = clock_now_ns();
	for (size_t next = 0, round = 0; responded < n_clients && clock_now_ns() < deadline_ns;) {
		while (waiting < WINDOW && next < n_clients) {
			size_t i = next++;
			if (clients[i].responded)
				continue;
			if (round)
				make_initiation(i);
			post(i, &clients[i].initiation, sizeof(clients[i].initiation));
			waiting++;
		}
		flush();
		if (!take(take_handshake) || (next == n_clients && !waiting)) {
			next = waiting = 0;
			round++;
		}
	}
	return (double)(clock_now_ns() - start) / 1e9;
}

/* How many of the answers are good. */
static size_t read_responses(void)
{
	size_t live = 0;
	for (size_t i = 0; i < n_clients; i++) {
		struct client *c = &clients[i];
		c->live = c->responded && noise_read_response(&c->keys, &c->response, &c->noise,
							      &c->self, (uint32_t)i + 1);
		live += c->live;
	}
	return live;
}

/* ---- traffic -----------------------------------------------------------------------------------
 */

static size_t answered;
static uint64_t echoes;

static void *echo_all(void *ctx)
{
	uint8_t room[2048];
	struct addr from;
	(void)ctx;
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(echo_sock, room, sizeof(room), 0, &from.sa, &len);
		if (n > 0)
			(void)sendto(echo_sock, room, (size_t)n, 0, &from.sa, len);
	}
	return NULL;
}

/* A UDP datagram (without its optional checksum) from client I. */
static void make_inner(uint8_t ip[static INNER_LEN], size_t i)
{
	const uint32_t from = htonl(INSIDE + (uint32_t)i), to = htonl(DEVICE);
	const uint16_t ports[3] = {htons(1000), htons(LOAD_PORT), htons(INNER_LEN - 20)};
	uint32_t sum = 0;
	memset(ip, 0, INNER_LEN);
	ip[0] = 0x45;
	ip[3] = INNER_LEN;
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &from, 4);
	memcpy(ip + 16, &to, 4);
	memcpy(ip + 20, ports, 6);
	for (size_t k = 0; k < 20; k += 2)
		sum += (uint32_t)ip[k] << 8 | ip[k + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static void send_inner(size_t i)
{
	uint8_t packet[WG_SEALED_LEN(INNER_LEN)];
	struct client *c = &clients[i];
	struct noise_data head = {NOISE_DATA, c->keys.remote_index, c->counter++};
	memcpy(packet, &head, sizeof(head));
	make_inner(packet + WG_HEAD, i);
	wg_aead_seal(aead, c->keys.send, head.counter, packet + WG_HEAD, INNER_LEN);
	post(i, packet, sizeof(packet));
}

static void take_echo(const uint8_t *data, size_t len)
{
	uint8_t copy[2048];
	struct noise_data head;
	if (len <= WG_HEAD + WG_TAG_LEN || data[0] != NOISE_DATA) /* keepalives, late handshakes */
		return;
	memcpy(&head, data, sizeof(head));
	memcpy(copy, data + WG_HEAD, len - WG_HEAD);
	struct client *c = &clients[head.receiver - 1];
	if (head.receiver > n_clients || !head.receiver ||
	    !wg_aead_open(aead, c->keys.receive, head.counter, copy, len - WG_HEAD))
		return;
	if (len <= WG_HEAD + WG_TAG_LEN + 20)
		return;
	echoes++;
	answered += !c->answered;
	c->answered = true;
	waiting -= waiting > 0;
}

static double carry_traffic(uint64_t ms)
{
	uint64_t start = clock_now_ns(), deadline = start + ms * 1000000;
	size_t next = 0;
	waiting = 0;
	while (clock_now_ns() < deadline) {
		for (; waiting < WINDOW; waiting++, next = (next + 1) % n_clients)
			if (clients[next].live)
				send_inner(next);
		flush();
		if (!take(take_echo))
			waiting = 0;
	}
	return (double)(clock_now_ns() - start) / 1e9;
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

static uint64_t resident_kb(pid_t pid)
{
	char path[64];
	unsigned long total = 0, resident = 0;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	FILE *f = fopen(path, "r");
	load_check(f && fscanf(f, "%lu %lu", &total, &resident) == 2, path);
	fclose(f);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void open_sockets(const char *ns_a, const char *ns_b)
{
	struct addr any = {.in = {.sin_family = AF_INET}};
	struct addr echo = {.in = {.sin_family = AF_INET,
				   .sin_port = htons(LOAD_PORT),
				   .sin_addr.s_addr = htonl(DEVICE)}};
	const int one = 1;
	sock = load_socket(ns_a, &any, SOCK_DGRAM);
	setsockopt(sock, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	load_check(bind(sock, &any.sa, addr_len(&any)) == 0, "bind");
	echo_sock = load_socket(ns_b, &echo, SOCK_DGRAM);
	load_check(bind(echo_sock, &echo.sa, addr_len(&echo)) == 0, "bind");
	device.sin_port = htons(51820);
	device.sin_addr.s_addr = htonl(0xC0000202); /* 192.0.2.2 */
}

static void make_clients(size_t n)
{
	clients = calloc(n, sizeof(*clients));
	n_clients = n;
	load_check(clients, "clients");
	for (size_t i = 0; i < n; i++) {
		make_self(&clients[i].self, (uint32_t)i);
		clients[i].cookie.cookie_ns = UINT64_MAX;
		load_check(noise_peer_set(&clients[i].noise, &clients[i].self, device_key),
			   "device's key");
		make_initiation(i);
	}
}

static int run(char **argv, int argc)
{
	struct load_cost cost = {0};
	load_check(base64_decode(device_key, sizeof(device_key), str_from(argv[4]), BASE64_STD),
		   "public key");
	aead = wg_aead_new();
	load_check(aead, "aead");
	load_cost_pids(&cost, argc - 5, argv + 5);
	make_clients(load_number(argv[2]));
	open_sockets(argv[0], argv[1]);
	uint64_t before = cost.n ? resident_kb(cost.pid[0]) : 0;
	load_cost_read(&cost);
	double s = shake_hands(clock_now_ns() + 60 * NS_PER_S);
	load_cost_read(&cost);
	double cpu_s = load_cost_s(&cost);
	size_t live = read_responses();
	printf("count=%zu live=%zu s=%.2f per_s=%.0f cpu_us_per_handshake=%.1f per_cpu_s=%.0f "
	       "cookies=%zu",
	       n_clients, live, s, (double)live / s, cpu_s * 1e6 / (double)MAX(live, 1),
	       cpu_s > 0 ? (double)live / cpu_s : 0, cookies);
	load_thread(echo_all, NULL);
	s = carry_traffic(load_number(argv[3]));
	printf(" answered=%zu echoes_per_s=%.0f", answered, (double)echoes / s);
	if (cost.n)
		printf(" resident_kb=%lu grown_kb=%ld", (unsigned long)resident_kb(cost.pid[0]),
		       (long)resident_kb(cost.pid[0]) - (long)before);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (!secret_init())
		return 71;
	if (argc == 3 && strcmp(argv[1], "conf") == 0)
		return print_conf(load_number(argv[2]));
	if (argc >= 7 && strcmp(argv[1], "run") == 0)
		return run(argv + 2, argc - 2);
	fputs("usage: wg_peers conf N | wg_peers run NS-A NS-B N MS PUBLIC_KEY [PID]\n", stderr);
	return 64;
}
