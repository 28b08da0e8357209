/* SPDX-License-Identifier: MIT
 *
 * Questions and decisions as records.
 */
#include "policy/policy.h"

/* An address, with or without a port. */
static int set_address(struct policy_question *q, struct str text, struct rn_error *err)
{
	if (!text.ptr)
		return 0;
	if (!addr_parse(&q->address, text, 0))
		return rn_fail(err, RN_EDATA, "address=%.*s: not an address", STR_ARG(text));
	q->facts.address = &q->address;
	return 0;
}

static int set_text(struct str *out, const struct rec *r, const char *key, struct arena *a,
		    struct rn_error *err)
{
	if (!rec_get(r, key).ptr)
		return 0;
	*out = rec_text(r, key, a);
	return out->ptr ? 0 : rn_fail(err, RN_EOS, "out of memory");
}

/* Leaves *OUT alone when KEY is absent. */
static int set_int(int *out, const struct rec *r, const char *key, uint64_t max, struct rn_error *err)
{
	uint64_t n;
	int rc;

	if (!rec_get(r, key).ptr)
		return 0;
	rc = rec_u64(r, key, 0, max, &n, err);
	if (!rc)
		*out = (int)n;
	return rc;
}

static int set_mfa(struct policy_facts *f, const struct rec *r, struct rn_error *err)
{
	bool mfa;
	int rc;

	if (!rec_get(r, "mfa").ptr)
		return 0;
	rc = rec_bool(r, "mfa", false, &mfa, err);
	if (!rc)
		f->mfa = mfa;
	return rc;
}

static int set_time(struct policy_facts *f, const struct rec *r, struct rn_error *err)
{
	uint64_t n;
	int rc;

	if (!rec_get(r, "at").ptr)
		return 0;
	rc = rec_u64(r, "at", 0, INT64_MAX, &n, err);
	if (!rc)
		f->now_s = (int64_t)n;
	return rc;
}

int policy_question_read(struct policy_question *q, const struct rec *r, struct arena *a,
			 struct rn_error *err)
{
	struct policy_facts *f = &q->facts;
	int rc;

	memset(q, 0, sizeof(*q));
	*f = POLICY_NOBODY;
	q->id = rec_id(r);
	q->resource = rec_get(r, "resource");
	q->action = rec_get(r, "action");
	f->groups = rec_get(r, "groups");
	if (!q->resource.len)
		return rn_fail(err, RN_EDATA, "resource is missing");
	rc = set_text(&f->user, r, "user", a, err);
	rc = rc ? rc : set_text(&f->device, r, "device", a, err);
	rc = rc ? rc : rec_bool(r, "link", false, &f->link, err);
	rc = rc ? rc : set_address(q, rec_get(r, "address"), err);
	rc = rc ? rc : set_int(&f->trust, r, "trust", 100, err);
	rc = rc ? rc : set_mfa(f, r, err);
	return rc ? rc : set_time(f, r, err);
}

struct policy_decision policy_answer(const struct policy_set *set, const struct policy_question *q)
{
	return policy_decide(set, &q->facts, q->resource, q->action);
}

void policy_decision_write(struct buf *b, const struct policy_question *q,
			   const struct policy_decision *d)
{
	buf_add(b, STR("decision="));
	buf_add(b, q->id);
	rec_add_cstr(b, "effect", d->allow ? "allow" : "deny");
	if (d->policy.len)
		rec_add_raw(b, "policy", d->policy);
	if (d->principal.len)
		rec_add_raw(b, "from", d->principal);
	buf_add(b, STR(" to=resource:"));
	buf_add(b, q->resource);
	if (q->action.len)
		rec_add_raw(b, "action", q->action);
	rec_add_cstr(b, "text", d->reason);
	rec_end(b);
}
