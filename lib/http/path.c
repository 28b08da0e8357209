/* SPDX-License-Identifier: MIT
 *
 * Paths as they are routed on, and percent-coding (RFC 3986, sections 2.1 and 5.2.4).
 */
#include "http/chars.h"

/* The byte that %XX at the front of S stands for, or -1. */
static int escape_at(const char *p, const char *end)
{
	if (end - p < 3)
		return -1;
	int high = ch_hex(p[1]), low = ch_hex(p[2]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Ends the segment that begins at SEGMENT (behind its slash): "." goes, ".." takes the one before
 * with it. Returns the new end, or NULL above the root. */
static char *close_segment(char *start, char *segment, char *end)
{
	struct str name = str_make(segment, (size_t)(end - segment));

	if (str_is(name, "."))
		return segment;
	if (!str_is(name, ".."))
		return end;
	segment--; /* on its slash */
	if (segment == start)
		return NULL;
	while (segment[-1] != '/')
		segment--;
	return segment;
}

/* One byte of a path with its escape undone; *kept for those that stay escaped: slash and
 * backslash, which a target may or may not take for a border, and the percent sign, so that two
 * different paths never look the same. -1 if it must be refused. */
static int path_byte(const char **p, const char *end, bool *kept)
{
	int c = (uint8_t) * *p;

	*kept = false;
	if (c == '%') {
		c = escape_at(*p, end);
		*p += 2;
		*kept = c == '/' || c == '\\' || c == '%';
	}
	*p += 1;
	if (c < 0x20 || c == 0x7f || (c == '\\' && !*kept))
		return -1;
	return c;
}

bool http_path_normalise(char *out, size_t *len, struct str path)
{
	char *to = out, *segment = out + 1;

	if (path.len == 0 || path.ptr[0] != '/')
		return false;
	const char *p = path.ptr, *end = p + path.len;
	while (p < end) {
		bool kept;
		int c = path_byte(&p, end, &kept);

		if (c < 0)
			return false;
		if (kept) {
			*to++ = '%';
			*to++ = "0123456789ABCDEF"[c >> 4];
			*to++ = "0123456789ABCDEF"[c & 15];
		} else if (c != '/') {
			*to++ = (char)c;
		} else {
			if (to > out && !(to = close_segment(out, segment, to)))
				return false;
			if (to == out || to[-1] != '/')
				*to++ = '/';
			segment = to;
		}
	}
	to = close_segment(out, segment, to);
	if (!to)
		return false;
	*to = '\0';
	*len = (size_t)(to - out);
	return true;
}

bool http_path_under(struct str path, struct str prefix)
{
	if (!str_starts(path, prefix))
		return false;
	return path.len == prefix.len || prefix.len == 0 || prefix.ptr[prefix.len - 1] == '/' ||
	       path.ptr[prefix.len] == '/';
}

bool http_percent_decode(struct buf *b, struct str s, bool plus)
{
	for (size_t i = 0; i < s.len; i++) {
		int c = (uint8_t)s.ptr[i];

		if (c == '%') {
			c = escape_at(s.ptr + i, s.ptr + s.len);
			if (c <= 0)
				return false;
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		buf_add_byte(b, (char)c);
	}
	return !b->failed;
}

void http_percent_encode(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (ch_is(s.ptr[i], CH_UNRESERVED))
			buf_add_byte(b, s.ptr[i]);
		else
			buf_addf(b, "%%%02X", (unsigned)(uint8_t)s.ptr[i]);
	}
}
