/* SPDX-License-Identifier: MIT
 *
 * The small server: one struct client a connection, which reads a head, then a body, then writes.
 */
#include "http/server.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define REQUEST_MS 10000
#define IDLE_MS 30000
#define READ_SIZE 16384
#define REPLY_MAX (4u << 20)
#define PAUSE_MS 100 /* out of descriptors: what waits is looked at again after this */

struct client {
	struct watch watch;
	struct timer timer;
	struct http_server *server;
	struct client *prev, *next;
	struct addr peer;
	struct http_head head;
	struct http_chunked chunked;
	struct buf in;	 /* head, then what follows it */
	struct buf body; /* of a chunked request, decoded */
	struct buf out;
	size_t sent;
	size_t head_len; /* 0: the head is not whole */
	size_t used;	 /* bytes of in that this request has taken */
	bool idle;	 /* between requests */
	bool closing;	 /* after this answer */
	bool continued;	 /* 100 was sent */
};

struct http_server {
	struct watch watch;
	struct timer pause;
	struct loop *loop;
	struct http_server_conf conf;
	struct client *clients;
	unsigned n;
};

/* ---- connections ---------------------------------------------------------------------------- */

static void client_free(struct client *c)
{
	struct http_server *s = c->server;

	watch_del(s->loop, &c->watch);
	timer_stop(s->loop, &c->timer);
	close(c->watch.fd);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->n--;
	buf_free(&c->in);
	buf_free(&c->body);
	buf_free(&c->out);
	free(c);
}

static void on_timer(struct timer *t)
{
	client_free(container_of(t, struct client, timer));
}

