/* SPDX-License-Identifier: MIT
 *
 * Strings by pointer and length, passed by value. A str never owns its bytes; they live in an
 * arena, a buffer or a literal. It need not end in NUL and may hold any byte.
 */
#ifndef RN_STR_H
#define RN_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *ptr;
	size_t len;
};

#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})
#define STR_INIT(lit) {(lit), sizeof(lit) - 1}
/* printf("%.*s", STR_ARG(s)): at most INT_MAX bytes, which every limit here is far below. */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str str_from(const char *cstr)
{
	return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct str str_make(const void *ptr, size_t len)
{
	return (struct str){ptr, len};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_is(struct str a, const char *cstr)
{
	return str_eq(a, str_from(cstr));
}

/* ASCII case folded; for host names and header names. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Byte order, shorter first on a tie, as LC_ALL=C sort. */
int str_cmp(struct str a, struct str b);
/* Index of byte C, or -1. */
ptrdiff_t str_find(struct str s, char c);
/* Index of the first NEEDLE, or -1. */
ptrdiff_t str_find_str(struct str s, struct str needle);
/* From byte FROM on, clamped to the end. */
struct str str_from_at(struct str s, size_t from);
struct str str_slice(struct str s, size_t from, size_t to);
/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);

/* Takes the part before the next SEP off *rest into *part. False when *rest is used up (its ptr
 * NULL): "a,,b" gives "a", "", "b"; an empty string gives one empty part. */
bool str_cut(struct str *rest, char sep, struct str *part);

/* Decimal digits only: no sign, no blank, no leading zero (but "0"), no overflow past MAX. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);

/* How many single-byte edits lead from A to B, at most CAP; for "did you mean". */
size_t str_distance(struct str a, struct str b, size_t cap);

/* Copies into a NUL-terminated array; false (and an empty string) if it does not fit or holds NUL. */
bool str_copy(char *dst, size_t size, struct str s);

#endif
