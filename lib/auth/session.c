/* SPDX-License-Identifier: MIT
 *
 * Session cookies: what a gateway remembers of a visitor, kept by the visitor, sealed by the
 * gateway's session.key.
 *
 *     BASE64URL(line) "." BASE64URL(HMAC-SHA-512/256 over "rn-session1" LF line)
 *     session=USER groups=… link=… resource=… expires_at=T
 */
#include "auth/part.h"

#include <sodium.h>

#define PREFIX "rn-session1\n"
_Static_assert(crypto_auth_KEYBYTES == AUTH_SECRET_LEN, "session.key is a key for crypto_auth");

static void add_message(struct buf *b, const struct session *s)
{
	buf_add(b, STR(PREFIX));
	rec_begin(b, "session", str_from(s->user));
	rec_add_raw(b, "groups", str_from(s->groups));
	rec_add_cstr(b, "link", s->link);
	rec_add_cstr(b, "resource", s->resource);
	rec_add_i64(b, "expires_at", s->expires_at);
	rec_end(b);
	if (!b->failed)
		b->len--; /* the line without its LF */
}

void session_seal(struct buf *b, const uint8_t key[static AUTH_SECRET_LEN], const struct session *s)
{
	uint8_t mac[crypto_auth_BYTES];
	size_t start = b->len;
	struct buf message;

	buf_init(&message, 2 * REC_LINE_MAX);
	add_message(&message, s);
	if (!message.failed) {
		crypto_auth(mac, (const uint8_t *)message.ptr, message.len, key);
		part_join(b, str_from_at(buf_str(&message), strlen(PREFIX)), mac, sizeof(mac));
	}
	if (message.failed || b->len - start > SESSION_TEXT_MAX)
		b->failed = true;
	buf_free(&message);
}

/* Only after the MAC was found right, so what fails here was sealed by another version of us. */
static bool parse_line(struct session *s, struct str line)
{
	struct rn_error err;
	struct rec r;

	memset(s, 0, sizeof(*s));
	return rec_parse(&r, line, NULL, &err) == 0 && rec_is(&r, "session") &&
	       part_get(s->user, sizeof(s->user), &r, "session") &&
	       part_get_raw(s->groups, sizeof(s->groups), &r, "groups") &&
	       part_get(s->link, sizeof(s->link), &r, "link") &&
	       part_get(s->resource, sizeof(s->resource), &r, "resource") &&
	       part_get_time(&s->expires_at, &r, "expires_at");
}

static bool mac_fits(struct str line, const uint8_t mac[static crypto_auth_BYTES],
		     const uint8_t key[static AUTH_SECRET_LEN])
{
	struct buf message;
	bool good;

	buf_init(&message, 2 * REC_LINE_MAX);
	buf_add(&message, STR(PREFIX));
	buf_add(&message, line);
	good = !message.failed &&
	       crypto_auth_verify(mac, (const uint8_t *)message.ptr, message.len, key) == 0;
	buf_free(&message);
	return good;
}

int session_open(struct session *s, struct str text, const uint8_t key[static AUTH_SECRET_LEN],
		 struct str resource, int64_t now_s, struct rn_error *err)
{
	uint8_t mac[crypto_auth_BYTES];
	struct buf line;
	int rc = 0;

	buf_init(&line, 2 * REC_LINE_MAX);
	if (text.len > SESSION_TEXT_MAX || !part_split(&line, mac, sizeof(mac), text))
		rc = rn_fail(err, RN_EDATA, "session cookie is damaged");
	else if (!mac_fits(buf_str(&line), mac, key) || !parse_line(s, buf_str(&line)))
		rc = rn_fail(err, RN_EPERM, "session cookie was not made here");
	else if (now_s >= s->expires_at)
		rc = rn_fail(err, RN_EPERM, "session has expired");
	else if (!str_is(resource, s->resource))
		rc = rn_fail(err, RN_EPERM, "session is for another service");
	buf_free(&line);
	return rc;
}
