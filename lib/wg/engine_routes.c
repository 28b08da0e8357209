/* SPDX-License-Identifier: MIT
 *
 * Routes into the tunnel: one for each allowed IP that the device's own prefixes do not cover.
 */
#include "wg/engine_impl.h"

static bool covered(const struct engine *e, const struct cidr *prefix)
{
	for (size_t i = 0; i < e->addresses.len; i++) {
		const struct cidr *own = &e->addresses.ptr[i];
		if (own->bits <= prefix->bits && cidr_overlaps(own, prefix))
			return true;
	}
	return false;
}

/* On the host, the default route is the machine's way to the peers themselves. */
bool engine_route_wanted(const struct engine *e, const struct cidr *prefix)
{
	if (!prefix->bits && e->mode == INSIDE_HOST) {
		log_write(LOG_WARN, "%s: an allowed IP of /0 gets no route on the host: set it "
			"yourself, with a rule that spares the tunnel's own packets (fwmark)", e->name);
		return false;
	}
	return !covered(e, prefix);
}

typedef VEC(struct cidr) cidr_vec;

static int choose(const struct engine *e, struct cidr *all, size_t n, cidr_vec *out, struct rn_error *err)
{
	for (size_t i = 0; e->manage_routes && i < n; i++) {
		if (!engine_route_wanted(e, &all[i]))
			continue;
		struct cidr *c = VEC_PUSH(out);
		if (!c)
			return rn_fail(err, RN_EOS, "out of memory");
		*c = all[i];
	}
	if (out->len)
		qsort(out->ptr, out->len, sizeof(*out->ptr), engine_cidr_compare);
	return 0;
}

static int set_route(struct engine *e, const struct cidr *prefix, bool add, struct rn_error *err)
{
	char text[ADDR_TEXT_MAX];
	int code = inside_route(e->inside, prefix, add, err);
	cidr_format(prefix, text);
	return code ? rn_fail_in(err, "%s", text) : 0;
}

int engine_routes_sync(struct engine *e, struct cidr *all, size_t n, struct rn_error *err)
{
	cidr_vec want = {0};
	size_t i = 0, j = 0;
	int code = choose(e, all, n, &want, err);
	while (!code && (i < e->routes.len || j < want.len)) {
		int order = i == e->routes.len ? 1
			    : j == want.len    ? -1
					       : engine_cidr_compare(&e->routes.ptr[i], &want.ptr[j]);
		if (order < 0)
			code = set_route(e, &e->routes.ptr[i++], false, err);
		else if (order > 0 || e->routes_lost)
			code = set_route(e, &want.ptr[j++], true, err);
		else
			j++;
		i += order == 0;
	}
	e->routes_lost = code != 0;
	/* After a failure too: setting a route again is fine. */
	vec_free(&e->routes.base);
	memcpy(&e->routes, &want, sizeof(e->routes));
	return code;
}
