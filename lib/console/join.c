/* SPDX-License-Identifier: MIT
 *
 * Invitations, and what happens when one is used.
 */
#include "console/inner.h"
#include "tls/x509.h"

#define INVITE_S_DEFAULT 86400u
#define INVITE_S_MAX (30u * 86400u)
#define CERT_DAYS 397 /* what browsers still accept */
#define PEM_MAX 65536

const char invitation_sql[] = "SELECT i.id AS invitation, i.role AS role, u.name AS user, i.node "
			      "AS node, i.created_at AS created_at,"
			      " i.expires_at AS expires_at, i.used_at AS used_at FROM invitations "
			      "i LEFT JOIN users u ON u.id = i.user_id"
			      " WHERE i.org = ? AND ? IN ('', i.id) ORDER BY i.created_at, i.id";

int invitation_remove(struct console *c, const struct console_actor *a, struct str id,
		      struct rn_error *err)
{
	int64_t n = 0;
	int rc = store_exec(c->store, "DELETE FROM invitations WHERE org = ? AND id = ?", &n, err,
			    "is", a->org, id);

	return !rc && !n ? fail_missing(err, "invitation", id) : rc;
}

/* ---- making -----------------------------------------------------------------------------------
 */

/* "https://HOST[:PORT]" back into its parts. */
static void url_parts(const struct console *c, struct invite *in)
{
	struct str rest = str_from_at(str_from(c->url), strlen("https://"));
	ptrdiff_t colon = str_find(rest, ':');
	uint64_t port = 443;

	if (colon >= 0 && !str_to_u64(str_from_at(rest, (size_t)colon + 1), 65535, &port))
		port = 443;
	in->port = (uint16_t)port;
	str_copy(in->host, sizeof(in->host), str_from(c->domain));
}

static int invitation_text(struct console *c, const char *token, char text[static INVITE_TEXT_MAX],
			   struct rn_error *err)
{
	struct invite in = {0};
	int rc = meta_get(c, "invite_address", in.address, sizeof(in.address), err);

	if (rc < 0)
		return rc;
	url_parts(c, &in);
	snprintf(in.token, sizeof(in.token), "%s", token);
	memcpy(in.console, auth_key_public(c->key), sizeof(in.console));
	invite_format(text, &in);
	secret_wipe(&in, sizeof(in));
	return 0;
}

int invitation_make(struct console *c, const struct invitation_new *i, struct buf *out,
		    struct rn_error *err)
{
	static const char sql[] =
		"INSERT INTO invitations (id, hash, org, role, user_id, node, created_at, "
		"expires_at)"
		" VALUES (?, ?, ?, ?, CASE ? WHEN 0 THEN NULL ELSE ? END, ?, ?, ?)";
	char token[TOKEN_LEN + 1], hash[TOKEN_HASH_LEN + 1], text[INVITE_TEXT_MAX], id[HEX_SIZE(4)];
	int64_t now = clock_wall_s(),
		expires = now + (i->expires_s ? i->expires_s : INVITE_S_DEFAULT);
	uint8_t random[4];

	random_bytes(random, sizeof(random));
	hex_encode(id, random, sizeof(random));
	token_make(token);
	token_hash(hash, str_from(token));
	int rc = invitation_text(c, token, text, err);

	if (!rc)
		rc = store_exec(c->store, sql, NULL, err,
				"zzizii"
				"zii",
				id, hash, i->org, i->role, i->user, i->user, i->node, now, expires);
	if (!rc) {
		rec_begin(out, "invitation", str_from(id));
		rec_add_cstr(out, "url", text);
		rec_add_cstr(out, "role", i->role);
		rec_add_i64(out, "expires_at", expires);
		rec_end(out);
	}
	secret_wipe(token, sizeof(token));
	secret_wipe(text, sizeof(text));
	return rc;
}

int console_invite(struct console *c, const struct console_actor *a, const struct console_invite *i,
		   struct buf *out, struct rn_error *err)
{
	bool own =
		a->kind == CONSOLE_USER && !i->gateway && (!i->user.ptr || str_is(i->user, a->id));
	struct action what = {.least = own ? CONSOLE_MEMBER : CONSOLE_ADMIN, .tx = STORE_WRITE};
	struct invitation_new n = {.org = a->org,
				   .role = i->gateway ? "gateway" : "client",
				   .expires_s = i->expires_s};

	if (i->expires_s && (i->expires_s < 60 || i->expires_s > INVITE_S_MAX))
		return rn_fail(err, RN_EDATA, "expires_s=%u: from 60 to %u", i->expires_s,
			       INVITE_S_MAX);
	int rc = action_begin(c, a, &what, err);

	if (rc)
		return rc;
	if (i->user.ptr)
		rc = user_find(c, a->org, i->user, &n.user, err);
	else if (own && a->role < CONSOLE_ADMIN)
		n.user = a->user;
	if (!rc)
		rc = invitation_make(c, &n, out, err);
	if (!rc)
		rc = audit_add(c, a, "invitation.add", n.role, i->user.ptr ? i->user : STR(""),
			       NULL, err);
	return action_end(c, rc, err);
}

