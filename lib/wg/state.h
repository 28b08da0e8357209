/* SPDX-License-Identifier: MIT
 *
 * What the engine's files share: the structs behind wg.h and the functions between the files.
 *
 *   device.c     making, freeing, interface settings, counters
 *   peer.c       peers: finding, adding, removing, settings, information
 *   allowed.c    allowed IPs of peers, on trie.c
 *   session.c    sessions: made from handshakes, promoted, expired
 *   input.c      wg_input_udp: sorting datagrams, data packets in
 *   output.c     wg_input_tun: finding the peer, staging, data packets out; the vector to send
 *   handshake.c  handshake and cookie messages in and out, on noise.c and cookie.c
 *   timer.c      the five timers of a peer
 *
 * Below these, and knowing nothing of them: pool, heap, index, trie, replay, limit, blake2s, chapoly,
 * crypto, noise, cookie.
 */
#ifndef RN_WG_STATE_H
#define RN_WG_STATE_H

#include "wg/cookie.h"
#include "wg/crypto.h"
#include "wg/heap.h"
#include "wg/index.h"
#include "wg/limit.h"
#include "wg/noise.h"
#include "wg/pool.h"
#include "wg/replay.h"
#include "wg/trie.h"
#include "wg/wg.h"

#define NS_PER_S 1000000000ULL
#define NS_PER_MS 1000000ULL

/* The paper, section 6.1, and the kernel's messages.h. */
#define WG_REKEY_AFTER_MESSAGES (1ULL << 60)
#define WG_REJECT_AFTER_MESSAGES (UINT64_MAX - WG_REPLAY_BITS)
#define WG_REKEY_AFTER_NS (120 * NS_PER_S)
#define WG_REJECT_AFTER_NS (180 * NS_PER_S)
#define WG_REKEY_ATTEMPT_NS (90 * NS_PER_S)
#define WG_REKEY_TIMEOUT_NS (5 * NS_PER_S)
#define WG_KEEPALIVE_TIMEOUT_NS (10 * NS_PER_S)
#define WG_JITTER_MAX_NS (333 * NS_PER_MS)
#define WG_INITIATION_GAP_NS (20 * NS_PER_MS) /* at most 50 a second from one peer */

/* Three sessions at most live in a peer; one is born by each handshake and dies within 9 minutes. */
struct wg_session {
	struct wg_peer *peer;
	uint64_t born_ns;
	uint32_t index;  /* ours: in what we receive */
	uint32_t remote; /* theirs: in what we send */
	bool initiator;  /* we began the handshake */
	bool can_send, can_receive;
	uint64_t send_counter; /* of the next packet */
	uint64_t received;     /* data messages taken; the counters tell how many were sent */
	struct wg_replay replay;
	uint8_t send_key[WG_KEY_LEN];
	uint8_t receive_key[WG_KEY_LEN];
};

/* A copy of a plain packet that waits for a session, with room to be encrypted in place. */
struct wg_staged {
	struct wg_staged *next;
	uint32_t len;
	uint8_t room[]; /* WG_HEAD, the packet, WG_TAIL */
};

enum wg_timer {
	WG_TIMER_RETRANSMIT,   /* no answer to the handshake: again, or give up */
	WG_TIMER_KEEPALIVE,    /* received, but had nothing to send for 10 s */
	WG_TIMER_SILENCE,      /* sent, but nothing came back for 15 s: new handshake */
	WG_TIMER_PERSISTENT,   /* persistent keepalive */
	WG_TIMER_ZERO_KEYS,    /* no new session for 9 minutes: forget the old ones */
	WG_TIMERS_LEN,
};

struct wg_peer {
	/* data path */
	struct wg_session *current, *previous, *next;
	struct wg_endpoint endpoint;
	uint64_t rx_bytes, tx_bytes;
	struct wg_heap_item due; /* its place in the device's heap, at or before the earliest timer */
	uint32_t source_dropped;
	uint64_t timers[WG_TIMERS_LEN]; /* when each is due; UINT64_MAX: stopped */
	struct wg_staged *staged_first, **staged_end;
	uint16_t staged_len;
	uint16_t keepalive_s;
	uint8_t attempts;       /* handshakes sent again without an answer */
	bool keepalive_again;   /* received once more while the keepalive timer ran */
	bool last_minute_sent;  /* this session asked for its successor before it ends */
	uint32_t allowed_first; /* list in the trie */

	/* handshake */
	uint8_t public_key[WG_KEY_LEN];
	struct noise_peer noise; /* precomputed secret, psk, pending initiation, latest timestamp */
	struct cookie_peer cookie;
	uint32_t pending_index; /* of our initiation without an answer yet; its entry is in dev->index */
	uint64_t initiation_sent_ns, initiation_taken_ns; /* UINT64_MAX: never */
	uint64_t handshake_wall_ns;
	uint64_t asked_ns, answered_ns; /* our last initiation, our last response: for the round trip */
	uint64_t rtt_ns;                /* 0: not known */
	uint64_t rx_packets, rx_lost;   /* of sessions that are gone */
	uint32_t initiations_sent, initiations_received, responses_received, responses_failed;
	void *user;
};

