/* SPDX-License-Identifier: MIT
 *
 * Conditions of policies (when=): small, typed, total, and without blanks.
 *
 *     condition = and { "|" and }
 *     and       = not { "&" not }
 *     not       = "!" not | "(" condition ")" | test
 *     test      = name [ ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value { "," value } ]
 *
 *     trust>=60&mfa          address=10.0.0.0/8,fd00::/8&!(user=guest-*)
 *     hour>=8&hour<18&weekday<=5                            (UTC; Monday is 1)
 *
 * "=" with several values means: is one of them. Names and their types stand in one table in
 * when.c. A test about something that is not known is neither true nor false, and so is what
 * depends on it (Kleene's logic): such a condition cannot make a policy allow, and cannot keep one
 * from denying.
 */
#ifndef RN_POLICY_WHEN_H
#define RN_POLICY_WHEN_H

#include "policy/policy.h"

#define WHEN_TESTS_MAX 64 /* tests, and operators, in one condition */
#define WHEN_DEPTH_MAX 16 /* parentheses and "!" inside one another */

enum when_value { WHEN_FALSE, WHEN_UNKNOWN, WHEN_TRUE }; /* ordered: and = min, or = max */

struct when;
/* What a condition may ask about besides who asks. */
struct when_request {
	const struct policy_facts *facts;
	struct str resource, action;
};

/* Compiles TEXT (a decoded value, in A's memory) into A. RN_ECONFIG names the column. */
int when_compile(const struct when **w, struct str text, struct arena *a,
		 struct rn_error *err) must_check;
/* No allocation, no failure; work bounded by the length of the text. */
enum when_value when_eval(const struct when *w, const struct when_request *rq);

#endif
