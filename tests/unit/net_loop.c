/* SPDX-License-Identifier: MIT
 *
 * The event loop and its timer wheel under a fake clock, held against a plain sorted model.
 */
#include "net/net.h"
#include "tap.h"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static struct rn_error err;

struct probe {
	struct timer timer;
	struct loop *loop;
	uint64_t due_ms, fired_ms;
	unsigned fired;
	uint64_t again_ms; /* start again after so long */
};

static void probe_fire(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired++;
	p->fired_ms = loop_now_ms(p->loop);
	if (p->again_ms)
		timer_start(p->loop, t, p->again_ms);
}

static bool turn_at(struct loop *l, uint64_t ms)
{
	clock_fake_ns(ms * MS);
	return loop_once(l, 1000, &err) == 0;
}

static void test_timer(void)
{
	struct loop *l;
	struct probe a = {.timer.fn = probe_fire}, b = {.timer.fn = probe_fire};

	clock_fake_ns(5000 * MS);
	l = loop_new(&err);
	a.loop = b.loop = l;
	timer_start(l, &a.timer, 100);
	timer_start(l, &b.timer, 3600000);
	TAP_OK(turn_at(l, 5099) && !a.fired, "not before its time");
	TAP_OK(turn_at(l, 5100) && a.fired == 1 && a.timer.at_ms == 0,
	       "at its time, and stopped then");
	TAP_OK(turn_at(l, 9000) && a.fired == 1, "once");
	timer_start(l, &b.timer, 10);
	TAP_OK(turn_at(l, 9010) && b.fired == 1, "starting again moves it");
	timer_start(l, &a.timer, 5);
	timer_stop(l, &a.timer);
	timer_stop(l, &a.timer);
	TAP_OK(turn_at(l, 10000) && a.fired == 1, "stopped, twice is fine");
	a.again_ms = 0;
	timer_start(l, &a.timer, 0);
	TAP_OK(turn_at(l, 10000) && a.fired == 2, "zero runs in the next turn");
	loop_free(l);
}

static void rearm_now(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired++;
	timer_start(p->loop, t, 0);
}

static void test_no_starving(void)
{
	struct probe p = {.timer.fn = rearm_now};

	clock_fake_ns(1 * MS);
	p.loop = loop_new(&err);
	timer_start(p.loop, &p.timer, 0);
	TAP_OK(turn_at(p.loop, 1) && p.fired == 1,
	       "a timer that starts itself at once runs once a turn");
	TAP_OK(turn_at(p.loop, 1) && p.fired == 2, "and again in the next");
	loop_free(p.loop);
}

static uint64_t rnd(uint64_t *s)
{
	*s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *s >> 33;
}

/* Random starts, stops and jumps of the clock: each timer fires in the first turn at or after its
 * time. */
static void test_against_model(void)
{
	enum { N = 500, TURNS = 4000 };
	static struct probe p[N];
	uint64_t seed = 42, now = 1000, wrong = 0, fired = 0;
	struct loop *l;

	clock_fake_ns(now * MS);
	l = loop_new(&err);
	for (int i = 0; i < N; i++)
		p[i] = (struct probe){.timer.fn = probe_fire, .loop = l};
	for (int turn = 0; turn < TURNS; turn++) {
		uint64_t last = now;

		for (int k = 0; k < 5; k++) {
			struct probe *x = &p[rnd(&seed) % N];
			uint64_t after = rnd(&seed) % (UINT64_C(1) << (rnd(&seed) % 22));

			if (rnd(&seed) % 8 == 0) {
				timer_stop(l, &x->timer);
				x->due_ms = 0;
			} else {
				timer_start(l, &x->timer, after);
				x->due_ms = now + after;
			}
		}
		now += rnd(&seed) % (UINT64_C(1) << (rnd(&seed) % 18));
		turn_at(l, now);
		for (int i = 0; i < N; i++) {
			bool due = p[i].due_ms && p[i].due_ms <= now;

			wrong += due != (p[i].fired == 1) || (due && p[i].due_ms < last);
			fired += p[i].fired;
			if (due)
				p[i].due_ms = 0;
			p[i].fired = 0;
		}
	}
	TAP_OK(wrong == 0 && fired > 1000,
	       "thousands of timers fire in their turn, as in the model");
	for (int i = 0; i < N; i++)
		timer_stop(l, &p[i].timer);
	loop_free(l);
}

