/* SPDX-License-Identifier: MIT
 *
 * The UAPI socket. A connection may ask several times, one request after the other.
 */
#include "wg/carrier.h"
#include "wg/control.h"
#include "wg/uapi.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST_MAX (16U << 20)
#define ANSWER_MAX (64U << 20)
#define CLIENTS_MAX 16
#define READ_BYTES 16384

struct client {
	struct watch watch;
	struct uapi_server *server;
	struct client *prev, *next;
	struct buf in, out;
	bool eof;
};

struct uapi_server {
	struct watch watch;
	struct loop *loop;
	struct engine *engine;
	struct client *clients;
	size_t n;
	char path[108];
	dev_t dev; /* of the path as we made it */
	ino_t ino;
};

static void client_close(struct client *c)
{
	struct uapi_server *s = c->server;
	watch_del(s->loop, &c->watch);
	fd_close(&c->watch.fd);
	*(c->prev ? &c->prev->next : &s->clients) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->n--;
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

static void answer(struct client *c, struct str request)
{
	struct engine *d = c->server->engine;
	struct wg_config config;
	enum uapi_operation op;
	struct rn_error err = {0};
	wg_config_init(&config);
	int code = uapi_parse(request, &op, &config, &err);
	if (code)
		op = UAPI_SET;
	/* Room at once: it would be copied and wiped again and again. */
	if (!code && op == UAPI_GET && buf_reserve(&c->out, 1024 + 1024 * wg_peer_count(carrier_device(d))))
		uapi_write(&c->out, carrier_device(d), clock_now_ns());
	else if (!code)
		code = engine_apply(d, &config, &err);
	if (code)
		log_write(LOG_WARN, "UAPI: %s", err.text);
	uapi_write_end(&c->out, &err);
	wg_config_free(&config);
}

/* Sends what goes out now. False: the client is gone. */
static bool client_send(struct client *c)
{
	while (c->out.len) {
		ssize_t n = send(c->watch.fd, c->out.ptr, c->out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		buf_consume(&c->out, (size_t)n);
	}
	watch_set(c->server->loop, &c->watch, c->out.len ? EPOLLOUT : EPOLLIN);
	return c->out.len || !c->eof;
}

static bool client_read(struct client *c)
{
	char *room = buf_reserve(&c->in, READ_BYTES);
	ssize_t n = room ? recv(c->watch.fd, room, READ_BYTES, 0) : -1;
	if (n < 0)
		return room && (errno == EAGAIN || errno == EINTR);
	c->eof = n == 0;
	c->in.len += (size_t)n;
	size_t end;
	while (!c->out.len && (end = uapi_request_end(buf_str(&c->in)))) {
		answer(c, str_make(c->in.ptr, end));
		buf_consume(&c->in, end);
	}
	return !c->out.failed;
}

static void client_event(struct watch *w, uint32_t events)
{
	struct client *c = container_of(w, struct client, watch);
	bool alive = true;
	if (!c->out.len && (events & (EPOLLIN | EPOLLHUP)))
		alive = client_read(c);
	if (!alive || !client_send(c) || (events & EPOLLERR))
		client_close(c);
}

static bool allowed(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == 0 || cred.uid == geteuid());
}

static void accept_event(struct watch *w, uint32_t events)
{
	struct uapi_server *s = container_of(w, struct uapi_server, watch);
	struct rn_error err;
	(void)events;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	struct client *c = s->n < CLIENTS_MAX && allowed(fd) ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	c->server = s;
	c->watch = (struct watch){.fd = fd, .events = EPOLLIN, .fn = client_event};
	buf_init_secret(&c->in, REQUEST_MAX); /* both ways there are keys in it */
	buf_init_secret(&c->out, ANSWER_MAX);
	if (watch_add(s->loop, &c->watch, &err)) {
		close(fd);
		free(c);
		return;
	}
	c->next = s->clients;
	if (c->next)
		c->next->prev = c;
	s->clients = c;
	s->n++;
}

struct uapi_server *uapi_listen(struct loop *l, const char *path, struct engine *d, struct rn_error *err)
{
	struct uapi_server *s = calloc(1, sizeof(*s));
	struct stat st;
	if (!s) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	s->loop = l;
	s->engine = d;
	s->watch = (struct watch){.fd = unix_listen(path, 0600, err), .events = EPOLLIN, .fn = accept_event};
	if (s->watch.fd >= 0 && !watch_add(l, &s->watch, err)) {
		(void)str_copy(s->path, sizeof(s->path), str_from(path));
		if (lstat(path, &st) == 0) {
			s->dev = st.st_dev;
			s->ino = st.st_ino;
		}
		return s;
	}
	fd_close(&s->watch.fd);
	free(s);
	return NULL;
}

void uapi_close(struct uapi_server *s)
{
	struct stat st;
	if (!s)
		return;
	/* Not what another program put there since. */
	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	while (s->clients)
		client_close(s->clients);
	watch_del(s->loop, &s->watch);
	fd_close(&s->watch.fd);
	free(s);
}
