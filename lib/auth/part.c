/* SPDX-License-Identifier: MIT */
#include "auth/part.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool part_is_name(struct str s, size_t max)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.ptr[i]) && s.ptr[i] != '-' && s.ptr[i] != '_' && s.ptr[i] != '.')
			return false;
	return s.len > 0 && s.len <= max;
}

static bool is_label(struct str s)
{
	if (s.len == 0 || s.len > 63 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '-' && (!is_alnum(s.ptr[i]) || (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z')))
			return false;
	return true;
}

bool part_is_host(struct str s)
{
	struct str rest = s, label;

	if (s.len == 0 || s.len > AUTH_HOST_MAX)
		return false;
	while (str_cut(&rest, '.', &label))
		if (!is_label(label))
			return false;
	return true;
}

static void add_base64url(struct buf *b, const void *bytes, size_t len)
{
	char *at = buf_reserve(b, BASE64_SIZE(len));

	if (!at)
		return;
	base64_encode(at, bytes, len, BASE64_URL);
	b->len += strlen(at);
}

void part_join(struct buf *b, struct str line, const void *proof, size_t proof_len)
{
	add_base64url(b, line.ptr, line.len);
	buf_add_byte(b, '.');
	add_base64url(b, proof, proof_len);
}

bool part_split(struct buf *line, void *proof, size_t proof_len, struct str text)
{
	ptrdiff_t dot = str_find(text, '.');
	size_t len;
	char *at;

	if (dot < 0)
		return false;
	buf_clear(line);
	len = (size_t)dot / 4 * 3 + 3;
	at = buf_reserve(line, len);
	if (!at || !base64_decode_any(at, &len, str_slice(text, 0, (size_t)dot), BASE64_URL))
		return false;
	line->len += len;
	return base64_decode(proof, proof_len, str_from_at(text, (size_t)dot + 1), BASE64_URL);
}

bool part_get_raw(char *dst, size_t size, const struct rec *r, const char *key)
{
	struct str value = rec_get(r, key);

	return value.ptr && str_copy(dst, size, value);
}

bool part_get(char *dst, size_t size, const struct rec *r, const char *key)
{
	struct str value = rec_get(r, key);
	struct buf b;
	bool good;

	if (!value.ptr)
		return false;
	buf_init(&b, REC_LINE_MAX);
	good = unescape_value(&b, value) && !b.failed && str_copy(dst, size, buf_str(&b));
	buf_free(&b);
	return good;
}

bool part_get_time(int64_t *out, const struct rec *r, const char *key)
{
	uint64_t n;

	if (!str_to_u64(rec_get(r, key), PART_TIME_MAX, &n))
		return false;
	*out = (int64_t)n;
	return true;
}
