/* SPDX-License-Identifier: MIT
 *
 * Requests signed by a node (doc/contracts.md, REST). What is signed:
 *
 *     rn1 LF method LF path-and-query LF at LF nonce LF hex-blake2b-256-of-the-body LF
 */
#include "auth/part.h"

#include <sodium.h>

#define SCHEME "Rustronaut "
#define PATH_MAX_LEN 4096

static void add_message(struct buf *b, const struct request_sig *rs, const char *method,
			struct str path, struct str body)
{
	char hash[TOKEN_HASH_LEN + 1];

	token_hash(hash, body);
	buf_addf(b, "rn1\n%s\n%.*s\n%lld\n%s\n%s\n", method, STR_ARG(path), (long long)rs->at,
		 rs->nonce, hash);
}

/* A line feed inside would let one request be read as another. */
static bool path_valid(struct str path)
{
	for (size_t i = 0; i < path.len; i++)
		if ((uint8_t)path.ptr[i] <= 0x20 || path.ptr[i] == 0x7f)
			return false;
	return path.len > 0 && path.len <= PATH_MAX_LEN && path.ptr[0] == '/';
}

void request_sign(struct buf *b, const struct auth_key *key, const char *node, const char *method,
		  struct str path, struct str body, int64_t now_s)
{
	struct request_sig rs = {.at = now_s};
	char sig[BASE64_SIZE(AUTH_SIG_LEN)];
	struct buf message;

	buf_init(&message, 2 * PATH_MAX_LEN);
	token_make(rs.nonce);
	add_message(&message, &rs, method, path, body);
	if (message.failed || !path_valid(path) || !part_is_name(str_from(node), AUTH_NODE_MAX)) {
		b->failed = true;
	} else {
		auth_sign(key, rs.sig, buf_str(&message));
		base64_encode(sig, rs.sig, AUTH_SIG_LEN, BASE64_URL);
		buf_addf(b, SCHEME "node=%s,at=%lld,nonce=%s,sig=%s", node, (long long)rs.at,
			 rs.nonce, sig);
	}
	buf_free(&message);
}

static bool set_node(struct request_sig *rs, struct str v)
{
	return part_is_name(v, AUTH_NODE_MAX) && str_copy(rs->node, sizeof(rs->node), v);
}

static bool set_at(struct request_sig *rs, struct str v)
{
	uint64_t n;

	if (!str_to_u64(v, PART_TIME_MAX, &n))
		return false;
	rs->at = (int64_t)n;
	return true;
}

static bool set_nonce(struct request_sig *rs, struct str v)
{
	return token_valid(v) && str_copy(rs->nonce, sizeof(rs->nonce), v);
}

static bool set_sig(struct request_sig *rs, struct str v)
{
	return base64_decode(rs->sig, sizeof(rs->sig), v, BASE64_URL);
}

int request_parse(struct request_sig *rs, struct str header, struct rn_error *err)
{
	static const struct {
		struct str name;
		bool (*set)(struct request_sig *, struct str);
	} fields[] = {
		{STR_INIT("node="), set_node},
		{STR_INIT("at="), set_at},
		{STR_INIT("nonce="), set_nonce},
		{STR_INIT("sig="), set_sig},
	};
	struct str rest, part;

	memset(rs, 0, sizeof(*rs));
	if (!str_starts(header, STR(SCHEME)))
		return rn_fail(err, RN_EDATA, "authorization: not of the scheme Rustronaut");
	rest = str_from_at(header, strlen(SCHEME));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!str_cut(&rest, ',', &part) || !str_starts(part, fields[i].name) ||
		    !fields[i].set(rs, str_from_at(part, fields[i].name.len)))
			return rn_fail(err, RN_EDATA, "authorization: bad or missing %.*s",
				       (int)fields[i].name.len - 1, fields[i].name.ptr);
	if (rest.ptr)
		return rn_fail(err, RN_EDATA, "authorization: more than node, at, nonce and sig");
	return 0;
}

int request_verify(const struct request_sig *rs, const uint8_t pub[static AUTH_PUB_LEN],
		   const char *method, struct str path, struct str body, int64_t now_s,
		   struct rn_error *err)
{
	struct buf message;
	int rc = 0;

	if (rs->at < now_s - REQUEST_SKEW_S || rs->at > now_s + REQUEST_SKEW_S)
		return rn_fail(err, RN_EPERM,
			       "request was signed %lld s away from the clock here: check the time",
			       (long long)(now_s - rs->at));
	if (!path_valid(path))
		return rn_fail(err, RN_EDATA, "request has a bad path");
	buf_init(&message, 2 * PATH_MAX_LEN);
	add_message(&message, rs, method, path, body);
	if (message.failed)
		rc = rn_fail(err, RN_EOS, "out of memory");
	else if (!auth_verify(pub, rs->sig, buf_str(&message)))
		rc = rn_fail(err, RN_EPERM, "request signature does not fit node %s", rs->node);
	buf_free(&message);
	return rc;
}
