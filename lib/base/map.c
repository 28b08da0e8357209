/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <sodium.h>

static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static bool hash_key_made;

/* Threads are started after the first map was made; a race would only make two keys. */
uint64_t map_hash(struct str s)
{
	uint64_t h;

	if (!hash_key_made) {
		random_bytes(hash_key, sizeof(hash_key));
		hash_key_made = true;
	}
	crypto_shorthash((unsigned char *)&h, (const unsigned char *)s.ptr, s.len, hash_key);
	return h;
}

void map_free(struct map *m)
{
	free(m->entries);
	free(m->slots);
	*m = (struct map){0};
}

/* The slot that holds KEY, or the free one where it would go. */
static size_t slot_of(const struct map *m, struct str key)
{
	size_t i = map_hash(key) & (m->cap - 1);

	while (m->slots[i] && !str_eq(m->entries[m->slots[i] - 1].key, key))
		i = (i + 1) & (m->cap - 1);
	return i;
}

void *map_get(const struct map *m, struct str key)
{
	uint32_t e;

	if (!m->len)
		return NULL;
	e = m->slots[slot_of(m, key)];
	return e ? m->entries[e - 1].value : NULL;
}

static bool map_grow(struct map *m)
{
	size_t cap = m->cap ? m->cap * 2 : 16;
	uint32_t *slots = calloc(cap, sizeof(*slots));
	struct map_entry *entries = NULL;

	if (slots && cap <= UINT32_MAX)
		entries = realloc(m->entries, cap / 2 * sizeof(*entries));
	if (!entries) {
		free(slots);
		return false;
	}
	free(m->slots);
	*m = (struct map){entries, slots, m->len, cap, cap / 2};
	for (size_t i = 0; i < m->len; i++)
		m->slots[slot_of(m, entries[i].key)] = (uint32_t)i + 1;
	return true;
}

bool map_set(struct map *m, struct str key, void *value)
{
	size_t i;

	rn_assert(value);
	if (m->len == m->entries_cap && !map_get(m, key) && !map_grow(m))
		return false;
	i = slot_of(m, key);
	if (!m->slots[i]) {
		m->entries[m->len].key = key;
		m->slots[i] = (uint32_t)++m->len;
	}
	m->entries[m->slots[i] - 1].value = value;
	return true;
}

/* Fills the hole at I by moving later members of its probe run back (Knuth 6.4, algorithm R). */
static void slot_clear(struct map *m, size_t i)
{
	size_t mask = m->cap - 1;

	for (size_t j = (i + 1) & mask; m->slots[j]; j = (j + 1) & mask) {
		size_t home = map_hash(m->entries[m->slots[j] - 1].key) & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			m->slots[i] = m->slots[j];
			i = j;
		}
	}
	m->slots[i] = 0;
}

void *map_remove(struct map *m, struct str key)
{
	size_t i, last;
	uint32_t e;
	void *value;

	if (!m->len)
		return NULL;
	i = slot_of(m, key);
	e = m->slots[i];
	if (!e)
		return NULL;
	value = m->entries[e - 1].value;
	last = slot_of(m, m->entries[m->len - 1].key);
	m->slots[last] = e;
	if (last != i)
		m->entries[e - 1] = m->entries[m->len - 1];
	else
		m->slots[i] = e;
	slot_clear(m, i);
	m->len--;
	return value;
}
