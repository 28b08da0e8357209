/* SPDX-License-Identifier: MIT
 *
 * The rule of own addresses, kept by the filters of netlink_guard_*.
 */
#include "wg/kernel_impl.h"

static bool is_own(const struct kernel *k, const struct cidr *c)
{
	for (size_t i = 0; i < k->base.addresses.len; i++) {
		const struct cidr *own = &k->base.addresses.ptr[i];
		if (own->family == c->family && !memcmp(own->ip, c->ip, c->family == AF_INET ? 4 : 16))
			return true;
	}
	return false;
}

static bool passes(const struct kernel *k, const struct cidr *c)
{
	for (size_t i = 0; i < k->passes.len; i++) {
		const struct cidr *p = &k->passes.ptr[i];
		if (p->family == c->family && !memcmp(p->ip, c->ip, c->family == AF_INET ? 4 : 16))
			return true;
	}
	return false;
}

static int add_pass(struct kernel *k, const struct cidr *c, struct rn_error *err)
{
	size_t slot = 0;
	while (slot < k->passes.len && k->passes.ptr[slot].family)
		slot++;
	if (slot == k->passes.len && !VEC_PUSH(&k->passes))
		return rn_fail(err, RN_EOS, "out of memory");
	int code = netlink_guard_pass(k->route, k->ifindex, c, (unsigned)slot, true, err);
	if (!code)
		k->passes.ptr[slot] = *c;
	return code;
}

static int stop(struct kernel *k, struct rn_error *err)
{
	int code = k->guarded ? netlink_guard_stop(k->route, k->ifindex, err) : 0;
	k->guarded = code != 0;
	k->passes.len = 0;
	return code;
}

int kernel_guard_sync(struct kernel *k, struct rn_error *err)
{
	int code = 0;
	if (engine_lets_all_in(&k->base))
		return stop(k, err);
	if (!k->guarded)
		code = netlink_guard_start(k->route, k->ifindex, err);
	k->guarded |= !code;
	for (size_t i = 0; i < k->base.addresses.len && !code; i++)
		if (!passes(k, &k->base.addresses.ptr[i]))
			code = add_pass(k, &k->base.addresses.ptr[i], err);
	for (size_t i = 0; i < k->passes.len && !code; i++) {
		struct cidr *p = &k->passes.ptr[i];
		if (!p->family || is_own(k, p))
			continue;
		code = netlink_guard_pass(k->route, k->ifindex, p, (unsigned)i, false, err);
		p->family = 0;
	}
	return code;
}
