/* SPDX-License-Identifier: MIT
 *
 * Share links, login assertions, session cookies: none that we did not make is accepted; and any
 * content that we seal opens to the same content. */
#include "auth/auth.h"

#define NOW 1763640000

static void refuse_foreign(struct str text, const struct auth_key *key, const uint8_t *secret)
{
	struct rn_error err;
	struct assertion a;
	struct session s;

	rn_assert(link_verify(text, auth_key_public(key), STR("app"), NOW, NULL, NULL, &err) < 0);
	rn_assert(assertion_verify(&a, text, auth_key_public(key), STR("app"), NOW, &err) < 0);
	rn_assert(session_open(&s, text, secret, STR("app"), NOW, &err) < 0);
}

/* The bytes as a user name: whatever it is, it comes back, or was refused when sealed. */
static void round_trip(struct str text, const struct auth_key *key, const uint8_t *secret)
{
	struct session s = {.resource = "app", .expires_at = NOW + 1}, s2;
	struct assertion a = {.resource_host = "app", .expires_at = NOW + 1}, a2;
	struct rn_error err;
	struct buf b;

	if (!text.len || !str_copy(s.user, sizeof(s.user), text) || !str_copy(a.user, sizeof(a.user), text))
		return;
	buf_init(&b, 16384);
	session_seal(&b, secret, &s);
	rn_assert(b.failed || (session_open(&s2, buf_str(&b), secret, STR("app"), NOW, &err) == 0 &&
			       strcmp(s.user, s2.user) == 0));
	buf_clear(&b);
	assertion_make(&b, key, &a);
	rn_assert(b.failed || (assertion_verify(&a2, buf_str(&b), auth_key_public(key), STR("app"), NOW, &err) == 0 &&
			       strcmp(a.user, a2.user) == 0));
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct auth_key *key;
	static uint8_t *secret;

	if (!key && secret_init()) {
		key = auth_key_make();
		secret = auth_secret_make();
	}
	if (!key || !secret)
		return 0;
	refuse_foreign(str_make(data, size), key, secret);
	round_trip(str_make(data, size), key, secret);
	return 0;
}
