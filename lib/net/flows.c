/* SPDX-License-Identifier: MIT
 *
 * UDP flows: the datagrams of each client of a listening socket go to an upstream socket of its
 * own, and what comes back there goes to that client. Datagrams are read and sent in batches.
 */
#include "net/net.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FLOW_BATCH 16
#define FLOW_DATAGRAM 65536
#define FLOW_SAMPLE 16
#define FLOW_QUIET_MS 2000
#define FLOW_VAIN_MS 200
#define FLOW_ROUNDS 8 /* batches from one socket before others have their turn */

struct flow_key {
	uint8_t ip[16];
	uint16_t port, unused;
	uint32_t scope;
};

struct flow {
	struct flows *owner;
	struct flow_key key;
	struct addr client;
	struct watch upstream;
	struct timer idle;
	uint64_t last_ms;
	struct flow_stat stat;
	void *ctx;
};

struct flows {
	struct loop *loop;
	struct flows_conf conf;
	struct watch listener;
	struct map by_client;
	uint64_t refused;
	size_t evict_at;
	/* One batch of datagrams in hand. */
	struct mmsghdr msgs[FLOW_BATCH];
	struct iovec iov[FLOW_BATCH];
	struct addr from[FLOW_BATCH];
	char *space; /* FLOW_BATCH * FLOW_DATAGRAM; pages that no datagram reached are never touched
		      */
};

static struct str key_str(const struct flow_key *k)
{
	return str_make(k, sizeof(*k));
}

static struct flow_key key_of(const struct addr *a)
{
	struct flow_key k = {.port = addr_port(a)};

	addr_ip16(a, k.ip);
	if (a->sa.sa_family == AF_INET6)
		k.scope = a->in6.sin6_scope_id;
	return k;
}

