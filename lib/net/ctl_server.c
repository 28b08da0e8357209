/* SPDX-License-Identifier: MIT
 *
 * The answering side of a control socket. A connection reads one request, hands it to the handler
 * as a call, and reads on when the call has ended; a call may outlive its connection, and a
 * connection its server.
 */
#include "net/net.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#define CTL_REQUEST_MAX (16u << 20) /* a sync of a hundred thousand peers */
#define CTL_ANSWER_MAX (64u << 20)
#define CTL_CONNS_MAX 256
#define CTL_READ 16384
#define CTL_PAUSE_MS 100 /* out of descriptors: who waits is looked at again after this */

struct ctl_conn {
	struct watch watch;	   /* fd is -1 when the client is gone */
	struct ctl_server *server; /* NULL when the client is gone */
	struct loop *loop;
	struct ctl_conn *prev, *next;
	struct ctl_call *call; /* being answered, or NULL */
	struct buf in, out;
	size_t used; /* bytes of in that the call's request takes */
	int fds[FDS_MAX];
	size_t n_fds;
	bool eof;
	bool busy; /* conn_process is on the stack */
};

struct ctl_call {
	struct ctl_conn *conn;
	struct buf out;
	int fds[FDS_MAX];
	size_t n_fds;
	struct rec request;
};

struct ctl_server {
	struct loop *loop;
	struct watch listener;
	struct timer pause;
	struct ctl_conn conns; /* list head */
	size_t n_conns;
	ctl_handler *fn;
	void *ctx;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev; /* of the path when we made it: what stands there later may be another's */
	ino_t ino;
};

/* ---- the end of a connection ----------------------------------------------------------------- */

static void close_fds(int *fds, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		close(fds[i]);
	*n = 0;
}

/* Cuts the client off. The memory goes when neither a call nor the stack needs it. */
static void conn_drop(struct ctl_conn *c)
{
	if (c->watch.fd >= 0) {
		watch_del(c->loop, &c->watch);
		fd_close(&c->watch.fd);
		close_fds(c->fds, &c->n_fds);
		c->prev->next = c->next;
		c->next->prev = c->prev;
		c->server->n_conns--;
		c->server = NULL;
	}
	if (c->call || c->busy)
		return;
	buf_free(&c->in);
	buf_free(&c->out);
	free(c);
}

/* ---- answers --------------------------------------------------------------------------------- */

static uint32_t conn_wants(const struct ctl_conn *c)
{
	/* While a call runs nothing is read: its client's going shows as EPOLLHUP. */
	return (c->call || c->eof ? 0u : (uint32_t)EPOLLIN) |
	       (c->out.len ? (uint32_t)EPOLLOUT : 0u);
}

/* Sends what it can. False: the client is gone (and the connection perhaps freed). */
static bool conn_send(struct ctl_conn *c)
{
	while (c->out.len) {
		ssize_t n = fds_send(c->watch.fd, buf_str(&c->out), c->fds, c->n_fds);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			conn_drop(c);
			return false;
		}
		close_fds(c->fds, &c->n_fds);
		buf_consume(&c->out, (size_t)n);
	}
	if (c->eof && !c->call && !c->out.len) {
		conn_drop(c);
		return false;
	}
	watch_set(c->loop, &c->watch, conn_wants(c));
	return true;
}

/* Moves the call's output to its connection. False: nobody is left to read it. */
static bool call_push(struct ctl_call *call)
{
	struct ctl_conn *c = call->conn;
	bool fits = !call->out.failed;

	if (c->watch.fd >= 0 && fits) {
		buf_add(&c->out, buf_str(&call->out));
		memcpy(c->fds + c->n_fds, call->fds, call->n_fds * sizeof(int));
		c->n_fds += call->n_fds;
		call->n_fds = 0;
		fits = !c->out.failed;
	}
	buf_clear(&call->out);
	close_fds(call->fds, &call->n_fds);
	if (c->watch.fd < 0)
		return false;
	if (fits)
		return conn_send(c);
	log_write(LOG_WARN, "a control client reads too slowly; cut off");
	conn_drop(c);
	return false;
}

static void conn_process(struct ctl_conn *c);

static void call_end(struct ctl_call *call)
{
	struct ctl_conn *c = call->conn;

	/* The connection must last until we have looked at it again. */
	bool busy = c->busy;

	c->busy = true;
	call_push(call);
	buf_free(&call->out);
	free(call);
	c->call = NULL;
	buf_consume(&c->in, c->used);
	c->used = 0;
	c->busy = busy;
	if (busy)
		return; /* conn_process goes on from here */
	if (c->watch.fd < 0)
		conn_drop(c);
	else
		conn_process(c);
}

struct buf *ctl_out(struct ctl_call *call)
{
	return &call->out;
}

void ctl_attach_fd(struct ctl_call *call, int fd)
{
	rn_assert(call->n_fds < FDS_MAX);
	call->fds[call->n_fds++] = fd;
}

bool ctl_flush(struct ctl_call *call)
{
	return call_push(call);
}

void ctl_done(struct ctl_call *call)
{
	struct rn_error err;

	if (call->out.failed) {
		rn_fail(&err, RN_EOS, "the answer is too long");
		ctl_fail(call, &err);
		return;
	}
	rec_begin(&call->out, "done", STR("ok"));
	rec_end(&call->out);
	buf_add_byte(&call->out, '\n');
	call_end(call);
}

