/* SPDX-License-Identifier: MIT */
#include "wg/attr.h"
#include "wg/kernel_impl.h"
#include "wg/namespace.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#define DUMP_TRIES 10
#define SESSION_NS (180ULL * 1000000000)
#define ALIAS "rn-wg "

/* ---- looking ------------------------------------------------------------------------------------- */

static int see_message(void *ctx, const struct nlmsghdr *h, struct rn_error *err)
{
	return kernel_state_add(ctx, h, err);
}

void kernel_unsee(struct kernel *k)
{
	if (k->seen)
		kernel_state_free(&k->state);
	k->seen = false;
}

static int dump(struct kernel *k, struct rn_error *err)
{
	struct nlmsghdr *h = genl_message(k->genl, WG_CMD_GET_DEVICE, WG_GENL_VERSION, NLM_F_DUMP);
	if (k->ifindex)
		mnl_attr_put_u32(h, WGDEVICE_A_IFINDEX, k->ifindex);
	else
		mnl_attr_put_strz(h, WGDEVICE_A_IFNAME, k->base.name);
	return genl_talk(k->genl, h, see_message, &k->state, err);
}

int kernel_look(struct kernel *k, struct rn_error *err)
{
	int code = 0;
	if (k->seen)
		return 0;
	for (int i = 0; i < DUMP_TRIES; i++) {
		kernel_state_init(&k->state);
		code = dump(k, err);
		if (!code)
			code = kernel_state_index(&k->state, err);
		if (!code)
			break;
		kernel_state_free(&k->state);
		if (err->sys != EINTR)
			return rn_fail_in(err, "%s", k->base.name);
	}
	k->seen = !code;
	if (k->seen)
		timer_start(k->base.loop, &k->forget, 0);
	return code;
}

static void forget_event(struct timer *t)
{
	kernel_unsee(container_of(t, struct kernel, forget));
}

/* ---- state for records --------------------------------------------------------------------------- */

static int live(struct engine *e, struct engine_live *out, struct rn_error *err)
{
	struct kernel *k = kernel_of(e);
	int code = kernel_look(k, err);
	if (code)
		return code;
	out->has_key = k->state.has_key;
	memcpy(out->public_key, k->state.public_key, WG_KEY_LEN);
	out->listen_port = k->state.listen_port;
	out->fwmark = k->state.fwmark;
	return 0;
}

static int show_peers(struct engine *e, struct buf *out, struct rn_error *err)
{
	struct kernel *k = kernel_of(e);
	int code = kernel_look(k, err);
	for (size_t i = 0; !code && i < k->state.peers.len; i++) {
		const struct kernel_peer *p = &k->state.peers.ptr[i];
		const struct cidr *allowed = p->allowed_n ? &k->state.allowed.ptr[p->allowed_at] : NULL;
		engine_show_peer(e, &p->info, allowed, p->allowed_n, out);
	}
	return code;
}

static bool peer_info(struct engine *e, const uint8_t key[static WG_KEY_LEN], struct wg_peer_info *info)
{
	struct kernel *k = kernel_of(e);
	struct rn_error err;
	if (kernel_look(k, &err)) {
		log_write(LOG_WARN, "%s", err.text);
		return false;
	}
	const struct kernel_peer *p = kernel_state_find(&k->state, key);
	if (!p)
		return false;
	*info = p->info;
	uint64_t now = (uint64_t)clock_wall_ms() * 1000000;
	info->session = info->last_handshake_ns && info->last_handshake_ns + SESSION_NS > now;
	return true;
}

static void say(struct kernel *k, const struct wg_config *delta)
{
	struct rn_error err;
	if (kernel_say(k, delta, &err))
		log_write(LOG_WARN, "%s: %s", k->base.name, err.text);
}

