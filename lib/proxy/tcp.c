/* SPDX-License-Identifier: MIT
 *
 * TCP listeners: policy by address and device before any byte, a target, then a relay (lib/net).
 */
#include "proxy/run.h"

struct tcp { /* one relayed connection */
	struct link link;
	struct worker *worker;
	struct view *view;
	struct resource *resource;
	struct target *target;
	struct listen_count *count;
	struct up *up; /* while connecting */
	struct relay *relay;
	int client;
	uint8_t tried, tries;
	struct policy_decision decision;
	uint64_t began_ms;
	int64_t began_at;
	struct addr peer;
	struct str listener; /* own copy behind the struct */
	char why[96];
	unsigned generation; /* of the tunnel that it goes through; 0: through none */
};

/* ---- records --------------------------------------------------------------------------------- */

void flow_record(struct worker *w, const struct flow_note *n)
{
	struct buf *b = &w->ring.line;
	char client[ADDR_TEXT_MAX], id[27];
	const struct device *d = n->via ? snapshot_device(n->snap, n->peer) : NULL;

	addr_format_ip(n->peer, client);
	access_id(id, n->began_at, w->id_next);
	rec_begin(b, "access", str_from(id));
	rec_add_u64(b, "at", (uint64_t)n->began_at / 1000);
	rec_add(b, "listener", n->listener);
	rec_add_cstr(b, "client", client);
	if (n->resource)
		rec_add(b, "resource", n->resource->name);
	if (n->target)
		rec_add(b, "target", n->target->name);
	if (d)
		rec_add(b, "device", d->name);
	rec_add_u64(b, "bytes_in", n->bytes_in);
	rec_add_u64(b, "bytes_out", n->bytes_out);
	rec_add_u64(b, "ms", loop_now_ms(w->loop) - n->began_ms);
	rec_add_cstr(b, "decision", n->decision.allow ? "allow" : "deny");
	if (n->decision.policy.len)
		rec_add(b, "policy", n->decision.policy);
	if (n->why && n->why[0])
		rec_add_cstr(b, "why", n->why);
	rec_end(b);
	worker_access_put(w);
}

struct policy_decision flow_decide(const struct snapshot *s, const struct listen_conf *l,
				   const struct addr *peer)
{
	struct policy_facts f = POLICY_NOBODY;
	const struct device *d = l->via.len ? snapshot_device(s, peer) : NULL;

	if (!l->resource)
		return (struct policy_decision){.reason = "the listener has no resource"};
	f.address = peer;
	f.now_s = clock_wall_s();
	if (d) {
		f.device = d->name;
		f.user = d->user;
		f.groups = d->groups;
	}
	return policy_decide(s->policy, &f, l->resource->name, STR("connect"));
}

static void tcp_record(struct tcp *t, const struct relay_stat *stat)
{
	const struct listen_conf *l = snapshot_listen(t->view->snap, t->listener);
	flow_record(t->worker, &(struct flow_note){.snap = t->view->snap,
						   .listener = t->listener,
						   .resource = t->resource,
						   .target = t->target,
						   .peer = &t->peer,
						   .via = l && l->via.len,
						   .decision = t->decision,
						   .began_ms = t->began_ms,
						   .began_at = t->began_at,
						   .bytes_in = stat ? stat->a_to_b_bytes : 0,
						   .bytes_out = stat ? stat->b_to_a_bytes : 0,
						   .why = t->why});
}

/* ---- life ------------------------------------------------------------------------------------ */

static void tcp_end(struct tcp *t, const struct relay_stat *stat)
{
	struct worker *w = t->worker;
	struct target_slot *slot = t->relay ? &t->target->state->slots[w->index] : NULL;

	if (slot)
		atomic_fetch_sub_explicit(&slot->active, 1, memory_order_relaxed);
	tcp_record(t, stat);
	up_close(t->up);
	fd_close(&t->client);
	link_remove(&t->link);
	atomic_fetch_sub_explicit(&t->count->open, 1, memory_order_relaxed);
	view_unref(t->view);
	free(t);
	worker_closed(w);
}

