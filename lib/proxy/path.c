/* SPDX-License-Identifier: MIT */
#include "proxy/path.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *i with its escape undone, an escape of "%" included ("%252e" is "."), a backslash as
 * a slash; *i moves behind it. */
static char path_byte(struct str path, size_t *i)
{
	size_t at = *i + 1;
	char c = path.ptr[*i];

	if (c == '%') {
		while (path.len - at > 2 && path.ptr[at] == '2' && path.ptr[at + 1] == '5')
			at += 2;
		int high = at < path.len ? hex(path.ptr[at]) : -1;
		int low = at + 1 < path.len ? hex(path.ptr[at + 1]) : -1;

		if (high >= 0 && low >= 0) {
			c = (char)(high << 4 | low);
			*i = at + 1;
		}
	}
	++*i;
	return c == '\\' ? '/' : c;
}

struct segment { /* without its parameters */
	size_t len, dots;
	bool parameters;
};

static bool is_dots(const struct segment *s)
{
	return s->len > 0 && s->len == s->dots && s->dots <= 2;
}

bool path_climbs(struct str path)
{
	struct segment s = {0};

	for (size_t i = 0; i < path.len;) {
		char c = path_byte(path, &i);

		if (c == '/') {
			if (is_dots(&s))
				return true;
			s = (struct segment){0};
		} else if (c == ';') {
			s.parameters = true;
		} else if (!s.parameters) {
			s.dots += c == '.';
			s.len++;
		}
	}
	return is_dots(&s);
}

bool path_loose(char *out, size_t *len, struct str path)
{
	bool parameters = false;
	size_t n = 0;

	if (str_find(path, '%') < 0 && str_find(path, ';') < 0)
		return false;
	for (size_t i = 0; i < path.len;) {
		char c = path_byte(path, &i);

		if (c == '/')
			parameters = false;
		else if (c == ';')
			parameters = true;
		if (!parameters && !(c == '/' && n > 0 && out[n - 1] == '/'))
			out[n++] = c;
	}
	*len = n;
	return true;
}
