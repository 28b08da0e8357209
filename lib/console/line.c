/* SPDX-License-Identifier: MIT
 *
 * What is made by hand and kept as the line that it is: sites, listeners, resources, targets,
 * policies. The schema says what is in them; here is what must hold between them.
 */
#include "console/inner.h"

const char site_sql[] = "SELECT record FROM sites WHERE org = ? AND ? IN ('', id) ORDER BY id";
const char listen_sql[] =
	"SELECT record FROM listeners WHERE org = ? AND ? IN ('', id) ORDER BY id";
const char resource_sql[] =
	"SELECT record FROM resources WHERE org = ? AND ? IN ('', id) ORDER BY id";
const char target_sql[] = "SELECT record FROM targets WHERE org = ? AND ? IN ('', id) ORDER BY id";
const char policy_sql[] = "SELECT record FROM policies WHERE org = ? AND ? IN ('', id) ORDER BY id";
const char rule_sql[] = "SELECT h.host AS rule, h.path AS path, coalesce(h.service, h.resource, "
			"'console') AS resource,"
			" coalesce(s.gateway, r.gateway, h.gateway) AS gateway FROM routing_rules h"
			" LEFT JOIN services s ON s.id = h.service LEFT JOIN resources r ON r.org "
			"= h.org AND r.id = h.resource"
			" JOIN nodes n ON n.id = coalesce(s.gateway, r.gateway, h.gateway)"
			" WHERE n.org = ? AND ? IN ('', h.host) ORDER BY h.host, h.path";

struct line { /* one on its way into the database */
	struct console *c;
	const struct console_actor *a;
	const struct rec *r;
	struct str id;
	struct buf text; /* canonical, no LF */
	struct gateway gateway;
};

typedef int put_fn(struct line *l, struct rn_error *err);

static int line_exec(struct line *l, const char *sql, struct rn_error *err)
{
	return store_exec(l->c->store, sql, NULL, err, "iss", l->a->org, l->id, buf_str(&l->text));
}

static int site_put(struct line *l, struct rn_error *err)
{
	return line_exec(l,
			 "INSERT INTO sites (org, id, record) VALUES (?, ?, ?)"
			 " ON CONFLICT (org, id) DO UPDATE SET record = excluded.record",
			 err);
}

/* The gateway that the record names, or the first. */
static int line_gateway(struct line *l, struct rn_error *err)
{
	struct str id = rec_get(l->r, "gateway");

	return id.ptr ? gateway_get(l->c, l->a->org, id, &l->gateway, err)
		      : gateway_first(l->c, l->a->org, &l->gateway, err);
}

static int listen_put(struct line *l, struct rn_error *err)
{
	int rc = line_gateway(l, err);

	return rc ? rc
		  : store_exec(
			    l->c->store,
			    "INSERT INTO listeners (org, id, gateway, record) VALUES (?, ?, ?, ?)"
			    " ON CONFLICT (org, id) DO UPDATE SET gateway = excluded.gateway, "
			    "record = excluded.record",
			    NULL, err, "iszs", l->a->org, l->id, l->gateway.node.id,
			    buf_str(&l->text));
}

/* ---- resources --------------------------------------------------------------------------------
 */

/* A name below another organisation's gateway is not ours to give: taken, without saying by whom.
 */
static int host_is_ours(struct line *l, struct str host, struct rn_error *err)
{
	static const char sql[] = "SELECT n.org FROM gateways g JOIN nodes n ON n.id = g.node"
				  " WHERE ? = g.domain OR ? LIKE '%.' || g.domain ORDER BY "
				  "length(g.domain) DESC LIMIT 1";
	int64_t org = 0;
	int rc = store_get_int(l->c->store, &org, sql, err, "ss", host, host);

	if (rc == 1 && org != l->a->org) {
		rc = rn_fail(err, RN_ENO, "the host name %.*s is taken", STR_ARG(host));
		err->sys = EEXIST;
	}
	return rc < 0 ? rc : 0;
}

