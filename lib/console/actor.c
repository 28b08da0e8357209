/* SPDX-License-Identifier: MIT
 *
 * Who asks: command line, user by token or password, node.
 */
#include "console/inner.h"

#include <fcntl.h>
#include <sys/file.h>

#define NONCE_KEEP_S (2 * REQUEST_SKEW_S)
#define FAILURE_WINDOW_S 300
#define FAILURES_NAME 5
#define FAILURES_FROM 20 /* may stand behind one address */

static enum console_role role_of(struct str name)
{
	static const char *const names[] = {"auditor", "member", "operator", "admin", "owner"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (str_is(name, names[i]))
			return (enum console_role)(CONSOLE_AUDITOR + i);
	}
	return CONSOLE_NOBODY;
}

int console_actor_cli(struct console *c, struct str org, struct console_actor *a,
		      struct rn_error *err)
{
	*a = (struct console_actor){.kind = CONSOLE_CLI, .role = CONSOLE_OWNER, .id = "cli"};
	int rc = org.len ? store_get_int(c->store, &a->org,
					 "SELECT id FROM organizations WHERE name = ?", err, "s",
					 org)
			 : store_get_int(c->store, &a->org, "SELECT min(id) FROM organizations",
					 err, "");

	if (rc == 0)
		return fail_missing(err, "organization", org);
	return rc < 0 ? rc : 0;
}

/* From a row: users.id, org, name, role. */
static int user_actor(const struct store_rows *q, struct console_actor *a, struct rn_error *err)
{
	*a = (struct console_actor){.kind = CONSOLE_USER};
	a->user = store_int(q, 0);
	a->org = store_int(q, 1);
	a->role = role_of(store_text(q, 3));
	if (!store_copy(q, 2, a->id, sizeof(a->id)))
		return rn_fail(err, RN_EBUG, "database: a user's name is too long");
	return 0;
}

int console_actor_token(struct console *c, struct str token, struct console_actor *a,
			struct rn_error *err)
{
	char hash[TOKEN_HASH_LEN + 1];
	struct store_rows q;

	if (!api_token_valid(token))
		return rn_fail(err, RN_EPERM, "this API token is not valid");
	token_hash(hash, token);
	int rc = store_query(c->store, &q,
			     "SELECT u.id, u.org, u.name, u.role FROM api_tokens t JOIN users u ON "
			     "u.id = t.user_id"
			     " WHERE t.hash = ? AND u.status = 'active' AND (t.expires_at IS NULL "
			     "OR t.expires_at > ?)",
			     err, "zi", hash, clock_wall_s());

	if (!rc)
		rc = store_next(&q, err);
	if (rc == 0)
		rc = rn_fail(err, RN_EPERM, "this API token is not valid");
	else if (rc == 1)
		rc = user_actor(&q, a, err);
	store_done(&q);
	return rc;
}

int console_actor_node(struct console *c, struct str node, struct console_actor *a,
		       uint8_t sign_key[static CONSOLE_KEY_SIZE], struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(c->store, &q,
			     "SELECT org, sign_key FROM nodes WHERE id = ? AND status = 'active' "
			     "AND sign_key IS NOT NULL",
			     err, "s", node);

	*a = (struct console_actor){.kind = CONSOLE_NODE};
	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1 && str_copy(a->id, sizeof(a->id), node) &&
	    base64_decode(sign_key, CONSOLE_KEY_SIZE, store_text(&q, 1), BASE64_STD)) {
		a->org = store_int(&q, 0);
		rc = 0;
	} else if (rc >= 0) {
		rc = rn_fail(err, RN_EPERM, "this node is not known here, or it is suspended");
	}
	store_done(&q);
	return rc;
}

int console_nonce_use(struct console *c, const struct console_actor *node, struct str nonce,
		      struct rn_error *err)
{
	int64_t now = clock_wall_s();
	int rc = store_exec(c->store,
			    "INSERT INTO nonces (node, nonce, expires_at) VALUES (?, ?, ?)", NULL,
			    err, "zsi", node->id, nonce, now + NONCE_KEEP_S);

	if (rc == RN_ENO)
		return rn_fail(err, RN_EPERM, "this signed request was made before");
	if (!rc)
		rc = store_exec(
			c->store,
			"UPDATE nodes SET seen_at = ? WHERE id = ? AND coalesce(seen_at, 0) < ?",
			NULL, err, "izi", now, node->id, now - 60);
	return rc;
}

/* ---- failures ---------------------------------------------------------------------------------
 */

