/* SPDX-License-Identifier: MIT */
#include "wg/config.h"

#define TEXT_MAX (64U << 20)
#define FIELD_MEMORY "out of memory"

void wg_config_init(struct wg_config *c)
{
	*c = (struct wg_config){0};
	arena_init(&c->arena, TEXT_MAX);
}

void wg_config_free(struct wg_config *c)
{
	for (size_t i = 0; i < c->peers.len; i++) {
		struct wg_peer_config *p = &c->peers.ptr[i];
		if (p->psk)
			secret_wipe(p->psk, WG_KEY_LEN);
		vec_free(&p->allowed.base);
		vec_free(&p->disallowed.base);
	}
	vec_free(&c->peers.base);
	vec_free(&c->addresses.base);
	arena_free(&c->arena);
	secret_wipe(c->private_key, sizeof(c->private_key));
}

struct wg_peer_config *wg_config_peer(struct wg_config *c, const uint8_t key[static WG_KEY_LEN])
{
	struct wg_peer_config *p = VEC_PUSH(&c->peers);
	if (p)
		memcpy(p->public_key, key, WG_KEY_LEN);
	return p;
}

void wg_cidr_addr(const struct cidr *c, struct addr *a)
{
	*a = (struct addr){.sa.sa_family = (sa_family_t)c->family};
	if (c->family == AF_INET)
		memcpy(&a->in.sin_addr, c->ip, 4);
	else
		memcpy(&a->in6.sin6_addr, c->ip, 16);
}

bool wg_parse_address(struct cidr *c, struct str text)
{
	struct str rest = text, ip;
	struct cidr whole;
	/* cidr_parse clears the host bits, which are what makes an address. */
	if (!cidr_parse(c, text, false) || !str_cut(&rest, '/', &ip) || !cidr_parse(&whole, ip, true))
		return false;
	memcpy(c->ip, whole.ip, sizeof(c->ip));
	return true;
}

int wg_key_read(const char *path, uint8_t out[static WG_KEY_LEN], struct rn_error *err)
{
	struct buf text;
	buf_init(&text, 4096);
	int code = file_read_secret(path, &text, err);
	struct str s = buf_str(&text);
	if (!code && s.len && s.ptr[s.len - 1] == '\n')
		s.len--;
	if (!code && !base64_decode(out, WG_KEY_LEN, s, BASE64_STD))
		code = rn_fail(err, RN_ECONFIG, "%s: not a WireGuard key in base64", path);
	if (code)
		secret_wipe(out, WG_KEY_LEN);
	buf_free(&text);
	return code;
}

/* ---- records ----------------------------------------------------------------------------------- */

static int bad(const char *key, struct str value, struct rn_error *err)
{
	return rn_fail(err, RN_ECONFIG, "%s=%.*s: not understood", key, STR_ARG(str_slice(value, 0, 100)));
}

static int read_key_file(const struct wg_config_reader *rd, const struct rec *r, const char *key,
			 uint8_t out[static WG_KEY_LEN], struct rn_error *err)
{
	struct str file = rec_text(r, key, &rd->config->arena);
	char path[4096];
	if (!file.ptr || !path_join(path, sizeof(path), rd->folder, file))
		return bad(key, rec_get(r, key), err);
	return wg_key_read(path, out, err);
}

static int read_number(const struct rec *r, const char *key, uint64_t max, bool *has, uint64_t *out,
		       struct rn_error *err)
{
	*has = rec_get(r, key).ptr != NULL;
	return rec_u64(r, key, 0, max, out, err);
}

static int read_addresses(struct wg_config *c, const struct rec *r, struct rn_error *err)
{
	struct str rest = rec_get(r, "address"), one;
	c->has_addresses = rest.ptr != NULL;
	while (rest.ptr && rec_list_next(&rest, &one)) {
		struct cidr *a = VEC_PUSH(&c->addresses);
		if (!a)
			return rn_fail(err, RN_EOS, FIELD_MEMORY);
		if (!wg_parse_address(a, one))
			return bad("address", one, err);
	}
	return 0;
}

