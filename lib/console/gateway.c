/* SPDX-License-Identifier: MIT
 *
 * A gateway's bundle: its interface and a peer for each device, its listeners, the console itself,
 * the services of devices, and what was made by hand.
 *
 * Who may reach a service:
 *     http, https   from=link,org     --public: any      --allow LIST: LIST
 *     tcp, udp      from=org          --public: any      --allow LIST: LIST
 * Inside the tunnel every tcp and udp service has a listener of its own; a public one only if
 * somebody from outside can be let in at all.
 */
#include "console/inner.h"

typedef void row_fn(const struct gateway *g, const struct store_rows *q, struct buf *out);

/* Runs a query that binds one value, and FN for each row. */
static int each_row(struct console *c, const struct gateway *g, const char *sql, row_fn *fn,
		    struct buf *out, struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(c->store, &q, sql, err, "z", g->node.id);

	while (!rc && (rc = store_next(&q, err)) == 1) {
		fn(g, &q, out);
		rc = 0;
	}
	store_done(&q);
	return rc;
}

/* ---- peers and devices ------------------------------------------------------------------------
 */

static const char device_rows[] =
	"SELECT n.wg_key, n.name, n.address4, n.address6, n.id, n.sign_key, u.name,"
	" (SELECT group_concat(x, ',') FROM (SELECT gr.name AS x FROM memberships m JOIN groups gr "
	"ON gr.id = m.group_id"
	"  WHERE m.user_id = n.user_id ORDER BY gr.name))"
	" FROM nodes n JOIN nodes self ON self.org = n.org LEFT JOIN users u ON u.id = n.user_id "
	"AND u.status = 'active'"
	" WHERE self.id = ? AND n.role = 'client' AND n.status = 'active' ORDER BY n.number";

static void peer_row(const struct gateway *g, const struct store_rows *q, struct buf *out)
{
	rec_begin(out, "peer", store_text(q, 0));
	rec_add_cstr(out, "interface", g->node.network);
	rec_add(out, "name", store_text(q, 1));
	render_allowed_ips(out, store_text(q, 2), store_text(q, 3));
	rec_end(out);
}

static void device_row(const struct gateway *g, const struct store_rows *q, struct buf *out)
{
	char addresses[2 * ADDR_TEXT_MAX];

	(void)g;
	snprintf(addresses, sizeof(addresses), "%.*s,%.*s", STR_ARG(store_text(q, 2)),
		 STR_ARG(store_text(q, 3)));
	rec_begin(out, "device", store_text(q, 4));
	rec_add_raw(out, "address", str_from(addresses));
	rec_add(out, "name", store_text(q, 1));
	if (!store_null(q, 6)) {
		rec_add(out, "user", store_text(q, 6));
		if (!store_null(q, 7))
			rec_add_raw(out, "groups", store_text(q, 7));
	}
	rec_add(out, "sign_key", store_text(q, 5));
	rec_end(out);
}

static const char logout_rows[] = "SELECT l.user, l.at FROM logouts l JOIN nodes n ON n.org = l.org "
				  "WHERE n.id = ? ORDER BY l.user";

static void logout_row(const struct gateway *g, const struct store_rows *q, struct buf *out)
{
	(void)g;
	rec_begin(out, "logout", store_text(q, 0));
	rec_add_i64(out, "at", store_int(q, 1));
	rec_end(out);
}

/* ---- the edge ---------------------------------------------------------------------------------
 */

static void add_listen(struct buf *out, const char *name, const char *ip, int64_t port,
		       const char *proto, const char *via)
{
	char address[ADDR_TEXT_MAX + 8];

	snprintf(address, sizeof(address), "%s:%lld", ip, (long long)port);
	rec_begin(out, "listen", str_from(name));
	rec_add_cstr(out, "address", address);
	rec_add_cstr(out, "proto", proto);
	rec_add_cstr(out, "via", via);
	if (strcmp(proto, "http") == 0)
		rec_add_cstr(out, "redirect", "https");
	rec_end(out);
}

static bool has6(const struct gateway *g)
{
	return strchr(g->public_ip, ':') != NULL;
}

static const char *web_listeners(const struct gateway *g)
{
	return has6(g) ? "https,https6" : "https";
}