static int resource_hosts(struct line *l, struct rn_error *err)
{
	struct str hosts = rec_get(l->r, "host"), path = rec_get(l->r, "path"), host;
	int rc = store_exec(l->c->store, "DELETE FROM routing_rules WHERE org = ? AND resource = ?",
			    NULL, err, "is", l->a->org, l->id);

	while (!rc && hosts.len && rec_list_next(&hosts, &host)) {
		rc = host_is_ours(l, host, err);
		if (!rc)
			rc = store_exec(l->c->store,
					"INSERT INTO routing_rules (host, path, org, resource) "
					"VALUES (?, ?, ?, ?)",
					NULL, err, "ssis", host, path.ptr ? path : STR("/"),
					l->a->org, l->id);
		rc = say_taken(rc, err, "the host name %.*s is taken", STR_ARG(host));
	}
	return rc;
}

static int resource_put(struct line *l, struct rn_error *err)
{
	struct str site = rec_get(l->r, "site");
	int64_t found;
	int rc = line_gateway(l, err);

	if (!rc && site.ptr) {
		rc = store_get_int(l->c->store, &found,
				   "SELECT 1 FROM sites WHERE org = ? AND id = ?", err, "is",
				   l->a->org, site);
		if (rc == 0)
			return rn_fail(err, RN_EDATA, "site=%.*s: there is no such site",
				       STR_ARG(site));
		rc = rc < 0 ? rc : 0;
	}
	if (!rc) {
		rc = store_get_int(l->c->store, &found, "SELECT 1 FROM services WHERE id = ?", err,
				   "s", l->id);
		if (rc == 1 || str_is(l->id, "console")) {
			rc = rn_fail(err, RN_ENO, "resource=%.*s: the name is taken",
				     STR_ARG(l->id));
			err->sys = EEXIST;
		}
	}
	if (!rc)
		rc = store_exec(
			l->c->store,
			"INSERT INTO resources (org, id, gateway, record) VALUES (?, ?, ?, ?)"
			" ON CONFLICT (org, id) DO UPDATE SET gateway = excluded.gateway, record = "
			"excluded.record",
			NULL, err, "iszs", l->a->org, l->id, l->gateway.node.id, buf_str(&l->text));
	return rc ? rc : resource_hosts(l, err);
}

static int target_put(struct line *l, struct rn_error *err)
{
	struct str resource = rec_get(l->r, "resource");
	int64_t found;
	int rc = store_get_int(l->c->store, &found,
			       "SELECT 1 FROM resources WHERE org = ? AND id = ?", err, "is",
			       l->a->org, resource);

	if (rc == 0)
		return rn_fail(err, RN_EDATA, "resource=%.*s: there is no such resource",
			       STR_ARG(resource));
	return rc < 0 ? rc
		      : store_exec(l->c->store,
				   "INSERT INTO targets (org, id, resource, record) VALUES (?, ?, "
				   "?, ?)"
				   " ON CONFLICT (org, id) DO UPDATE SET resource = "
				   "excluded.resource, record = excluded.record",
				   NULL, err, "isss", l->a->org, l->id, resource,
				   buf_str(&l->text));
}

/* ---- policies ---------------------------------------------------------------------------------
 */

/* The line again with devices by identity. */
static int policy_text(struct line *l, struct rn_error *err)
{
	struct buf from;
	int rc;

	buf_init(&from, REC_LINE_MAX);
	rc = principals_resolve(l->c, l->a->org, "from", rec_get(l->r, "from"), &from, err);
	buf_clear(&l->text);
	rec_begin(&l->text, "policy", l->id);
	for (size_t i = 1; !rc && i < l->r->n; i++) {
		char key[REC_KEY_MAX + 1];

		if (str_copy(key, sizeof(key), l->r->f[i].key))
			rec_add_raw(&l->text, key,
				    strcmp(key, "from") == 0 ? buf_str(&from) : l->r->f[i].value);
	}
	if (!rc && (from.failed || l->text.failed))
		rc = rn_fail(err, RN_EDATA, "policy=%.*s: the line is too long", STR_ARG(l->id));
	buf_free(&from);
	return rc;
}

