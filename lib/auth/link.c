/* SPDX-License-Identifier: MIT
 *
 * Share links: who has the token may reach one resource until it expires. The token is base64url of
 *
 *     version 1 (1 byte), expires_at (4, big endian), random (8), Ed25519 signature (64)
 *
 * and what is signed is "rn-link1" LF resource LF and the first 13 bytes.
 */
#include "auth/part.h"

#define VERSION 1
#define HEAD_LEN 13
#define TOKEN_BYTES (HEAD_LEN + AUTH_SIG_LEN)
#define PREFIX "rn-link1\n"

struct message {
	char bytes[sizeof(PREFIX) + AUTH_HOST_MAX + 1 + HEAD_LEN];
	size_t len;
};

static void add(struct message *m, const void *bytes, size_t len)
{
	memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
}

/* A resource name never holds a line feed, so no two (resource, head) give one message. */
static bool make_message(struct message *m, struct str resource, const uint8_t head[static HEAD_LEN])
{
	if (!part_is_name(resource, AUTH_HOST_MAX))
		return false;
	m->len = 0;
	add(m, PREFIX, strlen(PREFIX));
	add(m, resource.ptr, resource.len);
	add(m, "\n", 1);
	add(m, head, HEAD_LEN);
	return true;
}

void link_make(char out[static LINK_TOKEN_LEN + 1], const struct auth_key *key, struct str resource,
	       uint32_t expires_at)
{
	uint8_t token[TOKEN_BYTES] = {VERSION, (uint8_t)(expires_at >> 24), (uint8_t)(expires_at >> 16),
				      (uint8_t)(expires_at >> 8), (uint8_t)expires_at};
	char text[BASE64_SIZE(TOKEN_BYTES)];
	struct message m;

	random_bytes(token + 5, HEAD_LEN - 5);
	rn_assert(make_message(&m, resource, token));
	auth_sign(key, token + HEAD_LEN, str_make(m.bytes, m.len));
	base64_encode(text, token, sizeof(token), BASE64_URL);
	memcpy(out, text, LINK_TOKEN_LEN + 1);
}

int link_verify(struct str token, const uint8_t pub[static AUTH_PUB_LEN], struct str resource,
		int64_t now_s, int64_t *expires_at, char *id, struct rn_error *err)
{
	uint8_t t[TOKEN_BYTES];
	struct message m;
	int64_t until;

	if (!base64_decode(t, sizeof(t), token, BASE64_URL) || t[0] != VERSION)
		return rn_fail(err, RN_EDATA, "share link is damaged; copy it whole");
	if (!make_message(&m, resource, t) ||
	    !auth_verify(pub, t + HEAD_LEN, str_make(m.bytes, m.len)))
		return rn_fail(err, RN_EPERM, "share link is not for this service");
	until = (int64_t)t[1] << 24 | (int64_t)t[2] << 16 | (int64_t)t[3] << 8 | (int64_t)t[4];
	if (now_s >= until)
		return rn_fail(err, RN_EPERM, "share link has expired");
	if (expires_at)
		*expires_at = until;
	if (id)
		hex_encode(id, t + 5, HEAD_LEN - 5);
	return 0;
}
