/* SPDX-License-Identifier: MIT
 *
 * Route netlink, as little as a tunnel needs: the device up with its MTU, addresses and routes.
 * Works in the network namespace that the calling process is in when netlink_open runs.
 */
#ifndef RN_WG_NETLINK_H
#define RN_WG_NETLINK_H

#include "net/net.h"

struct netlink;

struct netlink *netlink_open(struct rn_error *err) must_check;
void netlink_close(struct netlink *nl);

/* Brings the device up; MTU 0 leaves it as it is. IPv6 link-local addresses are not generated: a
 * WireGuard device has no link layer that could use them. */
int netlink_link_up(struct netlink *nl, unsigned ifindex, unsigned mtu, struct rn_error *err) must_check;

/* ADDRESS keeps its host bits ("10.1.0.7/24"). Adding what is there and removing what is not are
 * fine. The kernel makes the route of the prefix itself. */
int netlink_address(struct netlink *nl, unsigned ifindex, const struct cidr *address, bool add,
		    struct rn_error *err) must_check;

/* A route of PREFIX (no host bits) through the device; as above for what is there. */
int netlink_route(struct netlink *nl, unsigned ifindex, const struct cidr *prefix, bool add,
		  struct rn_error *err) must_check;

#endif
