/* SPDX-License-Identifier: MIT
 *
 * Passwords by argon2id (RFC 9106), through libsodium, whose text form carries its own parameters.
 */
#include "auth/auth.h"

#include <sodium.h>

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "a hash fits");

/* The hash of nothing in use, with the same parameters: what unknown users are checked against, so
 * that the answer takes as long. */
#define NOBODY                                                                                     \
	"$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"                                   \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

int password_hash(char out[static PASSWORD_HASH_MAX], struct str password, struct rn_error *err)
{
	if (password.len < PASSWORD_MIN || password.len > PASSWORD_MAX)
		return rn_fail(err, RN_EUSAGE, "a password has %d to %d bytes", PASSWORD_MIN,
			       PASSWORD_MAX);
	memset(out, 0, PASSWORD_HASH_MAX);
	if (crypto_pwhash_str_alg(out, password.ptr, password.len, crypto_pwhash_OPSLIMIT_INTERACTIVE,
				  crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13))
		return rn_fail(err, RN_EOS, "no memory to hash a password");
	return 0;
}

bool password_verify(const char *hash, struct str password)
{
	bool same;

	if (password.len > PASSWORD_MAX)
		return false;
	same = crypto_pwhash_str_verify(hash ? hash : NOBODY, password.ptr ? password.ptr : "",
					password.len) == 0;
	return same && hash;
}