/* Packets that wait make the kernel begin a handshake. */
static void peer_endpoint(struct engine *e, const uint8_t key[static WG_KEY_LEN], const struct addr *a)
{
	struct kernel *k = kernel_of(e);
	struct wg_config delta;
	char text[ADDR_TEXT_MAX];
	wg_config_init(&delta);
	addr_format(a, text);
	struct wg_peer_config *p = wg_config_peer(&delta, key);
	if (p) {
		p->update_only = true;
		p->endpoint = text;
		say(k, &delta);
	}
	wg_config_free(&delta);
	/* Of many peers one after the other: the state is not asked for anew each time. */
	struct kernel_peer *seen = k->seen ? kernel_state_find(&k->state, key) : NULL;
	if (seen)
		seen->info.endpoint.to = *a;
}

static bool add_keepalive(struct wg_config *delta, const uint8_t *key, uint16_t seconds)
{
	struct wg_peer_config *p = wg_config_peer(delta, key);
	if (!p)
		return false;
	p->update_only = p->has_keepalive = true;
	p->keepalive_s = seconds;
	return true;
}

/* The kernel sends a keepalive, for which it needs a session, when keepalives are switched on. */
static void peer_connect(struct engine *e, const uint8_t key[static WG_KEY_LEN])
{
	struct wg_config delta;
	struct wg_peer_info info;
	if (!peer_info(e, key, &info))
		return;
	wg_config_init(&delta);
	uint16_t now = info.keepalive_s;
	if (add_keepalive(&delta, key, now ? 0 : 1) && add_keepalive(&delta, key, now))
		say(kernel_of(e), &delta);
	wg_config_free(&delta);
}

/* ---- the device's end ---------------------------------------------------------------------------- */

static bool tells_our_end(const struct kernel *k, const struct nlmsghdr *h)
{
	struct ifinfomsg link;
	if (h->nlmsg_type != RTM_DELLINK || mnl_nlmsg_get_payload_len(h) < sizeof(link))
		return false;
	memcpy(&link, mnl_nlmsg_get_payload(h), sizeof(link));
	return link.ifi_index == (int)k->ifindex;
}

/* Messages may get lost when too many come: then a look shows it. */
static bool is_gone(struct kernel *k)
{
	union {
		char bytes[16384];
		struct nlmsghdr align;
	} msg;
	struct rn_error err;
	ssize_t n = recv(k->links.fd, &msg, sizeof(msg), MSG_DONTWAIT);
	if (n < 0 && errno == ENOBUFS) {
		kernel_unsee(k);
		return kernel_look(k, &err) && err.sys == ENODEV;
	}
	struct attr_walk w = {.at = msg.bytes, .left = n > 0 ? (size_t)n : 0};
	const struct nlmsghdr *h;
	while ((h = attr_next_message(&w)))
		if (tells_our_end(k, h))
			return true;
	return false;
}

static void links_event(struct watch *w, uint32_t events)
{
	struct kernel *k = container_of(w, struct kernel, links);
	(void)events;
	if (!is_gone(k))
		return;
	rn_fail(&k->base.failure, RN_EOS, "%s: the device was removed", k->base.name);
	engine_fail(&k->base);
}

/* ---- beginning and end --------------------------------------------------------------------------- */

static void kernel_free(struct engine *e)
{
	struct kernel *k = kernel_of(e);
	timer_stop(e->loop, &k->forget);
	kernel_unsee(k);
	if (k->links_watched)
		watch_del(e->loop, &k->links);
	fd_close(&k->links.fd);
	genl_close(k->genl);
	netlink_close(k->route);
	vec_free(&k->passes.base);
	engine_done(e);
	free(k);
}

static const struct engine_ops ops = {
	.name = "kernel",
	.apply = kernel_apply,
	.live = live,
	.show_peers = show_peers,
	.peer_info = peer_info,
	.peer_endpoint = peer_endpoint,
	.peer_connect = peer_connect,
	.free = kernel_free,
};

