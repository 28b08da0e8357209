/* SPDX-License-Identifier: MIT
 *
 * pull, apply, show: the running agent does it when there is one (it holds the lock), else this
 * process.
 */
#include "rn-node.h"

#include <errno.h>
#include <unistd.h>

#define PULL_MS 30000
#define SHOW_MS 5000

int apply_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct apply_opts *o = opts;

	(void)err;
	switch (key) {
	case 'N':
		o->network = arg;
		return 0;
	case 's':
		o->signature = arg;
		return 0;
	case 'n':
		o->dry_run = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int put_record(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct cli *c = ctx;
	struct buf b;
	int rc;

	buf_init(&b, REC_LINE_MAX);
	rec_write(&b, r);
	rc = rec_out_put(&c->out, buf_str(&b), err);
	buf_free(&b);
	return rc;
}

static int ask_agent(struct cli *c, const struct agent_net *n, struct str request, int timeout_ms)
{
	char path[128];
	int rc = door_path(c, path, sizeof(path), n->name);

	return rc ? rc : ctl_call(path, request, timeout_ms, put_record, c, NULL, NULL, &c->err);
}

static int put_applied(struct cli *c, const struct apply *a, const struct applied *done)
{
	struct buf b;
	int rc;

	buf_init(&b, REC_LINE_MAX);
	apply_record(&b, a, done);
	rc = rec_out_put(&c->out, buf_str(&b), &c->err);
	buf_free(&b);
	return rc;
}

/* ---- pull ----------------------------------------------------------------------------------- */

/* A bundle that is published between its two files shows as a wrong signature: once more. */
static int fetch_and_apply(struct apply *a, struct agent_rest *r, struct applied *done,
			   struct rn_error *err)
{
	struct bundle next;
	int rc = RN_EPERM;

	bundle_init(&next);
	for (int i = 0; i < 2 && rc == RN_EPERM; i++) {
		rc = bundle_fetch(&next, r, a->net.node, err);
		if (rc)
			break;
		rc = apply_bundle(a, &next, done, err);
	}
	bundle_free(&next);
	return rc;
}

static int pull_here(struct cli *c, const char *name)
{
	struct applied done;
	struct apply a;
	int rc = apply_open(&a, c, name, true, &c->err);
	struct agent_rest *r = rc ? NULL : agent_rest_open(&a.net, &c->err);

	if (!rc)
		rc = r ? fetch_and_apply(&a, r, &done, &c->err) : c->err.code;
	if (!rc)
		rc = put_applied(c, &a, &done);
	agent_rest_free(r);
	apply_close(&a);
	return rc;
}

int run_pull(struct cli *c, int argc, char **argv)
{
	const char *name = argc ? argv[0] : NULL;
	struct agent_net n;
	int rc = agent_net_find(&n, c->state_dir, name, &c->err);

	if (rc)
		return rc;
	rc = pull_here(c, n.name);
	return rc == RN_EAGAIN ? ask_agent(c, &n, STR("request=pull\n"), PULL_MS) : rc;
}

/* ---- apply ---------------------------------------------------------------------------------- */

static void put_difference(void *ctx, char sign, struct str line)
{
	cli_printf(ctx, "%c %.*s\n", sign, STR_ARG(line));
}

/* Nothing is verified: it may be a plan that nobody has signed yet. 1 if it differs, as diff(1). */
static int dry_run(struct cli *c, const struct apply *a, struct str text)
{
	size_t changes;
	int rc = bundle_diff(buf_str(&a->current.text), text, put_difference, c, &changes, &c->err);

	if (rc)
		return rc;
	return changes ? rn_fail(&c->err, RN_ENO, "%zu lines differ from what is applied", changes)
		       : 0;
}

static int ask_apply(struct cli *c, const struct agent_net *n, const char *file, const char *sig)
{
	char whole[AGENT_PATH_MAX], whole_sig[AGENT_PATH_MAX], cwd[AGENT_PATH_MAX];
	struct buf rq;
	int rc;

	if (!getcwd(cwd, sizeof(cwd)) || !path_join(whole, sizeof(whole), cwd, str_from(file)) ||
	    !path_join(whole_sig, sizeof(whole_sig), cwd, str_from(sig)))
		return rn_fail(&c->err, RN_EUSAGE, "%s: the path is too long", file);
	buf_init(&rq, REC_LINE_MAX);
	rec_begin(&rq, "request", STR("apply"));
	rec_add_cstr(&rq, "file", whole);
	rec_add_cstr(&rq, "signature", whole_sig);
	rec_end(&rq);
	rc = ask_agent(c, n, buf_str(&rq), PULL_MS);
	buf_free(&rq);
	return rc;
}

static int apply_here(struct cli *c, struct apply *a, struct bundle *next, const char *sig)
{
	struct applied done;
	int rc = file_read(sig, &next->sig, &c->err);

	if (!rc)
		rc = apply_bundle(a, next, &done, &c->err);
	return rc ? rc : put_applied(c, a, &done);
}

int run_apply(struct cli *c, int argc, char **argv)
{
	const struct apply_opts *o = c->opts;
	bool from_stdin = strcmp(argv[0], "-") == 0;
	char sig[AGENT_PATH_MAX];
	struct bundle next;
	struct apply a;
	int rc;

	(void)argc;
	if (from_stdin && !o->dry_run && !o->signature)
		return rn_fail(&c->err, RN_EUSAGE,
			       "standard input needs --signature FILE (or --dry-run)");
	snprintf(sig, sizeof(sig), o->signature ? "%s" : "%s.minisig",
		 o->signature ? o->signature : argv[0]);
	rc = apply_open(&a, c, o->network, !o->dry_run, &c->err);
	if (rc == RN_EAGAIN && !from_stdin) {
		rc = ask_apply(c, &a.net, argv[0], sig);
		apply_close(&a);
		return rc;
	}
	bundle_init(&next);
	if (!rc)
		rc = file_read(argv[0], &next.text, &c->err);
	if (!rc)
		rc = o->dry_run ? dry_run(c, &a, buf_str(&next.text))
				: apply_here(c, &a, &next, sig);
	bundle_free(&next);
	apply_close(&a);
	return rc;
}

/* ---- show ----------------------------------------------------------------------------------- */

/* What the folder says, when no agent runs. */
static int show_folder(struct cli *c, const char *name)
{
	struct apply a;
	struct buf b;
	int rc = apply_open(&a, c, name, false, &c->err);

	if (!rc) {
		buf_init(&b, REC_LINE_MAX);
		rec_begin(&b, "node", str_from(a.net.node));
		rec_add_cstr(&b, "network", a.net.name);
		rec_add_cstr(&b, "role", a.net.role);
		rec_add_cstr(&b, "url", a.net.url);
		if (a.current.text.len)
			rec_add_u64(&b, "serial", a.current.serial);
		rec_add_cstr(&b, "state", "stopped");
		rec_end(&b);
		rc = rec_out_put(&c->out, buf_str(&b), &c->err);
		buf_free(&b);
	}
	apply_close(&a);
	return rc;
}

int run_show(struct cli *c, int argc, char **argv)
{
	struct agent_net n;
	int rc = agent_net_find(&n, c->state_dir, argc ? argv[0] : NULL, &c->err);

	if (rc)
		return rc;
	rc = ask_agent(c, &n, STR("request=show\n"), SHOW_MS);
	return rc == RN_EAWAY ? show_folder(c, n.name) : rc;
}
