/* SPDX-License-Identifier: MIT */
#include "base/base.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_slice(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_from_at(s, s.len - suffix.len), suffix);
}

int str_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.len, b.len);
	int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

ptrdiff_t str_find(struct str s, char c)
{
	const char *p = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return p ? p - s.ptr : -1;
}

ptrdiff_t str_find_str(struct str s, struct str needle)
{
	const char *p;

	if (needle.len == 0)
		return 0;
	p = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
	return p ? p - s.ptr : -1;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
	to = MIN(to, s.len);
	from = MIN(from, to);
	return (struct str){s.ptr ? s.ptr + from : NULL, to - from};
}

struct str str_from_at(struct str s, size_t from)
{
	return str_slice(s, from, s.len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.len && is_blank(s.ptr[0]))
		s = str_from_at(s, 1);
	while (s.len && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

bool str_cut(struct str *rest, char sep, struct str *part)
{
	ptrdiff_t at;

	if (!rest->ptr)
		return false;
	at = str_find(*rest, sep);
	if (at < 0) {
		*part = *rest;
		*rest = (struct str){NULL, 0};
		return true;
	}
	*part = str_slice(*rest, 0, (size_t)at);
	*rest = str_from_at(*rest, (size_t)at + 1);
	return true;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0 || s.len > 20 || (s.len > 1 && s.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned d = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

/* Wagner and Fischer's table, one row at a time. */
size_t str_distance(struct str a, struct str b, size_t cap)
{
	size_t row[65];

	if (a.len > 64 || b.len > 64)
		return cap;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);

			diagonal = row[j];
			row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return MIN(row[b.len], cap);
}

bool str_copy(char *dst, size_t size, struct str s)
{
	if (s.len >= size || (s.len && memchr(s.ptr, 0, s.len))) {
		if (size)
			dst[0] = 0;
		return false;
	}
	if (s.len)
		memcpy(dst, s.ptr, s.len);
	dst[s.len] = 0;
	return true;
}
