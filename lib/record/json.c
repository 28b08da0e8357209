/* SPDX-License-Identifier: MIT
 *
 * A record as a JSON object (RFC 8259) and back. Text goes out as UTF-8; only what JSON demands is
 * escaped. Numbers stay within what every reader keeps exactly (RFC 7493: 2^53 - 1).
 */
#include "record/record.h"

#include <jansson.h>

#define JSON_EXACT ((UINT64_C(1) << 53) - 1)

/* ---- to JSON ---- */

static bool is_utf8(struct str s)
{
	uint32_t c;
	for (size_t n; s.len; s = str_from_at(s, n)) {
		n = (unsigned char)*s.ptr < 0x80 ? 1 : utf8_len(s, &c);
		if (!n)
			return false;
	}
	return true;
}

/* How many bytes of S stand in a JSON string as they are. */
static size_t plain_len(struct str s)
{
	size_t n = 0;
	while (n < s.len && s.ptr[n] >= ' ' && s.ptr[n] < 0x7F && s.ptr[n] != '"' &&
	       s.ptr[n] != '\\')
		n++;
	return n;
}

/* S is UTF-8. What a terminal or an editor would act on is escaped too. */
static void add_string(struct buf *b, struct str s)
{
	uint32_t c;
	buf_add_byte(b, '"');
	for (size_t n; s.len; s = str_from_at(s, n)) {
		n = plain_len(s);
		if (!n && (n = utf8_len(s, &c)) && !utf8_wide_len(s)) {
			buf_addf(b, c == '"' || c == '\\' ? "\\%c" : "\\u%04x", c);
			continue;
		}
		buf_add(b, str_make(s.ptr, n));
	}
	buf_add_byte(b, '"');
}

static void add_text(struct buf *b, struct str value)
{
	char text[REC_LINE_MAX], base64[BASE64_SIZE(REC_LINE_MAX)];
	struct buf plain = {.ptr = text, .cap = sizeof text, .max = sizeof text};
	if (str_find(value, '%') >= 0) {
		b->failed |= !unescape_value(&plain, value);
		value = buf_str(&plain);
	}
	if (is_utf8(value)) {
		add_string(b, value);
		return;
	}
	base64_encode(base64, value.ptr, value.len, BASE64_STD);
	buf_addf(b, "{\"base64\":\"%s\"}", base64);
}

static void add_value(struct buf *b, enum schema_type type, struct str value)
{
	uint64_t number;
	bool is_number = type == TYPE_U64 || type == TYPE_TIME;
	if (is_number && str_to_u64(value, JSON_EXACT, &number))
		buf_add(b, value);
	else if (type == TYPE_BOOL && str_is(value, "yes"))
		buf_add_cstr(b, "true");
	else if (type == TYPE_BOOL && str_is(value, "no"))
		buf_add_cstr(b, "false");
	else
		add_text(b, value);
}

static void add_array(struct buf *b, enum schema_type type, struct str list)
{
	struct str element;
	buf_add_byte(b, '[');
	for (bool first = true; rec_list_next(&list, &element); first = false) {
		if (!first)
			buf_add_byte(b, ',');
		add_value(b, type, element);
	}
	buf_add_byte(b, ']');
}

/* An unknown key whose value has an escaped comma can only be a list; any other goes as text. */
static bool has_escaped_comma(struct str value)
{
	return str_find_str(value, STR("%2C")) >= 0 || str_find_str(value, STR("%2c")) >= 0;
}

/* KEY: what the schema says of it, or NULL. */
static void add_member(struct buf *b, const struct schema_key *key, const struct rec_field *f)
{
	enum schema_type type = key ? key->type : TYPE_TEXT;
	buf_add_byte(b, '"');
	buf_add(b, f->key);
	buf_add_cstr(b, "\":");
	if (key ? key->flags & KEY_LIST : has_escaped_comma(f->value))
		add_array(b, type, f->value);
	else
		add_value(b, type, f->value);
}

int rec_to_json(struct buf *b, const struct rec *r, struct rn_error *err)
{
	const struct schema_kind *kind = r->n ? schema_find(rec_kind(r)) : NULL;
	struct schema_key id = {.name = "", .type = kind ? kind->id : TYPE_TEXT};
	buf_add_byte(b, '{');
	for (size_t i = 0; i < r->n; i++) {
		if (i)
			buf_add_byte(b, ',');
		const struct schema_key *key = !kind ? NULL
					       : i   ? schema_key_find(kind, r->f[i].key)
						     : &id;
		add_member(b, key, &r->f[i]);
	}
	buf_add_byte(b, '}');
	return b->failed ? rn_fail(err, RN_EOS, "out of memory for JSON") : 0;
}

