/* SPDX-License-Identifier: MIT
 *
 * Which resource serves a host and a path. Hosts: the exact name first, then wildcards ("*.x"
 * matches any name below x) from the most specific, then resources without a host. Paths: the
 * longest prefix that ends at a segment border. The cost is a hash per label of the host and a
 * binary search over the host's paths, whatever the number of resources.
 */
#ifndef RN_PROXY_ROUTER_H
#define RN_PROXY_ROUTER_H

#include "base/base.h"

struct resource;

struct route {
	struct str prefix; /* starts with '/', no '/' at its end except the root */
	struct resource *resource;
	int32_t shorter; /* the longest other route whose prefix starts this one, or -1 */
};

struct route_host {
	struct str name; /* lower case; without "*." for a wildcard */
	VEC(struct route) routes;
	struct route_host *next; /* all hosts of the router, for freeing */
};

struct router { /* a zeroed struct is an empty router */
	struct map exact, wild;
	struct route_host *any;
	struct route_host *hosts;
};

/* HOST is lower case ("*.x" for a wildcard, empty for any). RN_ECONFIG if host and prefix are
 * taken; *taken is then the resource that has them. Strings must outlive the router. */
int router_add(struct router *r, struct str host, struct str prefix, struct resource *resource,
	       struct resource **taken, struct rn_error *err) must_check;
/* After the last router_add, before the first router_find. */
void router_seal(struct router *r);
void router_free(struct router *r);

/* HOST in lower case without port, PATH normalised (path.h). NULL: nothing serves it; then
 * *host_known tells whether any resource has that host. */
struct resource *router_find(const struct router *r, struct str host, struct str path,
			     bool *host_known);
/* Any resource that HOST has, the one with the shortest path; NULL: none. */
struct resource *router_host(const struct router *r, struct str host);

#endif
