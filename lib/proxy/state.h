/* SPDX-License-Identifier: MIT
 *
 * What is known of a target and outlives a reload: its health, its counters, and each worker's pool
 * of idle connections to it. Kept by what the target is (name, address, way there, check), so that
 * a changed weight or policy loses nothing. Counted by reference: the table, each snapshot's target
 * and each open connection hold one.
 */
#ifndef RN_PROXY_STATE_H
#define RN_PROXY_STATE_H

#include "base/base.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

struct up;

struct target_slot { /* one worker's; only that worker writes */
	alignas(64) _Atomic uint64_t requests;
	_Atomic uint64_t failures;
	_Atomic uint32_t active;
	uint32_t idle_n;
	struct up *idle; /* newest first */
};

enum target_health { TARGET_UNCHECKED, TARGET_UP, TARGET_DOWN };

struct target_state {
	struct str key;
	_Atomic unsigned refs;
	_Atomic int health;	     /* enum target_health */
	_Atomic uint64_t suspect_ms; /* until then a last resort: a connection just failed */
	pthread_mutex_t lock;	     /* of the two below */
	int64_t since_at;
	char why[128];
	unsigned n_slots;
	struct target_slot slots[];
};

struct state_table { /* the main thread's */
	struct map states;
	unsigned n_slots; /* workers */
};

/* The state kept under KEY, made if need be, with one more reference; NULL when out of memory. */
struct target_state *state_get(struct state_table *t, struct str key) must_check;
/* Forgets states that only the table holds. */
void state_sweep(struct state_table *t);
void state_table_free(struct state_table *t);

struct target_state *state_ref(struct target_state *s);
void state_unref(struct target_state *s);

void state_set_health(struct target_state *s, enum target_health h, const char *why);
/* A connection failed or went well. */
void state_suspect(struct target_state *s, uint64_t now_ms);
void state_clear(struct target_state *s);

#endif
