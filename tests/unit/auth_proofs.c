/* SPDX-License-Identifier: MIT */
#include "auth/auth.h"
#include "tap.h"

#define NOW 1763640000
static struct auth_key *key, *other;

static void test_links(void)
{
	char token[LINK_TOKEN_LEN + 1], id[LINK_ID_LEN + 1];
	const uint8_t *pub = auth_key_public(key);
	struct rn_error err;
	size_t accepted = 0;
	int64_t until;
	struct str t = {token, LINK_TOKEN_LEN};

	link_make(token, key, STR("dev-server"), NOW + 60);
	TAP_OK(strlen(token) == LINK_TOKEN_LEN &&
		       link_verify(t, pub, STR("dev-server"), NOW, &until, id, &err) == 0 &&
		       until == NOW + 60 && strlen(id) == LINK_ID_LEN,
	       "a share link opens its resource");
	TAP_OK(link_verify(t, pub, STR("dev-server"), NOW + 59, NULL, NULL, &err) == 0 &&
		       link_verify(t, pub, STR("dev-server"), NOW + 60, NULL, NULL, &err) == RN_EPERM &&
		       strstr(err.text, "expired"),
	       "until the second it expires");
	TAP_OK(link_verify(t, pub, STR("dev-serve"), NOW, NULL, NULL, &err) == RN_EPERM &&
		       link_verify(t, pub, STR(""), NOW, NULL, NULL, &err) == RN_EPERM &&
		       link_verify(t, pub, STR("dev-server\n"), NOW, NULL, NULL, &err) == RN_EPERM,
	       "and no other");
	TAP_OK(link_verify(t, auth_key_public(other), STR("dev-server"), NOW, NULL, NULL, &err) == RN_EPERM,
	       "and only by the console that made it");
	for (size_t i = 0; i < LINK_TOKEN_LEN; i++)
		for (int bit = 0; bit < 8; bit++) {
			token[i] = (char)(token[i] ^ (1 << bit));
			accepted += link_verify(t, pub, STR("dev-server"), NOW, NULL, NULL, &err) == 0;
			token[i] = (char)(token[i] ^ (1 << bit));
		}
	TAP_OK(accepted == 0, "no bit of it can be turned");
	TAP_OK(link_verify(str_slice(t, 0, LINK_TOKEN_LEN - 1), pub, STR("dev-server"), NOW, NULL, NULL,
			   &err) == RN_EDATA &&
		       link_verify(STR(""), pub, STR("dev-server"), NOW, NULL, NULL, &err) == RN_EDATA,
	       "a damaged one is said to be that");
	link_make(token, key, STR("a"), UINT32_MAX);
	TAP_OK(link_verify(t, pub, STR("a"), 4294967294, &until, NULL, &err) == 0 && until == UINT32_MAX,
	       "the last second of 32 bits works");
}

static void test_assertions(void)
{
	struct assertion a = {.user = "ada b%c", .groups = "eng,op%2Cs", .resource_host = "app.example.com",
			      .expires_at = NOW + 30},
			 got, second;
	const uint8_t *pub = auth_key_public(key);
	struct str host = STR("app.example.com");
	struct rn_error err;
	struct buf b, b2;
	size_t accepted = 0;

	buf_init(&b, 8192);
	buf_init(&b2, 8192);
	assertion_make(&b, key, &a);
	TAP_OK(!b.failed && assertion_verify(&got, buf_str(&b), pub, host, NOW, &err) == 0 &&
		       strcmp(got.user, a.user) == 0 && strcmp(got.groups, a.groups) == 0 &&
		       got.expires_at == NOW + 30 && strcmp(got.nonce, a.nonce) == 0,
	       "a login assertion says who, which groups, until when");
	second = a;
	assertion_make(&b2, key, &second);
	TAP_OK(strcmp(second.nonce, a.nonce) != 0, "each has its own nonce");
	TAP_OK(assertion_verify(&got, buf_str(&b), pub, host, NOW + 29, &err) == 0 &&
		       assertion_verify(&got, buf_str(&b), pub, host, NOW + 30, &err) == RN_EPERM,
	       "until the second it expires");
	TAP_OK(assertion_verify(&got, buf_str(&b), pub, STR("app.example.co"), NOW, &err) == RN_EPERM,
	       "not at another host");
	TAP_OK(assertion_verify(&got, buf_str(&b), auth_key_public(other), host, NOW, &err) == RN_EPERM,
	       "not by another console");
	for (size_t i = 0; i < b.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
			accepted += assertion_verify(&got, buf_str(&b), pub, host, NOW, &err) == 0;
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
		}
	TAP_OK(accepted == 0, "no bit of it can be turned");
	buf_clear(&b2);
	memset(a.groups, 'g', AUTH_GROUPS_MAX);
	memset(a.user, 'u', AUTH_USER_MAX);
	assertion_make(&b2, key, &a);
	TAP_OK(!b2.failed && assertion_verify(&got, buf_str(&b2), pub, host, NOW, &err) == 0,
	       "the longest names fit");
	buf_free(&b);
	buf_free(&b2);
}

