/* SPDX-License-Identifier: MIT
 *
 * The kernel's WireGuard messages: dumps in several parts, what is refused, differences, and sets of
 * 10,000 peers that read back equal whatever the length of a message.
 */
#include "tap.h"

#include "wg/attr.h"
#include "wg/engine_impl.h"
#include "wg/kernel_msg.h"

#include <linux/genetlink.h>
#include <linux/wireguard.h>

#define ROOM 65536
#define PEERS 10000

static struct rn_error err;

/* ---- a dump by hand ------------------------------------------------------------------------------- */

static union {
	char bytes[ROOM];
	struct nlmsghdr h;
} msg;

static struct nlmsghdr *message(void)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(&msg);
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->cmd = WG_CMD_GET_DEVICE;
	mnl_attr_put_u32(h, WGDEVICE_A_IFINDEX, 7);
	mnl_attr_put_strz(h, WGDEVICE_A_IFNAME, "wg0");
	return h;
}

static void put_key(struct nlmsghdr *h, uint16_t type, uint8_t byte)
{
	uint8_t key[WG_KEY_LEN];
	memset(key, byte, sizeof(key));
	mnl_attr_put(h, type, sizeof(key), key);
}

static void put_allowed(struct nlmsghdr *h, uint16_t family, size_t len, const char *ip, uint8_t bits)
{
	struct nlattr *nest = mnl_attr_nest_start(h, 0);
	mnl_attr_put_u16(h, WGALLOWEDIP_A_FAMILY, family);
	mnl_attr_put(h, WGALLOWEDIP_A_IPADDR, len, ip);
	mnl_attr_put_u8(h, WGALLOWEDIP_A_CIDR_MASK, bits);
	mnl_attr_nest_end(h, nest);
}

static void put_endpoint(struct nlmsghdr *h, const char *text)
{
	struct addr a;
	(void)addr_parse(&a, str_from(text), -1);
	mnl_attr_put(h, WGPEER_A_ENDPOINT, addr_len(&a), &a);
}

/* Peer 1 with two of its three prefixes. */
static struct nlmsghdr *first_part(void)
{
	const int64_t handshake[2] = {1700000000, 5};
	struct nlmsghdr *h = message();
	mnl_attr_put_u16(h, WGDEVICE_A_LISTEN_PORT, 51820);
	mnl_attr_put_u32(h, WGDEVICE_A_FWMARK, 9);
	put_key(h, WGDEVICE_A_PRIVATE_KEY, 0xaa);
	put_key(h, WGDEVICE_A_PUBLIC_KEY, 0xbb);
	struct nlattr *peers = mnl_attr_nest_start(h, WGDEVICE_A_PEERS);
	struct nlattr *peer = mnl_attr_nest_start(h, 0);
	put_key(h, WGPEER_A_PUBLIC_KEY, 1);
	put_key(h, WGPEER_A_PRESHARED_KEY, 0xcc);
	mnl_attr_put(h, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof(handshake), handshake);
	mnl_attr_put_u16(h, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 25);
	mnl_attr_put_u64(h, WGPEER_A_TX_BYTES, 1ULL << 40);
	mnl_attr_put_u64(h, WGPEER_A_RX_BYTES, 3);
	mnl_attr_put_u32(h, WGPEER_A_PROTOCOL_VERSION, 1);
	put_endpoint(h, "[2001:db8::1]:7");
	struct nlattr *allowed = mnl_attr_nest_start(h, WGPEER_A_ALLOWEDIPS);
	put_allowed(h, AF_INET, 4, "\x0a\x00\x00\x00", 8);
	put_allowed(h, AF_INET6, 16, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 128);
	mnl_attr_nest_end(h, allowed);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, peers);
	return h;
}

/* Its third prefix, and peer 2. */
static struct nlmsghdr *second_part(void)
{
	struct nlmsghdr *h = message();
	struct nlattr *peers = mnl_attr_nest_start(h, WGDEVICE_A_PEERS);
	struct nlattr *peer = mnl_attr_nest_start(h, 0);
	put_key(h, WGPEER_A_PUBLIC_KEY, 1);
	struct nlattr *allowed = mnl_attr_nest_start(h, WGPEER_A_ALLOWEDIPS);
	put_allowed(h, AF_INET, 4, "\xc0\x00\x02\x00", 24);
	mnl_attr_nest_end(h, allowed);
	mnl_attr_nest_end(h, peer);
	peer = mnl_attr_nest_start(h, 0);
	put_key(h, WGPEER_A_PUBLIC_KEY, 2);
	put_key(h, WGPEER_A_PRESHARED_KEY, 0);
	put_endpoint(h, "192.0.2.1:99");
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, peers);
	return h;
}

