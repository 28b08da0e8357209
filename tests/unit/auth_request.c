/* SPDX-License-Identifier: MIT */
#include "auth/auth.h"
#include "tap.h"

#define NOW 1763640000

static void test_tokens(void)
{
	char a[TOKEN_LEN + 1], b[TOKEN_LEN + 1], api[API_TOKEN_LEN + 1], hash[TOKEN_HASH_LEN + 1];

	token_make(a);
	token_make(b);
	api_token_make(api);
	TAP_OK(strlen(a) == TOKEN_LEN && strcmp(a, b) != 0 && token_valid(str_from(a)),
	       "tokens are valid and differ");
	TAP_OK(strlen(api) == API_TOKEN_LEN && api_token_valid(str_from(api)) &&
		       !api_token_valid(str_from(api + 1)) && !token_valid(str_from(api)),
	       "API tokens too, and they are not the other kind");
	a[TOKEN_LEN - 1] = 'B'; /* 'A', 'Q', 'g', 'w' are the only ends of 16 bytes */
	TAP_OK(!token_valid(str_from(a)), "stray bits at the end are refused");
	token_hash(hash, STR("abc"));
	TAP_OK(str_is(str_from(hash),
		      "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"),
	       "the hash is BLAKE2b-256 in hex");
}

#define TOK "AAAAAAAAAAAAAAAAAAAAAA"
#define FPR "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void test_invites(void)
{
	static const char *const good[] = {
		"rn://gateway.example.com/" TOK "." FPR,
		"rn://gateway.example.com:8443/" TOK "." FPR,
		"rn://g/" TOK "." FPR "@192.0.2.1",
		"rn://192.0.2.1:1/" TOK "." FPR "@2001:db8::1",
	};
	static const char *const bad[] = {
		"", "rn://", "rn:///" TOK "." FPR, "https://g/" TOK "." FPR, "rn://g" TOK "." FPR,
		"rn://G/" TOK "." FPR, "rn://g./" TOK "." FPR, "rn://-g/" TOK "." FPR,
		"rn://g_h/" TOK "." FPR, "rn://a..b/" TOK "." FPR, "rn://g:0/" TOK "." FPR,
		"rn://g:65536/" TOK "." FPR, "rn://g:443/" TOK "." FPR, "rn://g:/" TOK "." FPR,
		"rn://g:08/" TOK "." FPR, "rn://u@g/" TOK "." FPR, "rn://g/A" TOK "." FPR,
		"rn://g/" TOK "," FPR, "rn://g/" TOK "." FPR "=", "rn://g/" TOK "." FPR "\n",
		"rn://g/" TOK "." FPR "/", "rn://g/" TOK "." FPR "@", "rn://g/" TOK "." FPR "@1.2.3",
		"rn://g/" TOK "." FPR "@192.0.2.1:5", "rn://g/" TOK "." FPR "@192.0.2.1/32",
		"rn://g/" TOK "." FPR "@2001:DB8::1", "rn://g/" TOK "." FPR "@2001:db8:0::1",
		"rn://g/" TOK "." FPR "@::1%lo", " rn://g/" TOK "." FPR,
		"rn://g/" TOK ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
	};
	char text[INVITE_TEXT_MAX];
	struct rn_error err;
	struct invite in;
	bool all = true;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		bool same = invite_parse(&in, str_from(good[i]), &err) == 0;

		if (same)
			invite_format(text, &in);
		if (!same || strcmp(text, good[i]) != 0) {
			printf("# %s\n", good[i]);
			all = false;
		}
	}
	TAP_OK(all, "invitations read and write back the same");
	TAP_OK(in.port == 1 && strcmp(in.host, "192.0.2.1") == 0 && strcmp(in.address, "2001:db8::1") == 0,
	       "their parts are right");
	all = true;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (invite_parse(&in, str_from(bad[i]), &err) != RN_EDATA) {
			printf("# accepted: %s\n", bad[i]);
			all = false;
		}
	TAP_OK(all, "everything else is refused");
}

static struct auth_key *key;

