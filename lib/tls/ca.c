/* SPDX-License-Identifier: MIT
 *
 * Making certificates: a CA's own, signing requests, server certificates (RFC 5280, RFC 2986).
 */
#include "tls/x509_impl.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define SLACK_S 3600 /* certificates are good from an hour ago, for clocks that are late */
#define HOSTS_MAX 200

/* ---- subject alternative names -------------------------------------------------------------- */

/* "*.a.b", "a.b" or "host": letters, digits, "-", "_" and dots; not starting or ending with a dot.
 */
static bool is_dns_name(struct str s)
{
	if (str_starts(s, STR("*.")))
		s = str_from_at(s, 2);
	if (s.len == 0 || s.len > 253 || s.ptr[0] == '.' || s.ptr[s.len - 1] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}

/* IP addresses as such, all else as DNS names. NULL if HOST is neither. */
static GENERAL_NAME *general_name(struct str host)
{
	char text[256];
	unsigned char ip[16];

	if (!str_copy(text, sizeof(text), host))
		return NULL;
	size_t ip_len = inet_pton(AF_INET, text, ip) == 1    ? 4
			: inet_pton(AF_INET6, text, ip) == 1 ? 16
							     : 0;
	if (!ip_len && !is_dns_name(host))
		return NULL;
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = ip_len ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (!name || !value ||
	    ASN1_STRING_set(value, ip_len ? (void *)ip : text, (int)(ip_len ? ip_len : host.len)) !=
		    1) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(name);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, ip_len ? GEN_IPADD : GEN_DNS, value);
	return name;
}

static GENERAL_NAMES *general_names(const struct str *hosts, size_t n, struct rn_error *err)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	if (n == 0 || n > HOSTS_MAX) {
		rn_fail(err, RN_EDATA, "a certificate is for 1 to %d hosts, not %zu", HOSTS_MAX, n);
		goto fail;
	}
	for (size_t i = 0; names && i < n; i++) {
		GENERAL_NAME *name = general_name(hosts[i]);

		if (!name || !sk_GENERAL_NAME_push(names, name)) {
			GENERAL_NAME_free(name);
			rn_fail(err, RN_EDATA, "%.*s: not a host name or address",
				STR_ARG(hosts[i]));
			goto fail;
		}
	}
	if (names)
		return names;
	rn_fail(err, RN_EOS, "out of memory for host names");
fail:
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return NULL;
}

/* ---- requests ------------------------------------------------------------------------------- */

static bool fill_csr(X509_REQ *req, const struct x509_key *k, GENERAL_NAMES *names)
{
	STACK_OF(X509_EXTENSION) *exts = NULL;
	bool ok = X509_REQ_set_version(req, X509_REQ_VERSION_1) &&
		  X509_REQ_set_pubkey(req, k->pkey) &&
		  X509V3_add1_i2d(&exts, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 &&
		  X509_REQ_add_extensions(req, exts) && X509_REQ_sign(req, k->pkey, EVP_sha256());

	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return ok;
}

int x509_csr_make(const struct x509_key *k, const struct str *hosts, size_t n, struct buf *b,
		  struct rn_error *err)
{
	GENERAL_NAMES *names = general_names(hosts, n, err);
	X509_REQ *req = X509_REQ_new();
	int r;

	if (!names) {
		r = err->code;
		goto out;
	}
	BIO *bio = BIO_new(BIO_s_mem());
	r = pem_out(bio, req && bio && fill_csr(req, k, names) && PEM_write_bio_X509_REQ(bio, req),
		    b, err);
out:
	X509_REQ_free(req);
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return r;
}

/* The request, once its signature showed that the asker has the key; NULL with err filled. */
static X509_REQ *read_csr(struct str pem, struct rn_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	X509_REQ *req = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = req ? X509_REQ_get0_pubkey(req) : NULL;

	BIO_free(bio);
	if (!key)
		tls_fail(err, RN_EDATA, "not a certificate signing request in PEM");
	else if (X509_REQ_verify(req, key) != 1)
		tls_fail(err, RN_EDATA, "the signing request is not signed by its own key");
	else if (EVP_PKEY_get_security_bits(key) < 112)
		rn_fail(err, RN_EDATA, "the key of the signing request is too weak");
	else
		return req;
	X509_REQ_free(req);
	return NULL;
}

/* ---- certificates --------------------------------------------------------------------------- */

static bool set_serial(X509 *x)
{
	unsigned char bytes[16];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] =
		(unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and always of full length */
	BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return ok;
}

static bool set_validity(X509 *x, unsigned days)
{
	time_t now = (time_t)clock_wall_s();

	return ASN1_TIME_set(X509_getm_notBefore(x), now - SLACK_S) &&
	       X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, &now);
}

static bool add_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static bool begin_cert(X509 *x, EVP_PKEY *public, unsigned days)
{
	return X509_set_version(x, X509_VERSION_3) && set_serial(x) && set_validity(x, days) &&
	       X509_set_pubkey(x, public);
}

static bool fill_ca(X509 *x, const struct x509_key *k, const char *name, unsigned days)
{
	X509_NAME *subject = X509_get_subject_name(x);

	return begin_cert(x, k->pkey, days) &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
					  -1, -1, 0) &&
	       X509_set_issuer_name(x, subject) &&
	       add_ext(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_ext(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_ext(x, x, NID_subject_key_identifier, "hash") &&
	       X509_sign(x, k->pkey, EVP_sha256());
}

int x509_ca_make(const struct x509_key *k, const char *name, unsigned days, struct buf *b,
		 struct rn_error *err)
{
	X509 *x = X509_new();
	int r;

	if (!x || !fill_ca(x, k, name, days))
		r = tls_fail(err, RN_EOS, "cannot make a CA certificate");
	else
		r = x509_to_pem(x, b, err);
	X509_free(x);
	return r;
}

/* The subject stays empty: names stand in subjectAltName, which is critical then (RFC
 * 5280, 4.2.1.6). */
static bool fill_server(X509 *x, X509_REQ *req, X509 *ca, const struct x509_sign *s,
			GENERAL_NAMES *names)
{
	return begin_cert(x, X509_REQ_get0_pubkey(req), s->days) &&
	       X509_set_issuer_name(x, X509_get_subject_name(ca)) &&
	       add_ext(x, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_ext(x, ca, NID_key_usage, "critical,digitalSignature") &&
	       add_ext(x, ca, NID_ext_key_usage, "serverAuth") &&
	       add_ext(x, ca, NID_subject_key_identifier, "hash") &&
	       add_ext(x, ca, NID_authority_key_identifier, "keyid") &&
	       X509_add1_ext_i2d(x, NID_subject_alt_name, names, 1, X509V3_ADD_DEFAULT) == 1 &&
	       X509_sign(x, s->ca_key->pkey, EVP_sha256());
}

int x509_sign_server(const struct x509_sign *s, struct buf *b, struct rn_error *err)
{
	GENERAL_NAMES *names = NULL;
	X509_REQ *req = NULL;
	X509 *x = X509_new(), *ca = x509_from_pem(s->ca_cert, err);
	int r;

	if (!ca || !(req = read_csr(s->csr, err)) ||
	    !(names = general_names(s->hosts, s->n_hosts, err))) {
		r = err->code;
		goto out;
	}
	if (!x || X509_check_private_key(ca, s->ca_key->pkey) != 1 ||
	    !fill_server(x, req, ca, s, names))
		r = tls_fail(err, RN_EOS, "cannot make a server certificate");
	else
		r = x509_to_pem(x, b, err);
out:
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	X509_REQ_free(req);
	X509_free(ca);
	X509_free(x);
	return r;
}
