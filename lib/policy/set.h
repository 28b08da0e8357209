/* SPDX-License-Identifier: MIT
 *
 * The compiled form of policies; for this folder only.
 */
#ifndef RN_POLICY_SET_H
#define RN_POLICY_SET_H

#include "policy/policy.h"
#include "policy/when.h"

struct policy {
	struct str name;
	bool allow;
	uint64_t priority;
	const struct principal *from;
	size_t from_len;
	struct str to;           /* the list, as written */
	struct str actions;      /* a list; NULL ptr: every action */
	const struct when *when; /* NULL: always */
	size_t rank;             /* place in the order of asking */
	struct policy *next;     /* in the order of addition */
};

/* One policy under one resource that it names. */
struct policy_entry {
	struct str resource;
	const struct policy *policy;
};

struct policy_set {
	struct arena *arena;
	struct policy *list;
	size_t len;
	size_t named_len, wild_len;
	struct policy_entry *named; /* by resource, then rank */
	const struct policy **wild; /* to=*, by rank */
};

#endif
