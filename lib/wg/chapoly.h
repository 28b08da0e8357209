/* SPDX-License-Identifier: MIT
 *
 * ChaCha20-Poly1305 (RFC 8439) for one packet in place, without additional data, for processors
 * with AVX-512 and IFMA. A packet has its own one-time key, so what counts is the way from call to
 * first result: up to 24 ChaCha20 blocks run side by side, the first of which is that key, and
 * Poly1305 takes eight blocks a step, two steps at once. No table, no branch on data: constant time.
 */
#ifndef RN_WG_CHAPOLY_H
#define RN_WG_CHAPOLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does this processor have what it takes? Otherwise the other two must not be called. */
bool chapoly_usable(void);

/* Encrypts LEN bytes and writes 16 bytes of tag behind them. */
void chapoly_seal(const uint8_t key[static 32], const uint8_t nonce[static 12], uint8_t *data,
		  size_t len);
/* LEN is without the tag, which stands behind. False: wrong tag, and DATA is as it was. */
bool chapoly_open(const uint8_t key[static 32], const uint8_t nonce[static 12], uint8_t *data,
		  size_t len);

#endif
