/* SPDX-License-Identifier: MIT */
#include "wg/chapoly.h"

#include "base/base.h"

#ifndef __x86_64__

bool chapoly_usable(void)
{
	return false;
}

void chapoly_seal(const uint8_t key[static 32], const uint8_t nonce[static 12], uint8_t *data,
		  size_t len)
{
	(void)key, (void)nonce, (void)data, (void)len;
	rn_assert(!"chapoly_seal without chapoly_usable");
}

bool chapoly_open(const uint8_t key[static 32], const uint8_t nonce[static 12], uint8_t *data,
		  size_t len)
{
	(void)key, (void)nonce, (void)data, (void)len;
	return false;
}

#else

#include <immintrin.h>

#define WITH_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512ifma,bmi2")))
/* Without it arrays of vectors would be kept in memory. */
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE_AVX512 static inline __attribute__((always_inline)) WITH_AVX512

bool chapoly_usable(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("bmi2");
}

/* ---- ChaCha20: groups of four blocks, a row of the state of all four in one vector ---- */

#define GROUPS_MAX 6U
#define STREAM_MAX (GROUPS_MAX * 4)

struct state {
	__m512i rows[4];
};

INLINE_AVX512 void load_state(struct state *s, const uint8_t key[static 32],
			      const uint8_t nonce[static 12])
{
	uint32_t n[3];

	memcpy(n, nonce, sizeof(n));
	s->rows[0] = _mm512_broadcast_i32x4(
		_mm_setr_epi32(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574));
	s->rows[1] = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)key));
	s->rows[2] =
		_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(key + 16)));
	s->rows[3] = _mm512_broadcast_i32x4(_mm_setr_epi32(0, (int)n[0], (int)n[1], (int)n[2]));
	s->rows[3] = _mm512_add_epi32(
		s->rows[3], _mm512_setr_epi32(0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0));
}

/* A quarter round on each column (RFC 8439, 2.1), of all groups in step so that they overlap. */
INLINE_AVX512 void quarter_rounds(struct state g[], unsigned groups)
{
	UNROLL
	for (unsigned i = 0; i < groups; i++) {
		__m512i *r = g[i].rows;

		r[0] = _mm512_add_epi32(r[0], r[1]);
		r[3] = _mm512_rol_epi32(_mm512_xor_si512(r[3], r[0]), 16);
	}
	UNROLL
	for (unsigned i = 0; i < groups; i++) {
		__m512i *r = g[i].rows;

		r[2] = _mm512_add_epi32(r[2], r[3]);
		r[1] = _mm512_rol_epi32(_mm512_xor_si512(r[1], r[2]), 12);
	}
	UNROLL
	for (unsigned i = 0; i < groups; i++) {
		__m512i *r = g[i].rows;

		r[0] = _mm512_add_epi32(r[0], r[1]);
		r[3] = _mm512_rol_epi32(_mm512_xor_si512(r[3], r[0]), 8);
	}
	UNROLL
	for (unsigned i = 0; i < groups; i++) {
		__m512i *r = g[i].rows;

		r[2] = _mm512_add_epi32(r[2], r[3]);
		r[1] = _mm512_rol_epi32(_mm512_xor_si512(r[1], r[2]), 7);
	}
}

/* Turns rows 1 to 3 so that diagonals become columns, and back. */
#define TURN(g, groups, a, b, c)                                                                   \
	UNROLL                                                                                     \
	for (unsigned i = 0; i < (groups); i++) {                                                  \
		(g)[i].rows[1] = _mm512_shuffle_epi32((g)[i].rows[1], (a));                        \
		(g)[i].rows[2] = _mm512_shuffle_epi32((g)[i].rows[2], (b));                        \
		(g)[i].rows[3] = _mm512_shuffle_epi32((g)[i].rows[3], (c));                        \
	}

/* Rows of four blocks to the four blocks. */
INLINE_AVX512 void transpose(__m512i out[static 4], const struct state *s)
{
	__m512i ab_low = _mm512_shuffle_i32x4(s->rows[0], s->rows[1], 0x44);
	__m512i ab_high = _mm512_shuffle_i32x4(s->rows[0], s->rows[1], 0xEE);
	__m512i cd_low = _mm512_shuffle_i32x4(s->rows[2], s->rows[3], 0x44);
	__m512i cd_high = _mm512_shuffle_i32x4(s->rows[2], s->rows[3], 0xEE);

	out[0] = _mm512_shuffle_i32x4(ab_low, cd_low, 0x88);
	out[1] = _mm512_shuffle_i32x4(ab_low, cd_low, 0xDD);
	out[2] = _mm512_shuffle_i32x4(ab_high, cd_high, 0x88);
	out[3] = _mm512_shuffle_i32x4(ab_high, cd_high, 0xDD);
}

