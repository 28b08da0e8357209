/* SPDX-License-Identifier: MIT
 *
 * The byte relay. Each direction moves bytes from a socket into a pipe and from there into the
 * other socket with splice(2), so that they never enter this process. The sockets are watched
 * edge-triggered and once only: what is readable and writable is remembered here, and a steady
 * stream costs two splices a chunk and nothing else. A pipe is borrowed from the loop's pool while
 * bytes wait in it.
 */
#include "net/loop_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define RELAY_PIPE_BYTES (256 * 1024)
#define RELAY_TURN_BYTES (1024 * 1024) /* then others have their turn */

struct relay_end {
	struct watch watch;
	struct relay *relay;
	bool readable, writable;
};

/* One direction. */
struct relay_way {
	struct pipe_pair pipe; /* rd is -1: none borrowed */
	size_t held;	       /* bytes in the pipe */
	uint64_t *moved;       /* bytes so far: this way's field of the relay's stat */
	bool eof;	       /* nothing more comes in */
	bool done;	       /* and the other side was told, or does not want it */
};

struct relay {
	struct loop *loop;
	struct relay_end end[2];
	struct relay_way way[2]; /* way[i] leads from end[i] to end[!i] */
	struct relay_stat stat;
	struct timer idle, again;
	uint64_t idle_ms, last_ms;
	relay_fn *fn;
	void *ctx;
	enum rn_err why;
	bool cut; /* not a clean end: closing sends a reset */
};

/* ---- pipes ----------------------------------------------------------------------------------- */

static bool pipe_borrow(struct loop *l, struct pipe_pair *p)
{
	int fds[2];

	if (p->rd >= 0)
		return true;
	if (l->n_pipes) {
		*p = l->pipes[--l->n_pipes];
		return true;
	}
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return false;
	fcntl(fds[1], F_SETPIPE_SZ,
	      RELAY_PIPE_BYTES); /* the default does as well, in smaller chunks */
	*p = (struct pipe_pair){fds[0], fds[1]};
	return true;
}

