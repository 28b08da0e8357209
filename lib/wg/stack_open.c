/* SPDX-License-Identifier: MIT
 *
 * The sockets that programs ask for.
 */
#include "wg/stack_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 255

/* ---- listeners ----------------------------------------------------------------------------------- */

/* Frees what door_dead took out of the list. */
void door_free(struct door *d)
{
	if (d->pcb) {
		tcp_arg(d->pcb, NULL);
		(void)tcp_close(d->pcb);
	}
	unlink(d->path.sun_path);
	free(d);
}

/* A socket that is called after FROM and connected to D's program; or an error. */
static int knock(struct door *d, const struct addr *from, struct rn_error *err)
{
	struct sockaddr_un own = {.sun_family = AF_UNIX};
	char text[ADDR_TEXT_MAX];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return rn_fail_errno(err, RN_EOS, "socket");
	addr_format(from, text);
	/* An abstract name, which leaves no file behind; the number makes it the only one. */
	int n = snprintf(own.sun_path + 1, sizeof(own.sun_path) - 1, "%d.%llu." SOCK_INSIDE_MARK "%s",
			 getpid(), (unsigned long long)d->stack->serial++, text);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	if (bind(fd, (const struct sockaddr *)&own, len) == 0 &&
	    connect(fd, (const struct sockaddr *)&d->path, sizeof(d->path)) == 0)
		return fd;
	int code = rn_fail_errno(err, RN_EAWAY, "the listener of %s", text);
	close(fd);
	return code;
}

static bool is_gone(void)
{
	return errno == ECONNREFUSED || errno == ENOENT;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t got)
{
	struct door *d = arg;
	struct addr from;
	struct rn_error err;
	if (!d || got != ERR_OK || !pcb)
		return ERR_VAL;
	stack_from_ip(&pcb->remote_ip, pcb->remote_port, &from);
	int fd = knock(d, &from, &err);
	if (fd < 0) {
		d->dead = is_gone();
		d->stack->any_over |= d->dead;
		return ERR_MEM; /* lwIP resets it */
	}
	struct flow *f = flow_new(d->stack, fd, &err);
	if (!f)
		return ERR_MEM;
	flow_tcp(f, pcb, true);
	return ERR_OK;
}

/* The one at A, unless its program has closed it. */
static struct door *door_at(struct stack *s, const struct addr *a)
{
	for (struct door *d = s->doors; d; d = d->next)
		if (!d->dead && addr_eq(&d->at, a))
			return d;
	return NULL;
}

/* A program's end is not told; so who wants the same address has the old listener looked after. */
static bool is_taken(struct stack *s, const struct addr *a)
{
	struct rn_error ignored;
	struct door *d = door_at(s, a);
	if (!d)
		return false;
	int fd = knock(d, a, &ignored);
	if (fd < 0 && is_gone()) {
		d->dead = s->any_over = true;
		stack_turn(s);
		return false;
	}
	fd_close(&fd);
	return true;
}

static int door_socket(struct door *d, struct rn_error *err)
{
	char text[ADDR_TEXT_MAX];
	addr_format(&d->at, text);
	d->path.sun_family = AF_UNIX;
	int n = snprintf(d->path.sun_path, sizeof(d->path.sun_path), "%s" SOCK_INSIDE_MARK "%s",
			 d->stack->prefix, text);
	if (n < 0 || (size_t)n >= sizeof(d->path.sun_path))
		return rn_fail(err, RN_ECONFIG, "%s: too long for a socket", d->stack->prefix);
	unlink(d->path.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&d->path, sizeof(d->path)) == 0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	int code = rn_fail_errno(err, RN_EOS, "%s", d->path.sun_path);
	fd_close(&fd);
	return code;
}

static int door_open(struct door *d, const struct addr *a, struct rn_error *err)
{
	ip_addr_t ip;
	err_t got;
	stack_to_ip(a, &ip);
	struct tcp_pcb *pcb = tcp_new_ip_type(ip.type);
	if (!pcb)
		return rn_fail(err, RN_EOS, "out of memory");
	if (tcp_bind(pcb, &ip, addr_port(a)) != ERR_OK) {
		tcp_abort(pcb);
		return rn_fail(err, RN_EAWAY, "port %u is in use inside the tunnel", addr_port(a));
	}
	d->pcb = tcp_listen_with_backlog_and_err(pcb, BACKLOG, &got);
	if (!d->pcb) {
		tcp_abort(pcb);
		return rn_fail(err, RN_EAWAY, "port %u is in use inside the tunnel", addr_port(a));
	}
	d->at = *a;
	addr_set_port(&d->at, d->pcb->local_port);
	tcp_arg(d->pcb, d);
	tcp_accept(d->pcb, on_accept);
	return door_socket(d, err);
}

