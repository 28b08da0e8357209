/* SPDX-License-Identifier: MIT
 *
 * Nodes: devices and gateways.
 */
#include "console/inner.h"

#define NAME_TRIES 1000

const char device_sql[] =
	"SELECT n.id AS device, n.name AS name, n.address4 || ',' || n.address6 AS address, "
	"n.status AS status,"
	" u.name AS user, NULLIF(n.client_type, '') AS client_type, n.wg_key AS wg_key, "
	"n.created_at AS created_at,"
	" n.seen_at AS seen_at FROM nodes n LEFT JOIN users u ON u.id = n.user_id"
	" WHERE n.role = 'client' AND n.org = ? AND ? IN ('', n.id, n.name) ORDER BY n.id";

const char gateway_sql[] =
	"SELECT n.id AS gateway, n.name AS name, g.domain AS domain, n.address4 || ',' || "
	"n.address6 AS address,"
	" n.status AS status, NULLIF(g.region, '') AS region, NULLIF(g.instance_type, '') AS "
	"instance_type,"
	" NULLIF(g.public_ip, '') AS public_ip,"
	" g.wg_port AS wg_port, g.https_port AS https_port, g.http_port AS http_port, "
	"NULLIF(g.management, '') AS management,"
	" CAST(CASE g.management WHEN '' THEN '9090' ELSE substr(g.management,"
	"  length(rtrim(g.management, '0123456789')) + 1) END AS INTEGER) AS management_port,"
	" n.wg_key AS wg_key, n.created_at AS created_at, n.seen_at AS seen_at"
	" FROM nodes n JOIN gateways g ON g.node = n.id"
	" WHERE n.org = ? AND ? IN ('', n.id, n.name) ORDER BY n.created_at, n.id";

/* ---- looking up -------------------------------------------------------------------------------
 */

static int read_node(const struct store_rows *q, struct node *n, struct rn_error *err)
{
	*n = (struct node){.org = store_int(q, 1), .user = store_int(q, 5)};
	if (store_copy(q, 0, n->id, sizeof(n->id)) && store_copy(q, 2, n->name, sizeof(n->name)) &&
	    store_copy(q, 3, n->role, sizeof(n->role)) &&
	    store_copy(q, 4, n->status, sizeof(n->status)) &&
	    store_copy(q, 6, n->wg_key, sizeof(n->wg_key)) &&
	    store_copy(q, 7, n->sign_key, sizeof(n->sign_key)) &&
	    store_copy(q, 8, n->address4, sizeof(n->address4)) &&
	    store_copy(q, 9, n->address6, sizeof(n->address6)) &&
	    store_copy(q, 10, n->network, sizeof(n->network)))
		return 0;
	return rn_fail(err, RN_EBUG, "database: a node's text is too long");
}

int node_get(struct console *c, int64_t org, struct str id, struct node *n, struct rn_error *err)
{
	struct store_rows q;
	int rc =
		store_query(c->store, &q,
			    "SELECT id, org, name, role, status, user_id, wg_key, sign_key, "
			    "address4, address6, network FROM nodes"
			    " WHERE ? IN (0, org) AND ? IN (id, name) ORDER BY id = ? DESC LIMIT 1",
			    err, "iss", org, id, id);

	if (!rc)
		rc = store_next(&q, err);
	if (rc == 0)
		rc = fail_missing(err, "node", id);
	else if (rc == 1)
		rc = read_node(&q, n, err);
	store_done(&q);
	return rc;
}

int node_owner_check(const struct console_actor *a, const struct node *n, struct rn_error *err)
{
	bool device = strcmp(n->role, "client") == 0;
	bool own = a->kind == CONSOLE_NODE
			   ? strcmp(a->id, n->id) == 0
			   : a->kind == CONSOLE_USER && n->user && a->user == n->user;

	if (a->role >= CONSOLE_ADMIN || (device && (own || a->role >= CONSOLE_OPERATOR)))
		return 0;
	return fail_role(a, err);
}

int gateway_get(struct console *c, int64_t org, struct str id, struct gateway *g,
		struct rn_error *err)
{
	struct store_rows q;
	int rc = node_get(c, org, id, &g->node, err);

