/* SPDX-License-Identifier: MIT
 *
 * Services: what devices make reachable.
 *
 * A service keeps its identity, host name and ports as long as its device asks again under the same
 * name; even after it was removed it gets the same ones when nobody took them meanwhile, because
 * they are derived from device and name.
 */
#include "console/inner.h"

#define LINK_S (7 * 86400)
#define NAME_TRIES 200

/* Where it is reached, and the DNS record that must lead there, are made here so that list, show
 * and the answer to a new one agree. */
const char service_sql[] =
	"SELECT s.id AS service, s.name AS name,"
	" CASE WHEN s.label IS NOT NULL THEN 'https://' || s.label || '.' || g.domain ||"
	"   CASE g.https_port WHEN 443 THEN '' ELSE ':' || g.https_port END"
	"  WHEN s.public_port IS NOT NULL THEN s.protocol || '://' || g.domain || ':' || "
	"s.public_port"
	"  ELSE s.protocol || '://' || gn.address4 || ':' || s.inner_port END AS url,"
	" s.protocol AS protocol, 'active' AS status, s.local_address AS local_address,"
	" s.node AS device, s.gateway AS gateway, s.tunnel_port AS tunnel_port,"
	" CASE s.public WHEN 1 THEN 'yes' ELSE 'no' END AS public, NULLIF(s.allow, '') AS "
	"raw_allow,"
	" CASE s.auth_required WHEN 1 THEN 'yes' ELSE 'no' END AS auth_required,"
	" g.domain || ':' || s.public_port AS public_address, gn.address4 || ':' || s.inner_port "
	"AS tunnel_address,"
	" CASE WHEN s.label IS NOT NULL THEN s.label || '.' || g.domain || '. 300 IN CNAME ' || "
	"g.domain || '.'"
	"  WHEN s.public_port IS NOT NULL AND g.public_ip LIKE '%:%' THEN g.domain || '. 300 IN "
	"AAAA ' || g.public_ip"
	"  WHEN s.public_port IS NOT NULL AND g.public_ip <> '' THEN g.domain || '. 300 IN A ' || "
	"g.public_ip"
	" END AS dns, s.created_at AS created_at, s.expires_at AS ends_at"
	" FROM services s JOIN gateways g ON g.node = s.gateway JOIN nodes gn ON gn.id = s.gateway"
	" WHERE s.org = ? AND ? IN ('', s.id) ORDER BY s.id";

struct service { /* a row, or one to be */
	char id[CONSOLE_NAME_MAX], name[CONSOLE_NAME_MAX], label[CONSOLE_NAME_MAX], protocol[8];
	struct node node;
	struct gateway gateway;
	int64_t public_port, inner_port;
	struct buf allow;
	bool exists, public_;
};

static bool is_http(const char *protocol)
{
	return strcmp(protocol, "http") == 0 || strcmp(protocol, "https") == 0;
}

/* ---- who may ----------------------------------------------------------------------------------
 */

static int service_node(struct console *c, const struct console_actor *a, struct str id,
			struct node *n, struct rn_error *err)
{
	char node[CONSOLE_NAME_MAX];
	int rc = store_get_text(c->store, node, sizeof(node),
				"SELECT node FROM services WHERE org = ? AND id = ?", err, "is",
				a->org, id);

	if (rc == 0)
		return fail_missing(err, "service", id);
	if (rc > 0)
		rc = node_get(c, a->org, str_from(node), n, err);
	return rc ? rc : node_owner_check(a, n, err);
}

/* ---- names and ports --------------------------------------------------------------------------
 */

/* "localhost:3000" and http: "http-3000"; "unix:/run/x" and http: "http". */
static void default_name(char out[static CONSOLE_NAME_MAX], struct str protocol, struct str local)
{
	size_t digits = 0;

	while (digits < local.len && local.ptr[local.len - 1 - digits] >= '0' &&
	       local.ptr[local.len - 1 - digits] <= '9')
		digits++;
	snprintf(out, CONSOLE_NAME_MAX, digits ? "%.*s-%.*s" : "%.*s", STR_ARG(protocol),
		 STR_ARG(str_from_at(local, local.len - MIN(digits, 5))));
}

static bool known(struct console *c, const char *id, int *rc, struct rn_error *err)
{
	int64_t one;

	*rc = store_get_int(
		c->store, &one,
		"SELECT 1 FROM services WHERE id = ? UNION SELECT 1 FROM resources WHERE id = ?",
		err, "zz", id, id);
	return *rc != 0;
}

