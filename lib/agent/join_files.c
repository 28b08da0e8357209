/* SPDX-License-Identifier: MIT
 *
 * The folder of a network, built beside its place and renamed when it is whole.
 */
#include "agent/join_impl.h"
#include "tls/x509.h"
#include "wg/wg.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define PEM_MAX 65536

int join_path(const struct join *j, char out[static AGENT_PATH_MAX], const char *name,
	      struct rn_error *err)
{
	if (path_join(out, AGENT_PATH_MAX, j->dir, str_from(name)))
		return 0;
	return rn_fail(err, RN_ECANTCREAT, "%s/%s: the path is too long", j->dir, name);
}

static int write_file(const struct join *j, const char *name, mode_t mode, struct str text,
		      struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	int rc = join_path(j, path, name, err);

	return rc ? rc : file_write(path, mode, text, err);
}

void join_remove_dir(const char *dir)
{
	char path[AGENT_PATH_MAX];
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    path_join(path, sizeof(path), dir, str_from(e->d_name)))
			unlink(path);
	if (d)
		closedir(d);
	rmdir(dir);
}

/* ---- keys ----------------------------------------------------------------------------------- */

static int make_dir(struct join *j, struct rn_error *err)
{
	int rc = dir_make(j->o->state_dir, 0700, err);

	if (rc)
		return rc;
	if (!path_join(j->dir, sizeof(j->dir), j->o->state_dir, STR(".join-XXXXXX")) ||
	    !mkdtemp(j->dir)) {
		rc = rn_fail_errno(err, RN_ECANTCREAT, "cannot make a folder in %s",
				   j->o->state_dir);
		j->dir[0] = '\0';
	}
	return rc;
}

static int make_wg_key(struct join *j, struct rn_error *err)
{
	uint8_t *key = secret_alloc(WG_KEY_LEN), public_key[WG_KEY_LEN];
	char path[AGENT_PATH_MAX];
	int rc = join_path(j, path, "wg.key", err);

	if (!key)
		rc = rn_fail(err, RN_EOS, "out of memory for a key");
	if (!rc) {
		wg_key_generate(key);
		wg_key_public(public_key, key);
		base64_encode(j->wg_public, public_key, WG_KEY_LEN, BASE64_STD);
		rc = auth_secret_save(key, path, err);
	}
	secret_free(key);
	return rc;
}

static int make_sign_key(struct join *j, struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	int rc = join_path(j, path, "sign.key", err);

	j->sign_key = auth_key_make();
	if (!j->sign_key)
		return rn_fail(err, RN_EOS, "out of memory for a key");
	return rc ? rc : auth_key_save(j->sign_key, path, err);
}

/* Only a gateway needs it, and the invitation does not say what it is for; so it is always made.
 * The console decides the names in the certificate. */
static int make_tls_key(struct join *j, struct rn_error *err)
{
	struct x509_key *k = x509_key_new(err);
	struct str host = str_from(j->invite.host);
	struct buf pem;
	int rc;

	if (!k)
		return err->code;
	buf_init(&pem, PEM_MAX);
	rc = x509_key_write(k, &pem, err);
	if (!rc)
		rc = x509_csr_make(k, &host, 1, &j->csr, err);
	if (!rc)
		rc = write_file(j, "tls.key", 0600, buf_str(&pem), err);
	x509_key_free(k);
	if (pem.ptr)
		secret_wipe(pem.ptr, pem.cap);
	buf_free(&pem);
	return rc;
}

int join_make_keys(struct join *j, struct rn_error *err)
{
	int rc = make_dir(j, err);

	if (!rc)
		rc = make_wg_key(j, err);
	if (!rc)
		rc = make_sign_key(j, err);
	return rc ? rc : make_tls_key(j, err);
}

/* ---- what the console said ------------------------------------------------------------------ */