	if (rc == RN_ENO || (!rc && strcmp(g->node.role, "gateway") != 0))
		return fail_missing(err, "gateway", id);
	if (rc)
		return rc;
	rc = store_query(c->store, &q,
			 "SELECT domain, public_ip, management, wg_port, https_port, http_port "
			 "FROM gateways WHERE node = ?",
			 err, "z", g->node.id);
	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1) {
		g->wg_port = store_int(&q, 3);
		g->https_port = store_int(&q, 4);
		g->http_port = store_int(&q, 5);
		rc = store_copy(&q, 0, g->domain, sizeof(g->domain)) &&
				     store_copy(&q, 1, g->public_ip, sizeof(g->public_ip)) &&
				     store_copy(&q, 2, g->management, sizeof(g->management))
			     ? 0
			     : rn_fail(err, RN_EBUG, "database: a gateway's text is too long");
	} else if (rc == 0) {
		rc = fail_missing(err, "gateway", id);
	}
	store_done(&q);
	return rc;
}

int gateway_first(struct console *c, int64_t org, struct gateway *g, struct rn_error *err)
{
	char id[CONSOLE_NAME_MAX];
	int rc = store_get_text(
		c->store, id, sizeof(id),
		"SELECT id FROM nodes WHERE org = ? AND role = 'gateway' AND status = 'active'"
		" ORDER BY created_at, number LIMIT 1",
		err, "i", org);

	if (rc == 0)
		return rn_fail(err, RN_ENO, "the organization has no active gateway");
	return rc < 0 ? rc : gateway_get(c, org, str_from(id), g, err);
}

/* ---- making -----------------------------------------------------------------------------------
 */

static bool name_free(struct console *c, int64_t org, const char *name, int *rc,
		      struct rn_error *err)
{
	int64_t taken;

	*rc = store_get_int(c->store, &taken,
			    "SELECT 1 FROM nodes WHERE org = ? AND ? IN (name, id)", err, "iz", org,
			    name);
	return *rc == 0;
}

/* Its own name if it is free, else with a number behind it. */
static int name_choose(struct console *c, const struct node_new *w, struct node *n,
		       struct rn_error *err)
{
	char slug[CONSOLE_NAME_MAX];
	int rc;

	name_slug(slug, 48, w->wanted);
	snprintf(n->name, sizeof(n->name), "%s", slug);
	for (int i = 2; !name_free(c, w->org, n->name, &rc, err); i++) {
		if (rc < 0)
			return rc;
		if (i > NAME_TRIES)
			return rn_fail(err, RN_ENO, "too many nodes are called %s", slug);
		snprintf(n->name, sizeof(n->name), "%.48s-%d", slug, i);
	}
	return 0;
}

/* Gateways are gw1, gw2…; a device has its name and random letters, so that no identity comes
 * again. */
static int id_choose(struct console *c, struct node *n, struct rn_error *err)
{
	char suffix[SUFFIX_LEN + 1];
	uint8_t salt[16];
	int64_t number;

	if (strcmp(n->role, "gateway") == 0) {
		int rc = meta_next(c, "gateways", &number, err);

		snprintf(n->id, sizeof(n->id), "gw%lld", (long long)number);
		return rc;
	}
	random_bytes(salt, sizeof(salt));
	name_suffix(c, suffix, str_make(salt, sizeof(salt)), str_from(n->name), 0);
	snprintf(n->id, sizeof(n->id), "%.52s-%s", n->name, suffix);
	return 0;
}

/* After the organisation, unless the maker says otherwise; as long as an interface's name may be.
 */
static int network_name(struct console *c, const struct node_new *w, struct node *n,
			struct rn_error *err)
{
	char org[CONSOLE_NAME_MAX];
	int rc = store_get_text(c->store, org, sizeof(org),
				"SELECT name FROM organizations WHERE id = ?", err, "i", w->org);

	if (rc < 0)
		return rc;
	name_slug(n->network, sizeof(n->network) - 1,
		  w->network ? str_from(w->network) : str_from(org));
	return 0;
}

