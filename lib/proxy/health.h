/* SPDX-License-Identifier: MIT
 *
 * Active health checks, in the side thread: a TCP connect, or a GET that has to be answered with a
 * status from 200 to 399. RISE good ones in a row bring a target back, FALL bad ones take it out.
 */
#ifndef RN_PROXY_HEALTH_H
#define RN_PROXY_HEALTH_H

#include "proxy/snapshot.h"

struct checks;
/* CONNECT gives a connecting socket for a target in a tunnel (t->via), or a negative rn_err. */
typedef int check_connect_fn(void *ctx, const struct target *t, struct rn_error *err);

struct checks *checks_new(struct loop *l, check_connect_fn *connect, void *ctx);
void checks_free(struct checks *c);
/* From now on check the targets of SNAP that ask for it; what is known of those that stay is kept.
 */
void checks_config(struct checks *c, struct snapshot *snap);

#endif
