/* SPDX-License-Identifier: MIT
 *
 * The two MACs of handshake messages, and cookies (paper 5.3, 5.4.4, 5.4.7): mac1 proves that the
 * sender knows whom it talks to; mac2, asked for under load, that it can receive at its address.
 */
#ifndef RN_WG_COOKIE_H
#define RN_WG_COOKIE_H

#include "net/net.h"
#include "wg/noise.h"

/* Our side as answerer. In secret memory. */
struct cookie_self {
	uint8_t mac1_key[32], seal_key[32]; /* of our public key */
	uint8_t secret[32];                 /* changes every two minutes */
	uint64_t secret_ns;                 /* when it was made; UINT64_MAX: never */
};

/* What we know as sender to a peer. */
struct cookie_peer {
	uint8_t cookie[16];
	uint64_t cookie_ns; /* when it came; UINT64_MAX: none */
	uint8_t mac1[16];   /* of the last message sent, which a cookie reply must answer */
	bool mac1_sent;
};

void cookie_self_set(struct cookie_self *c, const uint8_t public_key[static 32]);

/* Fills mac1 and mac2 at the end of MESSAGE to the peer of that public key. */
void cookie_add_macs(struct cookie_peer *p, const uint8_t public_key[static 32], uint8_t *message,
		     size_t len, uint64_t now_ns);
bool cookie_mac1_ok(const struct cookie_self *c, const uint8_t *message, size_t len);
/* The secret behind cookies must be set anew with 32 random bytes when it is due, before the next two. */
bool cookie_secret_due(const struct cookie_self *c, uint64_t now_ns);
void cookie_secret_set(struct cookie_self *c, const uint8_t random[static 32], uint64_t now_ns);
/* False: mac2 is zero, as a sender without a cookie leaves it. */
bool cookie_has_mac2(const uint8_t *message, size_t len);
bool cookie_mac2_ok(const struct cookie_self *c, const uint8_t *message, size_t len, const struct addr *from);
/* The reply to MESSAGE. NONCE: fresh random bytes. */
void cookie_write(struct noise_cookie *m, const struct cookie_self *c, const uint8_t *message, size_t len,
		  const struct addr *from, const uint8_t nonce[static 24]);
/* Takes the cookie of a reply to our last message. False: does not decrypt, or was not asked for. */
bool cookie_read(struct cookie_peer *p, const struct noise_cookie *m, const uint8_t public_key[static 32],
		 uint64_t now_ns) must_check;

#endif
