/* SPDX-License-Identifier: MIT */
#include "wg/attr.h"
#include "wg/netlink_impl.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

struct netlink {
	struct mnl_socket *sock;
	unsigned port;
	uint32_t seq;
	union {
		char bytes[NETLINK_MESSAGE_MAX];
		struct nlmsghdr align;
	} msg;
};

struct netlink *netlink_open(struct rn_error *err)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	if (!nl) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		rn_fail_errno(err, RN_EOS, "netlink socket");
		netlink_close(nl);
		return NULL;
	}
	nl->port = mnl_socket_get_portid(nl->sock);
	return nl;
}

struct netlink *netlink_open_fd(int fd, struct rn_error *err)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	if (nl && (nl->sock = mnl_socket_fdopen(fd))) {
		nl->port = mnl_socket_get_portid(nl->sock);
		return nl;
	}
	rn_fail_errno(err, RN_EOS, "netlink socket");
	close(fd);
	free(nl);
	return NULL;
}

void netlink_close(struct netlink *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

struct nlmsghdr *netlink_message(struct netlink *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(nl->msg.bytes);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	h->nlmsg_seq = ++nl->seq;
	return h;
}

/* Sends and waits for the kernel's word; CB (may be NULL) sees what comes before it. */
static int exchange(struct netlink *nl, struct nlmsghdr *h, mnl_cb_t cb, void *ctx)
{
	union {
		char bytes[NETLINK_ANSWER_MAX];
		struct nlmsghdr align;
	} answer;
	uint32_t seq = h->nlmsg_seq;
	if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0)
		return -1;
	int more = MNL_CB_OK;
	while (more == MNL_CB_OK) {
		ssize_t n = mnl_socket_recvfrom(nl->sock, &answer, sizeof(answer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		more = mnl_cb_run(&answer, (size_t)n, seq, nl->port, cb, ctx);
	}
	return more;
}

int netlink_talk(struct netlink *nl, struct nlmsghdr *h, int fine, const char *what, struct rn_error *err)
{
	if (exchange(nl, h, NULL, NULL) >= 0 || (fine && errno == fine))
		return 0;
	return rn_fail_errno(err, errno == EPERM ? RN_EPERM : RN_EOS, "%s", what);
}

/* ---- links ------------------------------------------------------------------------------------- */

int netlink_link_add(struct netlink *nl, const char *name, const char *kind, pid_t pid,
		     struct rn_error *err)
{
	struct nlmsghdr *h = netlink_message(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(h, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	if (pid)
		mnl_attr_put_u32(h, IFLA_NET_NS_PID, (uint32_t)pid);
	struct nlattr *info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(h, info);
	if (exchange(nl, h, NULL, NULL) >= 0)
		return 0;
	enum rn_err code = errno == EPERM ? RN_EPERM : errno == EOPNOTSUPP ? RN_EAWAY
			 : errno == EEXIST ? RN_ECANTCREAT : RN_EOS;
	return rn_fail_errno(err, code, "making the %s device %s", kind, name);
}

int netlink_link_del(struct netlink *nl, unsigned ifindex, struct rn_error *err)
{
	struct nlmsghdr *h = netlink_message(nl, RTM_DELLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(h, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	return netlink_talk(nl, h, ENODEV, "removing the device", err);
}

int netlink_link_set_alias(struct netlink *nl, unsigned ifindex, const char *alias, struct rn_error *err)
{
	struct nlmsghdr *h = netlink_message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(h, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	mnl_attr_put(h, IFLA_IFALIAS, strlen(alias), alias);
	return netlink_talk(nl, h, 0, "marking the device", err);
}

static int see_alias(const struct nlmsghdr *h, void *ctx)
{
	char *alias = ctx;
	struct attr_walk w = attr_walk_message(h, sizeof(struct ifinfomsg));
	const struct nlattr *attr;
	while ((attr = attr_next(&w))) {
		struct str text = str_make(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
		if (mnl_attr_get_type(attr) == IFLA_IFALIAS && text.len)
			(void)str_copy(alias, NETLINK_ALIAS_MAX, str_slice(text, 0, text.len - 1));
	}
	return MNL_CB_OK;
}

bool netlink_link_alias(struct netlink *nl, unsigned ifindex, char alias[static NETLINK_ALIAS_MAX])
{
	struct nlmsghdr *h = netlink_message(nl, RTM_GETLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(h, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	alias[0] = 0;
	return exchange(nl, h, see_alias, alias) >= 0 && alias[0];
}

static void put_no_link_local(struct nlmsghdr *h)
{
	struct nlattr *spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(h, AF_INET6);
	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(h, inet6);
	mnl_attr_nest_end(h, spec);
}

static int link_set(struct netlink *nl, unsigned ifindex, unsigned flags, unsigned mtu,
		    bool no_link_local, struct rn_error *err)
{
	struct nlmsghdr *h = netlink_message(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(h, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	link->ifi_flags = flags;
	link->ifi_change = flags;
	if (mtu)
		mnl_attr_put_u32(h, IFLA_MTU, mtu);
	if (no_link_local)
		put_no_link_local(h);
	return netlink_talk(nl, h, 0, "setting up the device", err);
}

int netlink_link_up(struct netlink *nl, unsigned ifindex, unsigned mtu, struct rn_error *err)
{
	struct rn_error ignored;
	/* Refused where IPv6 is switched off, and then there is nothing to prevent. */
	if (link_set(nl, ifindex, 0, 0, true, &ignored))
		log_write(LOG_DEBUG, "IPv6 link-local addresses stay: %s", ignored.text);
	return link_set(nl, ifindex, IFF_UP, mtu, false, err);
}

static size_t ip_len(const struct cidr *c)
{
	return c->family == AF_INET ? 4 : 16;
}

int netlink_address(struct netlink *nl, unsigned ifindex, const struct cidr *address, bool add,
		    struct rn_error *err)
{
	struct nlmsghdr *h = netlink_message(nl, add ? RTM_NEWADDR : RTM_DELADDR,
					     add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(h, sizeof(*a));
	a->ifa_family = (uint8_t)address->family;
	a->ifa_prefixlen = address->bits;
	a->ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0;
	a->ifa_scope = RT_SCOPE_UNIVERSE;
	a->ifa_index = ifindex;
	mnl_attr_put(h, IFA_LOCAL, ip_len(address), address->ip);
	mnl_attr_put(h, IFA_ADDRESS, ip_len(address), address->ip);
	return netlink_talk(nl, h, add ? EEXIST : EADDRNOTAVAIL, "setting the tunnel's address", err);
}

int netlink_route(struct netlink *nl, unsigned ifindex, const struct cidr *prefix, bool add,
		  struct rn_error *err)
{
	struct nlmsghdr *h = netlink_message(nl, add ? RTM_NEWROUTE : RTM_DELROUTE,
					     add ? NLM_F_CREATE | NLM_F_REPLACE : 0);
	struct rtmsg *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
	r->rtm_family = (uint8_t)prefix->family;
	r->rtm_dst_len = prefix->bits;
	r->rtm_table = RT_TABLE_MAIN;
	r->rtm_protocol = add ? RTPROT_STATIC : RTPROT_UNSPEC;
	r->rtm_scope = add ? RT_SCOPE_LINK : RT_SCOPE_NOWHERE;
	r->rtm_type = add ? RTN_UNICAST : RTN_UNSPEC;
	if (prefix->bits)
		mnl_attr_put(h, RTA_DST, ip_len(prefix), prefix->ip);
	mnl_attr_put_u32(h, RTA_OIF, ifindex);
	return netlink_talk(nl, h, add ? EEXIST : ESRCH, "setting a route into the tunnel", err);
}
