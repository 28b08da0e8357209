/* SPDX-License-Identifier: MIT
 *
 * The packet path of a running tunnel, and its beginning and end.
 */
#include "wg/carrier_impl.h"
#include "wg/refuse.h"

#include <sys/epoll.h>

#define ROUNDS 8 /* bursts handled before other descriptors get their turn */

/* ---- the engine's callbacks -------------------------------------------------------------------- */

static void op_send(void *ctx, const struct wg_dgram *v, size_t n)
{
	struct carrier *d = ctx;
	udp_send(d->udp, v, n);
}

static void op_deliver(void *ctx, const struct wg_pkt *v, size_t n)
{
	struct carrier *d = ctx;
	tun_write(d->tun, v, n);
}

/* At most one a millisecond: who sends to nobody need not be told of every packet. */
static void op_refuse(void *ctx, const struct wg_pkt *pkt, enum wg_counter why)
{
	struct carrier *d = ctx;
	uint8_t room[WG_HEAD + REFUSE_MAX];
	uint64_t now = clock_now_ms();
	(void)why;
	if (now == d->refused_ms)
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

void carrier_fail(struct carrier *d)
{
	loop_stop(d->loop);
}

void carrier_rearm(struct carrier *d)
{
	uint64_t at = wg_deadline(d->wg);
	if (at == UINT64_MAX) {
		timer_stop(d->loop, &d->timer);
		return;
	}
	uint64_t now = clock_now_ns();
	timer_start(d->loop, &d->timer, at <= now ? 0 : (at - now + 999999) / 1000000);
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
		int n = tun_read(d->tun, v, TUN_BATCH, &d->failure);
		if (n < 0)
			carrier_fail(d);
		if (n <= 0)
			break;
		wg_input_tun(d->wg, v, (size_t)n, clock_now_ns());
	}
	carrier_rearm(d);
}

static void udp_vector(void *ctx, const struct wg_dgram *v, size_t n)
{
	struct carrier *d = ctx;
	wg_input_udp(d->wg, v, n, clock_now_ns());
}

static void udp_event(struct carrier *d, int fd)
{
	for (int round = 0; round < ROUNDS && udp_input(d->udp, fd, udp_vector, d); round++)
		;
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

static void inside_event(struct watch *w, uint32_t events)
{
	struct carrier *d = container_of(w, struct carrier, inside_watch);
	(void)events;
	rn_fail(&d->failure, RN_EOS, "the process inside the tunnel is gone");
	carrier_fail(d);
}

/* ---- beginning and end ------------------------------------------------------------------------- */

static void unwatch_udp(struct carrier *d)
{
	if (d->udp_watched && d->udp4_watch.fd >= 0)
		watch_del(d->loop, &d->udp4_watch);
	if (d->udp_watched && d->udp6_watch.fd >= 0)
		watch_del(d->loop, &d->udp6_watch);
	d->udp_watched = false;
}

int carrier_watch_udp(struct carrier *d, struct rn_error *err)
{
	unwatch_udp(d);
	d->udp4_watch = (struct watch){.fd = d->udp->fd4, .events = EPOLLIN, .fn = udp4_event};
	d->udp6_watch = (struct watch){.fd = d->udp->fd6, .events = EPOLLIN, .fn = udp6_event};
	int code = d->udp->fd4 >= 0 ? watch_add(d->loop, &d->udp4_watch, err) : 0;
	if (!code && d->udp->fd6 >= 0)
		code = watch_add(d->loop, &d->udp6_watch, err);
	d->udp_watched = !code;
	return code;
}

static int watch_fds(struct carrier *d, struct rn_error *err)
{
	d->tun_watch = (struct watch){.fd = d->tun->fd, .events = EPOLLIN, .fn = tun_event};
	int code = watch_add(d->loop, &d->tun_watch, err);
	d->tun_watched = !code;
	d->inside_watch = (struct watch){
		.fd = inside_fd(d->inside), .events = EPOLLIN, .fn = inside_event};
	if (!code && d->inside_watch.fd >= 0) {
		code = watch_add(d->loop, &d->inside_watch, err);
		d->inside_watched = !code;
	}
	return code;
}

struct carrier *carrier_new(struct loop *l, enum inside_mode mode, const char *name,
			  struct rn_error *err)
{
	struct carrier *d = calloc(1, sizeof(*d));
	int tun = -1;
	if (!d) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	d->loop = l;
	d->mode = mode;
	d->manage_routes = mode == INSIDE_PRIVATE;
	d->timer.fn = timer_event;
	d->inside = inside_start(mode, name, &tun, err);
	if (!d->inside)
		goto fail;
	d->tun = tun_new(tun, name);
	d->udp = udp_new();
	d->wg = wg_device_new(&ops, d, err);
	if (!d->tun || !d->udp)
		rn_fail(err, RN_EOS, "out of memory");
	if (!d->tun || !d->udp || !d->wg || watch_fds(d, err))
		goto fail;
	wg_set_forward(d->wg, true); /* until an address is configured: carrier_apply */
	carrier_names_start(d);
	return d;
fail:
	if (!d->tun)
		fd_close(&tun);
	carrier_free(d);
	return NULL;
}

void carrier_free(struct carrier *d)
{
	if (!d)
		return;
	carrier_names_stop(d);
	timer_stop(d->loop, &d->timer);
	while (d->wg && wg_peer_count(d->wg))
		carrier_peer_remove(d, wg_peer_at(d->wg, wg_peer_count(d->wg) - 1));
	wg_device_free(d->wg);
	unwatch_udp(d);
	if (d->inside_watched)
		watch_del(d->loop, &d->inside_watch);
	if (d->tun_watched)
		watch_del(d->loop, &d->tun_watch);
	udp_free(d->udp);
	tun_free(d->tun);
	inside_stop(d->inside);
	vec_free(&d->addresses.base);
	vec_free(&d->routes.base);
	free(d);
}

struct wg_device *carrier_engine(struct carrier *d)
{
	return d->wg;
}

struct inside *carrier_inside(struct carrier *d)
{
	return d->inside;
}

bool carrier_address(const struct carrier *d, size_t i, struct cidr *address)
{
	if (i >= d->addresses.len)
		return false;
	*address = d->addresses.ptr[i];
	return true;
}

const struct rn_error *carrier_failure(const struct carrier *d)
{
	return &d->failure;
}