/* The identity: a readable part, and letters that are always the same for this device and name. */
static int choose_id(struct console *c, struct service *s, bool named, struct rn_error *err)
{
	char slug[40], suffix[SUFFIX_LEN + 1];
	int rc = 0;

	name_slug(slug, 32, str_from(named ? s->name : s->node.name));
	for (unsigned i = 0; i < NAME_TRIES; i++) {
		name_suffix(c, suffix, str_from(s->node.id), str_from(s->name), i);
		snprintf(s->id, sizeof(s->id), "%s-%s", slug, suffix);
		if (!known(c, s->id, &rc, err))
			return 0;
		if (rc < 0)
			return rc;
	}
	return rn_fail(err, RN_ENO, "no free name for this service could be found");
}

static int choose_label(struct service *s, struct str subdomain, struct rn_error *err)
{
	if (!is_http(s->protocol)) {
		if (subdomain.len)
			return rn_fail(err, RN_EDATA,
				       "subdomain: %s services are reached by port, not by name",
				       s->protocol);
		return 0;
	}
	if (!subdomain.len) {
		snprintf(s->label, sizeof(s->label), "%s", s->id);
		return 0;
	}
	if (!label_valid(subdomain) || !str_copy(s->label, sizeof(s->label), subdomain))
		return rn_fail(err, RN_EDATA,
			       "subdomain=%.*s: one DNS label: a-z, 0-9 and -, at most 63",
			       STR_ARG(str_slice(subdomain, 0, MIN(subdomain.len, 100))));
	return 0;
}

/* Somebody from outside the tunnel can only be let in by being anybody or by address. */
static bool needs_public_port(const struct service *s)
{
	struct str rest = buf_str(&s->allow), one;

	if (is_http(s->protocol))
		return false;
	if (s->public_)
		return true;
	while (rest.len && rec_list_next(&rest, &one)) {
		if (str_is(one, "any") || str_starts(one, STR("cidr:")))
			return true;
	}
	return false;
}

static int choose_ports(struct console *c, struct service *s, struct rn_error *err)
{
	struct str gateway = str_from(s->gateway.node.id), protocol = str_from(s->protocol);
	uint64_t wish = 0;
	int rc = 0;

	for (const char *p = s->id; *p; p++)
		wish = wish * 131 + (uint8_t)*p;
	if (!is_http(s->protocol) && !s->inner_port)
		rc = port_take(c, PORT_INNER, gateway, protocol, wish, &s->inner_port, err);
	if (rc)
		return rc;
	if (!needs_public_port(s))
		s->public_port = 0;
	else if (!s->public_port)
		rc = port_take(c, PORT_PUBLIC, gateway, protocol, wish, &s->public_port, err);
	return rc;
}

/* ---- open -------------------------------------------------------------------------------------
 */

static int input_check(const struct console_service *in, struct rn_error *err)
{
	static const char *const protocols[] = {"http", "https", "tcp", "udp"};
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		found |= str_is(in->protocol, protocols[i]);
	if (!found)
		return rn_fail(err, RN_EDATA, "protocol=%.*s: not http, https, tcp or udp",
			       STR_ARG(str_slice(in->protocol, 0, MIN(in->protocol.len, 60))));
	if (in->name.ptr && !name_valid(in->name))
		return rn_fail(err, RN_EDATA,
			       "name=%.*s: a name is letters, digits, - _ . (at most 63)",
			       STR_ARG(str_slice(in->name, 0, MIN(in->name.len, 100))));
	if (!in->tunnel_port)
		return rn_fail(err, RN_EDATA, "tunnel_port: from 1 to 65535");
	if (!in->local_address.len || in->local_address.len > 253)
		return rn_fail(err, RN_EDATA, "local_address: from 1 to 253 bytes");
	if (in->expires_s > EXPIRES_MAX_S)
		return rn_fail(err, RN_EDATA, "expires_s=%u: at most %d", in->expires_s,
			       EXPIRES_MAX_S);
	return 0;
}

