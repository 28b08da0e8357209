/* SPDX-License-Identifier: MIT
 *
 * The window of counters that may still come (paper 5.4.6; the ring of words is RFC 6479). It spans
 * 8192 bits, of which 8128 behind the newest are usable, as in the kernel. Those are 1 KiB, and most
 * sessions of a large device carry a few packets: so a window begins with two words inside the
 * session, exact for counters 0 to 127, and gets the large ring from a pool at counter 128. If there
 * is no memory the small ring goes on as a window of 64.
 */
#ifndef RN_WG_REPLAY_H
#define RN_WG_REPLAY_H

#include "wg/pool.h"

#define WG_REPLAY_BITS 8192U
#define WG_REPLAY_SMALL_BITS 128U

struct wg_replay {
	uint64_t newest;   /* greatest counter seen (0 before the first) */
	uint64_t *ring;    /* WG_REPLAY_BITS of them from the pool, or NULL: SMALL */
	uint64_t small[WG_REPLAY_SMALL_BITS / 64];
};

/* Would COUNTER be taken? For a look before the costly decryption; proves nothing by itself. */
bool wg_replay_ok(const struct wg_replay *r, uint64_t counter);
/* Takes COUNTER, which has authenticated; false if it was seen before or is behind the window. POOL
 * gives elements of WG_REPLAY_BITS / 8 bytes. */
bool wg_replay_take(struct wg_replay *r, uint64_t counter, struct wg_pool *pool);
/* Gives the ring back. */
void wg_replay_clear(struct wg_replay *r, struct wg_pool *pool);

#endif
