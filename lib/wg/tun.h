/* SPDX-License-Identifier: MIT
 *
 * The TUN device: where inner packets come from and go to, a burst at a time. The device carries
 * virtio-net headers, so the kernel hands over TCP data (and what a program sends by UDP_SEGMENT)
 * in pieces of up to 64 KiB, which are cut here into packets of the connection's segment size; and
 * takes packets of one flow that arrived in a row as one.
 */
#ifndef RN_WG_TUN_H
#define RN_WG_TUN_H

#include "wg/wg.h"

#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/uio.h>

#define TUN_BATCH 64 /* packets in one burst at most */
#define TUN_PACKET_MAX 65535
#define TUN_MTU_DEFAULT WG_MTU_DEFAULT

/* A packet as the kernel handed it over, and how much of it was cut off already. */
struct tun_big {
	struct virtio_net_hdr how; /* with the packet behind it, as the kernel writes them */
	uint8_t ip[TUN_PACKET_MAX + 1];
	size_t len;	/* 0: none */
	size_t headers; /* IP and TCP or UDP headers, which every segment repeats; 0: not to be cut
			 */
	size_t pos;	/* of the next byte of payload */
	uint32_t segment;
};

struct tun {
	int fd;
	char name[IFNAMSIZ];
	uint32_t mtu;	 /* of the device, as its owner says */
	bool uso;	 /* the kernel takes and gives UDP in pieces, too */
	bool expect_big; /* the packet before was one to be cut */
	bool drained;	 /* the last tun_read took all that there was */
	struct tun_big big;
	uint8_t out[3 * TUN_PACKET_MAX + TUN_BATCH * WG_SEALED_LEN(0)];
};

/* Opens /dev/net/tun in the current network namespace and makes the device NAME there. Gives the
 * descriptor: non-blocking; the device goes when the last copy of it is closed. RN_EPERM or RN_EOS
 * with a text that says what to do about it. */
int tun_open(const char *name, struct rn_error *err) must_check;

/* T on the descriptor of tun_open, whichever process made it; owns FD. NULL: out of memory. */
struct tun *tun_new(int fd, const char *name) must_check;
void tun_free(struct tun *t);

/* Reads up to MAX packets (at most TUN_BATCH) into V, as wg_input_tun wants them: they lie in T
 * until the next call, so far apart that the datagrams made of them where they lie are contiguous.
 * Gives their number: 0 when there is none now, negative when the device is gone. A call that gave
 * packets may have left more, unless T->drained. */
int tun_read(struct tun *t, struct wg_pkt *v, size_t max, struct rn_error *err) must_check;

/* Writes whole packets, as ops.deliver gives them (the bytes before each are overwritten); one that
 * the kernel refuses is dropped, as on any link. */
void tun_write(struct tun *t, const struct wg_pkt *v, size_t n);

/* ---- cutting and joining themselves, for tests ------------------------------------------------
 */

/* Takes stock of a packet of BIG->len bytes with its header BIG->how, before the first
 * tun_big_next. False: malformed, to be dropped. */
bool tun_big_start(struct tun_big *big);
/* Checks a packet that is not to be cut, and puts in the checksum that HOW may ask for. False:
 * malformed. */
bool tun_whole(const struct virtio_net_hdr *how, uint8_t *ip, size_t len);
/* Writes the next packet with right lengths and checksums to OUT (room for ROOM bytes). Gives its
 * length, or 0 when it would not fit. After the last one big->len is 0. */
size_t tun_big_next(struct tun_big *big, uint8_t *out, size_t room);

/* What one write hands to the kernel: a virtio-net header, and N packets' worth of bytes. */
struct tun_join {
	struct iovec iov[TUN_BATCH];
	size_t n;
};
/* Joins as many of the first of the N packets (at least one) as are in-order neighbours of one TCP
 * connection, or neighbours of one UDP flow (if USO), with headers and checksums such that the
 * kernel could have cut them out of one: the reverse of tun_big. The headers of the first, and the
 * bytes before it, are written over. */
void tun_join(struct tun_join *join, const struct wg_pkt *v, size_t n, bool uso);

#endif