/* ---- using ------------------------------------------------------------------------------------
 */

struct used {
	int64_t org, user;
	char role[16], node[CONSOLE_NAME_MAX], id[16];
};

/* The one statement that makes an invitation serve once: only one of two at the same time changes
 * the row. */
static int invitation_use(struct console *c, struct str token, struct used *u, struct rn_error *err)
{
	char hash[TOKEN_HASH_LEN + 1];
	struct store_rows q;
	int64_t now = clock_wall_s();

	*u = (struct used){0};
	if (!token_valid(token))
		return rn_fail(err, RN_EPERM,
			       "this invitation is not valid: unknown, used already, or expired");
	token_hash(hash, token);
	int rc = store_query(c->store, &q,
			     "UPDATE invitations SET used_at = ? WHERE hash = ? AND used_at IS "
			     "NULL AND expires_at > ?"
			     " RETURNING org, role, user_id, node, id",
			     err, "izi", now, hash, now);

	if (!rc)
		rc = store_next(&q, err);
	if (rc == 0) {
		rc = rn_fail(err, RN_EPERM,
			     "this invitation is not valid: unknown, used already, or expired");
	} else if (rc == 1) {
		u->org = store_int(&q, 0);
		u->user = store_int(&q, 2);
		rc = store_copy(&q, 1, u->role, sizeof(u->role)) &&
				     store_copy(&q, 3, u->node, sizeof(u->node)) &&
				     store_copy(&q, 4, u->id, sizeof(u->id))
			     ? 0
			     : rn_fail(err, RN_EBUG, "database: an invitation's text is too long");
	}
	store_done(&q);
	return rc;
}

static int key_check(const char *what, struct str key, struct rn_error *err)
{
	uint8_t raw[CONSOLE_KEY_SIZE], zero[CONSOLE_KEY_SIZE] = {0};

	if (!base64_decode(raw, sizeof(raw), key, BASE64_STD) ||
	    memcmp(raw, zero, sizeof(raw)) == 0)
		return rn_fail(err, RN_EDATA, "%s: not a key (32 bytes in base64)", what);
	return 0;
}

int certificate_sign(struct console *c, struct str csr, const char *domain, struct buf *pem,
		     struct rn_error *err)
{
	char path[1100], wildcard[HOST_MAX + 2];
	struct x509_key *key = NULL;
	struct buf ca, ca_key;

	snprintf(wildcard, sizeof(wildcard), "*.%s", domain);
	struct str hosts[] = {str_from(domain), str_from(wildcard)};

	buf_init(&ca, PEM_MAX);
	buf_init(&ca_key, PEM_MAX);
	snprintf(path, sizeof(path), "%s/ca.crt", c->dir);
	int rc = file_read(path, &ca, err);

	snprintf(path, sizeof(path), "%s/ca.key", c->dir);
	if (!rc)
		rc = file_read_secret(path, &ca_key, err);
	if (!rc) {
		key = x509_key_parse(buf_str(&ca_key), err);
		rc = key ? 0 : err->code;
	}
	if (!rc) {
		struct x509_sign s = {buf_str(&ca), key, csr, hosts, ARRAY_LEN(hosts), CERT_DAYS};

		rc = x509_sign_server(&s, pem, err);
	}
	x509_key_free(key);
	if (ca_key.ptr)
		secret_wipe(ca_key.ptr, ca_key.cap);
	buf_free(&ca_key);
	buf_free(&ca);
	return rc;
}

static int join_client(struct console *c, const struct used *u, const struct console_join *j,
		       struct node *n, struct rn_error *err)
{
	struct node_new w = {.org = u->org,
			     .user = u->user,
			     .role = "client",
			     .wanted = j->name,
			     .client_type = j->client_type,
			     .wg_key = j->wg_key,
			     .sign_key = j->sign_key};
	int rc = node_make(c, &w, n, err);

	return rc ? rc : dirty_gateways(c, u->org, err);
}

/* A gateway that was added before gets its keys; one that was not is added now. */
static int join_gateway(struct console *c, const struct used *u, const struct console_join *j,
			struct node *n, struct rn_error *err)
{
	struct node_new w = {.org = u->org,
			     .role = "gateway",
			     .wanted = j->name,
			     .client_type = j->client_type,
			     .wg_key = j->wg_key,
			     .sign_key = j->sign_key};
	char domain[HOST_MAX] = "", public_ip[ADDR_TEXT_MAX] = "";
	struct addr a;
	int rc;

