/* SPDX-License-Identifier: MIT
 *
 * Looking up a host name without stopping the event loop: a short-lived child process asks the
 * system's resolver (which may block for many seconds) and hands the address back through a pipe.
 */
#ifndef RN_WG_RESOLVE_H
#define RN_WG_RESOLVE_H

#include "net/net.h"

struct resolve;
/* A is NULL when the name did not resolve. Runs once; the struct resolve is gone then. */
typedef void resolve_fn(void *ctx, const struct addr *a);

/* Looks "host:port" up. */
struct resolve *resolve_start(struct loop *l, const char *text, resolve_fn *fn, void *ctx,
			      struct rn_error *err) must_check;
/* Without calling back. */
void resolve_cancel(struct resolve *r);

#endif