/* Only an empty pipe goes back: one that still holds bytes would give them to somebody else. */
static void pipe_return(struct loop *l, struct pipe_pair *p, bool empty)
{
	if (p->rd < 0)
		return;
	if (empty && l->n_pipes < PIPES_KEPT) {
		l->pipes[l->n_pipes++] = *p;
	} else {
		close(p->rd);
		close(p->wr);
	}
	p->rd = p->wr = -1;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void relay_free(struct relay *r)
{
	/* A stream that was cut must not look complete. */
	const struct linger cut = {.l_onoff = 1, .l_linger = 0};

	timer_stop(r->loop, &r->idle);
	timer_stop(r->loop, &r->again);
	for (int i = 0; i < 2; i++) {
		struct relay_end *e = &r->end[i];

		pipe_return(r->loop, &r->way[i].pipe, r->way[i].held == 0);
		watch_del(r->loop, &e->watch);
		if (r->cut)
			setsockopt(e->watch.fd, SOL_SOCKET, SO_LINGER, &cut, sizeof(cut));
		fd_close(&e->watch.fd);
	}
	free(r);
}

static void relay_finish(struct relay *r)
{
	relay_fn *fn = r->fn;
	void *ctx = r->ctx;
	struct relay_stat stat = r->stat;
	enum rn_err why = r->why;

	relay_free(r);
	fn(ctx, &stat, why);
}

static void relay_fail(struct relay *r, enum rn_err why)
{
	if (!r->why)
		r->why = why;
	r->cut = true;
	r->way[0].done = r->way[1].done = true;
}

/* ---- moving ---------------------------------------------------------------------------------- */

/* Socket to pipe; true if bytes came. With bytes in the pipe EAGAIN may mean that the pipe is full,
 * so only an empty pipe proves that the socket is empty. */
static bool way_fill(struct relay *r, int i)
{
	struct relay_way *w = &r->way[i];
	struct relay_end *from = &r->end[i];
	ssize_t n;

	if (w->eof || !from->readable)
		return false;
	if (!pipe_borrow(r->loop, &w->pipe)) {
		relay_fail(r, RN_EOS);
		return false;
	}
	do
		n = splice(from->watch.fd, NULL, w->pipe.wr, NULL, RELAY_PIPE_BYTES,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		w->held += (size_t)n;
		*w->moved += (uint64_t)n;
		return true;
	}
	if (n == 0)
		w->eof = true;
	else if (errno != EAGAIN)
		relay_fail(r, RN_EAWAY);
	else if (w->held == 0)
		from->readable = false;
	return false;
}

/* Pipe to socket; true if the pipe is empty now. A side that takes no more ends this way alone:
 * what it sent before it closed is still on its way back. */
static bool way_drain(struct relay *r, int i)
{
	struct relay_way *w = &r->way[i];
	struct relay_end *to = &r->end[!i];

	while (w->held && to->writable) {
		ssize_t n = splice(w->pipe.rd, NULL, to->watch.fd, NULL, w->held,
				   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n > 0) {
			w->held -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			to->writable = false;
		} else if (n == 0 || errno != EINTR) {
			w->done = true;
			r->why = RN_EAWAY;
			return false;
		}
	}
	return w->held == 0;
}

/* Moves what can be moved one way, up to a turn's share; true if that was not all. */
static bool way_pump(struct relay *r, int i)
{
	struct relay_way *w = &r->way[i];
	const uint64_t stop = *w->moved + RELAY_TURN_BYTES;
	bool came, empty, more;

	if (w->done)
		return false;
	do {
		came = way_fill(r, i);
		if (came)
			r->last_ms = loop_now_ms(r->loop);
		empty = way_drain(r, i);
		more = !w->done && (came || (empty && r->end[i].readable && !w->eof));
	} while (more && *w->moved < stop);
	if (w->held == 0)
		pipe_return(r->loop, &w->pipe, true);
	if (w->eof && !w->done && w->held == 0) {
		shutdown(r->end[!i].watch.fd, SHUT_WR);
		w->done = true;
	}
	return more;
}

/* False when the relay is at its end (and freed). */
static bool relay_pump(struct relay *r)
{
	bool more = way_pump(r, 0);

	more |= way_pump(r, 1);
	if (r->way[0].done && r->way[1].done) {
		relay_finish(r);
		return false;
	}
	if (more)
		timer_start(r->loop, &r->again, 0);
	return true;
}

static void relay_event(struct watch *w, uint32_t events)
{
	struct relay_end *e = container_of(w, struct relay_end, watch);
	struct relay *r = e->relay;
	int i = (int)(e - r->end);

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		e->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		e->writable = true;
	if (!relay_pump(r))
		return;
	/* Closed for good, and nothing of it is left to read: nobody waits for the other way. */
	if ((events & (EPOLLHUP | EPOLLERR)) && r->way[i].eof && !r->way[!i].done) {
		relay_fail(r, RN_EAWAY);
		relay_finish(r);
	}
}

static void relay_again(struct timer *t)
{
	relay_pump(container_of(t, struct relay, again));
}

static void relay_idle(struct timer *t)
{
	struct relay *r = container_of(t, struct relay, idle);
	uint64_t quiet = loop_now_ms(r->loop) - r->last_ms;

	if (quiet < r->idle_ms) {
		timer_start(r->loop, t, r->idle_ms - quiet);
		return;
	}
	relay_fail(r, RN_EAGAIN);
	relay_finish(r);
}

/* ---- face ------------------------------------------------------------------------------------ */

struct relay *relay_start(struct loop *l, int a, int b, uint64_t idle_ms, relay_fn *done, void *ctx,
			  struct rn_error *err)
{
	const int fds[2] = {a, b};
	struct relay *r = calloc(1, sizeof(*r));

	if (!r) {
		rn_fail(err, RN_EOS, "no memory for a relay");
		close(a);
		close(b);
		return NULL;
	}
	r->loop = l;
	r->fn = done;
	r->ctx = ctx;
	r->idle_ms = idle_ms;
	r->last_ms = loop_now_ms(l);
	r->idle.fn = relay_idle;
	r->again.fn = relay_again;
	r->way[0].moved = &r->stat.a_to_b_bytes;
	r->way[1].moved = &r->stat.b_to_a_bytes;
	for (int i = 0; i < 2; i++) {
		r->way[i].pipe = (struct pipe_pair){-1, -1};
		r->end[i].relay = r;
		r->end[i].watch = (struct watch){
			.fd = fds[i],
			.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
			.fn = relay_event,
		};
	}
	if (watch_add(l, &r->end[0].watch, err) || watch_add(l, &r->end[1].watch, err)) {
		relay_free(r);
		return NULL;
	}
	if (idle_ms)
		timer_start(l, &r->idle, idle_ms);
	return r;
}

void relay_cancel(struct relay *r)
{
	if (!r)
		return;
	r->cut = true;
	relay_free(r);
}

const struct relay_stat *relay_stat(const struct relay *r)
{
	return &r->stat;
}
