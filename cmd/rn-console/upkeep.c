/* SPDX-License-Identifier: MIT
 *
 * rn-console audit, status, expire, migrate, backup.
 */
#include "rn-console.h"
#include "store/store.h"

int run_audit(struct cli *c, int argc, char **argv)
{
	const struct options *o = c->opts;
	struct work s;
	int rc = work_open(c, &s);

	(void)argc;
	(void)argv;
	if (rc)
		return rc;
	if (o->verify)
		rc = console_audit_verify(s.console, &s.actor, &s.out, &c->err);
	else
		rc = console_audit(s.console, &s.actor, o->after, o->limit ? o->limit : 100, &s.out,
				   &c->err);
	return work_close(c, &s, rc);
}

int run_status(struct cli *c, int argc, char **argv)
{
	struct work s;
	int rc = work_open(c, &s);

	(void)argc;
	(void)argv;
	return rc ? rc : work_close(c, &s, console_status(s.console, &s.out, &c->err));
}

int run_expire(struct cli *c, int argc, char **argv)
{
	struct work s;
	int rc = work_open(c, &s);

	(void)argc;
	(void)argv;
	return rc ? rc : work_close(c, &s, console_expire(s.console, &s.out, &c->err));
}

static int put_version(struct cli *c, const char *path, int version)
{
	struct buf b;

	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "database", str_from(path));
	rec_add_i64(&b, "version", version);
	rec_add_i64(&b, "wanted", store_version_wanted());
	rec_end(&b);
	int rc = rec_out_put(&c->out, buf_str(&b), &c->err);

	buf_free(&b);
	return rc;
}

int run_migrate(struct cli *c, int argc, char **argv)
{
	const struct options *o = c->opts;
	char dir[1024], path[1100];
	struct store *store = NULL;

	(void)argc;
	(void)argv;
	int rc = console_folder(c, dir, sizeof(dir));

	snprintf(path, sizeof(path), "%s/console.db", dir);
	if (!rc)
		rc = store_open(&store, path, o->check ? STORE_CHECK : STORE_MIGRATE, &c->err);
	if (!rc)
		rc = put_version(c, path, store_version(store));
	if (!rc && store_version(store) < store_version_wanted())
		rc = rn_fail(
			&c->err, RN_ENO,
			"the database is older than this program; rn-console migrate brings it up");
	store_close(store);
	return rc;
}

int run_backup(struct cli *c, int argc, char **argv)
{
	struct work s;
	int rc = work_open(c, &s);

	(void)argc;
	return rc ? rc : work_close(c, &s, console_backup(s.console, &s.actor, argv[0], &c->err));
}
