/* SPDX-License-Identifier: MIT
 *
 * Which lines only one of two bundles has. Records are canonical, so lines are compared as text.
 */
#include "agent/bundle.h"

bool bundle_line_is_wg(struct str line)
{
	return str_starts(line, STR("interface=")) || str_starts(line, STR("peer="));
}

static bool counts(struct str line)
{
	return line.len > 0 && line.ptr[0] != '#' && !str_starts(line, STR("bundle="));
}

static int add_lines(struct map *m, struct str text, struct rn_error *err)
{
	struct str line;

	while (str_cut(&text, '\n', &line))
		if (counts(line) && !map_set(m, line, m))
			return rn_fail(err, RN_EOS, "out of memory for %zu lines", m->len);
	return 0;
}

/* The lines of TEXT that are not in OTHER. */
static size_t only(struct str text, const struct map *other, char sign, bundle_diff_fn *fn,
		   void *ctx)
{
	struct str line;
	size_t n = 0;

	while (str_cut(&text, '\n', &line)) {
		if (!counts(line) || map_get(other, line))
			continue;
		n++;
		if (fn)
			fn(ctx, sign, line);
	}
	return n;
}

int bundle_diff(struct str old, struct str new, bundle_diff_fn *fn, void *ctx, size_t *count,
		struct rn_error *err)
{
	struct map a = {0}, b = {0};
	int rc = add_lines(&a, old, err);

	if (!rc)
		rc = add_lines(&b, new, err);
	if (!rc)
		*count = only(old, &b, '-', fn, ctx) + only(new, &a, '+', fn, ctx);
	map_free(&a);
	map_free(&b);
	return rc;
}
