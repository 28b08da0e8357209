/* SPDX-License-Identifier: MIT
 *
 * A running tunnel, whatever carries its packets: our own engine on a TUN device (carrier.h), or the
 * kernel's WireGuard (kernel.h). What is wanted of it comes as a struct wg_config, whoever said it;
 * what it is comes out as records. The control socket and rn-wg know a tunnel by this header only.
 */
#ifndef RN_WG_ENGINE_H
#define RN_WG_ENGINE_H

#include "wg/config.h"
#include "wg/inside.h"

struct engine;

/* Carries out C by the smallest difference: what is as wanted is not touched, so sessions go on, and
 * an endpoint that roamed stays unless its configured text changed. The port is bound first; when
 * that fails nothing was changed. Endpoints that are names are resolved in the background, now and
 * again when handshakes with them fail. */
int engine_apply(struct engine *e, const struct wg_config *c, struct rn_error *err) must_check;

/* Adds a plan record for each step that bringing NAME up with C would take. */
void engine_plan(const struct wg_config *c, const char *name, enum inside_mode mode, const char *engine,
		 struct buf *out);

/* Adds an interface record and a peer record for each peer, with their live state; in DETAIL also
 * what tells how far handshakes come, and a stat record for each counter that is not 0 (as far as the
 * engine knows such things). */
int engine_show(struct engine *e, bool detail, struct buf *out, struct rn_error *err) must_check;
/* tunnel=NAME pid=… address=… mode=…: the answer to hello. */
int engine_hello(struct engine *e, struct buf *out, struct rn_error *err) must_check;

/* Begins a handshake with a peer, unless one is under way. RN_ENO: there is no such peer, or this engine
 * cannot be told. */
int engine_probe(struct engine *e, const uint8_t key[static WG_KEY_LEN], struct rn_error *err) must_check;

/* Where sockets inside the tunnel are made. */
struct inside *engine_inside(struct engine *e);
/* The I-th own address, with host bits and prefix length; false behind the last. */
bool engine_address(const struct engine *e, size_t i, struct cidr *address);

/* Why this engine runs and not a better one; WHY must stay as long as E. */
void engine_set_why(struct engine *e, const char *why);
/* Why the device stopped the loop (it was removed, or the process inside died); code 0: it did not. */
const struct rn_error *engine_failure(const struct engine *e);

/* Device, addresses, routes and sockets go. NULL is fine. */
void engine_free(struct engine *e);

#endif