/* The next 4 * GROUPS blocks of key stream; the block counter in S moves on. */
INLINE_AVX512 void stream(__m512i out[], struct state *s, unsigned groups)
{
	const __m512i four = _mm512_setr_epi32(4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0);
	struct state g[GROUPS_MAX];
	__m512i counters[GROUPS_MAX];

	UNROLL
	for (unsigned i = 0; i < groups; i++) {
		g[i] = *s;
		counters[i] = s->rows[3];
		s->rows[3] = _mm512_add_epi32(s->rows[3], four);
	}
	for (unsigned round = 0; round < 10; round++) {
		quarter_rounds(g, groups);
		TURN(g, groups, 0x39, 0x4E, 0x93)
		quarter_rounds(g, groups);
		TURN(g, groups, 0x93, 0x4E, 0x39)
	}
	UNROLL
	for (unsigned i = 0; i < groups; i++) {
		g[i].rows[0] = _mm512_add_epi32(g[i].rows[0], s->rows[0]);
		g[i].rows[1] = _mm512_add_epi32(g[i].rows[1], s->rows[1]);
		g[i].rows[2] = _mm512_add_epi32(g[i].rows[2], s->rows[2]);
		g[i].rows[3] = _mm512_add_epi32(g[i].rows[3], counters[i]);
		transpose(out + (size_t)i * 4, &g[i]);
	}
}

/* As many blocks as LEN more bytes need and fit; returns how many there are. */
WITH_AVX512 static unsigned stream_for(__m512i out[static STREAM_MAX], struct state *s, size_t len)
{
	if (len <= 4 * 64) {
		stream(out, s, 1);
		return 4;
	}
	if (len <= 8 * 64) {
		stream(out, s, 2);
		return 8;
	}
	if (len <= 16 * 64) {
		stream(out, s, 4);
		return 16;
	}
	stream(out, s, GROUPS_MAX);
	return STREAM_MAX;
}

/* XORs up to N blocks of key stream onto DATA; returns how many bytes that were. */
INLINE_AVX512 size_t xor_blocks(uint8_t *data, size_t len, const __m512i *key_stream, unsigned n)
{
	size_t whole = MIN(len / 64, n);

	for (size_t i = 0; i < whole; i++, data += 64)
		_mm512_storeu_si512(data,
				    _mm512_xor_si512(_mm512_loadu_si512(data), key_stream[i]));
	if (whole == n || !(len % 64))
		return whole * 64;
	const __mmask64 mask = (1ULL << len % 64) - 1;
	const __m512i text = _mm512_maskz_loadu_epi8(mask, data);
	_mm512_mask_storeu_epi8(data, mask, _mm512_xor_si512(text, key_stream[whole]));
	return len;
}

/* ---- Poly1305: limbs of 44, 44 and 42 bits ---- */

#define M44 ((1ULL << 44) - 1)
#define M42 ((1ULL << 42) - 1)

struct num {
	uint64_t v[3];
};

struct nums { /* eight of them side by side */
	__m512i v[3];
};

static inline struct num num_load(const uint8_t b[static 16], uint64_t high_bit)
{
	uint64_t lo, hi;

	memcpy(&lo, b, 8);
	memcpy(&hi, b + 8, 8);
	return (struct num){{lo & M44, ((lo >> 44) | (hi << 20)) & M44, (hi >> 24) | high_bit}};
}

