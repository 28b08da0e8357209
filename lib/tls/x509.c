/* SPDX-License-Identifier: MIT
 *
 * Keys and the PEM and DER of certificates; reading and checking them.
 */
#include "tls/x509_impl.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* ---- PEM in and out ------------------------------------------------------------------------- */

int pem_out(BIO *bio, bool ok, struct buf *b, struct rn_error *err)
{
	char *text;
	long len = bio ? BIO_get_mem_data(bio, &text) : 0;

	if (!ok || len <= 0) {
		BIO_free(bio);
		return tls_fail(err, RN_EOS, "cannot write PEM");
	}
	buf_add(b, str_make(text, (size_t)len));
	secret_wipe(text, (size_t)len);
	BIO_free(bio);
	return b->failed ? rn_fail(err, RN_EOS, "no room for PEM") : 0;
}

X509 *x509_from_pem(struct str pem, struct rn_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	if (!x)
		tls_fail(err, RN_EDATA, "not a certificate in PEM");
	return x;
}

int x509_to_pem(X509 *x, struct buf *b, struct rn_error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return pem_out(bio, bio && PEM_write_bio_X509(bio, x), b, err);
}

int x509_pem_to_der(struct str pem, struct buf *der, struct rn_error *err)
{
	X509 *x = x509_from_pem(pem, err);

	if (!x)
		return err->code;
	unsigned char *bytes = NULL;
	int len = i2d_X509(x, &bytes);
	X509_free(x);
	if (len < 0)
		return tls_fail(err, RN_EOS, "cannot write DER");
	buf_add(der, str_make(bytes, (size_t)len));
	OPENSSL_free(bytes);
	return der->failed ? rn_fail(err, RN_EOS, "no room for a certificate") : 0;
}

int x509_der_to_pem(struct str der, struct buf *pem, struct rn_error *err)
{
	const unsigned char *p = (const unsigned char *)der.ptr;
	X509 *x = d2i_X509(NULL, &p, (long)der.len);
	int r;

	if (!x || (const char *)p != der.ptr + der.len)
		r = tls_fail(err, RN_EDATA, "not a certificate in DER");
	else
		r = x509_to_pem(x, pem, err);
	X509_free(x);
	return r;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static struct x509_key *wrap_key(EVP_PKEY *pkey, struct rn_error *err, enum rn_err code,
				 const char *text)
{
	struct x509_key *k = pkey ? calloc(1, sizeof(*k)) : NULL;

	if (!k) {
		EVP_PKEY_free(pkey);
		tls_fail(err, code, "%s", text);
		return NULL;
	}
	k->pkey = pkey;
	return k;
}

struct x509_key *x509_key_new(struct rn_error *err)
{
	return wrap_key(EVP_EC_gen("P-256"), err, RN_EOS, "cannot make a key");
}

struct x509_key *x509_key_parse(struct str pem, struct rn_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return wrap_key(pkey, err, RN_EDATA, "not a private key in PEM");
}

void x509_key_free(struct x509_key *k)
{
	if (k)
		EVP_PKEY_free(k->pkey); /* clears the private part */
	free(k);
}

int x509_key_write(const struct x509_key *k, struct buf *b, struct rn_error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());

	return pem_out(
		bio, bio && PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL),
		b, err);
}

bool x509_key_matches(const struct x509_key *k, struct str cert_pem)
{
	struct rn_error err;
	X509 *x = x509_from_pem(cert_pem, &err);
	bool ok = x && EVP_PKEY_eq(X509_get0_pubkey(x), k->pkey) == 1;

	X509_free(x);
	return ok;
}

/* ---- reading and checking ------------------------------------------------------------------- */

static int64_t unix_time(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

int x509_read(struct str pem, struct x509_info *info, struct rn_error *err)
{
	unsigned char digest[32];
	X509 *x = x509_from_pem(pem, err);

	if (!x)
		return err->code;
	memset(info, 0, sizeof(*info));
	info->not_before_at = unix_time(X509_get0_notBefore(x));
	info->not_after_at = unix_time(X509_get0_notAfter(x));
	info->is_ca = X509_check_ca(x) == 1;
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, info->subject,
				  sizeof(info->subject));
	X509_digest(x, EVP_sha256(), digest, NULL);
	hex_encode(info->sha256, digest, sizeof(digest));
	X509_free(x);
	return 0;
}

static bool set_host(X509_VERIFY_PARAM *p, const char *host)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(p, host) == 1)
		return true;
	ERR_clear_error();
	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(p, host, 0) == 1;
}

static int verify(X509_STORE_CTX *ctx, X509_STORE *store, X509 *x, const char *host,
		  struct rn_error *err)
{
	if (X509_STORE_CTX_init(ctx, store, x, NULL) != 1 ||
	    !set_host(X509_STORE_CTX_get0_param(ctx), host))
		return tls_fail(err, RN_EOS, "cannot check a certificate");
	if (X509_verify_cert(ctx) == 1)
		return 0;
	ERR_clear_error();
	return rn_fail(err, RN_ENO, "the certificate is not good for %s: %s", host,
		       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

int x509_verify(struct str cert, struct str ca, const char *host, struct rn_error *err)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *x = x509_from_pem(cert, err);
	int r;

	if (!x)
		r = err->code;
	else if (!store || !ctx)
		r = tls_fail(err, RN_EOS, "out of memory");
	else
		r = tls_store_add(store, ca, err);
	if (r == 0)
		r = verify(ctx, store, x, host, err);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(x);
	return r;
}
