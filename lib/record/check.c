/* SPDX-License-Identifier: MIT
 *
 * A record held against its kind.
 */
#include "record/record.h"

/* Where a part of the record's line stands, counted from 1. */
static size_t column_of(const struct rec *r, const char *p)
{
	return (size_t)(p - r->line.ptr) + 1;
}

/* The known key of KIND closest to KEY, or NULL when none is near (a third of its letters). */
static const char *nearest_key(const struct schema_kind *kind, struct str key)
{
	size_t best = key.len / 3 + 2;
	const char *name = NULL;
	for (const struct schema_key *k = kind->keys; k->name; k++) {
		size_t d = str_distance(key, str_from(k->name), best);
		if (d < best) {
			best = d;
			name = k->name;
		}
	}
	return name;
}

static int unknown_key(const struct schema_kind *kind, struct str key, struct rn_error *err)
{
	const char *near = nearest_key(kind, key);
	if (near)
		return rn_fail(err, RN_ECONFIG, "unknown key '%.*s' in %s: did you mean '%s'?",
			       STR_ARG(key), kind->name, near);
	return rn_fail(err, RN_ECONFIG, "unknown key '%.*s' in %s", STR_ARG(key), kind->name);
}

/* Is the element that begins at AT also among those before it? */
static bool set_repeats(struct str list, struct str element)
{
	struct str rest = list, other;
	while (rec_list_next(&rest, &other) && other.ptr < element.ptr)
		if (str_eq(other, element))
			return true;
	return false;
}

static int check_list(const struct schema_key *key, struct str list, const char **at,
		      struct rn_error *err)
{
	struct str rest = list, element;
	while (rec_list_next(&rest, &element)) {
		*at = element.ptr;
		if (!element.len)
			return rn_fail(err, RN_EDATA, "empty element in the list");
		int rc = schema_check_value(key->type, key->values, element, err);
		if (rc < 0)
			return rc;
		if (key->flags & KEY_SET && set_repeats(list, element))
			return rn_fail(err, RN_EDATA, "'%.*s' stands twice", STR_ARG(element));
	}
	*at = list.ptr + list.len;
	return str_ends(list, STR(",")) ? rn_fail(err, RN_EDATA, "empty element in the list") : 0;
}

static int check_field(const struct schema_kind *kind, const struct rec_field *f, const char **at,
		       struct rn_error *err)
{
	const struct schema_key *key = schema_key_find(kind, f->key);
	*at = f->key.ptr;
	if (!key)
		return kind->config ? unknown_key(kind, f->key, err) : 0;
	*at = f->value.ptr;
	if (!f->value.len && !(key->flags & KEY_REQUIRED) && !kind->config)
		return 0; /* known to be empty */
	int rc = key->flags & KEY_LIST ? check_list(key, f->value, at, err)
				       : schema_check_value(key->type, key->values, f->value, err);
	return rc < 0 ? rn_fail_in(err, "%s", key->name) : 0;
}

static int check_required(const struct schema_kind *kind, const struct rec *r, struct rn_error *err)
{
	for (const struct schema_key *k = kind->keys; k->name; k++)
		if (k->flags & KEY_REQUIRED && !rec_get(r, k->name).ptr)
			return rn_fail(err, RN_EDATA, "%s=%.*s has no %s", kind->name,
				       STR_ARG(rec_id(r)), k->name);
	return 0;
}

static int check_fields(const struct schema_kind *kind, const struct rec *r, const char **at,
			struct rn_error *err)
{
	*at = rec_id(r).ptr;
	int rc = schema_check_value(kind->id, NULL, rec_id(r), err);
	if (rc < 0)
		return rn_fail_in(err, "%s", kind->name);
	for (size_t i = 1; i < r->n; i++) {
		rc = check_field(kind, &r->f[i], at, err);
		if (rc < 0)
			return rc;
	}
	*at = r->line.ptr;
	return check_required(kind, r, err);
}

int schema_check(const struct rec *r, size_t *column, struct rn_error *err)
{
	const struct schema_kind *kind = r->n ? schema_find(rec_kind(r)) : NULL;
	const char *at;
	if (!kind || check_fields(kind, r, &at, err) == 0)
		return 0;
	if (column)
		*column = column_of(r, at);
	return err->code = kind->config ? RN_ECONFIG : RN_EDATA;
}
