/* SPDX-License-Identifier: MIT
 *
 * UDP listeners: policy when a visitor's first datagram comes, then a flow (lib/net).
 */
#include "proxy/run.h"

#include <unistd.h>

#define FLOWS_MAX 4096
#define FLOW_IDLE_MS 60000
#define REFUSED_PER_S 20 /* records of datagrams that were let in nowhere: senders may be made up */

struct udp_flow { /* what its record needs */
	struct view *view;
	struct target *target;
	struct policy_decision decision;
	uint64_t began_ms;
	int64_t began_at;
};

static int udp_socket(struct worker *w, const struct target *t, struct rn_error *err)
{
	if (t->kind != TARGET_IP)
		return rn_fail(err, RN_ECONFIG, "target %.*s cannot take datagrams",
			       STR_ARG(t->name));
	if (t->via.len)
		return side_udp(w->proxy->side, t->via, &t->address, err);
	int fd = socket(t->address.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return rn_fail_errno(err, RN_EOS, "socket");
	if (connect(fd, &t->address.sa, addr_len(&t->address)) < 0) {
		rn_fail_errno(err, RN_EAWAY, "connect");
		close(fd);
		return err->code;
	}
	return fd;
}

static void udp_note(struct listener *l, const struct addr *client, const struct udp_flow *f,
		     const struct flow_stat *stat, const char *why)
{
	const struct listen_conf *conf = snapshot_listen(f->view->snap, l->name);
	flow_record(l->worker, &(struct flow_note){.snap = f->view->snap,
						   .listener = l->name,
						   .resource = conf ? conf->resource : NULL,
						   .target = f->target,
						   .peer = client,
						   .via = conf && conf->via.len,
						   .decision = f->decision,
						   .began_ms = f->began_ms,
						   .began_at = f->began_at,
						   .bytes_in = stat ? stat->to_upstream_bytes : 0,
						   .bytes_out = stat ? stat->to_client_bytes : 0,
						   .why = why});
}

/* A refused client has no flow, so each of its datagrams comes here: not each gets a record. */
static void udp_note_refusal(struct listener *l, const struct addr *client, const struct udp_flow *f,
			     const char *why)
{
	if (f->began_ms - l->refused_ms >= 1000) {
		l->refused_ms = f->began_ms;
		l->refused = 0;
	}
	if (l->refused++ < REFUSED_PER_S)
		udp_note(l, client, f, NULL, why);
}

static int udp_flow_open(void *ctx, const struct addr *client, void **flow_ctx)
{
	struct listener *l = ctx;
	const struct listen_conf *conf = listener_conf(l);
	struct worker *w = l->worker;
	struct rn_error err = {.text = "no target is up"};
	int fd = RN_EPERM;

	if (!conf)
		return RN_EPERM;
	struct udp_flow f = {.view = w->view,
			     .began_ms = loop_now_ms(w->loop),
			     .began_at = clock_wall_ms(),
			     .decision = flow_decide(w->view->snap, conf, client)};
	if (f.decision.allow && (f.target = balance_pick(w->view, conf->resource, 0)))
		fd = udp_socket(w, f.target, &err);
	struct udp_flow *kept = fd >= 0 ? malloc(sizeof(*kept)) : NULL;
	if (!kept) {
		if (fd >= 0)
			close(fd);
		udp_note_refusal(l, client, &f, f.decision.allow ? err.text : f.decision.reason);
		return RN_EPERM;
	}
	*kept = f;
	kept->view = view_ref(w->view);
	*flow_ctx = kept;
	atomic_fetch_add_explicit(&l->count->accepted, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&l->count->open, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&f.target->state->slots[w->index].requests, 1,
				  memory_order_relaxed);
	return fd;
}

static void udp_flow_end(void *ctx, const struct addr *client, const struct flow_stat *stat,
			 enum rn_err why, void *flow_ctx)
{
	struct listener *l = ctx;
	struct udp_flow *f = flow_ctx;
	if (!f)
		return;
	atomic_fetch_sub_explicit(&l->count->open, 1, memory_order_relaxed);
	udp_note(l, client, f, stat, why == RN_EAWAY ? "the target refused" : "");
	view_unref(f->view);
	free(f);
}

struct flows *udp_start(struct listener *l, int fd, struct rn_error *err)
{
	struct flows_conf conf = {.listener = fd,
				  .max = FLOWS_MAX,
				  .idle_ms = FLOW_IDLE_MS,
				  .open = udp_flow_open,
				  .end = udp_flow_end,
				  .ctx = l};
	return flows_start(l->worker->loop, &conf, err);
}