static void flow_end(struct flow *f, enum rn_err why)
{
	struct flows *fs = f->owner;

	map_remove(&fs->by_client, key_str(&f->key));
	timer_stop(fs->loop, &f->idle);
	watch_del(fs->loop, &f->upstream);
	fd_close(&f->upstream.fd);
	if (fs->conf.end)
		fs->conf.end(fs->conf.ctx, &f->client, &f->stat, why, f->ctx);
	free(f);
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Reads datagrams into the batch: their number, or -1 and errno. */
static int batch_recv(struct flows *fs, int fd)
{
	int n;

	for (size_t i = 0; i < FLOW_BATCH; i++) {
		fs->iov[i] = (struct iovec){fs->space + i * FLOW_DATAGRAM, FLOW_DATAGRAM};
		fs->msgs[i].msg_hdr = (struct msghdr){.msg_name = &fs->from[i],
						      .msg_namelen = sizeof(fs->from[i]),
						      .msg_iov = &fs->iov[i],
						      .msg_iovlen = 1};
	}
	do
		n = recvmmsg(fd, fs->msgs, FLOW_BATCH, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	for (int i = 0; i < n; i++)
		fs->iov[i].iov_len = fs->msgs[i].msg_len;
	return n;
}

/* Sends the datagrams [FROM, TO) of the batch, to TO_ADDR or where FD is connected to. One that
 * cannot be sent is dropped. */
static void batch_send(struct flows *fs, int fd, int from, int to, struct addr *to_addr)
{
	for (int i = from; i < to; i++) {
		fs->msgs[i].msg_hdr.msg_name = to_addr;
		fs->msgs[i].msg_hdr.msg_namelen = to_addr ? addr_len(to_addr) : 0;
	}
	while (from < to) {
		int n = sendmmsg(fd, fs->msgs + from, (unsigned)(to - from), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		from += n > 0 ? n : 1;
	}
}

static uint64_t batch_bytes(const struct flows *fs, int from, int to)
{
	uint64_t sum = 0;

	for (int i = from; i < to; i++)
		sum += fs->iov[i].iov_len;
	return sum;
}

/* ---- upstream to client ---------------------------------------------------------------------- */

static void upstream_event(struct watch *w, uint32_t events)
{
	struct flow *f = container_of(w, struct flow, upstream);
	struct flows *fs = f->owner;

	(void)events;
	for (int round = 0; round < FLOW_ROUNDS; round++) {
		int n = batch_recv(fs, w->fd);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) { /* ICMP: nobody there */
			flow_end(f, RN_EAWAY);
			return;
		}
		f->last_ms = loop_now_ms(fs->loop);
		f->stat.to_client_packets += (uint64_t)n;
		f->stat.to_client_bytes += batch_bytes(fs, 0, n);
		batch_send(fs, fs->listener.fd, 0, n, &f->client);
		if (n < FLOW_BATCH)
			return;
	}
}

static void flow_idle(struct timer *t)
{
	struct flow *f = container_of(t, struct flow, idle);
	uint64_t idle_ms = f->owner->conf.idle_ms;
	uint64_t quiet = loop_now_ms(f->owner->loop) - f->last_ms;

	if (quiet < idle_ms)
		timer_start(f->owner->loop, t, idle_ms - quiet);
	else
		flow_end(f, RN_EAGAIN);
}

/* Which of two flows may rather go: one that was never answered, as those of made-up addresses are,
 * else the one that was quiet for longer. */
static bool goes_before(const struct flow *a, const struct flow *b)
{
	bool a_vain = a->stat.to_client_packets == 0, b_vain = b->stat.to_client_packets == 0;

	return a_vain != b_vain ? a_vain : a->last_ms < b->last_ms;
}

/* Makes room for a new client: the worst of the next few flows of the table goes. But only if it has
 * been quiet for a while, so that a flood of new clients does not wash away those that talk; who was
 * never answered has less time. False: all of these talk. */
static bool flow_evict(struct flows *fs)
{
	size_t len = fs->by_client.len;
	struct flow *worst = NULL;
	uint64_t quiet_ms;

	for (size_t i = 0; i < FLOW_SAMPLE; i++) {
		struct flow *f = fs->by_client.entries[fs->evict_at++ % len].value;

		if (!worst || goes_before(f, worst))
			worst = f;
	}
	quiet_ms = worst->stat.to_client_packets ? FLOW_QUIET_MS : FLOW_VAIN_MS;
	if (loop_now_ms(fs->loop) - worst->last_ms < quiet_ms)
		return false;
	flow_end(worst, RN_EAGAIN);
	return true;
}

static struct flow *flow_new(struct flows *fs, const struct addr *client)
{
	struct rn_error err;
	struct flow *f;

	if (fs->by_client.len >= fs->conf.max && !flow_evict(fs))
		return NULL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->owner = fs;
	f->client = *client;
	f->key = key_of(client);
	f->idle.fn = flow_idle;
	f->upstream = (struct watch){.events = EPOLLIN, .fn = upstream_event};
	f->upstream.fd = fs->conf.open(fs->conf.ctx, client, &f->ctx);
	if (f->upstream.fd < 0) {
		free(f);
		return NULL;
	}
	if (watch_add(fs->loop, &f->upstream, &err) == 0) {
		if (map_set(&fs->by_client, key_str(&f->key), f)) {
			timer_start(fs->loop, &f->idle, fs->conf.idle_ms);
			return f;
		}
	}
	flow_end(f, RN_EOS);
	return NULL;
}

/* ---- client to upstream ---------------------------------------------------------------------- */

/* How many datagrams from FIRST on come from the same client. */
static int run_of_client(const struct flows *fs, int first, int n)
{
	int i = first + 1;

	while (i < n && addr_eq(&fs->from[i], &fs->from[first]))
		i++;
	return i - first;
}

static void send_upstream(struct flows *fs, int first, int n)
{
	struct flow_key key = key_of(&fs->from[first]);
	struct flow *f = map_get(&fs->by_client, key_str(&key));

	if (!f)
		f = flow_new(fs, &fs->from[first]);
	if (!f) {
		fs->refused += (uint64_t)n;
		return;
	}
	f->last_ms = loop_now_ms(fs->loop);
	f->stat.to_upstream_packets += (uint64_t)n;
	f->stat.to_upstream_bytes += batch_bytes(fs, first, first + n);
	batch_send(fs, f->upstream.fd, first, first + n, NULL);
}

static void listener_event(struct watch *w, uint32_t events)
{
	struct flows *fs = container_of(w, struct flows, listener);

	(void)events;
	for (int round = 0; round < FLOW_ROUNDS; round++) {
		int n = batch_recv(fs, w->fd);
		int run;

		for (int i = 0; i < n; i += run) {
			run = run_of_client(fs, i, n);
			send_upstream(fs, i, run);
		}
		if (n < FLOW_BATCH)
			return;
	}
}

/* ---- face ------------------------------------------------------------------------------------ */

struct flows *flows_start(struct loop *l, const struct flows_conf *conf, struct rn_error *err)
{
	struct flows *fs = calloc(1, sizeof(*fs));

	if (fs)
		fs->space = malloc((size_t)FLOW_BATCH * FLOW_DATAGRAM);
	if (!fs || !fs->space) {
		rn_fail(err, RN_EOS, "no memory for udp flows");
		goto fail;
	}
	fs->loop = l;
	fs->conf = *conf;
	fs->listener =
		(struct watch){.fd = conf->listener, .events = EPOLLIN, .fn = listener_event};
	if (watch_add(l, &fs->listener, err) == 0)
		return fs;
fail:
	if (fs)
		free(fs->space);
	free(fs);
	return NULL;
}

void flows_stop(struct flows *fs)
{
	if (!fs)
		return;
	while (fs->by_client.len)
		flow_end(fs->by_client.entries[fs->by_client.len - 1].value, RN_OK);
	watch_del(fs->loop, &fs->listener);
	fd_close(&fs->listener.fd);
	map_free(&fs->by_client);
	free(fs->space);
	free(fs);
}

size_t flows_count(const struct flows *fs)
{
	return fs->by_client.len;
}

uint64_t flows_refused(const struct flows *fs)
{
	return fs->refused;
}
