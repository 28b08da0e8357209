/* SPDX-License-Identifier: MIT
 *
 * The addresses and routes of this machine, by route netlink (rtnetlink(7)).
 */
#include "wg/overlap.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

struct reading {
	overlap_ranges *out;
	bool failed;
};

struct found {
	int family;
	uint8_t bits;
	unsigned ifindex;
	const struct nlattr *ip;
};

static bool is_local_only(const struct cidr *c)
{
	static const struct cidr ranges[] = {
		{AF_INET, {127}, 8},	      {AF_INET, {224}, 4},   {AF_INET, {169, 254}, 16},
		{AF_INET6, {0xfe, 0x80}, 10}, {AF_INET6, {0xff}, 8}, {AF_INET6, {[15] = 1}, 128},
	};
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c->bits >= ranges[i].bits && cidr_overlaps(c, &ranges[i]))
			return true;
	return false;
}

static void add(struct reading *r, const struct found *f, bool own)
{
	struct cidr c = {.family = f->family, .bits = f->bits};
	size_t len = f->family == AF_INET ? 4 : 16;
	if ((f->family != AF_INET && f->family != AF_INET6) || !f->bits || !f->ip ||
	    mnl_attr_get_payload_len(f->ip) != len)
		return;
	memcpy(c.ip, mnl_attr_get_payload(f->ip), len);
	overlap_clear_host_bits(&c);
	if (is_local_only(&c))
		return;
	struct overlap_range *range = VEC_PUSH(r->out);
	if (!range) {
		r->failed = true;
		return;
	}
	range->prefix = c;
	range->own = own;
	if (!if_indextoname(f->ifindex, range->device))
		snprintf(range->device, sizeof(range->device), "%u", f->ifindex);
}

static int address_attribute(const struct nlattr *a, void *ctx)
{
	struct found *f = ctx;
	if (mnl_attr_get_type(a) == IFA_ADDRESS)
		f->ip = a;
	return MNL_CB_OK;
}

static int address_message(const struct nlmsghdr *h, void *ctx)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
	struct found f = {m->ifa_family, m->ifa_prefixlen, m->ifa_index, NULL};
	if (mnl_attr_parse(h, sizeof(*m), address_attribute, &f) >= 0)
		add(ctx, &f, true);
	return MNL_CB_OK;
}

static int route_attribute(const struct nlattr *a, void *ctx)
{
	struct found *f = ctx;
	if (mnl_attr_get_type(a) == RTA_DST)
		f->ip = a;
	if (mnl_attr_get_type(a) == RTA_OIF && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
		f->ifindex = mnl_attr_get_u32(a);
	return MNL_CB_OK;
}

static int route_message(const struct nlmsghdr *h, void *ctx)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(h);
	struct found f = {m->rtm_family, m->rtm_dst_len, 0, NULL};
	if (mnl_attr_parse(h, sizeof(*m), route_attribute, &f) >= 0 && f.ifindex &&
	    m->rtm_table == RT_TABLE_MAIN && m->rtm_type == RTN_UNICAST)
		add(ctx, &f, false);
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *sock, uint16_t type, size_t head, mnl_cb_t fn, struct reading *r,
		struct rn_error *err)
{
	char bytes[16384];
	struct nlmsghdr *h = mnl_nlmsg_put_header(bytes);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = type;
	memset(mnl_nlmsg_put_extra_header(h, head), 0, head); /* family: AF_UNSPEC, all */
	if (mnl_socket_sendto(sock, h, h->nlmsg_len) < 0)
		return rn_fail_errno(err, RN_EOS, "reading the machine's routes");
	for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
		ssize_t n = mnl_socket_recvfrom(sock, bytes, sizeof(bytes));
		more = n < 0 ? MNL_CB_ERROR
			     : mnl_cb_run(bytes, (size_t)n, type, mnl_socket_get_portid(sock), fn,
					  r);
		if (more == MNL_CB_ERROR)
			return rn_fail_errno(err, RN_EOS, "reading the machine's routes");
	}
	return r->failed ? rn_fail(err, RN_EOS, "out of memory") : 0;
}

int overlap_read(overlap_ranges *out, struct rn_error *err)
{
	struct reading r = {.out = out};
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		rn_fail_errno(err, RN_EOS, "netlink socket");
		if (sock)
			mnl_socket_close(sock);
		return err->code;
	}
	int code = dump(sock, RTM_GETADDR, sizeof(struct ifaddrmsg), address_message, &r, err);
	if (!code)
		code = dump(sock, RTM_GETROUTE, sizeof(struct rtmsg), route_message, &r, err);
	mnl_socket_close(sock);
	return code;
}
