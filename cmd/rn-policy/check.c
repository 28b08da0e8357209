/* SPDX-License-Identifier: MIT
 *
 * rn-policy check: the policy decision point as a filter.
 */
#include "rn-policy.h"

struct check {
	struct cli *cli;
	const struct policy_set *set;
	struct buf line;
	bool denied;
};

static int answer(void *ctx, const struct rec *r, const struct policy_question *q, struct rn_error *err)
{
	struct check *k = ctx;
	struct policy_decision d = policy_answer(k->set, q);
	int rc;

	(void)r;
	buf_clear(&k->line);
	policy_decision_write(&k->line, q, &d);
	k->denied |= !d.allow;
	if (k->line.failed)
		return rn_fail(err, RN_EDATA, "the decision does not fit into a record");
	rc = rec_out_put(&k->cli->out, buf_str(&k->line), err);
	/* Whoever asks through a pipe waits for the answer. */
	return rc ? rc : rec_out_flush(&k->cli->out, err);
}

int run_check(struct cli *c, int argc, char **argv)
{
	const char *questions = argc > 1 ? argv[1] : "-";
	struct check k = {.cli = c};
	struct policy_set *set;
	struct arena a;
	int rc;

	if (strcmp(argv[0], "-") == 0 && strcmp(questions, "-") == 0)
		return rn_fail(&c->err, RN_EUSAGE, "policies and questions cannot both come from stdin");
	arena_init(&a, 256 << 20);
	buf_init(&k.line, 2 * REC_LINE_MAX);
	rc = load_policies(&set, &a, argv[0], &c->err);
	k.set = set;
	if (!rc)
		rc = load_questions(questions, "question", answer, &k, &c->err);
	if (!rc && k.denied) {
		c->err.text[0] = '\0'; /* the decisions say it */
		rc = RN_ENO;
	}
	buf_free(&k.line);
	arena_free(&a);
	return rc;
}
