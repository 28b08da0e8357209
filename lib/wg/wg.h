/* SPDX-License-Identifier: MIT
 *
 * lib/wg: WireGuard. This header is the protocol engine: the Noise_IKpsk2 handshake, cookies,
 * sessions, timers, allowed IPs, replay windows, as in "WireGuard: Next Generation Kernel Network
 * Tunnel" (Donenfeld, NDSS 2017; "the paper" below) and, where the paper is silent, as the kernel
 * does. The engine has no socket, no descriptor and no clock: packets and the time come in by
 * calls, packets leave by callbacks. So it runs the same on TUN, under lwIP, and in tests over a
 * lossy link with made-up time. What touches the system (TUN, UDP, netlink, UAPI) is beside it in
 * this folder, on top of this header.
 *
 * A carrier does, in one thread:
 *
 *     dev = wg_device_new(&ops, ctx, &err);        keys, addresses, peers: the wg_set_*, wg_peer_*
 *     recvmmsg → wg_input_udp(dev, v, n, now)      → ops.deliver (plain packets), ops.send (replies)
 *     TUN read → wg_input_tun(dev, v, n, now)      → ops.send (datagrams), ops.refuse
 *     sleep until wg_deadline(dev)
 *     wg_timers(dev, now)                          → ops.send (handshakes, keepalives)
 *
 * Rules
 * - A device belongs to one thread at a time; there are no locks. Callbacks must not call back into
 *   the same device, except for the functions marked (const).
 * - NOW is in nanoseconds on a clock that never goes back (clock_now_ns), and the same for all calls.
 * - Whatever is invalid is dropped without an answer and counted (enum wg_counter).
 * - Nothing is allocated and nothing is locked per packet. Memory grows by peers, sessions of
 *   authenticated peers, and packets that wait for a handshake (bounded, see WG_STAGED_*).
 * - Keys live in locked slabs that are wiped when a session or a peer goes.
 */
#ifndef RN_WG_H
#define RN_WG_H

#include "net/net.h"

#define WG_KEY_LEN 32
/* Bytes that the engine writes in front of a plain packet, and at most behind it (padding and tag). */
#define WG_HEAD 16
#define WG_TAIL 32
/* Length of the datagram for a plain packet of LEN bytes, unless the MTU caps the padding. */
#define WG_SEALED_LEN(len) (WG_HEAD + (((len) + 15U) & ~15U) + 16)
/* The longest plain packet that is taken. */
#define WG_PLAIN_MAX 65535
#define WG_MTU_DEFAULT 1420
/* Packets that wait for a handshake: per peer (the oldest goes first), and bytes in all. */
#define WG_STAGED_PER_PEER 64
#define WG_STAGED_BYTES (4U << 20)

struct wg_device;
struct wg_peer;

/* ---- packets ---------------------------------------------------------------------------------- */

/* The two ends of a path outside the tunnel. */
struct wg_endpoint {
	struct addr to;   /* the peer's address; to.sa.sa_family is 0 when not known */
	struct addr from; /* our address that the peer wrote to, or family 0: the system may choose */
	uint32_t ifindex; /* the interface it came in by, or 0 */
};

/* One UDP payload. In: AT is where it came from (FROM and ifindex may be left 0), and DATA is written
 * over (decryption is in place). Out: AT is where it goes. For GSO, neighbours in one vector with
 * the same AT, whose data are contiguous (data + len == next.data) and of equal length (the last one
 * may be shorter), may leave as one segmented send; wg_input_tun keeps packets where they are, so a
 * caller that lays plain packets out WG_SEALED_LEN apart gets contiguous datagrams. */
struct wg_dgram {
	uint8_t *data;
	uint32_t len;
	const struct wg_endpoint *at;
};

/* One plain IP packet. Into wg_input_tun: WG_HEAD writable bytes before DATA and WG_SEALED_LEN(len) -
 * WG_HEAD - len behind it, all of which are written over. Out of deliver: the packet, cut to the
 * length that its IP header tells, inside the buffer that wg_input_udp was given (whose WG_HEAD bytes
 * before DATA are free for a virtio-net header), and the PEER that sent it. */
struct wg_pkt {
	uint8_t *data;
	uint32_t len;
	struct wg_peer *peer;
};

