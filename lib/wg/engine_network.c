/* SPDX-License-Identifier: MIT
 *
 * The device's own network: MTU and addresses, by the smallest difference.
 */
#include "wg/engine_impl.h"

bool engine_cidr_same(const struct cidr *a, const struct cidr *b)
{
	return engine_cidr_compare(a, b) == 0;
}

int engine_cidr_compare(const void *a, const void *b)
{
	const struct cidr *x = a, *y = b;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	int order = memcmp(x->ip, y->ip, x->family == AF_INET ? 4 : 16);
	return order ? order : (int)x->bits - (int)y->bits;
}

static bool has_cidr(const struct cidr *v, size_t n, const struct cidr *c)
{
	for (size_t i = 0; i < n; i++)
		if (engine_cidr_same(&v[i], c))
			return true;
	return false;
}

/* Takes away the addresses that C does not have. *ANY: there was one. */
static int remove_addresses(struct engine *e, const struct wg_config *c, bool *any,
			    struct rn_error *err)
{
	for (size_t i = e->addresses.len; i-- > 0;) {
		struct cidr a = e->addresses.ptr[i];
		if (has_cidr(c->addresses.ptr, c->addresses.len, &a))
			continue;
		e->addresses.ptr[i] = e->addresses.ptr[--e->addresses.len];
		*any = true;
		int code = inside_address(e->inside, &a, false, err);
		if (code)
			return code;
	}
	return 0;
}

/* First those that go: with the first address of a prefix the kernel takes the others of it along,
 * and with the last one of a family all its routes; so whatever is wanted is set anew then. */
static int apply_addresses(struct engine *e, const struct wg_config *c, struct rn_error *err)
{
	bool removed = false;
	int code = remove_addresses(e, c, &removed, err);
	for (size_t i = 0; i < c->addresses.len && !code; i++) {
		const struct cidr *a = &c->addresses.ptr[i];
		bool has = has_cidr(e->addresses.ptr, e->addresses.len, a);
		if (!has) {
			struct cidr *mine = VEC_PUSH(&e->addresses);
			if (!mine)
				return rn_fail(err, RN_EOS, "out of memory");
			*mine = *a;
		}
		if (!has || removed)
			code = inside_address(e->inside, a, true, err);
	}
	e->addressed = true;
	e->routes_lost |= removed;
	return code;
}

bool engine_wants_up(const struct engine *e, const struct wg_config *c)
{
	return c->has_mtu || !e->up;
}

int engine_up(struct engine *e, const struct wg_config *c, struct rn_error *err)
{
	e->mtu = c->has_mtu && c->mtu ? c->mtu : WG_MTU_DEFAULT;
	int code = inside_up(e->inside, e->mtu, err);
	e->up = !code;
	return code;
}

int engine_apply_network(struct engine *e, const struct wg_config *c, struct rn_error *err)
{
	if (c->has_forward)
		e->forward = c->forward;
	if (c->has_routes)
		e->manage_routes = c->routes;
	else if (c->has_addresses && !e->addressed)
		e->manage_routes = true;
	return c->has_addresses ? apply_addresses(e, c, err) : 0;
}

bool engine_lets_all_in(const struct engine *e)
{
	return e->forward || !e->addressed;
}