int join_keep_trust(const struct join *j, struct str ca_der, struct rn_error *err)
{
	struct minisign_pub signer;
	struct buf text, ca;
	int rc = 0;

	buf_init(&text, 4096);
	buf_init(&ca, PEM_MAX);
	minisign_pub_from(&signer, j->invite.console);
	minisign_pub_format(&text, &signer);
	if (ca_der.len)
		rc = x509_der_to_pem(ca_der, &ca, err);
	if (!rc)
		rc = write_file(j, "console.pub", 0644, buf_str(&text), err);
	if (!rc)
		rc = write_file(j, "ca.crt", 0644, buf_str(&ca), err);
	buf_free(&text);
	buf_free(&ca);
	return rc;
}

static int write_node(const struct join *j, struct rn_error *err)
{
	struct buf b;
	int rc;

	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "node", j->node);
	rec_add(&b, "network", j->network);
	rec_add(&b, "role", j->role);
	rec_add_cstr(&b, "url", j->url);
	if (j->invite.address[0])
		rec_add_cstr(&b, "connect", j->invite.address);
	rec_add_i64(&b, "joined_at", clock_wall_s());
	rec_end(&b);
	rc = b.failed ? rn_fail(err, RN_EPROTO, "the console's answer is too long")
		      : write_file(j, "node.rn", 0600, buf_str(&b), err);
	buf_free(&b);
	return rc;
}

static int write_gateway(struct join *j, struct rn_error *err)
{
	char path[AGENT_PATH_MAX], *pem = arena_alloc(&j->arena, j->cert.len + 1);
	size_t len = j->cert.len;
	uint8_t *key = auth_secret_make();
	int rc = join_path(j, path, "session.key", err);

	if (!rc && (!key || !pem))
		rc = rn_fail(err, RN_EOS, "out of memory for a key");
	if (!rc)
		rc = auth_secret_save(key, path, err);
	if (!rc && (!j->cert.len || !base64_decode_any(pem, &len, j->cert, BASE64_STD)))
		rc = rn_fail(err, RN_EPROTO,
			     "the console's answer has no certificate for this gateway");
	if (!rc)
		rc = write_file(j, "tls.crt", 0644, str_make(pem, len), err);
	secret_free(key);
	return rc;
}

/* A client has no use for the key. */
static int drop_tls_key(const struct join *j, struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	int rc = join_path(j, path, "tls.key", err);

	if (!rc && unlink(path) < 0)
		rc = rn_fail_errno(err, RN_ECANTCREAT, "%s", path);
	return rc;
}

int join_install(struct join *j, struct rn_error *err)
{
	char final[AGENT_PATH_MAX];
	int rc = str_is(j->role, "gateway") ? write_gateway(j, err) : drop_tls_key(j, err);

	if (!rc)
		rc = write_node(j, err);
	if (rc)
		return rc;
	if (!path_join(final, sizeof(final), j->o->state_dir, j->network))
		return rn_fail(err, RN_ECANTCREAT, "%s: the path is too long", j->o->state_dir);
	/* Fails if a network of that name is there: a folder with files is not replaced. */
	if (rename(j->dir, final) < 0)
		return errno == ENOTEMPTY || errno == EEXIST
			       ? rn_fail(err, RN_ECANTCREAT,
					 "a network %.*s is joined already, at another console: "
					 "leave it first",
					 STR_ARG(j->network))
			       : rn_fail_errno(err, RN_ECANTCREAT, "%s", final);
	memcpy(j->dir, final, sizeof(final));
	return 0;
}

int agent_forget(const struct agent_net *n, struct rn_error *err)
{
	static const char *const keys[] = {"wg.key", "sign.key", "tls.key", "session.key"};
	char path[AGENT_PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		int rc = agent_net_path(n, path, keys[i], err);

		if (rc)
			return rc;
		unlink(path);
	}
	join_remove_dir(n->dir);
	if (access(n->dir, F_OK) == 0)
		return rn_fail(err, RN_ECANTCREAT, "%s cannot be removed whole", n->dir);
	return 0;
}
