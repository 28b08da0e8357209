/* SPDX-License-Identifier: MIT
 *
 * The inside of a tunnel: the network namespace where its device, addresses, routes and sockets
 * live. In private mode that is a namespace of the tunnel's own (with a user namespace around it, so
 * that no privilege is needed), held by a child process that serves requests over a socket pair;
 * the engine stays outside with its UDP sockets. In host mode it is the namespace we are in, and
 * requests are carried out on the spot. The child dies with its parent.
 */
#ifndef RN_WG_INSIDE_H
#define RN_WG_INSIDE_H

#include "net/net.h"

enum inside_mode { INSIDE_PRIVATE, INSIDE_HOST };

struct inside;

/* Makes the namespace (private) and the TUN device NAME in it; *TUN_FD is the caller's, or NULL: the
 * device will come by inside_adopt. Call before any thread is made. Errors say what the system forbids
 * and what to do about it. */
struct inside *inside_start(enum inside_mode mode, const char *name, int *tun_fd,
			    struct rn_error *err) must_check;
/* Ends the child; an adopted device goes. Sockets that were handed out live on, but their tunnel is
 * gone. */
void inside_stop(struct inside *in);

/* Readable (EOF) when the child is gone; -1 in host mode. */
int inside_fd(const struct inside *in);

/* The process whose namespace it is; 0 in host mode. */
pid_t inside_pid(const struct inside *in);
/* The device NAME, which somebody made in the namespace, is ours from now on: the functions below are
 * about it, and it is removed at the end, also when this process is killed in private mode. */
int inside_adopt(struct inside *in, const char *name, struct rn_error *err) must_check;

/* The device, as netlink.h says. */
int inside_up(struct inside *in, unsigned mtu, struct rn_error *err) must_check;
int inside_address(struct inside *in, const struct cidr *address, bool add, struct rn_error *err) must_check;
int inside_route(struct inside *in, const struct cidr *prefix, bool add, struct rn_error *err) must_check;

/* Sockets inside; as sock_listen, sock_connect and sock_udp of net.h. inside_udp connects to PEER
 * unless it is NULL. */
int inside_listen(struct inside *in, const struct addr *a, struct rn_error *err) must_check;
int inside_connect(struct inside *in, const struct addr *a, struct rn_error *err) must_check;
int inside_udp(struct inside *in, const struct addr *local, const struct addr *peer,
	       struct rn_error *err) must_check;
/* A bound netlink socket (NETLINK_ROUTE…) that hears GROUPS (bits, RTMGRP_LINK…). */
int inside_netlink(struct inside *in, int protocol, unsigned groups, struct rn_error *err) must_check;

#endif
