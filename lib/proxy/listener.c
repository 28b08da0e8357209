/* SPDX-License-Identifier: MIT
 *
 * The first stage: a worker's listening sockets.
 */
#include "proxy/run.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define ACCEPT_TURNS 32
#define REST_MS 100

struct listen_conf *listener_conf(const struct listener *l)
{
	return snapshot_listen(l->worker->view->snap, l->name);
}

static void hand_over(struct listener *l, int fd, const struct addr *peer)
{
	const struct listen_conf *conf = listener_conf(l);

	if (!conf || !conns_room(l->worker)) {
		close(fd);
		return;
	}
	atomic_fetch_add_explicit(&l->count->accepted, 1, memory_order_relaxed);
	if (conf->proto == LISTEN_TCP)
		sock_accept(l, fd, peer);
	else
		conn_accept(l, fd, peer);
}

/* Out of descriptors or memory: look away for a moment instead of spinning. */
static void listener_rest(struct listener *l)
{
	watch_set(l->worker->loop, &l->watch, 0);
	timer_start(l->worker->loop, &l->rest, REST_MS);
}

static void listener_rested(struct timer *timer)
{
	struct listener *l = container_of(timer, struct listener, rest);
	watch_set(l->worker->loop, &l->watch, EPOLLIN);
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	struct listener *l = container_of(watch, struct listener, watch);
	(void)events;
	for (int i = 0; i < ACCEPT_TURNS; i++) {
		struct addr peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(watch->fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0 && errno != EAGAIN) {
			conns_evict(l->worker);
			listener_rest(l);
		}
		if (fd < 0)
			return;
		if (peer.sa.sa_family == AF_UNIX)
			(void)sock_peer(fd, &peer); /* inside a tunnel; all zeros when it has none */
		hand_over(l, fd, &peer);
	}
}

struct listener *listener_open(struct worker *w, struct str name, int fd, bool udp,
			       struct listen_count *count)
{
	struct listener *l = calloc(1, sizeof(*l) + name.len);
	const int one = 1;
	struct rn_error err;

	if (!l) {
		close(fd);
		return NULL;
	}
	memcpy(l + 1, name.ptr, name.len);
	l->worker = w;
	l->rest.fn = listener_rested;
	l->udp = udp;
	l->count = count;
	l->name = str_make(l + 1, name.len);
	l->watch = (struct watch){.fd = fd, .events = EPOLLIN, .fn = listener_ready};
	if (!udp) /* what it accepts inherits that */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (udp ? !(l->flows = udp_start(l, fd, &err)) : watch_add(w->loop, &l->watch, &err) != 0) {
		if (!udp)
			close(fd);
		free(l);
		return NULL;
	}
	link_add(&w->listeners, &l->link);
	return l;
}

void listener_close(struct listener *l)
{
	link_remove(&l->link);
	if (l->udp) {
		flows_stop(l->flows);
	} else {
		timer_stop(l->worker->loop, &l->rest);
		watch_del(l->worker->loop, &l->watch);
		fd_close(&l->watch.fd);
	}
	free(l);
}

void listeners_close_named(struct worker *w, struct str name)
{
	for (struct link *i = w->listeners.next, *next; i != &w->listeners; i = next) {
		struct listener *l = container_of(i, struct listener, link);
		next = i->next;
		if (str_eq(l->name, name))
			listener_close(l);
	}
}

void listeners_close(struct worker *w)
{
	while (w->listeners.next != &w->listeners)
		listener_close(container_of(w->listeners.next, struct listener, link));
}
