/* SPDX-License-Identifier: MIT */
#include "policy/when.h"
#include "tap.h"

static struct addr address;
static struct policy_facts ada, stranger;

static const char *const words[] = {"false", "unknown", "true"};

static const char *eval(const char *text, const struct policy_facts *f)
{
	const struct when_request rq = {f, STR("app"), STR("GET")};
	const struct when *w;
	struct rn_error err;
	struct arena a;
	const char *word;

	arena_init(&a, 1 << 20);
	word = when_compile(&w, str_from(text), &a, &err) ? "error" : words[when_eval(w, &rq)];
	arena_free(&a);
	return word;
}

static void test_values(void)
{
	static const struct {
		const char *text, *ada, *stranger;
	} table[] = {
		{"user=ada", "true", "unknown"},
		{"user!=ada", "false", "unknown"},
		{"user=bob,ada", "true", "unknown"},
		{"user=a*", "true", "unknown"},
		{"user=*d*", "true", "unknown"},
		{"user=a*b", "false", "unknown"},
		{"group=ops", "true", "false"},
		{"group=o*s,x", "true", "false"},
		{"group!=eng", "false", "true"},
		{"resource=app", "true", "true"},
		{"resource=*", "true", "true"},
		{"action=POST", "false", "false"},
		{"device=laptop", "unknown", "unknown"},
		{"address=10.0.0.0/8", "true", "unknown"},
		{"address=fd00::/8,10.1.2.3", "true", "unknown"},
		{"address!=10.0.0.0/9", "false", "unknown"},
		{"trust>=60", "true", "unknown"},
		{"trust>60", "false", "unknown"},
		{"trust<61&trust<=60&trust=60&trust!=59", "true", "unknown"},
		{"mfa", "true", "unknown"},
		{"!mfa", "false", "unknown"},
		{"link", "false", "false"},
		{"org", "true", "false"},
		/* 1763640000 is Thursday, 20 November 2025, 12:00 UTC */
		{"hour=12&weekday=4", "true", "unknown"},
		{"hour>=13", "false", "unknown"},
		/* Kleene: what is decided without the unknown is decided. */
		{"mfa&link", "false", "false"},
		{"link&mfa", "false", "false"},
		{"mfa|resource=app", "true", "true"},
		{"mfa|link", "true", "unknown"},
		{"!(mfa&link)", "true", "true"},
		/* & binds closer than |, and ! closest. */
		{"resource=app|link&link", "true", "true"},
		{"(resource=app|link)&link", "false", "false"},
		{"!link&resource=app", "true", "true"},
		{"!!org", "true", "false"},
		{"((((org))))", "true", "false"},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		bool ok = strcmp(eval(table[i].text, &ada), table[i].ada) == 0 &&
			  strcmp(eval(table[i].text, &stranger), table[i].stranger) == 0;

		TAP_OK(ok, table[i].text);
	}
}

static void test_errors(void)
{
	static const char *const bad[] = {
		"", "user", "user=", "=ada", "user==ada", "trust", "trust>", "trust>x", "trust>-1", "trust>01",
		"trust>99999999999", "mfa=yes", "mfa=", "nobody=1", "user<ada", "user=a,", "user=,a", "trust<1,2",
		"address=10", "address=10.0.0.1/8", "address=x", "(user=ada", "user=ada)", "user=ada&", "&user=ada",
		"user=ada||user=bob", "!", "()", "user=a b", "mfa mfa", "USER=ada", "mfa&!",
		"!!!!!!!!!!!!!!!!!mfa", "(((((((((((((((((mfa)))))))))))))))))",
	};
	bool all = true;
	char longest[4096];
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (strcmp(eval(bad[i], &ada), "error") != 0) {
			printf("# accepted: %s\n", bad[i]);
			all = false;
		}
	TAP_OK(all, "what is no condition is refused");
	while (len + 5 < sizeof(longest)) {
		memcpy(longest + len, "mfa&", 4);
		len += 4;
	}
	memcpy(longest + len - 1, "", 1);
	TAP_OK(strcmp(eval(longest, &ada), "error") == 0, "and what is too long");
}

static void test_messages(void)
{
	const struct when *w;
	struct rn_error err;
	struct arena a;

	arena_init(&a, 1 << 20);
	TAP_OK(when_compile(&w, STR("trust>=60&mfa&colour=red"), &a, &err) == RN_ECONFIG &&
		       strstr(err.text, "column 15: unknown name"),
	       "an error names the column");
	TAP_OK(when_compile(&w, STR("trust>=6O"), &a, &err) == RN_ECONFIG &&
		       strstr(err.text, "column 8: expected a number"),
	       "and what was expected there");
	arena_free(&a);
}

int main(void)
{
	if (!addr_parse_ip(&address, STR("10.1.2.3")))
		return 1;
	stranger = POLICY_NOBODY;
	ada = (struct policy_facts){.user = STR("ada"), .groups = STR("eng,ops"), .address = &address,
				    .trust = 60, .mfa = 1, .now_s = 1763640000};
	test_values();
	test_errors();
	test_messages();
	return tap_done();
}
