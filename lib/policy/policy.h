/* SPDX-License-Identifier: MIT
 *
 * lib/policy: who may reach what. Policies are records; a set of them, compiled once per config
 * snapshot, answers one question: may somebody with these facts do this to that resource? Nothing
 * allows it: the answer is no.
 *
 *     policy=eng-web effect=allow from=group:eng,user:ada to=resource:app
 *     policy=no-lab effect=deny from=cidr:192.0.2.0/24 to=* priority=10
 *     policy=admin effect=allow from=group:ops to=resource:db when=trust>=60&mfa&hour>=8
 *
 * Policies are asked in the order of priority (higher first, 0 when not given), and in one priority
 * denials before permissions, then by name. The first whose from, to, action and when all hold
 * decides.
 *
 *   principal.c  who: any, link, org, user:, group:, device:, cidr:
 *   when.c       conditions: a small total language
 *   set.c        compiling records, the index by resource
 *   decide.c     the decision, and its explanation
 *   question.c   questions and decisions as records
 *
 * One set may be read by many threads; nothing here allocates while deciding, or reads a clock.
 */
#ifndef RN_POLICY_H
#define RN_POLICY_H

#include "net/net.h"

/* ---- facts ----------------------------------------------------------------------------------- */

/* What was proved about who asks. Absent is NULL ptr, NULL or -1. */
struct policy_facts {
	struct str user;   /* name of the logged-in user */
	struct str groups; /* their groups: a list as a record holds it, elements escaped */
	struct str device; /* name of the joined device that the request came from */
	bool link;         /* came with a valid share link of this very resource */
	const struct addr *address; /* where the request came from */
	int trust;                  /* 0 to 100 */
	int mfa;                    /* 1: a second factor was shown in this session, 0: not */
	int64_t now_s;              /* Unix seconds; needed by when= only */
};
/* Nobody: nothing known. */
#define POLICY_NOBODY ((struct policy_facts){.trust = -1, .mfa = -1, .now_s = -1})

/* ---- principals ------------------------------------------------------------------------------ */

enum principal_kind {
	PRINCIPAL_ANY,  /* everybody */
	PRINCIPAL_LINK, /* who holds a share link of the resource */
	PRINCIPAL_ORG,  /* any logged-in user and any joined device */
	PRINCIPAL_USER,
	PRINCIPAL_GROUP,
	PRINCIPAL_DEVICE,
	PRINCIPAL_CIDR,
};
struct principal {
	enum principal_kind kind;
	struct str text; /* as written: "group:eng" */
	struct str name; /* as written behind the colon: record text, still escaped */
	struct cidr cidr;
};
/* Parses one element of a from= or allow= list; P points into TEXT. RN_ECONFIG says what is bad. */
int principal_parse(struct principal *p, struct str text, struct rn_error *err) must_check;
bool principal_matches(const struct principal *p, const struct policy_facts *f);

/* ---- sets ------------------------------------------------------------------------------------ */

struct policy_set;
/* An empty set, all of it in A; NULL when A is full. */
struct policy_set *policy_set_new(struct arena *a) must_check;
/* Compiles one policy record (copied into the arena). RN_ECONFIG names what is wrong with it. */
int policy_set_add(struct policy_set *set, const struct rec *r, struct rn_error *err) must_check;
/* Sorts and indexes; must run once, after the last addition and before the first question. */
int policy_set_finish(struct policy_set *set, struct rn_error *err) must_check;
size_t policy_set_len(const struct policy_set *set);

/* ---- decisions ------------------------------------------------------------------------------- */

struct policy_decision {
	bool allow;
	struct str policy;    /* name of the policy that decided, or empty: none did */
	struct str principal; /* the element of its from= that matched, or empty */
	const char *reason;   /* a few words for the log */
};
/* RESOURCE is a resource's name. ACTION is the request's method for HTTP, "connect" for TCP and
 * UDP. A set of NULL denies. */
struct policy_decision policy_decide(const struct policy_set *set, const struct policy_facts *f,
				     struct str resource, struct str action);

/* How one policy took part in a decision. */
enum policy_step {
	POLICY_DECIDED,  /* all of it held */
	POLICY_NOT_FROM, /* none of its principals is the one who asks */
	POLICY_NOT_ACTION,
	POLICY_NOT_WHEN, /* its condition is false */
	POLICY_UNKNOWN,  /* its condition needs a fact that is not known, so it cannot allow */
	POLICY_AFTER,    /* not asked: an earlier one had decided */
};
typedef void policy_step_fn(void *ctx, struct str policy, bool allows, enum policy_step step);
/* Decides the same, and tells FN about each policy for RESOURCE, in the order they are asked. */
struct policy_decision policy_explain(const struct policy_set *set, const struct policy_facts *f,
				      struct str resource, struct str action, policy_step_fn *fn,
				      void *ctx);
/* "not_when"; "its condition does not hold". */
const char *policy_step_name(enum policy_step step);
const char *policy_step_text(enum policy_step step);

/* ---- questions as records -------------------------------------------------------------------- */

/* question=ID resource=… action= user= groups= device= link= address= trust= mfa= at= */
struct policy_question {
	struct policy_facts facts;
	struct str id, resource, action; /* as written */
	struct addr address;             /* facts.address points here */
};
/* Reads one (any kind with these keys: also an expect record). Q lives as long as R and A. RN_EDATA
 * names the key that is wrong. */
int policy_question_read(struct policy_question *q, const struct rec *r, struct arena *a,
			 struct rn_error *err) must_check;
struct policy_decision policy_answer(const struct policy_set *set, const struct policy_question *q);
/* Adds "decision=ID effect=… policy=… from=… to=resource:… action=… text=…". */
void policy_decision_write(struct buf *b, const struct policy_question *q,
			   const struct policy_decision *d);

#endif
