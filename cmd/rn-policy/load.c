/* SPDX-License-Identifier: MIT */
#include "rn-policy.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int add_policy(void *ctx, const struct rec *r, struct rn_error *err)
{
	return rec_is(r, "policy") ? policy_set_add(ctx, r, err) : 0;
}

int load_policies(struct policy_set **set, struct arena *a, const char *path, struct rn_error *err)
{
	int rc;

	*set = policy_set_new(a);
	if (!*set)
		return rn_fail(err, RN_EOS, "out of memory");
	rc = rec_config_read(path, add_policy, *set, err);
	return rc ? rc : policy_set_finish(*set, err);
}

/* One record of the stream; the arena holds what it needs and is emptied behind it. */
static int one(const struct rec *r, const char *kind, load_question_fn *fn, void *ctx,
	       struct rn_error *err)
{
	struct policy_question q;
	struct arena a;
	int rc;

	if (!rec_is(r, kind))
		return 0;
	arena_init(&a, 1 << 20);
	rc = schema_check(r, NULL, err);
	rc = rc ? rc : policy_question_read(&q, r, &a, err);
	rc = rc ? RN_EDATA : fn(ctx, r, &q, err);
	arena_free(&a);
	return rc;
}

static int all(struct rec_reader *rd, const char *kind, load_question_fn *fn, void *ctx,
	       struct rn_error *err)
{
	bool bad = false;
	struct rec r;
	int rc;

	while ((rc = rec_read(rd, &r, err)) != 0) {
		if (rc == 1) {
			rc = one(&r, kind, fn, ctx, err);
			if (rc == RN_EDATA)
				rn_fail_in(err, "%s:%zu", rd->name, rd->line);
		}
		if (rc < 0 && rc != RN_EDATA)
			return rc;
		if (rc == RN_EDATA) {
			fprintf(stderr, "rn-policy: %s\n", err->text);
			bad = true;
		}
	}
	return bad ? rn_fail(err, RN_EDATA, "%s: not every %s could be read", rd->name, kind) : 0;
}

int load_questions(const char *path, const char *kind, load_question_fn *fn, void *ctx,
		   struct rn_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), rc;
	struct rec_reader rd;

	if (fd < 0)
		return rn_fail_errno(err, RN_ENOINPUT, "%s", path);
	rec_reader_fd(&rd, fd, is_stdin ? "stdin" : path);
	rc = all(&rd, kind, fn, ctx, err);
	rec_reader_free(&rd);
	if (!is_stdin)
		fd_close(&fd);
	return rc;
}
