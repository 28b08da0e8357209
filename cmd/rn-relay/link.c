/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#define OUT_MAX (1U << 20) /* waiting to be sent; what comes on top is dropped */
#define HANDSHAKE_MS 10000
#define HEAD 2
#define READS 16 /* before other links get their turn */

struct link {
	struct loop *loop;
	struct watch watch;
	struct timer timer;
	struct tls_conn *tls;
	struct link_conf conf;
	struct buf out;
	bool ready; /* the handshake is done */
	size_t have;
	uint8_t in[HEAD + LINK_DATAGRAM_MAX];
};

static void end(struct link *k, const struct rn_error *err)
{
	watch_del(k->loop, &k->watch);
	timer_stop(k->loop, &k->timer);
	k->conf.end(k->conf.ctx, err);
}

static void timed_out(struct timer *t)
{
	struct link *k = container_of(t, struct link, timer);
	struct rn_error err = {0};
	if (!k->ready)
		rn_fail(&err, RN_EAWAY, "no TLS handshake within %d s", HANDSHAKE_MS / 1000);
	end(k, &err);
}

/* Hands out the whole datagrams at the front of k->in. */
static void take_frames(struct link *k)
{
	size_t at = 0;
	while (k->have - at >= HEAD) {
		size_t len = (size_t)k->in[at] << 8 | k->in[at + 1];
		if (k->have - at < HEAD + len)
			break;
		if (len)
			k->conf.input(k->conf.ctx, k->in + at + HEAD, len);
		at += HEAD + len;
	}
	k->have -= at;
	if (at && k->have)
		memmove(k->in, k->in + at, k->have);
}

/* What stands in the way of more. */
static enum tls_result pump_in(struct link *k, struct rn_error *err)
{
	enum tls_result result = TLS_OK;
	for (int i = 0; i < READS && result == TLS_OK; i++) {
		size_t n = 0;
		result = tls_read(k->tls, k->in + k->have, sizeof(k->in) - k->have, &n, err);
		if (result != TLS_OK)
			break;
		k->have += n;
		timer_start(k->loop, &k->timer, LINK_IDLE_MS);
		take_frames(k);
	}
	return result;
}

static enum tls_result pump_out(struct link *k, struct rn_error *err)
{
	enum tls_result result = TLS_OK;
	while (k->out.len && result == TLS_OK) {
		size_t n = 0;
		result = tls_write(k->tls, buf_str(&k->out), &n, err);
		if (result == TLS_OK)
			buf_consume(&k->out, n);
	}
	return result;
}

static bool is_over(enum tls_result result)
{
	return result == TLS_EOF || result == TLS_FAILED;
}

/* Moves what can be moved, and waits for what is in the way. */
static void go_on(struct link *k)
{
	struct rn_error err = {0};
	enum tls_result in = TLS_OK, out = TLS_OK;
	if (!k->ready) {
		in = tls_handshake(k->tls, &err);
		k->ready = in == TLS_OK;
		if (k->ready)
			timer_start(k->loop, &k->timer, LINK_IDLE_MS);
	}
	if (k->ready)
		out = pump_out(k, &err);
	if (k->ready && !is_over(out))
		in = pump_in(k, &err);
	if (is_over(in) || is_over(out)) {
		end(k, &err);
		return;
	}
	bool write = in == TLS_WANT_WRITE || out == TLS_WANT_WRITE || in == TLS_OK;
	watch_set(k->loop, &k->watch, EPOLLIN | (write ? EPOLLOUT : 0));
}

static void event(struct watch *w, uint32_t events)
{
	struct link *k = container_of(w, struct link, watch);
	struct rn_error err = {0};
	int wrong = events & EPOLLERR ? sock_error(w->fd) : 0;
	if (wrong) {
		errno = wrong;
		rn_fail_errno(&err, RN_EAWAY, "TCP");
		end(k, &err);
		return;
	}
	go_on(k);
}

struct link *link_new(struct loop *l, int fd, struct tls_conn *tls, const struct link_conf *conf,
		      struct rn_error *err)
{
	struct link *k = tls ? calloc(1, sizeof(*k)) : NULL;
	int one = 1;
	if (!k) {
		tls_free(tls);
		close(fd);
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		log_write(LOG_DEBUG, "TCP_NODELAY is not supported");
	k->loop = l;
	k->tls = tls;
	k->conf = *conf;
	k->timer.fn = timed_out;
	k->watch = (struct watch){.fd = fd, .events = EPOLLIN | EPOLLOUT, .fn = event};
	buf_init(&k->out, OUT_MAX);
	if (watch_add(l, &k->watch, err)) {
		link_free(k);
		return NULL;
	}
	timer_start(l, &k->timer, HANDSHAKE_MS);
	return k;
}

void link_free(struct link *k)
{
	if (!k)
		return;
	timer_stop(k->loop, &k->timer);
	if (k->ready)
		(void)tls_shutdown(k->tls); /* as far as it goes without waiting */
	watch_del(k->loop, &k->watch);
	tls_free(k->tls);
	close(k->watch.fd);
	buf_free(&k->out);
	free(k);
}

void link_send(struct link *k, const uint8_t *data, size_t len)
{
	uint8_t head[HEAD] = {(uint8_t)(len >> 8), (uint8_t)len};
	bool waits = k->out.len > 0;
	if (len > LINK_DATAGRAM_MAX || HEAD + len > k->out.max - k->out.len)
		return;
	if (!buf_reserve(&k->out, HEAD + len)) {
		k->out.failed = false; /* dropped */
		return;
	}
	buf_add(&k->out, str_make(head, sizeof(head)));
	buf_add(&k->out, str_make(data, len));
	if (!waits)
		watch_set(k->loop, &k->watch, EPOLLIN | EPOLLOUT);
}
