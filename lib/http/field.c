/* SPDX-License-Identifier: MIT
 *
 * Fields: names that are known, look-up, lists.
 */
#include "http/chars.h"
#include "http/field.h"

/* A perfect hash over length, first and last but one letter. Two known names in one slot would be
 * an initialiser given twice, which does not compile (-Woverride-init). */
#define SLOTS 128
#define SLOT(len, first, near_last) (((len) + (first)*2u + (near_last)*57u) % SLOTS)

static const uint8_t slots[SLOTS] = {
#define X(id, name, first, near_last, flags) [SLOT(sizeof(name) - 1, first, near_last)] = HTTP_##id,
	HTTP_KNOWN_FIELDS(X)
#undef X
};

static const struct http_known_field {
	struct str name;
	unsigned flags;
} known_fields[HTTP_ID_COUNT] = {
#define X(id, name, first, near_last, flags) [HTTP_##id] = {STR_INIT(name), flags},
	HTTP_KNOWN_FIELDS(X)
#undef X
};

unsigned http_id_flags(enum http_id id)
{
	return known_fields[id].flags;
}

enum http_id http_id_find(struct str name)
{
	if (name.len < 2)
		return HTTP_UNKNOWN;
	unsigned first = (uint8_t)name.ptr[0] | 0x20u;
	unsigned near_last = (uint8_t)name.ptr[name.len - 2] | 0x20u;
	enum http_id id = slots[SLOT((unsigned)name.len, first, near_last)];

	return id && http_name_is(name, known_fields[id].name) ? id : HTTP_UNKNOWN;
}

bool http_name_is(struct str name, struct str lower)
{
	if (name.len != lower.len)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (ch_lower(name.ptr[i]) != lower.ptr[i])
			return false;
	return true;
}

const struct http_field *http_find(const struct http_head *h, const char *name,
				   const struct http_field *after)
{
	struct str lower = str_from(name);

	for (const struct http_field *f = after ? after + 1 : h->fields; f < h->fields + h->n; f++)
		if (http_name_is(f->name, lower))
			return f;
	return NULL;
}

/* Where the element at the front of S ends: the next comma outside a quoted string. */
static size_t element_len(struct str s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"')
			quoted = !quoted;
		else if (s.ptr[i] == '\\' && quoted && i + 1 < s.len)
			i++;
		else if (s.ptr[i] == ',' && !quoted)
			break;
	}
	return i;
}

bool http_list_next(struct str *rest, struct str *element)
{
	while (rest->len > 0) {
		size_t len = element_len(*rest);

		*element = str_trim(str_slice(*rest, 0, len));
		*rest = str_from_at(*rest, len + 1);
		if (element->len > 0)
			return true;
	}
	return false;
}

bool http_list_has(struct str value, const char *word)
{
	struct str element, want = str_from(word);

	while (http_list_next(&value, &element))
		if (str_eq_nocase(element, want))
			return true;
	return false;
}

bool http_is_token(struct str s)
{
	return ch_all(s, CH_TOKEN);
}

bool http_is_value(struct str s)
{
	return s.len == 0 || ch_skip_value(s.ptr, s.ptr + s.len) == s.ptr + s.len;
}
