/* SPDX-License-Identifier: MIT
 *
 * BLAKE2s (RFC 7693), with a key or without, and HMAC and the KDF of WireGuard (paper 5.4) on it.
 */
#ifndef RN_WG_BLAKE2S_H
#define RN_WG_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

#define BLAKE2S_BLOCK 64
#define BLAKE2S_HASH 32

struct blake2s {
	uint32_t h[8];
	uint64_t bytes; /* compressed so far */
	uint8_t block[BLAKE2S_BLOCK];
	size_t fill; /* of BLOCK */
	size_t out_len;
};

/* OUT_LEN 1 to 32, KEY_LEN 0 to 32. */
void blake2s_init(struct blake2s *s, size_t out_len, const void *key, size_t key_len);
void blake2s_add(struct blake2s *s, const void *in, size_t len);
/* Writes out_len bytes and wipes S. */
void blake2s_end(struct blake2s *s, uint8_t *out);

/* Hash of A ‖ B (either may be empty). OUT may be A or B. */
void blake2s_hash(uint8_t out[static BLAKE2S_HASH], const void *a, size_t a_len, const void *b, size_t b_len);
/* The keyed MAC of 16 bytes that messages carry. */
void blake2s_mac(uint8_t out[static 16], const uint8_t *key, size_t key_len, const void *in, size_t len);

/* HKDF with HMAC-BLAKE2s: up to three outputs (NULL: not wanted, then neither are those behind it).
 * KEY may be one of the outputs. */
void blake2s_kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t key[static BLAKE2S_HASH],
		 const void *in, size_t len);

#endif
