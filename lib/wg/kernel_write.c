/* SPDX-License-Identifier: MIT
 *
 * A change as messages. There is always room for one peer's fixed part or one allowed IP before it is
 * begun, else the message goes and the next one takes over; a peer goes on in it by its key.
 */
#include "wg/attr.h"
#include "wg/kernel_msg.h"

#include <linux/genetlink.h>
#include <linux/wireguard.h>

#define PEER_ROOM 256   /* a peer but for its allowed IPs: three keys' worth and small numbers */
#define ALLOWED_ROOM 48 /* one allowed IP, nested */

struct writing {
	const struct kernel_writer *w;
	union {
		char bytes[KERNEL_MESSAGE_MAX];
		struct nlmsghdr h;
	} msg;
	struct nlmsghdr *h;
	struct nlattr *peers;          /* open, or NULL */
	struct nlattr *peer, *allowed; /* open, or NULL */
	bool says;                     /* something beyond which device */
};

static bool has_room(const struct writing *m, size_t n)
{
	return m->h->nlmsg_len + n <= m->w->cap;
}

static void begin(struct writing *m)
{
	m->h = mnl_nlmsg_put_header(&m->msg);
	m->h->nlmsg_type = m->w->family;
	m->h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	struct genlmsghdr *g = mnl_nlmsg_put_extra_header(m->h, sizeof(*g));
	g->cmd = WG_CMD_SET_DEVICE;
	g->version = WG_GENL_VERSION;
	mnl_attr_put_u32(m->h, WGDEVICE_A_IFINDEX, m->w->ifindex);
	m->peers = m->peer = m->allowed = NULL;
	m->says = false;
}

static void end_nest(struct writing *m, struct nlattr **nest)
{
	if (*nest)
		mnl_attr_nest_end(m->h, *nest);
	*nest = NULL;
}

static void end_peer(struct writing *m)
{
	end_nest(m, &m->allowed);
	end_nest(m, &m->peer);
}

/* Sends what is there and begins the next message. */
static int flush(struct writing *m, struct rn_error *err)
{
	end_peer(m);
	end_nest(m, &m->peers);
	int code = m->says ? m->w->send(m->w->ctx, m->h, err) : 0;
	begin(m);
	return code;
}

static void begin_peer(struct writing *m, const struct wg_peer_config *p, uint32_t flags)
{
	if (!m->peers)
		m->peers = mnl_attr_nest_start(m->h, WGDEVICE_A_PEERS);
	m->peer = mnl_attr_nest_start(m->h, 0);
	m->says = true;
	mnl_attr_put(m->h, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, p->public_key);
	if (flags)
		mnl_attr_put_u32(m->h, WGPEER_A_FLAGS, flags);
}

static void put_allowed(struct writing *m, const struct cidr *c)
{
	struct nlattr *nest = mnl_attr_nest_start(m->h, 0);
	mnl_attr_put_u16(m->h, WGALLOWEDIP_A_FAMILY, (uint16_t)c->family);
	mnl_attr_put(m->h, WGALLOWEDIP_A_IPADDR, c->family == AF_INET ? 4 : 16, c->ip);
	mnl_attr_put_u8(m->h, WGALLOWEDIP_A_CIDR_MASK, c->bits);
	mnl_attr_nest_end(m->h, nest);
}

static int write_allowed(struct writing *m, const struct wg_peer_config *p, struct rn_error *err)
{
	for (size_t i = 0; i < p->allowed.len; i++) {
		if (!has_room(m, ALLOWED_ROOM)) {
			int code = flush(m, err);
			if (code)
				return code;
			/* The first message about it made it. */
			begin_peer(m, p, WGPEER_F_UPDATE_ONLY);
		}
		if (!m->allowed)
			m->allowed = mnl_attr_nest_start(m->h, WGPEER_A_ALLOWEDIPS);
		put_allowed(m, &p->allowed.ptr[i]);
	}
	return 0;
}

static void put_endpoint(struct writing *m, const char *text)
{
	struct addr a;
	if (addr_parse(&a, str_from(text), -1))
		mnl_attr_put(m->h, WGPEER_A_ENDPOINT, addr_len(&a), &a);
}

static int write_peer(struct writing *m, const struct wg_peer_config *p, struct rn_error *err)
{
	int code = has_room(m, PEER_ROOM) ? 0 : flush(m, err);
	if (code)
		return code;
	begin_peer(m, p, (p->remove ? WGPEER_F_REMOVE_ME : 0U) |
		   (p->update_only ? WGPEER_F_UPDATE_ONLY : 0U) |
		   (p->replace_allowed ? WGPEER_F_REPLACE_ALLOWEDIPS : 0U));
	if (p->psk)
		mnl_attr_put(m->h, WGPEER_A_PRESHARED_KEY, WG_KEY_LEN, p->psk);
	if (p->endpoint)
		put_endpoint(m, p->endpoint);
	if (p->has_keepalive)
		mnl_attr_put_u16(m->h, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, p->keepalive_s);
	code = write_allowed(m, p, err);
	end_peer(m);
	return code;
}

static void put_device(struct writing *m, const struct wg_config *c)
{
	if (c->replace_peers)
		mnl_attr_put_u32(m->h, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
	if (c->has_private_key)
		mnl_attr_put(m->h, WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, c->private_key);
	if (c->has_listen_port)
		mnl_attr_put_u16(m->h, WGDEVICE_A_LISTEN_PORT, c->listen_port);
	if (c->has_fwmark)
		mnl_attr_put_u32(m->h, WGDEVICE_A_FWMARK, c->fwmark);
	m->says = c->replace_peers || c->has_private_key || c->has_listen_port || c->has_fwmark;
}

int kernel_write(const struct kernel_writer *w, const struct wg_config *c, struct rn_error *err)
{
	struct writing *m = calloc(1, sizeof(*m));
	int code = 0;
	rn_assert(w->cap >= KERNEL_MESSAGE_MIN && w->cap <= KERNEL_MESSAGE_MAX);
	if (!m)
		return rn_fail(err, RN_EOS, "out of memory");
	m->w = w;
	begin(m);
	put_device(m, c);
	for (size_t i = 0; i < c->peers.len && !code; i++)
		code = write_peer(m, &c->peers.ptr[i], err);
	if (!code)
		code = flush(m, err);
	secret_wipe(m, sizeof(*m)); /* keys went through it */
	free(m);
	return code;
}
