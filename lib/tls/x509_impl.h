/* SPDX-License-Identifier: MIT
 *
 * What x509.c and ca.c share. Private to this folder.
 */
#ifndef RN_X509_IMPL_H
#define RN_X509_IMPL_H

#include "tls/ctx.h"
#include "tls/x509.h"

#include <openssl/err.h>

struct x509_key {
	EVP_PKEY *pkey;
};

/* The first certificate, or NULL with err filled (RN_EDATA). */
X509 *x509_from_pem(struct str pem, struct rn_error *err);
int x509_to_pem(X509 *x, struct buf *b, struct rn_error *err);
/* Takes what was written to the memory BIO into B if OK; frees BIO (may be NULL). */
int pem_out(BIO *bio, bool ok, struct buf *b, struct rn_error *err);

#endif
