/* SPDX-License-Identifier: MIT */
#include "policy/set.h"
#include "tap.h"

static uint64_t seed = 7;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static int add(struct policy_set *set, const char *line, struct rn_error *err)
{
	struct rec r;
	int rc = rec_parse(&r, str_from(line), NULL, err);

	return rc ? rc : policy_set_add(set, &r, err);
}

static struct policy_set *make(struct arena *a, const char *const *lines, size_t n)
{
	struct policy_set *set = policy_set_new(a);
	struct rn_error err;

	for (size_t i = 0; i < n; i++)
		if (add(set, lines[i], &err)) {
			printf("# %s\n", err.text);
			return NULL;
		}
	return policy_set_finish(set, &err) ? NULL : set;
}

static bool decides(const struct policy_set *set, const struct policy_facts *f, const char *resource,
		    const char *action, bool allow, const char *policy)
{
	struct policy_decision d = policy_decide(set, f, str_from(resource), str_from(action));

	if (d.allow == allow && str_is(d.policy, policy))
		return true;
	printf("# %s %s by '%.*s'\n", resource, d.allow ? "allowed" : "denied", STR_ARG(d.policy));
	return false;
}

static void test_rules(void)
{
	static const char *const lines[] = {
		"policy=web effect=allow from=group:eng,user:bob to=resource:app",
		"policy=share effect=allow from=link to=resource:app,resource:wiki action=GET,HEAD",
		"policy=own effect=allow from=org to=resource:db action=connect",
		"policy=lab effect=deny from=cidr:192.0.2.0/24 to=* priority=10",
		"policy=boss effect=allow from=user:ceo to=* priority=20",
		"policy=not-carol effect=deny from=user:carol to=*",
		"policy=all effect=allow from=any to=resource:pub",
		"policy=strong effect=allow from=user:ada to=resource:safe when=mfa",
		"policy=weak effect=deny from=any to=resource:pub when=trust<20",
	};
	struct policy_facts nobody = POLICY_NOBODY, ada = nobody, carol = nobody, ceo = nobody, link = nobody,
			    laptop = nobody, lab = nobody;
	struct addr address;
	struct policy_set *set;
	struct arena a;

	arena_init(&a, 1 << 20);
	set = make(&a, lines, ARRAY_LEN(lines));
	ada.user = STR("ada");
	ada.groups = STR("eng");
	carol.user = STR("carol");
	carol.groups = STR("eng");
	ceo.user = STR("ceo");
	link.link = true;
	laptop.device = STR("laptop");
	TAP_OK(addr_parse_ip(&address, STR("192.0.2.9")), "an address");
	lab.user = ceo.user;
	lab.address = &address;

	TAP_OK(decides(set, &nobody, "app", "GET", false, ""), "nobody is refused by default");
	TAP_OK(decides(set, &ada, "app", "GET", true, "web"), "a group lets in");
	TAP_OK(decides(set, &ada, "db", "GET", false, ""), "not for other actions");
	TAP_OK(decides(set, &ada, "db", "connect", true, "own"), "org is any user");
	TAP_OK(decides(set, &laptop, "db", "connect", true, "own"), "and any device");
	TAP_OK(decides(set, &carol, "app", "GET", false, "not-carol"), "a denial goes before a permission");
	TAP_OK(decides(set, &link, "wiki", "HEAD", true, "share"), "a share link lets in");
	TAP_OK(decides(set, &link, "wiki", "POST", false, ""), "for its actions only");
	TAP_OK(decides(set, &ceo, "unheard-of", "GET", true, "boss"), "to=* is every resource");
	TAP_OK(decides(set, &lab, "app", "GET", true, "boss"), "a higher priority is asked first");
	TAP_OK(decides(set, &ada, "safe", "GET", false, ""), "what is not known cannot allow");
	ada.mfa = 1;
	TAP_OK(decides(set, &ada, "safe", "GET", true, "strong"), "known, it can");
	TAP_OK(decides(set, &nobody, "pub", "GET", false, "weak"), "what is not known does not keep from denying");
	nobody.trust = 20;
	TAP_OK(decides(set, &nobody, "pub", "GET", true, "all"), "known, the denial does not apply");
	TAP_OK(decides(NULL, &ceo, "app", "GET", false, ""), "no set denies");
	arena_free(&a);
}

