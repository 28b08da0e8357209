/* SPDX-License-Identifier: MIT
 *
 * The grammar that all kinds share: list, show, add, set, remove, suspend, over one table.
 */
#include "console/inner.h"

const struct console_kind_info console_kinds[] = {
	{"organization", "list show add remove", "network",
	 "who shares a network; isolated from the others"},
	{"user", "list show add set remove suspend resume", "role",
	 "people, by password or API token"},
	{"group", "list show add set remove", "members", "users that policies name together"},
	{"token", "list show remove", "", "API tokens of users"},
	{"device", "list show set remove suspend resume", "name user", "machines that joined"},
	{"gateway", "list show add set remove suspend resume",
	 "name domain region instance_type public_ip wg_port https_port http_port management",
	 "public machines"},
	{"service", "list show set remove",
	 "local_address tunnel_port public allow auth_required expires_s", "what devices expose"},
	{"site", "list show add set remove", "name subnet endpoints connection",
	 "where targets are"},
	{"resource", "list show add set remove", "",
	 "what is reached, made by hand; keys as rn-proxy's"},
	{"target", "list show add set remove", "", "where a resource is; keys as rn-proxy's"},
	{"policy", "list show add set remove", "", "who may reach what; keys as rn-policy's"},
	{"listen", "list show add set remove", "",
	 "further listeners of a gateway; keys as rn-proxy's"},
	{"rule", "list show", "", "which host and path lead where; made by services and resources"},
	{"invitation", "list show remove", "", "who may still join"},
	{0}};

const struct kind kinds[] = {
	{.name = "organization",
	 .list_sql = org_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_OWNER,
	 .add = org_add,
	 .remove = org_remove},
	{.name = "user",
	 .list_sql = user_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_ADMIN,
	 .add = user_add,
	 .set = user_set,
	 .remove = user_remove,
	 .suspend = user_suspend},
	{.name = "group",
	 .list_sql = group_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_ADMIN,
	 .add = group_add,
	 .set = group_set,
	 .remove = group_remove},
	{.name = "token",
	 .list_sql = token_sql,
	 .read = CONSOLE_ADMIN,
	 .write = CONSOLE_ADMIN,
	 .remove = token_remove},
	{.name = "device",
	 .list_sql = device_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_MEMBER,
	 .set = device_set,
	 .remove = device_remove,
	 .suspend = node_suspend},
	{.name = "gateway",
	 .checked = true,
	 .list_sql = gateway_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_ADMIN,
	 .node_reads = true,
	 .add = gateway_add,
	 .set = gateway_set,
	 .remove = gateway_remove,
	 .suspend = node_suspend},
	{.name = "service",
	 .list_sql = service_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_MEMBER,
	 .node_reads = true,
	 .node_writes = true,
	 .set = service_change,
	 .remove = service_remove},
	{.name = "site",
	 .checked = true,
	 .list_sql = site_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_OPERATOR,
	 .add = line_add,
	 .set = line_set,
	 .remove = site_remove},
	{.name = "resource",
	 .checked = true,
	 .list_sql = resource_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_OPERATOR,
	 .add = line_add,
	 .set = line_set,
	 .remove = resource_remove},
	{.name = "target",
	 .checked = true,
	 .list_sql = target_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_OPERATOR,
	 .add = line_add,
	 .set = line_set,
	 .remove = target_remove},
	{.name = "policy",
	 .checked = true,
	 .list_sql = policy_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_ADMIN,
	 .add = line_add,
	 .set = line_set,
	 .remove = policy_remove},
	{.name = "listen",
	 .checked = true,
	 .list_sql = listen_sql,
	 .read = CONSOLE_AUDITOR,
	 .write = CONSOLE_ADMIN,
	 .add = line_add,
	 .set = line_set,
	 .remove = listen_remove},
	{.name = "rule", .list_sql = rule_sql, .read = CONSOLE_AUDITOR, .write = CONSOLE_OWNER},
	{.name = "invitation",
	 .list_sql = invitation_sql,
	 .read = CONSOLE_ADMIN,
	 .write = CONSOLE_ADMIN,
	 .remove = invitation_remove},
	{0}};