/* ---- watches --------------------------------------------------------------------------------- */

struct pair {
	struct watch w;
	struct loop *loop;
	struct pair *victim; /* deleted by our callback */
	int other;
	int calls;
};

static void pair_event(struct watch *w, uint32_t events)
{
	struct pair *p = container_of(w, struct pair, w);

	(void)events;
	p->calls++;
	if (p->victim) {
		watch_del(p->loop, &p->victim->w);
		fd_close(&p->victim->w.fd);
	}
}

static void pair_open(struct pair *p, struct loop *l)
{
	int fds[2];

	rn_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	*p = (struct pair){.w = {.fd = fds[0], .events = EPOLLIN, .fn = pair_event},
			   .loop = l,
			   .other = fds[1]};
	rn_assert(watch_add(l, &p->w, &err) == 0);
}

static void test_stale_event(void)
{
	struct loop *l;
	struct pair a, b;

	clock_fake_ns(1 * MS);
	l = loop_new(&err);
	pair_open(&a, l);
	pair_open(&b, l);
	a.victim = &b;
	b.victim = &a;
	rn_assert(write(a.other, "x", 1) == 1 && write(b.other, "x", 1) == 1);
	TAP_OK(loop_once(l, 0, &err) == 0 && a.calls + b.calls == 1,
	       "a deleted watch gets no event of the same batch");
	TAP_OK(loop_once(l, 0, &err) == 0 && a.calls + b.calls == 2, "the other is still watched");
	watch_del(l, &a.w);
	watch_del(l, &b.w);
	close(a.other);
	close(b.other);
	fd_close(&a.w.fd);
	fd_close(&b.w.fd);
	loop_free(l);
}

static void test_interest(void)
{
	struct loop *l;
	struct pair a;

	l = loop_new(&err);
	pair_open(&a, l);
	rn_assert(write(a.other, "x", 1) == 1);
	watch_set(l, &a.w, 0);
	TAP_OK(loop_once(l, 0, &err) == 0 && a.calls == 0, "nothing wanted, nothing told");
	watch_set(l, &a.w, EPOLLIN);
	TAP_OK(loop_once(l, 0, &err) == 0 && a.calls == 1, "level-triggered when wanted again");
	watch_del(l, &a.w);
	fd_close(&a.w.fd);
	close(a.other);
	loop_free(l);
}

static void on_signal(void *ctx, int signo)
{
	*(int *)ctx = signo;
}

static void test_signal(void)
{
	struct loop *l = loop_new(&err);
	int got = 0;

	TAP_OK(loop_signal(l, SIGUSR1, on_signal, &got, &err) == 0, "a handler for USR1");
	TAP_OK(loop_signal(l, SIGUSR2, on_signal, &got, &err) == 0, "and for USR2");
	raise(SIGUSR2);
	TAP_OK(loop_once(l, 0, &err) == 0 && got == SIGUSR2, "USR2 comes through the loop");
	raise(SIGUSR1);
	TAP_OK(loop_once(l, 0, &err) == 0 && got == SIGUSR1, "USR1 too");
	loop_free(l);
}

static void stop_loop(struct timer *t)
{
	loop_stop(container_of(t, struct probe, timer)->loop);
}

static void test_real_time(void)
{
	struct probe p = {.timer.fn = stop_loop};
	uint64_t start;

	clock_fake_ns(UINT64_MAX);
	p.loop = loop_new(&err);
	start = clock_now_ms();
	timer_start(p.loop, &p.timer, 30);
	TAP_OK(loop_run(p.loop, &err) == 0, "runs until stopped");
	TAP_OK(clock_now_ms() - start >= 30, "and sleeps for real");
	loop_free(p.loop);
}

int main(void)
{
	test_timer();
	test_no_starving();
	test_against_model();
	test_stale_event();
	test_interest();
	test_signal();
	test_real_time();
	return tap_done();
}
