/* SPDX-License-Identifier: MIT
 *
 * What is asked of the inside of a tunnel, for who carries it out: inside.c, or a network stack of our
 * own (stack.h).
 */
#ifndef RN_WG_INSIDE_IMPL_H
#define RN_WG_INSIDE_IMPL_H

#include "wg/inside.h"

#include <net/if.h>

enum verb {
	VERB_ADOPT,
	VERB_UP,
	VERB_ADDRESS,
	VERB_ROUTE,
	VERB_LISTEN,
	VERB_CONNECT,
	VERB_UDP,
	VERB_NETLINK,
	VERB_REMOVE,
};

/* One message each way; both ends are this program, so the structs go as they are. */
struct request {
	enum verb verb;
	bool add;      /* address, route */
	bool has_peer; /* udp */
	unsigned mtu;
	struct cidr cidr;
	struct addr local, peer;
	char name[IFNAMSIZ]; /* adopt */
	int protocol;        /* netlink */
	unsigned groups;
};

/* 0 or an error; *FD is the socket that was asked for. */
typedef int inside_carry_fn(void *ctx, const struct request *rq, int *fd, struct rn_error *err);

/* An inside without namespace and device, whose requests CARRY carries out. NULL: out of memory. */
struct inside *inside_of(inside_carry_fn *carry, void *ctx) must_check;

#endif
