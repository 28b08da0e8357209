/* SPDX-License-Identifier: MIT
 *
 * What flows: connections and datagrams that the gateway brings through the tunnel go to the local
 * service. Nobody but the gateway may come in, although the tunnel should not let anybody else.
 */
#include "rn-expose.h"

#include <unistd.h>

#define CONNS_MAX 4096
#define FLOWS_MAX 4096
#define HOLD_MS 10 /* the gateway's probes come and go without troubling the service */
#define FLOW_IDLE_MS 60000

static bool may_enter(const struct service *s, const struct addr *from)
{
	if (!s->gateway.sa.sa_family || addr_eq_ip(&s->gateway, from))
		return true;
	log_write(LOG_WARN, "%s: a visitor that is not the gateway was refused", s->asked.name);
	return false;
}

static int open_local(void *ctx, const struct addr *from)
{
	struct service *s = ctx;
	struct rn_error err;
	int fd;

	if (!may_enter(s, from))
		return RN_EPERM;
	fd = target_connect(&s->asked.target, &err);
	/* Told when it changes, not with every visitor. */
	if (fd < 0 && !s->local_away)
		print_note(s, "%s: visitors get an error until it answers", err.text);
	else if (fd >= 0 && s->local_away)
		print_note(s, "%s answers again", s->asked.target.text);
	s->local_away = fd < 0;
	return fd;
}

static int open_local_udp(void *ctx, const struct addr *from, void **flow_ctx)
{
	struct service *s = ctx;
	struct rn_error err;

	*flow_ctx = NULL;
	return may_enter(s, from) ? target_udp(&s->asked.target, &err) : RN_EPERM;
}

/* The gateway's probe of a udp service is a TCP connection to the same port: that it gets here is
 * all that it wants to know. */
static int open_nothing(void *ctx, const struct addr *from)
{
	(void)ctx;
	(void)from;
	return RN_ENO;
}

static void open_probe_door(struct service *s)
{
	struct conns_conf door = {.max = 16, .open = open_nothing, .ctx = s};
	struct rn_error err;
	struct addr own;

	if (!tunnel_address(s->app->tunnel, AF_INET, &own) &&
	    !tunnel_address(s->app->tunnel, AF_INET6, &own))
		return;
	addr_set_port(&own, s->port);
	door.listener = tunnel_listen(s->app->tunnel, &own, &err);
	if (door.listener >= 0)
		s->conns = conns_start(s->app->loop, &door, &err);
	if (!s->conns)
		log_write(LOG_WARN, "%s: %s", s->asked.name, err.text);
}

/* A socket at the service's port inside the tunnel, or at another if that one is taken. */
static int listen_at(struct service *s, uint16_t port, struct rn_error *err)
{
	struct addr own;

	if (!tunnel_address(s->app->tunnel, AF_INET, &own) &&
	    !tunnel_address(s->app->tunnel, AF_INET6, &own))
		return rn_fail(err, RN_ECONFIG, "the tunnel %s has no address", s->app->net.name);
	addr_set_port(&own, port);
	if (strcmp(s->asked.protocol, "udp") == 0)
		return tunnel_udp(s->app->tunnel, &own, NULL, err);
	return tunnel_listen(s->app->tunnel, &own, err);
}

static int serve(struct service *s, int fd, struct rn_error *err)
{
	const struct flows_conf flows = {.listener = fd,
					 .max = FLOWS_MAX,
					 .idle_ms = FLOW_IDLE_MS,
					 .open = open_local_udp,
					 .ctx = s};
	const struct conns_conf conns = {
		.listener = fd, .max = CONNS_MAX, .hold_ms = HOLD_MS, .open = open_local, .ctx = s};

	if (strcmp(s->asked.protocol, "udp") == 0) {
		s->flows = flows_start(s->app->loop, &flows, err);
		open_probe_door(s);
	} else {
		s->conns = conns_start(s->app->loop, &conns, err);
	}
	if (s->flows || s->conns)
		return 0;
	close(fd);
	return err->code;
}

int carry_open(struct service *s, struct rn_error *err)
{
	struct addr at;
	int fd = listen_at(s, s->port, err);

	if (fd < 0 && s->port)
		fd = listen_at(s, 0, err);
	if (fd < 0)
		return fd;
	if (!sock_local(fd, &at)) {
		close(fd);
		return rn_fail(err, RN_EPROTO, "the tunnel gave a socket without an address");
	}
	if (addr_port(&at) != s->port)
		s->registered = false; /* the gateway has to know */
	s->port = addr_port(&at);
	return serve(s, fd, err);
}

void carry_close(struct service *s)
{
	conns_stop(s->conns);
	flows_stop(s->flows);
	s->conns = NULL;
	s->flows = NULL;
}
