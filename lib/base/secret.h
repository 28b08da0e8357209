/* SPDX-License-Identifier: MIT
 *
 * Secrets: kept in memory that is locked and left out of core dumps (sodium_malloc), wiped when
 * released, compared without telling by time where they differ.
 */
#ifndef RN_SECRET_H
#define RN_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Must run once before any other use of libsodium; false if the library cannot start. */
bool secret_init(void);
/* Zeroed and locked; NULL when out of memory. Release with secret_free, which wipes. */
void *secret_alloc(size_t size) __attribute__((warn_unused_result));
void secret_free(void *p);
void secret_wipe(void *p, size_t size);
bool secret_eq(const void *a, const void *b, size_t len);
/* Random bytes from the system. */
void random_bytes(void *out, size_t len);

#endif
