/* SPDX-License-Identifier: MIT */
#include "proxy/path.h"

/* The byte at *i with the escapes of '.', '/' and '\' undone, and *i moved behind it. */
static char path_byte(struct str path, size_t *i)
{
	static const struct {
		char text[4], byte;
	} escapes[] = {{"%2E", '.'}, {"%2F", '/'}, {"%5C", '/'}};
	char c = path.ptr[*i];

	for (size_t k = 0; c == '%' && k < ARRAY_LEN(escapes); k++) {
		if (str_eq_nocase(str_slice(path, *i, MIN(*i + 3, path.len)),
				  str_from(escapes[k].text))) {
			*i += 3;
			return escapes[k].byte;
		}
	}
	++*i;
	return c == '\\' ? '/' : c;
}

bool path_climbs(struct str path)
{
	size_t dots = 0, len = 0;
	for (size_t i = 0; i < path.len;) {
		char c = path_byte(path, &i);
		if (c == '/') {
			if (len > 0 && len == dots && dots <= 2)
				return true;
			dots = len = 0;
			continue;
		}
		dots += c == '.';
		len++;
	}
	return len > 0 && len == dots && dots <= 2;
}