#define WG_OUT_MAX 128U /* datagrams handed to ops.send at once */

struct wg_device {
	const struct wg_ops *ops;
	void *ctx;
	uint64_t now_ns; /* of the call that is running */
	uint64_t jitter; /* state of the generator for it; 0: not seeded */

	/* packets */
	struct wg_aead *aead;
	struct wg_trie allowed;
	struct wg_index index;
	struct wg_heap due;
	struct wg_dgram out[WG_OUT_MAX];
	uint32_t out_len;
	struct wg_pkt in[WG_OUT_MAX];
	uint32_t in_len;
	size_t staged_bytes;
	struct addr *addresses;
	size_t addresses_len;
	uint32_t mtu;
	bool forward;

	/* handshakes */
	bool has_key;
	struct noise_self *self; /* in secret memory */
	struct cookie_self *cookie;
	struct wg_limit limit;
	uint8_t nonces[32][24]; /* of cookies to come: the system is asked for many at once */
	size_t nonces_left;
	uint8_t (*messages)[NOISE_MESSAGE_MAX]; /* WG_OUT_MAX of them, one beside each place in OUT */

	/* settings */
	struct map peers; /* public key to peer */
	struct wg_pool peer_pool, session_pool, ring_pool;
	uint16_t listen_port;
	uint32_t fwmark;
	uint64_t counters[WG_COUNTERS_LEN];
};

static inline void count(struct wg_device *dev, enum wg_counter which)
{
	dev->counters[which]++;
}

/* device.c */
void wg_random(struct wg_device *dev, void *out, size_t len);
/* 24 random bytes, each time others. No secrets. */
const uint8_t *wg_nonce(struct wg_device *dev);
uint64_t wg_wall_ns(struct wg_device *dev);
void wg_tell(struct wg_device *dev, struct wg_peer *peer, enum wg_event what);
bool wg_is_own_address(const struct wg_device *dev, bool v6, const uint8_t *ip);

/* peer.c */
void wg_peer_new_self(struct wg_device *dev, struct wg_peer *peer); /* our private key changed */

/* session.c */
/* Makes the session of a finished handshake of PEER. NULL: out of memory. */
struct wg_session *wg_session_new(struct wg_device *dev, struct wg_peer *peer,
				  const struct noise_keys *keys, bool initiator) must_check;
/* A packet authenticated under S: if it confirms the next session, that becomes the current one. */
bool wg_session_confirm(struct wg_device *dev, struct wg_session *s);
void wg_session_forget(struct wg_device *dev, struct wg_session **s);
/* Messages that the peer numbered and that did not come (yet). */
uint64_t wg_session_lost(const struct wg_session *s);
void wg_sessions_forget(struct wg_device *dev, struct wg_peer *peer);
/* A fresh index of ours that is not in use. */
uint32_t wg_index_pick(struct wg_device *dev);

/* output.c */
void wg_out_push(struct wg_device *dev, struct wg_peer *peer, uint8_t *data, uint32_t len);
/* To an endpoint of no peer; AT and DATA stay until the next wg_out_flush. */
void wg_out_reply(struct wg_device *dev, const struct wg_endpoint *at, uint8_t *data, uint32_t len);
void wg_out_flush(struct wg_device *dev);
/* Place for a handshake message that stays until the next wg_out_flush. */
uint8_t *wg_out_message(struct wg_device *dev);
void wg_send_keepalive(struct wg_device *dev, struct wg_peer *peer);
void wg_send_staged(struct wg_device *dev, struct wg_peer *peer);
void wg_drop_staged(struct wg_device *dev, struct wg_peer *peer);

/* input.c */
/* An authenticated message came from AT. */
void wg_roam(struct wg_device *dev, struct wg_peer *peer, const struct wg_endpoint *at);

/* handshake.c */
/* Begins a handshake unless one began less than 5 s ago. AGAIN: it is a retry by the timer. */
void wg_handshake_begin(struct wg_device *dev, struct wg_peer *peer, bool again);
void wg_handshake_input(struct wg_device *dev, const struct wg_dgram *d, uint32_t type);
void wg_handshake_abandon(struct wg_device *dev, struct wg_peer *peer);
/* New session if ours (as initiator) is about to be too old to receive with. */
void wg_handshake_last_minute(struct wg_device *dev, struct wg_peer *peer);

/* timer.c: what happened, in the words of the kernel's timers.c */
void wg_timer_init(struct wg_peer *peer);
void wg_timer_data_sent(struct wg_device *dev, struct wg_peer *peer);
void wg_timer_data_received(struct wg_device *dev, struct wg_peer *peer);
void wg_timer_any_sent(struct wg_device *dev, struct wg_peer *peer);
void wg_timer_any_received(struct wg_device *dev, struct wg_peer *peer);
void wg_timer_handshake_initiated(struct wg_device *dev, struct wg_peer *peer);
void wg_timer_handshake_complete(struct wg_device *dev, struct wg_peer *peer);
void wg_timer_session_derived(struct wg_device *dev, struct wg_peer *peer);
void wg_timer_stop_all(struct wg_device *dev, struct wg_peer *peer);

#endif