void ctl_fail(struct ctl_call *call, const struct rn_error *err)
{
	char code[16];

	snprintf(code, sizeof(code), "%d", err->code ? -(int)err->code : -(int)RN_EBUG);
	buf_clear(&call->out);
	close_fds(call->fds, &call->n_fds);
	rec_begin(&call->out, "error", str_from(code));
	rec_add_cstr(&call->out, "text", err->text);
	rec_end(&call->out);
	buf_add_byte(&call->out, '\n');
	call_end(call);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The length of the next whole request in TEXT with the empty line that ends it, or 0. */
static size_t request_len(struct str text)
{
	ptrdiff_t end = str_find_str(text, STR("\n\n"));

	return end < 0 ? 0 : (size_t)end + 2;
}

static void call_begin(struct ctl_conn *c, size_t len)
{
	struct ctl_call *call = calloc(1, sizeof(*call));
	struct str text = {c->in.ptr, len - 1}; /* each line with its LF */
	struct str first;
	struct rn_error err;
	size_t column;

	if (!call) {
		conn_drop(c);
		return;
	}
	call->conn = c;
	c->call = call;
	c->used = len;
	buf_init(&call->out, CTL_ANSWER_MAX);
	str_cut(&text, '\n', &first);
	if (rec_parse(&call->request, first, &column, &err)) {
		rn_fail_in(&err, "request, column %zu", column);
		ctl_fail(call, &err);
	} else if (!rec_is(&call->request, "request")) {
		rn_fail(&err, RN_EPROTO, "a request starts with request=VERB");
		ctl_fail(call, &err);
	} else {
		c->server->fn(c->server->ctx, call, &call->request, text);
	}
}

static void conn_process(struct ctl_conn *c)
{
	c->busy = true;
	while (c->watch.fd >= 0 && !c->call) {
		size_t len;

		if (c->in.len && c->in.ptr[0] == '\n') { /* empty lines between requests */
			buf_consume(&c->in, 1);
			continue;
		}
		len = request_len(buf_str(&c->in));
		if (!len)
			break;
		call_begin(c, len);
	}
	c->busy = false;
	if (c->watch.fd < 0)
		conn_drop(c);
	else
		conn_send(c);
}

/* False when the connection is at its end. */
static bool conn_read(struct ctl_conn *c)
{
	char *room = buf_reserve(&c->in, CTL_READ);
	int fds[1];
	size_t n_fds = 0; /* requests bring none */
	ssize_t n;

	if (!room)
		return false;
	n = fds_recv(c->watch.fd, room, CTL_READ, fds, &n_fds);
	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		c->eof = true;
	c->in.len += (size_t)n;
	return true;
}

static void conn_event(struct watch *w, uint32_t events)
{
	struct ctl_conn *c = container_of(w, struct ctl_conn, watch);

	if (!c->call && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
		if (conn_read(c))
			conn_process(c);
		else
			conn_drop(c);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		conn_drop(c);
	} else {
		conn_send(c);
	}
}

/* ---- the server ------------------------------------------------------------------------------ */

static bool conn_new(struct ctl_server *s, int fd)
{
	struct ctl_conn *c;
	struct rn_error err;

	if (s->n_conns >= CTL_CONNS_MAX || !unix_peer_is_ours(fd))
		return false;
	c = calloc(1, sizeof(*c));
	if (!c)
		return false;
	c->watch = (struct watch){.fd = fd, .events = EPOLLIN, .fn = conn_event};
	c->server = s;
	c->loop = s->loop;
	buf_init(&c->in, CTL_REQUEST_MAX);
	buf_init(&c->out, CTL_ANSWER_MAX);
	if (watch_add(s->loop, &c->watch, &err)) {
		free(c);
		return false;
	}
	c->prev = s->conns.prev;
	c->next = &s->conns;
	c->prev->next = c;
	c->next->prev = c;
	s->n_conns++;
	return true;
}

static void server_event(struct watch *w, uint32_t events)
{
	struct ctl_server *s = container_of(w, struct ctl_server, listener);
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0 && !conn_new(s, fd)) {
		close(fd);
	} else if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
		watch_set(s->loop, w, 0);
		timer_start(s->loop, &s->pause, CTL_PAUSE_MS);
	}
}

static void pause_over(struct timer *t)
{
	struct ctl_server *s = container_of(t, struct ctl_server, pause);

	watch_set(s->loop, &s->listener, EPOLLIN);
}

struct ctl_server *ctl_listen(struct loop *l, const char *path, ctl_handler *fn, void *ctx,
			      struct rn_error *err)
{
	struct ctl_server *s = calloc(1, sizeof(*s));
	struct stat st;

	if (!s) {
		rn_fail(err, RN_EOS, "no memory for a control socket");
		return NULL;
	}
	s->loop = l;
	s->fn = fn;
	s->ctx = ctx;
	s->conns.prev = s->conns.next = &s->conns;
	s->pause.fn = pause_over;
	s->listener = (struct watch){
		.fd = unix_listen(path, 0600, err), .events = EPOLLIN, .fn = server_event};
	if (s->listener.fd < 0)
		goto fail;
	str_copy(s->path, sizeof(s->path), str_from(path));
	if (lstat(path, &st) == 0) {
		s->dev = st.st_dev;
		s->ino = st.st_ino;
	}
	if (watch_add(l, &s->listener, err) == 0)
		return s;
	unlink(path);
	fd_close(&s->listener.fd);
fail:
	free(s);
	return NULL;
}

void ctl_close(struct ctl_server *s)
{
	struct stat st;

	if (!s)
		return;
	if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	timer_stop(s->loop, &s->pause);
	watch_del(s->loop, &s->listener);
	fd_close(&s->listener.fd);
	while (s->conns.next != &s->conns) {
		struct ctl_conn *c = s->conns.next;

		conn_drop(c);
	}
	free(s);
}
