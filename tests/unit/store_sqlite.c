/* SPDX-License-Identifier: MIT
 *
 * The store: migrations, constraints, transactions of several processes, a newer database, backup.
 */
#include "store/store.h"
#include "tap.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS 6
#define ROUNDS 50

static char dir[64];
static struct rn_error err;

static const char *at(const char *name)
{
	static char path[4][128];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static int64_t number(struct store *s, const char *sql)
{
	int64_t n = -1;

	return store_get_int(s, &n, sql, &err, "") == 1 ? n : -1;
}

static void test_migrations(void)
{
	struct store *s;
	struct stat st;

	TAP_OK(store_open(&s, at("none.db"), STORE_MIGRATE, &err) == RN_ENOINPUT,
	       "a missing database is no input");
	TAP_OK(store_open(&s, at("a.db"), STORE_CREATE, &err) == 0, "a new database is made");
	TAP_OK(stat(at("a.db"), &st) == 0 && (st.st_mode & 0777) == 0600, "with mode 0600");
	TAP_OK(store_version(s) == store_version_wanted(), "at the wanted version");
	TAP_OK(number(s, "PRAGMA foreign_keys") == 1, "foreign keys are on");
	TAP_OK(number(s, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = "
			 "'table' AND strict = 0"
			 " AND name NOT LIKE 'sqlite%'") == 0,
	       "every table is STRICT");
	store_close(s);
	TAP_OK(store_open(&s, at("a.db"), STORE_MIGRATE, &err) == 0, "it opens again");
	store_close(s);
}

/* From 0 step by step, and at each step opened again by the whole program. */
static void test_each_version(void)
{
	bool good = true;

	for (int v = 0; v <= store_version_wanted() && good; v++) {
		struct store *s = NULL;
		char name[32];

		snprintf(name, sizeof(name), "v%d.db", v);
		FILE *f = fopen(at(name), "w"); /* an empty file is version 0 */

		good = f && fclose(f) == 0 && store_open(&s, at(name), STORE_CHECK, &err) == 0 &&
		       store_version(s) == 0 && store_migrate_to(s, v, &err) == 0 &&
		       store_version(s) == v;
		store_close(s);
		good = good && store_open(&s, at(name), STORE_MIGRATE, &err) == 0 &&
		       store_version(s) == store_version_wanted();
		store_close(s);
	}
	TAP_OK(good, "from each version to the newest");
}

static void test_refusals(void)
{
	struct store *s;
	int64_t n;

	TAP_OK(store_open(&s, at("new.db"), STORE_CREATE, &err) == 0, "made");
	TAP_OK(store_exec(s, "PRAGMA user_version = 999", NULL, &err, "") == 0,
	       "set to a far version");
	store_close(s);
	TAP_OK(store_open(&s, at("new.db"), STORE_CREATE, &err) == RN_ECONFIG &&
		       strstr(err.text, "newer"),
	       "a newer database is refused, and why");
	FILE *f = fopen(at("junk.db"), "w");

	fputs("this is a letter, not a database; long enough to have a header, or so it may seem "
	      "to somebody. "
	      "More text, so that the file has a whole page and SQLite looks at it closely.",
	      f);
	fclose(f);
	TAP_OK(store_open(&s, at("junk.db"), STORE_MIGRATE, &err) == RN_ECONFIG,
	       "a file of text is refused");
	TAP_OK(store_open(&s, at("c.db"), STORE_CREATE, &err) == 0, "made");
	TAP_OK(store_exec(s, "INSERT INTO meta (key, value) VALUES (?, ?)", &n, &err, "zs", "a",
			  STR("1")) == 0 &&
		       n == 1,
	       "a row is inserted");
	TAP_OK(store_exec(s, "INSERT INTO meta (key, value) VALUES (?, ?)", NULL, &err, "zz", "a",
			  "2") == RN_ENO &&
		       err.sys == EEXIST,
	       "a second one under the same key is refused as taken");
	TAP_OK(store_exec(s,
			  "INSERT INTO users (org, name, role, created_at) VALUES (9, 'x', "
			  "'owner', 0)",
			  NULL, &err, "") == RN_EDATA,
	       "a foreign key that leads nowhere is refused");
	TAP_OK(store_exec(s, "INSERT INTO audit (seq, org, record, hash) VALUES (1, 0, '', '')",
			  NULL, &err, "") == 0,
	       "an audit row goes in");
	TAP_OK(store_exec(s, "DELETE FROM audit", NULL, &err, "") == RN_EDATA,
	       "and does not go out");
	TAP_OK(store_exec(s, "UPDATE audit SET hash = 'x'", NULL, &err, "") == RN_EDATA,
	       "and does not change");
	store_close(s);
}

static void write_many(void)
{
	struct store *s;

	if (store_open(&s, at("many.db"), STORE_CREATE, &err)) {
		printf("# %s\n", err.text);
		fflush(stdout);
		_exit(1);
	}
	for (int i = 0; i < ROUNDS; i++) {
		int64_t n = 0;

		if (store_begin(s, STORE_WRITE, &err) ||
		    store_get_int(s, &n, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'n'",
				  &err, "") < 0 ||
		    store_exec(s,
			       "INSERT INTO meta (key, value) VALUES ('n', CAST(? AS TEXT))"
			       " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
			       NULL, &err, "i", n + 1) ||
		    store_commit(s, &err))
			_exit(2);
	}
	store_close(s);
	_exit(0);
}

static void test_writers(void)
{
	struct store *s;
	bool good = true;

	for (int i = 0; i < WRITERS; i++) {
		if (fork() == 0)
			write_many();
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		good = wait(&status) > 0 && status == 0 && good;
	}
	TAP_OK(good, "several processes make and write one new database at once");
	TAP_OK(store_open(&s, at("many.db"), STORE_MIGRATE, &err) == 0, "it opens");
	TAP_OK(number(s, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'n'") ==
		       WRITERS * ROUNDS,
	       "and no update was lost");
	TAP_OK(store_begin(s, STORE_WRITE, &err) == 0 &&
		       store_exec(s, "UPDATE meta SET value = '0'", NULL, &err, "") == 0,
	       "a change is begun");
	store_rollback(s);
	TAP_OK(number(s, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'n'") ==
		       WRITERS * ROUNDS,
	       "and rolled back leaves no trace");
	TAP_OK(store_backup(s, at("copy.db"), &err) == 0, "a backup is written");
	TAP_OK(store_backup(s, at("copy.db"), &err) == RN_ECANTCREAT, "and never over something");
	store_close(s);
	TAP_OK(store_open(&s, at("copy.db"), STORE_CHECK, &err) == 0 &&
		       number(s, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'n'") ==
			       WRITERS * ROUNDS,
	       "the backup holds the same");
	store_close(s);
}

/* More texts than plans are kept: old ones make room, running ones stay. */
static void test_plans(void)
{
	static char sql[300][48];
	struct store_rows outer;
	struct store *s;
	bool good = true;

	TAP_OK(store_open(&s, at("plans.db"), STORE_CREATE, &err) == 0, "made");
	good = store_query(s, &outer, "SELECT 1 UNION SELECT 2 ORDER BY 1", &err, "") == 0 &&
	       store_next(&outer, &err) == 1;
	for (int i = 0; i < 300; i++) {
		snprintf(sql[i], sizeof(sql[i]), "SELECT %d", i);
		good = good && number(s, sql[i]) == i;
	}
	good = good && store_next(&outer, &err) == 1 && store_int(&outer, 0) == 2 &&
	       store_next(&outer, &err) == 0;
	store_done(&outer);
	TAP_OK(good, "300 statements while another runs");
	store_close(s);
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/rn-store.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	test_migrations();
	test_each_version();
	test_refusals();
	test_writers();
	test_plans();

	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0 || tap_done();
}
