/* SPDX-License-Identifier: MIT */
#include "wg/uapi.h"

#include <errno.h>

struct parser {
	struct wg_config *config;
	struct wg_peer_config *peer; /* the last public_key line's; NULL before the first */
};

static bool is_true(struct str value)
{
	return str_is(value, "true");
}

/* ---- one function a key: true if VALUE is good ------------------------------------------------- */

static bool set_private_key(struct parser *p, struct str value)
{
	p->config->has_private_key = true;
	return hex_decode(p->config->private_key, WG_KEY_LEN, value);
}

static bool set_listen_port(struct parser *p, struct str value)
{
	uint64_t port;
	p->config->has_listen_port = str_to_u64(value, UINT16_MAX, &port);
	p->config->listen_port = p->config->has_listen_port ? (uint16_t)port : 0;
	return p->config->has_listen_port;
}

static bool set_fwmark(struct parser *p, struct str value)
{
	uint64_t mark;
	p->config->has_fwmark = str_to_u64(value, UINT32_MAX, &mark);
	p->config->fwmark = p->config->has_fwmark ? (uint32_t)mark : 0;
	return p->config->has_fwmark;
}

static bool set_replace_peers(struct parser *p, struct str value)
{
	p->config->replace_peers = true;
	return is_true(value);
}

static bool set_public_key(struct parser *p, struct str value)
{
	uint8_t key[WG_KEY_LEN];
	if (!hex_decode(key, sizeof(key), value))
		return false;
	p->peer = wg_config_peer(p->config, key);
	return p->peer != NULL;
}

static bool set_remove(struct parser *p, struct str value)
{
	p->peer->remove = true;
	return is_true(value);
}

static bool set_update_only(struct parser *p, struct str value)
{
	p->peer->update_only = true;
	return is_true(value);
}

static bool set_psk(struct parser *p, struct str value)
{
	if (!p->peer->psk)
		p->peer->psk = arena_alloc(&p->config->arena, WG_KEY_LEN);
	return p->peer->psk && hex_decode(p->peer->psk, WG_KEY_LEN, value);
}

/* Addresses only: names are resolved by the one who asks. */
static bool set_endpoint(struct parser *p, struct str value)
{
	struct addr a;
	p->peer->endpoint = arena_str(&p->config->arena, value).ptr;
	return p->peer->endpoint && addr_parse(&a, value, -1) && addr_port(&a);
}

static bool set_keepalive(struct parser *p, struct str value)
{
	uint64_t seconds;
	p->peer->has_keepalive = str_to_u64(value, UINT16_MAX, &seconds);
	p->peer->keepalive_s = p->peer->has_keepalive ? (uint16_t)seconds : 0;
	return p->peer->has_keepalive;
}

static bool set_replace_allowed(struct parser *p, struct str value)
{
	p->peer->replace_allowed = true;
	p->peer->allowed.len = 0;
	return is_true(value);
}

static bool set_allowed_ip(struct parser *p, struct str value)
{
	bool minus = value.len && value.ptr[0] == '-'; /* newer than most: takes it away */
	struct cidr *c;
	if (minus)
		c = VEC_PUSH(&p->peer->disallowed);
	else
		c = VEC_PUSH(&p->peer->allowed);
	return c && cidr_parse(c, str_from_at(value, minus), false);
}

static bool set_protocol_version(struct parser *p, struct str value)
{
	(void)p;
	return str_is(value, "1");
}

static const struct key {
	const char *name;
	bool of_peer;
	bool (*set)(struct parser *p, struct str value);
} keys[] = {
	{"allowed_ip", true, set_allowed_ip},
	{"endpoint", true, set_endpoint},
	{"fwmark", false, set_fwmark},
	{"listen_port", false, set_listen_port},
	{"persistent_keepalive_interval", true, set_keepalive},
	{"preshared_key", true, set_psk},
	{"private_key", false, set_private_key},
	{"protocol_version", true, set_protocol_version},
	{"public_key", false, set_public_key},
	{"remove", true, set_remove},
	{"replace_allowed_ips", true, set_replace_allowed},
	{"replace_peers", false, set_replace_peers},
	{"update_only", true, set_update_only},
};

/* ---- reading ---------------------------------------------------------------------------------- */

size_t uapi_request_end(struct str text)
{
	ptrdiff_t end = str_find_str(text, STR("\n\n"));
	return end < 0 ? 0 : (size_t)end + 2;
}

