/* SPDX-License-Identifier: MIT
 *
 * For the files that speak route netlink: one message, one answer.
 */
#ifndef RN_WG_NETLINK_IMPL_H
#define RN_WG_NETLINK_IMPL_H

#include "wg/netlink.h"

#include <libmnl/libmnl.h>

#define NETLINK_MESSAGE_MAX 1024
#define NETLINK_ANSWER_MAX 16384

/* A new message in NL's room (one at a time) that the kernel acknowledges. */
struct nlmsghdr *netlink_message(struct netlink *nl, uint16_t type, uint16_t flags);
/* Sends it and waits for the kernel's word. FINE is an errno that is as good as success, or 0. */
int netlink_talk(struct netlink *nl, struct nlmsghdr *h, int fine, const char *what,
		 struct rn_error *err) must_check;

#endif