static int check(struct str header, const char *method, const char *path, const char *body, int64_t now)
{
	struct request_sig rs;
	struct rn_error err;
	int rc = request_parse(&rs, header, &err);

	return rc ? rc : request_verify(&rs, auth_key_public(key), method, str_from(path),
					str_from(body), now, &err);
}

static void test_requests(void)
{
	struct buf b;
	struct str h;
	size_t accepted = 0;

	buf_init(&b, 4096);
	request_sign(&b, key, "n-1", "POST", STR("/api/v1/services?x=1"), STR("{}"), NOW);
	h = buf_str(&b);
	TAP_OK(!b.failed && check(h, "POST", "/api/v1/services?x=1", "{}", NOW) == 0,
	       "a signed request verifies");
	TAP_OK(check(h, "PUT", "/api/v1/services?x=1", "{}", NOW) == RN_EPERM &&
		       check(h, "POST", "/api/v1/services?x=2", "{}", NOW) == RN_EPERM &&
		       check(h, "POST", "/api/v1/services", "{}", NOW) == RN_EPERM &&
		       check(h, "POST", "/api/v1/services?x=1", "{} ", NOW) == RN_EPERM,
	       "not with another method, path, query or body");
	TAP_OK(check(h, "POST", "/api/v1/services?x=1", "{}", NOW + 300) == 0 &&
		       check(h, "POST", "/api/v1/services?x=1", "{}", NOW - 300) == 0,
	       "300 s away is near enough");
	TAP_OK(check(h, "POST", "/api/v1/services?x=1", "{}", NOW + 301) == RN_EPERM &&
		       check(h, "POST", "/api/v1/services?x=1", "{}", NOW - 301) == RN_EPERM,
	       "301 s is not, in either direction");
	for (size_t i = 0; i < b.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
			accepted += (i < 16 || i > 18) && /* the node's name, which finds the key */
				    check(h, "POST", "/api/v1/services?x=1", "{}", NOW) == 0;
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
		}
	TAP_OK(accepted == 0, "no bit but the node's name can be turned");
	buf_clear(&b);
	request_sign(&b, key, "n 1", "GET", STR("/"), STR(""), NOW);
	TAP_OK(b.failed, "a bad node name is refused");
	buf_clear(&b);
	request_sign(&b, key, "n1", "GET", STR("/a\nb"), STR(""), NOW);
	TAP_OK(b.failed, "a path with a line feed too");
	buf_free(&b);
}

static void test_headers(void)
{
#define N "node=n1"
#define A "at=1763640000"
#define NO "nonce=" TOK
#define S "sig=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	static const char *const bad[] = {
		"", "Bearer x", "Rustronaut", "Rustronaut ", "rustronaut " N "," A "," NO "," S,
		"Rustronaut  " N "," A "," NO "," S, "Rustronaut " A "," N "," NO "," S,
		"Rustronaut " N "," A "," NO "," S ",", "Rustronaut " N "," A "," NO "," S "," S,
		"Rustronaut node=," A "," NO "," S, "Rustronaut node=a/b," A "," NO "," S,
		"Rustronaut " N ",at=-1," NO "," S, "Rustronaut " N ",at=01," NO "," S,
		"Rustronaut " N ",at=253402300800," NO "," S, "Rustronaut " N "," A ",nonce=A," S,
		"Rustronaut " N "," A "," NO ",sig=AAAA", "Rustronaut " N ", " A "," NO "," S,
	};
	struct request_sig rs;
	struct rn_error err;
	bool all = true;

	TAP_OK(request_parse(&rs, STR("Rustronaut " N "," A "," NO "," S), &err) == 0 &&
		       strcmp(rs.node, "n1") == 0 && rs.at == 1763640000,
	       "a header is read");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (request_parse(&rs, str_from(bad[i]), &err) != RN_EDATA) {
			printf("# accepted: %s\n", bad[i]);
			all = false;
		}
	TAP_OK(all, "other spellings are refused");
}

int main(void)
{
	if (!secret_init() || !(key = auth_key_make()))
		return 1;
	test_tokens();
	test_invites();
	test_requests();
	test_headers();
	auth_key_free(key);
	return tap_done();
}
