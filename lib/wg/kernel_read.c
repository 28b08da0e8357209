/* SPDX-License-Identifier: MIT */
#include "wg/attr.h"
#include "wg/kernel_msg.h"

#include <linux/genetlink.h>
#include <linux/wireguard.h>

#define SECRETS_MAX (64U << 20)
#define ANY_LEN {0, UINT16_MAX}
#define KEY_RULE {WG_KEY_LEN, WG_KEY_LEN}

void kernel_state_init(struct kernel_state *s)
{
	*s = (struct kernel_state){0};
	arena_init(&s->secrets, SECRETS_MAX);
}

void kernel_state_free(struct kernel_state *s)
{
	for (size_t i = 0; i < s->peers.len; i++)
		if (s->peers.ptr[i].psk)
			secret_wipe((void *)(uintptr_t)s->peers.ptr[i].psk, WG_KEY_LEN);
	secret_wipe(s->private_key, sizeof(s->private_key));
	vec_free(&s->peers.base);
	vec_free(&s->allowed.base);
	arena_free(&s->secrets);
	map_free(&s->index);
}

/* ---- one attribute ------------------------------------------------------------------------------ */

static bool is_zero(const uint8_t *key)
{
	static const uint8_t none[WG_KEY_LEN];
	return secret_eq(key, none, WG_KEY_LEN);
}

static bool read_endpoint(const struct nlattr *a, struct addr *out)
{
	struct addr got = {0};
	size_t len = mnl_attr_get_payload_len(a);
	if (len > sizeof(got))
		return false;
	memcpy(&got, mnl_attr_get_payload(a), len);
	if (!(got.sa.sa_family == AF_INET && len == sizeof(got.in)) &&
	    !(got.sa.sa_family == AF_INET6 && len == sizeof(got.in6)))
		return false;
	*out = got;
	return true;
}

/* A struct __kernel_timespec; what no clock shows counts as never. */
static uint64_t read_time(const struct nlattr *a)
{
	int64_t t[2];
	memcpy(t, mnl_attr_get_payload(a), sizeof(t));
	if (t[0] < 0 || t[0] > INT64_MAX / 1000000000 - 1 || t[1] < 0 || t[1] > 999999999)
		return 0;
	return (uint64_t)t[0] * 1000000000 + (uint64_t)t[1];
}

static bool read_allowed(const struct nlattr *nest, struct cidr *out)
{
	static const struct attr_rule rules[] = {
		[WGALLOWEDIP_A_FAMILY] = {2, 2},
		[WGALLOWEDIP_A_IPADDR] = {4, 16},
		[WGALLOWEDIP_A_CIDR_MASK] = {1, 1},
	};
	const struct nlattr *at[ARRAY_LEN(rules)];
	if (!attr_table(attr_walk_nested(nest), rules, ARRAY_LEN(rules), at) || !at[WGALLOWEDIP_A_FAMILY] ||
	    !at[WGALLOWEDIP_A_IPADDR] || !at[WGALLOWEDIP_A_CIDR_MASK])
		return false;
	int family = mnl_attr_get_u16(at[WGALLOWEDIP_A_FAMILY]);
	size_t len = family == AF_INET ? 4 : 16;
	*out = (struct cidr){.family = family, .bits = mnl_attr_get_u8(at[WGALLOWEDIP_A_CIDR_MASK])};
	if ((family != AF_INET && family != AF_INET6) || out->bits > 8 * len ||
	    mnl_attr_get_payload_len(at[WGALLOWEDIP_A_IPADDR]) != len)
		return false;
	memcpy(out->ip, mnl_attr_get_payload(at[WGALLOWEDIP_A_IPADDR]), len);
	return true;
}

/* ---- a peer ------------------------------------------------------------------------------------- */

static int malformed(struct rn_error *err)
{
	return rn_fail(err, RN_EPROTO, "the kernel's description of the device is not understood");
}

static int add_allowed(struct kernel_state *s, struct kernel_peer *p, const struct nlattr *nest,
		       struct rn_error *err)
{
	struct attr_walk w = attr_walk_nested(nest);
	const struct nlattr *a;
	while ((a = attr_next(&w))) {
		struct cidr *c = VEC_PUSH(&s->allowed);
		if (!c)
			return rn_fail(err, RN_EOS, "out of memory");
		p->allowed_n++;
		if (!read_allowed(a, c))
			return malformed(err);
	}
	return w.bad ? malformed(err) : 0;
}

static int add_psk(struct kernel_state *s, struct kernel_peer *p, const uint8_t *psk, struct rn_error *err)
{
	if (is_zero(psk))
		return 0;
	uint8_t *copy = arena_alloc(&s->secrets, WG_KEY_LEN);
	if (!copy)
		return rn_fail(err, RN_EOS, "out of memory");
	memcpy(copy, psk, WG_KEY_LEN);
	p->psk = copy;
	p->info.has_psk = true;
	return 0;
}

static const struct attr_rule peer_rules[] = {
	[WGPEER_A_PUBLIC_KEY] = KEY_RULE,
	[WGPEER_A_PRESHARED_KEY] = KEY_RULE,
	[WGPEER_A_FLAGS] = ANY_LEN,
	[WGPEER_A_ENDPOINT] = {sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6)},
	[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL] = {2, 2},
	[WGPEER_A_LAST_HANDSHAKE_TIME] = {16, 16},
	[WGPEER_A_RX_BYTES] = {8, 8},
	[WGPEER_A_TX_BYTES] = {8, 8},
	[WGPEER_A_ALLOWEDIPS] = ANY_LEN,
};

