/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <sodium.h>

static int variant(enum base64_kind kind)
{
	return kind == BASE64_STD ? sodium_base64_VARIANT_ORIGINAL
				  : sodium_base64_VARIANT_URLSAFE_NO_PADDING;
}

void base64_encode(char *out, const void *bytes, size_t len, enum base64_kind kind)
{
	sodium_bin2base64(out, BASE64_SIZE(len), bytes, len, variant(kind));
}

bool base64_decode_any(void *out, size_t *len, struct str text, enum base64_kind kind)
{
	const char *end;

	/* libsodium 1.0.18 takes "/" and the other marks with their top bit set for themselves. */
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] & 0x80)
			return false;
	/* libsodium refuses non-canonical trailing bits and wrong padding by itself. */
	return sodium_base642bin(out, *len, text.ptr, text.len, NULL, len, &end, variant(kind)) == 0 &&
	       end == text.ptr + text.len;
}

bool base64_decode(void *out, size_t len, struct str text, enum base64_kind kind)
{
	size_t got = len;

	return base64_decode_any(out, &got, text, kind) && got == len;
}

void hex_encode(char *out, const void *bytes, size_t len)
{
	sodium_bin2hex(out, HEX_SIZE(len), bytes, len);
}

bool hex_decode(void *out, size_t len, struct str text)
{
	size_t got;
	const char *end;

	return text.len == 2 * len &&
	       sodium_hex2bin(out, len, text.ptr, text.len, NULL, &got, &end) == 0 &&
	       end == text.ptr + text.len;
}

/* ---- %XX ---- */

size_t utf8_len(struct str s, uint32_t *character)
{
	static const uint32_t shortest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC2 ? 2 : 0;
	uint32_t c = p[0] & (n == 1 ? 0x7F : 0xFFu >> (n + 1));

	if (n == 0 || p[0] > 0xF4 || s.len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3F);
	}
	*character = c;
	return c < shortest[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0 : n;
}

size_t utf8_wide_len(struct str s)
{
	uint32_t c;
	size_t n = utf8_len(s, &c);

	if (!n || c < 0xA0 || c == 0x61C || c == 0x200E || c == 0x200F)
		return 0;
	return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ? 0 : n;
}

static void escape(struct buf *b, struct str s, char also)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n;

	for (size_t i = 0; i < s.len; i += n) {
		unsigned char c = (unsigned char)s.ptr[i];

		n = 1;
		if (c > 0x20 && c < 0x7F && c != '%' && (char)c != also) {
			buf_add_byte(b, (char)c);
			continue;
		}
		if (c >= 0x80 && (n = utf8_wide_len(str_from_at(s, i)))) {
			buf_add(b, str_make(s.ptr + i, n));
			continue;
		}
		n = 1;
		buf_add(b, str_make((char[]){'%', hex[c >> 4], hex[c & 15]}, 3));
	}
}

void escape_value(struct buf *b, struct str s)
{
	escape(b, s, 0);
}

void escape_element(struct buf *b, struct str s)
{
	escape(b, s, ',');
}

bool unescape_value(struct buf *b, struct str s)
{
	while (s.len) {
		ptrdiff_t at = str_find(s, '%');
		unsigned char c;

		if (at < 0)
			break;
		buf_add(b, str_slice(s, 0, (size_t)at));
		if (!hex_decode(&c, 1, str_slice(s, (size_t)at + 1, (size_t)at + 3)) || c == 0)
			return false;
		buf_add_byte(b, (char)c);
		s = str_from_at(s, (size_t)at + 3);
	}
	buf_add(b, s);
	return !b->failed;
}
