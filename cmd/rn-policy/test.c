/* SPDX-License-Identifier: MIT
 *
 * rn-policy test: expectations held against policies. Prints the decisions that differ.
 */
#include "rn-policy.h"

struct test {
	struct cli *cli;
	const struct policy_set *set;
	struct buf line;
	uint64_t passed, failed;
};

static int compare(void *ctx, const struct rec *r, const struct policy_question *q, struct rn_error *err)
{
	struct test *t = ctx;
	struct policy_decision d = policy_answer(t->set, q);
	struct str effect = rec_get(r, "effect"), policy = rec_get(r, "policy");

	if (str_is(effect, d.allow ? "allow" : "deny") && (!policy.ptr || str_eq(policy, d.policy))) {
		t->passed++;
		return 0;
	}
	t->failed++;
	fprintf(stderr, "rn-policy: %.*s: expected %.*s%s%.*s\n", STR_ARG(q->id), STR_ARG(effect),
		policy.ptr ? " by " : "", STR_ARG(policy));
	buf_clear(&t->line);
	policy_decision_write(&t->line, q, &d);
	return rec_out_put(&t->cli->out, buf_str(&t->line), err);
}

int run_test(struct cli *c, int argc, char **argv)
{
	struct test t = {.cli = c};
	struct policy_set *set;
	struct arena a;
	int rc;

	(void)argc;
	if (strcmp(argv[0], "-") == 0 && strcmp(argv[1], "-") == 0)
		return rn_fail(&c->err, RN_EUSAGE, "policies and cases cannot both come from stdin");
	arena_init(&a, 256 << 20);
	buf_init(&t.line, 2 * REC_LINE_MAX);
	rc = load_policies(&set, &a, argv[0], &c->err);
	t.set = set;
	rc = rc ? rc : load_questions(argv[1], "expect", compare, &t, &c->err);
	if (!rc && t.failed)
		rc = rn_fail(&c->err, RN_ENO, "%llu of %llu expectations do not hold",
			     (unsigned long long)t.failed, (unsigned long long)(t.failed + t.passed));
	else if (!rc && !t.passed)
		rc = rn_fail(&c->err, RN_EDATA, "%s: no expect record in it", argv[1]);
	buf_free(&t.line);
	arena_free(&a);
	return rc;
}
