/* SPDX-License-Identifier: MIT
 *
 * Contexts: settings that all share, servers with a certificate by name, clients with their trust.
 */
#include "tls/ctx.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <sys/stat.h>

#define NAMES_MAX_BYTES (8u << 20) /* of one context's table of names */
#define FILE_MAX (1u << 20)	   /* PEM files */

/* Only ephemeral key exchange and AEAD in TLS 1.2; TLS 1.3 has nothing else. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

int tls_fail(struct rn_error *err, enum rn_err code, const char *fmt, ...)
{
	unsigned long e = ERR_get_error();
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ERR_clear_error();
	if (!e)
		return rn_fail(err, code, "%s", text);
	const char *reason = ERR_reason_error_string(e);
	return rn_fail(err, code, "%s: %s", text, reason ? reason : "unknown TLS error");
}

/* ---- what all have -------------------------------------------------------------------------- */

static SSL_CTX *new_ssl(bool server)
{
	SSL_CTX *s = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	if (!s)
		return NULL;
	SSL_CTX_set_min_proto_version(s, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(s, ciphers);
	SSL_CTX_set_options(s, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
				       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(s, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS);
	return s;
}

static struct tls_ctx *new_ctx(bool server, struct rn_error *err)
{
	struct tls_ctx *c = calloc(1, sizeof(*c));

	if (!c) {
		rn_fail(err, RN_EOS, "out of memory for a TLS context");
		return NULL;
	}
	c->refs = 1;
	c->server = server;
	arena_init(&c->arena, NAMES_MAX_BYTES);
	return c;
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *c)
{
	c->refs++;
	return c;
}

void tls_ctx_unref(struct tls_ctx *c)
{
	if (!c || --c->refs > 0)
		return;
	for (size_t i = 0; i < c->n_others; i++)
		SSL_CTX_free(c->others[i]);
	if (!c->server)
		SSL_CTX_free(c->ssl);
	free(c->others);
	map_free(&c->names);
	arena_free(&c->arena);
	free(c);
}

/* ---- server --------------------------------------------------------------------------------- */

void tls_fold_name(char out[static TLS_NAME_SIZE], const char *name)
{
	size_t n = 0;

	for (; n < TLS_NAME_SIZE - 1 && name[n]; n++)
		out[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] | 0x20 : name[n]);
	out[n] = '\0';
}

SSL_CTX *tls_ctx_find(const struct tls_ctx *c, const char *name)
{
	struct str host = str_from(name);
	char wild[TLS_NAME_SIZE + 1];
	SSL_CTX *s = map_get(&c->names, host);
	ptrdiff_t dot = str_find(host, '.');

	if (s || dot < 0 || (size_t)snprintf(wild, sizeof(wild), "*%s", name + dot) >= sizeof(wild))
		return s;
	return map_get(&c->names, str_from(wild));
}

/* Every connection starts on the first certificate's context and moves to the one of its name. */
static int choose_by_name(SSL *ssl, int *alert, void *arg)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char lower[TLS_NAME_SIZE];

	(void)alert;
	if (!name)
		return SSL_TLSEXT_ERR_OK;
	tls_fold_name(lower, name);
	SSL_CTX *s = tls_ctx_find(arg, lower);
	if (s)
		SSL_set_SSL_CTX(ssl, s);
	return SSL_TLSEXT_ERR_OK;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *len,
			   const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	/* Who offers nothing that we speak is refused (RFC 7301, section 3.2). */
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, len, ours, sizeof(ours) - 1,
				     in, in_len) == OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int load_chain(SSL_CTX *s, const char *file, struct rn_error *err)
{
	if (SSL_CTX_use_certificate_chain_file(s, file) != 1)
		return tls_fail(err, RN_ECONFIG, "%s: no certificate can be read", file);
	return 0;
}

static int load_key(SSL_CTX *s, const char *file, struct rn_error *err)
{
	EVP_PKEY *key = NULL;
	struct buf pem;
	int r;

	buf_init(&pem, FILE_MAX);
	r = file_read_secret(file, &pem, err);
	if (r < 0)
		goto out;
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	if (!key)
		r = tls_fail(err, RN_ECONFIG, "%s: no private key can be read", file);
	else if (SSL_CTX_use_PrivateKey(s, key) != 1)
		r = tls_fail(err, RN_ECONFIG, "%s: not the key of the certificate", file);
out:
	EVP_PKEY_free(key);
	if (pem.ptr)
		secret_wipe(pem.ptr, pem.cap);
	buf_free(&pem);
	return r;
}