static int read_switches(struct wg_config *c, const struct rec *r, struct rn_error *err)
{
	c->has_forward = rec_get(r, "forward").ptr != NULL;
	c->has_routes = rec_get(r, "routes").ptr != NULL;
	int code = rec_bool(r, "forward", false, &c->forward, err);
	return code ? code : rec_bool(r, "routes", true, &c->routes, err);
}

static int interface_record(struct wg_config_reader *rd, const struct rec *r, struct rn_error *err)
{
	struct wg_config *c = rd->config;
	uint64_t port = 0, mark = 0, mtu = 0;
	int code;
	if (!str_is(rec_id(r), rd->name))
		return 0;
	rd->interfaces++;
	if ((code = read_number(r, "listen_port", UINT16_MAX, &c->has_listen_port, &port, err)) ||
	    (code = read_number(r, "fwmark", UINT32_MAX, &c->has_fwmark, &mark, err)) ||
	    (code = read_number(r, "mtu", UINT16_MAX, &c->has_mtu, &mtu, err)) ||
	    (code = read_addresses(c, r, err)) || (code = read_switches(c, r, err)))
		return code;
	c->listen_port = (uint16_t)port;
	c->fwmark = (uint32_t)mark;
	c->mtu = (uint32_t)mtu;
	c->netns = rec_text(r, "netns", &c->arena).ptr;
	c->engine = rec_text(r, "engine", &c->arena).ptr;
	c->dns = rec_text(r, "dns", &c->arena).ptr;
	c->search = rec_text(r, "search", &c->arena).ptr;
	c->has_private_key = rec_get(r, "private_key_file").ptr != NULL;
	return c->has_private_key ? read_key_file(rd, r, "private_key_file", c->private_key, err) : 0;
}

static int read_allowed(struct wg_peer_config *p, const struct rec *r, struct rn_error *err)
{
	struct str rest = rec_get(r, "allowed_ips"), one;
	p->replace_allowed = rest.ptr != NULL;
	while (rest.ptr && rec_list_next(&rest, &one)) {
		struct cidr *a = VEC_PUSH(&p->allowed);
		if (!a)
			return rn_fail(err, RN_EOS, FIELD_MEMORY);
		if (!cidr_parse(a, one, false))
			return bad("allowed_ips", one, err);
	}
	return 0;
}

static int read_psk(struct wg_config_reader *rd, struct wg_peer_config *p, const struct rec *r,
		    struct rn_error *err)
{
	if (!rec_get(r, "preshared_key_file").ptr)
		return 0;
	p->psk = arena_alloc(&rd->config->arena, WG_KEY_LEN);
	if (!p->psk)
		return rn_fail(err, RN_EOS, FIELD_MEMORY);
	return read_key_file(rd, r, "preshared_key_file", p->psk, err);
}

static int peer_record(struct wg_config_reader *rd, const struct rec *r, struct rn_error *err)
{
	uint8_t key[WG_KEY_LEN];
	uint64_t keepalive = 0;
	int code;
	struct str interface = rec_get(r, "interface");
	if (interface.ptr && !str_is(interface, rd->name))
		return 0;
	if (!base64_decode(key, sizeof(key), rec_id(r), BASE64_STD))
		return bad("peer", rec_id(r), err);
	struct wg_peer_config *p = wg_config_peer(rd->config, key);
	if (!p)
		return rn_fail(err, RN_EOS, FIELD_MEMORY);
	p->name = rec_text(r, "name", &rd->config->arena).ptr;
	p->endpoint = rec_text(r, "endpoint", &rd->config->arena).ptr;
	if ((code = rec_bool(r, "remove", false, &p->remove, err)) ||
	    (code = read_number(r, "keepalive_s", UINT16_MAX, &p->has_keepalive, &keepalive, err)) ||
	    (code = read_allowed(p, r, err)))
		return code;
	p->keepalive_s = (uint16_t)keepalive;
	return read_psk(rd, p, r, err);
}

int wg_config_record(void *reader, const struct rec *r, struct rn_error *err)
{
	if (rec_is(r, "interface"))
		return interface_record(reader, r, err);
	if (rec_is(r, "peer"))
		return peer_record(reader, r, err);
	return 0;
}
