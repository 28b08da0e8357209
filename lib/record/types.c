/* SPDX-License-Identifier: MIT
 *
 * The types of values: one small check each, behind one table.
 */
#include "record/record.h"

#include <arpa/inet.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool check_text(struct str s, const char *values)
{
	(void)s, (void)values;
	return true;
}

static bool check_name(struct str s, const char *values)
{
	(void)values;
	if (!s.len || s.len > 64 || *s.ptr == '.' || *s.ptr == '-')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.ptr[i]) && !strchr("._@+-", s.ptr[i]))
			return false;
	return true;
}

/* VALUES: "min-max", or NULL for all. */
static bool check_u64(struct str s, const char *values)
{
	uint64_t v, min = 0, max = UINT64_MAX;
	struct str rest = str_from(values), part;
	if (values && (!str_cut(&rest, '-', &part) || !str_to_u64(part, UINT64_MAX, &min) ||
		       !str_to_u64(rest, UINT64_MAX, &max)))
		rn_assert(!"range of a number in the schema");
	return str_to_u64(s, max, &v) && v >= min;
}

static bool check_bool(struct str s, const char *values)
{
	(void)values;
	return str_is(s, "yes") || str_is(s, "no");
}

static bool check_enum(struct str s, const char *values)
{
	struct str rest = str_from(values), word;
	while (str_cut(&rest, '|', &word))
		if (str_eq(s, word))
			return true;
	return false;
}

static bool is_ip(struct str s, int family)
{
	char text[64], ip[16];
	return str_copy(text, sizeof text, s) && inet_pton(family, text, ip) == 1;
}

static bool check_address(struct str s, const char *values)
{
	(void)values;
	return is_ip(s, AF_INET) || is_ip(s, AF_INET6);
}

static bool check_cidr(struct str s, const char *values)
{
	struct str ip;
	uint64_t bits;
	(void)values;
	if (!str_cut(&s, '/', &ip))
		return false;
	uint64_t max = is_ip(ip, AF_INET) ? 32 : is_ip(ip, AF_INET6) ? 128 : 0;
	return max && (!s.ptr || str_to_u64(s, max, &bits));
}

/* RFC 1123 labels, and "_" since it is in use. The last is not all digits: that is an address. */
static bool check_labels(struct str s)
{
	struct str label = {0};
	if (!s.len || s.len > 253)
		return false;
	while (str_cut(&s, '.', &label)) {
		if (!label.len || label.len > 63 || label.ptr[0] == '-' ||
		    label.ptr[label.len - 1] == '-')
			return false;
		for (size_t i = 0; i < label.len; i++) {
			char c = label.ptr[i];
			if (!is_alnum(c) && c != '-' && c != '_')
				return false;
			if (c >= 'A' && c <= 'Z')
				return false;
		}
	}
	for (size_t i = 0; i < label.len; i++)
		if (label.ptr[i] < '0' || label.ptr[i] > '9')
			return true;
	return false;
}

static bool check_host(struct str s, const char *values)
{
	(void)values;
	if (str_starts(s, STR("*.")))
		s = str_from_at(s, 2);
	return check_labels(s);
}

static bool check_endpoint(struct str s, const char *values)
{
	uint64_t port;
	const char *colon = s.len ? memrchr(s.ptr, ':', s.len) : NULL;
	(void)values;
	if (!colon)
		return false;
	struct str host = str_make(s.ptr, (size_t)(colon - s.ptr));
	if (!str_to_u64(str_from_at(s, host.len + 1), 65535, &port))
		return false;
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		return is_ip(str_slice(host, 1, host.len - 1), AF_INET6);
	return is_ip(host, AF_INET) || check_labels(host);
}

static bool check_upstream(struct str s, const char *values)
{
	if (str_starts(s, STR("unix:/")) || str_starts(s, STR("cgi:/")))
		return !memchr(s.ptr, '\0', s.len);
	return check_endpoint(s, values);
}

static bool check_key(struct str s, const char *values)
{
	char bytes[32];
	(void)values;
	return s.len == 44 && base64_decode(bytes, sizeof bytes, s, BASE64_STD);
}

static bool check_path(struct str s, const char *values)
{
	(void)values;
	return s.len > 0;
}

static bool check_urlpath(struct str s, const char *values)
{
	(void)values;
	return s.len && *s.ptr == '/';
}

/* VALUES: the kind that is meant, "a|b" for several. */
static bool check_ref(struct str s, const char *values)
{
	struct str rest = str_from(values), kind;
	while (str_cut(&rest, '|', &kind)) {
		const struct schema_kind *k = schema_find(kind);
		struct rn_error ignored;
		if (!k || schema_check_value(k->id, NULL, s, &ignored) == 0)
			return true;
	}
	return false;
}

static bool check_principal(struct str s, const char *values)
{
	(void)values;
	if (str_is(s, "any") || str_is(s, "link") || str_is(s, "org"))
		return true;
	struct str what, name = s;
	if (!str_cut(&name, ':', &what) || !name.ptr)
		return false;
	if (str_is(what, "cidr"))
		return check_cidr(name, NULL);
	return check_enum(what, "user|group|device") && check_name(name, NULL);
}

static bool check_hex(struct str s, const char *values)
{
	(void)values;
	for (size_t i = 0; i < s.len; i++)
		if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') && !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
			return false;
	return s.len && s.len % 2 == 0;
}

static bool check_base64(struct str s, const char *values)
{
	char bytes[REC_LINE_MAX];
	size_t len = sizeof bytes;
	(void)values;
	return base64_decode_any(bytes, &len, s, BASE64_STD);
}

static bool (*const checks[])(struct str, const char *) = {
	[TYPE_TEXT] = check_text,	  [TYPE_NAME] = check_name,
	[TYPE_U64] = check_u64,		  [TYPE_BOOL] = check_bool,
	[TYPE_ENUM] = check_enum,	  [TYPE_ADDRESS] = check_address,
	[TYPE_CIDR] = check_cidr,	  [TYPE_ENDPOINT] = check_endpoint,
	[TYPE_UPSTREAM] = check_upstream, [TYPE_KEY] = check_key,
	[TYPE_HOST] = check_host,	  [TYPE_PATH] = check_path,
	[TYPE_URLPATH] = check_urlpath,	  [TYPE_REF] = check_ref,
	[TYPE_TIME] = check_u64,	  [TYPE_PRINCIPAL] = check_principal,
	[TYPE_HEX] = check_hex,		  [TYPE_BASE64] = check_base64,
};

int schema_check_value(enum schema_type t, const char *values, struct str value,
		       struct rn_error *err)
{
	char text[REC_LINE_MAX];
	struct buf plain = {.ptr = text, .cap = sizeof text, .max = sizeof text};
	struct str shown = value;
	if (str_find(value, '%') >= 0) {
		if (!unescape_value(&plain, value))
			return rn_fail(err, RN_EDATA, "bad escape in '%.*s'", STR_ARG(shown));
		value = buf_str(&plain);
	}
	if (checks[t](value, values))
		return 0;
	if (shown.len > 100)
		shown.len = 100;
	if (t == TYPE_ENUM)
		return rn_fail(err, RN_EDATA, "'%.*s' is not one of %s", STR_ARG(shown), values);
	if (t == TYPE_REF)
		return rn_fail(err, RN_EDATA, "'%.*s' cannot be the identity of a %s",
			       STR_ARG(shown), values);
	return rn_fail(err, RN_EDATA, "'%.*s' is not %s%s%s%s", STR_ARG(shown), schema_type_doc(t),
		       values ? " (" : "", values ? values : "", values ? ")" : "");
}