static int policy_put(struct line *l, struct rn_error *err)
{
	int rc = policy_text(l, err);

	return rc ? rc
		  : line_exec(l,
			      "INSERT INTO policies (org, id, record) VALUES (?, ?, ?)"
			      " ON CONFLICT (org, id) DO UPDATE SET record = excluded.record",
			      err);
}

/* ---- the table --------------------------------------------------------------------------------
 */

static const struct line_table {
	const char *kind;
	put_fn *put;
	const char *exists, *remove;
} tables[] = {
	{"site", site_put, "SELECT 1 FROM sites WHERE org = ? AND id = ?",
	 "DELETE FROM sites WHERE org = ? AND id = ?"},
	{"listen", listen_put, "SELECT 1 FROM listeners WHERE org = ? AND id = ?",
	 "DELETE FROM listeners WHERE org = ? AND id = ?"},
	{"resource", resource_put, "SELECT 1 FROM resources WHERE org = ? AND id = ?",
	 "DELETE FROM resources WHERE org = ? AND id = ?"},
	{"target", target_put, "SELECT 1 FROM targets WHERE org = ? AND id = ?",
	 "DELETE FROM targets WHERE org = ? AND id = ?"},
	{"policy", policy_put, "SELECT 1 FROM policies WHERE org = ? AND id = ?",
	 "DELETE FROM policies WHERE org = ? AND id = ?"},
};

static const struct line_table *table_find(struct str kind)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (str_is(kind, tables[i].kind))
			return &tables[i];
	}
	return NULL;
}

bool line_kind(struct str kind)
{
	return table_find(kind) != NULL;
}

/* R's text without what lies behind its last field. */
static void canonical(struct buf *b, const struct rec *r)
{
	rec_write(b, r);
	if (b->len && b->ptr[b->len - 1] == '\n')
		b->len--;
}

int line_put(struct console *c, const struct console_actor *a, const struct rec *r, bool new_,
	     struct rn_error *err)
{
	const struct line_table *t = table_find(rec_kind(r));
	struct line l = {.c = c, .a = a, .r = r, .id = rec_id(r)};
	int64_t found;

	rn_assert(t);
	int rc = store_get_int(c->store, &found, t->exists, err, "is", a->org, l.id);

	if (rc == 1 && new_) {
		rc = rn_fail(err, RN_ENO, "there is a %s %.*s already", t->kind, STR_ARG(l.id));
		err->sys = EEXIST;
	}
	if (rc < 0)
		return rc;
	buf_init(&l.text, REC_LINE_MAX);
	canonical(&l.text, r);
	rc = l.text.failed ? rn_fail(err, RN_EDATA, "%s: the line is too long", t->kind)
			   : t->put(&l, err);
	buf_free(&l.text);
	return rc ? rc : dirty_gateways(c, a->org, err);
}

static int check(const struct rec *r, struct rn_error *err)
{
	size_t column;
	int rc = schema_check(r, &column, err);

	if (!rc && (rc = rec_files_beside(r, err)))
		return err->code = RN_EDATA; /* no node would take the bundle */
	return rc == RN_ECONFIG ? (err->code = RN_EDATA) : rc;
}

static int answer(struct console *c, const struct console_actor *a, const struct rec *r,
		  struct buf *out, struct rn_error *err)
{
	return kind_row(c, table_find(rec_kind(r))->kind, a->org, rec_id(r), out, err);
}

int line_add(struct console *c, const struct console_actor *a, const struct rec *r, struct buf *out,
	     struct rn_error *err)
{
	int rc = check(r, err);

	if (!rc)
		rc = line_put(c, a, r, true, err);
	return rc ? rc : answer(c, a, r, out, err);
}

