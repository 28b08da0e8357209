/* SPDX-License-Identifier: MIT
 *
 * Canonical records into a buffer.
 */
#include "record/record.h"
#include "record/scan.h"

static bool is_plain(struct str s)
{
	return !s.len || rec_scan(s.ptr, s.ptr, s.ptr + s.len, REC_CLASS_PLAIN) == s.ptr + s.len;
}

static void add_escaped(struct buf *b, struct str text)
{
	if (is_plain(text))
		buf_add(b, text);
	else if (memchr(text.ptr, '\0', text.len))
		b->failed = true;
	else
		escape_value(b, text);
}

static void add_element(struct buf *b, struct str text)
{
	if (str_find(text, ',') < 0)
		add_escaped(b, text);
	else if (memchr(text.ptr, '\0', text.len))
		b->failed = true;
	else
		escape_element(b, text);
}

static void add_key(struct buf *b, const char *key)
{
	size_t len = strlen(key);
	char *p = buf_reserve(b, len + 2);

	if (!p)
		return;
	*p = ' ';
	memcpy(p + 1, key, len);
	p[len + 1] = '=';
	b->len += len + 2;
}

void rec_begin(struct buf *b, const char *kind, struct str id)
{
	buf_add_cstr(b, kind);
	buf_add_byte(b, '=');
	add_escaped(b, id);
}

void rec_add(struct buf *b, const char *key, struct str text)
{
	add_key(b, key);
	add_escaped(b, text);
}

void rec_add_cstr(struct buf *b, const char *key, const char *text)
{
	if (text)
		rec_add(b, key, str_from(text));
}

void rec_add_raw(struct buf *b, const char *key, struct str value)
{
	add_key(b, key);
	buf_add(b, value);
}

void rec_add_u64(struct buf *b, const char *key, uint64_t v)
{
	add_key(b, key);
	buf_add_u64(b, v);
}

void rec_add_i64(struct buf *b, const char *key, int64_t v)
{
	add_key(b, key);
	buf_addf(b, "%lld", (long long)v);
}

void rec_add_bool(struct buf *b, const char *key, bool v)
{
	rec_add_raw(b, key, v ? STR("yes") : STR("no"));
}

void rec_add_list(struct buf *b, const char *key, const struct str *elements, size_t n)
{
	add_key(b, key);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_byte(b, ',');
		add_element(b, elements[i]);
	}
}

void rec_end(struct buf *b)
{
	buf_add_byte(b, '\n');
	if (b->failed)
		return;
	const char *lf = b->len > 1 ? memrchr(b->ptr, '\n', b->len - 1) : NULL;
	if (b->ptr + b->len - (lf ? lf + 1 : b->ptr) > REC_LINE_MAX)
		b->failed = true;
}
