/* SPDX-License-Identifier: MIT
 *
 * Parameters of queries, and cookies (RFC 6265, section 4.2.1).
 */
#include "http/http.h"

/* Whether PAIR is NAME or NAME=…; the value (maybe empty) goes to *value. */
static bool pair_is(struct str pair, struct str name, struct str *value)
{
	if (!str_starts(pair, name) || (pair.len > name.len && pair.ptr[name.len] != '='))
		return false;
	*value = str_from_at(pair, name.len + 1);
	return true;
}

struct str http_query_find(struct str query, const char *name)
{
	struct str pair, value;

	while (str_cut(&query, '&', &pair))
		if (pair_is(pair, str_from(name), &value))
			return value;
	return (struct str){NULL, 0};
}

void http_query_strip(struct buf *b, struct str query, const char *name)
{
	struct str pair, value;
	bool first = true;

	while (str_cut(&query, '&', &pair)) {
		if (pair_is(pair, str_from(name), &value))
			continue;
		if (!first)
			buf_add_byte(b, '&');
		buf_add(b, pair);
		first = false;
	}
}

static struct str unquote(struct str s)
{
	return s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"' ? str_slice(s, 1, s.len - 1)
									: s;
}

struct str http_cookie_find(const struct http_head *h, const char *name, bool *dup)
{
	struct str found = {NULL, 0};
	unsigned count = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct str rest = h->fields[i].value, pair, value;

		if (h->fields[i].id != HTTP_COOKIE)
			continue;
		while (str_cut(&rest, ';', &pair))
			if (pair_is(str_trim(pair), str_from(name), &value) && count++ == 0)
				found = unquote(value);
	}
	if (dup)
		*dup = count > 1;
	return found;
}

void http_cookie_strip(struct buf *b, struct str value, const char *prefix)
{
	struct str pair;
	bool first = true;

	while (str_cut(&value, ';', &pair)) {
		pair = str_trim(pair);
		if (pair.len == 0 || str_starts(pair, str_from(prefix)))
			continue;
		buf_add_cstr(b, first ? "" : "; ");
		buf_add(b, pair);
		first = false;
	}
}
