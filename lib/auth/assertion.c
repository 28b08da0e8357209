/* SPDX-License-Identifier: MIT
 *
 * Login assertions: the console's word to one gateway host that somebody has logged in.
 *
 *     BASE64URL(line) "." BASE64URL(Ed25519 over "rn-login1" LF line)
 *     assertion=USER groups=… resource_host=HOST expires_at=T nonce=…
 */
#include "auth/part.h"

#define PREFIX "rn-login1\n"

/* Adds what is signed: the prefix, then the line without its LF. */
static void add_message(struct buf *b, const struct assertion *a)
{
	buf_add(b, STR(PREFIX));
	rec_begin(b, "assertion", str_from(a->user));
	rec_add_raw(b, "groups", str_from(a->groups));
	rec_add_cstr(b, "resource_host", a->resource_host);
	rec_add_i64(b, "expires_at", a->expires_at);
	rec_add_cstr(b, "nonce", a->nonce);
	rec_end(b);
	if (!b->failed)
		b->len--;
}

void assertion_make(struct buf *b, const struct auth_key *key, struct assertion *a)
{
	uint8_t sig[AUTH_SIG_LEN];
	struct buf message;

	token_make(a->nonce);
	buf_init(&message, 2 * REC_LINE_MAX);
	add_message(&message, a);
	if (message.failed) {
		b->failed = true;
	} else {
		auth_sign(key, sig, buf_str(&message));
		part_join(b, str_from_at(buf_str(&message), strlen(PREFIX)), sig, sizeof(sig));
	}
	buf_free(&message);
}

static bool signature_fits(struct str line, const uint8_t *sig, const uint8_t *pub)
{
	struct buf message;
	bool good;

	buf_init(&message, 2 * REC_LINE_MAX);
	buf_add(&message, STR(PREFIX));
	buf_add(&message, line);
	good = !message.failed && auth_verify(pub, sig, buf_str(&message));
	buf_free(&message);
	return good;
}

static bool parse_line(struct assertion *a, struct str line)
{
	struct rn_error err;
	struct rec r;

	memset(a, 0, sizeof(*a));
	return rec_parse(&r, line, NULL, &err) == 0 && rec_is(&r, "assertion") &&
	       part_get(a->user, sizeof(a->user), &r, "assertion") && a->user[0] &&
	       part_get_raw(a->groups, sizeof(a->groups), &r, "groups") &&
	       part_get(a->resource_host, sizeof(a->resource_host), &r, "resource_host") &&
	       part_get_time(&a->expires_at, &r, "expires_at") &&
	       part_get(a->nonce, sizeof(a->nonce), &r, "nonce") && token_valid(str_from(a->nonce));
}

int assertion_verify(struct assertion *a, struct str text, const uint8_t pub[static AUTH_PUB_LEN],
		     struct str host, int64_t now_s, struct rn_error *err)
{
	uint8_t sig[AUTH_SIG_LEN];
	struct buf line;
	int rc = 0;

	buf_init(&line, 2 * REC_LINE_MAX);
	if (!part_split(&line, sig, sizeof(sig), text))
		rc = rn_fail(err, RN_EDATA, "login assertion is damaged");
	else if (!signature_fits(buf_str(&line), sig, pub) || !parse_line(a, buf_str(&line)))
		rc = rn_fail(err, RN_EPERM, "login assertion is not signed by this console");
	else if (now_s >= a->expires_at)
		rc = rn_fail(err, RN_EPERM, "login assertion has expired");
	else if (!str_is(host, a->resource_host))
		rc = rn_fail(err, RN_EPERM, "login assertion is for another host");
	buf_free(&line);
	return rc;
}