static void check_dump(void)
{
	struct kernel_state s;
	kernel_state_init(&s);
	TAP_OK(!kernel_state_add(&s, first_part(), &err) && !kernel_state_add(&s, second_part(), &err) &&
		       !kernel_state_index(&s, &err),
	       "a dump of two messages");
	TAP_OK(s.ifindex == 7 && s.listen_port == 51820 && s.fwmark == 9 && s.has_key &&
		       s.private_key[0] == 0xaa && s.public_key[31] == 0xbb,
	       "the device");
	TAP_OK(s.peers.len == 2 && s.allowed.len == 3, "a peer goes on in the next message");
	const struct kernel_peer *p = &s.peers.ptr[0];
	TAP_OK(kernel_state_find(&s, p->info.public_key) == p && p->allowed_n == 3 && p->psk &&
		       p->psk[31] == 0xcc && p->info.has_psk && p->info.keepalive_s == 25 &&
		       p->info.rx_bytes == 3 && p->info.tx_bytes == 1ULL << 40 &&
		       p->info.last_handshake_ns == 1700000000000000005ULL,
	       "all of the first peer");
	TAP_OK(p->info.endpoint.to.sa.sa_family == AF_INET6 && addr_port(&p->info.endpoint.to) == 7,
	       "an endpoint of IPv6");
	TAP_OK(s.allowed.ptr[0].bits == 8 && s.allowed.ptr[1].family == AF_INET6 &&
		       s.allowed.ptr[2].ip[0] == 0xc0 && s.allowed.ptr[2].bits == 24,
	       "its prefixes");
	p = &s.peers.ptr[1];
	TAP_OK(!p->psk && !p->info.has_psk && !p->allowed_n && !p->info.last_handshake_ns &&
		       p->info.endpoint.to.sa.sa_family == AF_INET,
	       "a preshared key of zeros is none");
	kernel_state_free(&s);
}

/* What Linux 6.1 told of a device with three peers, one of them with 300 prefixes in two messages. */
static void check_recorded(void)
{
	struct kernel_state s;
	struct buf text;
	const struct nlmsghdr *h;
	int code = 0, messages = 0;
	buf_init(&text, ROOM);
	kernel_state_init(&s);
	TAP_OK(!file_read("tests/fuzz/corpus/wg_netlink/many-prefixes", &text, &err), "a recorded dump");
	struct attr_walk w = {.at = text.ptr, .left = text.len};
	for (; !code && (h = attr_next_message(&w)) && h->nlmsg_type != NLMSG_DONE; messages++)
		code = kernel_state_add(&s, h, &err);
	TAP_OK(!code && !w.bad && messages == 2 && s.peers.len == 3 && s.allowed.len == 304,
	       "three peers in two messages");
	if (s.peers.len != 3)
		return;
	const struct kernel_peer *p = s.peers.ptr;
	TAP_OK(s.listen_port == 51820 && s.fwmark == 7 && s.has_key && p[0].psk && !p[1].psk &&
		       p[0].info.keepalive_s == 25 && p[0].allowed_n == 2,
	       "with their keys and numbers");
	TAP_OK(p[0].info.endpoint.to.sa.sa_family == AF_INET && p[1].info.endpoint.to.sa.sa_family == AF_INET6 &&
		       !p[2].info.endpoint.to.sa.sa_family,
	       "and endpoints");
	TAP_OK(p[1].allowed_n == 300 && p[2].allowed_n == 2 && !s.allowed.ptr[p[2].allowed_at].bits,
	       "300 prefixes are one peer's");
	kernel_state_free(&s);
	buf_free(&text);
}

/* ---- what is refused -------------------------------------------------------------------------------- */

static bool refused(const struct nlmsghdr *h)
{
	struct kernel_state s;
	kernel_state_init(&s);
	bool refused = kernel_state_add(&s, h, &err) == RN_EPROTO;
	kernel_state_free(&s);
	return refused;
}

/* One peer whose only content is what PUT adds. */
static bool refused_peer(void (*put)(struct nlmsghdr *h))
{
	struct nlmsghdr *h = message();
	struct nlattr *peers = mnl_attr_nest_start(h, WGDEVICE_A_PEERS);
	struct nlattr *peer = mnl_attr_nest_start(h, 0);
	put(h);
	mnl_attr_nest_end(h, peer);
	mnl_attr_nest_end(h, peers);
	return refused(h);
}

