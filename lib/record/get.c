/* SPDX-License-Identifier: MIT
 *
 * Values of a parsed record.
 */
#include "record/record.h"

struct str rec_get(const struct rec *r, const char *key)
{
	struct str k = str_from(key);
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->f[i].key, k))
			return r->f[i].value;
	return (struct str){0};
}

struct str rec_text(const struct rec *r, const char *key, struct arena *a)
{
	struct str none = {0}, value = rec_get(r, key);
	if (!value.ptr || str_find(value, '%') < 0)
		return value.ptr ? arena_str(a, value) : none;
	char text[REC_LINE_MAX];
	struct buf b = {.ptr = text, .cap = sizeof text, .max = sizeof text};
	if (!unescape_value(&b, value)) /* cannot fail on what rec_parse took */
		return none;
	return arena_str(a, buf_str(&b));
}

int rec_u64(const struct rec *r, const char *key, uint64_t fallback, uint64_t max, uint64_t *out,
	    struct rn_error *err)
{
	struct str v = rec_get(r, key);
	*out = fallback;
	if (!v.ptr || str_to_u64(v, max, out))
		return 0;
	return rn_fail(err, RN_EDATA, "%s=%.*s: not a whole number up to %llu", key, STR_ARG(v),
		       (unsigned long long)max);
}

int rec_bool(const struct rec *r, const char *key, bool fallback, bool *out, struct rn_error *err)
{
	struct str v = rec_get(r, key);
	*out = v.ptr ? str_is(v, "yes") : fallback;
	if (!v.ptr || *out || str_is(v, "no"))
		return 0;
	return rn_fail(err, RN_EDATA, "%s=%.*s: not yes or no", key, STR_ARG(v));
}

bool rec_list_next(struct str *rest, struct str *element)
{
	return rest->len && str_cut(rest, ',', element);
}
