/* SPDX-License-Identifier: MIT
 *
 * Status, expiry, backup.
 */
#include "console/inner.h"

#define USED_INVITATION_KEEP_S (7 * 86400) /* so that `invitation list` shows what became of one   \
					    */
#define FAILURE_KEEP_S 3600

#define LOGIN_KEEP_S (13 * 3600)   /* longer than any login lasts at a gateway */

static const struct expiry {
	const char *kind;
	const char *dirty, *sql; /* both bind: now */
} expiries[] = {
	{"service",
	 "UPDATE bundles SET dirty = dirty + 1 WHERE node IN (SELECT gateway FROM services WHERE "
	 "expires_at <= ?)",
	 "DELETE FROM services WHERE expires_at <= ?"},
	{"token", NULL, "DELETE FROM api_tokens WHERE expires_at <= ?"},
	{"nonce", NULL, "DELETE FROM nonces WHERE expires_at <= ?"},
};

static void report(struct buf *out, const char *kind, int64_t n)
{
	rec_begin(out, "expired", str_from(kind));
	rec_add_i64(out, "count", n);
	rec_end(out);
}

/* The logins that they ended have ended by themselves. */
static int expire_logouts(struct console *c, int64_t before, struct rn_error *err)
{
	int rc = store_exec(c->store,
			    "UPDATE bundles SET dirty = dirty + 1 WHERE node IN (SELECT n.id FROM "
			    "nodes n JOIN logouts l ON l.org = n.org WHERE n.role = 'gateway' AND "
			    "l.at <= ?)",
			    NULL, err, "i", before);

	return rc ? rc
		  : store_exec(c->store, "DELETE FROM logouts WHERE at <= ?", NULL, err, "i",
			       before);
}

static int expire_steps(struct console *c, struct buf *out, int64_t *total, struct rn_error *err)
{
	int64_t now = clock_wall_s(), n = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(expiries); i++) {
		const struct expiry *e = &expiries[i];

		if (e->dirty)
			rc = store_exec(c->store, e->dirty, NULL, err, "i", now);
		if (!rc)
			rc = store_exec(c->store, e->sql, &n, err, "i", now);
		if (!rc) {
			report(out, e->kind, n);
			*total += n;
		}
	}
	if (!rc)
		rc = store_exec(c->store,
				"DELETE FROM invitations WHERE expires_at <= ? AND "
				"coalesce(used_at, 0) <= ?",
				&n, err, "ii", now, now - USED_INVITATION_KEEP_S);
	if (!rc)
		report(out, "invitation", n);
	*total += n;
	if (!rc)
		rc = store_exec(c->store, "DELETE FROM failures WHERE at <= ?", NULL, err, "i",
				now - FAILURE_KEEP_S);
	return rc ? rc : expire_logouts(c, now - LOGIN_KEEP_S, err);
}

int console_expire(struct console *c, struct buf *out, struct rn_error *err)
{
	struct console_actor a;
	char count[24];
	int64_t total = 0;
	int rc = console_actor_cli(c, STR(""), &a, err);

	if (!rc)
		rc = store_begin(c->store, STORE_WRITE, err);
	if (rc)
		return rc;
	rc = expire_steps(c, out, &total, err);
	snprintf(count, sizeof(count), "%lld", (long long)total);
	if (!rc && total)
		rc = audit_add(c, &a, "expire", "records", str_from(count), NULL, err);
	return action_end(c, rc, err);
}

int console_status(struct console *c, struct buf *out, struct rn_error *err)
{
	static const struct {
		const char *key, *sql;
	} counts[] = {
		{"serial", "SELECT coalesce(max(serial), 0) FROM bundles"},
		{"waiting", "SELECT count(*) FROM bundles WHERE dirty > 0"},
		{"gateways", "SELECT count(*) FROM gateways"},
		{"devices", "SELECT count(*) FROM devices"},
		{"services", "SELECT count(*) FROM services"},
		{"resources", "SELECT count(*) FROM resources"},
		{"audit_records", "SELECT coalesce(max(seq), 0) FROM audit"},
	};
	int rc = store_begin(c->store, STORE_READ, err);

	if (rc)
		return rc;
	rec_begin(out, "status", STR("ok"));
	rec_add_cstr(out, "domain", c->domain);
	rec_add_cstr(out, "url", c->url);
	rec_add_cstr(out, "version", RN_VERSION);
	rec_add_i64(out, "database", store_version(c->store));
	for (size_t i = 0; rc >= 0 && i < ARRAY_LEN(counts); i++) {
		int64_t n = 0;

		rc = store_get_int(c->store, &n, counts[i].sql, err, "");
		rec_add_i64(out, counts[i].key, n);
	}
	rec_end(out);
	store_rollback(c->store);
	return rc < 0 ? rc : 0;
}

int console_backup(struct console *c, const struct console_actor *a, const char *path,
		   struct rn_error *err)
{
	return a->role < CONSOLE_OWNER ? fail_role(a, err) : store_backup(c->store, path, err);
}