static void test_sessions(void)
{
	struct session s = {.user = "ada", .groups = "eng,ops", .resource = "app", .expires_at = NOW + 3600},
		       got;
	uint8_t *secret = auth_secret_make(), *wrong = auth_secret_make();
	struct rn_error err;
	struct buf b;
	size_t accepted = 0;

	buf_init(&b, 8192);
	session_seal(&b, secret, &s);
	TAP_OK(!b.failed && session_open(&got, buf_str(&b), secret, STR("app"), NOW, &err) == 0 &&
		       strcmp(got.user, "ada") == 0 && strcmp(got.groups, "eng,ops") == 0 &&
		       !got.link[0] && got.expires_at == NOW + 3600,
	       "a session cookie opens again");
	TAP_OK(session_open(&got, buf_str(&b), wrong, STR("app"), NOW, &err) == RN_EPERM,
	       "not with another key");
	TAP_OK(session_open(&got, buf_str(&b), secret, STR("db"), NOW, &err) == RN_EPERM,
	       "not for another resource");
	TAP_OK(session_open(&got, buf_str(&b), secret, STR("app"), NOW + 3599, &err) == 0 &&
		       session_open(&got, buf_str(&b), secret, STR("app"), NOW + 3600, &err) == RN_EPERM,
	       "until the second it expires");
	for (size_t i = 0; i < b.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
			accepted += session_open(&got, buf_str(&b), secret, STR("app"), NOW, &err) == 0;
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
		}
	TAP_OK(accepted == 0, "no bit of it can be turned");
	for (size_t n = 0; n < b.len; n++)
		accepted += session_open(&got, str_slice(buf_str(&b), 0, n), secret, STR("app"), NOW, &err) == 0;
	TAP_OK(accepted == 0, "no beginning of it is accepted");
	memset(s.user, 'u', AUTH_USER_MAX);
	memset(s.groups, 'g', AUTH_GROUPS_MAX);
	memset(s.resource, 'r', AUTH_HOST_MAX);
	buf_clear(&b);
	session_seal(&b, secret, &s);
	TAP_OK(!b.failed && session_open(&got, buf_str(&b), secret, str_from(s.resource), NOW, &err) == 0,
	       "the longest names fit into a cookie");
	buf_free(&b);
	secret_free(secret);
	secret_free(wrong);
}

static void test_passwords(void)
{
	char hash[PASSWORD_HASH_MAX], second[PASSWORD_HASH_MAX];
	struct rn_error err;

	TAP_OK(password_hash(hash, STR("correct horse"), &err) == 0 &&
		       strncmp(hash, "$argon2id$v=19$m=65536,t=2,p=1$", 31) == 0,
	       "a password is hashed with argon2id, 64 MiB");
	TAP_OK(password_verify(hash, STR("correct horse")) && !password_verify(hash, STR("correct hors")) &&
		       !password_verify(hash, STR("")),
	       "only it fits");
	TAP_OK(password_hash(second, STR("correct horse"), &err) == 0 && strcmp(hash, second) != 0,
	       "each hash has its own salt");
	TAP_OK(!password_verify(NULL, STR("correct horse")), "who does not exist has no password");
	TAP_OK(password_hash(hash, STR("short"), &err) == RN_EUSAGE, "a short one is refused");
}

/* An unknown user must take as long as a wrong password: argon2 must really run for it. */
static void test_password_time(void)
{
	char hash[PASSWORD_HASH_MAX];
	struct rn_error err;
	uint64_t t0, t1, t2;

	if (password_hash(hash, STR("correct horse"), &err))
		return;
	t0 = clock_now_ns();
	(void)!password_verify(hash, STR("wrong horse!"));
	t1 = clock_now_ns();
	(void)!password_verify(NULL, STR("wrong horse!"));
	t2 = clock_now_ns();
	TAP_OK((t2 - t1) * 4 > t1 - t0, "an unknown user costs the same work");
}

int main(void)
{
	if (!secret_init() || !(key = auth_key_make()) || !(other = auth_key_make()))
		return 1;
	test_links();
	test_assertions();
	test_sessions();
	test_passwords();
	test_password_time();
	auth_key_free(key);
	auth_key_free(other);
	return tap_done();
}
