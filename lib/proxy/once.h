/* SPDX-License-Identifier: MIT
 *
 * What may serve once: login assertions, and the nonces of devices that probe. Of fixed size and
 * shared by the workers.
 *
 * A name is kept as its keyed hash (SipHash, map_hash), in one of many small sets: nobody can choose
 * names that meet. A set without room refuses or lets pass, as the caller thinks right: a login that
 * cannot be remembered is refused; a probe, which gives nothing away twice, is not.
 */
#ifndef RN_PROXY_ONCE_H
#define RN_PROXY_ONCE_H

#include "base/base.h"

#include <pthread.h>

#define ONCE_WAYS 16

struct once_set {
	struct {
		uint64_t hash;
		int64_t expires_at;
	} used[ONCE_WAYS];
};
struct once {
	pthread_mutex_t lock;
	struct once_set *sets;
	size_t n_sets;
};
#define ONCE_INIT(array) {PTHREAD_MUTEX_INITIALIZER, (array), ARRAY_LEN(array)}

enum once_result { ONCE_NEW, ONCE_USED, ONCE_FULL };
/* Remembers NAME until EXPIRES_AT. ONCE_FULL: it cannot be remembered, nor told if it was used. */
enum once_result once_use(struct once *o, struct str name, int64_t now_s, int64_t expires_at);

extern struct once once_logins; /* 4096 in their minute */
extern struct once once_probes; /* 65536 in ten minutes; a service is probed every five seconds */

#endif
