/* SPDX-License-Identifier: MIT
 *
 * Ranges of addresses that two networks both claim. A tunnel on the host whose ranges are already
 * somebody else's would take traffic away from it, or get none; so it is refused before anything is
 * changed. In a namespace of its own a tunnel can claim what it likes.
 */
#ifndef RN_WG_OVERLAP_H
#define RN_WG_OVERLAP_H

#include "wg/config.h"

#include <net/if.h>

/* A range that this machine has: an address's prefix, or a route of the main table. */
struct overlap_range {
	struct cidr prefix;
	char device[IFNAMSIZ];
	bool own; /* an address of the device, not a route */
};
typedef VEC(struct overlap_range) overlap_ranges;

/* Adds what this network namespace has, without default routes, link-local and multicast ranges. */
int overlap_read(overlap_ranges *out, struct rn_error *err) must_check;

/* "10.1.0.7/24" becomes "10.1.0.0/24". */
void overlap_clear_host_bits(struct cidr *c);

/* Whether the ranges of C, for the device NAME, are free: RN_ECONFIG names the first that is not, or a
 * peer's endpoint that would be routed into the tunnel itself. HOST is from overlap_read; ranges of
 * NAME are not looked at. */
int overlap_check(const struct wg_config *c, const char *name, const overlap_ranges *host,
		  struct rn_error *err) must_check;

/* Two devices of HOST, in *A and *B, whose own addresses' prefixes overlap; false if there are none. */
bool overlap_between(const overlap_ranges *host, const struct overlap_range **a,
		     const struct overlap_range **b);

#endif