static int fail_often(struct rn_error *err)
{
	int rc = rn_fail(err, RN_EAGAIN, "too many failures; wait %d minutes",
			 FAILURE_WINDOW_S / 60);

	err->sys = EACCES;
	return rc;
}

static int failures(struct console *c, const char *subject, int64_t *n, struct rn_error *err)
{
	int rc = store_get_int(c->store, n,
			       "SELECT count(*) FROM failures WHERE subject = ? AND at > ?", err,
			       "zi", subject, clock_wall_s() - FAILURE_WINDOW_S);

	return rc < 0 ? rc : 0;
}

/* Who has an IPv6 address has 2^64 of them. */
void failures_place(char out[static PLACE_SIZE], struct str from)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;

	if (addr_parse_ip(&a, from) && a.sa.sa_family == AF_INET6 &&
	    !IN6_IS_ADDR_V4MAPPED(&a.in6.sin6_addr)) {
		memset(a.in6.sin6_addr.s6_addr + 8, 0, 8);
		addr_format_ip(&a, text);
		snprintf(out, PLACE_SIZE, "%s/64", text);
	} else {
		snprintf(out, PLACE_SIZE, "%.*s", STR_ARG(str_slice(from, 0, MIN(from.len, 64))));
	}
}

int failures_check(struct console *c, const char *subject, struct rn_error *err)
{
	int64_t n = 0;
	int rc = failures(c, subject, &n, err);

	return rc || n < FAILURES_FROM ? rc : fail_often(err);
}

int failure_add(struct console *c, const char *subject, struct rn_error *err)
{
	return store_exec(c->store, "INSERT INTO failures (subject, at) VALUES (?, ?)", NULL, err,
			  "zi", subject, clock_wall_s());
}

/* ---- passwords --------------------------------------------------------------------------------
 */

struct attempt {
	char name[CONSOLE_NAME_MAX * 2], by_name[CONSOLE_NAME_MAX * 2 + 8], by_from[96];
	struct str user, org;
	int64_t rows[2]; /* of failures, by which it is counted */
};

static int attempt_check(struct console *c, const struct attempt *t, struct rn_error *err)
{
	int64_t by_name = 0, by_from = 0;
	int rc = failures(c, t->by_name, &by_name, err);

	if (!rc)
		rc = failures(c, t->by_from, &by_from, err);
	if (!rc && (by_name >= FAILURES_NAME || by_from >= FAILURES_FROM))
		rc = fail_often(err);
	return rc;
}

/* Counts the attempt before the password is looked at, and only then lets it be: of many at once no
 * more are made than may fail. */
static int attempt_begin(struct console *c, struct attempt *t, struct rn_error *err)
{
	static const char sql[] =
		"INSERT INTO failures (subject, at) VALUES (?, ?) RETURNING rowid";
	int64_t now = clock_wall_s();
	int rc = store_begin(c->store, STORE_WRITE, err);

	if (rc)
		return rc;
	rc = attempt_check(c, t, err);
	if (!rc && store_get_int(c->store, &t->rows[0], sql, err, "zi", t->by_name, now) < 0)
		rc = err->code;
	if (!rc && store_get_int(c->store, &t->rows[1], sql, err, "zi", t->by_from, now) < 0)
		rc = err->code;
	if (!rc)
		rc = store_commit(c->store, err);
	store_rollback(c->store);
	return rc;
}

static int attempt_forget(struct console *c, const struct attempt *t, struct rn_error *err)
{
	return store_exec(c->store, "DELETE FROM failures WHERE rowid IN (?, ?)", NULL, err, "ii",
			  t->rows[0], t->rows[1]);
}

static int attempt_failed(struct console *c, const struct attempt *t, const struct console_actor *a,
			  struct rn_error *err)
{
	int rc = store_begin(c->store, STORE_WRITE, err);

	if (!rc)
		rc = audit_add(c, a, "login.failed", "user", str_from(t->name), t->by_from, err);
	if (!rc)
		rc = store_commit(c->store, err);
	store_rollback(c->store);
	return rc ? rc : rn_fail(err, RN_EPERM, "wrong name or password");
}

