/* SPDX-License-Identifier: MIT
 *
 * Inside lib/net only: what a loop is made of.
 */
#ifndef RN_LOOP_IMPL_H
#define RN_LOOP_IMPL_H

#include "net/net.h"

#include <sys/epoll.h>

/* ---- timer wheel (timer.c) ------------------------------------------------------------------- */
/*
 * A hashed hierarchical wheel (Varghese & Lauck 1987, scheme 7): a timer lies on the level of the
 * highest base-64 digit in which its time differs from the wheel's, in the slot of that digit. So
 * the slots ahead never wrap, the lowest level in use holds the next timer, and start and stop are
 * O(1).
 */
#define WHEEL_BITS 6
#define WHEEL_SLOTS (1 << WHEEL_BITS)
#define WHEEL_LEVELS 8 /* 2^48 ms */

struct wheel {
	uint64_t now; /* every timer up to here has been taken out */
	uint64_t used[WHEEL_LEVELS];
	struct timer slots[WHEEL_LEVELS * WHEEL_SLOTS]; /* list heads */
	struct timer due;				/* head of those being run */
};

void wheel_init(struct wheel *w, uint64_t now_ms);
void wheel_add(struct wheel *w, struct timer *t);
void wheel_remove(struct wheel *w, struct timer *t);
/* When the wheel must be advanced next: never later than its first timer; UINT64_MAX if empty. */
uint64_t wheel_next_ms(const struct wheel *w);
/* Runs what is due at NOW_MS. A timer started by a callback waits for the next advance. */
void wheel_advance(struct wheel *w, uint64_t now_ms);

/* ---- pool of empty pipes (relay.c) ----------------------------------------------------------- */

#define PIPES_KEPT 64

struct pipe_pair {
	int rd, wr;
};

/* ---- loop (loop.c) --------------------------------------------------------------------------- */

#define LOOP_BATCH 128

struct loop_signal_slot {
	loop_signal_fn *fn;
	void *ctx;
};

struct loop {
	int epfd;
	bool stop;
	bool in_turn; /* now_ms is fresh */
	uint64_t now_ms;
	struct wheel wheel;
	struct epoll_event
		batch[LOOP_BATCH]; /* events being delivered: [next, n) are still to come */
	int next, n;
	struct watch signals; /* signalfd; fd is -1 before the first loop_signal */
	sigset_t signal_set;
	struct loop_signal_slot signal[65]; /* by number */
	struct pipe_pair pipes[PIPES_KEPT];
	size_t n_pipes;
};

#endif