enum wg_event {
	WG_EVENT_SESSION,  /* a handshake completed: packets can be sent */
	WG_EVENT_GAVE_UP,  /* no answer to handshakes for 90 s; waiting packets were dropped */
	WG_EVENT_ENDPOINT, /* an authenticated packet came from another address (roaming) */
};

/* Why a packet was dropped, and what was done; text for each by wg_counter_name. */
#define WG_COUNTERS(X)                                                                             \
	X(RX_DATA, "data_received")             /* data packets that passed every test */          \
	X(RX_KEEPALIVE, "keepalive_received")                                                      \
	X(RX_INITIATION, "initiation_received") /* valid ones */                                   \
	X(RX_RESPONSE, "response_received")                                                        \
	X(RX_COOKIE, "cookie_received")                                                            \
	X(TX_DATA, "data_sent")                                                                    \
	X(TX_KEEPALIVE, "keepalive_sent")                                                          \
	X(TX_INITIATION, "initiation_sent")                                                        \
	X(TX_RESPONSE, "response_sent")                                                            \
	X(TX_COOKIE, "cookie_sent")                                                                \
	X(DROP_MALFORMED, "dropped_malformed")           /* unknown type or wrong length */        \
	X(DROP_MAC1, "dropped_mac1")                     /* sender does not know our public key */ \
	X(DROP_MAC2, "dropped_mac2")                     /* under load and no valid cookie */      \
	X(DROP_RATE, "dropped_rate")                     /* too many handshakes from an address */ \
	X(DROP_UNKNOWN_PEER, "dropped_unknown_peer")     /* handshake by a key that is no peer */  \
	X(DROP_HANDSHAKE, "dropped_handshake")           /* does not decrypt; psk differs */       \
	X(DROP_OLD_INITIATION, "dropped_old_initiation") /* timestamp replayed, or too many */     \
	X(DROP_UNKNOWN_INDEX, "dropped_unknown_index")   /* no such session (any more) */          \
	X(DROP_COOKIE, "dropped_cookie")                 /* cookie reply that does not decrypt */  \
	X(DROP_EXPIRED, "dropped_expired")               /* session older than 180 s or used up */ \
	X(DROP_FORGED, "dropped_forged")                 /* data that does not authenticate */     \
	X(DROP_REPLAY, "dropped_replay")                 /* seen before, or behind the window */   \
	X(DROP_NOT_IP, "dropped_not_ip")                 /* inner packet is no IPv4 or IPv6 */     \
	X(DROP_SOURCE, "dropped_source")                 /* inner source not the peer's */         \
	X(DROP_FORWARD, "dropped_forward")               /* inner destination not ours */          \
	X(DROP_NO_PEER, "dropped_no_peer")               /* no allowed IP holds the destination */ \
	X(DROP_NO_ENDPOINT, "dropped_no_endpoint")       /* the peer's address is not known yet */ \
	X(DROP_STAGED, "dropped_staged")                 /* waited for a handshake in vain */      \
	X(DROP_TOO_LONG, "dropped_too_long")             /* plain packet over WG_PLAIN_MAX */      \
	X(DROP_MEMORY, "dropped_memory")

#define WG_COUNTER_ENUM(id, name) WG_##id,
enum wg_counter { WG_COUNTERS(WG_COUNTER_ENUM) WG_COUNTERS_LEN };
#undef WG_COUNTER_ENUM

struct wg_ops {
	/* Datagrams to go out. The vector, the data and the endpoints are the engine's or the caller's
	 * (of the wg_input_* that is running) and end with the call: what cannot be sent now is copied
	 * or dropped, as a network drops. */
	void (*send)(void *ctx, const struct wg_dgram *v, size_t n);
	/* Authenticated plain packets from allowed sources, in the order they came. */
	void (*deliver)(void *ctx, const struct wg_pkt *v, size_t n);
	/* A plain packet that will not be sent: WG_DROP_NO_PEER (ICMP: no route) or
	 * WG_DROP_NO_ENDPOINT (ICMP: host unreachable). PKT is unchanged. May be NULL. */
	void (*refuse)(void *ctx, const struct wg_pkt *pkt, enum wg_counter why);
	/* Something to tell about a peer. May be NULL. */
	void (*event)(void *ctx, struct wg_peer *peer, enum wg_event what);
	/* Unix time in ns; asked once per handshake. NULL: the system's. */
	uint64_t (*wall_ns)(void *ctx);
	/* Random bytes. NULL: the system's. Only tests give their own. */
	void (*random)(void *ctx, void *out, size_t len);
};

