/* SPDX-License-Identifier: MIT
 *
 * What the files of lib/tls share. Private to this folder.
 */
#ifndef RN_TLS_CTX_H
#define RN_TLS_CTX_H

#include "tls/tls.h"

#include <openssl/ssl.h>

struct tls_ctx {
	_Atomic unsigned refs;
	bool server;
	bool verify;	  /* client: chain and name */
	SSL_CTX *ssl;	  /* server: the first certificate's, with which every connection starts */
	SSL_CTX **others; /* server: one a certificate, ssl among them */
	size_t n_others;
	struct map names; /* exact name or "*.name" -> SSL_CTX; keys in the arena */
	struct arena arena;
};

#define TLS_NAME_SIZE 256
/* A server name as the client wrote it, in lower case; cut if longer than a name can be. */
void tls_fold_name(char out[static TLS_NAME_SIZE], const char *name);
/* CODE, and what OpenSSL's error queue says first behind the text; empties the queue. */
int tls_fail(struct rn_error *err, enum rn_err code, const char *fmt, ...) printf_like(3, 4);
/* The context for a server name in lower case, or NULL. */
SSL_CTX *tls_ctx_find(const struct tls_ctx *c, const char *name);
/* Trusts the certificates of PEM. 0, or RN_EDATA if there is none or one is malformed. */
int tls_store_add(X509_STORE *store, struct str pem, struct rn_error *err);

#endif
