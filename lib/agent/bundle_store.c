/* SPDX-License-Identifier: MIT
 *
 * The last good bundle is two files, which cannot change at once. The signature goes first: a text
 * that does not match it is then found as .next (commit was cut off: finish) or .prev (revert was).
 */
#include "agent/bundle.h"

#include <errno.h>
#include <unistd.h>

#define TEXT "bundle.rn"
#define SIG "bundle.rn.minisig"
#define NEXT_SIG BUNDLE_NEXT ".minisig"
#define PREV "bundle.rn.prev"
#define PREV_SIG "bundle.rn.prev.minisig"

static int read_into(struct buf *b, const struct agent_net *n, const char *file,
		     struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	int rc = agent_net_path(n, path, file, err);

	buf_clear(b);
	return rc ? rc : file_read(path, b, err);
}

static int write_from(const struct buf *b, const struct agent_net *n, const char *file,
		      struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	int rc = agent_net_path(n, path, file, err);

	return rc ? rc : file_write(path, 0600, buf_str(b), err);
}

static int move(const struct agent_net *n, const char *from, const char *to, struct rn_error *err)
{
	char a[AGENT_PATH_MAX], b[AGENT_PATH_MAX];
	int rc = agent_net_path(n, a, from, err);

	if (!rc)
		rc = agent_net_path(n, b, to, err);
	if (!rc && rename(a, b) < 0)
		rc = rn_fail_errno(err, errno == ENOENT ? RN_ENOINPUT : RN_ECANTCREAT, "%s to %s",
				   a, to);
	return rc;
}

static void discard(const struct agent_net *n, const char *file)
{
	char path[AGENT_PATH_MAX];
	struct rn_error ignored;

	if (agent_net_path(n, path, file, &ignored) == 0)
		unlink(path);
}

/* A second name for FROM; its absence is fine (there was no bundle before the first). */
static int keep(const struct agent_net *n, const char *from, const char *to, struct rn_error *err)
{
	char a[AGENT_PATH_MAX], b[AGENT_PATH_MAX];
	int rc = agent_net_path(n, a, from, err);

	if (!rc)
		rc = agent_net_path(n, b, to, err);
	if (rc)
		return rc;
	unlink(b);
	if (link(a, b) < 0 && errno != ENOENT)
		return rn_fail_errno(err, RN_ECANTCREAT, "%s", b);
	return 0;
}

int bundle_stage(const struct bundle *b, const struct agent_net *n, struct rn_error *err)
{
	int rc = write_from(&b->sig, n, NEXT_SIG, err);

	return rc ? rc : write_from(&b->text, n, BUNDLE_NEXT, err);
}

void bundle_unstage(const struct agent_net *n)
{
	discard(n, BUNDLE_NEXT);
	discard(n, NEXT_SIG);
}

int bundle_commit(const struct agent_net *n, struct rn_error *err)
{
	int rc = keep(n, SIG, PREV_SIG, err);

	if (!rc)
		rc = keep(n, TEXT, PREV, err);
	if (!rc)
		rc = move(n, NEXT_SIG, SIG, err);
	return rc ? rc : move(n, BUNDLE_NEXT, TEXT, err);
}

int bundle_revert(const struct agent_net *n, struct rn_error *err)
{
	int rc = move(n, PREV_SIG, SIG, err);

	return rc ? rc : move(n, PREV, TEXT, err);
}

int bundle_load(struct bundle *b, const struct agent_net *n, struct rn_error *err)
{
	static const char *const texts[] = {TEXT, BUNDLE_NEXT, PREV};
	struct minisign_pub signer;
	struct rn_error first = {0}, other = {0};
	int rc = bundle_signer(&signer, n, err);

	if (!rc)
		rc = read_into(&b->sig, n, SIG, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct rn_error *e = i == 0 ? &first : &other;

		if (read_into(&b->text, n, texts[i], e) || bundle_verify(b, &signer, n->node, e))
			continue;
		return i == 0 ? 0 : move(n, texts[i], TEXT, err);
	}
	*err = first;
	return err->code;
}
