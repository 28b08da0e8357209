/* SPDX-License-Identifier: MIT */
#include "proxy/stream.h"

#include <errno.h>
#include <unistd.h>

#define EDGES (EPOLLIN | EPOLLRDHUP | EPOLLET)

static void stream_tell(struct stream *s, uint32_t hang_up)
{
	uint32_t told = (s->ready & s->want) | hang_up;
	if (told)
		s->fn(&s->watch, told);
}

static void stream_event(struct watch *w, uint32_t events)
{
	struct stream *s = container_of(w, struct stream, watch);
	uint32_t hang_up = events & (EPOLLHUP | EPOLLERR);

	if (s->tls) {
		s->fn(w, events);
		return;
	}
	if (hang_up || (events & EPOLLRDHUP))
		s->ending = true;
	s->ready |= hang_up ? EPOLLIN | EPOLLOUT : events & (EPOLLIN | EPOLLOUT);
	stream_tell(s, hang_up);
}

static void stream_again(struct timer *timer)
{
	stream_tell(container_of(timer, struct stream, again), 0);
}

int stream_open(struct stream *s, struct loop *l, int fd, uint32_t events, watch_fn *fn,
		struct rn_error *err)
{
	*s = (struct stream){
		.watch = {.fd = fd, .events = events | EDGES, .fn = stream_event},
		.fn = fn,
		.again.fn = stream_again,
		.want = events,
	};
	int rc = watch_add(l, &s->watch, err);
	if (rc)
		fd_close(&s->watch.fd);
	return rc;
}

void stream_secure(struct stream *s, struct loop *l, struct tls_conn *tls)
{
	s->tls = tls;
	if (tls)
		watch_set(l, &s->watch, s->want);
}

void stream_close(struct stream *s, struct loop *l)
{
	tls_free(s->tls);
	s->tls = NULL;
	if (s->watch.fd < 0)
		return;
	timer_stop(l, &s->again);
	watch_del(l, &s->watch);
	fd_close(&s->watch.fd);
}

int stream_detach(struct stream *s, struct loop *l)
{
	int fd = s->watch.fd;
	timer_stop(l, &s->again);
	watch_del(l, &s->watch);
	s->watch.fd = -1;
	return fd;
}

static void want_level(struct stream *s, struct loop *l, uint32_t events)
{
	if (s->tls_wants_out)
		events |= EPOLLOUT;
	/* A hang-up, which cannot be masked, is told once and not for ever. */
	watch_set(l, &s->watch, events ? events : EPOLLET);
}

void stream_want(struct stream *s, struct loop *l, uint32_t events)
{
	s->want = events;
	if (s->tls) {
		want_level(s, l, events);
		return;
	}
	if ((events & EPOLLOUT) && !(s->watch.events & EPOLLOUT))
		watch_set(l, &s->watch, EDGES | EPOLLOUT); /* tells at once if it can be written */
	if ((s->ready & events) && !s->again.at_ms)
		timer_start(l, &s->again, 0);
}

static enum io from_tls(struct stream *s, enum tls_result r)
{
	s->tls_wants_out = r == TLS_WANT_WRITE;
	switch (r) {
	case TLS_OK:
		return IO_OK;
	case TLS_WANT_READ:
	case TLS_WANT_WRITE:
		return IO_WAIT;
	case TLS_EOF:
		return IO_EOF;
	case TLS_FAILED:
		break;
	}
	return IO_FAILED;
}

/* After a read or write that moved nothing. */
static enum io from_errno(struct stream *s, uint32_t direction)
{
	if (errno == EAGAIN)
		s->ready &= ~direction;
	return errno == EAGAIN || errno == EINTR ? IO_WAIT : IO_FAILED;
}

enum io stream_handshake(struct stream *s, struct rn_error *err)
{
	return from_tls(s, tls_handshake(s->tls, err));
}

enum io stream_read(struct stream *s, void *out, size_t cap, size_t *n)
{
	struct rn_error err;
	*n = 0;
	if (s->tls)
		return from_tls(s, tls_read(s->tls, out, cap, n, &err));
	ssize_t got = recv(s->watch.fd, out, cap, 0);
	if (got < 0)
		return from_errno(s, EPOLLIN);
	*n = (size_t)got;
	if (*n < cap && *n > 0 && !s->ending)
		s->ready &= ~(uint32_t)EPOLLIN; /* drained: more would be a new edge */
	return got == 0 ? IO_EOF : IO_OK;
}

/* Small pieces leave in one TLS record: a head and a short body in one packet. */
static size_t gather(char *out, size_t cap, const struct iovec *iov, int count)
{
	size_t n = 0;
	for (int i = 0; i < count && n < cap; i++) {
		size_t part = MIN(iov[i].iov_len, cap - n);
		memcpy(out + n, iov[i].iov_base, part);
		n += part;
	}
	return n;
}

static enum io tls_writev(struct stream *s, const struct iovec *iov, int count, size_t *n)
{
	char flat[16384]; /* the most a record holds */
	struct rn_error err;
	struct str bytes = str_make(iov[0].iov_base, iov[0].iov_len);

	if (count > 1 && bytes.len < sizeof(flat))
		bytes = str_make(flat, gather(flat, sizeof(flat), iov, count));
	return from_tls(s, tls_write(s->tls, bytes, n, &err));
}

enum io stream_writev(struct stream *s, const struct iovec *iov, int count, size_t *n)
{
	*n = 0;
	if (s->tls)
		return tls_writev(s, iov, count, n);
	ssize_t sent;
	if (count == 1) {
		sent = send(s->watch.fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
	} else {
		struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov,
				     .msg_iovlen = (size_t)count};
		sent = sendmsg(s->watch.fd, &msg, MSG_NOSIGNAL);
	}
	if (sent < 0)
		return from_errno(s, EPOLLOUT);
	*n = (size_t)sent;
	return IO_OK;
}

void stream_shutdown(struct stream *s)
{
	if (s->tls)
		(void)tls_shutdown(s->tls);
	shutdown(s->watch.fd, SHUT_WR);
}

int stream_connect_unix(struct str path, struct rn_error *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), path))
		return rn_fail(err, RN_EUSAGE, "the socket's path is too long");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return rn_fail_errno(err, RN_EOS, "socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	rn_fail_errno(err, RN_EAWAY, "connect to %s", sun.sun_path);
	close(fd);
	return err->code;
}
