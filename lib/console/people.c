/* SPDX-License-Identifier: MIT
 *
 * Organisations, users, groups, API tokens.
 */
#include "console/inner.h"

/* ---- organisations ----------------------------------------------------------------------------
 */

const char org_sql[] =
	"SELECT o.name AS organization, o.network4 AS network, o.network6 AS network6,"
	" o.created_at AS created_at FROM organizations o"
	" WHERE ? IN (0, o.id) AND ? IN ('', o.name) ORDER BY o.name";

int org_make(struct console *c, struct str name, struct str network, int64_t *id,
	     struct rn_error *err)
{
	char network6[ADDR_TEXT_MAX];

	if (!name_valid(name))
		return rn_fail(err, RN_EDATA,
			       "organization=%.*s: a name is letters, digits, - _ . (at most 63)",
			       STR_ARG(str_slice(name, 0, MIN(name.len, 100))));
	if (!network_valid(network))
		return rn_fail(err, RN_EDATA,
			       "network=%.*s: not an IPv4 network between /8 and /24",
			       STR_ARG(str_slice(network, 0, MIN(network.len, 60))));
	network6_make(network6);
	int rc = store_get_int(c->store, id,
			       "INSERT INTO organizations (name, network4, network6, created_at) "
			       "VALUES (?, ?, ?, ?)"
			       " RETURNING id",
			       err, "sszi", name, network, network6, clock_wall_s());

	return rc < 0 ? say_taken(rc, err, "there is an organization %.*s already", STR_ARG(name))
		      : 0;
}

/* Only from the console's own machine: who makes organisations sees more than one of them. */
static int cli_only(const struct console_actor *a, struct rn_error *err)
{
	return a->kind == CONSOLE_CLI ? 0 : fail_role(a, err);
}

int org_add(struct console *c, const struct console_actor *a, const struct rec *r, struct buf *out,
	    struct rn_error *err)
{
	char network[ADDR_TEXT_MAX];
	int64_t id = 0;
	bool given;
	int rc = cli_only(a, err);

	if (!rc)
		rc = field_text(r, "network", network, sizeof(network), &given, err);
	if (!rc)
		rc = org_make(c, rec_id(r), given ? str_from(network) : STR(CONSOLE_NETWORK), &id,
			      err);
	return rc ? rc : kind_row(c, "organization", 0, rec_id(r), out, err);
}

int org_remove(struct console *c, const struct console_actor *a, struct str id,
	       struct rn_error *err)
{
	int64_t org = 0, nodes = 0, users = 0;
	int rc = cli_only(a, err);

	if (!rc &&
	    (rc = store_get_int(c->store, &org, "SELECT id FROM organizations WHERE name = ?", err,
				"s", id)) == 0)
		rc = fail_missing(err, "organization", id);
	if (rc > 0)
		rc = store_get_int(c->store, &nodes, "SELECT count(*) FROM nodes WHERE org = ?",
				   err, "i", org);
	if (rc > 0)
		rc = store_get_int(c->store, &users, "SELECT count(*) FROM users WHERE org = ?",
				   err, "i", org);
	if (rc < 0)
		return rc;
	if (nodes + users)
		return rn_fail(
			err, RN_EDATA,
			"organization %.*s still has %lld nodes and %lld users; remove them first",
			STR_ARG(id), (long long)nodes, (long long)users);
	return store_exec(c->store, "DELETE FROM organizations WHERE id = ?", NULL, err, "i", org);
}

/* ---- users ------------------------------------------------------------------------------------
 */

const char user_sql[] =
	"SELECT u.name AS user, u.role AS role, u.status AS status,"
	" CASE WHEN u.password IS NULL THEN 'no' ELSE 'yes' END AS password_set,"
	" (SELECT group_concat(n, ',') FROM (SELECT g.name AS n FROM memberships m"
	"  JOIN groups g ON g.id = m.group_id WHERE m.user_id = u.id ORDER BY g.name)) AS groups,"
	" u.created_at AS created_at FROM users u WHERE u.org = ? AND ? IN ('', u.name) ORDER BY "
	"u.name";

static bool role_valid(struct str role)
{
	static const char *const names[] = {"owner", "admin", "operator", "member", "auditor"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_is(role, names[i]))
			return true;
	}
	return false;
}

/* Only an owner makes, changes or removes an owner. */
static int owner_guard(const struct console_actor *a, struct str role, struct rn_error *err)
{
	return str_is(role, "owner") && a->role < CONSOLE_OWNER ? fail_role(a, err) : 0;
}

