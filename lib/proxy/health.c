/* SPDX-License-Identifier: MIT */
#include "proxy/health.h"

#include "http/http.h"
#include "proxy/stream.h"

#include <unistd.h>

struct check {
	struct check *next;
	struct checks *all;
	struct target *target; /* in all->snap */
	struct target_state *state;
	struct stream stream;
	struct timer timer; /* to the next check, or of this one */
	bool running, wanted, sent;
	unsigned good, bad; /* in a row */
	struct http_head head;
	struct buf in;
};

struct checks {
	struct loop *loop;
	struct snapshot *snap;
	struct check *first;
	check_connect_fn *connect;
	void *ctx;
};

#define ANSWER_MAX HTTP_HEAD_MAX
#define HURRY_MS 500

/* ---- the verdict ----------------------------------------------------------------------------- */

static void check_end(struct check *c, const char *why)
{
	const struct target *t = c->target;
	int before = atomic_load(&c->state->health);

	stream_close(&c->stream, c->all->loop);
	buf_free(&c->in);
	c->running = false;
	c->good = why ? 0 : c->good + 1;
	c->bad = why ? c->bad + 1 : 0;
	/* The first check of all decides at once. */
	if (!why && (c->good >= t->rise || before == TARGET_UNCHECKED))
		state_set_health(c->state, TARGET_UP, "");
	else if (why && c->bad >= t->fall)
		state_set_health(c->state, TARGET_DOWN, why);
	int after = atomic_load(&c->state->health);
	if (before != after && (before != TARGET_UNCHECKED || after != TARGET_UP)) {
		char name[72] = "", resource[72] = "";
		str_copy(name, sizeof(name), t->name);
		str_copy(resource, sizeof(resource), t->resource->name);
		log_event(after == TARGET_UP ? LOG_INFO : LOG_WARN,
			  after == TARGET_UP ? "target is up" : "target is down", "target", name,
			  "resource", resource, "why", why ? why : "", NULL);
	}
	/* While the verdict is open, do not make it wait. */
	bool open = after != (why ? TARGET_DOWN : TARGET_UP);
	timer_start(c->all->loop, &c->timer, open ? MIN(t->check_ms, HURRY_MS) : t->check_ms);
}

/* ---- one check ------------------------------------------------------------------------------- */

static void check_send(struct check *c)
{
	struct buf b;
	size_t n;
	buf_init(&b, REC_LINE_MAX);
	buf_addf(&b,
		 "GET %.*s HTTP/1.1\r\nHost: %s\r\nUser-Agent: rn-proxy-check\r\n"
		 "Accept: */*\r\nConnection: close\r\n\r\n",
		 STR_ARG(c->target->check),
		 c->target->tls_name		? c->target->tls_name
		 : c->target->kind == TARGET_IP ? c->target->address_text.ptr
						: "localhost");
	struct iovec iov = {b.ptr, b.len};
	enum io io = b.failed ? IO_FAILED : stream_writev(&c->stream, &iov, 1, &n);
	bool whole = io == IO_OK && n == b.len;
	buf_free(&b);
	c->sent = true;
	if (!whole)
		check_end(c, "the request could not be sent");
	else
		stream_want(&c->stream, c->all->loop, EPOLLIN);
}

static void check_status(struct check *c)
{
	char why[64];
	snprintf(why, sizeof(why), "status %u", c->head.status);
	check_end(c, c->head.status >= 200 && c->head.status < 400 ? NULL : why);
}

static void check_receive(struct check *c)
{
	for (;;) {
		char *at = buf_reserve(&c->in, 2048);
		size_t n;
		if (!at) {
			check_end(c, "the head of its answer is too long");
			return;
		}
		enum io io = stream_read(&c->stream, at, 2048, &n);
		if (io == IO_WAIT)
			return;
		if (io != IO_OK) {
			check_end(c, "the connection ended without an answer");
			return;
		}
		c->in.len += n;
		ptrdiff_t len = http_head_parse(&c->head, buf_str(&c->in));
		if (len < 0) {
			check_end(c, c->head.why);
			return;
		}
		if (len > 0) {
			check_status(c);
			return;
		}
	}
}