static void test_errors(void)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
		{"policy=p effect=maybe from=any to=*", "effect must be allow or deny"},
		{"policy=p from=any to=*", "effect must be"},
		{"policy=p effect=allow to=*", "from is missing"},
		{"policy=p effect=allow from= to=*", "from is missing"},
		{"policy=p effect=allow from=any", "to is missing"},
		{"policy=p effect=allow from=any to=app", "neither resource:NAME nor *"},
		{"policy=p effect=allow from=any to=resource:", "neither resource:NAME nor *"},
		{"policy=p effect=allow from=all to=*", "not a principal"},
		{"policy=p effect=allow from=any,user: to=*", "bad name"},
		{"policy=p effect=allow from=user:a%2Cb to=*", "bad name"},
		{"policy=p effect=allow from=cidr:10.0.0.1/8 to=*", "not an address prefix"},
		{"policy=p effect=allow from=any to=* priority=65536", "priority"},
		{"policy=p effect=allow from=any to=* when=mfa&", "when: column 5"},
	};
	struct rn_error err;
	struct arena a;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		bool ok;

		arena_init(&a, 1 << 20);
		err.text[0] = '\0';
		ok = add(policy_set_new(&a), bad[i].line, &err) == RN_ECONFIG && strstr(err.text, bad[i].why) &&
		     strstr(err.text, "policy p: ");
		if (!TAP_OK(ok, bad[i].line))
			printf("# %s\n", err.text);
		arena_free(&a);
	}
}

/* Every allocation in turn fails: an error each time, never a set that lets more in. */
static void test_memory(void)
{
	struct rn_error err;
	struct arena a;
	size_t failures = 0;

	for (size_t max = 0; max < 16384; max += 256) {
		struct policy_set *set;

		arena_init(&a, max);
		set = policy_set_new(&a);
		failures += !set || add(set, "policy=p effect=allow from=user:a,user:b to=resource:x when=mfa&org", &err) ||
			    policy_set_finish(set, &err);
		arena_free(&a);
	}
	TAP_OK(failures > 0 && failures < 64, "a full arena is an error, not a crash");
}

/* ---- against the plainest way to decide ------------------------------------------------------ */

#define POLICIES 40

static bool slow_decide(const struct policy_set *set, const struct policy_facts *f, struct str resource,
			const struct policy **by)
{
	const struct policy *best = NULL;

	for (const struct policy *p = set->list; p; p = p->next) {
		struct str rest = p->to, element;
		bool covers = false, from = false;

		while (rec_list_next(&rest, &element))
			covers |= str_is(element, "*") ||
				  (str_starts(element, STR("resource:")) && str_eq(str_from_at(element, 9), resource));
		for (size_t i = 0; i < p->from_len; i++)
			from |= principal_matches(&p->from[i], f);
		if (!covers || !from)
			continue;
		if (!best || p->priority > best->priority ||
		    (p->priority == best->priority &&
		     (p->allow < best->allow || (p->allow == best->allow && str_cmp(p->name, best->name) < 0))))
			best = p;
	}
	*by = best;
	return best && best->allow;
}

static void random_policy(char *line, size_t size, size_t n)
{
	static const char *const from[] = {"any", "link", "org", "user:u0", "user:u1", "group:g0", "group:g1,user:u2",
					   "device:d0"};
	static const char *const to[] = {"*", "resource:r0", "resource:r1", "resource:r0,resource:r2", "resource:r3,*"};

	snprintf(line, size, "policy=p%zu effect=%s from=%s to=%s priority=%u", n, random_below(2) ? "allow" : "deny",
		 from[random_below(ARRAY_LEN(from))], to[random_below(ARRAY_LEN(to))], random_below(4));
}

static void test_against_oracle(void)
{
	static const char *const users[] = {"", "u0", "u1", "u2"}, *const groups[] = {"", "g0", "g0,g1"},
					  *const resources[] = {"r0", "r1", "r2", "r3", "r4"};
	size_t wrong = 0;

	for (int round = 0; round < 300; round++) {
		struct policy_set *set;
		struct rn_error err;
		struct arena a;
		char line[256];

		arena_init(&a, 1 << 20);
		set = policy_set_new(&a);
		for (size_t i = random_below(POLICIES); i-- > 0;) {
			random_policy(line, sizeof(line), i);
			wrong += add(set, line, &err) != 0;
		}
		wrong += policy_set_finish(set, &err) != 0;
		for (int q = 0; q < 50; q++) {
			struct policy_facts f = POLICY_NOBODY;
			struct str resource = str_from(resources[random_below(ARRAY_LEN(resources))]);
			const struct policy *by;
			struct policy_decision d;
			bool allow;

			f.user = str_from(users[random_below(ARRAY_LEN(users))]);
			f.groups = str_from(groups[random_below(ARRAY_LEN(groups))]);
			f.link = random_below(2);
			d = policy_decide(set, &f, resource, STR("GET"));
			allow = slow_decide(set, &f, resource, &by);
			wrong += d.allow != allow || !str_eq(d.policy, by ? by->name : STR(""));
		}
		arena_free(&a);
	}
	TAP_OK(wrong == 0, "15,000 random decisions are those of the plainest way");
}

int main(void)
{
	test_rules();
	test_errors();
	test_memory();
	test_against_oracle();
	return tap_done();
}