static int load_existing(struct console *c, struct service *s, struct rn_error *err)
{
	struct store_rows q;
	char protocol[8] = "";
	int rc = store_query(
		c->store, &q,
		"SELECT id, protocol, gateway, label, public_port, inner_port FROM services"
		" WHERE node = ? AND name = ?",
		err, "zz", s->node.id, s->name);

	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1 && store_copy(&q, 0, s->id, sizeof(s->id)) &&
	    store_copy(&q, 1, protocol, sizeof(protocol))) {
		s->exists = true;
		rc = gateway_get(c, s->node.org, store_text(&q, 2), &s->gateway, err);
		if (strcmp(protocol, s->protocol) == 0) { /* else the old ports mean nothing */
			store_copy(&q, 3, s->label, sizeof(s->label));
			s->public_port = store_int(&q, 4);
			s->inner_port = store_int(&q, 5);
		}
	}
	store_done(&q);
	return rc;
}

static int fill(struct console *c, const struct console_actor *a, const struct console_service *in,
		struct service *s, struct rn_error *err)
{
	int rc = node_get(c, a->org, in->node.ptr ? in->node : str_from(a->id), &s->node, err);

	if (!rc && strcmp(s->node.status, "active") != 0)
		rc = rn_fail(err, RN_EPERM, "the device %s is not active", s->node.name);
	if (!rc)
		rc = node_owner_check(a, &s->node, err);
	if (rc)
		return rc;
	str_copy(s->protocol, sizeof(s->protocol), in->protocol);
	if (in->name.ptr)
		str_copy(s->name, sizeof(s->name), in->name);
	else
		default_name(s->name, in->protocol, in->local_address);
	s->public_ = in->public_ || (!in->auth_required && is_http(s->protocol));
	rc = principals_resolve(c, a->org, "allow", in->allow.ptr ? in->allow : STR(""), &s->allow,
				err);
	if (!rc)
		rc = load_existing(c, s, err);
	if (!rc && !s->exists) {
		rc = gateway_first(c, a->org, &s->gateway, err);
		if (!rc)
			rc = choose_id(c, s, in->name.ptr != NULL, err);
	}
	if (!rc && (in->subdomain.len || !*s->label))
		rc = choose_label(s, in->subdomain, err);
	return rc ? rc : choose_ports(c, s, err);
}

/* The name is taken whoever has it; who that is, is nobody's business. */
static int take_host(struct console *c, const struct service *s, struct rn_error *err)
{
	char host[HOST_MAX + CONSOLE_NAME_MAX];
	int rc = store_exec(c->store, "DELETE FROM routing_rules WHERE service = ?", NULL, err, "z",
			    s->id);

	if (rc || !*s->label)
		return rc;
	snprintf(host, sizeof(host), "%s.%s", s->label, s->gateway.domain);
	rc = store_exec(c->store, "INSERT INTO routing_rules (host, service) VALUES (?, ?)", NULL,
			err, "zz", host, s->id);
	return say_taken(rc, err, "the subdomain %s is taken; choose another one", s->label);
}

static int write_row(struct console *c, const struct console_service *in, const struct service *s,
		     struct rn_error *err)
{
	static const char sql[] =
		"INSERT INTO services (id, org, node, gateway, name, protocol, local_address, "
		"tunnel_port, label,"
		" public_port, inner_port, public, allow, auth_required, created_at, expires_at)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULLIF(?, ''), NULLIF(?, 0), NULLIF(?, 0), ?, ?, "
		"?, ?, NULLIF(?, 0))"
		" ON CONFLICT (id) DO UPDATE SET protocol = excluded.protocol, local_address = "
		"excluded.local_address,"
		" tunnel_port = excluded.tunnel_port, label = excluded.label, public_port = "
		"excluded.public_port,"
		" inner_port = excluded.inner_port, public = excluded.public, allow = "
		"excluded.allow,"
		" auth_required = excluded.auth_required, expires_at = excluded.expires_at";
	struct str allow = s->allow.len ? buf_str(&s->allow) : STR("");
	int64_t now = clock_wall_s(), ends = in->expires_s ? now + in->expires_s : 0;
	int rc = store_exec(c->store, sql, NULL, err, "zizzzzsiziiisiii", s->id, s->node.org,
			    s->node.id, s->gateway.node.id, s->name, s->protocol, in->local_address,
			    (int64_t)in->tunnel_port, s->label, s->public_port, s->inner_port,
			    (int64_t)s->public_, allow, (int64_t)!s->public_, now, ends);

	return rc ? rc : take_host(c, s, err);
}