static int find_user(struct console *c, const struct attempt *t, struct console_actor *a,
		     char *hash, struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(
		c->store, &q,
		"SELECT u.id, u.org, u.name, u.role, coalesce(u.password, '') FROM users u"
		" JOIN organizations o ON o.id = u.org WHERE u.name = ? AND u.status = 'active'"
		" AND (o.name = ? OR (? = '' AND o.id = (SELECT min(id) FROM organizations)))",
		err, "sss", t->user, t->org, t->org);

	*hash = '\0';
	*a = (struct console_actor){.kind = CONSOLE_USER};
	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1 && !store_copy(&q, 4, hash, PASSWORD_HASH_MAX))
		rc = rn_fail(err, RN_EBUG, "database: a password hash is too long");
	if (rc == 1)
		rc = user_actor(&q, a, err);
	store_done(&q);
	return rc;
}

static void attempt_make(struct attempt *t, struct str name, struct str from)
{
	name = str_slice(name, 0, MIN(name.len, sizeof(t->name) - 1));
	ptrdiff_t at = str_find(name, '@');

	t->user = at < 0 ? name : str_slice(name, 0, (size_t)at);
	t->org = at < 0 ? STR("") : str_from_at(name, (size_t)at + 1);
	snprintf(t->name, sizeof(t->name), "%.*s", STR_ARG(name));
	snprintf(t->by_name, sizeof(t->by_name), "name:%s", t->name);
	char place[PLACE_SIZE];

	failures_place(place, from);
	snprintf(t->by_from, sizeof(t->by_from), "from:%s", place);
}

/* One check at a time: each takes 64 MiB, and who knocks with many must not take the machine's. */
static bool password_fits(struct console *c, const char *hash, struct str password)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s/login.lock", c->dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
			;
	bool fits = password_verify(*hash ? hash : NULL, password);

	fd_close(&fd);
	return fits;
}

int console_login(struct console *c, struct str name, struct str password, struct str from,
		  struct console_actor *a, struct rn_error *err)
{
	char hash[PASSWORD_HASH_MAX];
	struct attempt t;

	attempt_make(&t, name, from);
	int rc = attempt_begin(c, &t, err);

	if (!rc)
		rc = find_user(c, &t, a, hash, err);
	if (rc)
		return rc;
	rc = password_fits(c, hash, password) ? attempt_forget(c, &t, err)
					      : attempt_failed(c, &t, a, err);
	secret_wipe(hash, sizeof(hash));
	if (rc)
		*a = (struct console_actor){.kind = CONSOLE_USER};
	return rc;
}

int console_groups(struct console *c, const struct console_actor *a, struct buf *out,
		   struct rn_error *err)
{
	struct store_rows q;
	bool first = true;
	int rc = store_query(c->store, &q,
			     "SELECT g.name FROM memberships m JOIN groups g ON g.id = m.group_id"
			     " WHERE m.user_id = ? ORDER BY g.name",
			     err, "i", a->user);

	while (!rc && (rc = store_next(&q, err)) == 1) {
		if (!first)
			buf_add_byte(out, ',');
		escape_element(out, store_text(&q, 0));
		first = false;
		rc = 0;
	}
	store_done(&q);
	return rc;
}

/* One name as it stands in the table; 0 if it does not. */
static int host_row(struct console *c, struct str host, char resource[static CONSOLE_NAME_MAX],
		    int64_t *org, struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(
		c->store, &q,
		"SELECT coalesce(h.service, h.resource, 'console'), coalesce(s.org, h.org, n.org)"
		" FROM routing_rules h LEFT JOIN services s ON s.id = h.service"
		" LEFT JOIN nodes n ON n.id = h.gateway WHERE h.host = ? ORDER BY h.path LIMIT 1",
		err, "s", host);

	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1) {
		*org = store_int(&q, 1);
		if (!store_copy(&q, 0, resource, CONSOLE_NAME_MAX))
			rc = rn_fail(err, RN_EBUG, "database: a resource's name is too long");
	}
	store_done(&q);
	return rc;
}

/* The name itself, else the nearest wildcard above it. */
int console_host_find(struct console *c, struct str host, char resource[static CONSOLE_NAME_MAX],
		      int64_t *org, struct rn_error *err)
{
	char wildcard[HOST_MAX + 2];
	struct str rest = host, label;
	int rc = host_row(c, host, resource, org, err);

	while (rc == 0 && str_cut(&rest, '.', &label) && rest.len && rest.len <= AUTH_HOST_MAX) {
		snprintf(wildcard, sizeof(wildcard), "*.%.*s", STR_ARG(rest));
		rc = host_row(c, str_from(wildcard), resource, org, err);
	}
	if (rc == 0)
		return fail_missing(err, "service at", host);
	return rc < 0 ? rc : 0;
}
