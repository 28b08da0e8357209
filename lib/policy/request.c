/* SPDX-License-Identifier: MIT
 *
 * Requests and decisions as records.
 */
#include "policy/policy.h"

/* An address, with or without a port. */
static int set_address(struct policy_facts *f, struct addr *address, struct str text,
		       struct rn_error *err)
{
	if (!text.ptr)
		return 0;
	if (!addr_parse(address, text, 0))
		return rn_fail(err, RN_EDATA, "address=%.*s: not an address", STR_ARG(text));
	f->address = address;
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

int policy_facts_from(struct policy_facts *f, struct addr *address, const struct rec *r,
		      struct arena *a, struct rn_error *err)
{
	int rc;

	*f = POLICY_NOBODY;
	f->groups = rec_get(r, "groups");
	rc = set_text(&f->user, r, "user", a, err);
	rc = rc ? rc : set_text(&f->device, r, "device", a, err);
	rc = rc ? rc : rec_bool(r, "link", false, &f->link, err);
	rc = rc ? rc : set_address(f, address, rec_get(r, "address"), err);
	rc = rc ? rc : set_int(&f->trust, r, "trust", 100, err);
	rc = rc ? rc : set_mfa(f, r, err);
	return rc ? rc : set_time(f, r, err);
}

void policy_decision_write(struct buf *b, struct str id, struct str resource,
			   const struct policy_decision *d)
{
	rec_begin(b, "decision", id);
	rec_add_cstr(b, "effect", d->allow ? "allow" : "deny");
	rec_add_raw(b, "resource", resource);
	if (d->policy.len)
		rec_add_raw(b, "policy", d->policy);
	if (d->principal.len)
		rec_add_raw(b, "principal", d->principal);
	rec_add_cstr(b, "reason", d->reason);
	rec_end(b);
}
