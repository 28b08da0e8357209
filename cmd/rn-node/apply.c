/* SPDX-License-Identifier: MIT
 *
 * A bundle into the programs that it is for. Everything that can be refused is refused before
 * anything is changed; what fails after that is undone.
 */
#include "rn-node.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define CHECK_MS 20000
#define TELL_MS 10000

/* ---- opening -------------------------------------------------------------------------------- */

static int take_lock(struct apply *a, struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	int rc = agent_net_path(&a->net, path, "lock", err);

	if (rc)
		return rc;
	a->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->lock < 0)
		return rn_fail_errno(err, RN_ECANTCREAT, "%s", path);
	if (flock(a->lock, LOCK_EX | LOCK_NB) < 0)
		return rn_fail(err, RN_EAGAIN, "another rn-node works on the network %s",
			       a->net.name);
	return 0;
}

static int find_programs(struct apply *a, struct cli *c, struct rn_error *err)
{
	char name[AGENT_NAME_MAX + 16];

	cli_sibling(c, "rn-wg", a->rn_wg, sizeof(a->rn_wg));
	cli_sibling(c, "rn-proxy", a->rn_proxy, sizeof(a->rn_proxy));
	snprintf(name, sizeof(name), "wg-%s.sock", a->net.name);
	if (cli_run_path(c, a->wg_sock, sizeof(a->wg_sock), name) < 0) {
		*err = c->err;
		return err->code;
	}
	snprintf(name, sizeof(name), "proxy-%s.sock", a->net.name);
	if (cli_run_path(c, a->proxy_sock, sizeof(a->proxy_sock), name) < 0) {
		*err = c->err;
		return err->code;
	}
	return agent_net_path(&a->net, a->file, "bundle.rn", err);
}

int apply_open(struct apply *a, struct cli *c, const char *name, bool lock, struct rn_error *err)
{
	int rc;

	*a = (struct apply){.lock = -1};
	bundle_init(&a->current);
	rc = agent_net_find(&a->net, c->state_dir, name, err);
	if (!rc)
		rc = find_programs(a, c, err);
	if (!rc)
		rc = bundle_signer(&a->signer, &a->net, err);
	if (!rc && lock)
		rc = take_lock(a, err);
	if (rc)
		return rc;
	a->gateway = strcmp(a->net.role, "gateway") == 0;
	rc = bundle_load(&a->current, &a->net, err);
	if (rc)
		bundle_free(&a->current); /* and empty again */
	if (rc == RN_ENOINPUT)
		return 0;
	return rc ? rn_fail_in(err, "%s", a->file) : 0;
}

void apply_close(struct apply *a)
{
	bundle_free(&a->current);
	fd_close(&a->lock);
}

/* ---- the programs --------------------------------------------------------------------------- */

/* Each program's own check of the staged file; a word that does not hold becomes RN_ECONFIG. */
static int check(const struct apply *a, struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	int rc = agent_net_path(&a->net, path, BUNDLE_NEXT, err);

	if (rc)
		return rc;
	const char *wg[] = {a->rn_wg, "check", a->net.name, "-f", path, NULL};
	const char *proxy[] = {a->rn_proxy, "check", "-f", path, NULL};
	rc = child_run(wg, CHECK_MS, err);
	if (!rc && a->gateway)
		rc = child_run(proxy, CHECK_MS, err);
	if (!rc)
		return 0;
	rn_fail_in(err, "the bundle is refused");
	err->code = RN_ECONFIG;
	return RN_ECONFIG;
}

/* Which programs a difference is for. */
struct touched {
	bool wg, proxy;
};

static void touch(void *ctx, char sign, struct str line)
{
	struct touched *t = ctx;

	(void)sign;
	*(bundle_line_is_wg(line) ? &t->wg : &t->proxy) = true;
}

/* A program that does not run (RN_EAWAY) or is just ending (RN_EAGAIN) is told by being started. One
 * that does not answer is another matter. */