/* "URL?rn_link=TOKEN"; only HTTP has links. */
static void add_link(struct console *c, const struct service *s, struct str id, const char *key,
		     uint32_t lasts_s, struct buf *out)
{
	char token[LINK_TOKEN_LEN + 1], url[HOST_MAX * 2], port[8] = "";
	uint32_t expires_at = (uint32_t)(clock_wall_s() + lasts_s);

	link_make(token, c->key, id, expires_at);
	if (s->gateway.https_port != 443)
		snprintf(port, sizeof(port), ":%u", (unsigned)(s->gateway.https_port & 0xffff));
	snprintf(url, sizeof(url), "https://%s.%s%s/?rn_link=%s", s->label, s->gateway.domain, port,
		 token);
	rec_add_cstr(out, key, url);
	rec_add_i64(out, "expires_at", expires_at);
}

/* The row as list shows it, with the link behind. */
static int answer(struct console *c, const struct service *s, struct buf *out, struct rn_error *err)
{
	int rc = kind_row(c, "service", s->node.org, str_from(s->id), out, err);

	if (rc || s->public_ || !*s->label || s->allow.len)
		return rc;
	out->len--; /* take its LF back */
	add_link(c, s, str_from(s->id), "share", LINK_S, out);
	rec_end(out);
	return 0;
}

int console_service_open(struct console *c, const struct console_actor *a,
			 const struct console_service *in, struct buf *out, struct rn_error *err)
{
	struct action what = {.least = CONSOLE_MEMBER, .node_too = true, .tx = STORE_WRITE};
	struct service s = {0};
	int rc = input_check(in, err);

	if (!rc)
		rc = action_begin(c, a, &what, err);
	if (rc)
		return rc;
	buf_init(&s.allow, REC_LINE_MAX / 2);
	rc = fill(c, a, in, &s, err);
	if (!rc)
		rc = write_row(c, in, &s, err);
	if (!rc)
		rc = dirty_node(c, s.gateway.node.id, err);
	if (!rc)
		rc = answer(c, &s, out, err);
	if (!rc)
		rc = audit_add(c, a, s.exists ? "service.resume" : "service.add", "service",
			       str_from(s.id),
			       s.public_     ? "public"
			       : s.allow.len ? "allow"
					     : "private",
			       err);
	buf_free(&s.allow);
	return action_end(c, rc, err);
}

/* ---- change, link, remove ---------------------------------------------------------------------
 */

struct stored { /* texts of a row that a change starts from */
	char name[CONSOLE_NAME_MAX], protocol[8], local_address[HOST_MAX], allow[REC_LINE_MAX],
		node[CONSOLE_NAME_MAX];
	uint64_t tunnel_port, expires_s;
	bool public_, auth_required;
};

static int stored_get(struct console *c, int64_t org, struct str id, struct stored *o,
		      struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(c->store, &q,
			     "SELECT name, protocol, local_address, allow, node, tunnel_port, "
			     "public, auth_required,"
			     " coalesce(expires_at, 0) FROM services WHERE org = ? AND id = ?",
			     err, "is", org, id);

	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1 && store_copy(&q, 0, o->name, sizeof(o->name)) &&
	    store_copy(&q, 1, o->protocol, sizeof(o->protocol)) &&
	    store_copy(&q, 2, o->local_address, sizeof(o->local_address)) &&
	    store_copy(&q, 3, o->allow, sizeof(o->allow)) &&
	    store_copy(&q, 4, o->node, sizeof(o->node))) {
		int64_t left = store_int(&q, 8) - clock_wall_s();

		o->tunnel_port = (uint64_t)store_int(&q, 5);
		o->public_ = store_int(&q, 6);
		o->auth_required = store_int(&q, 7);
		o->expires_s = store_int(&q, 8) ? (uint64_t)MAX(left, 1) : 0;
		rc = 0;
	} else if (rc >= 0) {
		rc = fail_missing(err, "service", id);
	}
	store_done(&q);
	return rc;
}