/* A * B modulo 2^130 - 5, limbs a little over their size at most. */
static inline struct num num_mul(struct num a, struct num b)
{
	const uint64_t s1 = b.v[1] * 20, s2 = b.v[2] * 20;
	unsigned __int128 d0, d1, d2;
	struct num out;

	d0 = (unsigned __int128)a.v[0] * b.v[0] + (unsigned __int128)a.v[1] * s2 +
	     (unsigned __int128)a.v[2] * s1;
	d1 = (unsigned __int128)a.v[0] * b.v[1] + (unsigned __int128)a.v[1] * b.v[0] +
	     (unsigned __int128)a.v[2] * s2;
	d2 = (unsigned __int128)a.v[0] * b.v[2] + (unsigned __int128)a.v[1] * b.v[1] +
	     (unsigned __int128)a.v[2] * b.v[0];
	d1 += (uint64_t)(d0 >> 44);
	d2 += (uint64_t)(d1 >> 44);
	out.v[0] = ((uint64_t)d0 & M44) + (uint64_t)(d2 >> 42) * 5;
	out.v[1] = ((uint64_t)d1 & M44) + (out.v[0] >> 44);
	out.v[2] = (uint64_t)d2 & M42;
	out.v[0] &= M44;
	return out;
}

/* Products that are summed up before they are carried: limbs of 52 bits and what is above them. */
struct sums {
	__m512i lo[3], hi[3];
};

INLINE_AVX512 void sums_add(struct sums *s, struct nums a, struct nums b)
{
	__m512i s1, s2;

	s1 = _mm512_add_epi64(_mm512_slli_epi64(b.v[1], 4), _mm512_slli_epi64(b.v[1], 2));
	s2 = _mm512_add_epi64(_mm512_slli_epi64(b.v[2], 4), _mm512_slli_epi64(b.v[2], 2));
#define ROW(i, x, y, z)                                                                            \
	s->lo[i] = _mm512_madd52lo_epu64(s->lo[i], a.v[0], (x));                                   \
	s->hi[i] = _mm512_madd52hi_epu64(s->hi[i], a.v[0], (x));                                   \
	s->lo[i] = _mm512_madd52lo_epu64(s->lo[i], a.v[1], (y));                                   \
	s->hi[i] = _mm512_madd52hi_epu64(s->hi[i], a.v[1], (y));                                   \
	s->lo[i] = _mm512_madd52lo_epu64(s->lo[i], a.v[2], (z));                                   \
	s->hi[i] = _mm512_madd52hi_epu64(s->hi[i], a.v[2], (z))
	ROW(0, b.v[0], s2, s1);
	ROW(1, b.v[1], b.v[0], s2);
	ROW(2, b.v[2], b.v[1], b.v[0]);
#undef ROW
}

INLINE_AVX512 struct nums sums_carry(struct sums s)
{
	const __m512i m44 = _mm512_set1_epi64((long long)M44);
	__m512i c;
	struct nums out;

	/* After its shift HI is worth one limb more than LO; that of row 2 2^132. */
	UNROLL
	for (unsigned i = 0; i < 3; i++)
		s.hi[i] = _mm512_slli_epi64(s.hi[i], 8);
	s.lo[1] = _mm512_add_epi64(s.lo[1],
				   _mm512_add_epi64(s.hi[0], _mm512_srli_epi64(s.lo[0], 44)));
	s.lo[2] = _mm512_add_epi64(s.lo[2],
				   _mm512_add_epi64(s.hi[1], _mm512_srli_epi64(s.lo[1], 44)));
	c = _mm512_add_epi64(_mm512_srli_epi64(s.lo[2], 42),
			     _mm512_slli_epi64(s.hi[2], 2)); /* of 2^130 */
	c = _mm512_add_epi64(c, _mm512_slli_epi64(c, 2));
	out.v[0] = _mm512_add_epi64(_mm512_and_si512(s.lo[0], m44), c);
	out.v[1] =
		_mm512_add_epi64(_mm512_and_si512(s.lo[1], m44), _mm512_srli_epi64(out.v[0], 44));
	out.v[0] = _mm512_and_si512(out.v[0], m44);
	out.v[2] = _mm512_and_si512(s.lo[2], _mm512_set1_epi64((long long)M42));
	return out;
}

INLINE_AVX512 struct nums nums_mul(struct nums a, struct nums b)
{
	struct sums s;

	UNROLL
	for (unsigned i = 0; i < 3; i++)
		s.lo[i] = s.hi[i] = _mm512_setzero_si512();
	sums_add(&s, a, b);
	return sums_carry(s);
}

/* A * X + B * Y, carried once. */
INLINE_AVX512 struct nums nums_mul_two(struct nums a, struct nums x, struct nums b, struct nums y)
{
	struct sums s;

	UNROLL
	for (unsigned i = 0; i < 3; i++)
		s.lo[i] = s.hi[i] = _mm512_setzero_si512();
	sums_add(&s, b, y);
	sums_add(&s, a, x);
	return sums_carry(s);
}