/* Nothing is to be made before it is known that it can be. */
static int check_possible(struct rn_error *err)
{
	if (!privilege_over_network())
		return rn_fail(err, RN_EPERM, "only root can make devices of the kernel's WireGuard");
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return rn_fail_errno(err, RN_EOS, "netlink socket");
	struct genl *g = genl_open(fd, WG_GENL_NAME, err);
	if (!g)
		return err->code;
	genl_close(g);
	return 0;
}

/* A host's device that an rn-wg left which was killed: it bears our mark, and nobody runs it. */
static void remove_orphan(struct netlink *nl, const char *name)
{
	char alias[NETLINK_ALIAS_MAX];
	struct rn_error err;
	unsigned ifindex = if_nametoindex(name);
	uint64_t pid;
	if (!ifindex || !netlink_link_alias(nl, ifindex, alias) || !str_starts(str_from(alias), STR(ALIAS)) ||
	    !str_to_u64(str_from(alias + strlen(ALIAS)), INT32_MAX, &pid) ||
	    kill((pid_t)pid, 0) == 0 || errno != ESRCH)
		return;
	if (netlink_link_del(nl, ifindex, &err))
		log_write(LOG_WARN, "%s", err.text);
	else
		log_write(LOG_WARN, "%s: removed the device that process %u left", name, (unsigned)pid);
}

static int make_device(struct kernel *k, struct rn_error *err)
{
	struct netlink *nl = netlink_open(err);
	if (!nl)
		return err->code;
	if (k->base.mode == INSIDE_HOST)
		remove_orphan(nl, k->base.name);
	int code = netlink_link_add(nl, k->base.name, "wireguard", inside_pid(k->base.inside), err);
	netlink_close(nl);
	return code ? code : inside_adopt(k->base.inside, k->base.name, err);
}

static int open_sockets(struct kernel *k, struct rn_error *err)
{
	int fd = inside_netlink(k->base.inside, NETLINK_GENERIC, 0, err);
	if (fd < 0 || !(k->genl = genl_open(fd, WG_GENL_NAME, err)))
		return err->code;
	fd = inside_netlink(k->base.inside, NETLINK_ROUTE, 0, err);
	if (fd < 0 || !(k->route = netlink_open_fd(fd, err)))
		return err->code;
	fd = inside_netlink(k->base.inside, NETLINK_ROUTE, RTMGRP_LINK, err);
	if (fd < 0)
		return fd;
	k->links = (struct watch){.fd = fd, .events = EPOLLIN, .fn = links_event};
	int code = watch_add(k->base.loop, &k->links, err);
	k->links_watched = !code;
	return code;
}

static int start(struct kernel *k, struct rn_error *err)
{
	char alias[64];
	int code = check_possible(err);
	if (code)
		return code;
	k->base.inside = inside_start(k->base.mode, k->base.name, NULL, err);
	if (!k->base.inside)
		return err->code;
	if ((code = make_device(k, err)) || (code = open_sockets(k, err)) || (code = kernel_look(k, err)))
		return code;
	k->ifindex = k->state.ifindex;
	/* Now, to learn whether it can be kept out; nothing comes in before an address is set anyway. */
	if ((code = netlink_guard_start(k->route, k->ifindex, err)))
		return code;
	k->guarded = true;
	snprintf(alias, sizeof(alias), ALIAS "%d", (int)getpid());
	if ((code = netlink_link_set_alias(k->route, k->ifindex, alias, err)))
		return code;
	return engine_watch_inside(&k->base, err);
}

struct engine *kernel_new(struct loop *l, enum inside_mode mode, const char *name, struct rn_error *err)
{
	struct kernel *k = calloc(1, sizeof(*k));
	if (!k) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	engine_init(&k->base, &ops, l, mode, name);
	k->links.fd = -1;
	k->forget.fn = forget_event;
	if (!start(k, err))
		return &k->base;
	engine_free(&k->base);
	return NULL;
}
