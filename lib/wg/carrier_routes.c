/* SPDX-License-Identifier: MIT
 *
 * Routes into the tunnel: one for each allowed IP that the device's own prefixes do not cover.
 */
#include "wg/carrier_impl.h"

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cidr));
}

static bool covered(const struct carrier *d, const struct cidr *prefix)
{
	for (size_t i = 0; i < d->addresses.len; i++) {
		const struct cidr *own = &d->addresses.ptr[i];
		if (own->bits <= prefix->bits && cidr_overlaps(own, prefix))
			return true;
	}
	return false;
}

/* On the host, the default route is the machine's way to the peers themselves. */
static bool wanted(const struct carrier *d, const struct cidr *prefix)
{
	if (!prefix->bits && d->mode == INSIDE_HOST) {
		log_write(LOG_WARN, "%s: an allowed IP of /0 gets no route on the host: set it "
			"yourself, with a rule that spares the tunnel's own packets (fwmark)", d->tun->name);
		return false;
	}
	return !covered(d, prefix);
}

typedef VEC(struct cidr) cidr_vec;

static int collect(const struct carrier *d, cidr_vec *out, struct rn_error *err)
{
	struct cidr prefix;
	for (size_t i = 0; d->manage_routes && i < wg_peer_count(d->wg); i++) {
		uint32_t at = 0;
		memset(&prefix, 0, sizeof(prefix));
		while (wg_allowed_next(d->wg, wg_peer_at(d->wg, i), &at, &prefix)) {
			struct cidr *c = wanted(d, &prefix) ? VEC_PUSH(out) : NULL;
			if (!c && wanted(d, &prefix))
				return rn_fail(err, RN_EOS, "out of memory");
			if (!c)
				continue;
			/* Field by field: padding must not spoil the comparison. */
			c->family = prefix.family;
			c->bits = prefix.bits;
			memcpy(c->ip, prefix.ip, prefix.family == AF_INET ? 4 : 16);
		}
	}
	if (out->len)
		qsort(out->ptr, out->len, sizeof(*out->ptr), compare);
	return 0;
}

static int set_route(struct carrier *d, const struct cidr *prefix, bool add, struct rn_error *err)
{
	char text[ADDR_TEXT_MAX];
	int code = inside_route(d->inside, prefix, add, err);
	cidr_format(prefix, text);
	return code ? rn_fail_in(err, "%s", text) : 0;
}

int carrier_routes_sync(struct carrier *d, struct rn_error *err)
{
	cidr_vec want = {0};
	size_t i = 0, j = 0;
	int code = collect(d, &want, err);
	while (!code && (i < d->routes.len || j < want.len)) {
		int order = i == d->routes.len ? 1
			    : j == want.len    ? -1
					       : compare(&d->routes.ptr[i], &want.ptr[j]);
		if (order < 0)
			code = set_route(d, &d->routes.ptr[i++], false, err);
		else if (order > 0 || d->routes_lost)
			code = set_route(d, &want.ptr[j++], true, err);
		else
			j++;
		i += order == 0;
	}
	d->routes_lost = code != 0;
	/* After a failure too: setting a route again is fine. */
	vec_free(&d->routes.base);
	memcpy(&d->routes, &want, sizeof(d->routes));
	return code;
}
