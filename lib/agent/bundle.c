/* SPDX-License-Identifier: MIT */
#include "agent/bundle.h"

void bundle_init(struct bundle *b)
{
	*b = (struct bundle){0};
	buf_init(&b->text, BUNDLE_MAX);
	buf_init(&b->sig, MINISIGN_SIG_MAX);
}

void bundle_free(struct bundle *b)
{
	buf_free(&b->text);
	buf_free(&b->sig);
}

int bundle_set(struct bundle *b, struct str text, struct str sig, struct rn_error *err)
{
	buf_clear(&b->text);
	buf_clear(&b->sig);
	buf_add(&b->text, text);
	buf_add(&b->sig, sig);
	if (b->text.failed || b->sig.failed)
		return rn_fail(err, RN_EDATA, "the bundle or its signature is too large");
	return 0;
}

int bundle_signer(struct minisign_pub *p, const struct agent_net *n, struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	struct buf text;
	int rc = agent_net_path(n, path, "console.pub", err);

	buf_init(&text, 4096);
	if (!rc)
		rc = file_read(path, &text, err);
	if (!rc && (rc = minisign_pub_parse(p, buf_str(&text), err)) < 0)
		rn_fail_in(err, "%s", path);
	buf_free(&text);
	return rc;
}

/* The first line: bundle=NODE serial=N made_at=T … */
static int read_first_line(struct bundle *b, struct str *id, struct rec *r, struct rn_error *err)
{
	struct str rest = buf_str(&b->text), line;
	uint64_t made_at = 0;
	size_t column;
	int rc;

	if (!str_cut(&rest, '\n', &line) || !rest.ptr)
		return rn_fail(err, RN_EDATA, "the bundle is empty or cut off");
	rc = rec_parse(r, line, &column, err);
	if (!rc && !rec_is(r, "bundle"))
		rc = rn_fail(err, RN_EDATA, "the first line is not a bundle= record");
	if (!rc)
		rc = schema_check(r, &column, err);
	if (!rc)
		rc = rec_u64(r, "serial", 0, INT64_MAX, &b->serial, err);
	if (!rc)
		rc = rec_u64(r, "made_at", 0, INT64_MAX, &made_at, err);
	b->made_at = (int64_t)made_at;
	*id = rec_id(r);
	return rc;
}

/* The signed comment says the same as the first three fields, so that neither can be moved alone.
 */
static int check_comment(const struct bundle *b, const struct rec *r, struct str comment,
			 struct rn_error *err)
{
	struct buf want;
	bool same;

	buf_init(&want, REC_LINE_MAX);
	buf_addf(&want, "bundle=%.*s serial=%llu made_at=%lld", STR_ARG(rec_id(r)),
		 (unsigned long long)b->serial, (long long)b->made_at);
	same = !want.failed && str_eq(comment, buf_str(&want));
	buf_free(&want);
	if (!same)
		return rn_fail(err, RN_EDATA, "the bundle's signed comment is not its first line");
	return 0;
}

/* The console names no files of this machine but those in the network's folder. A line that cannot be
 * read is left for its programs to refuse. */
static int check_files(const struct bundle *b, struct rec *r, struct rn_error *err)
{
	struct str rest = buf_str(&b->text), line;
	struct rn_error ignored;
	int rc = 0;

	while (!rc && str_cut(&rest, '\n', &line))
		if (rec_parse(r, line, NULL, &ignored) == 0)
			rc = rec_files_beside(r, err);
	return rc;
}

static int verify(struct bundle *b, struct rec *r, const struct minisign_pub *signer,
		  const char *node, struct rn_error *err)
{
	struct str comment, id;
	int rc = minisign_verify(signer, buf_str(&b->text), buf_str(&b->sig), &comment, err);

	if (rc < 0)
		return rn_fail_in(err, "the bundle is refused");
	rc = read_first_line(b, &id, r, err);
	if (!rc)
		rc = check_comment(b, r, comment, err);
	if (!rc && !str_is(id, node))
		rc = rn_fail(err, RN_EPERM, "it is for node %.*s, this is %s",
			     STR_ARG(str_slice(id, 0, MIN(id.len, AGENT_NAME_MAX))), node);
	if (!rc && !str_copy(b->node, sizeof(b->node), id))
		rc = rn_fail(err, RN_EBUG, "the node's name is too long");
	if (!rc)
		rc = check_files(b, r, err);
	if (rc < 0)
		return rn_fail_in(err, "the bundle is refused");
	return 0;
}

int bundle_verify(struct bundle *b, const struct minisign_pub *signer, const char *node,
		  struct rn_error *err)
{
	struct rec *r = calloc(1, sizeof(*r)); /* 16 KB */
	int rc = r ? verify(b, r, signer, node, err)
		   : rn_fail(err, RN_EOS, "out of memory for a bundle");

	free(r);
	return rc;
}
