/* SPDX-License-Identifier: MIT
 *
 * Many lines at once, all or none, in an order in which what is referred to is there first.
 */
#include "console/inner.h"

static const char *const order[] = {"site", "listen", "resource", "target", "policy"};

struct import {
	struct console *c;
	const struct console_actor *a;
	const char *kind; /* of this pass */
	int64_t count;
};

static int one(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct import *in = ctx;
	int rc;

	if (!rec_is(r, in->kind))
		return 0;
	rc = line_put(in->c, in->a, r, false, err);
	if (rc == RN_EDATA || rc == RN_ENO) {
		int sys = err->sys;

		rn_fail_in(err, "%s=%.*s", in->kind,
			   STR_ARG(str_slice(rec_id(r), 0, MIN(rec_id(r).len, 100))));
		err->sys = sys;
	}
	in->count += !rc;
	return rc;
}

int console_import(struct console *c, const struct console_actor *a, struct str text,
		   const char *name, struct buf *out, struct rn_error *err)
{
	struct action what = {.least = CONSOLE_ADMIN, .tx = STORE_WRITE};
	struct import in = {.c = c, .a = a};
	char count[24];
	int rc = action_begin(c, a, &what, err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < ARRAY_LEN(order); i++) {
		in.kind = order[i];
		rc = rec_config_mem(text, name, one, &in, err);
	}
	snprintf(count, sizeof(count), "%lld", (long long)in.count);
	if (!rc)
		rc = gateways_check(c, a->org, err);
	if (!rc)
		rc = audit_add(c, a, "import", "records", str_from(count), NULL, err);
	rc = action_end(c, rc, err);
	if (!rc) {
		rec_begin(out, "imported", str_from(count));
		rec_end(out);
	}
	return rc;
}
