/* SPDX-License-Identifier: MIT
 *
 * Bundles as signed files in pub/.
 *
 * Actions mark what they touched (bundles.dirty counts the marks) in their own transaction;
 * afterwards what is marked is rendered, and gets a new serial and new files only if it differs. A
 * publisher that dies leaves the mark behind, and the next one makes it right. One publishes at a
 * time, by a lock on pub/.lock, so that an older bundle never replaces a newer one.
 */
#include "console/inner.h"
#include "tls/x509.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST_LEN 32

struct pushed { /* a gateway that is to be told, once all locks are gone */
	char management[HOST_MAX];
	struct buf bundle, sig;
};
struct job {
	struct console *c;
	int64_t org;	    /* whose bundles are reported */
	struct buf *report; /* may be NULL */
	VEC(struct pushed) pushes;
};

/* ---- files ------------------------------------------------------------------------------------
 */

bool console_pub_path(const struct console *c, struct str name, char *out, size_t size)
{
	struct str base = name;
	int n;

	if (str_ends(base, STR(".minisig")))
		base.len -= strlen(".minisig");
	if (!str_ends(base, STR(".rn")))
		return false;
	base.len -= strlen(".rn");
	if (!name_valid(base))
		return false;
	n = snprintf(out, size, "%s/pub/%.*s", c->dir, STR_ARG(name));
	return n > 0 && (size_t)n < size;
}

static int sync_folder(struct console *c, struct rn_error *err)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s/pub", c->dir);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? 0 : rn_fail_errno(err, RN_EIO, "%s", path);

	fd_close(&fd);
	return rc;
}

/* Writes both files whole and then puts both in place, one right after the other: a reader that
 * meets the moment in between sees a signature that does not fit, and asks again. */
static int write_pair(struct console *c, const char *name, struct str text, struct str sig,
		      struct rn_error *err)
{
	char path[4][1200];
	int rc;

	for (int i = 0; i < 4; i++)
		snprintf(path[i], sizeof(path[i]), "%s/pub/%s.rn%s%s", c->dir, name,
			 i & 1 ? ".minisig" : "", i & 2 ? ".new" : "");
	rc = file_write(path[2], 0644, text, err);
	if (!rc)
		rc = file_write(path[3], 0644, sig, err);
	for (int i = 0; !rc && i < 2; i++) {
		if (rename(path[i + 2], path[i]) != 0)
			rc = rn_fail_errno(err, RN_EIO, "%s", path[i]);
	}
	if (!rc)
		rc = sync_folder(c, err);
	if (rc) {
		unlink(path[2]);
		unlink(path[3]);
	}
	return rc;
}

static int sign_and_write(struct console *c, const char *name, struct str text, const char *comment,
			  struct buf *sig, struct rn_error *err)
{
	minisign_sign(sig, c->key, text, str_from(comment));
	return sig->failed ? rn_fail(err, RN_EOS, "out of memory")
			   : write_pair(c, name, text, buf_str(sig), err);
}

static int lock(struct console *c, int *fd, struct rn_error *err)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s/pub", c->dir);
	int rc = dir_make(path, 0755, err);

	snprintf(path, sizeof(path), "%s/pub/.lock", c->dir);
	*fd = rc ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (!rc && (*fd < 0 || flock(*fd, LOCK_EX) != 0)) {
		rc = rn_fail_errno(err, RN_EIO, "%s", path);
		fd_close(fd);
	}
	return rc;
}

/* Whether both files are there and the first line is HEAD: false after a crash, or when somebody
 * tidied up. */
