/* SPDX-License-Identifier: MIT
 *
 * Generic netlink: talking to one family of the kernel ("wireguard").
 */
#ifndef RN_WG_KERNEL_GENL_H
#define RN_WG_KERNEL_GENL_H

#include "base/base.h"

#include <linux/netlink.h>

struct genl;
/* On a bound generic netlink socket, whichever namespace it is of; owns FD, also on failure. RN_EAWAY:
 * the kernel has no such family, nor a module for it. */
struct genl *genl_open(int fd, const char *family, struct rn_error *err) must_check;
void genl_close(struct genl *g);
uint16_t genl_family(const struct genl *g);

/* A new message in G's room (one at a time, for small ones). */
struct nlmsghdr *genl_message(struct genl *g, uint8_t cmd, uint8_t version, uint16_t flags);
/* Sends H, numbers it, and reads the answer to its end; FN (may be NULL) sees each message of it. The
 * error has the kernel's errno in err->sys; EINTR: the dump is not of one moment and should be asked for
 * again. What was read is wiped. */
typedef int genl_fn(void *ctx, const struct nlmsghdr *h, struct rn_error *err);
int genl_talk(struct genl *g, struct nlmsghdr *h, genl_fn *fn, void *ctx, struct rn_error *err) must_check;

#endif
