/* SPDX-License-Identifier: MIT
 *
 * The side thread: whatever might make a worker wait. Tunnels, whose control sockets answer as fast
 * as rn-wg does, and health checks.
 */
#include "proxy/health.h"
#include "proxy/run.h"
#include "tunnel/tunnel.h"

#define RETRY_MS 300

struct tun { /* a tunnel that the config names */
	struct tun *next;
	struct side *side;
	char name[72];
	struct tunnel *tunnel; /* NULL: away */
	unsigned generation;   /* counts its comings; 0 before the first */
	bool wanted;
};

struct side {
	struct proxy *proxy;
	struct loop *loop;
	pthread_t thread;
	struct mailbox mail;
	struct timer retry;
	struct checks *checks;
	pthread_mutex_t lock; /* of the tunnels: main and workers use them too */
	struct tun *tuns;
	struct mail changed;
	_Atomic bool changed_told;
};

/* ---- tunnels --------------------------------------------------------------------------------- */

static void changed_at_main(struct mail *m)
{
	struct side *s = container_of(m, struct side, changed);
	atomic_store(&s->changed_told, false);
	sockets_retry(s->proxy);
}

static void tell_main(struct side *s)
{
	if (!atomic_exchange(&s->changed_told, true))
		mailbox_post(&s->proxy->mail, &s->changed, changed_at_main);
}

static void tun_gone(void *ctx)
{
	struct tun *t = ctx;
	struct side *s = t->side;

	pthread_mutex_lock(&s->lock);
	if (t->tunnel)
		tunnel_close(t->tunnel);
	t->tunnel = NULL;
	pthread_mutex_unlock(&s->lock);
	log_event(LOG_WARN, "tunnel is gone", "tunnel", t->name, NULL);
	tell_main(s);
	timer_start(s->loop, &s->retry, RETRY_MS);
}

/* With the lock held. */
static void tun_open(struct tun *t)
{
	struct side *s = t->side;
	struct rn_error err;

	t->tunnel = tunnel_open(s->proxy->o.run_dir, t->name, &err);
	if (!t->tunnel)
		return;
	if (tunnel_watch(t->tunnel, s->loop, tun_gone, t, &err)) {
		tunnel_close(t->tunnel);
		t->tunnel = NULL;
		return;
	}
	t->generation++;
	tell_main(s);
}

static void side_retry(struct timer *timer)
{
	struct side *s = container_of(timer, struct side, retry);
	bool missing = false;

	pthread_mutex_lock(&s->lock);
	for (struct tun *t = s->tuns; t; t = t->next) {
		if (!t->tunnel && t->wanted)
			tun_open(t);
		missing |= !t->tunnel && t->wanted;
	}
	pthread_mutex_unlock(&s->lock);
	if (missing)
		timer_start(s->loop, &s->retry, RETRY_MS);
}

static struct tun *tun_find(struct side *s, struct str name)
{
	for (struct tun *t = s->tuns; t; t = t->next)
		if (str_is(name, t->name))
			return t;
	return NULL;
}

/* With the lock held. */
static void tun_want(struct side *s, struct str name)
{
	struct tun *t = name.len ? tun_find(s, name) : NULL;
	if (name.len && !t) {
		t = calloc(1, sizeof(*t));
		if (!t || !str_copy(t->name, sizeof(t->name), name)) {
			free(t);
			return;
		}
		t->side = s;
		t->next = s->tuns;
		s->tuns = t;
	}
	if (t)
		t->wanted = true;
}

static int tun_require(struct side *s, struct str via, struct tunnel **out, struct rn_error *err)
{
	struct tun *t = tun_find(s, via);
	if (!t || !t->tunnel)
		return rn_fail(err, RN_EAWAY, "tunnel %.*s is not up", STR_ARG(via));
	*out = t->tunnel;
	return 0;
}

unsigned side_generation(struct side *s, struct str via)
{
	pthread_mutex_lock(&s->lock);
	struct tun *t = tun_find(s, via);
	unsigned generation = t && t->tunnel ? t->generation : 0;
	pthread_mutex_unlock(&s->lock);
	return generation;
}

