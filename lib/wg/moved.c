/* SPDX-License-Identifier: MIT */
#include "wg/moved.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <unistd.h>

#define SETTLE_MS 50 /* an address comes with its routes */
#define GAP_MS 1000  /* a machine whose routes never rest is not to flood its peers */

/* What it was does not matter: whoever counts on the old state is told, and an overrun (ENOBUFS) is news
 * as well. */
static void on_news(struct watch *w, uint32_t events)
{
	struct moved *m = container_of(w, struct moved, watch);
	char buffer[8192];
	ssize_t n;

	(void)events;
	do
		n = recv(w->fd, buffer, sizeof(buffer), 0);
	while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
	if (m->waiting)
		return;
	uint64_t now = loop_now_ms(m->loop), next = m->told_ms ? m->told_ms + GAP_MS : 0;

	m->waiting = true;
	timer_start(m->loop, &m->settle, MAX(next > now ? next - now : 0, (uint64_t)SETTLE_MS));
}

static void on_settled(struct timer *t)
{
	struct moved *m = container_of(t, struct moved, settle);

	m->waiting = false;
	m->told_ms = loop_now_ms(m->loop);
	m->fn(m->ctx);
}

void moved_start(struct moved *m, struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	const struct sockaddr_nl groups = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_ROUTE | RTMGRP_LINK,
	};
	struct rn_error err;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	*m = (struct moved){.watch = {.fd = fd, .events = EPOLLIN, .fn = on_news},
			    .settle.fn = on_settled,
			    .loop = l,
			    .fn = fn,
			    .ctx = ctx};
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) == 0 &&
	    watch_add(l, &m->watch, &err) == 0)
		return;
	log_write(LOG_DEBUG, "changes of address are not noticed: %s", strerror(errno));
	fd_close(&m->watch.fd);
	*m = (struct moved){.watch.fd = -1};
}

void moved_stop(struct moved *m)
{
	if (!m->loop)
		return;
	timer_stop(m->loop, &m->settle);
	watch_del(m->loop, &m->watch);
	fd_close(&m->watch.fd);
	m->loop = NULL;
}
