/* SPDX-License-Identifier: MIT
 *
 * Pools of equal elements in locked memory: few large slabs rather than a guarded allocation each,
 * so that 100,000 peers cost what their structs cost. Elements are zeroed when given out and wiped
 * when they come back. Slabs are returned only with the whole pool.
 */
#ifndef RN_WG_POOL_H
#define RN_WG_POOL_H

#include "base/base.h"

struct wg_pool {
	size_t size;       /* of an element, a multiple of 16 */
	void *free;        /* list through the first word of each free element */
	VEC(void *) slabs; /* from secret_alloc, each twice the one before up to a limit */
};

void wg_pool_init(struct wg_pool *p, size_t element_size);
void wg_pool_free(struct wg_pool *p); /* wipes and releases every element */
void *wg_pool_get(struct wg_pool *p) must_check; /* NULL when out of memory */
void wg_pool_put(struct wg_pool *p, void *element); /* NULL is fine */

#endif