static bool file_has(struct console *c, const char *name, struct str head)
{
	char path[1200], line[REC_LINE_MAX];
	bool same = false;
	int fd;

	snprintf(path, sizeof(path), "%s/pub/%s.rn.minisig", c->dir, name);
	if (access(path, R_OK) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/pub/%s.rn", c->dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (head.len <= sizeof(line))
		same = read(fd, line, head.len) == (ssize_t)head.len &&
		       memcmp(line, head.ptr, head.len) == 0;
	close(fd);
	return same;
}

/* ---- one bundle -------------------------------------------------------------------------------
 */

struct bundle {
	struct node node;
	int64_t serial, made_at, dirty;
	char old_digest[HEX_SIZE(DIGEST_LEN)], digest[HEX_SIZE(DIGEST_LEN)];
	struct buf body, text, sig;
	bool changed, write;
};

static int bundle_row(struct console *c, struct bundle *b, struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(c->store, &q,
			     "SELECT serial, made_at, digest, dirty FROM bundles WHERE node = ?",
			     err, "z", b->node.id);

	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1) {
		b->serial = store_int(&q, 0);
		b->made_at = store_int(&q, 1);
		b->dirty = store_int(&q, 3);
		rc = store_copy(&q, 2, b->old_digest, sizeof(b->old_digest))
			     ? 0
			     : rn_fail(err, RN_EBUG, "database: long digest");
	} else if (rc == 0) {
		rc = fail_missing(err, "bundle of", str_from(b->node.id));
	}
	store_done(&q);
	return rc;
}

/* Renders, and decides: is it another one, and must files be written? Inside a write transaction.
 */
static int bundle_render(struct console *c, struct bundle *b, struct rn_error *err)
{
	uint8_t hash[DIGEST_LEN];
	int rc = bundle_row(c, b, err);

	if (!rc)
		rc = render_node(c, &b->node, &b->body, err);
	if (rc)
		return rc;
	crypto_generichash(hash, sizeof(hash), (const uint8_t *)b->body.ptr, b->body.len, NULL, 0);
	hex_encode(b->digest, hash, sizeof(hash));
	b->changed = strcmp(b->digest, b->old_digest) != 0;
	if (b->changed) {
		b->serial++;
		b->made_at = clock_wall_s();
	}
	rc = render_head(c, &b->node, b->serial, b->made_at, &b->text, err);
	if (rc)
		return rc;
	b->write = b->changed || !file_has(c, b->node.id, buf_str(&b->text));
	buf_add(&b->text, buf_str(&b->body));
	if (b->text.failed)
		return rn_fail(err, RN_EOS, "the bundle of %s is too long", b->node.id);
	return store_exec(c->store,
			  "UPDATE bundles SET serial = ?, digest = ?, made_at = ? WHERE node = ?",
			  NULL, err, "iziz", b->serial, b->digest, b->made_at, b->node.id);
}

static int push_later(struct job *job, const struct bundle *b, struct rn_error *err)
{
	char management[HOST_MAX] = "";
	int rc = store_get_text(job->c->store, management, sizeof(management),
				"SELECT management FROM gateways WHERE node = ?", err, "z",
				b->node.id);

	if (rc < 0 || !*management || job->c->no_push)
		return rc < 0 ? rc : 0;
	struct pushed *p = VEC_PUSH(&job->pushes);

	if (!p)
		return rn_fail(err, RN_EOS, "out of memory");
	memcpy(p->management, management, sizeof(management));
	buf_init(&p->bundle, OUT_MAX);
	buf_init(&p->sig, MINISIGN_SIG_MAX);
	buf_add(&p->bundle, buf_str(&b->text));
	buf_add(&p->sig, buf_str(&b->sig));
	return p->bundle.failed || p->sig.failed ? rn_fail(err, RN_EOS, "out of memory") : 0;
}

static void report(const struct job *job, const struct bundle *b)
{
	if (!job->report || b->node.org != job->org)
		return;
	rec_begin(job->report, "published", str_from(b->node.id));
	rec_add_i64(job->report, "serial", b->serial);
	rec_add_bool(job->report, "changed", b->changed);
	rec_end(job->report);
}

static int bundle_decide(struct console *c, const char *id, struct bundle *b, struct rn_error *err)
{
	int rc = store_begin(c->store, STORE_WRITE, err);

	if (rc)
		return rc;
	rc = node_get(c, 0, str_from(id), &b->node, err);
	if (!rc)
		rc = bundle_render(c, b, err);
	if (!rc)
		rc = store_commit(c->store, err);
	store_rollback(c->store);
	return rc;
}

