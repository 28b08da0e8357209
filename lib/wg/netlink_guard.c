/* SPDX-License-Identifier: MIT
 *
 * The rule of own addresses (doc/contracts.md, "Tunnel") for a device whose packets we never see:
 * filters of the kernel's traffic control on its ingress, one that passes each own address and a
 * last one that drops. As tc(8) would:
 *
 *     tc qdisc add dev wg0 clsact
 *     tc filter add dev wg0 ingress protocol ip prio 1 u32 match ip dst 10.1.0.1/32 classid 1:
 *     tc filter add dev wg0 ingress protocol all prio 65535 u32 match u32 0 0 action drop
 */
#include "wg/netlink_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>

#define DROP_PRIORITY 65535U
#define IPV4_DESTINATION 16 /* bytes from the start of the header */
#define IPV6_DESTINATION 24

static struct nlmsghdr *filter(struct netlink *nl, unsigned ifindex, bool add, unsigned priority,
			       uint16_t protocol)
{
	struct nlmsghdr *h = netlink_message(nl, add ? RTM_NEWTFILTER : RTM_DELTFILTER,
					     add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct tcmsg *t = mnl_nlmsg_put_extra_header(h, sizeof(*t));
	t->tcm_family = AF_UNSPEC;
	t->tcm_ifindex = (int)ifindex;
	t->tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	t->tcm_info = TC_H_MAKE(priority << 16, htons(protocol));
	if (add)
		mnl_attr_put_strz(h, TCA_KIND, "u32");
	return h;
}

/* The N words at OFFSET of the header, under MASK, are those of VALUE. */
static void put_selector(struct nlmsghdr *h, const void *value, uint32_t mask, int offset, uint8_t n)
{
	union {
		struct tc_u32_sel head; /* keys follow */
		char bytes[sizeof(struct tc_u32_sel) + 4 * sizeof(struct tc_u32_key)];
	} sel = {.head = {.flags = TC_U32_TERMINAL, .nkeys = n}};
	size_t len = sizeof(sel.head);
	for (int i = 0; i < n; i++) {
		struct tc_u32_key key = {.mask = mask, .off = offset + 4 * i};
		memcpy(&key.val, (const char *)value + 4 * i, 4);
		memcpy(sel.bytes + len, &key, sizeof(key));
		len += sizeof(key);
	}
	mnl_attr_put(h, TCA_U32_SEL, len, &sel);
}

static void put_drop(struct nlmsghdr *h)
{
	struct tc_gact gact = {.action = TC_ACT_SHOT};
	struct nlattr *actions = mnl_attr_nest_start(h, TCA_U32_ACT);
	struct nlattr *first = mnl_attr_nest_start(h, 1);
	mnl_attr_put_strz(h, TCA_ACT_KIND, "gact");
	struct nlattr *options = mnl_attr_nest_start(h, TCA_ACT_OPTIONS);
	mnl_attr_put(h, TCA_GACT_PARMS, sizeof(gact), &gact);
	mnl_attr_nest_end(h, options);
	mnl_attr_nest_end(h, first);
	mnl_attr_nest_end(h, actions);
}

static int qdisc(struct netlink *nl, unsigned ifindex, bool add, int fine, struct rn_error *err)
{
	struct nlmsghdr *h = netlink_message(nl, add ? RTM_NEWQDISC : RTM_DELQDISC,
					     add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct tcmsg *t = mnl_nlmsg_put_extra_header(h, sizeof(*t));
	t->tcm_family = AF_UNSPEC;
	t->tcm_ifindex = (int)ifindex;
	t->tcm_parent = TC_H_CLSACT;
	t->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	if (add)
		mnl_attr_put_strz(h, TCA_KIND, "clsact");
	return netlink_talk(nl, h, fine, "filtering what comes out of the tunnel", err);
}

static int drop_rest(struct netlink *nl, unsigned ifindex, struct rn_error *err)
{
	static const uint32_t nothing;
	struct nlmsghdr *h = filter(nl, ifindex, true, DROP_PRIORITY, ETH_P_ALL);
	struct nlattr *options = mnl_attr_nest_start(h, TCA_OPTIONS);
	put_selector(h, &nothing, 0, 0, 1);
	put_drop(h);
	mnl_attr_nest_end(h, options);
	return netlink_talk(nl, h, 0, "filtering what comes out of the tunnel", err);
}

int netlink_guard_start(struct netlink *nl, unsigned ifindex, struct rn_error *err)
{
	int code = qdisc(nl, ifindex, true, 0, err);
	if (!code)
		code = drop_rest(nl, ifindex, err);
	if (code && (err->sys == ENOENT || err->sys == EOPNOTSUPP))
		return rn_fail(err, RN_EAWAY, "this kernel cannot keep strangers' packets out of a tunnel "
			"(modules sch_ingress, cls_u32, act_gact)");
	return code;
}

int netlink_guard_stop(struct netlink *nl, unsigned ifindex, struct rn_error *err)
{
	return qdisc(nl, ifindex, false, ENOENT, err);
}

int netlink_guard_pass(struct netlink *nl, unsigned ifindex, const struct cidr *address, unsigned slot,
		       bool add, struct rn_error *err)
{
	bool v4 = address->family == AF_INET;
	struct nlmsghdr *h = filter(nl, ifindex, add, slot + 1, v4 ? ETH_P_IP : ETH_P_IPV6);
	if (add) {
		struct nlattr *options = mnl_attr_nest_start(h, TCA_OPTIONS);
		put_selector(h, address->ip, UINT32_MAX, v4 ? IPV4_DESTINATION : IPV6_DESTINATION,
			     v4 ? 1 : 4);
		mnl_attr_put_u32(h, TCA_U32_CLASSID, TC_H_MAKE(1U << 16, 0));
		mnl_attr_nest_end(h, options);
	}
	return netlink_talk(nl, h, add ? 0 : ENOENT, "letting packets to the tunnel's address in", err);
}
