/* SPDX-License-Identifier: MIT
 *
 * lib/tls: TLS 1.2 and 1.3 over non-blocking sockets (OpenSSL 3), server and client.
 *
 *   tls.h   contexts and connections
 *   x509.h  keys, certificates, signing requests, a small CA
 *
 * A context is immutable once made, counted by reference and may be shared by threads: swap in a
 * new one on reload and drop the old; its connections go on. A connection belongs to one thread.
 */
#ifndef RN_TLS_H
#define RN_TLS_H

#include "base/base.h"

/* ---- contexts ------------------------------------------------------------------------------- */

struct tls_ctx;

/* A certificate and the server names it is given for. */
struct tls_cert {
	const struct str *hosts; /* "app.example.com", "*.example.com"; none: only as default */
	size_t n_hosts;
	const char *cert_file; /* PEM: the certificate, then its chain */
	const char *key_file;  /* PEM; refused (RN_EPERM) if group or others can read it */
};
/* Which certificate a connection gets: the exact name's, else the wildcard's, else the first one
 * (also without SNI); the first that names a host wins. Key and certificate must match. RN_ECONFIG
 * names the bad file. Sessions are resumed by tickets; PREVIOUS (may be NULL) hands its ticket keys
 * over, so that a reload keeps sessions. ALPN: http/1.1. */
struct tls_ctx *tls_server_new(const struct tls_cert *certs, size_t n, struct tls_ctx *previous,
			       struct rn_error *err) must_check;

struct tls_client_opts {
	struct str ca_pem; /* trust only these CAs; empty: the system's */
	bool no_verify;	   /* take any certificate: only to fetch what is verified by other means */
};
/* Verifies the chain and the name by default. */
struct tls_ctx *tls_client_new(const struct tls_client_opts *o, struct rn_error *err) must_check;

struct tls_ctx *tls_ctx_ref(struct tls_ctx *c);
void tls_ctx_unref(struct tls_ctx *c); /* NULL is fine */

/* ---- connections ---------------------------------------------------------------------------- */

enum tls_result {
	TLS_OK,
	TLS_WANT_READ,	/* wait for EPOLLIN, then call the same again */
	TLS_WANT_WRITE, /* wait for EPOLLOUT, then call the same again */
	TLS_EOF,	/* the peer ended properly (close_notify) */
	TLS_FAILED, /* err is filled: RN_EPROTO, RN_EPERM (certificate refused), RN_EIO; free it */
};

struct tls_conn;
/* Over the connected non-blocking FD, which stays the caller's: it must live until tls_free. NULL
 * when out of memory. NAME (client): server name to ask for and to verify; an IP address is
 * verified as one. */
struct tls_conn *tls_accept_new(struct tls_ctx *c, int fd) must_check;
struct tls_conn *tls_connect_new(struct tls_ctx *c, int fd, const char *name) must_check;
void tls_free(struct tls_conn *t); /* NULL is fine; wipes */

/* TLS_OK: done (further calls do nothing). read and write do it too if it was not done. */
enum tls_result tls_handshake(struct tls_conn *t, struct rn_error *err);
/* Up to CAP bytes; *n is set with TLS_OK (> 0). An end without close_notify is TLS_FAILED. */
enum tls_result tls_read(struct tls_conn *t, void *out, size_t cap, size_t *n,
			 struct rn_error *err);
/* *n of the bytes were taken (> 0 with TLS_OK; maybe not all). After WANT the rest may be passed
 * from a moved buffer. */
enum tls_result tls_write(struct tls_conn *t, struct str bytes, size_t *n, struct rn_error *err);
/* Sends close_notify; TLS_OK once it is out (does not wait for the peer's). */
enum tls_result tls_shutdown(struct tls_conn *t);
/* Decrypted bytes that wait inside: epoll does not tell of them, so read until WANT_READ. */
size_t tls_pending(const struct tls_conn *t);

/* After the handshake. Server: the name asked for, lower case, "" if none; stays as long as T. */
const char *tls_sni(struct tls_conn *t);
const char *tls_version(const struct tls_conn *t); /* "TLSv1.3" */
bool tls_resumed(const struct tls_conn *t);

#endif
