/* SPDX-License-Identifier: MIT
 *
 * A struct wg_config as a file of wg-quick(8), and as records.
 */
#include "wg/quick.h"

static void put_key(struct buf *out, const char *key, const uint8_t bytes[static WG_KEY_LEN])
{
	char text[BASE64_SIZE(WG_KEY_LEN)];
	base64_encode(text, bytes, WG_KEY_LEN, BASE64_STD);
	buf_addf(out, "%s = %s\n", key, text);
	secret_wipe(text, sizeof(text));
}

static void put_secret(struct buf *out, const char *key, const uint8_t *bytes, bool secrets)
{
	static const uint8_t none[WG_KEY_LEN];
	if (!bytes || secret_eq(bytes, none, WG_KEY_LEN))
		return;
	if (secrets)
		put_key(out, key, bytes);
	else
		buf_addf(out, "# %s left out: see --secrets\n", key);
}

/* "A, B" of the list "A,B". */
static void put_list(struct buf *out, const char *key, const char *a, const char *b)
{
	struct str lists[2] = {str_from(a), str_from(b)}, one;
	const char *before = "";
	if (!a && !b)
		return;
	buf_addf(out, "%s = ", key);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		while (lists[i].ptr && str_cut(&lists[i], ',', &one)) {
			buf_addf(out, "%s%.*s", before, STR_ARG(one));
			before = ", ";
		}
	}
	buf_add_byte(out, '\n');
}

static void put_cidrs(struct buf *out, const char *key, const struct cidr *v, size_t n)
{
	char text[ADDR_TEXT_MAX];
	for (size_t i = 0; i < n; i++) {
		cidr_format(&v[i], text);
		buf_addf(out, "%s%s", i ? ", " : key, text);
	}
	if (n)
		buf_add_byte(out, '\n');
}

static void put_peer(struct buf *out, const struct wg_peer_config *p, bool secrets)
{
	buf_add_cstr(out, "\n[Peer]\n");
	if (p->name)
		buf_addf(out, "# Name = %s\n", p->name);
	put_key(out, "PublicKey", p->public_key);
	put_secret(out, "PresharedKey", p->psk, secrets);
	put_cidrs(out, "AllowedIPs = ", p->allowed.ptr, p->allowed.len);
	if (p->endpoint)
		buf_addf(out, "Endpoint = %s\n", p->endpoint);
	if (p->has_keepalive && p->keepalive_s)
		buf_addf(out, "PersistentKeepalive = %u\n", p->keepalive_s);
}

void quick_write(struct buf *out, const struct wg_config *c, bool secrets)
{
	buf_add_cstr(out, "[Interface]\n");
	if (secrets)
		put_secret(out, "PrivateKey", c->has_private_key ? c->private_key : NULL, true);
	else
		buf_add_cstr(out, "# PrivateKey left out: see --secrets\n");
	put_cidrs(out, "Address = ", c->addresses.ptr, c->addresses.len);
	if (c->has_listen_port && c->listen_port)
		buf_addf(out, "ListenPort = %u\n", c->listen_port);
	if (c->has_fwmark && c->fwmark)
		buf_addf(out, "FwMark = 0x%x\n", c->fwmark);
	if (c->has_mtu && c->mtu)
		buf_addf(out, "MTU = %u\n", c->mtu);
	put_list(out, "DNS", c->dns, c->search);
	if (c->has_routes && !c->routes)
		buf_add_cstr(out, "Table = off\n");
	for (size_t i = 0; i < c->peers.len; i++)
		put_peer(out, &c->peers.ptr[i], secrets);
}

/* ---- records ------------------------------------------------------------ */

static void add_cidrs(struct buf *out, const char *key, const struct cidr *v, size_t n)
{
	struct buf list;
	char text[ADDR_TEXT_MAX];
	if (!n)
		return;
	buf_init(&list, REC_LINE_MAX);
	for (size_t i = 0; i < n; i++) {
		cidr_format(&v[i], text);
		if (i)
			buf_add_byte(&list, ',');
		buf_add_cstr(&list, text);
	}
	out->failed |= list.failed;
	rec_add_raw(out, key, buf_str(&list));
	buf_free(&list);
}

void quick_psk_name(char *out, size_t size, const char *name, size_t i)
{
	snprintf(out, size, "%s-%zu.psk", name, i + 1);
}

static void add_peer(struct buf *out, const struct wg_peer_config *p, const char *name, size_t i)
{
	char text[BASE64_SIZE(WG_KEY_LEN)], file[64];
	base64_encode(text, p->public_key, WG_KEY_LEN, BASE64_STD);
	rec_begin(out, "peer", str_from(text));
	rec_add_cstr(out, "interface", name);
	rec_add_cstr(out, "name", p->name);
	add_cidrs(out, "allowed_ips", p->allowed.ptr, p->allowed.len);
	rec_add_cstr(out, "endpoint", p->endpoint);
	quick_psk_name(file, sizeof(file), name, i);
	if (p->psk)
		rec_add_cstr(out, "preshared_key_file", file);
	if (p->has_keepalive && p->keepalive_s)
		rec_add_u64(out, "keepalive_s", p->keepalive_s);
	rec_end(out);
}

static void add_interface(struct buf *out, const struct wg_config *c, const char *name)
{
	char file[64];
	snprintf(file, sizeof(file), "%s.key", name);
	rec_begin(out, "interface", str_from(name));
	add_cidrs(out, "address", c->addresses.ptr, c->addresses.len);
	if (c->has_private_key)
		rec_add_cstr(out, "private_key_file", file);
	if (c->has_listen_port && c->listen_port)
		rec_add_u64(out, "listen_port", c->listen_port);
	if (c->has_mtu)
		rec_add_u64(out, "mtu", c->mtu);
	if (c->has_routes)
		rec_add_bool(out, "routes", c->routes);
	if (c->has_fwmark && c->fwmark)
		rec_add_u64(out, "fwmark", c->fwmark);
	if (c->dns)
		rec_add_raw(out, "dns", str_from(c->dns));
	if (c->search)
		rec_add_raw(out, "search", str_from(c->search));
	rec_end(out);
}

/* In the schema's order, with the sets sorted. */
static void add_canonical(struct buf *out, struct str text)
{
	struct rec_reader rd;
	struct rec r;
	struct rn_error err;
	int got;
	rec_reader_mem(&rd, text, "records");
	while ((got = rec_read(&rd, &r, &err)) > 0)
		rec_canonical(out, &r);
	out->failed |= got < 0;
	rec_reader_free(&rd);
}

void quick_records(struct buf *out, const struct wg_config *c, const char *name)
{
	struct buf one;
	buf_init(&one, REC_LINE_MAX);
	for (size_t i = 0; i <= c->peers.len; i++) {
		buf_clear(&one);
		if (i)
			add_peer(&one, &c->peers.ptr[i - 1], name, i - 1);
		else
			add_interface(&one, c, name);
		out->failed |= one.failed;
		if (!one.failed)
			add_canonical(out, buf_str(&one));
	}
	buf_free(&one);
}