static void edge_records(const struct console *c, const struct gateway *g, struct buf *out)
{
	char hosts[2 * HOST_MAX + 4], key[BASE64_SIZE(AUTH_PUB_LEN)];

	add_listen(out, "https", "0.0.0.0", g->https_port, "https", NULL);
	if (has6(g))
		add_listen(out, "https6", "[::]", g->https_port, "https", NULL);
	if (g->http_port)
		add_listen(out, "http", "0.0.0.0", g->http_port, "http", NULL);
	if (g->http_port && has6(g))
		add_listen(out, "http6", "[::]", g->http_port, "http", NULL);
	snprintf(hosts, sizeof(hosts), "*.%s,%s", g->domain, g->domain);
	rec_begin(out, "certificate", str_from(g->node.network));
	rec_add_cstr(out, "cert_file", "tls.crt");
	rec_add_cstr(out, "key_file", "tls.key");
	rec_add_raw(out, "host", str_from(hosts));
	rec_end(out);
	base64_encode(key, auth_key_public(c->key), AUTH_PUB_LEN, BASE64_STD);
	rec_begin(out, "signer", str_from(key));
	rec_end(out);
}

static void add_policy(struct buf *out, const char *resource, struct str from)
{
	char name[CONSOLE_NAME_MAX + 8], to[CONSOLE_NAME_MAX + 16];

	snprintf(name, sizeof(name), "reach-%s", resource);
	snprintf(to, sizeof(to), "resource:%s", resource);
	rec_begin(out, "policy", str_from(name));
	rec_add_cstr(out, "effect", "allow");
	rec_add_raw(out, "from", from);
	rec_add_cstr(out, "to", to);
	rec_end(out);
}

/* The console's own pages and REST calls, on the gateway that shares its machine. Everybody may
 * reach it: it asks for credentials itself. */
static int console_records(struct console *c, const struct gateway *g, struct buf *out,
			   struct rn_error *err)
{
	char home[CONSOLE_NAME_MAX] = "", cgi[1024] = "", text[1200];
	int rc = meta_get(c, "console_gateway", home, sizeof(home), err);

	if (rc >= 0)
		rc = meta_get(c, "cgi", cgi, sizeof(cgi), err);
	if (rc < 0 || !*cgi || strcmp(home, g->node.id) != 0)
		return rc < 0 ? rc : 0;
	rec_begin(out, "resource", STR("console"));
	rec_add_raw(out, "listen", str_from(web_listeners(g)));
	rec_add_cstr(out, "host", c->domain);
	rec_add_cstr(out, "name", "console");
	rec_end(out);
	snprintf(text, sizeof(text), "cgi:%s", cgi);
	rec_begin(out, "target", STR("console"));
	rec_add_cstr(out, "resource", "console");
	rec_add_cstr(out, "address", text);
	snprintf(text, sizeof(text), "RN_CONSOLE_DIR=%s", c->dir);
	struct str env[] = {str_from(text)};

	rec_add_list(out, "env", env, 1);
	rec_end(out);
	add_policy(out, "console", STR("any"));
	return 0;
}

/* ---- services ---------------------------------------------------------------------------------
 */

static const char service_rows[] = "SELECT s.id, s.name, s.protocol, s.tunnel_port, s.label, "
				   "s.public_port, s.inner_port, s.public, s.allow,"
				   " n.id, n.address4, u.name FROM services s JOIN nodes n ON n.id "
				   "= s.node LEFT JOIN users u ON u.id = n.user_id"
				   " WHERE s.gateway = ? AND n.status = 'active' ORDER BY s.id";

struct served { /* a row, by name */
	char id[CONSOLE_NAME_MAX], protocol[8];
	struct str name, label, allow, device, address4, user;
	int64_t tunnel_port, public_port, inner_port;
	bool web, public_;
};

static void served_read(const struct store_rows *q, struct served *s)
{
	store_copy(q, 0, s->id, sizeof(s->id));
	store_copy(q, 2, s->protocol, sizeof(s->protocol));
	s->name = store_text(q, 1);
	s->tunnel_port = store_int(q, 3);
	s->label = store_text(q, 4);
	s->public_port = store_int(q, 5);
	s->inner_port = store_int(q, 6);
	s->public_ = store_int(q, 7);
	s->allow = store_text(q, 8);
	s->device = store_text(q, 9);
	s->address4 = store_text(q, 10);
	s->user = store_text(q, 11);
	s->web = s->label.ptr != NULL;
}

/* Makes the listeners of a tcp or udp service and names them in LIST, sorted. */
static void port_listeners(const struct gateway *g, const struct served *s, char list[static 128],
			   struct buf *out)
{
	char inner[32], open[32], open6[32];

	snprintf(inner, sizeof(inner), "inner-%s-%lld", s->protocol, (long long)s->inner_port);
	add_listen(out, inner, g->node.address4, s->inner_port, s->protocol, g->node.network);
	snprintf(list, 128, "%s", inner);
	if (!s->public_port)
		return;
	snprintf(open, sizeof(open), "%s-%lld", s->protocol, (long long)s->public_port);
	snprintf(open6, sizeof(open6), "%s6-%lld", s->protocol, (long long)s->public_port);
	add_listen(out, open, "0.0.0.0", s->public_port, s->protocol, NULL);
	if (has6(g))
		add_listen(out, open6, "[::]", s->public_port, s->protocol, NULL);
	snprintf(list, 128, has6(g) ? "%s,%s,%s" : "%s,%s", inner, open, open6);
}

