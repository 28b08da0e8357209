/* SPDX-License-Identifier: MIT */
#include "wg/via.h"

#include "wg/engine_impl.h"

#define LOOK_MS 500

struct via_peer {
	uint8_t key[WG_KEY_LEN];
	struct addr direct;    /* its own endpoint, when it was last there */
	uint64_t handshake_ns; /* the last one */
	uint32_t initiations;  /* sent, up to then */
	uint64_t waiting_ms;   /* since when an answer is waited for; 0: none is */
	uint64_t tried_ms;     /* when DIRECT was last tried from the other way */
};

struct via {
	struct loop *loop;
	struct engine *engine;
	struct via_conf conf;
	struct timer timer;
	struct map peers; /* by key, to struct via_peer */
};

static struct via_peer *find_or_add(struct via *v, const uint8_t key[static WG_KEY_LEN])
{
	struct via_peer *p = map_get(&v->peers, str_make(key, WG_KEY_LEN));
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	memcpy(p->key, key, WG_KEY_LEN);
	if (map_set(&v->peers, str_make(p->key, WG_KEY_LEN), p))
		return p;
	free(p);
	return NULL;
}

static void move(struct via *v, struct via_peer *p, const struct addr *to, const char *how)
{
	char key[BASE64_SIZE(WG_KEY_LEN)], text[ADDR_TEXT_MAX];
	base64_encode(key, p->key, WG_KEY_LEN, BASE64_STD);
	addr_format(to, text);
	log_event(LOG_INFO, how, "peer", key, "endpoint", text, (char *)NULL);
	v->engine->ops->peer_endpoint(v->engine, p->key, to);
	p->waiting_ms = 0;
	p->tried_ms = loop_now_ms(v->loop);
}

/* Since when handshakes with the peer are without an answer, in p->waiting_ms. */
static void see(struct via_peer *p, const struct wg_peer_info *info, uint64_t now_ms)
{
	if (info->last_handshake_ns != p->handshake_ns) {
		p->handshake_ns = info->last_handshake_ns;
		p->initiations = info->initiations_sent;
		p->waiting_ms = 0;
	}
	if (info->initiations_sent > p->initiations && !p->waiting_ms)
		p->waiting_ms = now_ms;
}

static void look_at(struct via *v, const uint8_t key[static WG_KEY_LEN])
{
	struct wg_peer_info info;
	uint64_t now = loop_now_ms(v->loop), after = v->conf.after_s * 1000ULL;
	struct via_peer *p = find_or_add(v, key);
	if (!p || !v->engine->ops->peer_info(v->engine, key, &info) ||
	    !info.endpoint.to.sa.sa_family)
		return;
	bool away = addr_eq(&info.endpoint.to, &v->conf.local);
	see(p, &info, now);
	bool in_vain = p->waiting_ms && now - p->waiting_ms >= after;
	if (!away) {
		p->direct = info.endpoint.to;
		if (in_vain)
			move(v, p, &v->conf.local, "UDP gets no answer: trying the other way");
		return;
	}
	if (in_vain && p->direct.sa.sa_family) {
		move(v, p, &p->direct, "no answer by the other way either: back to UDP");
	} else if (p->direct.sa.sa_family && now - p->tried_ms >= v->conf.retry_s * 1000ULL) {
		p->tried_ms = now;
		v->engine->ops->peer_try(v->engine, key, &p->direct);
	}
}

/* Peers that went. */
static void forget_others(struct via *v)
{
	for (size_t i = v->peers.len; i-- > 0;) {
		struct via_peer *p = v->peers.entries[i].value;
		if (engine_peer_find(v->engine, p->key))
			continue;
		map_remove(&v->peers, str_make(p->key, WG_KEY_LEN));
		free(p);
	}
}

static void look(struct timer *t)
{
	struct via *v = container_of(t, struct via, timer);
	for (size_t i = 0; i < v->engine->peers.len; i++) {
		const struct engine_peer *own = v->engine->peers.entries[i].value;
		if (own->endpoint)
			look_at(v, own->key);
	}
	forget_others(v);
	timer_start(v->loop, &v->timer, LOOK_MS);
}

struct via *via_new(struct loop *l, struct engine *e, const struct via_conf *conf,
		    struct rn_error *err)
{
	if (!e->ops->peer_try) {
		rn_fail(err, RN_EUSAGE, "--via needs the user engine");
		return NULL;
	}
	struct via *v = calloc(1, sizeof(*v));
	if (!v) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	*v = (struct via){.loop = l, .engine = e, .conf = *conf, .timer = {.fn = look}};
	timer_start(l, &v->timer, LOOK_MS);
	return v;
}

void via_free(struct via *v)
{
	if (!v)
		return;
	timer_stop(v->loop, &v->timer);
	while (v->peers.len) {
		struct via_peer *p = v->peers.entries[v->peers.len - 1].value;
		map_remove(&v->peers, str_make(p->key, WG_KEY_LEN));
		free(p);
	}
	map_free(&v->peers);
	free(v);
}