/* The fields of NEW over those of OLD. */
static void merge(struct buf *b, const struct rec *old, const struct rec *new)
{
	char key[REC_KEY_MAX + 1];

	str_copy(key, sizeof(key), rec_kind(old));
	buf_add_cstr(b, key);
	buf_add_byte(b, '=');
	buf_add(b, rec_id(old));
	for (size_t i = 1; i < old->n; i++) {
		if (str_copy(key, sizeof(key), old->f[i].key) && !rec_get(new, key).ptr)
			rec_add_raw(b, key, old->f[i].value);
	}
	for (size_t i = 1; i < new->n; i++) {
		if (str_copy(key, sizeof(key), new->f[i].key))
			rec_add_raw(b, key, new->f[i].value);
	}
}

int line_set(struct console *c, const struct console_actor *a, const struct rec *r, struct buf *out,
	     struct rn_error *err)
{
	struct rec *recs = calloc(2, sizeof(*recs));
	struct buf old, merged;
	int rc = recs ? 0 : rn_fail(err, RN_EOS, "out of memory");

	buf_init(&old, REC_LINE_MAX);
	buf_init(&merged, REC_LINE_MAX);
	if (!rc)
		rc = answer(c, a, r, &old, err);
	if (!rc)
		rc = rec_parse(&recs[0], str_slice(buf_str(&old), 0, old.len - 1), NULL, err);
	if (!rc) {
		merge(&merged, &recs[0], r);
		rc = merged.failed ? rn_fail(err, RN_EDATA, "the line is too long")
				   : rec_parse(&recs[1], buf_str(&merged), NULL, err);
	}
	if (!rc)
		rc = check(&recs[1], err);
	if (!rc)
		rc = line_put(c, a, &recs[1], false, err);
	if (!rc)
		rc = answer(c, a, r, out, err);
	buf_free(&old);
	buf_free(&merged);
	free(recs);
	return rc;
}

static int line_remove(struct console *c, const struct console_actor *a, const char *kind,
		       struct str id, struct rn_error *err)
{
	int64_t n = 0;
	int rc =
		store_exec(c->store, table_find(str_from(kind))->remove, &n, err, "is", a->org, id);

	if (!rc && !n)
		rc = fail_missing(err, kind, id);
	return rc ? rc : dirty_gateways(c, a->org, err);
}

static bool list_has(struct str list, struct str id)
{
	struct str one;

	while (list.len && rec_list_next(&list, &one))
		if (str_eq(one, id))
			return true;
	return false;
}

/* Sites and listeners, which resources name under a key that is called like the kind. */
static int remove_unused(struct console *c, const struct console_actor *a, const char *kind,
			 struct str id, struct rn_error *err)
{
	char used[CONSOLE_NAME_MAX];
	struct store_rows q;
	struct rec *r = malloc(sizeof(*r));
	int rc = r ? store_query(c->store, &q, resource_sql, err, "iz", a->org, "")
		   : rn_fail(err, RN_EOS, "out of memory");

	if (!r)
		return rc;
	while (!rc && (rc = store_next(&q, err)) == 1) {
		rc = rec_parse(r, store_text(&q, 0), NULL, err);
		if (!rc && list_has(rec_get(r, kind), id) &&
		    str_copy(used, sizeof(used), rec_id(r)))
			rc = rn_fail(err, RN_EDATA, "%s %.*s is used by resource %s", kind,
				     STR_ARG(id), used);
	}
	store_done(&q);
	free(r);
	return rc ? rc : line_remove(c, a, kind, id, err);
}

int site_remove(struct console *c, const struct console_actor *a, struct str id,
		struct rn_error *err)
{
	return remove_unused(c, a, "site", id, err);
}

int listen_remove(struct console *c, const struct console_actor *a, struct str id,
		  struct rn_error *err)
{
	return remove_unused(c, a, "listen", id, err);
}

int resource_remove(struct console *c, const struct console_actor *a, struct str id,
		    struct rn_error *err)
{
	return line_remove(c, a, "resource", id, err);
}

int target_remove(struct console *c, const struct console_actor *a, struct str id,
		  struct rn_error *err)
{
	return line_remove(c, a, "target", id, err);
}

int policy_remove(struct console *c, const struct console_actor *a, struct str id,
		  struct rn_error *err)
{
	return line_remove(c, a, "policy", id, err);
}
