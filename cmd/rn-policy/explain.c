/* SPDX-License-Identifier: MIT
 *
 * rn-policy explain: how each policy took part in one decision.
 */
#include "rn-policy.h"

struct explain {
	struct buf steps;
	uint64_t n;
};

static void add_step(void *ctx, struct str policy, bool allows, enum policy_step step)
{
	struct explain *e = ctx;
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)++e->n);
	rec_begin(&e->steps, "step", str_from(number));
	rec_add_raw(&e->steps, "policy", policy);
	rec_add_cstr(&e->steps, "effect", allows ? "allow" : "deny");
	rec_add_cstr(&e->steps, "result", policy_step_name(step));
	rec_add_cstr(&e->steps, "text", policy_step_text(step));
	rec_end(&e->steps);
}

/* "user=ada" "groups=eng" … as one question record. */
static int make_question(struct buf *line, int n, char **facts, struct rn_error *err)
{
	rec_begin(line, "question", STR("1"));
	for (int i = 0; i < n; i++) {
		struct str rest = str_from(facts[i]), key;

		if (str_find(rest, '=') < 0)
			return rn_fail(err, RN_EUSAGE, "%s: not KEY=VALUE", facts[i]);
		str_cut(&rest, '=', &key);
		buf_add_byte(line, ' ');
		buf_add(line, key);
		buf_add_byte(line, '=');
		escape_value(line, rest);
	}
	return line->failed ? rn_fail(err, RN_EUSAGE, "the question is too long") : 0;
}

static int explain(struct cli *c, const struct policy_set *set, const struct rec *r, struct arena *a)
{
	struct explain e = {.n = 0};
	struct policy_question q;
	struct policy_decision d;
	int rc;

	rc = schema_check(r, NULL, &c->err);
	rc = rc ? rc : policy_question_read(&q, r, a, &c->err);
	if (rc)
		return c->err.code = RN_EUSAGE;
	buf_init(&e.steps, 64 << 20);
	d = policy_explain(set, &q.facts, q.resource, q.action, add_step, &e);
	policy_decision_write(&e.steps, &q, &d);
	rc = e.steps.failed ? rn_fail(&c->err, RN_EOS, "out of memory")
			    : rec_out_put(&c->out, buf_str(&e.steps), &c->err);
	buf_free(&e.steps);
	c->err.text[0] = rc ? c->err.text[0] : '\0';
	return rc ? rc : d.allow ? 0 : RN_ENO;
}

int run_explain(struct cli *c, int argc, char **argv)
{
	struct policy_set *set;
	struct arena a;
	struct buf line;
	struct rec r;
	int rc;

	arena_init(&a, 256 << 20);
	buf_init(&line, REC_LINE_MAX);
	rc = make_question(&line, argc - 1, argv + 1, &c->err);
	if (!rc && rec_parse(&r, buf_str(&line), NULL, &c->err))
		rc = c->err.code = RN_EUSAGE;
	rc = rc ? rc : load_policies(&set, &a, argv[0], &c->err);
	rc = rc ? rc : explain(c, set, &r, &a);
	buf_free(&line);
	arena_free(&a);
	return rc;
}