/* Adds eight message blocks, given as two vectors. */
INLINE_AVX512 struct nums nums_add_blocks(struct nums h, __m512i a, __m512i b)
{
	const __m512i m44 = _mm512_set1_epi64((long long)M44);
	__m512i lo = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b);
	__m512i hi = _mm512_permutex2var_epi64(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b);
	__m512i mid = _mm512_or_si512(_mm512_srli_epi64(lo, 44), _mm512_slli_epi64(hi, 20));
	__m512i top = _mm512_or_si512(_mm512_srli_epi64(hi, 24), _mm512_set1_epi64(1LL << 40));

	h.v[0] = _mm512_add_epi64(h.v[0], _mm512_and_si512(lo, m44));
	h.v[1] = _mm512_add_epi64(h.v[1], _mm512_and_si512(mid, m44));
	h.v[2] = _mm512_add_epi64(h.v[2], top);
	return h;
}

/* Lanes r^8, r^7, … r. */
INLINE_AVX512 struct nums powers_of(struct num r)
{
	struct num r2 = num_mul(r, r), r3 = num_mul(r2, r), r4 = num_mul(r2, r2);
	struct nums a, b;

	UNROLL
	for (unsigned i = 0; i < 3; i++) {
		const long long one = i == 0, f = (long long)r4.v[i];

		a.v[i] = _mm512_setr_epi64(f, f, f, f, one, one, one, one);
		b.v[i] = _mm512_setr_epi64(f, (long long)r3.v[i], (long long)r2.v[i],
					   (long long)r.v[i], f, (long long)r3.v[i],
					   (long long)r2.v[i], (long long)r.v[i]);
	}
	return nums_mul(a, b);
}

#define STEP_BYTES 128U

/* Eight message blocks. */
INLINE_AVX512 struct nums nums_load(const uint8_t *data)
{
	const __m512i zero = _mm512_setzero_si512();

	return nums_add_blocks((struct nums){{zero, zero, zero}}, _mm512_loadu_si512(data),
			       _mm512_loadu_si512(data + 64));
}

/* The polynomial over N whole steps of eight blocks, two at a time: the second of a pair does not
 * wait for what was before. */
INLINE_AVX512 struct num poly_steps(struct num r, const uint8_t *data, size_t n)
{
	struct nums powers = powers_of(r), h = nums_load(data), r8, r16;
	struct num out;

	UNROLL
	for (unsigned i = 0; i < 3; i++)
		r8.v[i] = _mm512_broadcastq_epi64(_mm512_castsi512_si128(powers.v[i]));
	r16 = nums_mul(r8, r8);
	for (data += STEP_BYTES, n--; n >= 2; n -= 2, data += 2 * (size_t)STEP_BYTES)
		h = nums_add_blocks(nums_mul_two(h, r16, nums_load(data), r8),
				    _mm512_loadu_si512(data + STEP_BYTES),
				    _mm512_loadu_si512(data + STEP_BYTES + 64));
	if (n)
		h = nums_add_blocks(nums_mul(h, r8), _mm512_loadu_si512(data),
				    _mm512_loadu_si512(data + 64));
	h = nums_mul(h, powers);
	UNROLL
	for (unsigned i = 0; i < 3; i++)
		out.v[i] = (uint64_t)_mm512_reduce_add_epi64(h.v[i]);
	out.v[1] += out.v[0] >> 44;
	out.v[0] &= M44;
	out.v[2] += out.v[1] >> 44;
	out.v[1] &= M44;
	out.v[0] += (out.v[2] >> 42) * 5;
	out.v[2] &= M42;
	return out;
}

static inline struct num poly_block(struct num h, struct num r, const uint8_t b[static 16])
{
	struct num m = num_load(b, 1ULL << 40);

	for (unsigned i = 0; i < 3; i++)
		h.v[i] += m.v[i];
	return num_mul(h, r);
}

