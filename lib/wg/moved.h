/* SPDX-License-Identifier: MIT
 *
 * Noticing that this machine has moved: another address, another route, a link that came back. The
 * kernel tells it over netlink; a NAT in between and the other ends of tunnels learn it only from us.
 */
#ifndef RN_WG_MOVED_H
#define RN_WG_MOVED_H

#include "net/net.h"

struct moved {
	struct watch watch; /* fd -1: nothing is noticed, which only costs time */
	struct timer settle;
	struct loop *loop; /* NULL: not started */
	uint64_t told_ms;
	bool waiting;
	void (*fn)(void *ctx);
	void *ctx;
};

/* Calls FN a moment after the last of several changes, and while they go on at most every second. */
void moved_start(struct moved *m, struct loop *l, void (*fn)(void *ctx), void *ctx);
void moved_stop(struct moved *m); /* fine without a start, if M is zeroed */

#endif
