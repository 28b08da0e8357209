/* SPDX-License-Identifier: MIT
 *
 * Who asks: a user by an API token, a node by its signature over the request.
 */
#include "cgi.h"

#include <errno.h>

#define BEARER "Bearer "

/* What was signed is the target as sent; what is done is found by the path that the server gave.
 * They must be about the same thing. */
static bool same_target(const struct request *rq)
{
	struct str path, rest = rq->uri;

	str_cut(&rest, '?', &path);
	return str_ends(path, rq->path) || (str_is(rq->path, "/") && path.len > 0);
}

static int by_token(struct call *k, struct str token, struct rn_error *err)
{
	int rc = console_actor_token(k->console, token, &k->actor, err);

	if (!rc && k->route->who == WHO_NODE) {
		rc = rn_fail(err, RN_EPERM, "this call is for nodes");
		err->sys = EACCES;
	}
	return rc;
}

static int by_signature(struct call *k, struct rn_error *err)
{
	uint8_t pub[CONSOLE_KEY_SIZE];
	struct request_sig sig;
	int rc = request_parse(&sig, k->rq->authorization, err);

	if (rc)
		return rc;
	if (!same_target(k->rq))
		return rn_fail(err, RN_EDATA, "the path was rewritten on the way here");
	rc = console_actor_node(k->console, str_from(sig.node), &k->actor, pub, err);
	if (rc)
		return rc;
	rc = request_verify(&sig, pub, k->rq->head ? "HEAD" : k->route->method, k->rq->uri,
			    buf_str(&k->rq->body), k->now_s, err);
	if (rc)
		return rc;
	rc = console_nonce_use(k->console, &k->actor, str_from(sig.nonce), err);
	if (!rc && k->route->who == WHO_USER) {
		rc = rn_fail(err, RN_EPERM, "a node may not do that");
		err->sys = EACCES;
	}
	return rc;
}

int actor_find(struct call *k, struct rn_error *err)
{
	struct str header = k->rq->authorization;

	if (!header.len)
		return rn_fail(err, RN_EPERM,
			       "this call needs a credential: Authorization: Bearer rnt_…");
	if (str_starts(header, STR(BEARER)))
		return by_token(k, str_from_at(header, strlen(BEARER)), err);
	return by_signature(k, err);
}
