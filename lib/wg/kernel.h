/* SPDX-License-Identifier: MIT
 *
 * The kernel engine: a device of the kernel's own WireGuard, made and changed by netlink. In private
 * mode the device is in the tunnel's namespace and its UDP socket in ours, where the device was born.
 */
#ifndef RN_WG_KERNEL_H
#define RN_WG_KERNEL_H

#include "wg/engine.h"

/* Makes namespace and device NAME; nothing is bound before the first engine_apply. Forks: call before
 * any thread is made, and before privileges are dropped. RN_EPERM or RN_EAWAY: this user may not, or this
 * kernel cannot; then the user engine is the one to take. RN_ECANTCREAT: there is such a device. */
struct engine *kernel_new(struct loop *l, enum inside_mode mode, const char *name,
			  struct rn_error *err) must_check;

#endif
