/* SPDX-License-Identifier: MIT
 *
 * The relay process of up --via.
 */
#ifndef RN_WG_CMD_VIA_H
#define RN_WG_CMD_VIA_H

#include "rn-wg.h"

struct relay_child {
	pid_t pid;         /* 0: none */
	struct addr local; /* its UDP port on loopback */
};

/* Starts rn-relay towards o->via; it ends with us, or by relay_end. Call before privileges are dropped. */
int relay_start_for(struct cli *c, const struct up_options *o, struct relay_child *r,
		    struct rn_error *err) must_check;
void relay_end(struct relay_child *r);

#endif