int node_make(struct console *c, const struct node_new *w, struct node *n, struct rn_error *err)
{
	static const char sql[] = "INSERT INTO nodes (id, org, role, name, user_id, network, "
				  "client_type, wg_key, sign_key, number,"
				  " address4, address6, status, created_at)"
				  " VALUES (?, ?, ?, ?, CASE ? WHEN 0 THEN NULL ELSE ? END, ?, ?, "
				  "?, ?, ?, ?, ?, ?, ?)";
	struct tunnel_number t;
	const char *status = w->wg_key.ptr ? "active" : "new";

	*n = (struct node){.org = w->org, .user = w->user};
	snprintf(n->role, sizeof(n->role), "%s", w->role);
	snprintf(n->status, sizeof(n->status), "%s", status);
	str_copy(n->wg_key, sizeof(n->wg_key), w->wg_key);
	str_copy(n->sign_key, sizeof(n->sign_key), w->sign_key);
	int rc = name_choose(c, w, n, err);

	if (!rc)
		rc = id_choose(c, n, err);
	if (!rc)
		rc = network_name(c, w, n, err);
	if (!rc)
		rc = number_take(c, w->org, &t, err);
	if (rc)
		return rc;
	memcpy(n->address4, t.address4, sizeof(n->address4));
	memcpy(n->address6, t.address6, sizeof(n->address6));
	rc = store_exec(c->store, sql, NULL, err, "zizziizsssizzzi", n->id, w->org, w->role,
			n->name, w->user, w->user, n->network,
			w->client_type.ptr ? w->client_type : STR(""), w->wg_key, w->sign_key,
			t.number, t.address4, t.address6, status, clock_wall_s());
	rc = say_taken(rc, err, "this key belongs to another node already; make a new one");
	if (!rc)
		rc = store_exec(c->store,
				"INSERT INTO bundles (node, serial, digest, made_at, dirty) VALUES "
				"(?, 0, '', 0, ?)",
				NULL, err, "zi", n->id, (int64_t)(w->wg_key.ptr != NULL));
	return rc;
}

int gateway_row(struct console *c, const struct node *n, const struct gateway_new *g,
		struct rn_error *err)
{
	int rc = store_exec(c->store,
			    "INSERT INTO gateways (node, domain, region, instance_type, public_ip, "
			    "wg_port, https_port,"
			    " http_port, management) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			    NULL, err, "zzzzziiiz", n->id, g->domain, g->region, g->instance_type,
			    g->public_ip, g->wg_port, g->https_port, g->http_port, g->management);

	rc = say_taken(rc, err, "the domain %s is taken", g->domain);
	if (!rc)
		rc = store_exec(c->store, "INSERT INTO routing_rules (host, gateway) VALUES (?, ?)",
				NULL, err, "zz", g->domain, n->id);
	return say_taken(rc, err, "the host name %s is taken", g->domain);
}

/* ---- gateways ---------------------------------------------------------------------------------
 */

struct gateway_fields {
	char name[CONSOLE_NAME_MAX], domain[HOST_MAX], region[64], instance_type[64],
		public_ip[ADDR_TEXT_MAX], management[HOST_MAX];
	uint64_t wg_port, https_port, http_port;
};

static bool domain_valid(struct str s)
{
	struct str label;

	if (!s.len || s.len > 253)
		return false;
	while (str_cut(&s, '.', &label)) {
		if (!label_valid(label))
			return false;
	}
	return true;
}

static int gateway_check(const struct gateway_fields *f, struct rn_error *err)
{
	struct addr a;

	if (!domain_valid(str_from(f->domain)))
		return rn_fail(err, RN_EDATA, "domain=%s: not a domain name in lower case",
			       f->domain);
	if (*f->public_ip && (!addr_parse(&a, str_from(f->public_ip), 0) || addr_port(&a)))
		return rn_fail(err, RN_EDATA, "public_ip=%s: not an IP address", f->public_ip);
	if (*f->management && !addr_parse(&a, str_from(f->management), -1))
		return rn_fail(err, RN_EDATA, "management=%s: not ADDRESS:PORT", f->management);
	return 0;
}

