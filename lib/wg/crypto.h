/* SPDX-License-Identifier: MIT
 *
 * The primitives of WireGuard, so that the choice of a library for each stands in one place:
 * X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439), XChaCha20-Poly1305 for cookies. BLAKE2s is in
 * blake2s.h. Output and input may be the same buffer everywhere.
 */
#ifndef RN_WG_CRYPTO_H
#define RN_WG_CRYPTO_H

#include "base/base.h"

#define WG_TAG_LEN 16

/* ---- X25519 ---- */

void wg_x25519_base(uint8_t public_key[static 32], const uint8_t private_key[static 32]);
/* False if the result is all zeros (a point of low order). */
bool wg_x25519(uint8_t out[static 32], const uint8_t private_key[static 32],
	       const uint8_t public_key[static 32]) must_check;

/* ---- data packets: no additional data, nonce 0⁴ ‖ counter ---- */

/* Who does it: libcrypto, or our own code for AVX-512 (chapoly.h), which takes about half the time. */
enum wg_aead_engine { WG_AEAD_LIBCRYPTO, WG_AEAD_AVX512 };

/* A place to work in, one for a thread; holds a copy of the last key until wg_aead_free. The engine is
 * the one that is faster here, measured for some 50 µs. */
struct wg_aead;
struct wg_aead *wg_aead_new(void) must_check; /* NULL: out of memory, or the library refuses */
void wg_aead_free(struct wg_aead *a);
enum wg_aead_engine wg_aead_engine(const struct wg_aead *a);
/* Takes another engine; false if this processor has it not. */
bool wg_aead_set_engine(struct wg_aead *a, enum wg_aead_engine engine);

/* One packet to encrypt in place: WG_TAG_LEN bytes are written behind it. */
void wg_aead_seal(struct wg_aead *a, const uint8_t key[static 32], uint64_t counter, uint8_t *data,
		  size_t len);
/* LEN is with the tag. False if it does not authenticate; then DATA is undefined. */
bool wg_aead_open(struct wg_aead *a, const uint8_t key[static 32], uint64_t counter, uint8_t *data,
		  size_t len) must_check;

/* ---- handshakes: short texts, additional data AD of 32 bytes, counter 0 ---- */

void wg_hs_seal(uint8_t *out, const uint8_t *in, size_t len, const uint8_t ad[static 32],
		const uint8_t key[static 32]);
/* LEN is with the tag. */
bool wg_hs_open(uint8_t *out, const uint8_t *in, size_t len, const uint8_t ad[static 32],
		const uint8_t key[static 32]) must_check;

/* ---- cookies: 16 bytes, 24-byte nonce, additional data the MAC1 answered to ---- */

void wg_cookie_seal(uint8_t out[static 32], const uint8_t cookie[static 16],
		    const uint8_t ad[static 16], const uint8_t nonce[static 24],
		    const uint8_t key[static 32]);
bool wg_cookie_open(uint8_t cookie[static 16], const uint8_t in[static 32],
		    const uint8_t ad[static 16], const uint8_t nonce[static 24],
		    const uint8_t key[static 32]) must_check;

#endif
