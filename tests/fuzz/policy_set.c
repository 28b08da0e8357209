/* SPDX-License-Identifier: MIT
 *
 * Policy records and questions in one text: whatever was understood, who allows is a policy that
 * says allow, and nothing else ever does. */
#include "policy/policy.h"

static void ask(const struct policy_set *set, const struct rec *r, struct arena *a)
{
	struct policy_decision d;
	struct policy_question q;
	struct rn_error err;
	struct rec again;
	struct buf b;

	if (policy_question_read(&q, r, a, &err))
		return;
	d = policy_answer(set, &q);
	rn_assert(!d.allow || d.policy.len);
	buf_init(&b, 3 * REC_LINE_MAX);
	policy_decision_write(&b, &q, &d);
	rn_assert(b.failed || rec_parse(&again, str_slice(buf_str(&b), 0, b.len - 1), NULL, &err) == 0);
	buf_free(&b);
}

static void each(struct str text, const char *kind, struct policy_set *set, struct arena *a)
{
	static struct rec r;
	struct rec_reader rd;
	struct rn_error err;
	int rc;

	rec_reader_mem(&rd, text, "fuzz");
	while ((rc = rec_read(&rd, &r, &err)) == 1 || rc == RN_EDATA) {
		if (rc != 1 || !rec_is(&r, kind))
			continue;
		if (strcmp(kind, "policy") == 0)
			rc = policy_set_add(set, &r, &err);
		else
			ask(set, &r, a);
	}
	rec_reader_free(&rd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_set *set;
	struct rn_error err;
	struct arena a;

	arena_init(&a, 8 << 20);
	set = policy_set_new(&a);
	each(str_make(data, size), "policy", set, &a);
	if (policy_set_finish(set, &err) == 0)
		each(str_make(data, size), "question", set, &a);
	arena_free(&a);
	return 0;
}
