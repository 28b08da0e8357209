/* SPDX-License-Identifier: MIT
 *
 * The store over SQLite.
 */
#include "store/migrations.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_PLANS 128 /* prepared statements kept */
#define STORE_BUSY_MS 5000
#define STORE_APPLICATION 0x524e5354 /* "RNST" in the file's header: the database is ours */

struct plan {
	const char *sql; /* NULL: free */
	sqlite3_stmt *stmt;
	bool busy;
};

struct store {
	sqlite3 *db;
	int version;
	struct plan plans[STORE_PLANS];
	size_t next; /* where to look for a plan to give up */
};

/* ---- errors -----------------------------------------------------------------------------------
 */

static int fail_constraint(struct store *s, struct rn_error *err)
{
	int why = sqlite3_extended_errcode(s->db);
	bool unique = why == SQLITE_CONSTRAINT_UNIQUE || why == SQLITE_CONSTRAINT_PRIMARYKEY;
	int rc = rn_fail(err, unique ? RN_ENO : RN_EDATA, "database: %s", sqlite3_errmsg(s->db));

	if (unique)
		err->sys = EEXIST;
	return rc;
}

static int fail_sqlite(struct store *s, int code, struct rn_error *err)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return fail_constraint(s, err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return rn_fail(err, RN_EAGAIN, "database: another program is writing; try again");
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return rn_fail(err, RN_ECONFIG, "database: damaged or not a database: %s",
			       sqlite3_errmsg(s->db));
	case SQLITE_FULL:
	case SQLITE_IOERR:
		return rn_fail(err, RN_EIO, "database: %s", sqlite3_errmsg(s->db));
	case SQLITE_CANTOPEN:
		return rn_fail(err, RN_ENOINPUT, "database: %s", sqlite3_errmsg(s->db));
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return rn_fail(err, RN_EPERM, "database: %s", sqlite3_errmsg(s->db));
	case SQLITE_NOMEM:
		return rn_fail(err, RN_EOS, "database: out of memory");
	default:
		return rn_fail(err, RN_EBUG, "database: %s", sqlite3_errmsg(s->db));
	}
}

/* ---- statements -------------------------------------------------------------------------------
 */

static size_t plan_place(struct store *s)
{
	for (size_t tries = 0; tries < STORE_PLANS; tries++) {
		size_t i = s->next++ % STORE_PLANS;

		if (!s->plans[i].sql)
			return i;
		if (!s->plans[i].busy) {
			sqlite3_finalize(s->plans[i].stmt);
			s->plans[i] = (struct plan){0};
			return i;
		}
	}
	return STORE_PLANS;
}

/* A plan for SQL that nobody is using: an old one, or a new one in a free place. */
static int plan_take(struct store *s, const char *sql, size_t *slot, struct rn_error *err)
{
	for (size_t i = 0; i < STORE_PLANS; i++) {
		if (s->plans[i].sql == sql && !s->plans[i].busy) {
			s->plans[i].busy = true;
			*slot = i;
			return 0;
		}
	}
	*slot = plan_place(s);
	if (*slot == STORE_PLANS)
		return rn_fail(err, RN_EBUG, "database: more than %d statements run at once",
			       STORE_PLANS);

	struct plan *p = &s->plans[*slot];
	int rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &p->stmt, NULL);

	if (rc != SQLITE_OK)
		return fail_sqlite(s, rc, err);
	p->sql = sql;
	p->busy = true;
	return 0;
}

static int bind_str(sqlite3_stmt *stmt, int i, struct str v, bool bytes)
{
	if (!v.ptr)
		return sqlite3_bind_null(stmt, i);
	if (bytes)
		return sqlite3_bind_blob64(stmt, i, v.ptr, v.len, SQLITE_TRANSIENT);
	return sqlite3_bind_text64(stmt, i, v.ptr, v.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int bind_all(struct store *s, sqlite3_stmt *stmt, const char *types, va_list ap,
		    struct rn_error *err)
{
	rn_assert((size_t)sqlite3_bind_parameter_count(stmt) == strlen(types));
	for (int i = 1; *types; i++, types++) {
		int rc;

		switch (*types) {
		case 'i':
			rc = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t));
			break;
		case 'z':
			rc = bind_str(stmt, i, str_from(va_arg(ap, const char *)), false);
			break;
		default:
			rn_assert(*types == 's' || *types == 'b');
			rc = bind_str(stmt, i, va_arg(ap, struct str), *types == 'b');
		}
		if (rc != SQLITE_OK)
			return fail_sqlite(s, rc, err);
	}
	return 0;
}