const struct kind *kind_find(struct str name)
{
	for (const struct kind *k = kinds; k->name; k++) {
		if (str_is(name, k->name))
			return k;
	}
	return NULL;
}

static int find(struct str name, const struct kind **k, struct rn_error *err)
{
	*k = kind_find(name);
	return *k ? 0
		  : rn_fail(err, RN_EUSAGE, "%.*s: the console keeps no such thing", STR_ARG(name));
}

static int no_verb(const struct kind *k, const char *verb, struct rn_error *err)
{
	return rn_fail(err, RN_EUSAGE, "%s %s: there is no such action", k->name, verb);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

/* Columns become fields by their names; NULL is left out. A first column called record is a whole
 * line. */
static void add_row(struct buf *out, const struct store_rows *q)
{
	if (strcmp(store_column_name(q, 0), "record") == 0) {
		buf_add(out, store_text(q, 0));
		buf_add_byte(out, '\n');
		return;
	}
	rec_begin(out, store_column_name(q, 0), store_text(q, 0));
	for (int i = 1; i < store_columns(q); i++) {
		if (store_null(q, i))
			continue;
		if (strcmp(store_column_name(q, i), "raw_allow") == 0)
			rec_add_raw(out, "allow", store_text(q, i));
		else
			rec_add(out, store_column_name(q, i), store_text(q, i));
	}
	rec_end(out);
}

int kind_rows(struct console *c, const struct kind *k, int64_t org, struct str id, struct buf *out,
	      struct rn_error *err)
{
	struct store_rows q;
	int n = 0;
	int rc = store_query(c->store, &q, k->list_sql, err, "is", org, id.ptr ? id : STR(""));

	while (!rc && (rc = store_next(&q, err)) == 1) {
		add_row(out, &q);
		n++;
		rc = 0;
	}
	store_done(&q);
	if (!rc && out->failed)
		rc = rn_fail(err, RN_EOS, "out of memory");
	return rc ? rc : n;
}

int kind_row(struct console *c, const char *kind, int64_t org, struct str id, struct buf *out,
	     struct rn_error *err)
{
	int n = kind_rows(c, kind_find(str_from(kind)), org, id, out, err);

	if (n == 0)
		return fail_missing(err, kind, id);
	return n < 0 ? n : 0;
}

/* The command line sees all organisations where others see their own. */
static int64_t org_of(const struct console_actor *a, const struct kind *k)
{
	return a->kind == CONSOLE_CLI && strcmp(k->name, "organization") == 0 ? 0 : a->org;
}

static int may_read(const struct console_actor *a, const struct kind *k, struct rn_error *err)
{
	if (a->role >= k->read || (a->kind == CONSOLE_NODE && k->node_reads))
		return 0;
	return fail_role(a, err);
}

/* Whether R has every field of WANT. */
static bool has_fields(const struct rec *r, const struct rec *want)
{
	for (size_t i = 0; i < want->n; i++) {
		char key[REC_KEY_MAX + 1];

		if (!str_copy(key, sizeof(key), want->f[i].key) ||
		    !str_eq(rec_get(r, key), want->f[i].value))
			return false;
	}
	return true;
}

static int narrow(struct str all, const struct rec *want, struct buf *out, struct rn_error *err)
{
	struct rec *r = malloc(sizeof(*r));
	struct str line;
	int rc = r ? 0 : rn_fail(err, RN_EOS, "out of memory");

	while (!rc && all.len && str_cut(&all, '\n', &line) && line.len) {
		rc = rec_parse(r, line, NULL, err);
		if (!rc && has_fields(r, want)) {
			buf_add(out, line);
			buf_add_byte(out, '\n');
		}
	}
	free(r);
	return rc;
}

int console_list(struct console *c, const struct console_actor *a, struct str kind,
		 const struct rec *want, struct buf *out, struct rn_error *err)
{
	const struct kind *k;
	struct buf all;
	int rc = find(kind, &k, err);

	if (!rc)
		rc = may_read(a, k, err);
	if (rc)
		return rc;
	if (!want) {
		rc = kind_rows(c, k, org_of(a, k), STR(""), out, err);
		return rc < 0 ? rc : 0;
	}
	buf_init(&all, OUT_MAX);
	rc = kind_rows(c, k, org_of(a, k), STR(""), &all, err);
	if (rc > 0)
		rc = narrow(buf_str(&all), want, out, err);
	buf_free(&all);
	return rc;
}

int console_show(struct console *c, const struct console_actor *a, struct str kind, struct str id,
		 struct buf *out, struct rn_error *err)
{
	const struct kind *k;
	int rc = find(kind, &k, err);

	if (!rc)
		rc = may_read(a, k, err);
	if (!rc && !id.len)
		rc = fail_missing(err, k->name, id);
	if (!rc)
		rc = kind_rows(c, k, org_of(a, k), id, out, err);
	if (rc == 0)
		return fail_missing(err, k->name, id);
	return rc < 0 ? rc : 0;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static int begin(struct console *c, const struct console_actor *a, const struct kind *k,
		 struct rn_error *err)
{
	struct action what = {.least = k->write, .node_too = k->node_writes, .tx = STORE_WRITE};

	return action_begin(c, a, &what, err);
}

static int audit(struct console *c, const struct console_actor *a, const struct kind *k,
		 const char *verb, struct str id, struct str detail, struct rn_error *err)
{
	char action[CONSOLE_NAME_MAX], text[1024];

	snprintf(action, sizeof(action), "%s.%s", k->name, verb);
	snprintf(text, sizeof(text), "%.*s",
		 STR_ARG(str_slice(detail, 0, MIN(detail.len, sizeof(text) - 1))));
	return audit_add(c, a, action, k->name, id, *text ? text : NULL, err);
}

/* What stands in the record behind its subject. */
static struct str fields_of(const struct rec *r)
{
	if (r->n < 2)
		return STR("");
	return str_from_at(r->line, (size_t)(r->f[1].key.ptr - r->line.ptr));
}

static int change(struct console *c, const struct console_actor *a, const struct rec *r, bool add,
		  struct buf *out, struct rn_error *err)
{
	const char *verb = add ? "add" : "set";
	const struct kind *k;
	int rc = find(rec_kind(r), &k, err);

	if (rc)
		return rc;
	kind_add_fn *fn = add ? k->add : k->set;

	if (!fn)
		return no_verb(k, verb, err);
	rc = begin(c, a, k, err);
	if (rc)
		return rc;
	rc = fn(c, a, r, out, err);
	if (!rc && k->checked)
		rc = gateways_check(c, a->org, err);
	if (!rc)
		rc = audit(c, a, k, verb, rec_id(r), fields_of(r), err);
	return action_end(c, rc, err);
}

int console_add(struct console *c, const struct console_actor *a, const struct rec *r,
		struct buf *out, struct rn_error *err)
{
	return change(c, a, r, true, out, err);
}

int console_set(struct console *c, const struct console_actor *a, const struct rec *r,
		struct buf *out, struct rn_error *err)
{
	return change(c, a, r, false, out, err);
}

int console_remove(struct console *c, const struct console_actor *a, struct str kind, struct str id,
		   struct rn_error *err)
{
	const struct kind *k;
	int rc = find(kind, &k, err);

	if (rc)
		return rc;
	if (!k->remove)
		return no_verb(k, "remove", err);
	rc = begin(c, a, k, err);
	if (rc)
		return rc;
	rc = k->remove(c, a, id, err);
	if (!rc && k->checked)
		rc = gateways_check(c, a->org, err);
	if (!rc)
		rc = audit(c, a, k, "remove", id, STR(""), err);
	return action_end(c, rc, err);
}

int console_suspend(struct console *c, const struct console_actor *a, struct str kind,
		    struct str id, bool suspend, struct rn_error *err)
{
	const char *verb = suspend ? "suspend" : "resume";
	const struct kind *k;
	int rc = find(kind, &k, err);

	if (rc)
		return rc;
	if (!k->suspend)
		return no_verb(k, verb, err);
	rc = begin(c, a, k, err);
	if (rc)
		return rc;
	rc = k->suspend(c, a, id, suspend, err);
	if (!rc)
		rc = audit(c, a, k, verb, id, STR(""), err);
	return action_end(c, rc, err);
}
