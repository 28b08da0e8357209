/* SPDX-License-Identifier: MIT
 *
 * Keeping a tunnel: open it, start it if nobody did, and do so again when it is gone.
 */
#include "agent/agent.h"

#define KEEPER_FIRST_MS 100
#define KEEPER_LONGEST_MS 5000

struct agent_keeper {
	struct loop *loop;
	const struct agent_net *net;
	char rn_wg[AGENT_PATH_MAX];
	char run_dir[AGENT_PATH_MAX];
	agent_keeper_fn *fn;
	void *ctx;
	struct tunnel *tunnel; /* NULL while it is down */
	struct timer retry;
	uint64_t wait_ms; /* before the next try */
	uint64_t up_ms;	  /* since when it is up */
	bool told;	  /* that it is down */
};

/* Each try waits twice as long as the one before, after a tunnel that held from the start. */
static void try_later(struct agent_keeper *k)
{
	timer_start(k->loop, &k->retry, k->wait_ms);
	k->wait_ms = MIN(k->wait_ms * 2, (uint64_t)KEEPER_LONGEST_MS);
}

static void keeper_gone(void *ctx)
{
	struct agent_keeper *k = ctx;
	struct rn_error why;

	rn_fail(&why, RN_EAWAY, "the tunnel %s is gone", k->net->name);
	tunnel_close(k->tunnel);
	k->tunnel = NULL;
	k->told = true;
	if (loop_now_ms(k->loop) - k->up_ms > KEEPER_LONGEST_MS)
		k->wait_ms = KEEPER_FIRST_MS;
	try_later(k);
	k->fn(k->ctx, NULL, &why);
}

static struct tunnel *open_or_start(struct agent_keeper *k, struct rn_error *err)
{
	struct tunnel *t = tunnel_open(k->run_dir, k->net->name, err);
	char bundle[AGENT_PATH_MAX];

	if (t || err->code != RN_EAWAY || agent_net_path(k->net, bundle, "bundle.rn", err))
		return t;
	if (tunnel_start(k->rn_wg, k->run_dir, k->net->name, bundle, err))
		return NULL;
	return tunnel_open(k->run_dir, k->net->name, err);
}

static void keeper_try(struct timer *timer)
{
	struct agent_keeper *k = container_of(timer, struct agent_keeper, retry);
	struct rn_error why = {0};
	struct tunnel *t = open_or_start(k, &why);

	if (t && tunnel_watch(t, k->loop, keeper_gone, k, &why)) {
		tunnel_close(t);
		t = NULL;
	}
	k->tunnel = t;
	if (t) {
		k->told = false;
		k->up_ms = loop_now_ms(k->loop);
		k->fn(k->ctx, t, NULL);
		return;
	}
	try_later(k);
	if (!k->told) {
		k->told = true;
		k->fn(k->ctx, NULL, &why);
	}
}

struct agent_keeper *agent_keeper_new(struct loop *l, const struct agent_net *n, const char *rn_wg,
				      const char *run_dir, agent_keeper_fn *fn, void *ctx,
				      struct rn_error *err)
{
	struct agent_keeper *k = calloc(1, sizeof(*k));

	if (!k || !str_copy(k->rn_wg, sizeof(k->rn_wg), str_from(rn_wg)) ||
	    !str_copy(k->run_dir, sizeof(k->run_dir), str_from(run_dir))) {
		rn_fail(err, RN_EOS, "no memory for a tunnel's keeper");
		free(k);
		return NULL;
	}
	k->loop = l;
	k->net = n;
	k->fn = fn;
	k->ctx = ctx;
	k->wait_ms = KEEPER_FIRST_MS;
	k->retry.fn = keeper_try;
	timer_start(l, &k->retry, 0);
	return k;
}

void agent_keeper_free(struct agent_keeper *k)
{
	if (!k)
		return;
	timer_stop(k->loop, &k->retry);
	if (k->tunnel)
		tunnel_close(k->tunnel);
	free(k);
}
