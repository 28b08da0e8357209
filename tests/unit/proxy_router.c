/* SPDX-License-Identifier: MIT */
#include "proxy/router.h"

#include "tap.h"

static struct resource *res(uintptr_t n)
{
	return (struct resource *)n;
}

static void add(struct router *r, const char *host, const char *path, uintptr_t n)
{
	struct resource *taken;
	struct rn_error err;
	if (router_add(r, str_from(host), str_from(path), res(n), &taken, &err))
		TAP_OK(false, err.text);
}

static uintptr_t find(const struct router *r, const char *host, const char *path)
{
	bool known;
	return (uintptr_t)router_find(r, str_from(host), str_from(path), &known);
}

static void test_small(void)
{
	struct router r = {0};
	struct resource *taken = NULL;
	struct rn_error err;
	bool known;

	add(&r, "a.test", "/", 1);
	add(&r, "a.test", "/x", 2);
	add(&r, "a.test", "/x/y/", 3);
	add(&r, "a.test", "/x-y", 4);
	add(&r, "*.test", "/", 5);
	add(&r, "*.b.test", "/only", 6);
	add(&r, "", "/any", 7);
	TAP_OK(router_add(&r, STR("a.test"), STR("/x/"), res(9), &taken, &err) == RN_ECONFIG &&
		       taken == res(2),
	       "the same host and path twice is refused, and who has it is told");
	router_seal(&r);
	TAP_OK(find(&r, "a.test", "/") == 1, "root");
	TAP_OK(find(&r, "a.test", "/x") == 2 && find(&r, "a.test", "/x/z") == 2, "prefix");
	TAP_OK(find(&r, "a.test", "/x/y") == 3 && find(&r, "a.test", "/x/y/z") == 3,
	       "longer prefix");
	TAP_OK(find(&r, "a.test", "/xy") == 1, "a prefix ends at a segment");
	TAP_OK(find(&r, "a.test", "/x-y/1") == 4, "a sibling between in byte order");
	TAP_OK(find(&r, "c.test", "/") == 5 && find(&r, "d.c.test", "/") == 5,
	       "wildcard, any depth");
	TAP_OK(find(&r, "c.b.test", "/only/1") == 6, "the most specific wildcard");
	TAP_OK(find(&r, "c.b.test", "/other") == 5, "a wider one when its path does not fit");
	TAP_OK(find(&r, "test", "/") == 0, "a wildcard does not match its own parent");
	TAP_OK(find(&r, "else", "/any") == 7, "no host");
	TAP_OK(!router_find(&r, STR("else"), STR("/"), &known) && known,
	       "nothing, but a host is known");
	TAP_OK(router_host(&r, STR("a.test")) == res(1), "any resource of a host");
	router_free(&r);
}

/* Against the plain definition: the longest prefix at a segment border. */
static uintptr_t slow(const char *const *paths, size_t n, const char *path)
{
	uintptr_t best = 0;
	size_t best_len = 0;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(paths[i]);
		bool fits = strncmp(path, paths[i], len) == 0 &&
			    (len == 1 || path[len] == 0 || path[len] == '/');
		if (fits && len >= best_len) {
			best = i + 1;
			best_len = len;
		}
	}
	return best;
}

static void test_random(void)
{
	static const char *const paths[] = {"/",     "/a", "/a/b",   "/a/b/c", "/aa",	    "/a-b",
					    "/a/bb", "/b", "/b/a/b", "/b/a/c", "/a/b/c/d/a"};
	static const char letters[] = "/ab-c/d/";
	struct router r = {0};
	unsigned seed = 7;
	bool same = true;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		add(&r, "h", paths[i], i + 1);
	router_seal(&r);
	for (int round = 0; round < 200000; round++) {
		char path[16] = "/";
		size_t len = 1 + (seed >> 8) % 12;
		for (size_t i = 1; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			path[i] = letters[(seed >> 16) % 8];
		}
		seed = seed * 1664525 + 1013904223;
		same &= find(&r, "h", path) == slow(paths, ARRAY_LEN(paths), path);
	}
	TAP_OK(same, "200,000 random paths are found as the definition says");
	router_free(&r);
}

int main(void)
{
	test_small();
	test_random();
	return tap_done();
}
