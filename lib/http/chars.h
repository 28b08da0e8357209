/* SPDX-License-Identifier: MIT
 *
 * Classes of bytes, one table for all of lib/http. Private to this folder.
 */
#ifndef RN_HTTP_CHARS_H
#define RN_HTTP_CHARS_H

#include "http/http.h"

enum {
	CH_TOKEN = 1,       /* tchar, RFC 9110 section 5.6.2 */
	CH_NAME = 2,        /* the same without "_": CGI cannot tell it from "-" */
	CH_TARGET = 4,      /* visible ASCII without what a URL must escape: " # < > */
	CH_HOST = 8,        /* letters, digits, "-", ".", "_" */
	CH_UNRESERVED = 16, /* RFC 3986, section 2.3 */
	CH_DIGIT = 32,
};

extern const uint8_t http_chars[256];

static inline bool ch_is(char c, uint8_t class)
{
	return http_chars[(uint8_t)c] & class;
}

/* 0 to 15, or -1. */
static inline int ch_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline char ch_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* All bytes of S, at least one. */
bool ch_all(struct str s, uint8_t class);
/* The first byte from P on that is not of the class, or END. */
const char *ch_skip(const char *p, const char *end, uint8_t class);
/* The first control byte but HTAB from P on, or END. Bytes from 0x80 up are not control. */
const char *ch_skip_value(const char *p, const char *end);

#endif
