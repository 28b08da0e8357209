/* SPDX-License-Identifier: MIT
 *
 * A running tunnel: the engine of wg.h between a TUN device (inside.h) and UDP sockets (udp.h), in
 * one thread's event loop. What is wanted of it comes as a struct wg_config, whoever said it.
 */
#ifndef RN_WG_CARRIER_H
#define RN_WG_CARRIER_H

#include "wg/config.h"
#include "wg/inside.h"

struct carrier;

/* Makes namespace and TUN device NAME. Nothing is bound and nothing flows before the first
 * carrier_apply. Forks: call before any thread is made, and before privileges are dropped. */
struct carrier *carrier_new(struct loop *l, enum inside_mode mode, const char *name,
			    struct rn_error *err) must_check;
void carrier_free(struct carrier *d);

/* Carries out C by the smallest difference: what is as wanted is not touched, so sessions go on, and
 * an endpoint that roamed stays unless its configured text changed. The port is bound first; when
 * that fails nothing was changed. Endpoints that are names are resolved in the background, now and
 * again when handshakes with them fail. */
int carrier_apply(struct carrier *d, const struct wg_config *c, struct rn_error *err) must_check;

struct wg_device *carrier_engine(struct carrier *d);
struct inside *carrier_inside(struct carrier *d);
/* The I-th own address, with host bits and prefix length; false behind the last. */
bool carrier_address(const struct carrier *d, size_t i, struct cidr *address);

/* Why the device stopped the loop (it was removed, or the process inside died); code 0: it did not. */
const struct rn_error *carrier_failure(const struct carrier *d);

/* Adds an interface record and a peer record for each peer, with their live state. */
void carrier_show(const struct carrier *d, struct buf *out);
/* tunnel=NAME pid=… address=… mode=…: the answer to hello. */
void carrier_hello(const struct carrier *d, struct buf *out);

#endif