static bool is_own(const struct stack *s, const ip_addr_t *ip)
{
	if (ip->type == IPADDR_TYPE_V4)
		return ip->u_addr.ip4.addr && ip->u_addr.ip4.addr == s->netif.ip_addr.u_addr.ip4.addr;
	return netif_get_ip6_addr_match((struct netif *)(uintptr_t)&s->netif, &ip->u_addr.ip6) >= 0;
}

static int not_own(const struct addr *a, struct rn_error *err)
{
	char text[ADDR_TEXT_MAX];
	addr_format(a, text);
	return rn_fail(err, RN_EAWAY, "%s: not an address of the tunnel", text);
}

int stack_listen(struct stack *s, const struct addr *a, struct rn_error *err)
{
	ip_addr_t ip;
	stack_to_ip(a, &ip);
	if (!is_own(s, &ip))
		return not_own(a, err);
	if (is_taken(s, a))
		return rn_fail(err, RN_EAWAY, "port %u is in use inside the tunnel", addr_port(a));
	struct door *d = calloc(1, sizeof(*d));
	if (!d)
		return rn_fail(err, RN_EOS, "out of memory");
	d->stack = s;
	int fd = door_open(d, a, err);
	if (fd < 0) {
		door_free(d);
		return fd;
	}
	d->next = s->doors;
	s->doors = d;
	return fd;
}

/* ---- connections --------------------------------------------------------------------------------- */

/* *IP becomes the own address of A's family. */
static bool own_for(const struct stack *s, const struct addr *a, ip_addr_t *ip)
{
	static const uint8_t none[16];
	memset(ip, 0, sizeof(*ip));
	if (a->sa.sa_family == AF_INET) {
		*ip = s->netif.ip_addr;
		ip->type = IPADDR_TYPE_V4;
		return ip->u_addr.ip4.addr != 0;
	}
	for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		if (memcmp(s->netif.ip6_addr[i].u_addr.ip6.addr, none, 16) == 0)
			continue;
		*ip = s->netif.ip6_addr[i];
		ip->type = IPADDR_TYPE_V6;
		return true;
	}
	return false;
}

static int check_reach(struct stack *s, const struct addr *a, ip_addr_t *own, struct rn_error *err)
{
	char text[ADDR_TEXT_MAX];
	addr_format(a, text);
	if (!own_for(s, a, own))
		return rn_fail(err, RN_EAWAY, "%s: the tunnel has no address of that family", text);
	if (!s->ops->reaches(s->ctx, a))
		return rn_fail(err, RN_EAWAY, "%s: no peer has that address", text);
	return 0;
}

/* A pair of TYPE: the flow's end is in *F, the other one is what is given. */
static int make_pair(struct stack *s, int type, struct flow **f, struct rn_error *err)
{
	int pair[2];
	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return rn_fail_errno(err, RN_EOS, "socketpair");
	*f = flow_new(s, pair[0], err);
	if (*f)
		return pair[1];
	close(pair[1]);
	return err->code;
}

/* To ourselves: lwIP has no part in it. */
static int connect_own(struct stack *s, const struct addr *a, struct rn_error *err)
{
	struct door *d = door_at(s, a);
	return d ? knock(d, a, err) : rn_fail(err, RN_EAWAY, "nothing listens there inside the tunnel");
}

int stack_connect(struct stack *s, const struct addr *a, struct rn_error *err)
{
	ip_addr_t to, own;
	struct flow *f;
	stack_to_ip(a, &to);
	if (is_own(s, &to))
		return connect_own(s, a, err);
	int code = check_reach(s, a, &own, err);
	int fd = code ? code : make_pair(s, SOCK_STREAM, &f, err);
	if (fd < 0)
		return fd;
	struct tcp_pcb *pcb = tcp_new_ip_type(own.type);
	if (pcb)
		flow_tcp(f, pcb, false);
	if (pcb && tcp_bind(pcb, &own, 0) == ERR_OK &&
	    tcp_connect(pcb, &to, addr_port(a), flow_connected) == ERR_OK)
		return fd;
	close(fd);
	flow_free(f);
	return rn_fail(err, RN_EOS, "lwIP has no room for a connection");
}

int stack_udp(struct stack *s, const struct addr *local, const struct addr *peer, struct rn_error *err)
{
	ip_addr_t to, own;
	struct flow *f;
	if (!peer)
		return rn_fail(err, RN_ENO, "engine netstack cannot receive UDP from anybody");
	stack_to_ip(peer, &to);
	int code = check_reach(s, peer, &own, err);
	int fd = code ? code : make_pair(s, SOCK_SEQPACKET, &f, err);
	if (fd < 0)
		return fd;
	struct udp_pcb *udp = udp_new_ip_type(own.type);
	if (udp)
		flow_udp(f, udp);
	if (udp && udp_bind(udp, &own, addr_port(local)) == ERR_OK &&
	    udp_connect(udp, &to, addr_port(peer)) == ERR_OK)
		return fd;
	close(fd);
	flow_free(f);
	return rn_fail(err, RN_EAWAY, "port %u is in use inside the tunnel", addr_port(local));
}
