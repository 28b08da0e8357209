/* SPDX-License-Identifier: MIT
 *
 * A worker thread: its loop, its view of the config, its lists.
 */
#include "proxy/worker.h"

#include "proxy/run.h"

void link_init(struct link *head)
{
	head->prev = head->next = head;
}

void link_add(struct link *head, struct link *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

void link_remove(struct link *l)
{
	if (!l->next)
		return;
	l->prev->next = l->next;
	l->next->prev = l->prev;
	l->prev = l->next = NULL;
}

struct view *view_ref(struct view *v)
{
	v->refs++;
	return v;
}

void view_unref(struct view *v)
{
	if (!v || --v->refs)
		return;
	snapshot_unref(v->snap);
	free(v);
}

struct view *view_new(struct snapshot *s)
{
	struct view *v = calloc(1, sizeof(*v) + s->targets.len * sizeof(v->weight[0]));
	if (!v)
		return NULL;
	v->snap = snapshot_ref(s);
	v->refs = 1;
	return v;
}

/* ---- access records -----------------------------------------------------------------------------
 */

/* Records wait a little, so that main is woken for many at once. */
#define ACCESS_FLUSH_MS 20

static void access_due(struct timer *timer)
{
	struct worker *w = container_of(timer, struct worker, access_timer);
	proxy_access_ready(w->proxy);
}

void worker_access_put(struct worker *w)
{
	if (access_ring_put(&w->ring)) {
		timer_stop(w->loop, &w->access_timer);
		proxy_access_ready(w->proxy);
	} else if (!w->access_timer.at_ms)
		timer_start(w->loop, &w->access_timer, ACCESS_FLUSH_MS);
}

/* ---- life ------------------------------------------------------------------------------------ */

int worker_init(struct worker *w, struct proxy *p, unsigned index, struct rn_error *err)
{
	*w = (struct worker){.proxy = p, .index = index, .cgi_fd = w->cgi_fd};
	link_init(&w->conns);
	link_init(&w->waiting);
	link_init(&w->relays);
	link_init(&w->listeners);
	random_bytes(w->id_next, sizeof(w->id_next));
	w->access_timer.fn = access_due;
	if (!access_ring_init(&w->ring))
		return rn_fail(err, RN_EOS, "out of memory");
	w->loop = loop_new(err);
	if (!w->loop)
		return err->code;
	return mailbox_open(&w->mail, w->loop, err);
}

void worker_free(struct worker *w)
{
	if (w->mail.watch.fd > 0)
		mailbox_close(&w->mail);
	view_unref(w->view);
	txns_free(w);
	block_pool_free(&w->blocks);
	if (w->loop)
		loop_free(w->loop);
	access_ring_free(&w->ring);
	fd_close(&w->cgi_fd);
}

void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct rn_error err;
	if (loop_run(w->loop, &err))
		log_write(LOG_ERROR, "worker %u: %s", w->index, err.text);
	listeners_close(w);
	conns_close(w);
	tcps_close(w);
	ups_close(w, false);
	return NULL;
}

/* Called while draining, when the last connection has ended. */
void worker_check_drained(struct worker *w)
{
	if (w->draining && atomic_load(&w->open) == 0)
		loop_stop(w->loop);
}

void worker_opened(struct worker *w)
{
	atomic_fetch_add_explicit(&w->open, 1, memory_order_relaxed);
}

void worker_closed(struct worker *w)
{
	atomic_fetch_sub_explicit(&w->open, 1, memory_order_relaxed);
	worker_check_drained(w);
}

/* ---- orders from main ------------------------------------------------------------------------ */

static void order_apply(struct mail *m)
{
	struct order *o = container_of(m, struct order, mail);
	struct worker *w = o->worker;

	if (o->view) {
		view_unref(w->view);
		w->view = o->view;
	}
	if (o->tunnels) {
		ups_close(w, true);
		conns_cut_gone(w);
		tcps_cut_gone(w);
	}
	for (size_t i = 0; i < o->closes.len; i++)
		listeners_close_named(w, o->closes.ptr[i]);
	for (size_t i = 0; i < o->opens.len; i++) {
		struct order_open *open = &o->opens.ptr[i];
		if (!listener_open(w, open->name, open->fd, open->udp, open->count))
			log_event(LOG_ERROR,
				  "a listener cannot be watched: no memory or descriptors", NULL);
	}
	if (o->drain && !w->draining) {
		w->draining = true;
		listeners_close(w);
		conns_drain(w);
		worker_check_drained(w);
	}
	if (o->stop)
		loop_stop(w->loop);
	order_done(o);
}

void worker_order(struct worker *w, struct order *o)
{
	o->worker = w;
	mailbox_post(&w->mail, &o->mail, order_apply);
}