static bool set_line(struct parser *p, struct str key, struct str value)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!str_is(key, keys[i].name))
			continue;
		/* The device's keys come before the first peer, a peer's behind its public key. */
		if (keys[i].of_peer ? !p->peer : p->peer && keys[i].set != set_public_key)
			return false;
		return keys[i].set(p, value);
	}
	return false;
}

/* Keys are secrets, so a message names the line and its key, never the value. */
int uapi_parse(struct str request, enum uapi_operation *op, struct wg_config *config,
	       struct rn_error *err)
{
	struct parser p = {.config = config};
	struct str line, key;
	if (!str_cut(&request, '\n', &line) || (!str_is(line, "get=1") && !str_is(line, "set=1")))
		return rn_fail(err, RN_EDATA, "line 1: neither get=1 nor set=1");
	*op = str_is(line, "get=1") ? UAPI_GET : UAPI_SET;
	for (unsigned number = 2; str_cut(&request, '\n', &line) && line.len; number++) {
		struct str value = line;
		bool good = *op == UAPI_SET && str_cut(&value, '=', &key) && value.ptr;
		if (!good || !set_line(&p, key, value))
			return rn_fail(err, RN_EDATA, "line %u: %.*s: not understood", number,
				       STR_ARG(str_slice(key, 0, good ? 32 : 0)));
	}
	/* What follows the empty line is the next request, which the caller kept. */
	return 0;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void put_key(struct buf *out, const char *name, uint8_t key[static WG_KEY_LEN])
{
	char hex[HEX_SIZE(WG_KEY_LEN)];
	hex_encode(hex, key, WG_KEY_LEN);
	buf_addf(out, "%s=%s\n", name, hex);
	secret_wipe(hex, sizeof(hex));
	secret_wipe(key, WG_KEY_LEN);
}

static void put_peer(struct buf *out, const struct wg_device *dev, const struct wg_peer *peer,
		     uint64_t now_ns)
{
	struct wg_peer_info info;
	struct cidr prefix;
	uint32_t at = 0;
	uint8_t psk[WG_KEY_LEN];
	char text[ADDR_TEXT_MAX];
	wg_peer_info(peer, now_ns, &info);
	wg_peer_psk(peer, psk);
	put_key(out, "public_key", info.public_key);
	put_key(out, "preshared_key", psk);
	buf_add_cstr(out, "protocol_version=1\n");
	if (info.endpoint.to.sa.sa_family) {
		addr_format(&info.endpoint.to, text);
		buf_addf(out, "endpoint=%s\n", text);
	}
	buf_addf(out, "last_handshake_time_sec=%llu\nlast_handshake_time_nsec=%llu\n",
		 (unsigned long long)(info.last_handshake_ns / 1000000000),
		 (unsigned long long)(info.last_handshake_ns % 1000000000));
	buf_addf(out, "tx_bytes=%llu\nrx_bytes=%llu\npersistent_keepalive_interval=%u\n",
		 (unsigned long long)info.tx_bytes, (unsigned long long)info.rx_bytes,
		 info.keepalive_s);
	while (wg_allowed_next(dev, peer, &at, &prefix)) {
		cidr_format(&prefix, text);
		buf_addf(out, "allowed_ip=%s\n", text);
	}
}

void uapi_write(struct buf *out, const struct wg_device *dev, uint64_t now_ns)
{
	uint8_t key[WG_KEY_LEN];
	if (wg_private_key(dev, key))
		put_key(out, "private_key", key);
	if (wg_listen_port(dev))
		buf_addf(out, "listen_port=%u\n", wg_listen_port(dev));
	if (wg_fwmark(dev))
		buf_addf(out, "fwmark=%u\n", wg_fwmark(dev));
	for (size_t i = 0; i < wg_peer_count(dev); i++)
		put_peer(out, dev, wg_peer_at(dev, i), now_ns);
}

static int errno_of(const struct rn_error *err)
{
	switch (err->code) {
	case RN_OK:
		return 0;
	case RN_EDATA:
	case RN_ECONFIG:
		return EINVAL;
	case RN_EPERM:
		return EPERM;
	case RN_EAWAY:
		return EADDRINUSE;
	default:
		return err->sys ? err->sys : EIO;
	}
}

void uapi_write_end(struct buf *out, const struct rn_error *err)
{
	buf_addf(out, "errno=%d\n\n", errno_of(err));
}
