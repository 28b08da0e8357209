/* SPDX-License-Identifier: MIT
 *
 * The decision: the policies of one resource and those of all, merged in their order, until one
 * decides.
 */
#include "policy/set.h"

/* The two runs that are merged: [at, end) of each. */
struct cursor {
	const struct policy_entry *named, *named_end;
	const struct policy *const *wild, *const *wild_end;
};

static struct cursor start(const struct policy_set *set, struct str resource)
{
	size_t low = 0, high = set->named_len, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (str_cmp(set->named[mid].resource, resource) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < set->named_len && str_eq(set->named[end].resource, resource);)
		end++;
	return (struct cursor){set->named + low, set->named + end, set->wild,
			       set->wild + set->wild_len};
}

static const struct policy *next(struct cursor *c)
{
	bool has_named = c->named < c->named_end, has_wild = c->wild < c->wild_end;

	if (has_named && (!has_wild || c->named->policy->rank <= (*c->wild)->rank))
		return (c->named++)->policy;
	return has_wild ? *c->wild++ : NULL;
}

static const struct principal *find_principal(const struct policy *p, const struct policy_facts *f)
{
	for (size_t i = 0; i < p->from_len; i++)
		if (principal_matches(&p->from[i], f))
			return &p->from[i];
	return NULL;
}

static bool covers_action(const struct policy *p, struct str action)
{
	struct str rest = p->actions, element;

	if (!rest.ptr)
		return true;
	while (rec_list_next(&rest, &element))
		if (str_eq(element, action))
			return true;
	return false;
}

static enum policy_step ask(const struct policy *p, const struct when_request *rq,
			    const struct principal **who)
{
	enum when_value when;

	*who = find_principal(p, rq->facts);
	if (!*who)
		return POLICY_NOT_FROM;
	if (!covers_action(p, rq->action))
		return POLICY_NOT_ACTION;
	when = p->when ? when_eval(p->when, rq) : WHEN_TRUE;
	if (when == WHEN_FALSE)
		return POLICY_NOT_WHEN;
	/* Not known: fails closed. */
	return when == WHEN_UNKNOWN && p->allow ? POLICY_UNKNOWN : POLICY_DECIDED;
}

struct policy_decision policy_explain(const struct policy_set *set, const struct policy_facts *f,
				      struct str resource, struct str action, policy_step_fn *fn,
				      void *ctx)
{
	struct policy_decision d = {.reason = "no policy allows it"};
	const struct when_request rq = {f, resource, action};
	const struct policy *p;
	struct cursor c;
	bool decided = false;

	if (!set)
		return d;
	c = start(set, resource);
	while ((p = next(&c)) && (!decided || fn)) {
		const struct principal *who = NULL;
		enum policy_step step = decided ? POLICY_AFTER : ask(p, &rq, &who);

		if (step == POLICY_DECIDED) {
			decided = true;
			d.allow = p->allow;
			d.policy = p->name;
			d.principal = who->text;
			d.reason = p->allow ? "allowed by policy" : "denied by policy";
		}
		if (fn)
			fn(ctx, p->name, p->allow, step);
	}
	return d;
}

struct policy_decision policy_decide(const struct policy_set *set, const struct policy_facts *f,
				     struct str resource, struct str action)
{
	return policy_explain(set, f, resource, action, NULL, NULL);
}

const char *policy_step_name(enum policy_step step)
{
	static const char *const names[] = {
		[POLICY_DECIDED] = "decided",       [POLICY_NOT_FROM] = "not_from",
		[POLICY_NOT_ACTION] = "not_action", [POLICY_NOT_WHEN] = "not_when",
		[POLICY_UNKNOWN] = "unknown",       [POLICY_AFTER] = "after",
	};

	return names[step];
}

const char *policy_step_text(enum policy_step step)
{
	static const char *const texts[] = {
		[POLICY_DECIDED] = "all of it holds: it decides",
		[POLICY_NOT_FROM] = "from names nobody who asks here",
		[POLICY_NOT_ACTION] = "is about other actions",
		[POLICY_NOT_WHEN] = "its condition does not hold",
		[POLICY_UNKNOWN] = "its condition needs a fact that is not known",
		[POLICY_AFTER] = "not asked: decided before",
	};

	return texts[step];
}
