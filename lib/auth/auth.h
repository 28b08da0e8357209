/* SPDX-License-Identifier: MIT
 *
 * lib/auth: every proof of who is speaking. Keys and minisign files, invitations, tokens, request
 * signatures, share links, login assertions, session cookies, passwords. The formats are written
 * down in doc/contracts.md; the functions here are their one maker and one reader.
 *
 *   key.c        Ed25519 keys and 32-byte secrets in files
 *   minisign.c   signed files that minisign(1) can check, and the reverse
 *   token.c      random tokens and the hashes that a database keeps of them
 *   invite.c     rn://HOST/TOKEN.FINGERPRINT
 *   request.c    Authorization: Rustronaut node=…,at=…,nonce=…,sig=…
 *   link.c       share links
 *   assertion.c  what the console's login page hands to a gateway
 *   session.c    what the gateway then keeps in the visitor's cookie
 *   password.c   argon2id
 *
 * Rules that hold everywhere. Time comes in as now_s (Unix seconds): nothing here reads a clock.
 * Something that expires at T is good while now_s < T. Each decoder accepts one spelling only, so
 * equal meaning is equal text. A refused proof is RN_EPERM, a malformed one RN_EDATA; the text says
 * which, and never repeats the secret. secret_init() must have run once.
 */
#ifndef RN_AUTH_H
#define RN_AUTH_H

#include "base/base.h"

#define AUTH_PUB_LEN 32
#define AUTH_SIG_LEN 64
#define AUTH_SECRET_LEN 32
#define AUTH_USER_MAX 128    /* bytes of a user name */
#define AUTH_NODE_MAX 64     /* bytes of a node or resource name */
#define AUTH_HOST_MAX 253    /* RFC 1035, section 3.1 */
#define AUTH_GROUPS_MAX 1024 /* bytes of a list of groups as a record holds it */

/* ---- keys (RFC 8032) ------------------------------------------------------------------------- */

/* 32 random bytes in locked memory, for session.key and the like; released with secret_free. NULL
 * when out of memory. */
uint8_t *auth_secret_make(void) must_check;
/* The file form of 32 secret bytes: one line of base64, mode 0600. Loading refuses (RN_EPERM) a
 * file that others can read and (RN_EDATA) anything but that line; saving replaces it whole. */
int auth_secret_load(uint8_t **secret, const char *path, struct rn_error *err) must_check;
int auth_secret_save(const uint8_t secret[static AUTH_SECRET_LEN], const char *path,
		     struct rn_error *err) must_check;

struct auth_key;                                 /* an Ed25519 key pair, in locked memory */
struct auth_key *auth_key_make(void) must_check; /* NULL when out of memory */
struct auth_key *auth_key_from_seed(const uint8_t seed[static AUTH_SECRET_LEN]) must_check;
/* From and to a file holding its seed, as auth_secret_load and _save. */
int auth_key_load(struct auth_key **key, const char *path, struct rn_error *err) must_check;
int auth_key_save(const struct auth_key *key, const char *path, struct rn_error *err) must_check;
void auth_key_free(struct auth_key *key); /* wipes; NULL is fine */
/* Its public half: AUTH_PUB_LEN bytes that live as long as KEY. */
const uint8_t *auth_key_public(const struct auth_key *key);

void auth_sign(const struct auth_key *key, uint8_t sig[static AUTH_SIG_LEN], struct str message);
/* False for a wrong signature, a non-canonical one, and a public key of small order. */
bool auth_verify(const uint8_t pub[static AUTH_PUB_LEN], const uint8_t sig[static AUTH_SIG_LEN],
		 struct str message) must_check;

/* ---- minisign files -------------------------------------------------------------------------- */

struct minisign_pub {
	uint8_t id[8]; /* minisign's random key number; ours is BLAKE2b of the key */
	uint8_t key[AUTH_PUB_LEN];
};
#define MINISIGN_COMMENT_MAX 1024 /* bytes of a trusted comment */
#define MINISIGN_SIG_MAX 4096     /* bytes of a .minisig file */