static void service_resource(const struct gateway *g, const struct served *s, struct buf *out)
{
	char list[128], host[HOST_MAX + CONSOLE_NAME_MAX];

	if (s->web)
		snprintf(list, sizeof(list), "%s", web_listeners(g));
	else
		port_listeners(g, s, list, out);
	rec_begin(out, "resource", str_from(s->id));
	rec_add_raw(out, "listen", str_from(list));
	if (s->web) {
		snprintf(host, sizeof(host), "%.*s.%s", STR_ARG(s->label), g->domain);
		rec_add_cstr(out, "host", host);
	}
	rec_add(out, "name", s->name);
	if (s->user.ptr)
		rec_add(out, "owner", s->user);
	rec_add(out, "device", s->device);
	if (s->web && !s->public_)
		rec_add_cstr(out, "auth", "login");
	rec_end(out);
}

static void service_row(const struct gateway *g, const struct store_rows *q, struct buf *out)
{
	char address[ADDR_TEXT_MAX + 8];
	struct served s;

	served_read(q, &s);
	service_resource(g, &s, out);
	snprintf(address, sizeof(address), "%.*s:%lld", STR_ARG(s.address4),
		 (long long)s.tunnel_port);
	rec_begin(out, "target", str_from(s.id));
	rec_add_cstr(out, "resource", s.id);
	rec_add_cstr(out, "address", address);
	rec_add_cstr(out, "via", g->node.network);
	if (strcmp(s.protocol, "https") ==
	    0) { /* the device's own certificate, inside the tunnel */
		rec_add_cstr(out, "proto", "https");
		rec_add_bool(out, "tls_verify", false);
	}
	rec_end(out);
	struct str from = s.public_	? STR("any")
			  : s.allow.len ? s.allow
			  : s.web	? STR("link,org")
					: STR("org");

	add_policy(out, s.id, from);
}

/* ---- made by hand -----------------------------------------------------------------------------
 */

static const char listener_rows[] = "SELECT record FROM listeners WHERE gateway = ? ORDER BY id";
static const char resource_rows[] = "SELECT record FROM resources WHERE gateway = ? ORDER BY id";
static const char target_rows[] = "SELECT t.record, si.record FROM targets t JOIN resources r ON "
				  "r.org = t.org AND r.id = t.resource"
				  " LEFT JOIN sites si ON si.org = r.org AND ' ' || r.record || ' "
				  "' LIKE '% site=' || si.id || ' %'"
				  " WHERE r.gateway = ? ORDER BY t.id";
static const char policy_rows[] = "SELECT p.record FROM policies p JOIN nodes n ON n.org = p.org "
				  "WHERE n.id = ? ORDER BY p.id";

static void line_row(const struct gateway *g, const struct store_rows *q, struct buf *out)
{
	(void)g;
	buf_add(out, store_text(q, 0));
	buf_add_byte(out, '\n');
}

/* The targets of a site that is behind WireGuard are reached through the tunnel. */
static void target_row(const struct gateway *g, const struct store_rows *q, struct buf *out)
{
	struct str line = store_text(q, 0), site = store_text(q, 1);
	bool wireguard = site.ptr && str_find_str(site, STR(" connection=wireguard")) >= 0;

	buf_add(out, line);
	if (wireguard && str_find_str(line, STR(" via=")) < 0)
		rec_add_cstr(out, "via", g->node.network);
	buf_add_byte(out, '\n');
}

int render_gateway(struct console *c, const struct gateway *g, struct buf *out,
		   struct rn_error *err)
{
	static const struct {
		const char *sql;
		row_fn *fn;
	} after[] = {{device_rows, device_row}, {logout_rows, logout_row}, {service_rows, service_row},
		     {listener_rows, line_row}, {resource_rows, line_row},
		     {target_rows, target_row}, {policy_rows, line_row}};
	int rc = render_interface(c, &g->node, g->wg_port, out, err);

	if (!rc)
		rc = each_row(c, g, device_rows, peer_row, out, err);
	if (rc)
		return rc;
	edge_records(c, g, out);
	rc = console_records(c, g, out, err);
	for (size_t i = 0; !rc && i < ARRAY_LEN(after); i++)
		rc = each_row(c, g, after[i].sql, after[i].fn, out, err);
	return rc;
}