static void put_no_key(struct nlmsghdr *h)
{
	mnl_attr_put_u16(h, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 1);
}

static void put_short_key(struct nlmsghdr *h)
{
	mnl_attr_put(h, WGPEER_A_PUBLIC_KEY, 31, "0123456789012345678901234567890");
}

static void put_short_endpoint(struct nlmsghdr *h)
{
	struct addr a = {.in6 = {.sin6_family = AF_INET6}};
	put_key(h, WGPEER_A_PUBLIC_KEY, 1);
	mnl_attr_put(h, WGPEER_A_ENDPOINT, sizeof(a.in), &a);
}

static void put_prefix(struct nlmsghdr *h, uint16_t family, size_t len, uint8_t bits)
{
	put_key(h, WGPEER_A_PUBLIC_KEY, 1);
	struct nlattr *allowed = mnl_attr_nest_start(h, WGPEER_A_ALLOWEDIPS);
	put_allowed(h, family, len, "\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0", bits);
	mnl_attr_nest_end(h, allowed);
}

static void put_long_prefix(struct nlmsghdr *h) { put_prefix(h, AF_INET, 4, 33); }
static void put_other_family(struct nlmsghdr *h) { put_prefix(h, AF_UNIX, 4, 1); }
static void put_short_address(struct nlmsghdr *h) { put_prefix(h, AF_INET6, 4, 1); }

static void check_refused(void)
{
	TAP_OK(refused_peer(put_no_key), "a peer without its key");
	TAP_OK(refused_peer(put_short_key), "a key of 31 bytes");
	TAP_OK(refused_peer(put_short_endpoint), "an endpoint shorter than its family");
	TAP_OK(refused_peer(put_long_prefix), "a prefix of 33 bits");
	TAP_OK(refused_peer(put_other_family), "a prefix of another family");
	TAP_OK(refused_peer(put_short_address), "a prefix shorter than its family");
	uint32_t whole = first_part()->nlmsg_len;
	bool good = true;
	for (uint32_t len = sizeof(struct nlmsghdr); len < whole; len++) {
		/* Cut between two attributes of the device it is a message of its own. */
		struct kernel_state s;
		kernel_state_init(&s);
		msg.h.nlmsg_len = len;
		int code = kernel_state_add(&s, &msg.h, &err);
		good &= code == RN_EPROTO || (!code && !s.peers.len);
		kernel_state_free(&s);
	}
	TAP_OK(good, "cut anywhere, it is refused or has no peer");
}

/* ---- writing and reading again --------------------------------------------------------------------- */

static uint64_t seed;
static uint32_t next_random(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33);
}

static void fill(void *out, size_t len)
{
	uint8_t *p = out;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)next_random();
}

static void add_random_peer(struct wg_config *c, size_t number)
{
	uint8_t key[WG_KEY_LEN];
	fill(key, sizeof(key));
	struct wg_peer_config *p = wg_config_peer(c, key);
	/* Most have a few prefixes, one in a thousand more than a message holds. */
	size_t n = number % 1000 == 3 ? 3000 : next_random() % 5;
	for (size_t i = 0; i < n; i++) {
		struct cidr *a = VEC_PUSH(&p->allowed);
		a->family = next_random() % 2 ? AF_INET : AF_INET6;
		a->bits = a->family == AF_INET ? 32 : 128;
		fill(a->ip, a->family == AF_INET ? 4 : 16);
	}
	p->has_keepalive = true;
	p->keepalive_s = (uint16_t)next_random();
	if (number % 2) {
		p->psk = arena_alloc(&c->arena, WG_KEY_LEN);
		fill(p->psk, WG_KEY_LEN);
	}
	p->endpoint = number % 3 ? "[2001:db8::1]:51820" : "192.0.2.1:1";
}

struct sink {
	struct kernel_state state;
	size_t cap, messages, replacing, longest;
	uint32_t flags; /* of the first peer of the last message */
};