/* One of our keys, with the key number that minisign_sign uses for it. */
void minisign_pub_from(struct minisign_pub *p, const uint8_t pub[static AUTH_PUB_LEN]);
/* The text of a public key file (sign.pub, console.pub), ours or minisign's. */
void minisign_pub_format(struct buf *b, const struct minisign_pub *p);
int minisign_pub_parse(struct minisign_pub *p, struct str text, struct rn_error *err) must_check;

/* Adds the text of FILE.minisig for BYTES, as `minisign -Sm FILE -t COMMENT` would (algorithm ED).
 * COMMENT is one line of printable text of at most MINISIGN_COMMENT_MAX bytes, else b->failed. */
void minisign_sign(struct buf *b, const struct auth_key *key, struct str bytes, struct str comment);

/* Checks SIG (the text of a .minisig file) over BYTES. *COMMENT, if not NULL, becomes the trusted
 * comment, a part of SIG. RN_EDATA: not a signature file; the old algorithm without prehash (Ed) is
 * refused too. RN_EPERM: another key's, or wrong. */
int minisign_verify(const struct minisign_pub *p, struct str bytes, struct str sig,
		    struct str *comment, struct rn_error *err) must_check;

/* ---- tokens ---------------------------------------------------------------------------------- */

#define TOKEN_LEN 22      /* base64url of 16 bytes */
#define API_TOKEN_LEN 47  /* "rnt_" and base64url of 32 bytes */
#define TOKEN_HASH_LEN 64 /* hex of BLAKE2b-256 */

/* Both write a final NUL. */
void token_make(char out[static TOKEN_LEN + 1]);
void api_token_make(char out[static API_TOKEN_LEN + 1]);
/* The right shape, nothing more. */
bool token_valid(struct str token);
bool api_token_valid(struct str token);
/* What a database keeps in a token's place, and looks it up by. Unsalted: tokens are random. */
void token_hash(char out[static TOKEN_HASH_LEN + 1], struct str token);

/* ---- invitations ----------------------------------------------------------------------------- */

struct invite {
	char host[AUTH_HOST_MAX + 1]; /* lower case */
	uint16_t port;                /* 443 unless written */
	char token[TOKEN_LEN + 1];
	uint8_t console[AUTH_PUB_LEN]; /* the console's public key */
	char address[46];              /* use instead of DNS, RFC 5952; or "" */
};
#define INVITE_TEXT_MAX 400
/* rn://HOST[:PORT]/TOKEN.FINGERPRINT[@ADDRESS]. RN_EDATA says which part is wrong. */
int invite_parse(struct invite *in, struct str text, struct rn_error *err) must_check;
/* Port 443 and an empty address are left out. */
void invite_format(char out[static INVITE_TEXT_MAX], const struct invite *in);

/* ---- request signatures ---------------------------------------------------------------------- */

#define REQUEST_SKEW_S 300 /* |now - at| may be this; a nonce is remembered twice as long */

struct request_sig {
	char node[AUTH_NODE_MAX + 1];
	int64_t at;
	char nonce[TOKEN_LEN + 1];
	uint8_t sig[AUTH_SIG_LEN];
};
/* Adds the value of an Authorization header for this request: "Rustronaut
 * node=…,at=…,nonce=…,sig=…". PATH is the request target as sent, with its query. */
void request_sign(struct buf *b, const struct auth_key *key, const char *node, const char *method,
		  struct str path, struct str body, int64_t now_s);
/* Takes such a value apart; says nothing about its truth. RN_EDATA when malformed or another
 * scheme. */
int request_parse(struct request_sig *rs, struct str header, struct rn_error *err) must_check;
/* RN_EPERM: too old, from the future, or not signed by PUB over exactly this request. The caller
 * looks PUB up by rs->node before, and after success refuses a (node, nonce) seen before. */
