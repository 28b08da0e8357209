/* SPDX-License-Identifier: MIT
 *
 * The audit chain. Each record holds the hash of the one before it, so a changed, removed or
 * inserted one breaks every hash behind it; the head kept in meta shows a cut-off end. Who can
 * rewrite the whole database can rewrite the chain: note the head that `audit --verify` prints
 * elsewhere to be sure of more.
 *
 *     hash = BLAKE2b-256 of the record's line; prev= is the hash of the line before, 64 zeros at
 * first
 */
#include "console/inner.h"

#include <sodium.h>

#define HASH_LEN 32
static const char first_prev[] = "0000000000000000000000000000000000000000000000000000000000000000";

static void hash_line(char out[static HEX_SIZE(HASH_LEN)], struct str line)
{
	uint8_t hash[HASH_LEN];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)line.ptr, line.len, NULL, 0);
	hex_encode(out, hash, sizeof(hash));
}

struct head {
	int64_t seq;
	char hash[HEX_SIZE(HASH_LEN)];
};

static int last_row(struct console *c, struct head *h, struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(c->store, &q, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1",
			     err, "");

	*h = (struct head){0};
	memcpy(h->hash, first_prev, sizeof(first_prev));
	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1) {
		h->seq = store_int(&q, 0);
		rc = store_copy(&q, 1, h->hash, sizeof(h->hash))
			     ? 0
			     : rn_fail(err, RN_ECONFIG, "audit: damaged hash");
	}
	store_done(&q);
	return rc;
}

/* Who acts, and in which organisation, as the record names them. */
static int write_actor(struct console *c, struct buf *b, const struct console_actor *a,
		       struct rn_error *err)
{
	static const char *const prefixes[] = {
		[CONSOLE_CLI] = "", [CONSOLE_USER] = "user:", [CONSOLE_NODE] = "node:"};
	char org[CONSOLE_NAME_MAX] = "", actor[CONSOLE_NAME_MAX + 8];
	int rc = store_get_text(c->store, org, sizeof(org),
				"SELECT name FROM organizations WHERE id = ?", err, "i", a->org);

	snprintf(actor, sizeof(actor), "%s%s", prefixes[a->kind], a->id);
	rec_add_cstr(b, "org", org);
	rec_add_cstr(b, "actor", actor);
	return rc < 0 ? rc : 0;
}

int audit_add(struct console *c, const struct console_actor *a, const char *action,
	      const char *kind, struct str id, const char *detail, struct rn_error *err)
{
	char seq[24], object[CONSOLE_NAME_MAX * 3], hash[HEX_SIZE(HASH_LEN)];
	struct head prev;
	struct buf b;
	int rc = last_row(c, &prev, err);

	rn_assert(store_in_tx(c->store));
	if (rc)
		return rc;
	buf_init(&b, REC_LINE_MAX);
	snprintf(seq, sizeof(seq), "%lld", (long long)prev.seq + 1);
	snprintf(object, sizeof(object), "%s:%.*s", kind,
		 STR_ARG(str_slice(id, 0, MIN(id.len, CONSOLE_NAME_MAX))));
	rec_begin(&b, "audit", str_from(seq));
	rec_add_i64(&b, "at", clock_wall_s());
	rc = write_actor(c, &b, a, err);
	rec_add_cstr(&b, "action", action);
	rec_add_cstr(&b, "object", object);
	rec_add_cstr(&b, "prev", prev.hash);
	rec_add_cstr(&b, "detail", detail);
	if (!rc && b.failed)
		rc = rn_fail(err, RN_EOS, "audit: out of memory");
	hash_line(hash, buf_str(&b));
	if (!rc)
		rc = store_exec(c->store,
				"INSERT INTO audit (seq, org, record, hash) VALUES (?, ?, ?, ?)",
				NULL, err, "iisz", prev.seq + 1, a->org, buf_str(&b), hash);
	if (!rc)
		rc = meta_set(c, "audit_head", hash, err);
	buf_free(&b);
	return rc;
}

