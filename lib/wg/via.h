/* SPDX-License-Identifier: MIT
 *
 * Another way to peers whose UDP is blocked: a UDP port on loopback from which datagrams reach the gateway
 * somehow else (rn-relay dial). A peer is moved to it when its handshakes get no answer, and moved back when
 * one that was sent to its own endpoint gets one: until then a session by the other way goes on.
 */
#ifndef RN_WG_VIA_H
#define RN_WG_VIA_H

#include "wg/engine.h"

struct via;

struct via_conf {
	struct addr local;     /* the port */
	unsigned after_s;      /* without an answer: the other way is tried */
	unsigned retry_s;      /* how often the peer's own endpoint is tried again */
};

/* Looks after the peers of E that have a configured endpoint. RN_EUSAGE: the engine cannot do that. */
struct via *via_new(struct loop *l, struct engine *e, const struct via_conf *conf,
		    struct rn_error *err) must_check;
void via_free(struct via *v); /* NULL is fine */

#endif
