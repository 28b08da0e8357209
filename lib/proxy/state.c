/* SPDX-License-Identifier: MIT */
#include "proxy/state.h"

#define SUSPECT_MS 3000

static struct target_state *state_new(struct str key, unsigned n_slots)
{
	size_t size = size_add(sizeof(struct target_state),
			       size_mul(n_slots, sizeof(struct target_slot)));
	struct target_state *s = aligned_alloc(64, (size + 63) / 64 * 64);
	char *copy = malloc(key.len + 1);
	if (!s || !copy) {
		free(s);
		free(copy);
		return NULL;
	}
	memset(s, 0, size);
	memcpy(copy, key.ptr, key.len);
	s->key = str_make(copy, key.len);
	s->n_slots = n_slots;
	s->since_at = clock_wall_s();
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

struct target_state *state_get(struct state_table *t, struct str key)
{
	struct target_state *s = map_get(&t->states, key);
	if (s)
		return state_ref(s);
	s = state_new(key, t->n_slots);
	if (!s)
		return NULL;
	atomic_store(&s->refs, 1);
	if (!map_set(&t->states, s->key, s)) {
		state_unref(s);
		return NULL;
	}
	return state_ref(s);
}

void state_sweep(struct state_table *t)
{
	for (size_t i = 0; i < t->states.len;) {
		struct target_state *s = t->states.entries[i].value;
		if (atomic_load(&s->refs) > 1) {
			i++;
			continue;
		}
		map_remove(&t->states, s->key); /* the last entry comes to this place */
		state_unref(s);
	}
}

void state_table_free(struct state_table *t)
{
	for (size_t i = 0; i < t->states.len; i++)
		state_unref(t->states.entries[i].value);
	map_free(&t->states);
}

struct target_state *state_ref(struct target_state *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void state_unref(struct target_state *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
		return;
	pthread_mutex_destroy(&s->lock);
	free((void *)(uintptr_t)s->key.ptr);
	free(s);
}

void state_set_health(struct target_state *s, enum target_health h, const char *why)
{
	pthread_mutex_lock(&s->lock);
	if (atomic_exchange(&s->health, h) != (int)h)
		s->since_at = clock_wall_s();
	str_copy(s->why, sizeof(s->why), str_slice(str_from(why), 0, sizeof(s->why) - 1));
	pthread_mutex_unlock(&s->lock);
	if (h == TARGET_UP)
		state_clear(s);
}

void state_suspect(struct target_state *s, uint64_t now_ms)
{
	atomic_store_explicit(&s->suspect_ms, now_ms + SUSPECT_MS, memory_order_relaxed);
}

void state_clear(struct target_state *s)
{
	if (atomic_load_explicit(&s->suspect_ms, memory_order_relaxed))
		atomic_store_explicit(&s->suspect_ms, 0, memory_order_relaxed);
}