/* The mark goes when the files are there, and only if nobody marked it again meanwhile. */
static int bundle_publish(struct job *job, const char *id, struct rn_error *err)
{
	char comment[256];
	struct bundle b = {0};

	buf_init(&b.body, OUT_MAX);
	buf_init(&b.text, OUT_MAX);
	buf_init(&b.sig, MINISIGN_SIG_MAX);
	int rc = bundle_decide(job->c, id, &b, err);

	snprintf(comment, sizeof(comment), "bundle=%s serial=%lld made_at=%lld", b.node.id,
		 (long long)b.serial, (long long)b.made_at);
	if (!rc && b.write)
		rc = sign_and_write(job->c, b.node.id, buf_str(&b.text), comment, &b.sig, err);
	if (!rc)
		rc = store_exec(job->c->store,
				"UPDATE bundles SET dirty = 0 WHERE node = ? AND dirty = ?", NULL,
				err, "zi", b.node.id, b.dirty);
	if (!rc && b.write)
		rc = push_later(job, &b, err);
	if (!rc)
		report(job, &b);
	buf_free(&b.body);
	buf_free(&b.text);
	buf_free(&b.sig);
	return rc;
}

/* ---- all that is dirty ------------------------------------------------------------------------
 */

typedef VEC(struct id { char text[CONSOLE_NAME_MAX]; }) id_vec;

static int ids(struct console *c, const char *sql, id_vec *v, struct rn_error *err)
{
	struct store_rows q;
	int rc = store_query(c->store, &q, sql, err, "");

	while (!rc && (rc = store_next(&q, err)) == 1) {
		struct id *id = VEC_PUSH(v);

		rc = id && store_copy(&q, 0, id->text, sizeof(id->text))
			     ? 0
			     : rn_fail(err, RN_EOS, "out of memory");
	}
	store_done(&q);
	return rc;
}

/* Files of nodes that are gone. */
static int withdraw(struct console *c, struct rn_error *err)
{
	static const char *const suffixes[] = {".rn", ".rn.minisig"};
	char path[1200];
	id_vec gone = {0};
	int rc = ids(c, "SELECT node FROM withdrawn", &gone, err);

	for (size_t i = 0; !rc && i < gone.len; i++) {
		for (size_t k = 0; k < ARRAY_LEN(suffixes); k++) {
			snprintf(path, sizeof(path), "%s/pub/%s%s", c->dir, gone.ptr[i].text,
				 suffixes[k]);
			if (unlink(path) != 0 && errno != ENOENT)
				rc = rn_fail_errno(err, RN_EIO, "%s", path);
		}
		if (!rc)
			rc = store_exec(c->store, "DELETE FROM withdrawn WHERE node = ?", NULL, err,
					"z", gone.ptr[i].text);
	}
	vec_free(&gone.base);
	return rc;
}

static void push_all(struct job *job)
{
	for (size_t i = 0; i < job->pushes.len; i++) {
		struct pushed *p = &job->pushes.ptr[i];

		push_bundle(p->management, buf_str(&p->bundle), buf_str(&p->sig));
		buf_free(&p->bundle);
		buf_free(&p->sig);
	}
	vec_free(&job->pushes.base);
}

static int publish_org(struct console *c, int64_t org, struct buf *out, struct rn_error *err)
{
	struct job job = {.c = c, .org = org, .report = out};
	id_vec dirty = {0};
	int fd = -1;
	int rc = lock(c, &fd, err);

	if (!rc)
		rc = ids(c,
			 "SELECT b.node FROM bundles b JOIN nodes n ON n.id = b.node"
			 " WHERE b.dirty > 0 AND n.status <> 'new' ORDER BY n.role = 'client', "
			 "n.number",
			 &dirty, err);
	for (size_t i = 0; !rc && i < dirty.len; i++)
		rc = bundle_publish(&job, dirty.ptr[i].text, err);
	if (!rc)
		rc = withdraw(c, err);
	fd_close(&fd);
	push_all(&job);
	vec_free(&dirty.base);
	return rc;
}

int publish_dirty(struct console *c, struct rn_error *err)
{
	int64_t any = 0;
	int rc = store_get_int(c->store, &any,
			       "SELECT EXISTS (SELECT 1 FROM bundles WHERE dirty > 0) OR EXISTS "
			       "(SELECT 1 FROM withdrawn)",
			       err, "");

	return rc < 0 || !any ? MIN(rc, 0) : publish_org(c, 0, NULL, err);
}