int user_make(struct console *c, int64_t org, struct str name, struct str role, int64_t *id,
	      struct rn_error *err)
{
	if (!name_valid(name))
		return rn_fail(err, RN_EDATA,
			       "user=%.*s: a name is letters, digits, - _ . (at most 63)",
			       STR_ARG(str_slice(name, 0, MIN(name.len, 100))));
	if (!role_valid(role))
		return rn_fail(err, RN_EDATA,
			       "role=%.*s: not owner, admin, operator, member or auditor",
			       STR_ARG(str_slice(role, 0, MIN(role.len, 60))));
	int rc = store_get_int(
		c->store, id,
		"INSERT INTO users (org, name, role, created_at) VALUES (?, ?, ?, ?) RETURNING id",
		err, "issi", org, name, role, clock_wall_s());

	return rc < 0 ? say_taken(rc, err, "there is a user %.*s already", STR_ARG(name)) : 0;
}

/* What is set here is also written to the audit log, and may stand on a command line. */
static int no_password(const struct rec *r, struct rn_error *err)
{
	return rec_get(r, "password").ptr
		       ? rn_fail(err, RN_EDATA,
				 "password: set it by itself (rn-console user password, or PUT "
				 "/users/NAME/password)")
		       : 0;
}

int user_add(struct console *c, const struct console_actor *a, const struct rec *r, struct buf *out,
	     struct rn_error *err)
{
	struct str role = rec_get(r, "role");
	int64_t id;

	if (!role.ptr)
		role = STR("member");
	int rc = no_password(r, err);

	if (!rc)
		rc = owner_guard(a, role, err);

	if (!rc)
		rc = user_make(c, a->org, rec_id(r), role, &id, err);
	return rc ? rc : kind_row(c, "user", a->org, rec_id(r), out, err);
}

struct user {
	int64_t id;
	char role[16];
};

static int user_get(struct console *c, int64_t org, struct str name, struct user *u,
		    struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(c->store, &q, "SELECT id, role FROM users WHERE org = ? AND name = ?",
			     err, "is", org, name);

	if (!rc)
		rc = store_next(&q, err);
	if (rc == 0) {
		rc = fail_missing(err, "user", name);
	} else if (rc == 1) {
		u->id = store_int(&q, 0);
		rc = store_copy(&q, 1, u->role, sizeof(u->role))
			     ? 0
			     : rn_fail(err, RN_EBUG, "database: long role");
	}
	store_done(&q);
	return rc;
}

int user_find(struct console *c, int64_t org, struct str name, int64_t *id, struct rn_error *err)
{
	struct user u;
	int rc = user_get(c, org, name, &u, err);

	*id = rc ? 0 : u.id;
	return rc;
}

/* The user for a change; refused when it is an owner and the actor is none, or when it is the last
 * owner and LEAVES its role. */
static int user_for_change(struct console *c, const struct console_actor *a, struct str name,
			   bool leaves, struct user *u, struct rn_error *err)
{
	int64_t owners = 0;
	int rc = user_get(c, a->org, name, u, err);

	if (!rc)
		rc = owner_guard(a, str_from(u->role), err);
	if (rc || !leaves || strcmp(u->role, "owner") != 0)
		return rc;
	rc = store_get_int(
		c->store, &owners,
		"SELECT count(*) FROM users WHERE org = ? AND role = 'owner' AND status = 'active'",
		err, "i", a->org);
	if (rc > 0 && owners < 2)
		return rn_fail(err, RN_EDATA, "%.*s is the last owner; make another one first",
			       STR_ARG(name));
	return rc < 0 ? rc : 0;
}

/* What gateways know of USER is out of date: their devices and groups, and every login so far, since
 * a login carries the groups that it was made with. */
static int user_changed(struct console *c, int64_t org, struct str user, struct rn_error *err)
{
	int rc = store_exec(c->store,
			    "INSERT INTO logouts (org, user, at) VALUES (?, ?, ?)"
			    " ON CONFLICT (org, user) DO UPDATE SET at = excluded.at",
			    NULL, err, "isi", org, user, clock_wall_s());

	return rc ? rc : dirty_gateways(c, org, err);
}

int user_set(struct console *c, const struct console_actor *a, const struct rec *r, struct buf *out,
	     struct rn_error *err)
{
	struct str role = rec_get(r, "role");
	struct user u;

	if (!role.ptr || !role_valid(role))
		return rn_fail(err, RN_EDATA,
			       "role=%.*s: not owner, admin, operator, member or auditor",
			       STR_ARG(role));
	int rc = no_password(r, err);

