/* SPDX-License-Identifier: MIT
 *
 * Inside of carrier*.c: what a running tunnel consists of.
 */
#ifndef RN_WG_CARRIER_IMPL_H
#define RN_WG_CARRIER_IMPL_H

#include "wg/carrier.h"
#include "wg/engine_impl.h"
#include "wg/moved.h"
#include "wg/stack.h"
#include "wg/tun.h"
#include "wg/udp.h"

struct carrier {
	struct engine base;
	struct wg_device *wg;
	struct tun *tun;     /* or NULL: */
	struct stack *stack;
	struct udp *udp;
	struct watch tun_watch, udp4_watch, udp6_watch;
	bool udp_watched, tun_watched;
	struct moved moved;
	struct timer timer;  /* the engine's */
	struct timer shed_timer; /* while a flood is shed: is it over? */
	uint64_t refused_ms; /* when a sender inside was last told that its packet goes nowhere */
};

static inline struct carrier *carrier_of(struct engine *e)
{
	return container_of(e, struct carrier, base);
}

/* carrier.c: after calls that may have brought the engine's deadline forward. */
void carrier_rearm(struct carrier *d);
int carrier_watch_udp(struct carrier *d, struct rn_error *err) must_check;
/* carrier_apply.c */
int carrier_apply(struct engine *e, const struct wg_config *c, struct rn_error *err) must_check;
/* carrier_undo.c: fills UNDO (exact) with what brings back all that C changes. NAMED: C's peers by key. */
int carrier_remember(struct carrier *d, const struct wg_config *c, const struct map *named,
		     struct wg_config *undo, struct rn_error *err) must_check;
/* carrier_show.c */
int carrier_live(struct engine *e, struct engine_live *live, struct rn_error *err) must_check;
int carrier_show_peers(struct engine *e, struct buf *out, struct rn_error *err) must_check;
void carrier_show_counters(struct engine *e, struct buf *out);

#endif