/* ---- from JSON ---- */

static bool is_key(const char *key)
{
	size_t len = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return len <= REC_KEY_MAX && key[len] == '\0' && *key >= 'a';
}

static int take_base64(struct buf *b, const json_t *v, const char *key, struct rn_error *err)
{
	const char *base64 = json_string_value(json_object_get(v, "base64"));
	char bytes[REC_LINE_MAX];
	size_t len = sizeof bytes;
	if (!base64 || json_object_size(v) != 1 ||
	    !base64_decode_any(bytes, &len, str_from(base64), BASE64_STD) ||
	    memchr(bytes, '\0', len))
		return rn_fail(err, RN_EDATA, "%s: an object cannot be a value", key);
	escape_value(b, str_make(bytes, len));
	return 0;
}

static int take_value(struct buf *b, const json_t *v, const char *key, bool element,
		      struct rn_error *err)
{
	struct str text = {0};
	char number[24];
	if (json_is_string(v))
		text = str_make(json_string_value(v), json_string_length(v));
	else if (json_is_integer(v))
		text = str_make(number, (size_t)snprintf(number, sizeof number, "%lld",
							 (long long)json_integer_value(v)));
	else if (json_is_boolean(v))
		text = json_is_true(v) ? STR("yes") : STR("no");
	else if (json_is_object(v) && !element)
		return take_base64(b, v, key, err);
	else
		return rn_fail(err, RN_EDATA, "%s: not text, a whole number or a truth value", key);
	if (element && !text.len)
		return rn_fail(err, RN_EDATA, "%s: an element is empty", key);
	element ? escape_element(b, text) : escape_value(b, text);
	return 0;
}

static int take_array(struct buf *b, const json_t *list, const char *key, struct rn_error *err)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
	{
		if (i)
			buf_add_byte(b, ',');
		int rc = take_value(b, v, key, true, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* V: NULL for an empty value. */
static int take_member(struct buf *b, const char *key, const json_t *v, struct rn_error *err)
{
	if (!is_key(key))
		return rn_fail(err, RN_EDATA,
			       "'%.40s' is not a key (a-z, then a-z 0-9 _, at most %d)", key,
			       REC_KEY_MAX);
	buf_add_cstr(b, key);
	buf_add_byte(b, '=');
	if (!v)
		return 0;
	return json_is_array(v) ? take_array(b, v, key, err) : take_value(b, v, key, false, err);
}

/* SUBJECT: NULL for the first member. */
static int take_object(struct buf *b, json_t *object, const char *subject, struct rn_error *err)
{
	const char *key;
	json_t *v;
	int rc;
	if (!subject)
		subject = json_object_iter_key(json_object_iter(object));
	if (!subject)
		return rn_fail(err, RN_EDATA, "an empty object is no record");
	v = json_object_get(object, subject);
	rc = take_member(b, subject, json_is_null(v) ? NULL : v, err);
	json_object_foreach(object, key, v)
	{
		if (rc == 0 && strcmp(key, subject) != 0 && !json_is_null(v)) {
			buf_add_byte(b, ' ');
			rc = take_member(b, key, v, err);
		}
	}
	rec_end(b);
	return rc;
}

int rec_from_json(struct buf *b, struct str json, const char *kind, struct rn_error *err)
{
	json_error_t why;
	struct rec r;
	size_t start = b->len;
	json_t *object = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, &why);
	int rc;
	if (!object)
		return rn_fail(err, RN_EDATA, "JSON, line %d column %d: %s", why.line, why.column,
			       why.text);
	if (!json_is_object(object))
		rc = rn_fail(err, RN_EDATA, "JSON: not an object");
	else
		rc = take_object(b, object, kind, err);
	if (rc == 0 && b->failed)
		rc = rn_fail(err, RN_EDATA, "the record would be longer than %d bytes",
			     REC_LINE_MAX);
	if (rc == 0)
		rc = rec_parse(&r, str_make(b->ptr + start, b->len - start - 1), NULL, err);
	if (rc < 0)
		b->len = start;
	json_decref(object);
	return rc;
}
