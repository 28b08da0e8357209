/* SPDX-License-Identifier: MIT
 *
 * Connections to targets: made, pooled, used again, closed.
 */
#include "proxy/run.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define POOL_MAX 1024	   /* idle connections to one target in one worker: what was busy at a time */
#define POOL_IDLE_MS 30000 /* shorter than what servers commonly allow */

static struct target_slot *up_slot(const struct up *up)
{
	return &up->state->slots[up->worker->index];
}

static void up_free(struct up *up)
{
	if (up->dial)
		up->dial->up = NULL; /* it frees itself when it comes back */
	timer_stop(up->worker->loop, &up->timer);
	stream_close(&up->stream, up->worker->loop);
	state_unref(up->state);
	free(up);
}

static void slot_active(struct up *up, int change)
{
	atomic_fetch_add_explicit(&up_slot(up)->active, (uint32_t)change, memory_order_relaxed);
}

/* Once, from the loop: up is ready or has failed. A failed one is freed here afterwards. */
static void up_tell(struct up *up, const char *why)
{
	timer_stop(up->worker->loop, &up->timer);
	if (!why) {
		up->step = UP_BUSY;
		state_clear(up->state);
		up->done(up->owner, up, NULL);
		return;
	}
	atomic_fetch_add_explicit(&up_slot(up)->failures, 1, memory_order_relaxed);
	state_suspect(up->state, loop_now_ms(up->worker->loop));
	up->done(up->owner, NULL, why);
	slot_active(up, -1);
	up_free(up);
}

/* ---- the pool -------------------------------------------------------------------------------- */

static void pool_remove(struct up *up)
{
	struct up **i = &up_slot(up)->idle;
	while (*i != up)
		i = &(*i)->next;
	*i = up->next;
	up_slot(up)->idle_n--;
}

static void pool_timeout(struct timer *timer)
{
	struct up *up = container_of(timer, struct up, timer);
	if (up->step != UP_IDLE) /* taken; the timer was left where it is */
		return;
	pool_remove(up);
	up_free(up);
}

/* An idle connection that becomes readable has ended, or speaks out of turn. */
static void pool_event(struct watch *watch, uint32_t events)
{
	struct up *up = container_of(container_of(watch, struct stream, watch), struct up, stream);
	(void)events;
	pool_remove(up);
	up_free(up);
}

struct up *up_reuse(struct worker *w, struct target *t, void *owner)
{
	struct target_slot *slot = &t->state->slots[w->index];
	struct up *up = slot->idle;
	if (!up)
		return NULL;
	pool_remove(up);
	up->step = UP_BUSY;
	up->owner = owner;
	up->uses++;
	up->stream.fn = txn_up_event;
	slot_active(up, 1);
	atomic_fetch_add_explicit(&slot->requests, 1, memory_order_relaxed);
	return up;
}

void up_keep(struct up *up)
{
	struct target_slot *slot = up_slot(up);

	slot_active(up, -1);
	if (slot->idle_n >= POOL_MAX || up->worker->draining || (up->stream.ready & EPOLLIN)) {
		up_free(up);
		return;
	}
	up->owner = NULL;
	up->step = UP_IDLE;
	up->stream.fn = pool_event;
	stream_want(&up->stream, up->worker->loop, EPOLLIN);
	up->timer.fn = pool_timeout;
	timer_start(up->worker->loop, &up->timer, POOL_IDLE_MS);
	up->next = slot->idle;
	slot->idle = up;
	slot->idle_n++;
}

void up_close(struct up *up)
{
	if (!up)
		return;
	slot_active(up, -1);
	up_free(up);
}

/* The far end of a tunnel may vanish without a word: then nothing more comes, and no error either. A
 * request ends after some 15 s of silence on the wire (not of the application); a TCP connection, which
 * may be somebody's shell on a train, after two minutes. */
static void notice_dead_end(int fd, bool request)
{
	const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, request ? 10 : 60},
		{IPPROTO_TCP, TCP_KEEPINTVL, request ? 5 : 20},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, request ? 15000 : 120000},
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

void up_cut_gone(struct up *up, struct str via)
{
	if (up && up->generation && up->stream.watch.fd >= 0 &&
	    up->generation != side_generation(up->worker->proxy->side, via))
		shutdown(up->stream.watch.fd, SHUT_RDWR);
}

int up_detach(struct up *up)
{
	if (up->generation)
		notice_dead_end(up->stream.watch.fd, false);
	int fd = stream_detach(&up->stream, up->worker->loop);
	slot_active(up, -1);
	up_free(up);
	return fd;
}

