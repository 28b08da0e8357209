/* SPDX-License-Identifier: MIT
 *
 * The outside of a tunnel: one UDP socket for IPv4 and one for IPv6 on the same port, and datagrams
 * in batches (recvmmsg, sendmmsg) of batches (UDP_GRO, UDP_SEGMENT; udp(7)). Replies leave from the
 * address that the peer wrote to.
 */
#ifndef RN_WG_UDP_H
#define RN_WG_UDP_H

#include "wg/wg.h"

#define UDP_SLOTS 16 /* messages in one recvmmsg; each may hold up to 64 datagrams */
#define UDP_SLOT_BYTES 65536
#define UDP_BATCH 256 /* datagrams handed on at once at most */

struct udp {
	int fd4, fd6; /* -1: the family is not there */
	uint16_t port;
	uint32_t fwmark;
	bool no_segment; /* the kernel or the card refused UDP_SEGMENT */
	bool shedding;
	uint8_t slots[UDP_SLOTS][UDP_SLOT_BYTES];
};

typedef void udp_input_fn(void *ctx, const struct wg_dgram *v, size_t n);

/* NULL when out of memory. */
struct udp *udp_make(void) must_check;
void udp_free(struct udp *u);

/* Binds new sockets to PORT (0: one that is free) with FWMARK; the old ones go when that succeeded,
 * or when the port did not change. RN_EAWAY: the port is in use. */
int udp_open(struct udp *u, uint16_t port, uint32_t fwmark, struct rn_error *err) must_check;

/* Reads one batch from FD and hands it to FN in vectors of up to UDP_BATCH. True: there may be
 * more. */
bool udp_receive(struct udp *u, int fd, udp_input_fn *fn, void *ctx);
/* For the time of a flood: of initiations without mac2 only one in 8 is to be let in. The rest are
 * dropped before they take room among what is received; that costs a tenth of reading them. */
void udp_shed(struct udp *u, bool on);
/* Sends, neighbours to the same endpoint and of the same length as one; what the system refuses is
 * dropped. */
void udp_transmit(struct udp *u, const struct wg_dgram *v, size_t n);

#endif