static const struct nlattr *find(struct attr_walk w, unsigned type)
{
	const struct nlattr *a;
	while ((a = attr_next(&w)))
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

/* A set has the form of a dump, but for its flags. */
static int take(void *ctx, struct nlmsghdr *h, struct rn_error *e)
{
	struct sink *s = ctx;
	struct attr_walk device = attr_walk_message(h, sizeof(struct genlmsghdr));
	const struct nlattr *peers = find(device, WGDEVICE_A_PEERS);
	const struct nlattr *peer = peers ? find(attr_walk_nested(peers), 0) : NULL;
	const struct nlattr *flags = peer ? find(attr_walk_nested(peer), WGPEER_A_FLAGS) : NULL;
	s->flags = flags ? mnl_attr_get_u32(flags) : 0;
	s->messages++;
	s->replacing += find(device, WGDEVICE_A_FLAGS) != NULL;
	s->longest = MAX(s->longest, (size_t)h->nlmsg_len);
	return kernel_state_add(&s->state, h, e);
}

static int write_to(struct sink *s, const struct wg_config *c, size_t cap)
{
	const struct kernel_writer w = {.family = 30, .ifindex = 7, .cap = cap, .send = take, .ctx = s};
	memset(s, 0, sizeof(*s));
	kernel_state_init(&s->state);
	int code = kernel_write(&w, c, &err);
	return code ? code : kernel_state_index(&s->state, &err);
}

static bool same_peer(const struct kernel_state *s, const struct kernel_peer *got,
		      const struct wg_peer_config *want)
{
	struct addr endpoint;
	bool same = addr_parse(&endpoint, str_from(want->endpoint), -1) &&
		    addr_eq(&endpoint, &got->info.endpoint.to) && got->allowed_n == want->allowed.len &&
		    got->info.keepalive_s == want->keepalive_s && !got->psk == !want->psk;
	if (same && want->psk)
		same = !memcmp(got->psk, want->psk, WG_KEY_LEN);
	for (size_t i = 0; same && i < got->allowed_n; i++)
		same = engine_cidr_same(&s->allowed.ptr[got->allowed_at + i], &want->allowed.ptr[i]);
	return same;
}

static bool same_peers(const struct kernel_state *s, const struct wg_config *c)
{
	bool same = s->peers.len == c->peers.len;
	for (size_t i = 0; same && i < c->peers.len; i++) {
		const struct kernel_peer *p = kernel_state_find(s, c->peers.ptr[i].public_key);
		same = p && same_peer(s, p, &c->peers.ptr[i]);
	}
	return same;
}

static void check_many(struct wg_config *c)
{
	static const size_t caps[] = {KERNEL_MESSAGE_MIN, 4096, KERNEL_MESSAGE_MAX};
	for (size_t i = 0; i < PEERS; i++)
		add_random_peer(c, i);
	c->replace_peers = c->has_private_key = c->has_listen_port = true;
	c->listen_port = 51820;
	fill(c->private_key, WG_KEY_LEN);
	for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
		struct sink s;
		TAP_OK(!write_to(&s, c, caps[i]) && same_peers(&s.state, c), "10,000 peers read back equal");
		TAP_OK(s.longest <= caps[i] && s.messages > PEERS * 200 / caps[i] && s.replacing == 1,
		       "no message is too long, and only the first replaces");
		TAP_OK(s.state.listen_port == 51820 &&
			       !memcmp(s.state.private_key, c->private_key, WG_KEY_LEN),
		       "the device too");
		kernel_state_free(&s.state);
	}
}

/* ---- differences -------------------------------------------------------------------------------------- */

static struct wg_config delta;

static int differ(const struct kernel_state *have, const struct wg_config *want)
{
	struct kernel_diff d = {.have = have, .want = want, .delta = &delta};
	wg_config_free(&delta);
	wg_config_init(&delta);
	int code = kernel_diff_device(&d, &err);
	for (size_t i = 0; i < want->peers.len && !code; i++)
		code = kernel_diff_peer(&d, &want->peers.ptr[i], NULL, &err);
	return code;
}

static void check_allowed(const struct kernel_state *have, struct wg_config *want)
{
	struct wg_peer_config *p = &want->peers.ptr[3];
	struct cidr gone = p->allowed.ptr[--p->allowed.len];
	TAP_OK(!differ(have, want) && delta.peers.len == 1 && delta.peers.ptr[0].replace_allowed &&
		       delta.peers.ptr[0].allowed.len == p->allowed.len,
	       "a prefix that goes: the whole list anew");
	want->exact = false;
	TAP_OK(!differ(have, want) && !delta.peers.len, "a merge takes none away");
	*(struct cidr *)VEC_PUSH(&p->disallowed) = gone;
	TAP_OK(!differ(have, want) && delta.peers.len == 1 && delta.peers.ptr[0].replace_allowed &&
		       delta.peers.ptr[0].allowed.len == p->allowed.len,
	       "unless it says so");
	p->disallowed.len = 0;
	want->exact = true;
	p->allowed.len++;
	struct cidr *more = VEC_PUSH(&p->allowed);
	*more = (struct cidr){.family = AF_INET, .ip = {10}, .bits = 8};
	TAP_OK(!differ(have, want) && delta.peers.len == 1 && !delta.peers.ptr[0].replace_allowed &&
		       delta.peers.ptr[0].update_only && delta.peers.ptr[0].allowed.len == 1,
	       "a prefix that comes: it alone");
	p->allowed.len--;
}