/* All but the allowed IPs: what only the first message about a peer tells. */
static int read_peer(struct kernel_state *s, struct kernel_peer *p, const struct nlattr **at,
		     struct rn_error *err)
{
	struct wg_peer_info *info = &p->info;
	memcpy(info->public_key, mnl_attr_get_payload(at[WGPEER_A_PUBLIC_KEY]), WG_KEY_LEN);
	if (at[WGPEER_A_ENDPOINT] && !read_endpoint(at[WGPEER_A_ENDPOINT], &info->endpoint.to))
		return malformed(err);
	if (at[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL])
		info->keepalive_s = mnl_attr_get_u16(at[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
	if (at[WGPEER_A_LAST_HANDSHAKE_TIME])
		info->last_handshake_ns = read_time(at[WGPEER_A_LAST_HANDSHAKE_TIME]);
	if (at[WGPEER_A_RX_BYTES])
		info->rx_bytes = mnl_attr_get_u64(at[WGPEER_A_RX_BYTES]);
	if (at[WGPEER_A_TX_BYTES])
		info->tx_bytes = mnl_attr_get_u64(at[WGPEER_A_TX_BYTES]);
	if (at[WGPEER_A_PRESHARED_KEY])
		return add_psk(s, p, mnl_attr_get_payload(at[WGPEER_A_PRESHARED_KEY]), err);
	return 0;
}

static int add_peer(struct kernel_state *s, const struct nlattr *nest, struct rn_error *err)
{
	const struct nlattr *at[ARRAY_LEN(peer_rules)];
	int code = 0;
	if (!attr_table(attr_walk_nested(nest), peer_rules, ARRAY_LEN(peer_rules), at) ||
	    !at[WGPEER_A_PUBLIC_KEY])
		return malformed(err);
	struct kernel_peer *p = s->peers.len ? &s->peers.ptr[s->peers.len - 1] : NULL;
	const void *key = mnl_attr_get_payload(at[WGPEER_A_PUBLIC_KEY]);
	if (!p || memcmp(p->info.public_key, key, WG_KEY_LEN) != 0) {
		p = VEC_PUSH(&s->peers);
		if (!p)
			return rn_fail(err, RN_EOS, "out of memory");
		p->allowed_at = s->allowed.len;
		code = read_peer(s, p, at, err);
	}
	if (!code && at[WGPEER_A_ALLOWEDIPS])
		code = add_allowed(s, p, at[WGPEER_A_ALLOWEDIPS], err);
	return code;
}

/* ---- the device ---------------------------------------------------------------------------------- */

static const struct attr_rule device_rules[] = {
	[WGDEVICE_A_IFINDEX] = {4, 4},
	[WGDEVICE_A_IFNAME] = ANY_LEN,
	[WGDEVICE_A_PRIVATE_KEY] = KEY_RULE,
	[WGDEVICE_A_PUBLIC_KEY] = KEY_RULE,
	[WGDEVICE_A_FLAGS] = ANY_LEN,
	[WGDEVICE_A_LISTEN_PORT] = {2, 2},
	[WGDEVICE_A_FWMARK] = {4, 4},
	[WGDEVICE_A_PEERS] = ANY_LEN,
};

static void read_device(struct kernel_state *s, const struct nlattr **at)
{
	if (at[WGDEVICE_A_IFINDEX])
		s->ifindex = mnl_attr_get_u32(at[WGDEVICE_A_IFINDEX]);
	if (at[WGDEVICE_A_LISTEN_PORT])
		s->listen_port = mnl_attr_get_u16(at[WGDEVICE_A_LISTEN_PORT]);
	if (at[WGDEVICE_A_FWMARK])
		s->fwmark = mnl_attr_get_u32(at[WGDEVICE_A_FWMARK]);
	if (at[WGDEVICE_A_PRIVATE_KEY])
		memcpy(s->private_key, mnl_attr_get_payload(at[WGDEVICE_A_PRIVATE_KEY]), WG_KEY_LEN);
	if (at[WGDEVICE_A_PUBLIC_KEY])
		memcpy(s->public_key, mnl_attr_get_payload(at[WGDEVICE_A_PUBLIC_KEY]), WG_KEY_LEN);
	s->has_key = !is_zero(s->private_key);
}

int kernel_state_add(struct kernel_state *s, const struct nlmsghdr *h, struct rn_error *err)
{
	const struct nlattr *at[ARRAY_LEN(device_rules)], *peer;
	int code = 0;
	if (!attr_table(attr_walk_message(h, sizeof(struct genlmsghdr)), device_rules,
			ARRAY_LEN(device_rules), at))
		return malformed(err);
	read_device(s, at);
	if (!at[WGDEVICE_A_PEERS])
		return 0;
	struct attr_walk w = attr_walk_nested(at[WGDEVICE_A_PEERS]);
	while (!code && (peer = attr_next(&w)))
		code = add_peer(s, peer, err);
	return !code && w.bad ? malformed(err) : code;
}

int kernel_state_index(struct kernel_state *s, struct rn_error *err)
{
	for (size_t i = 0; i < s->peers.len; i++) {
		struct kernel_peer *p = &s->peers.ptr[i];
		if (!map_set(&s->index, str_make(p->info.public_key, WG_KEY_LEN), p))
			return rn_fail(err, RN_EOS, "out of memory");
	}
	return 0;
}

struct kernel_peer *kernel_state_find(const struct kernel_state *s, const uint8_t key[static WG_KEY_LEN])
{
	return map_get(&s->index, str_make(key, WG_KEY_LEN));
}
