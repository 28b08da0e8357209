/* SPDX-License-Identifier: MIT
 *
 * The packet path of a running tunnel, and its beginning and end.
 */
#include "wg/carrier_impl.h"
#include "wg/inside_impl.h"
#include "wg/refuse.h"

#include <sys/epoll.h>

#define SHED_MS 1000
#define ROUNDS 8 /* bursts handled before other descriptors get their turn */

/* ---- the engine's callbacks -------------------------------------------------------------------- */

static void op_send(void *ctx, const struct wg_dgram *v, size_t n)
{
	struct carrier *d = ctx;
	udp_transmit(d->udp, v, n);
}

static void op_deliver(void *ctx, const struct wg_pkt *v, size_t n)
{
	struct carrier *d = ctx;
	if (d->stack)
		stack_input(d->stack, v, n);
	else
		tun_write(d->tun, v, n);
}

/* At most one a millisecond: who sends to nobody need not be told of every packet. */
static void op_refuse(void *ctx, const struct wg_pkt *pkt, enum wg_counter why)
{
	struct carrier *d = ctx;
	uint8_t room[WG_HEAD + REFUSE_MAX];
	uint64_t now = clock_now_ms();
	(void)why;
	if (now == d->refused_ms || d->stack) /* the stack asks before it connects */
		return;
	struct wg_pkt answer = {.data = room + WG_HEAD};
	answer.len = (uint32_t)refuse_make(pkt->data, pkt->len, answer.data);
	if (!answer.len)
		return;
	d->refused_ms = now;
	tun_write(d->tun, &answer, 1);
}

static const struct wg_ops ops = {.send = op_send, .deliver = op_deliver, .refuse = op_refuse};

/* ---- events ------------------------------------------------------------------------------------ */

void carrier_rearm(struct carrier *d)
{
	uint64_t at = wg_deadline(d->wg);
	if (at == UINT64_MAX) {
		timer_stop(d->base.loop, &d->timer);
		return;
	}
	uint64_t now = clock_now_ns();
	timer_start(d->base.loop, &d->timer, at <= now ? 0 : (at - now + 999999) / 1000000);
}

static void timer_event(struct timer *t)
{
	struct carrier *d = container_of(t, struct carrier, timer);
	wg_timers(d->wg, clock_now_ns());
	carrier_rearm(d);
}

static void tun_event(struct watch *w, uint32_t events)
{
	struct carrier *d = container_of(w, struct carrier, tun_watch);
	struct wg_pkt v[TUN_BATCH];
	(void)events;
	for (int round = 0; round < ROUNDS; round++) {
		int n = tun_read(d->tun, v, TUN_BATCH, &d->base.failure);
		if (n < 0)
			engine_fail(&d->base);
		if (n <= 0)
			break;
		wg_input_tun(d->wg, v, (size_t)n, clock_now_ns());
		if (d->tun->drained)
			break;
	}
	carrier_rearm(d);
}

static void udp_vector(void *ctx, const struct wg_dgram *v, size_t n)
{
	struct carrier *d = ctx;
	wg_input_udp(d->wg, v, n, clock_now_ns());
	if (d->stack)
		stack_turn(d->stack);
}

static void shed_floods(struct carrier *d)
{
	bool loaded = wg_under_load(d->wg, clock_now_ns());
	if (loaded == d->udp->shedding)
		return;
	udp_shed(d->udp, loaded);
	if (loaded)
		timer_start(d->base.loop, &d->shed_timer, SHED_MS);
}

static void shed_event(struct timer *t)
{
	struct carrier *d = container_of(t, struct carrier, shed_timer);
	shed_floods(d);
	if (d->udp->shedding)
		timer_start(d->base.loop, t, SHED_MS);
}

static void udp_event(struct carrier *d, int fd)
{
	for (int round = 0; round < ROUNDS && udp_receive(d->udp, fd, udp_vector, d); round++)
		;
	shed_floods(d);
	carrier_rearm(d);
}

static void udp4_event(struct watch *w, uint32_t events)
{
	(void)events;
	udp_event(container_of(w, struct carrier, udp4_watch), w->fd);
}

static void udp6_event(struct watch *w, uint32_t events)
{
	(void)events;
	udp_event(container_of(w, struct carrier, udp6_watch), w->fd);
}

/* ---- between the stack and the engine ----------------------------------------------------------- */

static void stack_output(void *ctx, const struct wg_pkt *v, size_t n)
{
	struct carrier *d = ctx;
	wg_input_tun(d->wg, v, n, clock_now_ns());
	carrier_rearm(d);
}

static bool stack_reaches(void *ctx, const struct addr *a)
{
	struct carrier *d = ctx;
	return wg_allowed_find(d->wg, a) != NULL;
}

static const struct stack_ops stack_calls = {.output = stack_output, .reaches = stack_reaches};

/* ---- beginning and end ------------------------------------------------------------------------- */

static void unwatch_udp(struct carrier *d)
{
	if (d->udp_watched && d->udp4_watch.fd >= 0)
		watch_del(d->base.loop, &d->udp4_watch);
	if (d->udp_watched && d->udp6_watch.fd >= 0)
		watch_del(d->base.loop, &d->udp6_watch);
	d->udp_watched = false;
}

int carrier_watch_udp(struct carrier *d, struct rn_error *err)
{
	unwatch_udp(d);
	d->udp4_watch = (struct watch){.fd = d->udp->fd4, .events = EPOLLIN, .fn = udp4_event};
	d->udp6_watch = (struct watch){.fd = d->udp->fd6, .events = EPOLLIN, .fn = udp6_event};
	int code = d->udp->fd4 >= 0 ? watch_add(d->base.loop, &d->udp4_watch, err) : 0;
	if (!code && d->udp->fd6 >= 0)
		code = watch_add(d->base.loop, &d->udp6_watch, err);
	d->udp_watched = !code;
	return code;
}