/* R's fields over what F holds. */
static int gateway_fields(const struct rec *r, struct gateway_fields *f, struct rn_error *err)
{
	const struct {
		const char *key;
		char *text;
		size_t size;
	} texts[] = {{"name", f->name, sizeof(f->name)},
		     {"domain", f->domain, sizeof(f->domain)},
		     {"region", f->region, sizeof(f->region)},
		     {"instance_type", f->instance_type, sizeof(f->instance_type)},
		     {"public_ip", f->public_ip, sizeof(f->public_ip)},
		     {"management", f->management, sizeof(f->management)}};
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(texts); i++) {
		if (rec_get(r, texts[i].key).ptr)
			rc = field_text(r, texts[i].key, texts[i].text, texts[i].size, NULL, err);
	}
	if (!rc)
		rc = rec_u64(r, "wg_port", f->wg_port, 65535, &f->wg_port, err);
	if (!rc)
		rc = rec_u64(r, "https_port", f->https_port, 65535, &f->https_port, err);
	if (!rc)
		rc = rec_u64(r, "http_port", f->http_port, 65535, &f->http_port, err);
	if (!rc)
		rc = gateway_check(f, err);
	return rc ? (err->code = RN_EDATA) : 0;
}

int gateway_add(struct console *c, const struct console_actor *a, const struct rec *r,
		struct buf *out, struct rn_error *err)
{
	struct gateway_fields f = {.wg_port = 51820, .https_port = 443, .http_port = 80};
	struct node_new w = {.org = a->org, .role = "gateway", .wanted = rec_id(r)};
	char slug[CONSOLE_NAME_MAX];
	struct node n;

	name_slug(slug, 48, rec_id(r));
	if (!name_below(f.domain, sizeof(f.domain), slug, c->domain))
		return rn_fail(err, RN_EDATA, "gateway=%s: too long for a domain below %s", slug,
			       c->domain);
	int rc = gateway_fields(r, &f, err);

	if (rc)
		return rc;
	struct gateway_new g = {f.domain,
				f.public_ip,
				f.region,
				f.instance_type,
				f.management,
				(int64_t)f.wg_port,
				(int64_t)f.https_port,
				(int64_t)f.http_port};

	rc = node_make(c, &w, &n, err);
	if (!rc)
		rc = gateway_row(c, &n, &g, err);
	if (!rc)
		rc = kind_row(c, "gateway", a->org, str_from(n.id), out, err);
	struct invitation_new i = {.org = a->org, .role = "gateway", .node = n.id};

	return rc ? rc : invitation_make(c, &i, out, err);
}

int gateway_set(struct console *c, const struct console_actor *a, const struct rec *r,
		struct buf *out, struct rn_error *err)
{
	struct gateway_fields f = {0};
	struct gateway g;
	int rc = gateway_get(c, a->org, rec_id(r), &g, err);

	if (rc)
		return rc;
	snprintf(f.name, sizeof(f.name), "%s", g.node.name);
	snprintf(f.domain, sizeof(f.domain), "%s", g.domain);
	snprintf(f.public_ip, sizeof(f.public_ip), "%s", g.public_ip);
	snprintf(f.management, sizeof(f.management), "%s", g.management);
	f.wg_port = (uint64_t)g.wg_port;
	f.https_port = (uint64_t)g.https_port;
	f.http_port = (uint64_t)g.http_port;
	rc = gateway_fields(r, &f, err);
	if (!rc && strcmp(f.domain, g.domain) != 0)
		rc = rn_fail(err, RN_EDATA,
			     "domain: a gateway keeps its domain; add another gateway instead");
	if (!rc && !name_valid(str_from(f.name)))
		rc = rn_fail(err, RN_EDATA,
			     "name=%s: a name is letters, digits, - _ . (at most 63)", f.name);
	if (!rc)
		rc = say_taken(store_exec(c->store, "UPDATE nodes SET name = ? WHERE id = ?", NULL,
					  err, "zz", f.name, g.node.id),
			       err, "there is a node %s already", f.name);
	if (!rc)
		rc = store_exec(
			c->store,
			"UPDATE gateways SET region = CASE ? WHEN '' THEN region ELSE ? END,"
			" instance_type = CASE ? WHEN '' THEN instance_type ELSE ? END, public_ip "
			"= ?, management = ?,"
			" wg_port = ?, https_port = ?, http_port = ? WHERE node = ?",
			NULL, err, "zzzzzziiiz", f.region, f.region, f.instance_type,
			f.instance_type, f.public_ip, f.management, (int64_t)f.wg_port,
			(int64_t)f.https_port, (int64_t)f.http_port, g.node.id);
	if (!rc)
		rc = dirty_org(c, a->org, err);
	return rc ? rc : kind_row(c, "gateway", a->org, str_from(g.node.id), out, err);
}