static int query_va(struct store *s, struct store_rows *q, const char *sql, struct rn_error *err,
		    const char *types, va_list ap)
{
	*q = (struct store_rows){.store = s, .slot = STORE_PLANS};
	int rc = plan_take(s, sql, &q->slot, err);

	if (rc) {
		q->slot = STORE_PLANS;
		return rc;
	}
	q->stmt = s->plans[q->slot].stmt;
	return bind_all(s, q->stmt, types, ap, err);
}

int store_query(struct store *s, struct store_rows *q, const char *sql, struct rn_error *err,
		const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	int rc = query_va(s, q, sql, err, types, ap);

	va_end(ap);
	return rc;
}

int store_next(struct store_rows *q, struct rn_error *err)
{
	int rc = sqlite3_step(q->stmt);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail_sqlite(q->store, rc, err);
}

void store_done(struct store_rows *q)
{
	if (!q->store || q->slot == STORE_PLANS)
		return;
	sqlite3_reset(q->stmt);
	sqlite3_clear_bindings(q->stmt);
	q->store->plans[q->slot].busy = false;
	*q = (struct store_rows){.slot = STORE_PLANS};
}

int64_t store_int(const struct store_rows *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

struct str store_text(const struct store_rows *q, int column)
{
	const unsigned char *text = sqlite3_column_text(q->stmt, column);

	return text ? str_make(text, (size_t)sqlite3_column_bytes(q->stmt, column))
		    : (struct str){0};
}

bool store_null(const struct store_rows *q, int column)
{
	return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

int store_columns(const struct store_rows *q)
{
	return sqlite3_column_count(q->stmt);
}

const char *store_column_name(const struct store_rows *q, int column)
{
	return sqlite3_column_name(q->stmt, column);
}

bool store_copy(const struct store_rows *q, int column, char *out, size_t size)
{
	struct str s = store_text(q, column);

	return str_copy(out, size, s.ptr ? s : STR(""));
}

int store_exec(struct store *s, const char *sql, int64_t *changed, struct rn_error *err,
	       const char *types, ...)
{
	struct store_rows q;
	va_list ap;

	va_start(ap, types);
	int rc = query_va(s, &q, sql, err, types, ap);

	va_end(ap);
	if (!rc)
		rc = store_next(&q, err);
	store_done(&q);
	if (rc >= 0 && changed)
		*changed = sqlite3_changes64(s->db);
	return rc < 0 ? rc : 0;
}

int store_get_int(struct store *s, int64_t *out, const char *sql, struct rn_error *err,
		  const char *types, ...)
{
	struct store_rows q;
	va_list ap;

	va_start(ap, types);
	int rc = query_va(s, &q, sql, err, types, ap);

	va_end(ap);
	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1)
		*out = store_int(&q, 0);
	store_done(&q);
	return rc;
}

int store_get_text(struct store *s, char *out, size_t size, const char *sql, struct rn_error *err,
		   const char *types, ...)
{
	struct store_rows q;
	va_list ap;

	va_start(ap, types);
	int rc = query_va(s, &q, sql, err, types, ap);

	va_end(ap);
	if (!rc)
		rc = store_next(&q, err);
	if (rc == 1 && !store_copy(&q, 0, out, size))
		rc = rn_fail(err, RN_EBUG, "database: a text is longer than %zu bytes", size);
	store_done(&q);
	return rc;
}

/* ---- transactions -----------------------------------------------------------------------------
 */

static int run_text(struct store *s, const char *sql, struct rn_error *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail_sqlite(s, rc, err);
}

int store_begin(struct store *s, enum store_tx kind, struct rn_error *err)
{
	rn_assert(!store_in_tx(s));
	return run_text(s, kind == STORE_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

int store_commit(struct store *s, struct rn_error *err)
{
	rn_assert(store_in_tx(s));
	return run_text(s, "COMMIT", err);
}

void store_rollback(struct store *s)
{
	if (store_in_tx(s))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

bool store_in_tx(const struct store *s)
{
	return s->db && !sqlite3_get_autocommit(s->db); /* NULL: it could not be opened */
}

/* ---- migrations -------------------------------------------------------------------------------
 */

int store_version(const struct store *s)
{
	return s->version;
}

int store_version_wanted(void)
{
	return (int)store_migrations_len;
}

static int read_header(struct store *s, struct rn_error *err)
{
	int64_t version = 0, application = 0, tables = 0;
	int rc = store_get_int(s, &version, "PRAGMA user_version", err, "");

	if (rc >= 0)
		rc = store_get_int(s, &application, "PRAGMA application_id", err, "");
	if (rc >= 0)
		rc = store_get_int(s, &tables, "SELECT count(*) FROM sqlite_schema", err, "");
	if (rc < 0)
		return rc;
	if (tables && application != STORE_APPLICATION)
		return rn_fail(err, RN_ECONFIG,
			       "database: this is not a Rustronaut console's database");
	if (version > store_version_wanted())
		return rn_fail(err, RN_ECONFIG,
			       "database: version %lld is newer than this program's %d; use the "
			       "newer program",
			       (long long)version, store_version_wanted());
	s->version = (int)version;
	return 0;
}

/* One step, unless another process made it while we waited for the lock. */
static int migrate_step(struct store *s, struct rn_error *err)
{
	char sql[96];
	int rc = store_begin(s, STORE_WRITE, err);
	int before = s->version;

	if (rc)
		return rc;
	rc = read_header(s, err);
	if (rc || s->version != before) {
		store_rollback(s);
		return rc;
	}
	const struct store_migration *m = &store_migrations[before];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; PRAGMA application_id = %d",
		 before + 1, STORE_APPLICATION);
	rc = run_text(s, m->sql, err);
	if (!rc)
		rc = run_text(s, sql, err);
	if (!rc)
		rc = store_commit(s, err);
	if (rc) {
		store_rollback(s);
		return rn_fail_in(err, "migration %d (%s)", before + 1, m->name);
	}
	s->version = before + 1;
	return 0;
}

int store_migrate_to(struct store *s, int version, struct rn_error *err)
{
	int rc = 0;

	rn_assert(version <= store_version_wanted());
	while (!rc && s->version < version)
		rc = migrate_step(s, err);
	return rc;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

/* SQLite gives the files beside the database (-wal, -shm) its own mode, so it must be 0600 from
 * birth. */
static int make_file(const char *path, struct rn_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return rn_fail_errno(err, RN_ECANTCREAT, "%s", path);
	close(fd);
	return 0;
}

/* Going over to WAL needs the file alone for a moment, and SQLite does not wait for that: of several
 * processes that open a new database at once all but one would fail. */
static int run_patiently(struct store *s, const char *text, struct rn_error *err)
{
	const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
	uint64_t deadline = clock_now_ms() + STORE_BUSY_MS;
	int rc;

	while ((rc = run_text(s, text, err)) == RN_EAGAIN && clock_now_ms() < deadline)
		nanosleep(&pause, NULL);
	return rc;
}

static int configure(struct store *s, struct rn_error *err)
{
	sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	int rc = read_header(s, err); /* first: do not touch what is not ours */

	if (!rc)
		rc = run_patiently(s, "PRAGMA journal_mode = WAL", err);
	if (!rc)
		rc = run_text(s,
			      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
			      "PRAGMA secure_delete = ON",
			      err);
	return rc;
}

int store_open(struct store **out, const char *path, enum store_open_mode mode,
	       struct rn_error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int rc = s ? 0 : rn_fail(err, RN_EOS, "database: out of memory");

	*out = NULL;
	if (!rc && mode == STORE_CREATE)
		rc = make_file(path, err);
	if (!rc && access(path, R_OK | W_OK) != 0)
		rc = rn_fail_errno(err, errno == EACCES ? RN_EPERM : RN_ENOINPUT, "%s", path);
	if (rc)
		goto out;
	rc = sqlite3_open_v2(path, &s->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
			     NULL);
	rc = rc == SQLITE_OK ? configure(s, err) : fail_sqlite(s, rc, err);
	if (!rc && mode != STORE_CHECK)
		rc = store_migrate_to(s, store_version_wanted(), err);
	if (rc)
		rc = rn_fail_in(err, "%s", path);
out:
	if (rc)
		store_close(s);
	else
		*out = s;
	return rc;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_rollback(s);
	for (size_t i = 0; i < STORE_PLANS; i++)
		sqlite3_finalize(s->plans[i].stmt);
	sqlite3_close(s->db);
	free(s);
}

int store_backup(struct store *s, const char *path, struct rn_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return rn_fail_errno(err, RN_ECANTCREAT, "%s", path);
	close(fd);
	int rc = store_exec(s, "VACUUM INTO ?", NULL, err, "z",
			    path); /* an empty file is fine with it */

	if (rc) {
		unlink(path);
		return rn_fail_in(err, "%s", path);
	}
	return 0;
}
