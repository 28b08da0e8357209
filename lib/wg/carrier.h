/* SPDX-License-Identifier: MIT
 *
 * The user engine: the protocol of wg.h between a TUN device (inside.h) and UDP sockets (udp.h), in
 * one thread's event loop.
 */
#ifndef RN_WG_CARRIER_H
#define RN_WG_CARRIER_H

#include "wg/engine.h"

/* Makes namespace and TUN device NAME. Nothing is bound and nothing flows before the first
 * engine_apply. Forks: call before any thread is made, and before privileges are dropped. */
struct engine *carrier_new(struct loop *l, enum inside_mode mode, const char *name,
			   struct rn_error *err) must_check;

/* The protocol's state, for UAPI. */
struct wg_device *carrier_device(struct engine *e);

#endif
