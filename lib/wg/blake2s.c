/* SPDX-License-Identifier: MIT */
#include "wg/blake2s.h"

#include "base/base.h"

static const uint32_t iv[8] = {
	/* RFC 7693, 2.6 */
	0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
	0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
};

static const uint8_t sigma[10][16] = {
	/* RFC 7693, 2.7 */
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint32_t rotr(uint32_t x, unsigned n)
{
	return (x >> n) | (x << (32 - n));
}

static inline void mix(uint32_t v[static 16], unsigned a, unsigned b, unsigned c, unsigned d,
		       uint32_t x, uint32_t y)
{
	v[a] += v[b] + x;
	v[d] = rotr(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = rotr(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 7);
}

/* RFC 7693, 3.2. */
static void compress(struct blake2s *s, bool last)
{
	uint32_t v[16], m[16];

	memcpy(m, s->block, sizeof(m));
	memcpy(v, s->h, sizeof(s->h));
	memcpy(v + 8, iv, sizeof(iv));
	v[12] ^= (uint32_t)s->bytes;
	v[13] ^= (uint32_t)(s->bytes >> 32);
	if (last)
		v[14] = ~v[14];
	_Pragma("GCC unroll 10") /* each with its order of words at hand: twice as fast */
	for (unsigned r = 0; r < 10; r++) {
		const uint8_t *o = sigma[r];

		mix(v, 0, 4, 8, 12, m[o[0]], m[o[1]]);
		mix(v, 1, 5, 9, 13, m[o[2]], m[o[3]]);
		mix(v, 2, 6, 10, 14, m[o[4]], m[o[5]]);
		mix(v, 3, 7, 11, 15, m[o[6]], m[o[7]]);
		mix(v, 0, 5, 10, 15, m[o[8]], m[o[9]]);
		mix(v, 1, 6, 11, 12, m[o[10]], m[o[11]]);
		mix(v, 2, 7, 8, 13, m[o[12]], m[o[13]]);
		mix(v, 3, 4, 9, 14, m[o[14]], m[o[15]]);
	}
	for (unsigned i = 0; i < 8; i++)
		s->h[i] ^= v[i] ^ v[i + 8];
}

void blake2s_init(struct blake2s *s, size_t out_len, const void *key, size_t key_len)
{
	*s = (struct blake2s){.out_len = out_len};
	memcpy(s->h, iv, sizeof(iv));
	s->h[0] ^= 0x01010000U ^ (uint32_t)key_len << 8 ^ (uint32_t)out_len;
	if (key_len) {
		memcpy(s->block, key, key_len);
		s->fill = BLAKE2S_BLOCK;
	}
}

void blake2s_add(struct blake2s *s, const void *in, size_t len)
{
	const uint8_t *p = in;

	while (len) {
		size_t n;

		if (s->fill == BLAKE2S_BLOCK) { /* only now is it known not to be the last block */
			s->bytes += BLAKE2S_BLOCK;
			compress(s, false);
			s->fill = 0;
		}
		n = MIN(len, BLAKE2S_BLOCK - s->fill);
		memcpy(s->block + s->fill, p, n);
		s->fill += n;
		p += n;
		len -= n;
	}
}

void blake2s_end(struct blake2s *s, uint8_t *out)
{
	memset(s->block + s->fill, 0, BLAKE2S_BLOCK - s->fill);
	s->bytes += s->fill;
	compress(s, true);
	memcpy(out, s->h, s->out_len);
	secret_wipe(s, sizeof(*s));
}

void blake2s_hash(uint8_t out[static BLAKE2S_HASH], const void *a, size_t a_len, const void *b,
		  size_t b_len)
{
	struct blake2s s;

	blake2s_init(&s, BLAKE2S_HASH, NULL, 0);
	blake2s_add(&s, a, a_len);
	blake2s_add(&s, b, b_len);
	blake2s_end(&s, out);
}

void blake2s_mac(uint8_t out[static 16], const uint8_t *key, size_t key_len, const void *in,
		 size_t len)
{
	struct blake2s s;

	blake2s_init(&s, 16, key, key_len);
	blake2s_add(&s, in, len);
	blake2s_end(&s, out);
}

/* ---- HMAC (RFC 2104) and HKDF (RFC 5869) ---- */

static void hmac(uint8_t out[static BLAKE2S_HASH], const uint8_t key[static BLAKE2S_HASH],
		 const void *in, size_t len, const uint8_t *suffix, size_t suffix_len)
{
	uint8_t pad[BLAKE2S_BLOCK], inner[BLAKE2S_HASH];
	struct blake2s s;

	memset(pad, 0x36, sizeof(pad));
	for (size_t i = 0; i < BLAKE2S_HASH; i++)
		pad[i] ^= key[i];
	blake2s_init(&s, BLAKE2S_HASH, NULL, 0);
	blake2s_add(&s, pad, sizeof(pad));
	blake2s_add(&s, in, len);
	blake2s_add(&s, suffix, suffix_len);
	blake2s_end(&s, inner);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	blake2s_hash(out, pad, sizeof(pad), inner, sizeof(inner));
	secret_wipe(pad, sizeof(pad));
	secret_wipe(inner, sizeof(inner));
}

void blake2s_kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3,
		 const uint8_t key[static BLAKE2S_HASH], const void *in, size_t len)
{
	uint8_t *const outs[] = {out1, out2, out3};
	uint8_t secret[BLAKE2S_HASH], t[BLAKE2S_HASH];
	uint8_t n = 0;

	hmac(secret, key, in, len, NULL, 0);
	for (; n < ARRAY_LEN(outs) && outs[n]; n++) {
		hmac(t, secret, t, n ? sizeof(t) : 0, &(uint8_t){(uint8_t)(n + 1)}, 1);
		memcpy(outs[n], t, sizeof(t));
	}
	secret_wipe(secret, sizeof(secret));
	secret_wipe(t, sizeof(t));
}