/* All contexts share one set of ticket keys, and keep the set of the context they replace. */
static void share_tickets(SSL_CTX *to, SSL_CTX *from)
{
	unsigned char keys[80];

	if (from && SSL_CTX_get_tlsext_ticket_keys(from, keys, sizeof(keys)) == 1)
		SSL_CTX_set_tlsext_ticket_keys(to, keys, sizeof(keys));
	secret_wipe(keys, sizeof(keys));
}

static int add_names(struct tls_ctx *c, const struct tls_cert *cert, SSL_CTX *s,
		     struct rn_error *err)
{
	for (size_t i = 0; i < cert->n_hosts; i++) {
		struct str name = arena_str(&c->arena, cert->hosts[i]);

		if (name.ptr && map_get(&c->names, name))
			continue;
		if (!name.ptr || !map_set(&c->names, name, s))
			return rn_fail(err, RN_EOS, "out of memory for server names");
	}
	return 0;
}

static int add_cert(struct tls_ctx *c, const struct tls_cert *cert, struct rn_error *err)
{
	SSL_CTX *s = new_ssl(true);
	int r;

	if (!s)
		return tls_fail(err, RN_EOS, "cannot make a TLS context");
	c->others[c->n_others++] = s;
	SSL_CTX_set_alpn_select_cb(s, choose_protocol, NULL);
	SSL_CTX_set_tlsext_servername_callback(s, choose_by_name);
	SSL_CTX_set_tlsext_servername_arg(s, c);
	SSL_CTX_set_session_id_context(s, (const unsigned char *)"rn", 2);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF); /* tickets only */
	SSL_CTX_set_num_tickets(s, 1);
	share_tickets(s, c->ssl);
	r = load_chain(s, cert->cert_file, err);
	if (r == 0)
		r = load_key(s, cert->key_file, err);
	return r == 0 ? add_names(c, cert, s, err) : r;
}

struct tls_ctx *tls_server_new(const struct tls_cert *certs, size_t n, struct tls_ctx *previous,
			       struct rn_error *err)
{
	struct tls_ctx *c;

	if (n == 0) {
		rn_fail(err, RN_ECONFIG, "a TLS server needs a certificate");
		return NULL;
	}
	c = new_ctx(true, err);
	if (!c)
		return NULL;
	c->others = calloc(n, sizeof(SSL_CTX *));
	if (!c->others) {
		rn_fail(err, RN_EOS, "out of memory for certificates");
		goto fail;
	}
	c->ssl = previous ? previous->ssl : NULL;
	for (size_t i = 0; i < n; i++) {
		if (add_cert(c, &certs[i], err) < 0)
			goto fail;
		c->ssl = c->others[0];
	}
	return c;
fail:
	tls_ctx_unref(c);
	return NULL;
}

/* ---- client --------------------------------------------------------------------------------- */

int tls_store_add(X509_STORE *store, struct str pem, struct rn_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	unsigned n = 0;
	X509 *x;

	for (; bio && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)); n++) {
		X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	BIO_free(bio);
	/* The end of the text is told as a missing start line; another error is a broken
	 * certificate. */
	if (n == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return tls_fail(err, RN_EDATA, "a CA certificate cannot be read");
	ERR_clear_error();
	return 0;
}

struct tls_ctx *tls_client_new(const struct tls_client_opts *o, struct rn_error *err)
{
	struct tls_ctx *c = new_ctx(false, err);

	if (!c)
		return NULL;
	c->ssl = new_ssl(false);
	if (!c->ssl) {
		tls_fail(err, RN_EOS, "cannot make a TLS context");
		goto fail;
	}
	c->verify = !o->no_verify;
	SSL_CTX_set_verify(c->ssl, c->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	if (c->verify && o->ca_pem.len > 0) {
		if (tls_store_add(SSL_CTX_get_cert_store(c->ssl), o->ca_pem, err) < 0)
			goto fail;
	} else if (c->verify && SSL_CTX_set_default_verify_paths(c->ssl) != 1) {
		tls_fail(err, RN_EOS, "the system's CA certificates cannot be read");
		goto fail;
	}
	return c;
fail:
	tls_ctx_unref(c);
	return NULL;
}