int console_publish(struct console *c, const struct console_actor *a, struct str node,
		    struct buf *out, struct rn_error *err)
{
	struct action what = {.least = CONSOLE_OPERATOR, .tx = STORE_WRITE};
	struct node n;
	int rc = action_begin(c, a, &what, err);

	if (rc)
		return rc;
	if (node.ptr) {
		rc = node_get(c, a->org, node, &n, err);
		if (!rc && strcmp(n.status, "new") == 0)
			rc = rn_fail(err, RN_ENO,
				     "%s has not joined yet: there is nothing to publish", n.id);
		if (!rc)
			rc = dirty_node(c, n.id, err);
	} else {
		rc = dirty_org(c, a->org, err);
	}
	if (!rc)
		rc = store_commit(c->store, err);
	store_rollback(c->store);
	return rc ? rc : publish_org(c, a->org, out, err);
}

int console_export(struct console *c, const struct console_actor *a, struct str node,
		   struct buf *out, struct rn_error *err)
{
	bool self = a->kind == CONSOLE_NODE && str_is(node, a->id);
	struct action what = {.least = self ? CONSOLE_NOBODY : CONSOLE_AUDITOR, .tx = STORE_READ};
	struct bundle b = {0};
	int rc = action_begin(c, a, &what, err);

	if (rc)
		return rc;
	rc = node_get(c, a->org, node, &b.node, err);
	if (!rc)
		rc = bundle_row(c, &b, err);
	if (!rc)
		rc = render_head(c, &b.node, b.serial, b.made_at, out, err);
	if (!rc)
		rc = render_node(c, &b.node, out, err);
	store_rollback(c->store);
	return rc;
}

/* ---- trust ------------------------------------------------------------------------------------
 */

static void add_base64(struct buf *out, const char *key, const void *bytes, size_t len)
{
	struct buf text;

	buf_init(&text, BASE64_SIZE(65536));
	char *room = buf_reserve(&text, BASE64_SIZE(len));

	if (room)
		base64_encode(room, bytes, len, BASE64_STD);
	rec_add_cstr(out, key, room);
	buf_free(&text);
}

static int ca_der(struct console *c, struct buf *der, struct rn_error *err)
{
	char path[1100];
	struct buf pem;

	buf_init(&pem, 65536);
	snprintf(path, sizeof(path), "%s/ca.crt", c->dir);
	int rc = file_read(path, &pem, err);

	if (!rc)
		rc = x509_pem_to_der(buf_str(&pem), der, err);
	buf_free(&pem);
	return rc;
}

int publish_trust(struct console *c, bool own_ca, struct rn_error *err)
{
	struct buf text, sig, der;
	char comment[512];
	int64_t serial = 0, now = clock_wall_s();
	int fd = -1;
	int rc = lock(c, &fd, err);

	buf_init(&text, REC_LINE_MAX);
	buf_init(&sig, MINISIGN_SIG_MAX);
	buf_init(&der, 65536);
	if (!rc)
		rc = meta_next(c, "trust_serial", &serial, err);
	if (!rc && own_ca)
		rc = ca_der(c, &der, err);
	rec_begin(&text, "trust", str_from(c->domain));
	rec_add_i64(&text, "serial", serial);
	rec_add_i64(&text, "made_at", now);
	add_base64(&text, "signer", auth_key_public(c->key), AUTH_PUB_LEN);
	if (der.len)
		add_base64(&text, "ca", der.ptr, der.len);
	rec_end(&text);
	if (!rc && text.failed)
		rc = rn_fail(err, RN_EDATA, "the CA certificate is too long");
	snprintf(comment, sizeof(comment), "trust=%s serial=%lld made_at=%lld", c->domain,
		 (long long)serial, (long long)now);
	if (!rc)
		rc = sign_and_write(c, "trust", buf_str(&text), comment, &sig, err);
	fd_close(&fd);
	buf_free(&text);
	buf_free(&sig);
	buf_free(&der);
	return rc;
}
