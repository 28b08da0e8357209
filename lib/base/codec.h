/* SPDX-License-Identifier: MIT
 *
 * Text codings of bytes (RFC 4648), strict on input: no blanks, right padding, no stray bits; and
 * the %XX escape of record values (RFC 3986, section 2.1).
 */
#ifndef RN_CODEC_H
#define RN_CODEC_H

#include "base/mem.h"
#include "base/str.h"

enum base64_kind {
	BASE64_STD, /* + / and padding, as wg prints keys */
	BASE64_URL, /* - _ and no padding, for tokens in URLs */
};

/* Bytes needed with the final NUL. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)
#define HEX_SIZE(n) ((n)*2 + 1)

/* Writes text and a NUL into OUT, which has room for BASE64_SIZE(len) or HEX_SIZE(len). */
void base64_encode(char *out, const void *bytes, size_t len, enum base64_kind kind);
void hex_encode(char *out, const void *bytes, size_t len);
/* False unless TEXT is well formed and stands for exactly LEN bytes (or, for the _any form, at most
 * *LEN, which is then set). Not constant time in the content's validity, only for its value. */
bool base64_decode(void *out, size_t len, struct str text, enum base64_kind kind);
bool base64_decode_any(void *out, size_t *len, struct str text, enum base64_kind kind);
bool hex_decode(void *out, size_t len, struct str text);

/* Length of the UTF-8 character (RFC 3629) that S, not empty, begins with, and the character; 0 if it
 * is not well formed. */
size_t utf8_len(struct str s, uint32_t *character);
/* The same for a character that a value may hold plainly, else 0: U+00A0 and up, without the
 * bidirectional controls, which make a line read differently from what it says. */
size_t utf8_wide_len(struct str s);

/* Adds S in canonical record form: bytes that a value cannot hold plainly become %XX. */
void escape_value(struct buf *b, struct str s);
/* The same where S is one element of a list: a comma is escaped too. */
void escape_element(struct buf *b, struct str s);
/* Undoes %XX into B. False on a bad or a %00 escape. */
bool unescape_value(struct buf *b, struct str s);

#endif
