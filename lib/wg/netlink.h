/* SPDX-License-Identifier: MIT
 *
 * Route netlink, as little as a tunnel needs: the device with its MTU, addresses, routes and filter.
 * Works in the network namespace that the calling process is in when netlink_open runs.
 */
#ifndef RN_WG_NETLINK_H
#define RN_WG_NETLINK_H

#include "net/net.h"

#define NETLINK_ALIAS_MAX 256

struct netlink;

struct netlink *netlink_open(struct rn_error *err) must_check;
/* On a bound route netlink socket, whichever namespace it is of; owns FD, also on failure. */
struct netlink *netlink_open_fd(int fd, struct rn_error *err) must_check;
void netlink_close(struct netlink *nl);

/* Makes a device of KIND ("wireguard") in the network namespace of process PID (0: in NL's own). Its
 * outside, where it has one, stays in NL's. RN_EAWAY: this kernel has no such kind; RN_ECANTCREAT: the
 * name is taken; RN_EPERM. */
int netlink_link_add(struct netlink *nl, const char *name, const char *kind, pid_t pid,
		     struct rn_error *err) must_check;
/* Fine if it is gone already. */
int netlink_link_del(struct netlink *nl, unsigned ifindex, struct rn_error *err) must_check;
/* A text that people see in ip-link(8), and we too. False: the device has none. */
int netlink_link_set_alias(struct netlink *nl, unsigned ifindex, const char *alias,
			   struct rn_error *err) must_check;
bool netlink_link_alias(struct netlink *nl, unsigned ifindex, char alias[static NETLINK_ALIAS_MAX]);

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

/* ---- what may come in by the device (netlink_guard.c) ------------------------------------------- */

/* Drops what comes out of the tunnel, all of it but what netlink_guard_pass lets through: ingress
 * filters of tc(8). RN_EAWAY: this kernel has no such filters. */
int netlink_guard_start(struct netlink *nl, unsigned ifindex, struct rn_error *err) must_check;
int netlink_guard_stop(struct netlink *nl, unsigned ifindex, struct rn_error *err) must_check;
/* Packets to ADDRESS (its host bits count, the prefix does not). SLOT is a number from 0 to 65000 that
 * no other address has. */
int netlink_guard_pass(struct netlink *nl, unsigned ifindex, const struct cidr *address, unsigned slot,
		       bool add, struct rn_error *err) must_check;

#endif
