/* SPDX-License-Identifier: MIT
 *
 * Hash map from byte strings to pointers: open addressing, SipHash-2-4 with a random key per
 * process, so that outside names cannot be chosen to collide. The map does not copy keys: they
 * must live as long as their entry. Iteration is in insertion order until something is removed.
 */
#ifndef RN_MAP_H
#define RN_MAP_H

#include "base/str.h"

struct map_entry {
	struct str key;
	void *value;
};

struct map {
	struct map_entry *entries; /* dense, len of them */
	uint32_t *slots;           /* cap of them: index into entries + 1, or 0 */
	size_t len, cap, entries_cap;
};

void map_free(struct map *m); /* a zeroed struct is an empty map */
/* The value, or NULL. */
void *map_get(const struct map *m, struct str key);
/* Adds or replaces; false when out of memory (the map is unchanged). VALUE must not be NULL. */
bool map_set(struct map *m, struct str key, void *value) __attribute__((warn_unused_result));
/* Removes and returns the value, or NULL. The last entry takes the freed place. */
void *map_remove(struct map *m, struct str key);
/* SipHash of S under the process key; also for other tables. */
uint64_t map_hash(struct str s);

#endif