/* Ready for the next request on this connection. */
static void client_reset(struct client *c)
{
	http_head_init(&c->head, HTTP_REQUEST);
	c->chunked = (struct http_chunked){0};
	buf_clear(&c->body);
	c->head_len = 0;
	c->continued = false;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void add_page(struct client *c, unsigned status, struct str text)
{
	struct http_page page = {
		.status = status,
		.text = text,
		.who = str_from(c->server->conf.who),
		.accept = c->head_len ? http_value(&c->head, HTTP_ACCEPT) : (struct str){NULL, 0},
		.head_only = c->head_len && c->head.method == HTTP_HEAD,
		.keep_alive = !c->closing,
	};

	http_page_write(&c->out, &page);
}

/* An answer behind which nothing more is read. */
static void refuse(struct client *c, unsigned status, const char *why)
{
	c->closing = true;
	add_page(c, status, str_from(why));
}

static void add_reply(struct client *c, const struct http_reply *r)
{
	char date[HTTP_DATE_SIZE];

	http_date(date, clock_wall_s());
	http_add_status(&c->out, r->status);
	http_add_field(&c->out, "Date", str_from(date));
	http_add_field(&c->out, "Content-Type", str_from(r->content_type));
	buf_addf(&c->out,
		 "Content-Length: %zu\r\nCache-Control: no-store\r\n"
		 "X-Content-Type-Options: nosniff\r\n%s\r\n",
		 r->body.len, c->closing ? "Connection: close\r\n" : "");
	if (c->head.method != HTTP_HEAD)
		buf_add(&c->out, buf_str(&r->body));
}

static void answer(struct client *c, struct str body)
{
	struct http_reply reply = {.status = 200, .content_type = "text/plain; charset=utf-8"};
	struct http_request rq = {.head = &c->head, .body = body, .peer = c->peer};
	char path[HTTP_LINE_MAX + 1];

	c->closing = !c->head.keep_alive;
	if (!http_path_normalise(path, &rq.path.len, c->head.path)) {
		refuse(c, 400, "a malformed path");
		return;
	}
	rq.path.ptr = path;
	buf_init(&reply.body, REPLY_MAX);
	c->server->conf.fn(c->server->conf.ctx, &rq, &reply);
	if (reply.error.ptr)
		add_page(c, reply.status, reply.error);
	else if (reply.body.failed)
		refuse(c, 500, "the answer is too long");
	else
		add_reply(c, &reply);
	buf_free(&reply.body);
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Decodes what has come of a chunked body: 1 when it is whole, 0 when more is needed, -1 refused.
 */
static int take_chunks(struct client *c)
{
	struct str data;

	while (c->used < c->in.len && !c->chunked.done) {
		ptrdiff_t n = http_chunked_next(&c->chunked, str_from_at(buf_str(&c->in), c->used),
						&data);

		if (n < 0) {
			refuse(c, (unsigned)-n, c->chunked.why);
			return -1;
		}
		buf_add(&c->body, data);
		c->used += (size_t)n;
	}
	if (c->body.failed) {
		refuse(c, 413, "the body is too large");
		return -1;
	}
	return c->chunked.done;
}

/* The same for any body; *body is set when it is whole. */
static int take_body(struct client *c, struct str *body)
{
	*body = (struct str){NULL, 0};
	if (c->head.body == HTTP_BODY_CHUNKED) {
		int r = take_chunks(c);

		*body = buf_str(&c->body);
		return r;
	}
	if (c->head.content_length > c->server->conf.body_max) {
		refuse(c, 413, "the body is too large");
		return -1;
	}
	size_t len = (size_t)c->head.content_length;
	if (c->in.len - c->head_len < len)
		return 0;
	*body = str_slice(buf_str(&c->in), c->head_len, c->head_len + len);
	c->used = c->head_len + len;
	return 1;
}

/* Head, then body, then the answer: true if there may be another request in the buffer. */
static bool take_request(struct client *c)
{
	ptrdiff_t n = http_head_parse(&c->head, buf_str(&c->in));
	struct str body;

	if (n < 0) {
		refuse(c, (unsigned)-n, c->head.why);
		return false;
	}
	if (n == 0)
		return false;
	if (!c->head_len)
		c->used = c->head_len = (size_t)n;
	int r = take_body(c, &body);
	if (r == 0 && c->head.expect_continue && !c->continued) {
		c->continued = true;
		buf_add(&c->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	}
	if (r <= 0)
		return false;
	answer(c, body);
	buf_consume(&c->in, c->used);
	client_reset(c);
	return !c->closing;
}

/* ---- the socket ----------------------------------------------------------------------------- */

/* 1: all is written; 0: the socket is full; -1: gone. */
static int flush(struct client *c)
{
	while (c->sent < c->out.len) {
		ssize_t n =
			send(c->watch.fd, c->out.ptr + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		c->sent += (size_t)n;
	}
	buf_clear(&c->out);
	c->sent = 0;
	return 1;
}

/* 1: bytes came; 0: none now; -1: the other side has ended, or sent more than fits. */
static int fill(struct client *c)
{
	char *room = buf_reserve(&c->in, READ_SIZE);

	if (!room) {
		refuse(c, 413, "the request is too large");
		return 1;
	}
	ssize_t n = recv(c->watch.fd, room, READ_SIZE, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->in.len += (size_t)n;
	return n > 0 ? 1 : -1;
}

/* Handles what is there and sets what to wait for. False: the connection is over. */
static bool client_step(struct client *c)
{
	const struct http_server_conf *conf = &c->server->conf;

	bool again;
	int r;

	/* One answer at a time: who does not read gets no second one into memory. */
	do {
		again = c->out.len == 0 && !c->closing && take_request(c);
		if (c->out.failed)
			return false;
		r = flush(c);
	} while (r == 1 && again);
	if (r < 0 || (r == 1 && c->closing))
		return false;
	watch_set(c->server->loop, &c->watch, r == 1 ? EPOLLIN : EPOLLOUT);
	/* The clock of a request starts with its first byte and is not set back by later ones. */
	bool idle = r == 1 && c->in.len == 0;
	if (idle)
		timer_start(c->server->loop, &c->timer, conf->idle_ms);
	else if (c->idle)
		timer_start(c->server->loop, &c->timer, conf->request_ms);
	c->idle = idle;
	return true;
}

static void on_client(struct watch *w, uint32_t events)
{
	struct client *c = container_of(w, struct client, watch);
	int r = events & EPOLLOUT ? 1 : fill(c);

	if (r < 0 || (r > 0 && !client_step(c)))
		client_free(c);
}

static int client_new(struct http_server *s, int fd, struct rn_error *err)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return rn_fail(err, RN_EOS, "out of memory for a connection");
	}
	c->server = s;
	c->watch = (struct watch){.fd = fd, .events = EPOLLIN, .fn = on_client};
	c->timer.fn = on_timer;
	c->idle = true;
	sock_peer(fd, &c->peer);
	buf_init(&c->in, HTTP_HEAD_MAX + 2 * s->conf.body_max + READ_SIZE);
	buf_init(&c->body, s->conf.body_max);
	buf_init(&c->out, REPLY_MAX + HTTP_HEAD_MAX);
	client_reset(c);
	c->next = s->clients;
	if (c->next)
		c->next->prev = c;
	s->clients = c;
	s->n++;
	timer_start(s->loop, &c->timer, s->conf.request_ms);
	if (watch_add(s->loop, &c->watch, err) == 0)
		return 0;
	client_free(c);
	return err->code;
}

static void on_accept(struct watch *w, uint32_t events)
{
	struct http_server *s = container_of(w, struct http_server, watch);
	struct rn_error err;
	int fd;

	(void)events;
	while ((fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (s->n >= s->conf.connections_max)
			close(fd);
		else if (client_new(s, fd, &err) < 0)
			log_write(LOG_WARN, "management connection: %s", err.text);
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		watch_set(s->loop, w, 0);
		timer_start(s->loop, &s->pause, PAUSE_MS);
	}
}

static void pause_over(struct timer *t)
{
	struct http_server *s = container_of(t, struct http_server, pause);

	watch_set(s->loop, &s->watch, EPOLLIN);
}

/* ---- the server ----------------------------------------------------------------------------- */

struct http_server *http_server_open(struct loop *l, const struct addr *a,
				     const struct http_server_conf *conf, struct rn_error *err)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (!s) {
		rn_fail(err, RN_EOS, "out of memory for a server");
		return NULL;
	}
	s->loop = l;
	s->pause.fn = pause_over;
	s->conf = *conf;
	s->conf.connections_max = conf->connections_max ? conf->connections_max : CONNECTIONS_MAX;
	s->conf.request_ms = conf->request_ms ? conf->request_ms : REQUEST_MS;
	s->conf.idle_ms = conf->idle_ms ? conf->idle_ms : IDLE_MS;
	s->watch =
		(struct watch){.fd = sock_listen(a, false, err), .events = EPOLLIN, .fn = on_accept};
	if (s->watch.fd >= 0 && watch_add(l, &s->watch, err) == 0)
		return s;
	if (s->watch.fd >= 0)
		close(s->watch.fd);
	free(s);
	return NULL;
}

bool http_server_address(const struct http_server *s, struct addr *a)
{
	return sock_local(s->watch.fd, a);
}

void http_server_close(struct http_server *s)
{
	if (!s)
		return;
	while (s->clients)
		client_free(s->clients);
	timer_stop(s->loop, &s->pause);
	watch_del(s->loop, &s->watch);
	close(s->watch.fd);
	free(s);
}