/* ---- removing ---------------------------------------------------------------------------------
 */

static int node_remove(struct console *c, const struct console_actor *a, const char *role,
		       struct str id, struct rn_error *err)
{
	struct node n;
	int rc = node_get(c, a->org, id, &n, err);

	if (rc == RN_ENO || (!rc && strcmp(n.role, role) != 0))
		return fail_missing(err, strcmp(role, "client") == 0 ? "device" : "gateway", id);
	if (!rc)
		rc = node_owner_check(a, &n, err);
	if (!rc)
		rc = store_exec(c->store, "DELETE FROM nodes WHERE id = ?", NULL, err, "z", n.id);
	return rc;
}

int device_remove(struct console *c, const struct console_actor *a, struct str id,
		  struct rn_error *err)
{
	int rc = node_remove(c, a, "client", id, err);

	return rc ? rc : dirty_gateways(c, a->org, err);
}

int gateway_remove(struct console *c, const struct console_actor *a, struct str id,
		   struct rn_error *err)
{
	int rc = node_remove(c, a, "gateway", id, err);

	return rc ? rc : dirty_org(c, a->org, err);
}

int node_suspend(struct console *c, const struct console_actor *a, struct str id, bool suspend,
		 struct rn_error *err)
{
	struct node n;
	int rc = node_get(c, a->org, id, &n, err);

	if (!rc)
		rc = node_owner_check(a, &n, err);
	if (!rc && strcmp(n.status, "new") == 0)
		rc = rn_fail(err, RN_EDATA, "%s has not joined yet", n.name);
	if (!rc)
		rc = store_exec(c->store, "UPDATE nodes SET status = ? WHERE id = ?", NULL, err,
				"zz", suspend ? "suspended" : "active", n.id);
	return rc ? rc : dirty_org(c, a->org, err);
}

int device_set(struct console *c, const struct console_actor *a, const struct rec *r,
	       struct buf *out, struct rn_error *err)
{
	struct str name = rec_get(r, "name"), user = rec_get(r, "user");
	struct node n;
	int64_t user_id = 0;
	int rc = node_get(c, a->org, rec_id(r), &n, err);

	if (!rc)
		rc = node_owner_check(a, &n, err);
	/* In the tunnel a device speaks for its user, with the user's groups. */
	if (!rc && user.ptr && a->role < CONSOLE_ADMIN)
		rc = fail_role(a, err);
	if (!rc && name.ptr && !name_valid(name))
		rc = rn_fail(err, RN_EDATA,
			     "name=%.*s: a name is letters, digits, - _ . (at most 63)",
			     STR_ARG(str_slice(name, 0, MIN(name.len, 100))));
	if (!rc && user.len)
		rc = user_find(c, a->org, user, &user_id, err);
	if (!rc && name.ptr)
		rc = say_taken(store_exec(c->store, "UPDATE nodes SET name = ? WHERE id = ?", NULL,
					  err, "sz", name, n.id),
			       err, "there is a node %.*s already", STR_ARG(name));
	if (!rc && user.ptr)
		rc = store_exec(c->store,
				"UPDATE nodes SET user_id = CASE ? WHEN 0 THEN NULL ELSE ? END "
				"WHERE id = ?",
				NULL, err, "iiz", user_id, user_id, n.id);
	if (!rc)
		rc = dirty_gateways(c, a->org, err);
	return rc ? rc : kind_row(c, "device", a->org, str_from(n.id), out, err);
}