static void tcp_fail(struct tcp *t, const char *why)
{
	if (!t->why[0])
		str_copy(t->why, sizeof(t->why), str_slice(str_from(why), 0, sizeof(t->why) - 1));
	tcp_end(t, NULL);
}

static void tcp_relayed(void *ctx, const struct relay_stat *stat, enum rn_err why)
{
	struct tcp *t = ctx;
	if (why)
		str_copy(t->why, sizeof(t->why),
			 why == RN_EAGAIN ? STR("nothing moved in time")
					  : STR("a side was cut off"));
	tcp_end(t, stat);
}

static void tcp_try(struct tcp *t);

static void tcp_up_done(void *owner, struct up *up, const char *why)
{
	struct tcp *t = owner;
	struct rn_error err;

	t->up = NULL;
	if (why) {
		str_copy(t->why, sizeof(t->why), str_slice(str_from(why), 0, sizeof(t->why) - 1));
		t->tried |= balance_bit(t->resource, t->target);
		t->tries++;
		tcp_try(t);
		return;
	}
	t->why[0] = 0;
	t->generation = up->generation;
	int fd = up_detach(up), client = t->client;
	t->client = -1;
	t->relay = relay_start(t->worker->loop, client, fd, t->resource->flow_ms, tcp_relayed, t,
			       &err);
	if (!t->relay) {
		tcp_fail(t, err.text);
		return;
	}
	atomic_fetch_add_explicit(&t->target->state->slots[t->worker->index].active, 1,
				  memory_order_relaxed);
}

static void tcp_try(struct tcp *t)
{
	t->target = t->tries < 3 ? balance_pick(t->view, t->resource, t->tried) : NULL;
	if (!t->target || t->target->kind == TARGET_CGI || t->target->tls) {
		t->target = NULL;
		tcp_fail(t, "no target is up");
		return;
	}
	t->up = up_dial(t->worker, t->target, t->resource->connect_ms, tcp_up_done, t);
	if (!t->up)
		tcp_fail(t, "out of memory");
}

void sock_accept(struct listener *l, int fd, const struct addr *peer)
{
	struct worker *w = l->worker;
	const struct listen_conf *conf = listener_conf(l);
	struct tcp *t = calloc(1, sizeof(*t) + l->name.len);

	if (!t) {
		fd_close(&fd);
		return;
	}
	memcpy(t + 1, l->name.ptr, l->name.len);
	t->listener = str_make(t + 1, l->name.len);
	t->worker = w;
	t->view = view_ref(w->view);
	t->client = fd;
	t->peer = *peer;
	t->count = l->count;
	t->resource = conf->resource;
	t->began_ms = loop_now_ms(w->loop);
	t->began_at = clock_wall_ms();
	link_add(&w->relays, &t->link);
	worker_opened(w);
	atomic_fetch_add_explicit(&t->count->open, 1, memory_order_relaxed);
	t->decision = flow_decide(t->view->snap, conf, peer);
	if (t->decision.allow)
		tcp_try(t);
	else
		tcp_fail(t, t->decision.reason);
}

/* As when the proxy stops: the visitor sees a reset. */
static void tcp_cut(struct tcp *t, const char *why)
{
	const struct relay_stat stat = t->relay ? *relay_stat(t->relay) : (struct relay_stat){0};

	if (t->relay)
		relay_cancel(t->relay);
	str_copy(t->why, sizeof(t->why), str_from(why));
	tcp_end(t, &stat);
}

void tcps_cut_gone(struct worker *w)
{
	for (struct link *l = w->relays.next, *next; l != &w->relays; l = next) {
		struct tcp *t = container_of(l, struct tcp, link);

		next = l->next;
		if (t->relay && t->generation &&
		    t->generation != side_generation(w->proxy->side, t->target->via))
			tcp_cut(t, "the tunnel is gone");
	}
}

void tcps_close(struct worker *w)
{
	while (w->relays.next != &w->relays)
		tcp_cut(container_of(w->relays.next, struct tcp, link), "stopped");
}
