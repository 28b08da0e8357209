/* SPDX-License-Identifier: MIT
 *
 * What a node must know, as records, in an order that depends on the database alone: so equal state
 * gives equal bytes, and a bundle changes only when something for its node did.
 */
#include "console/inner.h"

int render_head(struct console *c, const struct node *n, int64_t serial, int64_t made_at,
		struct buf *out, struct rn_error *err)
{
	char org[CONSOLE_NAME_MAX] = "";
	int rc = store_get_text(c->store, org, sizeof(org),
				"SELECT name FROM organizations WHERE id = ?", err, "i", n->org);

	rec_begin(out, "bundle", str_from(n->id));
	rec_add_i64(out, "serial", serial);
	rec_add_i64(out, "made_at", made_at);
	rec_add_cstr(out, "org", org);
	rec_add_cstr(out, "console", c->url);
	rec_end(out);
	return rc < 0 ? rc : 0;
}

/* Own addresses with the network's prefix, so that the tunnel's route covers the whole network. */
int render_interface(struct console *c, const struct node *n, int64_t listen_port, struct buf *out,
		     struct rn_error *err)
{
	char network4[ADDR_TEXT_MAX] = "", text[2 * ADDR_TEXT_MAX + 16];
	struct cidr net;
	int rc =
		store_get_text(c->store, network4, sizeof(network4),
			       "SELECT network4 FROM organizations WHERE id = ?", err, "i", n->org);

	if (rc < 0)
		return rc;
	if (!cidr_parse(&net, str_from(network4), true))
		return rn_fail(err, RN_ECONFIG, "database: the organisation's network is damaged");
	snprintf(text, sizeof(text), "%s/%u,%s/64", n->address4, net.bits, n->address6);
	rec_begin(out, "interface", str_from(n->network));
	rec_add_raw(out, "address", str_from(text));
	rec_add_cstr(out, "private_key_file", "wg.key");
	if (listen_port)
		rec_add_i64(out, "listen_port", listen_port);
	rec_end(out);
	return 0;
}

void render_allowed_ips(struct buf *out, struct str address4, struct str address6)
{
	char text[2 * ADDR_TEXT_MAX + 16];

	snprintf(text, sizeof(text), "%.*s/32,%.*s/128", STR_ARG(address4), STR_ARG(address6));
	rec_add_raw(out, "allowed_ips", str_from(text));
}

/* ---- devices ----------------------------------------------------------------------------------
 */

/* One gateway as a device's peer: reached by address when it is known, else by name. */
static void gateway_peer(const struct node *n, const struct store_rows *q, struct buf *out)
{
	struct str ip = store_text(q, 4), host = ip.len ? ip : store_text(q, 5);
	char endpoint[HOST_MAX + 16];
	bool v6 = ip.len && str_find(ip, ':') >= 0;

	snprintf(endpoint, sizeof(endpoint), v6 ? "[%.*s]:%lld" : "%.*s:%lld", STR_ARG(host),
		 (long long)store_int(q, 6));
	rec_begin(out, "peer", store_text(q, 0));
	rec_add_cstr(out, "interface", n->network);
	rec_add(out, "name", store_text(q, 1));
	render_allowed_ips(out, store_text(q, 2), store_text(q, 3));
	rec_add_cstr(out, "endpoint", endpoint);
	rec_add_u64(out, "keepalive_s", 25);
	rec_end(out);
}

int render_device(struct console *c, const struct node *n, struct buf *out, struct rn_error *err)
{
	struct store_rows q;
	int rc = render_interface(c, n, 0, out, err);

	if (rc)
		return rc;
	rc = store_query(
		c->store, &q,
		"SELECT n.wg_key, n.name, n.address4, n.address6, g.public_ip, g.domain, g.wg_port"
		" FROM nodes n JOIN gateways g ON g.node = n.id WHERE n.org = ? AND n.status = "
		"'active'"
		" ORDER BY n.number",
		err, "i", n->org);
	while (!rc && (rc = store_next(&q, err)) == 1) {
		gateway_peer(n, &q, out);
		rc = 0;
	}
	store_done(&q);
	return rc;
}

int render_node(struct console *c, const struct node *n, struct buf *out, struct rn_error *err)
{
	struct gateway g;
	int rc;

	if (strcmp(n->role, "gateway") != 0) {
		rc = render_device(c, n, out, err);
	} else {
		rc = gateway_get(c, n->org, str_from(n->id), &g, err);
		if (!rc)
			rc = render_gateway(c, &g, out, err);
	}
	if (!rc && out->failed)
		rc = rn_fail(err, RN_EOS, "the bundle of %s is too long", n->id);
	return rc;
}