	if (j->public_ip.len && (!addr_parse(&a, j->public_ip, 0) || addr_port(&a)))
		return rn_fail(err, RN_EDATA, "public_ip: not an IP address");
	str_copy(public_ip, sizeof(public_ip), j->public_ip);
	if (*u->node) {
		rc = store_exec(c->store,
				"UPDATE nodes SET wg_key = ?, sign_key = ?, client_type = ?, "
				"status = 'active' WHERE id = ?",
				NULL, err, "sssz", j->wg_key, j->sign_key,
				j->client_type.ptr ? j->client_type : STR(""), u->node);
		rc = say_taken(rc, err, "this key belongs to another node already; make a new one");
		if (!rc)
			rc = store_exec(
				c->store,
				"UPDATE gateways SET public_ip = ? WHERE node = ? AND ? <> ''",
				NULL, err, "zzz", public_ip, u->node, public_ip);
		if (!rc)
			rc = node_get(c, u->org, str_from(u->node), n, err);
	} else {
		rc = node_make(c, &w, n, err);
		if (!rc && !name_below(domain, sizeof(domain), n->name, c->domain))
			rc = rn_fail(err, RN_EDATA, "name: too long for a domain below %s",
				     c->domain);
		struct gateway_new g = {.domain = domain,
					.public_ip = public_ip,
					.region = "",
					.instance_type = "",
					.management = "",
					.wg_port = 51820,
					.https_port = 443,
					.http_port = 80};

		if (!rc)
			rc = gateway_row(c, n, &g, err);
	}
	return rc ? rc : dirty_org(c, u->org, err);
}

static int join_answer(struct console *c, const struct node *n, struct str cert, struct buf *out,
		       struct rn_error *err)
{
	char addresses[2 * ADDR_TEXT_MAX];
	struct buf text;

	snprintf(addresses, sizeof(addresses), "%s,%s", n->address4, n->address6);
	rec_begin(out, "node", str_from(n->id));
	rec_add_cstr(out, "name", n->name);
	rec_add_cstr(out, "network", n->network);
	rec_add_cstr(out, "role", n->role);
	rec_add_raw(out, "address", str_from(addresses));
	rec_add_cstr(out, "url", c->url);
	if (cert.len) {
		buf_init(&text, BASE64_SIZE(PEM_MAX));
		char *room = buf_reserve(&text, BASE64_SIZE(cert.len));

		if (room)
			base64_encode(room, cert.ptr, cert.len, BASE64_STD);
		rec_add_cstr(out, "certificate_pem", room);
		buf_free(&text);
	}
	rec_end(out);
	return out->failed ? rn_fail(err, RN_EOS, "the answer to a join is too long") : 0;
}

static int join_check(const struct console_join *j, struct rn_error *err)
{
	int rc = key_check("wg_key", j->wg_key, err);

	if (!rc)
		rc = key_check("sign_key", j->sign_key, err);
	if (!rc && j->client_type.len > 128)
		rc = rn_fail(err, RN_EDATA, "client_type is longer than 128 bytes");
	if (!rc && j->name.len > 253)
		rc = rn_fail(err, RN_EDATA, "name is longer than 253 bytes");
	return rc;
}

static int join_certificate(struct console *c, const struct node *n, struct str csr,
			    struct buf *pem, struct rn_error *err)
{
	struct gateway g;
	int rc = gateway_get(c, n->org, str_from(n->id), &g, err);

	if (!rc && !csr.len)
		rc = rn_fail(err, RN_EDATA, "csr: a gateway needs one");
	return rc ? rc : certificate_sign(c, csr, g.domain, pem, err);
}

/* Inside the transaction, so that nothing is used up or made when any step fails. */
static int join_steps(struct console *c, const struct console_join *j, struct str from,
		      struct buf *out, struct rn_error *err)
{
	struct console_actor who = {.kind = CONSOLE_NODE};
	struct node n = {0};
	struct used u;
	struct buf pem;
	int rc = invitation_use(c, j->token, &u, err);

	if (rc)
		return rc;
	bool gateway = strcmp(u.role, "gateway") == 0;

	buf_init(&pem, PEM_MAX);
	rc = gateway ? join_gateway(c, &u, j, &n, err) : join_client(c, &u, j, &n, err);
	if (!rc && gateway)
		rc = join_certificate(c, &n, j->csr, &pem, err);
	if (!rc)
		rc = join_answer(c, &n, buf_str(&pem), out, err);
	who.org = u.org;
	snprintf(who.id, sizeof(who.id), "%s", n.id);
	char detail[160];

	snprintf(detail, sizeof(detail), "invitation=%s role=%s from=%.*s", u.id, u.role,
		 STR_ARG(str_slice(from, 0, MIN(from.len, 64))));
	if (!rc)
		rc = audit_add(c, &who, "node.join", "node", str_from(n.id), detail, err);
	buf_free(&pem);
	return rc;
}

int console_join(struct console *c, const struct console_join *j, struct str from, struct buf *out,
		 struct rn_error *err)
{
	struct rn_error second;
	char subject[PLACE_SIZE + 8], place[PLACE_SIZE];
	int rc = join_check(j, err);

	failures_place(place, from);
	snprintf(subject, sizeof(subject), "join %s", place);
	if (!rc)
		rc = failures_check(c, subject, err);
	if (!rc)
		rc = store_begin(c->store, STORE_WRITE, err);
	if (rc)
		return rc;
	rc = action_end(c, join_steps(c, j, from, out, err), err);
	if (rc == RN_EPERM && failure_add(c, subject, &second))
		log_write(LOG_WARN, "a failed join was not noted: %s", second.text);
	return rc;
}
