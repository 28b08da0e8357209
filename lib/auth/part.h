/* SPDX-License-Identifier: MIT
 *
 * What the token formats of this folder share; not for others.
 */
#ifndef RN_AUTH_PART_H
#define RN_AUTH_PART_H

#include "auth/auth.h"
#include "record/record.h"

#define PART_TIME_MAX 253402300799u /* the end of the year 9999 */

/* 1 to MAX bytes of letters, digits, and - _ . (nodes, resources). */
bool part_is_name(struct str s, size_t max);
/* A DNS name in lower case (RFC 1123, section 2.1) or an IPv4 address: at most AUTH_HOST_MAX bytes,
 * labels of 1 to 63, no dot at the end, no hyphen at a label's edge. */
bool part_is_host(struct str s);

/* Adds BASE64URL(LINE) "." BASE64URL(PROOF); the text form of assertions and sessions. */
void part_join(struct buf *b, struct str line, const void *proof, size_t proof_len);
/* The reverse: decodes the line into LINE (cleared first) and exactly PROOF_LEN bytes into PROOF.
 */
bool part_split(struct buf *line, void *proof, size_t proof_len, struct str text);

/* Copies the decoded value of KEY into DST; false when absent, damaged or too long. */
bool part_get(char *dst, size_t size, const struct rec *r, const char *key);
/* The same as written, for lists. */
bool part_get_raw(char *dst, size_t size, const struct rec *r, const char *key);
bool part_get_time(int64_t *out, const struct rec *r, const char *key);

#endif
