/* SPDX-License-Identifier: MIT
 *
 * Bundles on a node (doc/contracts.md, "Bundles"): checking what came, keeping the last good one,
 * going back, and what differs between two.
 *
 *   bundle.c        what a bundle says, and whether to believe it
 *   bundle_store.c  the files of a network's folder; a power cut at any moment leaves a good pair
 *   bundle_fetch.c  from the console
 *   bundle_diff.c   by lines, since equal text is equal meaning
 */
#ifndef RN_AGENT_BUNDLE_H
#define RN_AGENT_BUNDLE_H

#include "agent/agent.h"

#define BUNDLE_MAX AGENT_ANSWER_MAX
#define BUNDLE_NEXT "bundle.rn.next" /* a bundle that was staged, in the network's folder */

struct bundle {
	struct buf text;
	struct buf sig; /* the .minisig file */
	char node[AGENT_NAME_MAX + 1];
	uint64_t serial;
	int64_t made_at;
};
void bundle_init(struct bundle *b);
void bundle_free(struct bundle *b);
/* Becomes a copy of TEXT and SIG, nothing checked. */
int bundle_set(struct bundle *b, struct str text, struct str sig, struct rn_error *err) must_check;

/* Whether B is for NODE and signed by SIGNER: fills node, serial and made_at. RN_EPERM: the
 * signature is wrong, it is another node's bundle, or it names a file elsewhere on this machine.
 * RN_EDATA: malformed, or its signed comment and its first line disagree. Nothing is
 * said about the rest, which its programs check. */
int bundle_verify(struct bundle *b, const struct minisign_pub *signer, const char *node,
		  struct rn_error *err) must_check;
/* The console's key that was pinned when N was joined. */
int bundle_signer(struct minisign_pub *p, const struct agent_net *n,
		  struct rn_error *err) must_check;

/* ---- files ---------------------------------------------------------------------------------- */

/* The last good bundle of N, verified; finishes or undoes an installation that was cut off.
 * RN_ENOINPUT if there is none yet; RN_EPERM if none that is there is signed. */
int bundle_load(struct bundle *b, const struct agent_net *n, struct rn_error *err) must_check;
/* Writes B as BUNDLE_NEXT, where programs can check it with its relative file names. */
int bundle_stage(const struct bundle *b, const struct agent_net *n,
		 struct rn_error *err) must_check;
void bundle_unstage(const struct agent_net *n);
/* The staged bundle becomes the last good one; the one before is kept for bundle_revert. */
int bundle_commit(const struct agent_net *n, struct rn_error *err) must_check;
/* Takes the one before back. RN_ENOINPUT if there is none. */
int bundle_revert(const struct agent_net *n, struct rn_error *err) must_check;

/* ---- from the console ----------------------------------------------------------------------- */

/* Blocking: the bundle as published, not verified yet. One that is published between the two calls
 * shows as a wrong signature; ask again. */
int bundle_fetch(struct bundle *b, struct agent_rest *r, const char *node,
		 struct rn_error *err) must_check;
/* Paths of the two calls. */
void bundle_path(char out[static 160], const char *node, bool sig);

/* ---- differences ---------------------------------------------------------------------------- */

/* FN sees each line that only OLD ('-') or only NEW ('+') has, in the order of their texts, '-'
 * first; the bundle= line is left out. How many there are. */
typedef void bundle_diff_fn(void *ctx, char sign, struct str line);
int bundle_diff(struct str old, struct str new, bundle_diff_fn *fn, void *ctx, size_t *count,
		struct rn_error *err) must_check;
/* Whether a line is for rn-wg (interface, peer); all others are the proxy's. */
bool bundle_line_is_wg(struct str line);

#endif
