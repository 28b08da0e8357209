/* SPDX-License-Identifier: MIT
 *
 * The frame of every action: role, transaction, which bundles it touches.
 */
#include "console/inner.h"

#include <stdarg.h>

static const char *const role_names[] = {"nobody",   "auditor", "member",
					 "operator", "admin",	"owner"};

int fail_role(const struct console_actor *a, struct rn_error *err)
{
	int rc = a->kind == CONSOLE_NODE
			 ? rn_fail(err, RN_EPERM, "a node may not do that")
			 : rn_fail(err, RN_EPERM, "%s is %s, and that is not enough for this",
				   a->id, role_names[a->role]);

	err->sys = EACCES;
	return rc;
}

int action_begin(struct console *c, const struct console_actor *a, const struct action *what,
		 struct rn_error *err)
{
	bool node_may = a->kind == CONSOLE_NODE && what->node_too;

	if (a->role < what->least && !node_may)
		return fail_role(a, err);
	return store_begin(c->store, what->tx, err);
}

int action_end(struct console *c, int rc, struct rn_error *err)
{
	if (!rc)
		rc = store_commit(c->store, err);
	if (rc) {
		store_rollback(c->store);
		return rc;
	}
	rc = publish_dirty(c, err);
	if (rc)
		return rn_fail_in(err, "done, but not published");
	return 0;
}

int fail_missing(struct rn_error *err, const char *kind, struct str id)
{
	int rc = rn_fail(err, RN_ENO, "there is no %s %.*s", kind,
			 STR_ARG(str_slice(id, 0, MIN(id.len, 100))));

	err->sys = ENOENT;
	return rc;
}

int say_taken(int rc, struct rn_error *err, const char *fmt, ...)
{
	va_list ap;

	if (rc != RN_ENO || err->sys != EEXIST)
		return rc;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return rc;
}

int dirty_node(struct console *c, const char *node, struct rn_error *err)
{
	return store_exec(c->store, "UPDATE bundles SET dirty = dirty + 1 WHERE node = ?", NULL,
			  err, "z", node);
}

int dirty_gateways(struct console *c, int64_t org, struct rn_error *err)
{
	return store_exec(c->store,
			  "UPDATE bundles SET dirty = dirty + 1 WHERE node IN"
			  " (SELECT id FROM nodes WHERE org = ? AND role = 'gateway')",
			  NULL, err, "i", org);
}

int dirty_org(struct console *c, int64_t org, struct rn_error *err)
{
	return store_exec(c->store,
			  "UPDATE bundles SET dirty = dirty + 1 WHERE node IN (SELECT id FROM "
			  "nodes WHERE org = ?)",
			  NULL, err, "i", org);
}
