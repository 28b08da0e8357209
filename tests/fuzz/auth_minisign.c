/* SPDX-License-Identifier: MIT
 *
 * minisign files: foreign text is never accepted, a public key file reads back the same, and any
 * bytes that we sign verify. */
#include "auth/auth.h"

static void round_trip(struct str bytes, const struct auth_key *key, const struct minisign_pub *pub)
{
	struct str comment, want = str_slice(bytes, 0, MIN(bytes.len, 40));
	struct rn_error err;
	struct buf b;

	buf_init(&b, 16384);
	minisign_sign(&b, key, bytes, want);
	rn_assert(b.failed || (minisign_verify(pub, bytes, buf_str(&b), &comment, &err) == 0 && str_eq(comment, want)));
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct auth_key *key;
	struct str text = str_make(data, size);
	struct minisign_pub pub, parsed, again;
	struct rn_error err;
	struct buf b;

	if (!key && secret_init())
		key = auth_key_make();
	if (!key)
		return 0;
	minisign_pub_from(&pub, auth_key_public(key));
	rn_assert(minisign_verify(&pub, STR("bundle=gw1\n"), text, NULL, &err) < 0);
	round_trip(text, key, &pub);
	if (minisign_pub_parse(&parsed, text, &err) == 0) {
		buf_init(&b, 4096);
		minisign_pub_format(&b, &parsed);
		rn_assert(minisign_pub_parse(&again, buf_str(&b), &err) == 0 &&
			  memcmp(&parsed, &again, sizeof(parsed)) == 0);
		buf_free(&b);
	}
	return 0;
}
