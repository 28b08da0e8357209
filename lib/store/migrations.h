/* SPDX-License-Identifier: MIT
 *
 * The migrations: each brings the database from the version before it to its own, in one
 * transaction. One that was released never changes; the next change is a new one at the end.
 */
#ifndef RN_STORE_MIGRATIONS_H
#define RN_STORE_MIGRATIONS_H

#include <stddef.h>

struct store_migration {
	const char *name;
	const char *sql; /* several statements */
};
extern const struct store_migration store_migrations[];
extern const size_t store_migrations_len;

#endif
