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

/* The engine netstack: the same with a network stack in the process (stack.h) in place of namespace and
 * device, so it needs no privilege at all. Its listeners are unix sockets in RUN_DIR. One a process. */
struct engine *carrier_new_stack(struct loop *l, const char *run_dir, const char *name,
				 struct rn_error *err) must_check;

/* The protocol's state, for UAPI. */
struct wg_device *carrier_device(struct engine *e);

#endif
