/* SPDX-License-Identifier: MIT */
#include "proxy/once.h"

static struct once_set login_sets[256], probe_sets[4096];
struct once once_logins = ONCE_INIT(login_sets);
struct once once_probes = ONCE_INIT(probe_sets);

enum once_result once_use(struct once *o, struct str name, int64_t now_s, int64_t expires_at)
{
	uint64_t hash = map_hash(name);
	struct once_set *set = &o->sets[hash % o->n_sets];
	enum once_result result = ONCE_FULL;
	size_t room = ONCE_WAYS;

	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < ONCE_WAYS; i++) {
		if (set->used[i].expires_at < now_s)
			room = i;
		else if (set->used[i].hash == hash)
			result = ONCE_USED;
	}
	if (result == ONCE_FULL && room < ONCE_WAYS) {
		set->used[room].hash = hash;
		set->used[room].expires_at = expires_at;
		result = ONCE_NEW;
	}
	pthread_mutex_unlock(&o->lock);
	return result;
}
