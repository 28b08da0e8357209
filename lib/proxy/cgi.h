/* SPDX-License-Identifier: MIT
 *
 * CGI/1.1 targets (RFC 3875). The proxy never executes anything itself: a small process that was
 * forked before any thread or visitor existed does, on request, with a clean environment. A
 * program's stdin and stdout are one socket, which the proxy treats like a connection to a target.
 */
#ifndef RN_PROXY_CGI_H
#define RN_PROXY_CGI_H

#include "proxy/worker.h"

#define CGI_ENV_MAX (64U << 10) /* of a run's variables */
#define CGI_RUNS_MAX 64		/* at a time */

/* A request to the helper, one datagram, with the program's socket beside it: this, then the path,
 * then the variables, each with its NUL. */
struct cgi_request {
	uint32_t path_len; /* with its NUL */
	uint32_t env_len;
	uint32_t limit_ms;
};

/* Starts the txn's target; the connection is its own from now on. NULL and err: cannot. */
struct up *cgi_up(struct txn *t, struct rn_error *err) must_check;
/* The helper's life: serves the COUNT sockets until all have ended. */
_Noreturn void cgi_helper_main(const int *sockets, unsigned count);

#endif