int console_refused(struct console *c, const struct console_actor *a, const char *kind,
		    struct str id, const char *detail, struct rn_error *err)
{
	int rc = store_begin(c->store, STORE_WRITE, err);

	if (rc)
		return rc;
	rc = audit_add(c, a, "refused", kind, id, detail, err);
	return action_end(c, rc, err);
}

static bool may_read(const struct console_actor *a)
{
	return a->role == CONSOLE_AUDITOR || a->role >= CONSOLE_ADMIN;
}

int console_audit(struct console *c, const struct console_actor *a, uint64_t after, uint32_t limit,
		  struct buf *out, struct rn_error *err)
{
	struct store_rows q;

	if (!may_read(a))
		return fail_role(a, err);
	int rc = store_query(
		c->store, &q,
		"SELECT record FROM (SELECT seq, record FROM audit WHERE org = ? AND seq > ?"
		" ORDER BY seq DESC LIMIT ?) AS newest ORDER BY seq",
		err, "iii", a->org, (int64_t)MIN(after, (uint64_t)INT64_MAX), (int64_t)limit);

	while (!rc && (rc = store_next(&q, err)) == 1) {
		buf_add(out, store_text(&q, 0));
		buf_add_byte(out, '\n');
		rc = 0;
	}
	store_done(&q);
	return rc;
}

/* What is wrong with the row that should follow H, or NULL; then H is that row. */
static const char *follow(struct head *h, const struct store_rows *q)
{
	char hash[HEX_SIZE(HASH_LEN)];
	struct str line = store_text(q, 1);
	struct rec *r = calloc(1, sizeof(*r));
	struct rn_error ignored;
	const char *wrong = NULL;

	if (line.ptr)
		hash_line(hash, line);
	if (store_int(q, 0) != h->seq + 1)
		wrong = "a record is missing";
	else if (!line.ptr || !str_is(store_text(q, 2), hash))
		wrong = "a record was changed";
	else if (!r || rec_parse(r, line, NULL, &ignored) || !str_is(rec_get(r, "prev"), h->hash))
		wrong = "a record does not follow the one before it";
	free(r);
	h->seq++;
	if (!wrong)
		memcpy(h->hash, hash, sizeof(hash));
	return wrong;
}

static int walk(struct console *c, struct head *h, const char **wrong, struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(c->store, &q, "SELECT seq, record, hash FROM audit ORDER BY seq", err,
			     "");

	*h = (struct head){0};
	memcpy(h->hash, first_prev, sizeof(first_prev));
	while (!rc && !*wrong && (rc = store_next(&q, err)) == 1) {
		*wrong = follow(h, &q);
		rc = 0;
	}
	store_done(&q);
	return rc;
}

int console_audit_verify(struct console *c, const struct console_actor *a, struct buf *out,
			 struct rn_error *err)
{
	char head[HEX_SIZE(HASH_LEN)] = "";
	const char *wrong = NULL;
	struct head h;

	if (!may_read(a))
		return fail_role(a, err);
	int rc = store_begin(c->store, STORE_READ, err);

	if (rc)
		return rc;
	rc = walk(c, &h, &wrong, err);
	if (!rc) {
		rc = meta_get(c, "audit_head", head, sizeof(head), err);
		rc = rc < 0 ? rc : 0;
	}
	store_rollback(c->store);
	if (rc)
		return rc;
	if (!wrong && strcmp(head, h.hash) != 0)
		wrong = "the newest records are missing";
	rec_begin(out, "chain", wrong ? STR("broken") : STR("ok"));
	rec_add_i64(out, "records", h.seq);
	rec_add_cstr(out, "head", wrong ? NULL : h.hash);
	rec_add_cstr(out, "why", wrong);
	rec_end(out);
	return wrong ? rn_fail(err, RN_ENO, "audit record %lld: %s", (long long)h.seq, wrong) : 0;
}