int side_listen(struct side *s, struct str via, const struct addr *a, bool udp,
		struct rn_error *err)
{
	struct tunnel *t = NULL;
	pthread_mutex_lock(&s->lock);
	int rc = tun_require(s, via, &t, err);
	if (rc == 0)
		rc = udp ? tunnel_udp(t, a, NULL, err) : tunnel_listen(t, a, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int side_udp(struct side *s, struct str via, const struct addr *peer, struct rn_error *err)
{
	struct tunnel *t = NULL;
	pthread_mutex_lock(&s->lock);
	int rc = tun_require(s, via, &t, err);
	if (rc == 0)
		rc = tunnel_udp(t, NULL, peer, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int side_connect(struct side *s, struct str via, const struct addr *a, struct rn_error *err)
{
	struct tunnel *t = NULL;
	pthread_mutex_lock(&s->lock);
	int rc = tun_require(s, via, &t, err);
	if (rc == 0)
		rc = tunnel_connect(t, a, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ---- dials ----------------------------------------------------------------------------------- */

static void dial_serve(struct mail *m)
{
	struct dial *d = container_of(m, struct dial, mail);
	d->generation = side_generation(d->worker->proxy->side, str_from(d->via));
	d->fd = side_connect(d->worker->proxy->side, str_from(d->via), &d->address, &d->err);
	mailbox_post(&d->worker->mail, &d->mail, d->back);
}

void side_dial(struct proxy *p, struct dial *d, mail_fn *back)
{
	d->back = back;
	mailbox_post(&p->side->mail, &d->mail, dial_serve);
}

static int check_dial(void *ctx, const struct target *t, struct rn_error *err)
{
	return side_connect(ctx, t->via, &t->address, err);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct side_order {
	struct mail mail;
	struct side *side;
	struct snapshot *snap; /* NULL: stop */
};

static void want_all(struct side *s, const struct snapshot *snap)
{
	pthread_mutex_lock(&s->lock);
	for (struct tun *t = s->tuns; t; t = t->next)
		t->wanted = false;
	for (size_t i = 0; i < snap->listens.len; i++)
		tun_want(s, snap->listens.ptr[i]->via);
	for (size_t i = 0; i < snap->targets.len; i++)
		tun_want(s, snap->targets.ptr[i]->via);
	pthread_mutex_unlock(&s->lock);
}

static void side_obey(struct mail *m)
{
	struct side_order *o = container_of(m, struct side_order, mail);
	struct side *s = o->side;
	if (o->snap) {
		want_all(s, o->snap);
		side_retry(&s->retry);
		checks_config(s->checks, o->snap);
		snapshot_unref(o->snap);
	} else {
		loop_stop(s->loop);
	}
	free(o);
}

static void side_order(struct side *s, struct snapshot *snap)
{
	struct side_order *o = calloc(1, sizeof(*o));
	rn_assert(o);
	o->side = s;
	o->snap = snap ? snapshot_ref(snap) : NULL;
	mailbox_post(&s->mail, &o->mail, side_obey);
}

void side_config(struct side *s, struct snapshot *snap)
{
	side_order(s, snap);
}

static void *side_main(void *arg)
{
	struct side *s = arg;
	struct rn_error err;
	if (loop_run(s->loop, &err))
		log_write(LOG_ERROR, "side thread: %s", err.text);
	return NULL;
}

static void side_free(struct side *s)
{
	if (s->mail.watch.fd > 0)
		mailbox_close(&s->mail);
	for (struct tun *t = s->tuns, *next; t; t = next) {
		next = t->next;
		if (t->tunnel)
			tunnel_close(t->tunnel);
		free(t);
	}
	if (s->checks)
		checks_free(s->checks);
	if (s->loop)
		loop_free(s->loop);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct side *side_start(struct proxy *p, struct rn_error *err)
{
	struct side *s = calloc(1, sizeof(*s));
	if (!s) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	s->proxy = p;
	s->retry.fn = side_retry;
	pthread_mutex_init(&s->lock, NULL);
	s->loop = loop_new(err);
	if (!s->loop || mailbox_open(&s->mail, s->loop, err)) {
		side_free(s);
		return NULL;
	}
	s->checks = checks_new(s->loop, check_dial, s);
	if (!s->checks || pthread_create(&s->thread, NULL, side_main, s)) {
		rn_fail(err, RN_EOS, "cannot start the side thread");
		side_free(s);
		return NULL;
	}
	return s;
}

void side_stop(struct side *s)
{
	side_order(s, NULL);
	pthread_join(s->thread, NULL);
	side_free(s);
}
