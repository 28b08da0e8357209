/* SPDX-License-Identifier: MIT
 *
 * The handshake Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (paper 5.4.1 to 5.4.5): messages made and read,
 * keys derived. Only mathematics: no peers' table, no indices chosen, no timers, no MACs.
 */
#ifndef RN_WG_NOISE_H
#define RN_WG_NOISE_H

#include "wg/crypto.h"

enum noise_type { /* the first byte of a message; three zero bytes follow */
	NOISE_INITIATION = 1,
	NOISE_RESPONSE = 2,
	NOISE_COOKIE = 3,
	NOISE_DATA = 4,
};

#define NOISE_TIMESTAMP_LEN 12
#define NOISE_MACS_LEN 32 /* mac1 and mac2 stand at the end of both handshake messages */

/* All integers are little-endian. */
struct noise_initiation {
	uint32_t type, sender;
	uint8_t ephemeral[32];
	uint8_t static_key[32 + WG_TAG_LEN];
	uint8_t timestamp[NOISE_TIMESTAMP_LEN + WG_TAG_LEN];
	uint8_t mac1[16], mac2[16];
};
struct noise_response {
	uint32_t type, sender, receiver;
	uint8_t ephemeral[32];
	uint8_t empty[WG_TAG_LEN];
	uint8_t mac1[16], mac2[16];
};
struct noise_cookie {
	uint32_t type, receiver;
	uint8_t nonce[24];
	uint8_t cookie[16 + WG_TAG_LEN];
};
struct noise_data {
	uint32_t type, receiver;
	uint64_t counter;
};
_Static_assert(sizeof(struct noise_initiation) == 148, "paper 5.4.2");
_Static_assert(sizeof(struct noise_response) == 92, "paper 5.4.3");
_Static_assert(sizeof(struct noise_cookie) == 64, "paper 5.4.7");
_Static_assert(sizeof(struct noise_data) == 16, "paper 5.4.6");
#define NOISE_MESSAGE_MAX 160 /* the longest of these but data, rounded up */

/* Our identity. */
struct noise_self {
	uint8_t private_key[32], public_key[32];
	uint8_t hash[32]; /* H(H(protocol) ‖ public key): where a handshake to us begins */
};

/* What is kept of a peer between messages. */
struct noise_peer {
	uint8_t shared[32]; /* X25519(our static, their static) */
	bool has_shared;    /* false: no private key yet, or the result is zero */
	bool pending;       /* an initiation of ours waits for its response: the next three */
	uint8_t ephemeral[32], hash[32], chain[32];
	uint8_t psk[32];
	uint8_t timestamp[NOISE_TIMESTAMP_LEN]; /* greatest that came from it */
};

/* The outcome: keys for both directions, named from our side. */
struct noise_keys {
	uint8_t send[32], receive[32];
	uint32_t local_index, remote_index;
};

/* A received initiation that is being looked at, in secret memory or wiped after use. */
struct noise_reading {
	uint8_t static_key[32]; /* who it says it is; proven by the AEAD under es */
	uint8_t timestamp[NOISE_TIMESTAMP_LEN];
	uint8_t ephemeral[32], hash[32], chain[32];
	uint32_t sender;
};

void noise_self_set(struct noise_self *self, const uint8_t private_key[static 32]);
/* Precomputes the static secret; false if the key is of low order (no handshake will be possible). */
bool noise_peer_set(struct noise_peer *p, const struct noise_self *self, const uint8_t public_key[static 32]);

/* Fills M but for its MACs and makes the initiation pending. EPHEMERAL: 32 random bytes. False if
 * the peer has no shared secret. */
bool noise_write_initiation(struct noise_initiation *m, struct noise_peer *p, const struct noise_self *self,
			    const uint8_t public_key[static 32], const uint8_t ephemeral[static 32],
			    const uint8_t timestamp[static NOISE_TIMESTAMP_LEN], uint32_t index) must_check;
/* First half: who sends it (one X25519). False: does not decrypt. */
bool noise_read_initiation(struct noise_reading *r, const struct noise_initiation *m,
			   const struct noise_self *self) must_check;
/* Second half, once the peer is found: proves it by the static secret, and reads the timestamp. The
 * caller decides by that whether it is a replay. */
bool noise_read_timestamp(struct noise_reading *r, const struct noise_initiation *m,
			  const struct noise_peer *p) must_check;
/* Answers what R read: fills M but for its MACs, and KEYS. */
bool noise_write_response(struct noise_response *m, struct noise_keys *keys, struct noise_reading *r,
			  const struct noise_peer *p, const uint8_t ephemeral[static 32],
			  uint32_t index) must_check;
/* Finishes the pending initiation. False (and it stays pending) if it does not decrypt. */
bool noise_read_response(struct noise_keys *keys, const struct noise_response *m, struct noise_peer *p,
			 const struct noise_self *self, uint32_t index) must_check;
/* Forgets the pending initiation. */
void noise_forget(struct noise_peer *p);

/* TAI64N of a Unix time in ns, coarsened to 16.8 ms so that it tells little of the clock. */
void noise_timestamp(uint8_t out[static NOISE_TIMESTAMP_LEN], uint64_t wall_ns);

#endif