	if (!rc)
		rc = owner_guard(a, role, err);
	if (!rc)
		rc = user_for_change(c, a, rec_id(r), !str_is(role, "owner"), &u, err);
	if (!rc)
		rc = store_exec(c->store, "UPDATE users SET role = ? WHERE id = ?", NULL, err, "si",
				role, u.id);
	return rc ? rc : kind_row(c, "user", a->org, rec_id(r), out, err);
}

int user_remove(struct console *c, const struct console_actor *a, struct str id,
		struct rn_error *err)
{
	struct user u;
	int rc = user_for_change(c, a, id, true, &u, err);

	if (!rc)
		rc = store_exec(c->store, "DELETE FROM users WHERE id = ?", NULL, err, "i", u.id);
	return rc ? rc : user_changed(c, a->org, id, err);
}

int user_suspend(struct console *c, const struct console_actor *a, struct str id, bool suspend,
		 struct rn_error *err)
{
	struct user u;
	int rc = user_for_change(c, a, id, suspend, &u, err);

	if (!rc)
		rc = store_exec(c->store, "UPDATE users SET status = ? WHERE id = ?", NULL, err,
				"zi", suspend ? "suspended" : "active", u.id);
	return rc ? rc : user_changed(c, a->org, id, err);
}

int console_user_password(struct console *c, const struct console_actor *a, struct str user,
			  struct str password, struct rn_error *err)
{
	bool own = a->kind == CONSOLE_USER && str_is(user, a->id);
	struct action what = {.least = own ? CONSOLE_AUDITOR : CONSOLE_ADMIN, .tx = STORE_WRITE};
	char hash[PASSWORD_HASH_MAX] = "";
	struct user u;
	int rc = password.len ? password_hash(hash, password, err) : 0; /* slow: before the lock */

	if (!rc)
		rc = action_begin(c, a, &what, err);
	if (rc)
		return rc;
	rc = user_for_change(c, a, user, false, &u, err);
	if (!rc)
		rc = store_exec(c->store, "UPDATE users SET password = ? WHERE id = ?", NULL, err,
				"zi", *hash ? hash : NULL, u.id);
	if (!rc)
		rc = user_changed(c, a->org, user, err);
	if (!rc)
		rc = audit_add(c, a, "user.password", "user", user, *hash ? "set" : "removed", err);
	secret_wipe(hash, sizeof(hash));
	return action_end(c, rc, err);
}

/* ---- groups -----------------------------------------------------------------------------------
 */

const char group_sql[] =
	"SELECT g.name AS \"group\", (SELECT group_concat(n, ',') FROM (SELECT u.name AS n"
	" FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.group_id = g.id"
	" ORDER BY u.name)) AS members FROM groups g WHERE g.org = ? AND ? IN ('', g.name)"
	" ORDER BY g.name";

/* Who is in the group, has changed or is about to. */
static int members_changed(struct console *c, int64_t org, int64_t group, struct rn_error *err)
{
	int rc = store_exec(c->store,
			    "INSERT INTO logouts (org, user, at) SELECT u.org, u.name, ? FROM "
			    "memberships m JOIN users u ON u.id = m.user_id WHERE m.group_id = ?"
			    " ON CONFLICT (org, user) DO UPDATE SET at = excluded.at",
			    NULL, err, "ii", clock_wall_s(), group);

	return rc ? rc : dirty_gateways(c, org, err);
}

static int group_members(struct console *c, int64_t org, int64_t group, struct str members,
			 struct rn_error *err)
{
	struct str one;
	int rc = members_changed(c, org, group, err);

	if (!rc)
		rc = store_exec(c->store, "DELETE FROM memberships WHERE group_id = ?", NULL, err,
				"i", group);

	while (!rc && rec_list_next(&members, &one)) {
		int64_t user;

		rc = user_find(c, org, one, &user, err);
		if (!rc)
			rc = store_exec(c->store,
					"INSERT INTO memberships (group_id, user_id) VALUES (?, ?) "
					"ON CONFLICT DO NOTHING",
					NULL, err, "ii", group, user);
	}
	return rc;
}

int group_add(struct console *c, const struct console_actor *a, const struct rec *r,
	      struct buf *out, struct rn_error *err)
{
	struct str name = rec_id(r), members = rec_get(r, "members");
	int64_t id = 0;

	if (!name_valid(name))
		return rn_fail(err, RN_EDATA,
			       "group=%.*s: a name is letters, digits, - _ . (at most 63)",
			       STR_ARG(str_slice(name, 0, MIN(name.len, 100))));
	int rc = store_get_int(c->store, &id,
			       "INSERT INTO groups (org, name) VALUES (?, ?) RETURNING id", err,
			       "is", a->org, name);