static int change_fields(const struct rec *r, struct stored *o, struct rn_error *err)
{
	struct str allow = rec_get(r, "allow");
	bool public_given = rec_get(r, "public").ptr, auth_given = rec_get(r, "auth_required").ptr;
	int rc = rec_u64(r, "tunnel_port", o->tunnel_port, 65535, &o->tunnel_port, err);

	if (!rc)
		rc = rec_bool(r, "public", o->public_, &o->public_, err);
	if (!rc)
		rc = rec_bool(r, "auth_required", auth_given ? o->auth_required : !o->public_,
			      &o->auth_required, err);
	if (!rc)
		rc = rec_u64(r, "expires_s", o->expires_s, EXPIRES_MAX_S, &o->expires_s, err);
	if (!rc && rec_get(r, "local_address").ptr)
		rc = field_text(r, "local_address", o->local_address, sizeof(o->local_address),
				NULL, err);
	if (rc)
		return err->code = RN_EDATA;
	if (auth_given && !public_given && o->auth_required)
		o->public_ = false;
	if (allow.ptr && !str_copy(o->allow, sizeof(o->allow), allow))
		return rn_fail(err, RN_EDATA, "allow is too long");
	return 0;
}

int service_change(struct console *c, const struct console_actor *a, const struct rec *r,
		   struct buf *out, struct rn_error *err)
{
	struct service s = {0};
	struct stored o;
	struct node n;
	int rc = service_node(c, a, rec_id(r), &n, err);

	if (!rc)
		rc = stored_get(c, a->org, rec_id(r), &o, err);
	if (!rc)
		rc = change_fields(r, &o, err);
	if (rc)
		return rc;
	struct console_service in = {.name = str_from(o.name),
				     .local_address = str_from(o.local_address),
				     .protocol = str_from(o.protocol),
				     .tunnel_port = (uint16_t)o.tunnel_port,
				     .allow = str_from(o.allow),
				     .public_ = o.public_,
				     .auth_required = o.auth_required,
				     .expires_s = (uint32_t)o.expires_s,
				     .node = str_from(o.node)};

	rc = input_check(&in, err);
	buf_init(&s.allow, REC_LINE_MAX / 2);
	if (!rc)
		rc = fill(c, a, &in, &s, err);
	if (!rc)
		rc = write_row(c, &in, &s, err);
	if (!rc)
		rc = dirty_node(c, s.gateway.node.id, err);
	if (!rc)
		rc = kind_row(c, "service", a->org, rec_id(r), out, err);
	buf_free(&s.allow);
	return rc;
}

int console_service_set(struct console *c, const struct console_actor *a, const struct rec *r,
			struct buf *out, struct rn_error *err)
{
	return console_set(c, a, r, out, err);
}

int console_service_link(struct console *c, const struct console_actor *a, struct str id,
			 uint32_t expires_s, struct buf *out, struct rn_error *err)
{
	struct action what = {.least = CONSOLE_MEMBER, .node_too = true, .tx = STORE_WRITE};
	struct service s = {0};
	int rc = 0;

	if (expires_s > EXPIRES_MAX_S || (expires_s && expires_s < 10))
		return rn_fail(err, RN_EDATA, "expires_s=%u: from 10 to %d", expires_s,
			       EXPIRES_MAX_S);
	rc = action_begin(c, a, &what, err);
	if (rc)
		return rc;
	rc = service_node(c, a, id, &s.node, err);
	if (!rc && store_get_text(c->store, s.label, sizeof(s.label),
				  "SELECT label FROM services WHERE id = ?", err, "s", id) < 0)
		rc = err->code;
	if (!rc && !*s.label)
		rc = rn_fail(err, RN_EDATA,
			     "%.*s is reached by port: only HTTP services have share links",
			     STR_ARG(id));
	if (!rc)
		rc = store_get_text(c->store, s.id, sizeof(s.id),
				    "SELECT gateway FROM services WHERE id = ?", err, "s", id);
	if (rc > 0)
		rc = gateway_get(c, a->org, str_from(s.id), &s.gateway, err);
	if (!rc) {
		rec_begin(out, "link", id);
		rec_add(out, "service", id);
		add_link(c, &s, id, "url", expires_s ? expires_s : LINK_S, out);
		rec_end(out);
		rc = audit_add(c, a, "service.link", "service", id, NULL, err);
	}
	return action_end(c, rc, err);
}

int service_remove(struct console *c, const struct console_actor *a, struct str id,
		   struct rn_error *err)
{
	struct node n;
	int rc = service_node(c, a, id, &n, err);

	if (!rc)
		rc = store_exec(c->store,
				"UPDATE bundles SET dirty = dirty + 1 WHERE node = (SELECT gateway "
				"FROM services WHERE id = ?)",
				NULL, err, "s", id);
	return rc ? rc
		  : store_exec(c->store, "DELETE FROM services WHERE id = ?", NULL, err, "s", id);
}
