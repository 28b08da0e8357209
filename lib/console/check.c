/* SPDX-License-Identifier: MIT
 *
 * What is made by hand may be wrong in ways that no single line shows: a listener that is gone, a host
 * and path given twice. A gateway would refuse such a bundle whole, and with it every change that comes
 * later; so it is refused here, before anything is committed.
 */
#include "console/inner.h"
#include "proxy/proxy.h"

/* A node takes no bundle that names files elsewhere on its machine. */
static int check_files(struct str text, const char *name, struct rn_error *err)
{
	struct rec_reader reader;
	struct rec r;
	int rc;

	rec_reader_mem(&reader, text, name);
	while ((rc = rec_read(&reader, &r, err)) > 0) {
		rc = rec_files_beside(&r, err);
		if (rc) {
			rc = rn_fail_in(err, "%s:%zu", name, reader.line);
			err->code = rc = RN_ECONFIG;
			break;
		}
	}
	rec_reader_free(&reader);
	return rc;
}

static int check_one(struct console *c, const struct gateway *g, struct rn_error *err)
{
	char name[CONSOLE_NAME_MAX + 8];
	struct buf text;
	int rc;

	buf_init(&text, OUT_MAX);
	snprintf(name, sizeof(name), "%s.rn", g->node.id);
	rc = render_head(c, &g->node, 0, 0, &text, err);
	if (!rc)
		rc = render_gateway(c, g, &text, err);
	if (!rc && text.failed)
		rc = rn_fail(err, RN_EOS, "the bundle of %s is too long", g->node.id);
	if (!rc)
		rc = proxy_check_text(buf_str(&text), name, err);
	if (!rc)
		rc = check_files(buf_str(&text), name, err);
	buf_free(&text);
	if (rc == RN_ECONFIG) {
		rn_fail_in(err, "gateway %s would refuse this", g->node.id);
		err->code = RN_EDATA;
		rc = RN_EDATA;
	}
	return rc;
}

int gateways_check(struct console *c, int64_t org, struct rn_error *err)
{
	VEC(struct id { char text[CONSOLE_NAME_MAX]; }) all = {0};
	struct store_rows q;
	struct gateway g;
	int rc = store_query(c->store, &q,
			     "SELECT id FROM nodes WHERE org = ? AND role = 'gateway' ORDER BY number",
			     err, "i", org);

	while (!rc && (rc = store_next(&q, err)) == 1) {
		struct id *id = VEC_PUSH(&all);

		rc = id && store_copy(&q, 0, id->text, sizeof(id->text))
			     ? 0
			     : rn_fail(err, RN_EOS, "out of memory");
	}
	store_done(&q);
	for (size_t i = 0; !rc && i < all.len; i++) {
		rc = gateway_get(c, org, str_from(all.ptr[i].text), &g, err);
		if (!rc)
			rc = check_one(c, &g, err);
	}
	vec_free(&all.base);
	return rc;
}