static void check_event(struct watch *watch, uint32_t events)
{
	struct check *c =
		container_of(container_of(watch, struct stream, watch), struct check, stream);
	struct rn_error err = {0};
	int error = c->sent ? 0 : sock_error(watch->fd);
	(void)events;

	if (error) {
		check_end(c, strerror(error));
		return;
	}
	if (c->stream.tls && !c->sent) {
		enum io io = stream_handshake(&c->stream, &err);
		if (io == IO_WAIT) {
			stream_want(&c->stream, c->all->loop,
				    c->stream.tls_wants_out ? EPOLLOUT : EPOLLIN);
			return;
		}
		if (io != IO_OK) {
			check_end(c, err.text);
			return;
		}
	}
	if (str_is(c->target->check, "tcp"))
		check_end(c, NULL);
	else if (!c->sent)
		check_send(c);
	else
		check_receive(c);
}

static int check_socket(struct check *c, struct rn_error *err)
{
	const struct target *t = c->target;
	if (t->via.len)
		return c->all->connect(c->all->ctx, t, err);
	if (t->kind == TARGET_UNIX)
		return stream_connect_unix(t->path, err);
	return sock_connect(&t->address, err);
}

static void check_start(struct check *c)
{
	struct rn_error err;
	const struct target *t = c->target;
	int fd = check_socket(c, &err);

	c->running = true;
	c->sent = false;
	buf_init(&c->in, ANSWER_MAX);
	http_head_init_response(&c->head, HTTP_GET);
	timer_start(c->all->loop, &c->timer, t->check_timeout_ms);
	c->stream.watch.fd = -1;
	if (fd < 0 || stream_open(&c->stream, c->all->loop, fd, EPOLLOUT, check_event, &err)) {
		check_end(c, err.text);
		return;
	}
	if (!t->tls)
		return;
	stream_secure(&c->stream, c->all->loop, tls_connect_new(t->tls, fd, t->tls_name));
	if (!c->stream.tls)
		check_end(c, "out of memory");
}

static void check_timer(struct timer *timer)
{
	struct check *c = container_of(timer, struct check, timer);
	if (c->running)
		check_end(c, "no answer in time");
	else
		check_start(c);
}

/* ---- which ----------------------------------------------------------------------------------- */

static void check_free(struct check *c)
{
	timer_stop(c->all->loop, &c->timer);
	if (c->running)
		stream_close(&c->stream, c->all->loop);
	buf_free(&c->in);
	state_unref(c->state);
	free(c);
}

static struct check *check_find(struct checks *all, const struct target_state *s)
{
	for (struct check *c = all->first; c; c = c->next)
		if (c->state == s)
			return c;
	return NULL;
}

static void check_add(struct checks *all, struct target *t)
{
	struct check *c = check_find(all, t->state);
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return;
		*c = (struct check){.all = all,
				    .state = state_ref(t->state),
				    .next = all->first,
				    .timer.fn = check_timer,
				    .stream.watch.fd = -1};
		all->first = c;
		timer_start(all->loop, &c->timer, 1);
	}
	c->target = t;
	c->wanted = true;
}

void checks_config(struct checks *all, struct snapshot *snap)
{
	for (struct check *c = all->first; c; c = c->next)
		c->wanted = false;
	for (size_t i = 0; i < snap->targets.len; i++)
		if (snap->targets.ptr[i]->check.len)
			check_add(all, snap->targets.ptr[i]);
	for (struct check **i = &all->first; *i;) {
		struct check *c = *i;
		if (c->wanted) {
			i = &c->next;
			continue;
		}
		*i = c->next;
		check_free(c);
	}
	snapshot_unref(all->snap);
	all->snap = snapshot_ref(snap);
}

struct checks *checks_new(struct loop *l, check_connect_fn *connect, void *ctx)
{
	struct checks *c = calloc(1, sizeof(*c));
	if (c)
		*c = (struct checks){.loop = l, .connect = connect, .ctx = ctx};
	return c;
}

void checks_free(struct checks *all)
{
	for (struct check *c = all->first, *next; c; c = next) {
		next = c->next;
		check_free(c);
	}
	snapshot_unref(all->snap);
	free(all);
}
