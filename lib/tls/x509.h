/* SPDX-License-Identifier: MIT
 *
 * Keys, certificates and signing requests (RFC 5280, RFC 2986): what joining a network and a
 * console's own CA need. All text is PEM; buffers that get keys should be wiped by their owner.
 * Keys are P-256, signatures ECDSA with SHA-256.
 */
#ifndef RN_X509_H
#define RN_X509_H

#include "base/base.h"

struct x509_key; /* private key; wiped when freed */

struct x509_key *x509_key_new(struct rn_error *err) must_check;
/* Any private key that OpenSSL reads; RN_EDATA otherwise. */
struct x509_key *x509_key_parse(struct str pem, struct rn_error *err) must_check;
void x509_key_free(struct x509_key *k);
/* Adds PKCS #8 PEM to B. */
int x509_key_write(const struct x509_key *k, struct buf *b, struct rn_error *err) must_check;

/* A self-signed CA certificate called NAME, good for DAYS from now (and an hour back, for clocks
 * that are late); path length 0. Adds PEM to B. */
int x509_ca_make(const struct x509_key *k, const char *name, unsigned days, struct buf *b,
		 struct rn_error *err) must_check;

/* A signing request for HOSTS: names, wildcards or IP addresses. */
int x509_csr_make(const struct x509_key *k, const struct str *hosts, size_t n, struct buf *b,
		  struct rn_error *err) must_check;

/* What goes into a server certificate is the CA's decision: nothing is copied from the request but
 * the public key, after its own signature proved that the asker holds the private one. */
struct x509_sign {
	struct str ca_cert; /* PEM */
	const struct x509_key *ca_key;
	struct str csr;		 /* PEM */
	const struct str *hosts; /* subjectAltName: DNS names, "*.name", IPv4 and IPv6 addresses */
	size_t n_hosts;
	unsigned days;
};
/* Adds the certificate's PEM to B. RN_EDATA: the request is malformed, wrongly signed, or its key
 * is too weak (RSA under 2048 bits); a host is not one. */
int x509_sign_server(const struct x509_sign *s, struct buf *b, struct rn_error *err) must_check;

/* The first certificate of PEM as DER, and the reverse. */
int x509_pem_to_der(struct str pem, struct buf *der, struct rn_error *err) must_check;
int x509_der_to_pem(struct str der, struct buf *pem, struct rn_error *err) must_check;

struct x509_info {
	int64_t not_before_at, not_after_at; /* Unix seconds */
	bool is_ca;
	char subject[256]; /* common name, "" if none */
	char sha256[65];   /* of the DER, hex */
};
/* About the first certificate of PEM. */
int x509_read(struct str pem, struct x509_info *info, struct rn_error *err) must_check;
/* 0 if the certificate is good for HOST now and signed by CA (both PEM); RN_ENO and why otherwise.
 */
int x509_verify(struct str cert, struct str ca, const char *host, struct rn_error *err) must_check;
/* Whether KEY is the certificate's. */
bool x509_key_matches(const struct x509_key *k, struct str cert_pem);

#endif
