/* SPDX-License-Identifier: MIT
 *
 * What the gateway pays for each request to know who asks and whether they may: a decision among
 * 1, 100 and 10,000 policies, and each kind of proof.
 */
#include "auth/auth.h"
#include "policy/policy.h"

#include <stdlib.h>

#define NOW 1763640000
#define FOR_NS 200000000 /* each measurement */

static struct auth_key *key;
static uint8_t *secret;
static struct rn_error err;

static void report(const char *name, uint64_t n, uint64_t ns)
{
	struct buf b;

	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "bench", str_from(name));
	rec_add_cstr(&b, "tool", "rustronaut");
	rec_add_u64(&b, "runs", n);
	rec_add_u64(&b, "per_s", n * 1000000000 / ns);
	rec_end(&b);
	(void)!fd_write_all(1, buf_str(&b), &err);
	buf_free(&b);
}

/* Runs WHAT in batches until the time is over. */
static void measure(const char *name, size_t batch, void (*what)(void *), void *ctx)
{
	uint64_t start = clock_now_ns(), now, n = 0;

	do {
		for (size_t i = 0; i < batch; i++)
			what(ctx);
		n += batch;
		now = clock_now_ns();
	} while (now - start < FOR_NS);
	report(name, n, now - start);
}

/* ---- decisions ------------------------------------------------------------------------------- */

struct decide {
	struct policy_set *set;
	struct policy_facts facts;
	char resource[32];
};

static void decide(void *ctx)
{
	struct decide *d = ctx;

	rn_assert(policy_decide(d->set, &d->facts, str_from(d->resource), STR("GET")).allow);
}

static void bench_decisions(size_t n)
{
	struct decide d = {.facts = POLICY_NOBODY};
	char line[256], name[64];
	struct arena a;
	struct rec r;

	arena_init(&a, 256 << 20);
	d.set = policy_set_new(&a);
	for (size_t i = 0; i < n; i++) {
		snprintf(line, sizeof(line), "policy=p%zu effect=allow from=group:g,user:u%zu to=resource:r%zu when=trust>=50",
			 i, i, i);
		rn_assert(rec_parse(&r, str_from(line), NULL, &err) == 0 && policy_set_add(d.set, &r, &err) == 0);
	}
	rn_assert(policy_set_finish(d.set, &err) == 0);
	d.facts.user = STR("ada");
	d.facts.groups = STR("eng,ops,g");
	d.facts.trust = 60;
	snprintf(d.resource, sizeof(d.resource), "r%zu", n / 2);
	snprintf(name, sizeof(name), "policy_decide_%zu", n);
	measure(name, 1000, decide, &d);
	arena_free(&a);
}

/* ---- proofs ---------------------------------------------------------------------------------- */

static void open_session(void *ctx)
{
	struct session s;

	rn_assert(session_open(&s, buf_str(ctx), secret, STR("app"), NOW, &err) == 0);
}

static void verify_link(void *ctx)
{
	rn_assert(link_verify(str_from(ctx), auth_key_public(key), STR("app"), NOW, NULL, NULL, &err) == 0);
}

static void verify_request(void *ctx)
{
	struct request_sig rs;

	rn_assert(request_parse(&rs, buf_str(ctx), &err) == 0 &&
		  request_verify(&rs, auth_key_public(key), "GET", STR("/api/v1/services"), STR(""), NOW, &err) == 0);
}

static void verify_password(void *ctx)
{
	rn_assert(password_verify(ctx, STR("correct horse")));
}

static void bench_proofs(void)
{
	struct session s = {.user = "ada", .groups = "eng,ops", .resource = "app", .expires_at = NOW + 60};
	char token[LINK_TOKEN_LEN + 1], hash[PASSWORD_HASH_MAX];
	struct buf session, request;

	buf_init(&session, 4096);
	buf_init(&request, 4096);
	session_seal(&session, secret, &s);
	link_make(token, key, STR("app"), NOW + 60);
	request_sign(&request, key, "n1", "GET", STR("/api/v1/services"), STR(""), NOW);
	rn_assert(password_hash(hash, STR("correct horse"), &err) == 0);
	measure("session_open", 100, open_session, &session);
	measure("link_verify", 20, verify_link, token);
	measure("request_verify", 20, verify_request, &request);
	measure("password_verify", 1, verify_password, hash);
	buf_free(&session);
	buf_free(&request);
}

int main(void)
{
	if (!secret_init() || !(key = auth_key_make()) || !(secret = auth_secret_make()))
		return EXIT_FAILURE;
	bench_decisions(1);
	bench_decisions(100);
	bench_decisions(10000);
	bench_proofs();
	auth_key_free(key);
	secret_free(secret);
	return 0;
}