	rc = rc < 0 ? say_taken(rc, err, "there is a group %.*s already", STR_ARG(name)) : 0;
	if (!rc && members.ptr)
		rc = group_members(c, a->org, id, members, err);
	return rc ? rc : kind_row(c, "group", a->org, name, out, err);
}

int group_set(struct console *c, const struct console_actor *a, const struct rec *r,
	      struct buf *out, struct rn_error *err)
{
	struct str members = rec_get(r, "members");
	int64_t id = 0;
	int rc = store_get_int(c->store, &id, "SELECT id FROM groups WHERE org = ? AND name = ?",
			       err, "is", a->org, rec_id(r));

	if (rc == 0)
		return fail_missing(err, "group", rec_id(r));
	if (rc > 0)
		rc = members.ptr ? group_members(c, a->org, id, members, err)
				 : rn_fail(err, RN_EDATA, "members= is missing");
	return rc ? rc : kind_row(c, "group", a->org, rec_id(r), out, err);
}

int group_remove(struct console *c, const struct console_actor *a, struct str id,
		 struct rn_error *err)
{
	int64_t group = 0;
	int rc = store_get_int(c->store, &group, "SELECT id FROM groups WHERE org = ? AND name = ?",
			       err, "is", a->org, id);

	if (rc == 0)
		return fail_missing(err, "group", id);
	if (rc > 0)
		rc = members_changed(c, a->org, group, err);
	return rc ? rc
		  : store_exec(c->store, "DELETE FROM groups WHERE id = ?", NULL, err, "i", group);
}

/* ---- API tokens -------------------------------------------------------------------------------
 */

const char token_sql[] =
	"SELECT t.id AS token, u.name AS user, NULLIF(t.name, '') AS name, t.created_at AS "
	"created_at,"
	" t.expires_at AS expires_at FROM api_tokens t JOIN users u ON u.id = t.user_id"
	" WHERE u.org = ? AND ? IN ('', t.id) ORDER BY t.id";

int token_insert(struct console *c, int64_t user, struct str name, uint32_t expires_s,
		 char secret[static API_TOKEN_LEN + 1], char id[static TOKEN_ID_SIZE],
		 struct rn_error *err)
{
	static const char sql[] =
		"INSERT INTO api_tokens (id, user_id, name, hash, created_at, expires_at)"
		" VALUES (?, ?, ?, ?, ?, CASE ? WHEN 0 THEN NULL ELSE ? END)";
	char hash[TOKEN_HASH_LEN + 1];
	uint8_t random[TOKEN_ID_SIZE / 2];
	int64_t now = clock_wall_s(), lasts = expires_s;

	random_bytes(random, sizeof(random));
	hex_encode(id, random, TOKEN_ID_SIZE / 2);
	api_token_make(secret);
	token_hash(hash, str_from(secret));
	return store_exec(c->store, sql, NULL, err,
			  "ziszi"
			  "ii",
			  id, user, name, hash, now, lasts, now + lasts);
}

int console_token_add(struct console *c, const struct console_actor *a, struct str user,
		      struct str name, uint32_t expires_s, struct buf *out, struct rn_error *err)
{
	bool own = a->kind == CONSOLE_USER && str_is(user, a->id);
	struct action what = {.least = own ? CONSOLE_AUDITOR : CONSOLE_ADMIN, .tx = STORE_WRITE};
	char secret[API_TOKEN_LEN + 1] = "", id[TOKEN_ID_SIZE] = "";
	struct user u;
	int rc = action_begin(c, a, &what, err);

	if (rc)
		return rc;
	rc = user_for_change(c, a, user, false, &u, err);
	if (!rc)
		rc = token_insert(c, u.id, name.ptr ? name : STR(""), expires_s, secret, id, err);
	if (!rc)
		rc = audit_add(c, a, "token.add", "token", str_from(id), NULL, err);
	rc = action_end(c, rc, err);
	if (!rc) {
		rec_begin(out, "token", str_from(id));
		rec_add(out, "user", user);
		rec_add_cstr(out, "secret", secret);
		rec_end(out);
	}
	secret_wipe(secret, sizeof(secret));
	return rc;
}

int token_remove(struct console *c, const struct console_actor *a, struct str id,
		 struct rn_error *err)
{
	int64_t n = 0;
	int rc = store_exec(c->store,
			    "DELETE FROM api_tokens WHERE id = ? AND user_id IN (SELECT id FROM "
			    "users WHERE org = ?)",
			    &n, err, "si", id, a->org);

	return !rc && !n ? fail_missing(err, "token", id) : rc;
}
