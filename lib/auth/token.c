/* SPDX-License-Identifier: MIT
 *
 * Random tokens: handed out once, kept only as their hash.
 */
#include "auth/auth.h"

#include <sodium.h>

#define API_PREFIX "rnt_"

void token_make(char out[static TOKEN_LEN + 1])
{
	uint8_t bytes[16];
	char text[BASE64_SIZE(sizeof(bytes))];

	random_bytes(bytes, sizeof(bytes));
	base64_encode(text, bytes, sizeof(bytes), BASE64_URL);
	memcpy(out, text, TOKEN_LEN + 1);
	secret_wipe(bytes, sizeof(bytes));
	secret_wipe(text, sizeof(text));
}

void api_token_make(char out[static API_TOKEN_LEN + 1])
{
	uint8_t bytes[32];
	char text[BASE64_SIZE(sizeof(bytes))];
	size_t prefix = strlen(API_PREFIX);

	random_bytes(bytes, sizeof(bytes));
	base64_encode(text, bytes, sizeof(bytes), BASE64_URL);
	memcpy(out, API_PREFIX, prefix);
	memcpy(out + prefix, text, API_TOKEN_LEN + 1 - prefix);
	secret_wipe(bytes, sizeof(bytes));
	secret_wipe(text, sizeof(text));
}

bool token_valid(struct str token)
{
	uint8_t bytes[16];

	return base64_decode(bytes, sizeof(bytes), token, BASE64_URL);
}

bool api_token_valid(struct str token)
{
	uint8_t bytes[32];

	return str_starts(token, STR(API_PREFIX)) &&
	       base64_decode(bytes, sizeof(bytes), str_from_at(token, strlen(API_PREFIX)), BASE64_URL);
}

void token_hash(char out[static TOKEN_HASH_LEN + 1], struct str token)
{
	uint8_t hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)token.ptr, token.len, NULL, 0);
	hex_encode(out, hash, sizeof(hash));
}
