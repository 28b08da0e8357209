/* SPDX-License-Identifier: MIT
 *
 * lib/record inside: how far a run of key bytes or of plain value bytes goes. Sixteen bytes at a
 * time where SSE2 is (each x86-64), by table elsewhere. The last bytes of a line are looked at
 * through the sixteen that end it, so nothing outside the line is ever read.
 */
#ifndef RN_RECORD_SCAN_H
#define RN_RECORD_SCAN_H

#include "base/base.h"

enum {
	REC_CLASS_KEY = 1,   /* a-z 0-9 _ */
	REC_CLASS_PLAIN = 2, /* 0x21-0x7E except % */
};
extern const uint8_t rec_class[256];

static inline const char *rec_scan_slow(const char *p, const char *end, uint8_t class)
{
	while (p < end && (rec_class[(uint8_t)*p] & class))
		p++;
	return p;
}

#ifdef __SSE2__
#include <emmintrin.h>

static inline __m128i rec_between(__m128i v, char low, char high)
{
	return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(low - 1))),
			     _mm_cmplt_epi8(v, _mm_set1_epi8((char)(high + 1))));
}

/* Bit i is set when byte i is not of the class. Comparisons are signed: 0x80 and up are below. */
static inline uint32_t rec_others(const char *p, uint8_t class)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), in;
	if (class == REC_CLASS_KEY) {
		in = _mm_or_si128(rec_between(v, 'a', 'z'), rec_between(v, '0', '9'));
		in = _mm_or_si128(in, _mm_cmpeq_epi8(v, _mm_set1_epi8('_')));
		return ~(uint32_t)_mm_movemask_epi8(in) & 0xFFFF;
	}
	__m128i out = _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8('!')),
				   _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7F)));
	out = _mm_or_si128(out, _mm_cmpeq_epi8(v, _mm_set1_epi8('%')));
	return (uint32_t)_mm_movemask_epi8(out);
}

/* The first byte in [p, end) that is not of the class, or END. LINE is where the line begins. */
static inline const char *rec_scan(const char *line, const char *p, const char *end, uint8_t class)
{
	for (; end - p >= 16; p += 16) {
		uint32_t others = rec_others(p, class);
		if (others)
			return p + __builtin_ctz(others);
	}
	if (end - line < 16)
		return rec_scan_slow(p, end, class);
	const char *last = end - 16;
	uint32_t others = rec_others(last, class) >> (p - last);
	return others ? p + __builtin_ctz(others) : end;
}
#else
static inline const char *rec_scan(const char *line, const char *p, const char *end, uint8_t class)
{
	(void)line;
	return rec_scan_slow(p, end, class);
}
#endif

#endif
