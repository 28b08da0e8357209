/* SPDX-License-Identifier: MIT
 *
 * rn-policy: lib/policy as a filter.
 *
 *   main.c     the table of commands
 *   load.c     reading policies and streams of questions
 *   check.c    rn-policy check: questions in, decisions out
 *   explain.c  rn-policy explain: one question, and how each policy took part
 *   test.c     rn-policy test: questions with their right answers
 */
#ifndef RN_POLICY_CMD_H
#define RN_POLICY_CMD_H

#include "cli/cli.h"
#include "policy/policy.h"

/* Reads the policy records of PATH ("-": stdin) into a new set, which is released with A. */
int load_policies(struct policy_set **set, struct arena *a, const char *path,
		  struct rn_error *err) must_check;

/* Called with each record of kind KIND in PATH that is sound. */
typedef int load_question_fn(void *ctx, const struct rec *r, const struct policy_question *q,
			     struct rn_error *err);
/* Reads a stream of questions. A bad one is reported on standard error and dropped, and the result
 * at the end is RN_EDATA; other kinds are passed over. What FN returns below 0 stops it. */
int load_questions(const char *path, const char *kind, load_question_fn *fn, void *ctx,
		   struct rn_error *err) must_check;

int run_check(struct cli *c, int argc, char **argv);
int run_explain(struct cli *c, int argc, char **argv);
int run_test(struct cli *c, int argc, char **argv);

#endif