int request_verify(const struct request_sig *rs, const uint8_t pub[static AUTH_PUB_LEN],
		   const char *method, struct str path, struct str body, int64_t now_s,
		   struct rn_error *err) must_check;

/* ---- share links ----------------------------------------------------------------------------- */

#define LINK_TOKEN_LEN 103 /* base64url of 77 bytes; the URL carries it as ?rn_link= */
#define LINK_ID_LEN 16     /* hex of its 8 random bytes: names the link in logs and sessions */
/* RESOURCE is a resource name: letters, digits, and - _ . of at most AUTH_HOST_MAX bytes. */
void link_make(char out[static LINK_TOKEN_LEN + 1], const struct auth_key *key, struct str resource,
	       uint32_t expires_at);
/* *EXPIRES_AT and ID (may both be NULL) are set on success. RN_EPERM: expired, or not for RESOURCE,
 * or not signed by PUB. */
int link_verify(struct str token, const uint8_t pub[static AUTH_PUB_LEN], struct str resource,
		int64_t now_s, int64_t *expires_at, char *id, struct rn_error *err) must_check;

/* ---- login assertions ------------------------------------------------------------------------ */

#define AUTH_ASSERTION_S 60 /* how long the console makes them: for one redirect */

struct assertion {
	char user[AUTH_USER_MAX + 1];
	char groups[AUTH_GROUPS_MAX + 1]; /* a list as a record holds it, elements escaped */
	char resource_host[AUTH_HOST_MAX + 1];
	int64_t expires_at;
	char nonce[TOKEN_LEN + 1]; /* set by assertion_make; the gateway lets each serve once */
};
/* Adds BASE64URL(line) "." BASE64URL(signature) to B; a->nonce is made fresh. */
void assertion_make(struct buf *b, const struct auth_key *key, struct assertion *a);
/* RN_EPERM: wrong signature, expired, or meant for another host than HOST. */
int assertion_verify(struct assertion *a, struct str text, const uint8_t pub[static AUTH_PUB_LEN],
		     struct str host, int64_t now_s, struct rn_error *err) must_check;

/* ---- session cookies ------------------------------------------------------------------------- */

struct session {
	char user[AUTH_USER_MAX + 1];     /* or "" */
	char groups[AUTH_GROUPS_MAX + 1]; /* as in struct assertion */
	char link[LINK_ID_LEN + 1];       /* the share link that let the visitor in, or "" */
	char resource[AUTH_HOST_MAX + 1]; /* the one that it serves; the gateway chooses the name */
	int64_t expires_at;
};
#define SESSION_TEXT_MAX 3072 /* a cookie that browsers keep */
/* Adds BASE64URL(line) "." BASE64URL(HMAC-SHA-512/256 by KEY). Its holder can read it. */
void session_seal(struct buf *b, const uint8_t key[static AUTH_SECRET_LEN],
		  const struct session *s);
/* RN_EPERM: wrong MAC, expired, or sealed for another resource. */
int session_open(struct session *s, struct str text, const uint8_t key[static AUTH_SECRET_LEN],
		 struct str resource, int64_t now_s, struct rn_error *err) must_check;

/* ---- passwords ------------------------------------------------------------------------------- */

#define PASSWORD_HASH_MAX 128
#define PASSWORD_MIN 10 /* bytes; NIST SP 800-63B asks for 8 */
#define PASSWORD_MAX 256
/* argon2id with libsodium's interactive limits (64 MiB, about 0.1 s), as "$argon2id$…". RN_EUSAGE:
 * too short or too long; RN_EOS: no memory. */
int password_hash(char out[static PASSWORD_HASH_MAX], struct str password,
		  struct rn_error *err) must_check;
/* HASH may be NULL (no such user): the same work is done, and the answer is no. */
bool password_verify(const char *hash, struct str password) must_check;

#endif
