/* SPDX-License-Identifier: MIT
 *
 * Compiling policy records, and the index by resource.
 */
#include "policy/set.h"

#include <stdlib.h>

#define PRIORITY_MAX 65535
#define TO_RESOURCE "resource:"

struct policy_set *policy_set_new(struct arena *a)
{
	struct policy_set *set = arena_new(a, struct policy_set);

	if (set)
		set->arena = a;
	return set;
}

size_t policy_set_len(const struct policy_set *set)
{
	return set->len;
}

static int no_memory(struct rn_error *err)
{
	return rn_fail(err, RN_EOS, "too many policies for the memory they may use");
}

static size_t list_len(struct str list)
{
	struct str element;
	size_t n = 0;

	while (rec_list_next(&list, &element))
		n++;
	return n;
}

/* Copies the value of KEY as written; p stays NULL when it is absent. */
static int copy_raw(struct policy_set *set, const struct rec *r, const char *key, struct str *out,
		    struct rn_error *err)
{
	struct str value = rec_get(r, key);

	*out = value.ptr ? arena_str(set->arena, value) : value;
	return value.ptr && !out->ptr ? no_memory(err) : 0;
}

static int compile_effect(struct policy *p, const struct rec *r, struct rn_error *err)
{
	struct str effect = rec_get(r, "effect");

	p->allow = str_is(effect, "allow");
	if (!p->allow && !str_is(effect, "deny"))
		return rn_fail(err, RN_ECONFIG, "effect must be allow or deny");
	return 0;
}

static int compile_from(struct policy_set *set, struct policy *p, const struct rec *r,
			struct rn_error *err)
{
	struct str rest, element;
	struct principal *from;
	int rc = copy_raw(set, r, "from", &rest, err);

	if (rc)
		return rc;
	if (!rest.len)
		return rn_fail(err, RN_ECONFIG, "from is missing: whom does it concern?");
	from = arena_array(set->arena, list_len(rest), sizeof(*from));
	if (!from)
		return no_memory(err);
	while (rec_list_next(&rest, &element)) {
		rc = principal_parse(&from[p->from_len++], element, err);
		if (rc)
			return rc;
	}
	p->from = from;
	return 0;
}

static int compile_to(struct policy_set *set, struct policy *p, const struct rec *r,
		      struct rn_error *err)
{
	struct str rest, element;
	int rc = copy_raw(set, r, "to", &p->to, err);

	if (rc)
		return rc;
	if (!p->to.len)
		return rn_fail(err, RN_ECONFIG, "to is missing: resource:NAME or *");
	rest = p->to;
	while (rec_list_next(&rest, &element)) {
		if (str_is(element, "*"))
			set->wild_len++;
		else if (str_starts(element, STR(TO_RESOURCE)) &&
			 element.len > strlen(TO_RESOURCE))
			set->named_len++;
		else
			return rn_fail(err, RN_ECONFIG, "to: %.*s: neither resource:NAME nor *",
				       STR_ARG(element));
	}
	return 0;
}

static int compile_when(struct policy_set *set, struct policy *p, const struct rec *r,
			struct rn_error *err)
{
	struct str text;

	if (!rec_get(r, "when").ptr)
		return 0;
	text = rec_text(r, "when", set->arena);
	return text.ptr ? when_compile(&p->when, text, set->arena, err) : no_memory(err);
}

static int compile(struct policy_set *set, struct policy *p, const struct rec *r,
		   struct rn_error *err)
{
	int rc = compile_effect(p, r, err);

	rc = rc ? rc : compile_from(set, p, r, err);
	rc = rc ? rc : compile_to(set, p, r, err);
	rc = rc ? rc : copy_raw(set, r, "action", &p->actions, err);
	rc = rc ? rc : rec_u64(r, "priority", 0, PRIORITY_MAX, &p->priority, err);
	return rc ? rc : compile_when(set, p, r, err);
}

int policy_set_add(struct policy_set *set, const struct rec *r, struct rn_error *err)
{
	struct policy *p = arena_new(set->arena, struct policy);
	int rc;

	if (!p)
		return no_memory(err);
	p->name = arena_str(set->arena, rec_id(r));
	if (!p->name.ptr)
		return no_memory(err);
	rc = compile(set, p, r, err);
	if (rc == RN_EDATA)
		err->code = RN_ECONFIG;
	if (rc)
		return rn_fail_in(err, "policy %.*s", STR_ARG(rec_id(r)));
	p->next = set->list;
	set->list = p;
	set->len++;
	return 0;
}

/* ---- order ----------------------------------------------------------------------------------- */

static int compare_policies(const void *a, const void *b)
{
	const struct policy *x = *(const struct policy *const *)a;
	const struct policy *y = *(const struct policy *const *)b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	if (x->allow != y->allow)
		return x->allow ? 1 : -1;
	return str_cmp(x->name, y->name);
}

static int compare_entries(const void *a, const void *b)
{
	const struct policy_entry *x = a, *y = b;
	int by_name = str_cmp(x->resource, y->resource);

	if (by_name)
		return by_name;
	return x->policy->rank < y->policy->rank ? -1 : x->policy->rank > y->policy->rank;
}

static void index_policy(struct policy_set *set, struct policy *p)
{
	struct str rest = p->to, element;

	while (rec_list_next(&rest, &element)) {
		if (str_is(element, "*"))
			set->wild[set->wild_len++] = p;
		else
			set->named[set->named_len++] = (struct policy_entry){
				str_from_at(element, strlen(TO_RESOURCE)), p};
	}
}

int policy_set_finish(struct policy_set *set, struct rn_error *err)
{
	struct policy **order = arena_array(set->arena, set->len + 1, sizeof(*order));
	size_t n = 0;

	set->named = arena_array(set->arena, set->named_len + 1, sizeof(*set->named));
	set->wild = arena_array(set->arena, set->wild_len + 1, sizeof(*set->wild));
	if (!order || !set->named || !set->wild)
		return no_memory(err);
	for (struct policy *p = set->list; p; p = p->next)
		order[n++] = p;
	qsort(order, n, sizeof(*order), compare_policies);
	set->named_len = set->wild_len = 0;
	for (size_t i = 0; i < n; i++) {
		order[i]->rank = i;
		index_policy(set, order[i]);
	}
	qsort(set->named, set->named_len, sizeof(*set->named), compare_entries);
	return 0;
}
