/* SPDX-License-Identifier: MIT */
#include "record/record.h"

static bool is_plain(struct str value)
{
	char text[REC_LINE_MAX];
	struct buf plain = {.ptr = text, .cap = sizeof text, .max = sizeof text};

	if (!unescape_value(&plain, value))
		return false;
	return plain.len > 0 && plain.ptr[0] != '.' && str_find(buf_str(&plain), '/') < 0;
}

int rec_files_beside(const struct rec *r, struct rn_error *err)
{
	const struct schema_kind *kind = r->n ? schema_find(rec_kind(r)) : NULL;

	for (size_t i = 1; kind && i < r->n; i++) {
		const struct schema_key *key = schema_key_find(kind, r->f[i].key);

		if (key && key->type == TYPE_PATH && !is_plain(r->f[i].value))
			return rn_fail(err, RN_EPERM,
				       "%s=%.*s: %s must be the plain name of a file beside the bundle",
				       kind->name, STR_ARG(str_slice(rec_id(r), 0, MIN(rec_id(r).len, 64))),
				       key->name);
	}
	return 0;
}