void ups_close(struct worker *w, bool only_tunnels)
{
	const struct snapshot *s = w->view ? w->view->snap : NULL;
	for (size_t i = 0; s && i < s->targets.len; i++) {
		struct target_slot *slot = &s->targets.ptr[i]->state->slots[w->index];
		if (only_tunnels && s->targets.ptr[i]->via.len == 0)
			continue;
		while (slot->idle) {
			struct up *up = slot->idle;
			pool_remove(up);
			up_free(up);
		}
	}
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void up_timeout(struct timer *timer)
{
	struct up *up = container_of(timer, struct up, timer);
	up_tell(up, up->step == UP_HANDSHAKE ? "TLS handshake timed out" : "connection timed out");
}

static void up_handshake(struct up *up)
{
	struct rn_error err = {0};
	enum io io = stream_handshake(&up->stream, &err);

	if (io == IO_WAIT) {
		stream_want(&up->stream, up->worker->loop,
			    up->stream.tls_wants_out ? EPOLLOUT : EPOLLIN);
		return;
	}
	if (io != IO_OK) {
		str_copy(up->why, sizeof(up->why),
			 str_slice(str_from(err.text), 0, sizeof(up->why) - 1));
		up_tell(up, up->why);
		return;
	}
	up->stream.fn = txn_up_event;
	stream_want(&up->stream, up->worker->loop, EPOLLIN);
	up_tell(up, NULL);
}

static void up_connected(struct up *up)
{
	if (up->stream.tls) {
		up->step = UP_HANDSHAKE;
		up_handshake(up);
		return;
	}
	up->stream.fn = txn_up_event;
	stream_want(&up->stream, up->worker->loop, EPOLLIN);
	up_tell(up, NULL);
}

static void up_event(struct watch *watch, uint32_t events)
{
	struct up *up = container_of(container_of(watch, struct stream, watch), struct up, stream);
	(void)events;
	if (up->step == UP_HANDSHAKE) {
		up_handshake(up);
		return;
	}
	int error = sock_error(watch->fd);
	if (error) {
		snprintf(up->why, sizeof(up->why), "connect: %s", strerror(error));
		up_tell(up, up->why);
		return;
	}
	up_connected(up);
}

/* Takes FD over. */
static int up_watch(struct up *up, int fd)
{
	struct rn_error err;
	int rc = stream_open(&up->stream, up->worker->loop, fd, EPOLLOUT, up_event, &err);
	if (rc)
		return rc;
	up->step = UP_CONNECTING;
	if (up->target->tls)
		stream_secure(&up->stream, up->worker->loop,
			      tls_connect_new(up->target->tls, fd, up->target->tls_name));
	return !up->target->tls || up->stream.tls ? 0 : RN_EOS;
}

/* Failures that are known at once are told from the timer, never from inside up_dial. */
static void up_fail_soon(struct up *up, const struct rn_error *err)
{
	str_copy(up->why, sizeof(up->why), str_slice(str_from(err->text), 0, sizeof(up->why) - 1));
	timer_start(up->worker->loop, &up->timer, 0);
}

static void up_failed(struct timer *timer)
{
	struct up *up = container_of(timer, struct up, timer);
	if (up->why[0])
		up_tell(up, up->why);
	else
		up_timeout(timer);
}

/* The side thread has made (or not) a connection inside a tunnel. */
static void dial_back(struct mail *m)
{
	struct dial *d = container_of(m, struct dial, mail);
	struct up *up = d->up;

	if (!up) {
		fd_close(&d->fd);
	} else {
		up->dial = NULL;
		up->generation = d->generation;
		if (d->fd >= 0)
			notice_dead_end(d->fd, true);
		if (d->fd < 0)
			up_fail_soon(up, &d->err);
		else if (up_watch(up, d->fd))
			up_tell(up, "out of memory");
	}
	free(d);
}

static int up_dial_tunnel(struct up *up, const struct target *t)
{
	struct dial *d = calloc(1, sizeof(*d));
	if (!d || !str_copy(d->via, sizeof(d->via), t->via)) {
		free(d);
		return -1;
	}
	d->worker = up->worker;
	d->up = up;
	d->address = t->address;
	up->dial = d;
	up->step = UP_DIALING;
	side_dial(up->worker->proxy, d, dial_back);
	return 0;
}

struct up *up_dial(struct worker *w, struct target *t, uint64_t timeout_ms, up_fn *done,
		   void *owner)
{
	struct up *up = calloc(1, sizeof(*up));
	struct rn_error err;
	int fd;

	if (!up)
		return NULL;
	*up = (struct up){.worker = w,
			  .target = t,
			  .state = state_ref(t->state),
			  .done = done,
			  .owner = owner,
			  .stream.watch.fd = -1,
			  .timer.fn = up_failed};
	slot_active(up, 1);
	atomic_fetch_add_explicit(&up_slot(up)->requests, 1, memory_order_relaxed);
	timer_start(w->loop, &up->timer, timeout_ms);
	if (t->via.len) {
		if (up_dial_tunnel(up, t) == 0)
			return up;
		up_close(up);
		return NULL;
	}
	fd = t->kind == TARGET_UNIX ? stream_connect_unix(t->path, &err)
				    : sock_connect(&t->address, &err);
	if (fd < 0) {
		up_fail_soon(up, &err);
		return up;
	}
	if (up_watch(up, fd)) {
		up_close(up);
		return NULL;
	}
	return up;
}

struct up *up_from_fd(struct worker *w, struct target *t, int fd, struct txn *owner,
		      struct rn_error *err)
{
	struct up *up = calloc(1, sizeof(*up));
	if (!up) {
		fd_close(&fd);
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	*up = (struct up){.worker = w,
			  .target = t,
			  .state = state_ref(t->state),
			  .owner = owner,
			  .step = UP_BUSY,
			  .timer.fn = up_failed};
	slot_active(up, 1);
	atomic_fetch_add_explicit(&up_slot(up)->requests, 1, memory_order_relaxed);
	if (stream_open(&up->stream, w->loop, fd, EPOLLIN, txn_up_event, err)) {
		up_close(up);
		return NULL;
	}
	return up;
}
