/* SPDX-License-Identifier: MIT */
#include "proxy/router.h"

static struct route_host *host_make(struct router *r, struct str name, struct map *in)
{
	struct route_host *h = in ? map_get(in, name) : r->any;
	if (h)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->name = name;
	if (in && !map_set(in, name, h)) {
		free(h);
		return NULL;
	}
	if (!in)
		r->any = h;
	h->next = r->hosts;
	r->hosts = h;
	return h;
}

static struct str without_slash(struct str prefix)
{
	while (prefix.len > 1 && prefix.ptr[prefix.len - 1] == '/')
		prefix.len--;
	return prefix;
}

int router_add(struct router *r, struct str host, struct str prefix, struct resource *resource,
	       struct resource **taken, struct rn_error *err)
{
	bool wild = str_starts(host, STR("*."));
	struct map *in = host.len == 0 ? NULL : wild ? &r->wild : &r->exact;
	struct route_host *h = host_make(r, wild ? str_from_at(host, 2) : host, in);
	struct route *route;

	prefix = without_slash(prefix);
	if (!h)
		return rn_fail(err, RN_EOS, "out of memory");
	for (size_t i = 0; i < h->routes.len; i++) {
		if (!str_eq(h->routes.ptr[i].prefix, prefix))
			continue;
		*taken = h->routes.ptr[i].resource;
		return rn_fail(err, RN_ECONFIG, "host %.*s path %.*s is taken", STR_ARG(host),
			       STR_ARG(prefix));
	}
	route = VEC_PUSH(&h->routes);
	if (!route)
		return rn_fail(err, RN_EOS, "out of memory");
	*route = (struct route){.prefix = prefix, .resource = resource, .shorter = -1};
	return 0;
}

static int route_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct route *)a)->prefix, ((const struct route *)b)->prefix);
}

/* In byte order the routes that start a path stand before it, nested; so the nearest earlier route
 * that starts this one is found on the chain of the one before it. */
static void routes_link(struct route *routes, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		int32_t p = (int32_t)i - 1;
		while (p >= 0 && !str_starts(routes[i].prefix, routes[p].prefix))
			p = routes[p].shorter;
		routes[i].shorter = p;
	}
}

void router_seal(struct router *r)
{
	for (struct route_host *h = r->hosts; h; h = h->next) {
		qsort(h->routes.ptr, h->routes.len, sizeof(*h->routes.ptr), route_cmp);
		routes_link(h->routes.ptr, h->routes.len);
	}
}

void router_free(struct router *r)
{
	struct route_host *next;
	for (struct route_host *h = r->hosts; h; h = next) {
		next = h->next;
		vec_free(&h->routes.base);
		free(h);
	}
	map_free(&r->exact);
	map_free(&r->wild);
	*r = (struct router){0};
}

static bool prefix_fits(struct str path, struct str prefix)
{
	return str_starts(path, prefix) &&
	       (prefix.len == path.len || prefix.len == 1 || path.ptr[prefix.len] == '/');
}

static struct resource *host_find(const struct route_host *h, struct str path)
{
	size_t low = 0, high = h->routes.len;
	while (low < high) { /* the first route behind PATH in byte order */
		size_t mid = (low + high) / 2;
		if (str_cmp(h->routes.ptr[mid].prefix, path) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (int32_t i = (int32_t)low - 1; i >= 0; i = h->routes.ptr[i].shorter)
		if (prefix_fits(path, h->routes.ptr[i].prefix))
			return h->routes.ptr[i].resource;
	return NULL;
}

struct resource *router_find(const struct router *r, struct str host, struct str path,
			     bool *host_known)
{
	const struct route_host *h = map_get(&r->exact, host);
	struct resource *found = h ? host_find(h, path) : NULL;
	struct str rest = host;
	ptrdiff_t dot;

	*host_known = h || r->any;
	while (!found && r->wild.len && (dot = str_find(rest, '.')) >= 0) {
		rest = str_from_at(rest, (size_t)dot + 1);
		h = map_get(&r->wild, rest);
		*host_known |= h != NULL;
		found = h ? host_find(h, path) : NULL;
	}
	if (!found && r->any)
		found = host_find(r->any, path);
	return found;
}

struct resource *router_host(const struct router *r, struct str host)
{
	const struct route_host *h = map_get(&r->exact, host);
	struct str rest = host;
	ptrdiff_t dot;

	while (!h && (dot = str_find(rest, '.')) >= 0) {
		rest = str_from_at(rest, (size_t)dot + 1);
		h = map_get(&r->wild, rest);
	}
	if (!h)
		h = r->any;
	return h && h->routes.len ? h->routes.ptr[0].resource : NULL;
}
