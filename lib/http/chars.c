/* SPDX-License-Identifier: MIT */
#include "http/chars.h"

#include <endian.h>

#define ALNUM (CH_TOKEN | CH_NAME | CH_TARGET | CH_HOST | CH_UNRESERVED)
#define TCHAR (CH_TOKEN | CH_NAME | CH_TARGET)

const uint8_t http_chars[256] = {
	['0' ... '9'] = ALNUM | CH_DIGIT,
	['A' ... 'Z'] = ALNUM,
	['a' ... 'z'] = ALNUM,
	['!'] = TCHAR,
	['"'] = 0,
	['#'] = CH_TOKEN | CH_NAME,
	['$'] = TCHAR,
	['%'] = TCHAR,
	['&'] = TCHAR,
	['\''] = TCHAR,
	['('] = CH_TARGET,
	[')'] = CH_TARGET,
	['*'] = TCHAR,
	['+'] = TCHAR,
	[','] = CH_TARGET,
	['-'] = TCHAR | CH_HOST | CH_UNRESERVED,
	['.'] = TCHAR | CH_HOST | CH_UNRESERVED,
	['/'] = CH_TARGET,
	[':'] = CH_TARGET,
	[';'] = CH_TARGET,
	['='] = CH_TARGET,
	['?'] = CH_TARGET,
	['@'] = CH_TARGET,
	['['] = CH_TARGET,
	['\\'] = CH_TARGET,
	[']'] = CH_TARGET,
	['^'] = TCHAR,
	['_'] = CH_TOKEN | CH_TARGET | CH_HOST | CH_UNRESERVED,
	['`'] = TCHAR,
	['{'] = CH_TARGET,
	['|'] = TCHAR,
	['}'] = CH_TARGET,
	['~'] = TCHAR | CH_UNRESERVED,
};

const char *ch_skip(const char *p, const char *end, uint8_t class)
{
	while (p < end && ch_is(*p, class))
		p++;
	return p;
}

bool ch_all(struct str s, uint8_t class)
{
	return s.len > 0 && ch_skip(s.ptr, s.ptr + s.len, class) == s.ptr + s.len;
}

/* Eight bytes at a time: a byte below 0x20 borrows into its top bit, and 0x7f is looked for as zero
 * after XOR. The lowest flagged byte is always right; higher ones may be a carry: not used. */
static inline uint64_t control_mask(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	uint64_t del = w ^ (ones * 0x7f);

	return ((w - ones * 0x20) & ~w & tops) | ((del - ones) & ~del & tops);
}

const char *ch_skip_value(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		uint64_t mask = control_mask(le64toh(w));
		if (!mask) {
			p += 8;
			continue;
		}
		p += __builtin_ctzll(mask) / 8;
		if (*p != '\t')
			return p;
		p++;
	}
	while (p < end && (*p == '\t' || ((uint8_t)*p >= 0x20 && *p != 0x7f)))
		p++;
	return p;
}