/* NULL on failure. OPS and CTX must outlive the device. secret_init must have run. */
struct wg_device *wg_device_new(const struct wg_ops *ops, void *ctx, struct rn_error *err) must_check;
/* Wipes and frees everything, peers included. */
void wg_device_free(struct wg_device *dev);

void wg_input_udp(struct wg_device *dev, const struct wg_dgram *v, size_t n, uint64_t now_ns);
void wg_input_tun(struct wg_device *dev, const struct wg_pkt *v, size_t n, uint64_t now_ns);
/* Does what is due at NOW; returns wg_deadline. */
uint64_t wg_timers(struct wg_device *dev, uint64_t now_ns);
/* When wg_timers has something to do next (UINT64_MAX: nothing is pending). Any other call may bring
 * it forward, so it is asked right before sleeping. (const) */
uint64_t wg_deadline(const struct wg_device *dev);

/* Are there more handshakes than are worth their cost (limit.h)? Then those without mac2 get a cookie at
 * best, and a carrier may let only some of them through. (const) */
bool wg_under_load(const struct wg_device *dev, uint64_t now_ns);

/* ---- the interface ---------------------------------------------------------------------------- */

/* Ends all sessions; handshakes start anew when there is something to send. NULL takes the key away:
 * then nothing is sent or received. A peer that has the new public key is removed. RN_EDATA if the
 * key is all zeros. The caller wipes its copy. */
int wg_set_private_key(struct wg_device *dev, const uint8_t key[WG_KEY_LEN], struct rn_error *err) must_check;
/* False if there is none. For UAPI's get and nothing else. (const) */
bool wg_private_key(const struct wg_device *dev, uint8_t key[static WG_KEY_LEN]);
bool wg_public_key(const struct wg_device *dev, uint8_t key[static WG_KEY_LEN]); /* (const) */

/* Kept for the carrier, which binds the socket; the engine does not look at them. */
void wg_set_listen_port(struct wg_device *dev, uint16_t port);
uint16_t wg_listen_port(const struct wg_device *dev); /* (const) */
void wg_set_fwmark(struct wg_device *dev, uint32_t mark);
uint32_t wg_fwmark(const struct wg_device *dev); /* (const) */

/* Padding never makes a plain packet longer than this (paper 5.4.6). Default WG_MTU_DEFAULT. */
void wg_set_mtu(struct wg_device *dev, uint32_t mtu);

/* The interface's own addresses (ports ignored), for the rule of doc/contracts.md: unless forwarding
 * is on, only packets to one of these are delivered. A new device forwards nothing and has none, so it
 * delivers nothing until one of the two is called. RN_EOS when out of memory (the old list stands). */
int wg_set_addresses(struct wg_device *dev, const struct addr *v, size_t n, struct rn_error *err) must_check;
void wg_set_forward(struct wg_device *dev, bool forward);

uint64_t wg_counter(const struct wg_device *dev, enum wg_counter which); /* (const) */
const char *wg_counter_name(enum wg_counter which);                      /* a record key */

/* ---- peers ------------------------------------------------------------------------------------ */

/* The peer of that public key, or NULL. (const) */
struct wg_peer *wg_peer_find(struct wg_device *dev, const uint8_t key[static WG_KEY_LEN]);
/* Finds or makes it. NULL: RN_EDATA (the key is our own, or of low order, so no secret could be
 * shared) or RN_EOS. */
struct wg_peer *wg_peer_add(struct wg_device *dev, const uint8_t key[static WG_KEY_LEN],
			    struct rn_error *err) must_check;
/* The pointer is dead afterwards. Also safe while its packets wait. */
void wg_peer_remove(struct wg_device *dev, struct wg_peer *peer);
void wg_peer_remove_all(struct wg_device *dev);
size_t wg_peer_count(const struct wg_device *dev); /* (const) */
/* Walks all peers, in the order of adding until one is removed: I from 0 to wg_peer_count - 1. (const) */
struct wg_peer *wg_peer_at(const struct wg_device *dev, size_t i);