static int tell_wg(const struct apply *a, struct rn_error *err)
{
	const char *sync[] = {a->rn_wg, "sync", a->net.name, "-f", a->file, NULL};
	int rc = child_run(sync, TELL_MS, err);
	bool gone = (rc == RN_EAWAY && err->sys != ETIMEDOUT) || rc == RN_EAGAIN;

	return gone ? 0 : rc;
}

/* The proxy's own RN_EAWAY is a port that is in use; without an answer there is an errno. */
static int tell_proxy(const struct apply *a, struct rn_error *err)
{
	int rc = ctl_call(a->proxy_sock, STR("request=reload\n"), TELL_MS, NULL, NULL, NULL, NULL,
			  err);
	bool gone = (rc == RN_EAWAY && err->sys && err->sys != ETIMEDOUT) || rc == RN_EAGAIN;

	return gone ? 0 : rc;
}

static int tell(const struct apply *a, const struct touched *t, struct rn_error *err)
{
	int rc = t->wg ? tell_wg(a, err) : 0;

	return !rc && t->proxy && a->gateway ? tell_proxy(a, err) : rc;
}

static int go_back(const struct apply *a, const struct touched *t, struct rn_error *err)
{
	struct rn_error second = {0};

	log_event(LOG_ERROR, "the bundle could not be applied; going back", "reason", err->text,
		  NULL);
	if (bundle_revert(&a->net, &second) < 0 || tell(a, t, &second) < 0)
		log_event(LOG_ERROR, "going back failed too", "reason", second.text, NULL);
	return rn_fail_in(err, "not applied, the bundle before is back");
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* 1: it is what we have. */
static int check_serial(const struct apply *a, const struct bundle *next, struct rn_error *err)
{
	const struct bundle *have = &a->current;

	if (a->bad_serial && next->serial == a->bad_serial)
		return rn_fail(err, RN_ENO,
			       "the bundle is refused: with serial %llu the console was lost",
			       (unsigned long long)next->serial);
	if (!have->text.len || next->serial > have->serial)
		return 0;
	if (next->serial == have->serial && str_eq(buf_str(&next->text), buf_str(&have->text)))
		return 1;
	return rn_fail(err, RN_ENO, "the bundle is refused: its serial %llu is not above %llu",
		       (unsigned long long)next->serial, (unsigned long long)have->serial);
}

static int install(struct apply *a, const struct bundle *next, struct applied *out,
		   struct rn_error *err)
{
	struct touched t = {0};
	int rc = bundle_diff(buf_str(&a->current.text), buf_str(&next->text), touch, &t,
			     &out->changes, err);

	if (!rc)
		rc = bundle_stage(next, &a->net, err);
	if (!rc)
		rc = check(a, err);
	if (!rc)
		rc = bundle_commit(&a->net, err);
	if (rc) {
		bundle_unstage(&a->net);
		return rc;
	}
	rc = tell(a, &t, err);
	return rc && a->current.text.len ? go_back(a, &t, err) : rc;
}

int apply_bundle(struct apply *a, struct bundle *next, struct applied *out, struct rn_error *err)
{
	uint64_t start = clock_now_ms();
	int rc = bundle_verify(next, &a->signer, a->net.node, err);

	*out = (struct applied){0};
	if (!rc)
		rc = check_serial(a, next, err);
	if (rc)
		return rc > 0 ? 0 : rc;
	rc = apply_restore(a, next, out, err);
	out->ms = clock_now_ms() - start;
	return rc;
}

int apply_restore(struct apply *a, struct bundle *next, struct applied *out, struct rn_error *err)
{
	int rc = install(a, next, out, err);

	if (rc)
		return rc;
	struct bundle was = a->current;
	a->current = *next;
	*next = was;
	return 0;
}

void apply_record(struct buf *b, const struct apply *a, const struct applied *done)
{
	rec_begin(b, "applied", str_from(a->net.node));
	rec_add_u64(b, "serial", a->current.serial);
	rec_add_i64(b, "at", clock_wall_s());
	rec_add_u64(b, "changes", done->changes);
	rec_add_u64(b, "ms", done->ms);
	rec_end(b);
}
