/* SPDX-License-Identifier: MIT
 *
 * The event loop: epoll, the timer wheel, and signals through a signalfd.
 */
#include "net/loop_impl.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct loop *loop_new(struct rn_error *err)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l) {
		rn_fail(err, RN_EOS, "no memory for an event loop");
		return NULL;
	}
	l->signals.fd = -1;
	sigemptyset(&l->signal_set);
	wheel_init(&l->wheel, clock_now_ms());
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0) {
		rn_fail_errno(err, RN_EOS, "epoll_create1");
		free(l);
		return NULL;
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_pipes; i++) {
		close(l->pipes[i].rd);
		close(l->pipes[i].wr);
	}
	fd_close(&l->signals.fd);
	fd_close(&l->epfd);
	free(l);
}

uint64_t loop_now_ms(const struct loop *l)
{
	return l->in_turn ? l->now_ms : clock_now_ms();
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

/* ---- watches --------------------------------------------------------------------------------- */

int watch_add(struct loop *l, struct watch *w, struct rn_error *err)
{
	struct epoll_event ev = {.events = w->events, .data.ptr = w};

	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, w->fd, &ev) < 0)
		return rn_fail_errno(err, RN_EOS, "cannot watch descriptor %d", w->fd);
	return 0;
}

void watch_set(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (w->events == events)
		return;
	w->events = events;
	/* Changing a registration takes no memory: it fails only for a descriptor that is not ours.
	 */
	rn_assert(epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, &ev) == 0);
}

void watch_del(struct loop *l, struct watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	/* Its events in the batch being delivered are stale from now on. */
	for (int i = l->next; i < l->n; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* How long epoll may wait: until the first timer, at most MAX_MS (< 0: no limit of its own). */
static int wait_ms(const struct loop *l, int max_ms)
{
	uint64_t next = wheel_next_ms(&l->wheel);
	uint64_t now = clock_now_ms();
	uint64_t left;

	if (clock_is_fake() || next <= now)
		return 0;
	left = next - now;
	if (max_ms >= 0 && left > (uint64_t)max_ms)
		return max_ms;
	return next == UINT64_MAX ? -1 : (int)MIN(left, (uint64_t)INT32_MAX);
}

int loop_once(struct loop *l, int max_ms, struct rn_error *err)
{
	int n = epoll_wait(l->epfd, l->batch, LOOP_BATCH, wait_ms(l, max_ms));

	if (n < 0 && errno != EINTR)
		return rn_fail_errno(err, RN_EOS, "epoll_wait");
	l->n = MAX(n, 0);
	l->now_ms = clock_now_ms();
	l->in_turn = true;
	for (l->next = 0; l->next < l->n;) {
		struct epoll_event *ev = &l->batch[l->next++];
		struct watch *w = ev->data.ptr;

		if (w)
			w->fn(w, ev->events);
	}
	l->n = l->next = 0;
	wheel_advance(&l->wheel, l->now_ms);
	l->in_turn = false;
	return 0;
}

int loop_run(struct loop *l, struct rn_error *err)
{
	l->stop = false;
	while (!l->stop) {
		int rc = loop_once(l, -1, err);

		if (rc)
			return rc;
	}
	return 0;
}

/* ---- signals --------------------------------------------------------------------------------- */

static void signals_ready(struct watch *w, uint32_t events)
{
	struct loop *l = container_of(w, struct loop, signals);
	struct signalfd_siginfo si;

	(void)events;
	while (read(w->fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		struct loop_signal_slot *s = &l->signal[si.ssi_signo % ARRAY_LEN(l->signal)];

		if (s->fn)
			s->fn(s->ctx, (int)si.ssi_signo);
	}
}

int loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *ctx, struct rn_error *err)
{
	bool first = l->signals.fd < 0;
	int fd;

	rn_assert(signo > 0 && (size_t)signo < ARRAY_LEN(l->signal));
	sigaddset(&l->signal_set, signo);
	pthread_sigmask(SIG_BLOCK, &l->signal_set, NULL);
	/* A shell starts background jobs with SIGINT ignored, and an ignored signal never gets here.
	 * Blocked by now, it cannot end us in between. */
	signal(signo, SIG_DFL);
	fd = signalfd(l->signals.fd, &l->signal_set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return rn_fail_errno(err, RN_EOS, "signalfd");
	l->signal[signo] = (struct loop_signal_slot){fn, ctx};
	if (!first)
		return 0;
	l->signals = (struct watch){.fd = fd, .events = EPOLLIN, .fn = signals_ready};
	return watch_add(l, &l->signals, err);
}
