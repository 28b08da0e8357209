/* SPDX-License-Identifier: MIT
 *
 * The messages of the kernel's WireGuard (linux/wireguard.h) and what they say. Nothing here does
 * I/O: kernel_genl.h carries the messages.
 */
#ifndef RN_WG_KERNEL_MSG_H
#define RN_WG_KERNEL_MSG_H

#include "wg/config.h"

#include <linux/netlink.h>

/* ---- reading: answers to WG_CMD_GET_DEVICE ------------------------------------------------------- */

struct kernel_peer {
	struct wg_peer_info info; /* what the kernel tells: keys, endpoint, keepalive, handshake, bytes */
	const uint8_t *psk;       /* WG_KEY_LEN bytes, or NULL: none */
	size_t allowed_at, allowed_n; /* in the state's list */
};

/* A device as the kernel told it, in one message or many. */
struct kernel_state {
	uint32_t ifindex;
	uint16_t listen_port;
	uint32_t fwmark;
	bool has_key;
	uint8_t private_key[WG_KEY_LEN], public_key[WG_KEY_LEN];
	VEC(struct kernel_peer) peers;
	VEC(struct cidr) allowed;
	struct arena secrets; /* preshared keys */
	struct map index;     /* public key to peer, after kernel_state_index */
};

void kernel_state_init(struct kernel_state *s);
void kernel_state_free(struct kernel_state *s); /* wipes the keys */
/* Adds what the next message of a dump says; a peer whose allowed IPs did not fit one message goes on
 * in the next. RN_EPROTO: not such a message (S is to be freed), RN_EOS. */
int kernel_state_add(struct kernel_state *s, const struct nlmsghdr *h, struct rn_error *err) must_check;
/* When the dump is complete. */
int kernel_state_index(struct kernel_state *s, struct rn_error *err) must_check;
/* NULL: no such peer. */
struct kernel_peer *kernel_state_find(const struct kernel_state *s, const uint8_t key[static WG_KEY_LEN]);

/* ---- difference --------------------------------------------------------------------------------- */

/* What has to be said to a device that is HAVE so that it becomes what WANT says. What is as wanted
 * is not in DELTA. HAVE and WANT must outlive it. */
struct kernel_diff {
	const struct kernel_state *have;
	const struct wg_config *want;
	struct wg_config *delta;
	uint8_t own_key[WG_KEY_LEN]; /* public; kernel_diff_device sets it */
};
/* Of the device itself, and of the peers that go because WANT, with replace_peers, does not name them. */
int kernel_diff_device(struct kernel_diff *d, struct rn_error *err) must_check;
/* Of one peer of WANT, whose endpoint is to become the address ENDPOINT unless that is NULL. RN_EDATA: a
 * key that cannot be a peer's. */
int kernel_diff_peer(struct kernel_diff *d, const struct wg_peer_config *p, const char *endpoint,
		     struct rn_error *err) must_check;

/* ---- writing: WG_CMD_SET_DEVICE ------------------------------------------------------------------ */

#define KERNEL_MESSAGE_MIN 1024
#define KERNEL_MESSAGE_MAX 32768 /* an attribute has less than 64 KiB */

/* Gets each message, complete but for its sequence number; returns 0 or an error, which ends it. */
typedef int kernel_send_fn(void *ctx, struct nlmsghdr *h, struct rn_error *err);

/* Says C (a DELTA; endpoints are addresses) to the device IFINDEX by messages of FAMILY of at most CAP
 * bytes each, as many as it takes. Sends nothing when C says nothing. */
struct kernel_writer {
	uint16_t family;
	uint32_t ifindex;
	size_t cap;
	kernel_send_fn *send;
	void *ctx;
};
int kernel_write(const struct kernel_writer *w, const struct wg_config *c, struct rn_error *err) must_check;

#endif
