/* SPDX-License-Identifier: MIT
 *
 * The gateway's side. Each connection gets a UDP socket of its own towards the one address that all
 * is for, so that WireGuard there sees a different endpoint for each peer. Who may talk is for
 * WireGuard to say; what comes here cannot go anywhere else.
 */
#include "link.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BURST 64

struct listener;

struct session {
	struct listener *all;
	struct session *prev, *next;
	struct link *link;
	struct watch udp;
};

struct listener {
	struct loop *loop;
	struct watch watch;
	struct tls_ctx *tls;
	struct addr to;
	struct session *sessions;
	size_t n, max;
};

static void session_free(struct session *s)
{
	struct listener *all = s->all;
	link_free(s->link);
	watch_del(all->loop, &s->udp);
	fd_close(&s->udp.fd);
	*(s->prev ? &s->prev->next : &all->sessions) = s->next;
	if (s->next)
		s->next->prev = s->prev;
	all->n--;
	free(s);
}

static void link_ended(void *ctx, const struct rn_error *err)
{
	if (err->code)
		log_write(LOG_DEBUG, "a connection ended: %s", err->text);
	session_free(ctx);
}

static void from_link(void *ctx, const uint8_t *data, size_t len)
{
	struct session *s = ctx;
	if (send(s->udp.fd, data, len, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		log_write(LOG_DEBUG, "UDP: %s", strerror(errno));
}

static void from_udp(struct watch *w, uint32_t events)
{
	struct session *s = container_of(w, struct session, udp);
	uint8_t data[LINK_DATAGRAM_MAX];
	(void)events;
	for (int i = 0; i < BURST; i++) {
		ssize_t n = recv(w->fd, data, sizeof(data), 0);
		if (n < 0)
			return; /* none now, or an ICMP error, which is gone by now */
		link_send(s->link, data, (size_t)n);
	}
}

static int session_start(struct listener *all, int fd, struct rn_error *err)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s) {
		close(fd);
		return rn_fail(err, RN_EOS, "out of memory");
	}
	s->all = all;
	s->next = all->sessions;
	if (s->next)
		s->next->prev = s;
	all->sessions = s;
	all->n++;
	s->udp =
		(struct watch){.fd = sock_udp_to(&all->to, err), .events = EPOLLIN, .fn = from_udp};
	struct link_conf conf = {from_link, link_ended, s};
	s->link = link_new(all->loop, fd, tls_accept_new(all->tls, fd), &conf, err);
	if (s->link && s->udp.fd >= 0 && !watch_add(all->loop, &s->udp, err))
		return 0;
	session_free(s);
	return err->code;
}

static void accept_event(struct watch *w, uint32_t events)
{
	struct listener *all = container_of(w, struct listener, watch);
	struct rn_error err;
	(void)events;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (all->n >= all->max) {
		log_write(LOG_WARN, "more than %zu connections: one is refused", all->max);
		close(fd);
	} else if (session_start(all, fd, &err)) {
		log_write(LOG_WARN, "%s", err.text);
	}
}

static int start(struct listener *all, const struct relay_options *o, const char *address,
		 struct rn_error *err)
{
	struct tls_cert cert = {.cert_file = o->cert, .key_file = o->key};
	struct addr a;
	if (!o->cert || !o->key || !o->to)
		return rn_fail(err, RN_EUSAGE, "--cert, --key and --to are needed");
	if (!addr_parse(&a, str_from(address), -1))
		return rn_fail(err, RN_EUSAGE, "%s: not ADDRESS:PORT", address);
	if (!addr_parse(&all->to, str_from(o->to), -1) || !addr_port(&all->to))
		return rn_fail(err, RN_EUSAGE, "--to %s: not ADDRESS:PORT", o->to);
	all->max = o->max ? (size_t)o->max : 1024;
	all->tls = tls_server_new(&cert, 1, NULL, err);
	if (!all->tls)
		return err->code;
	all->watch = (struct watch){
		.fd = sock_listen(&a, false, err), .events = EPOLLIN, .fn = accept_event};
	return all->watch.fd < 0 ? all->watch.fd : watch_add(all->loop, &all->watch, err);
}

/* Where it listens, for who asked for port 0. */
static int tell(struct cli *c, const struct listener *all)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;
	struct buf b;
	if (!sock_local(all->watch.fd, &a))
		return 0;
	addr_format(&a, text);
	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "socket", STR("tls"));
	rec_add_cstr(&b, "address", text);
	rec_end(&b);
	int code = rec_out_put(&c->out, buf_str(&b), &c->err);
	buf_free(&b);
	return code ? code : cli_flush(c);
}

int run_listen(struct cli *c, int argc, char **argv)
{
	const struct relay_options *o = c->opts;
	struct listener all = {.watch = {.fd = -1}};
	(void)argc;
	all.loop = loop_new(&c->err);
	int code = all.loop ? start(&all, o, argv[0], &c->err) : c->err.code;
	if (!code)
		code = tell(c, &all);
	if (!code)
		code = serve(c, all.loop, o->ready_fd - 1);
	while (all.sessions)
		session_free(all.sessions);
	if (all.loop)
		watch_del(all.loop, &all.watch);
	fd_close(&all.watch.fd);
	tls_ctx_unref(all.tls);
	loop_free(all.loop);
	return code;
}
