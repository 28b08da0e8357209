/* SPDX-License-Identifier: MIT
 *
 * lib/store: the database. A small statement interface over SQLite (WAL, STRICT tables, foreign
 * keys, prepared statements only), numbered migrations, and nothing that knows what the tables
 * mean: that is lib/console. Several processes may use one database at once.
 *
 * SQL is written in the part that SQLite and PostgreSQL share: ? for a bound value, ON CONFLICT,
 * RETURNING, integers for times and booleans. What differs stands in store_sqlite.c and in the text
 * of the migrations, so that a second back end replaces one file.
 *
 *     struct store_rows q;
 *     rc = store_query(s, &q, "SELECT name, seen_at FROM nodes WHERE org = ?", err, "i", org);
 *     while (!rc && (rc = store_next(&q, err)) > 0)
 *             use(store_text(&q, 0), store_int(&q, 1));
 *     store_done(&q);
 *
 * Values are bound by a string of types, one letter a value:
 *     i  int64_t           s  struct str (NULL ptr: SQL NULL)
 *     z  const char *      b  struct str as bytes
 * Every statement text must be a literal (or live as long as the store): its plan is kept and found
 * again by the address.
 *
 * Errors: RN_ENO with err->sys EEXIST when a uniqueness constraint refuses, RN_EDATA for another
 * constraint, RN_EAGAIN when another process kept the database locked for 5 s, RN_EIO for a full
 * disk or a failing one, RN_ECONFIG for a file that is no database of ours or a newer one, RN_EBUG
 * for bad SQL.
 */
#ifndef RN_STORE_H
#define RN_STORE_H

#include "base/base.h"

struct store;

enum store_open_mode {
	STORE_CREATE,  /* makes the file (0600) and its tables; migrates an older one */
	STORE_MIGRATE, /* must exist; migrates an older one */
	STORE_CHECK,   /* must exist; opened as it is, even when older (store_version tells) */
};
int store_open(struct store **out, const char *path, enum store_open_mode mode,
	       struct rn_error *err) must_check;
void store_close(struct store *s); /* NULL is fine */

/* The number of the last migration applied, and the one that this program brings it to. A database
 * that is newer than the program is refused by store_open in every mode. */
int store_version(const struct store *s);
int store_version_wanted(void);
/* For tests: migrates only up to VERSION. */
int store_migrate_to(struct store *s, int version, struct rn_error *err) must_check;

/* A transaction. WRITE takes the write lock at once (BEGIN IMMEDIATE), so that what it reads cannot
 * change under it and two writers queue; READ sees one snapshot. They do not nest. */
enum store_tx { STORE_READ, STORE_WRITE };
int store_begin(struct store *s, enum store_tx kind, struct rn_error *err) must_check;
int store_commit(struct store *s, struct rn_error *err) must_check;
void store_rollback(struct store *s); /* fine outside a transaction */
bool store_in_tx(const struct store *s);

/* Runs a statement that gives no rows. CHANGED (may be NULL): how many rows it touched. */
int store_exec(struct store *s, const char *sql, int64_t *changed, struct rn_error *err,
	       const char *types, ...) must_check;

struct store_rows { /* a running query; only its owner touches it, and ends it with store_done */
	struct store *store;
	void *stmt;
	size_t slot;
};
int store_query(struct store *s, struct store_rows *q, const char *sql, struct rn_error *err,
		const char *types, ...) must_check;
/* 1: a row. 0: no more. Negative: failed. */
int store_next(struct store_rows *q, struct rn_error *err) must_check;
void store_done(struct store_rows *q); /* also after a failed store_query */
/* Columns of the current row, from 0; valid until the next store_next. NULL gives 0 and a NULL ptr.
 */
int64_t store_int(const struct store_rows *q, int column);
struct str store_text(const struct store_rows *q, int column);
bool store_null(const struct store_rows *q, int column);
/* How many columns there are, and what one is called (the AS of the SELECT). */
int store_columns(const struct store_rows *q);
const char *store_column_name(const struct store_rows *q, int column);
/* Copies a text column into a fixed array; false if it does not fit (nothing in the tables does
 * not). */
bool store_copy(const struct store_rows *q, int column, char *out, size_t size);

/* The first column of the first row as an integer; 1 if there was a row, 0 if not. */
int store_get_int(struct store *s, int64_t *out, const char *sql, struct rn_error *err,
		  const char *types, ...) must_check;
/* The same as text, decoded into an array. */
int store_get_text(struct store *s, char *out, size_t size, const char *sql, struct rn_error *err,
		   const char *types, ...) must_check;

/* A consistent copy of the live database in a new file (0600); RN_ECANTCREAT if PATH exists. */
int store_backup(struct store *s, const char *path, struct rn_error *err) must_check;

#endif
