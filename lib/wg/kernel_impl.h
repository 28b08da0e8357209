/* SPDX-License-Identifier: MIT
 *
 * Inside of the kernel engine:
 *
 *   kernel.c        beginning, end, state for records
 *   kernel_apply.c  making the device what is wanted
 *   kernel_undo.c   what it was
 *   kernel_guard.c  letting only packets for our own addresses in
 *   kernel_diff.c, kernel_read.c, kernel_write.c   the messages (kernel_msg.h)
 *   kernel_genl.c   how they travel
 */
#ifndef RN_WG_KERNEL_IMPL_H
#define RN_WG_KERNEL_IMPL_H

#include "wg/engine_impl.h"
#include "wg/kernel.h"
#include "wg/kernel_genl.h"
#include "wg/kernel_msg.h"
#include "wg/netlink.h"

struct kernel {
	struct engine base;
	struct genl *genl;     /* in the device's namespace, as the next two */
	struct netlink *route;
	struct watch links;    /* hears of the device's end */
	bool links_watched;
	struct kernel_state state; /* as seen in this turn of the loop, if SEEN */
	bool seen;
	struct timer forget;   /* ends the turn: what was seen has keys in it */
	uint32_t ifindex;
	bool guarded;
	VEC(struct cidr) passes; /* by slot of netlink_guard_pass; family 0: free */
};

static inline struct kernel *kernel_of(struct engine *e)
{
	return container_of(e, struct kernel, base);
}

/* kernel.c: looks at the device, unless it was looked at in this turn and not touched since. */
int kernel_look(struct kernel *k, struct rn_error *err) must_check;
/* kernel.c: what was seen does not hold any more. */
void kernel_unsee(struct kernel *k);
/* kernel_apply.c */
int kernel_apply(struct engine *e, const struct wg_config *c, struct rn_error *err) must_check;
/* kernel_undo.c: fills UNDO with what brings back all that C changes, of the device as it was looked at. */
int kernel_remember(const struct kernel *k, const struct wg_config *c, struct wg_config *undo,
		    struct rn_error *err) must_check;
/* Says DELTA to the device; what was seen of it does not hold any more, but for what DELTA says. */
int kernel_say(struct kernel *k, const struct wg_config *delta, struct rn_error *err) must_check;
/* kernel_guard.c: the filters become what addresses and forwarding ask for. */
int kernel_guard_sync(struct kernel *k, struct rn_error *err) must_check;

#endif
