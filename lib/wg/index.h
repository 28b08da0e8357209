/* SPDX-License-Identifier: MIT
 *
 * The 32-bit random indices that name our sessions and pending handshakes in messages to us. Open
 * addressing: an index is random already, so it is its own hash.
 */
#ifndef RN_WG_INDEX_H
#define RN_WG_INDEX_H

#include "base/base.h"

enum wg_index_kind { WG_INDEX_NONE, WG_INDEX_HANDSHAKE, WG_INDEX_SESSION };

struct wg_index_entry {
	uint32_t index;
	enum wg_index_kind kind;
	void *ptr; /* struct wg_peer or struct wg_session, by kind */
};

struct wg_index {
	struct wg_index_entry *entries; /* cap of them, a power of two, at most half of them used */
	uint32_t cap, len;
};

/* Enters PTR under INDEX, which must not be in the table. False when out of memory. */
bool wg_index_add(struct wg_index *t, uint32_t index, enum wg_index_kind kind, void *ptr) must_check;
/* NULL if there is none. The pointer is good until the next change. */
struct wg_index_entry *wg_index_find(const struct wg_index *t, uint32_t index);
void wg_index_remove(struct wg_index *t, uint32_t index);
void wg_index_free(struct wg_index *t);

#endif