static bool peer_info(struct engine *e, const uint8_t key[static WG_KEY_LEN], struct wg_peer_info *info)
{
	struct wg_peer *peer = wg_peer_find(carrier_of(e)->wg, key);
	if (peer)
		wg_peer_info(peer, clock_now_ns(), info);
	return peer != NULL;
}

static void peer_endpoint(struct engine *e, const uint8_t key[static WG_KEY_LEN], const struct addr *a)
{
	struct carrier *d = carrier_of(e);
	struct wg_peer *peer = wg_peer_find(d->wg, key);
	if (!peer)
		return;
	wg_peer_set_endpoint(d->wg, peer, a);
	wg_peer_connect(d->wg, peer, clock_now_ns());
	carrier_rearm(d);
}

static void peer_connect(struct engine *e, const uint8_t key[static WG_KEY_LEN])
{
	struct carrier *d = carrier_of(e);
	struct wg_peer *peer = wg_peer_find(d->wg, key);
	if (peer)
		wg_peer_connect(d->wg, peer, clock_now_ns());
	carrier_rearm(d);
}

static void peer_try(struct engine *e, const uint8_t key[static WG_KEY_LEN], const struct addr *a)
{
	struct carrier *d = carrier_of(e);
	struct wg_peer *peer = wg_peer_find(d->wg, key);
	if (peer)
		wg_peer_try(d->wg, peer, a, clock_now_ns());
	carrier_rearm(d);
}

static void has_moved(void *ctx)
{
	struct carrier *d = ctx;
	wg_moved(d->wg, clock_now_ns());
	carrier_rearm(d);
}

static void carrier_free(struct engine *e)
{
	struct carrier *d = carrier_of(e);
	stack_free(d->stack);
	timer_stop(e->loop, &d->timer);
	moved_stop(&d->moved);
	timer_stop(e->loop, &d->shed_timer);
	wg_device_free(d->wg);
	unwatch_udp(d);
	if (d->tun_watched)
		watch_del(e->loop, &d->tun_watch);
	udp_free(d->udp);
	if (d->tun)
		tun_free(d->tun);
	engine_done(e);
	free(d);
}

static const struct engine_ops engine = {
	.name = "user",
	.apply = carrier_apply,
	.live = carrier_live,
	.show_peers = carrier_show_peers,
	.peer_info = peer_info,
	.peer_endpoint = peer_endpoint,
	.peer_connect = peer_connect,
	.peer_try = peer_try,
	.show_counters = carrier_show_counters,
	.free = carrier_free,
};

static const struct engine_ops netstack = {
	.name = "netstack",
	.apply = carrier_apply,
	.live = carrier_live,
	.show_peers = carrier_show_peers,
	.peer_info = peer_info,
	.peer_endpoint = peer_endpoint,
	.peer_connect = peer_connect,
	.peer_try = peer_try,
	.show_counters = carrier_show_counters,
	.free = carrier_free,
};

/* Namespace and device. */
static int start_tun(struct carrier *d, struct rn_error *err)
{
	int tun = -1;
	d->base.inside = inside_start(d->base.mode, d->base.name, &tun, err);
	if (!d->base.inside)
		return err->code;
	d->tun = tun_new(tun, d->base.name);
	if (!d->tun) {
		fd_close(&tun);
		return rn_fail(err, RN_EOS, "out of memory");
	}
	d->tun_watch = (struct watch){.fd = d->tun->fd, .events = EPOLLIN, .fn = tun_event};
	int code = watch_add(d->base.loop, &d->tun_watch, err);
	d->tun_watched = !code;
	return code ? code : engine_watch_inside(&d->base, err);
}

static int start_stack(struct carrier *d, const char *run_dir, struct rn_error *err)
{
	d->stack = stack_new(d->base.loop, run_dir, d->base.name, &stack_calls, d, err);
	if (!d->stack)
		return err->code;
	d->base.inside = inside_of(stack_carry, d->stack);
	return d->base.inside ? 0 : rn_fail(err, RN_EOS, "out of memory");
}

/* Without RUN_DIR on a device, with it on the stack. */
static int start(struct carrier *d, const char *run_dir, struct rn_error *err)
{
	int code = run_dir ? start_stack(d, run_dir, err) : start_tun(d, err);
	if (code)
		return code;
	d->udp = udp_make();
	if (!d->udp)
		return rn_fail(err, RN_EOS, "out of memory");
	d->wg = wg_device_new(&ops, d, err);
	if (!d->wg)
		return err->code;
	wg_set_forward(d->wg, true); /* until an address is configured: carrier_apply */
	moved_start(&d->moved, d->base.loop, has_moved, d);
	return 0;
}

static struct engine *make(struct loop *l, enum inside_mode mode, const char *run_dir, const char *name,
			   struct rn_error *err)
{
	struct carrier *d = calloc(1, sizeof(*d));
	if (!d) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	engine_init(&d->base, run_dir ? &netstack : &engine, l, mode, name);
	d->timer.fn = timer_event;
	d->shed_timer.fn = shed_event;
	if (!start(d, run_dir, err))
		return &d->base;
	engine_free(&d->base);
	return NULL;
}

struct engine *carrier_new(struct loop *l, enum inside_mode mode, const char *name,
			   struct rn_error *err)
{
	return make(l, mode, NULL, name, err);
}

struct engine *carrier_new_stack(struct loop *l, const char *run_dir, const char *name,
				 struct rn_error *err)
{
	return make(l, INSIDE_PRIVATE, run_dir, name, err);
}

struct wg_device *carrier_device(struct engine *e)
{
	return carrier_of(e)->wg;
}
