/* SPDX-License-Identifier: MIT
 *
 * Connections: OpenSSL's results turned into ours.
 */
#include "tls/ctx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

struct tls_conn {
	SSL *ssl;
	struct tls_ctx *ctx;
	char sni[TLS_NAME_SIZE];
};

static struct tls_conn *new_conn(struct tls_ctx *c, int fd)
{
	struct tls_conn *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ssl = SSL_new(c->ssl);
	if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
		SSL_free(t->ssl);
		free(t);
		ERR_clear_error();
		return NULL;
	}
	t->ctx = tls_ctx_ref(c);
	return t;
}

struct tls_conn *tls_accept_new(struct tls_ctx *c, int fd)
{
	struct tls_conn *t = new_conn(c, fd);

	if (t)
		SSL_set_accept_state(t->ssl);
	return t;
}

/* SNI carries names only (RFC 6066, section 3); an address is looked for in the certificate as one.
 */
static bool set_peer_name(struct tls_conn *t, const char *name)
{
	struct in6_addr ip;

	if (inet_pton(AF_INET, name, &ip) == 1 || inet_pton(AF_INET6, name, &ip) == 1)
		return !t->ctx->verify ||
		       X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), name) == 1;
	if (SSL_set_tlsext_host_name(t->ssl, name) != 1)
		return false;
	SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
					  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return !t->ctx->verify || SSL_set1_host(t->ssl, name) == 1;
}

struct tls_conn *tls_connect_new(struct tls_ctx *c, int fd, const char *name)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	struct tls_conn *t = new_conn(c, fd);

	if (!t)
		return NULL;
	SSL_set_connect_state(t->ssl);
	if (!set_peer_name(t, name) || SSL_set_alpn_protos(t->ssl, alpn, sizeof(alpn) - 1) != 0) {
		ERR_clear_error();
		tls_free(t);
		return NULL;
	}
	return t;
}

void tls_free(struct tls_conn *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	tls_ctx_unref(t->ctx);
	free(t);
}

/* ---- results -------------------------------------------------------------------------------- */

static enum tls_result fail_verify(const struct tls_conn *t, struct rn_error *err)
{
	long why = SSL_get_verify_result(t->ssl);

	ERR_clear_error();
	rn_fail(err, RN_EPERM, "the server's certificate was refused: %s",
		X509_verify_cert_error_string(why));
	return TLS_FAILED;
}

/* Why RET came back from the last call on T. errno must be that call's. */
static enum tls_result result(struct tls_conn *t, int ret, struct rn_error *err)
{
	int sys = errno;

	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_EOF;
	case SSL_ERROR_SYSCALL:
		ERR_clear_error();
		errno = sys;
		if (sys)
			rn_fail_errno(err, RN_EIO, "TLS connection");
		else
			rn_fail(err, RN_EIO, "the TLS connection was cut off");
		return TLS_FAILED;
	default:
		if (t->ctx->verify && SSL_get_verify_result(t->ssl) != X509_V_OK)
			return fail_verify(t, err);
		tls_fail(err, RN_EPROTO, "TLS");
		return TLS_FAILED;
	}
}

enum tls_result tls_handshake(struct tls_conn *t, struct rn_error *err)
{
	ERR_clear_error();
	errno = 0;
	int r = SSL_do_handshake(t->ssl);

	return r == 1 ? TLS_OK : result(t, r, err);
}

enum tls_result tls_read(struct tls_conn *t, void *out, size_t cap, size_t *n, struct rn_error *err)
{
	ERR_clear_error();
	errno = 0;
	int r = SSL_read_ex(t->ssl, out, cap, n);

	return r == 1 ? TLS_OK : result(t, r, err);
}

enum tls_result tls_write(struct tls_conn *t, struct str bytes, size_t *n, struct rn_error *err)
{
	ERR_clear_error();
	errno = 0;
	int r = SSL_write_ex(t->ssl, bytes.ptr, bytes.len, n);

	return r == 1 ? TLS_OK : result(t, r, err);
}

enum tls_result tls_shutdown(struct tls_conn *t)
{
	struct rn_error err;

	ERR_clear_error();
	errno = 0;
	int r = SSL_in_init(t->ssl) ? 1 : SSL_shutdown(t->ssl);

	return r >= 0 ? TLS_OK : result(t, r, &err);
}

size_t tls_pending(const struct tls_conn *t)
{
	return (size_t)SSL_pending(t->ssl);
}

/* ---- about a connection --------------------------------------------------------------------- */

const char *tls_sni(struct tls_conn *t)
{
	const char *name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);

	if (!t->sni[0] && name)
		tls_fold_name(t->sni, name);
	return t->sni;
}

const char *tls_version(const struct tls_conn *t)
{
	return SSL_get_version(t->ssl);
}

bool tls_resumed(const struct tls_conn *t)
{
	return SSL_session_reused(t->ssl) == 1;
}
