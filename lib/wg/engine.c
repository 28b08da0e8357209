/* SPDX-License-Identifier: MIT */
#include "wg/engine_impl.h"

#include <sys/epoll.h>

void engine_init(struct engine *e, const struct engine_ops *ops, struct loop *l, enum inside_mode mode,
		 const char *name)
{
	e->ops = ops;
	e->loop = l;
	e->mode = mode;
	e->manage_routes = mode == INSIDE_PRIVATE;
	e->mtu = WG_MTU_DEFAULT;
	(void)str_copy(e->name, sizeof(e->name), str_from(name));
}

void engine_fail(struct engine *e)
{
	loop_stop(e->loop);
}

static void inside_event(struct watch *w, uint32_t events)
{
	struct engine *e = container_of(w, struct engine, inside_watch);
	(void)events;
	if (!e->failure.code)
		rn_fail(&e->failure, RN_EOS, "the process inside the tunnel is gone");
	engine_fail(e);
}

int engine_watch_inside(struct engine *e, struct rn_error *err)
{
	e->inside_watch =
		(struct watch){.fd = inside_fd(e->inside), .events = EPOLLIN, .fn = inside_event};
	if (e->inside_watch.fd < 0)
		return 0;
	int code = watch_add(e->loop, &e->inside_watch, err);
	e->inside_watched = !code;
	return code;
}

void engine_done(struct engine *e)
{
	engine_names_stop(e);
	while (e->peers.len) {
		const struct engine_peer *p = e->peers.entries[e->peers.len - 1].value;
		engine_peer_forget(e, p->key);
	}
	map_free(&e->peers);
	if (e->inside_watched)
		watch_del(e->loop, &e->inside_watch);
	inside_stop(e->inside);
	vec_free(&e->addresses.base);
	vec_free(&e->routes.base);
	free(e->dns);
	free(e->search);
}

/* ---- the face ----------------------------------------------------------------------------------- */

int engine_apply(struct engine *e, const struct wg_config *c, struct rn_error *err)
{
	int code = e->ops->apply(e, c, err);
	if (!code && (c->dns || c->exact))
		code = engine_set_text(&e->dns, c->dns, err);
	if (!code && (c->search || c->exact))
		code = engine_set_text(&e->search, c->search, err);
	return code;
}

int engine_probe(struct engine *e, const uint8_t key[static WG_KEY_LEN], struct rn_error *err)
{
	struct wg_peer_info info;
	if (!e->ops->peer_info(e, key, &info))
		return rn_fail(err, RN_ENO, "no such peer");
	if (!e->ops->peer_connect)
		return rn_fail(err, RN_ENO, "engine %s begins handshakes by itself only", e->ops->name);
	e->ops->peer_connect(e, key);
	return 0;
}

struct inside *engine_inside(struct engine *e)
{
	return e->inside;
}

bool engine_address(const struct engine *e, size_t i, struct cidr *address)
{
	if (i >= e->addresses.len)
		return false;
	*address = e->addresses.ptr[i];
	return true;
}

void engine_set_why(struct engine *e, const char *why)
{
	e->why = why;
}

const struct rn_error *engine_failure(const struct engine *e)
{
	return &e->failure;
}

void engine_free(struct engine *e)
{
	if (e)
		e->ops->free(e);
}
