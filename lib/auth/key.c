/* SPDX-License-Identifier: MIT
 *
 * Secrets of 32 bytes in files, and Ed25519 key pairs made from them.
 */
#include "auth/auth.h"

#include <sodium.h>

/* The line in the file: base64 and LF. */
#define FILE_LEN BASE64_SIZE(AUTH_SECRET_LEN)

struct auth_key {
	uint8_t seed[crypto_sign_SEEDBYTES];
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	uint8_t pub[crypto_sign_PUBLICKEYBYTES];
};
_Static_assert(crypto_sign_SEEDBYTES == AUTH_SECRET_LEN, "a seed is a 32-byte secret");

uint8_t *auth_secret_make(void)
{
	uint8_t *secret = secret_alloc(AUTH_SECRET_LEN);

	if (secret)
		random_bytes(secret, AUTH_SECRET_LEN);
	return secret;
}

int auth_secret_load(uint8_t **secret, const char *path, struct rn_error *err)
{
	struct buf b;
	struct str text;
	int rc;

	buf_init(&b, 4096);
	*secret = NULL;
	rc = file_read_secret(path, &b, err);
	if (rc)
		goto out;
	*secret = secret_alloc(AUTH_SECRET_LEN);
	if (!*secret) {
		rc = rn_fail(err, RN_EOS, "%s: out of locked memory", path);
		goto out;
	}
	text = buf_str(&b);
	if (text.len == FILE_LEN && text.ptr[FILE_LEN - 1] == '\n' &&
	    base64_decode(*secret, AUTH_SECRET_LEN, str_slice(text, 0, FILE_LEN - 1), BASE64_STD))
		goto out;
	secret_free(*secret);
	*secret = NULL;
	rc = rn_fail(err, RN_EDATA, "%s: not one line of base64 of 32 bytes", path);
out:
	if (b.ptr)
		secret_wipe(b.ptr, b.cap);
	buf_free(&b);
	return rc;
}

int auth_secret_save(const uint8_t secret[static AUTH_SECRET_LEN], const char *path,
		     struct rn_error *err)
{
	char text[FILE_LEN];
	int rc;

	base64_encode(text, secret, AUTH_SECRET_LEN, BASE64_STD);
	text[FILE_LEN - 1] = '\n'; /* in the NUL's place */
	rc = file_write(path, 0600, str_make(text, FILE_LEN), err);
	secret_wipe(text, sizeof(text));
	return rc;
}

struct auth_key *auth_key_from_seed(const uint8_t seed[static AUTH_SECRET_LEN])
{
	struct auth_key *key = secret_alloc(sizeof(*key));

	if (!key)
		return NULL;
	memcpy(key->seed, seed, sizeof(key->seed));
	crypto_sign_seed_keypair(key->pub, key->secret, key->seed);
	return key;
}

struct auth_key *auth_key_make(void)
{
	uint8_t *seed = auth_secret_make();
	struct auth_key *key = seed ? auth_key_from_seed(seed) : NULL;

	secret_free(seed);
	return key;
}

int auth_key_load(struct auth_key **key, const char *path, struct rn_error *err)
{
	uint8_t *seed;
	int rc;

	*key = NULL;
	rc = auth_secret_load(&seed, path, err);
	if (rc)
		return rc;
	*key = auth_key_from_seed(seed);
	secret_free(seed);
	return *key ? 0 : rn_fail(err, RN_EOS, "%s: out of locked memory", path);
}

int auth_key_save(const struct auth_key *key, const char *path, struct rn_error *err)
{
	return auth_secret_save(key->seed, path, err);
}

void auth_key_free(struct auth_key *key)
{
	secret_free(key);
}

const uint8_t *auth_key_public(const struct auth_key *key)
{
	return key->pub;
}

void auth_sign(const struct auth_key *key, uint8_t sig[static AUTH_SIG_LEN], struct str message)
{
	crypto_sign_detached(sig, NULL, (const uint8_t *)message.ptr, message.len, key->secret);
}

bool auth_verify(const uint8_t pub[static AUTH_PUB_LEN], const uint8_t sig[static AUTH_SIG_LEN],
		 struct str message)
{
	return crypto_sign_verify_detached(sig, (const uint8_t *)message.ptr, message.len, pub) == 0;
}