/* All zeros: no preshared key. For the next handshake. */
void wg_peer_set_psk(struct wg_device *dev, struct wg_peer *peer, const uint8_t psk[static WG_KEY_LEN]);
/* For UAPI's get and nothing else. (const) */
void wg_peer_psk(const struct wg_peer *peer, uint8_t psk[static WG_KEY_LEN]);
void wg_peer_set_endpoint(struct wg_device *dev, struct wg_peer *peer, const struct addr *a);
/* Persistent keepalive; 0 turns it off. Turning it on sends one now (as the kernel does). */
void wg_peer_set_keepalive(struct wg_device *dev, struct wg_peer *peer, uint16_t seconds, uint64_t now_ns);
/* Begins a handshake now if none began in the last 5 s and the endpoint is known. */
void wg_peer_connect(struct wg_device *dev, struct wg_peer *peer, uint64_t now_ns);
/* The same, sent to A instead of the endpoint, which stays: an answer from there moves it. */
void wg_peer_try(struct wg_device *dev, struct wg_peer *peer, const struct addr *a, uint64_t now_ns);
/* This machine has moved: every peer that is to be kept alive hears from us at once, so that it and the
 * NATs between learn where we are. */
void wg_moved(struct wg_device *dev, uint64_t now_ns);
/* Forgets the peer's sessions and waiting packets, as after a change of network. */
void wg_peer_reset(struct wg_device *dev, struct wg_peer *peer);

/* A pointer for the carrier's own use (loss and RTT estimate, name…); NULL at first. */
void wg_peer_set_user(struct wg_peer *peer, void *user);
void *wg_peer_user(const struct wg_peer *peer); /* (const) */

struct wg_peer_info {
	uint8_t public_key[WG_KEY_LEN];
	bool has_psk;
	struct wg_endpoint endpoint;   /* to.sa.sa_family 0: none */
	uint16_t keepalive_s;          /* 0: off */
	uint64_t last_handshake_ns;    /* wall time, 0: never */
	uint64_t rx_bytes, tx_bytes;   /* of valid datagrams, their WireGuard headers included */
	bool session;                  /* there is a key to send with */
	uint64_t session_age_ns;       /* at NOW_NS, if SESSION */
	uint32_t initiations_sent;     /* the last five tell `why` where a handshake stops */
	uint32_t initiations_received; /* valid ones */
	uint32_t responses_received;   /* valid ones */
	uint32_t responses_failed;     /* did not decrypt: the psk differs, or the endpoint is another */
	uint32_t source_dropped;       /* its packets from addresses that are not allowed it */
	size_t staged;                 /* packets waiting for a handshake */
	uint64_t rtt_ns;               /* from our handshake message to the peer's answer, at the last
					* handshake; 0: there was none */
	uint64_t rx_packets;           /* data messages taken, keepalives included */
	uint64_t rx_lost;              /* by the gaps in their counters: sent to us and not here (yet) */
};
void wg_peer_info(const struct wg_peer *peer, uint64_t now_ns, struct wg_peer_info *info); /* (const) */

/* ---- allowed IPs ------------------------------------------------------------------------------ */

/* Gives PREFIX (host bits are cleared) to PEER; takes it from the peer that had exactly it. The
 * longest prefix that holds an address decides (paper 2). RN_EDATA, RN_EOS; unchanged on failure. */
int wg_allow(struct wg_device *dev, struct wg_peer *peer, const struct cidr *prefix,
	     struct rn_error *err) must_check;
/* False if PEER did not have exactly it. */
bool wg_disallow(struct wg_device *dev, struct wg_peer *peer, const struct cidr *prefix);
void wg_disallow_all(struct wg_device *dev, struct wg_peer *peer);
/* Walks PEER's prefixes: *AT is 0 at first; false at the end. Order is not defined. (const) */
bool wg_allowed_next(const struct wg_device *dev, const struct wg_peer *peer, uint32_t *at,
		     struct cidr *prefix);
/* Who has exactly PREFIX (host bits do not count), or NULL. (const) */
struct wg_peer *wg_allowed_owner(const struct wg_device *dev, const struct cidr *prefix);
/* Whose address it is: where a packet to A would go. NULL: nobody's. (const) */
struct wg_peer *wg_allowed_find(const struct wg_device *dev, const struct addr *a);

/* ---- keys ------------------------------------------------------------------------------------- */

/* A new private key (clamped, RFC 7748), or the public key of one; a new preshared key is any 32
 * random bytes. */
void wg_key_generate(uint8_t key[static WG_KEY_LEN]);
void wg_key_public(uint8_t public_key[static WG_KEY_LEN], const uint8_t private_key[static WG_KEY_LEN]);

#endif
