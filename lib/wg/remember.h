/* SPDX-License-Identifier: MIT
 *
 * Where peers were last heard, kept in a file beside the control socket, so that a tunnel which was
 * killed or started anew speaks to them at once. A gateway's peers are behind NAT and have no
 * configured endpoint: without this it could only wait until each finds out by itself that its
 * session is gone. A hint and no more: nothing is believed before the handshake.
 *
 *     peer=KEY endpoint=ADDRESS:PORT      one line a peer
 */
#ifndef RN_WG_REMEMBER_H
#define RN_WG_REMEMBER_H

#include "wg/engine.h"

struct remember;

/* Gives E the endpoints that PATH holds for peers that it has and that have none, and begins
 * handshakes with them; a missing or damaged file is no error. From then on PATH follows E, at most
 * every few seconds. NULL: out of memory. */
struct remember *remember_new(struct loop *l, struct engine *e, const char *path) must_check;
/* Writes a last time. NULL is fine. */
void remember_free(struct remember *r);

#endif