/* H modulo 2^130 - 5, exactly, plus PAD, modulo 2^128 (RFC 8439, 2.5). */
static void poly_end(uint8_t tag[static 16], struct num h, const uint8_t pad[static 16])
{
	uint64_t lo, hi, p_lo, p_hi, take;
	struct num g;

	for (unsigned i = 0; i < 2; i++) { /* carry all the way round, twice to be sure */
		h.v[1] += h.v[0] >> 44;
		h.v[0] &= M44;
		h.v[2] += h.v[1] >> 44;
		h.v[1] &= M44;
		h.v[0] += (h.v[2] >> 42) * 5;
		h.v[2] &= M42;
	}
	h.v[1] += h.v[0] >> 44;
	h.v[0] &= M44;
	g.v[0] = h.v[0] + 5; /* g = h - (2^130 - 5), if that is not negative */
	g.v[1] = h.v[1] + (g.v[0] >> 44);
	g.v[2] = h.v[2] + (g.v[1] >> 44);
	take = 0 - (g.v[2] >> 42);
	for (unsigned i = 0; i < 3; i++)
		h.v[i] = (h.v[i] & ~take) | (g.v[i] & (i < 2 ? M44 : M42) & take);
	lo = h.v[0] | h.v[1] << 44;
	hi = h.v[1] >> 20 | h.v[2] << 24;
	memcpy(&p_lo, pad, 8);
	memcpy(&p_hi, pad + 8, 8);
	lo += p_lo;
	hi += p_hi + (lo < p_lo);
	memcpy(tag, &lo, 8);
	memcpy(tag + 8, &hi, 8);
}

#define STEPS_PAY_FROM 2U /* fewer steps cost more in powers than they save */

/* The tag of LEN bytes of cipher text under the one-time key OTK. */
WITH_AVX512 static void poly_tag(uint8_t tag[static 16], const uint8_t otk[static 32],
				 const uint8_t *data, size_t len)
{
	static const uint8_t clamp[16] = {255, 255, 255, 15, 252, 255, 255, 15,
					  252, 255, 255, 15, 252, 255, 255, 15};
	uint8_t last[16] = {0};
	uint64_t bytes = len;
	struct num r, h = {{0, 0, 0}};

	for (unsigned i = 0; i < 16; i++)
		last[i] = otk[i] & clamp[i];
	r = num_load(last, 0);
	if (len / STEP_BYTES >= STEPS_PAY_FROM) {
		h = poly_steps(r, data, len / STEP_BYTES);
		data += len / STEP_BYTES * STEP_BYTES;
		len %= STEP_BYTES;
	}
	for (; len >= 16; data += 16, len -= 16)
		h = poly_block(h, r, data);
	if (len) {
		memset(last, 0, sizeof(last));
		memcpy(last, data, len);
		h = poly_block(h, r, last);
	}
	memset(last, 0, 8);
	memcpy(last + 8, &bytes, 8); /* lengths: none of additional data, and that of the text */
	h = poly_block(h, r, last);
	poly_end(tag, h, otk + 16);
}

/* ---- both ---- */

/* In constant time, as secret_eq, which is ten times slower. */
static inline bool tag_eq(const uint8_t a[static 16], const uint8_t b[static 16])
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* Applies the key stream behind BLOCKS[1], of which N are made. */
INLINE_AVX512 void crypt(struct state *s, __m512i blocks[static STREAM_MAX], unsigned n,
			 uint8_t *data, size_t len)
{
	size_t done = xor_blocks(data, len, blocks + 1, n - 1);

	while (done < len) {
		n = stream_for(blocks, s, len - done);
		done += xor_blocks(data + done, len - done, blocks, n);
	}
}

WITH_AVX512 void chapoly_seal(const uint8_t key[static 32], const uint8_t nonce[static 12],
			      uint8_t *data, size_t len)
{
	__m512i blocks[STREAM_MAX];
	uint8_t otk[64];
	struct state s;
	unsigned n;

	load_state(&s, key, nonce);
	n = stream_for(blocks, &s, len + 64);
	_mm512_storeu_si512(otk, blocks[0]);
	crypt(&s, blocks, n, data, len);
	poly_tag(data + len, otk, data, len);
}

WITH_AVX512 bool chapoly_open(const uint8_t key[static 32], const uint8_t nonce[static 12],
			      uint8_t *data, size_t len)
{
	__m512i blocks[STREAM_MAX];
	uint8_t otk[64], tag[16];
	struct state s;
	unsigned n;

	load_state(&s, key, nonce);
	n = stream_for(blocks, &s, len + 64);
	_mm512_storeu_si512(otk, blocks[0]);
	poly_tag(tag, otk, data, len);
	if (!tag_eq(tag, data + len))
		return false;
	crypt(&s, blocks, n, data, len);
	return true;
}

#endif