static void check_peers(const struct kernel_state *have, struct wg_config *want)
{
	struct wg_peer_config *p = &want->peers.ptr[5];
	p->keepalive_s++;
	TAP_OK(!differ(have, want) && delta.peers.len == 1 && delta.peers.ptr[0].has_keepalive &&
		       !delta.peers.ptr[0].psk && !delta.peers.ptr[0].allowed.len,
	       "a keepalive: it alone");
	p->keepalive_s--;
	uint8_t *psk = p->psk;
	p->psk = NULL;
	TAP_OK(!differ(have, want) && delta.peers.len == 1 && delta.peers.ptr[0].psk &&
		       delta.peers.ptr[0].psk[0] == 0,
	       "no preshared key any more: zeros");
	p->psk = psk;
	p->public_key[0] ^= 1;
	TAP_OK(!differ(have, want) && delta.peers.len == 2 && delta.peers.ptr[0].remove &&
		       !delta.peers.ptr[1].update_only && delta.peers.ptr[1].psk,
	       "another key: one goes, one comes");
	p->update_only = true;
	TAP_OK(!differ(have, want) && delta.peers.len == 1, "unless it was to be there already");
	p->update_only = false;
	p->public_key[0] ^= 1;
	p->remove = true;
	TAP_OK(!differ(have, want) && delta.peers.len == 1 && delta.peers.ptr[0].remove, "remove=yes");
	p->remove = false;
}

static void check_keys(const struct kernel_state *have)
{
	struct wg_config want;
	struct sink s;
	wg_config_init(&want);
	want.replace_peers = want.exact = true;
	TAP_OK(!differ(have, &want) && delta.replace_peers && !delta.peers.len, "nobody stays: all at once");
	want.has_private_key = true;
	want.private_key[0] = 8;
	uint8_t own[WG_KEY_LEN];
	wg_key_public(own, want.private_key);
	struct wg_peer_config *p = wg_config_peer(&want, own);
	TAP_OK(differ(have, &want) == RN_EDATA, "our own key is no peer's");
	memset(p->public_key, 0, WG_KEY_LEN);
	TAP_OK(differ(have, &want) == RN_EDATA, "nor is zero");
	p->public_key[0] = 9;
	p->remove = true;
	TAP_OK(!differ(have, &want) && !write_to(&s, &delta, KERNEL_MESSAGE_MIN) && s.messages == 1 &&
		       s.replacing == 1 && !s.state.peers.len,
	       "a peer that is not there need not be removed");
	kernel_state_free(&s.state);
	wg_config_free(&want);
}

static void check_difference(struct wg_config *want)
{
	struct sink have, s;
	(void)!write_to(&have, want, 4096);
	memset(have.state.public_key, 7, WG_KEY_LEN);
	want->exact = true;
	TAP_OK(!differ(&have.state, want) && !delta.peers.len && !delta.has_private_key &&
		       !delta.has_listen_port && !delta.replace_peers,
	       "as wanted: no difference");
	TAP_OK(!write_to(&s, &delta, 4096) && !s.messages, "and nothing to say");
	kernel_state_free(&s.state);
	check_allowed(&have.state, want);
	check_peers(&have.state, want);
	want->peers.ptr[5].keepalive_s++;
	TAP_OK(!differ(&have.state, want) && !write_to(&s, &delta, 4096) && s.messages == 1 &&
		       s.flags == WGPEER_F_UPDATE_ONLY,
	       "a change of a peer does not make one");
	kernel_state_free(&s.state);
	check_keys(&have.state);
	kernel_state_free(&have.state);
	wg_config_free(&delta);
}

int main(void)
{
	struct wg_config want;
	if (!secret_init())
		return 1;
	wg_config_init(&want);
	check_dump();
	check_recorded();
	check_refused();
	check_many(&want);
	check_difference(&want);
	wg_config_free(&want);
	return tap_done();
}
