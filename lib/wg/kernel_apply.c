/* SPDX-License-Identifier: MIT
 *
 * Making the kernel's device what a struct wg_config wants: look, tell the difference, say it.
 */
#include "wg/kernel_impl.h"

#include <errno.h>

static int send_message(void *ctx, struct nlmsghdr *h, struct rn_error *err)
{
	struct kernel *k = ctx;
	return genl_talk(k->genl, h, NULL, NULL, err);
}

int kernel_say(struct kernel *k, const struct wg_config *delta, struct rn_error *err)
{
	const struct kernel_writer writer = {.family = genl_family(k->genl),
					     .ifindex = k->ifindex,
					     .cap = KERNEL_MESSAGE_MAX,
					     .send = send_message,
					     .ctx = k};
	return kernel_write(&writer, delta, err);
}

static int port_taken(uint16_t port, struct rn_error *err)
{
	return rn_fail(err, RN_EAWAY, "UDP port %u is in use", port);
}

/* The device's own part, and peers that go. */
static int apply_device(struct kernel *k, struct kernel_diff *d, struct rn_error *err)
{
	int code = kernel_diff_device(d, err);
	if (!code)
		code = kernel_say(k, d->delta, err);
	kernel_unsee(k);
	if (code && err->sys == EADDRINUSE && d->delta->has_listen_port)
		return port_taken(d->want->listen_port, err);
	if (!code && d->delta->has_private_key)
		engine_peer_forget(&k->base, d->own_key);
	for (size_t i = 0; i < d->delta->peers.len && !code; i++)
		engine_peer_forget(&k->base, d->delta->peers.ptr[i].public_key);
	return code;
}

/* The port is bound when the device goes up. */
static int apply_up(struct kernel *k, const struct wg_config *c, struct rn_error *err)
{
	if (!engine_wants_up(&k->base, c))
		return 0;
	int code = engine_up(&k->base, c, err);
	return code && err->sys == EADDRINUSE ? port_taken(c->listen_port, err) : code;
}

/* What is known of peers that are gone, or were when somebody else took them away, holds no more. */
static void forget_gone(struct kernel *k, const struct wg_config *c)
{
	for (size_t i = 0; i < c->peers.len; i++)
		if (c->peers.ptr[i].remove || !kernel_state_find(&k->state, c->peers.ptr[i].public_key))
			engine_peer_forget(&k->base, c->peers.ptr[i].public_key);
	for (size_t i = k->base.peers.len; c->replace_peers && i-- > 0;) {
		const struct engine_peer *own = k->base.peers.entries[i].value;
		if (!kernel_state_find(&k->state, own->key))
			engine_peer_forget(&k->base, own->key);
	}
}

static int apply_peer(struct kernel *k, struct kernel_diff *d, const struct wg_peer_config *p,
		      struct rn_error *err)
{
	char key[BASE64_SIZE(WG_KEY_LEN)];
	struct addr a;
	bool set = false;
	int code = 0;
	if (!p->remove && !(p->update_only && !kernel_state_find(&k->state, p->public_key)))
		code = engine_peer_apply(&k->base, p, d->want->exact, &set, &a, err);
	if (!code)
		code = kernel_diff_peer(d, p, set ? p->endpoint : NULL, err);
	base64_encode(key, p->public_key, WG_KEY_LEN, BASE64_STD);
	return code ? rn_fail_in(err, "peer=%s", key) : 0;
}

static int apply_peers(struct kernel *k, struct kernel_diff *d, struct rn_error *err)
{
	int code = kernel_look(k, err);
	if (code)
		return code;
	forget_gone(k, d->want);
	for (size_t i = 0; i < d->want->peers.len && !code; i++)
		code = apply_peer(k, d, &d->want->peers.ptr[i], err);
	if (!code)
		code = kernel_say(k, d->delta, err);
	kernel_unsee(k);
	return code;
}

static int apply_all(struct kernel *k, const struct wg_config *c, struct wg_config delta[static 2],
		     struct rn_error *err)
{
	struct kernel_diff d = {.have = &k->state, .want = c, .delta = &delta[0]};
	int code = kernel_look(k, err);
	if (!code)
		code = apply_device(k, &d, err);
	if (!code)
		code = apply_up(k, c, err);
	if (!code)
		code = engine_apply_network(&k->base, c, err);
	if (!code)
		code = kernel_guard_sync(k, err);
	d.delta = &delta[1];
	if (!code)
		code = apply_peers(k, &d, err);
	if (!code)
		code = kernel_look(k, err);
	return code ? code : engine_routes_sync(&k->base, k->state.allowed.ptr, k->state.allowed.len, err);
}

static int apply_once(struct kernel *k, const struct wg_config *c, struct rn_error *err)
{
	struct wg_config delta[2];
	wg_config_init(&delta[0]);
	wg_config_init(&delta[1]);
	int code = apply_all(k, c, delta, err);
	wg_config_free(&delta[0]);
	wg_config_free(&delta[1]);
	return code;
}

/* Whether the device, as it was looked at, has peers that C takes away by not naming them. */
static int some_go(const struct kernel *k, const struct wg_config *c, bool *go, struct rn_error *err)
{
	struct map named = {0};
	int code = 0;
	*go = false;
	for (size_t i = 0; c->replace_peers && i < c->peers.len && !code; i++)
		if (!map_set(&named, str_make(c->peers.ptr[i].public_key, WG_KEY_LEN), &c->peers.ptr[i]))
			code = rn_fail(err, RN_EOS, "out of memory");
	for (size_t i = 0; c->replace_peers && i < k->state.peers.len && !*go; i++)
		*go = !map_get(&named, str_make(k->state.peers.ptr[i].info.public_key, WG_KEY_LEN));
	map_free(&named);
	return code;
}

/* What cannot be undone, that peers go with their sessions, comes last, when all else is done. */
static int apply(struct kernel *k, const struct wg_config *c, struct rn_error *err)
{
	struct wg_config all_but = *c; /* borrows what is in C */
	bool go = false;
	int code = kernel_look(k, err);
	if (!code)
		code = some_go(k, c, &go, err);
	all_but.replace_peers = false;
	if (!code)
		code = apply_once(k, go ? &all_but : c, err);
	return !code && go ? apply_once(k, c, err) : code;
}

/* After a failure in the middle, which is what ERR tells. */
static void bring_back(struct kernel *k, const struct wg_config *undo, bool addressed,
		       const struct rn_error *err)
{
	struct rn_error second;
	k->base.addressed = addressed;
	kernel_unsee(k);
	if (apply(k, undo, &second))
		log_write(LOG_ERROR, "%s: a change failed (%s), and could not be taken back: %s",
			  k->base.name, err->text, second.text);
}

int kernel_apply(struct engine *e, const struct wg_config *c, struct rn_error *err)
{
	struct kernel *k = kernel_of(e);
	bool first = !e->up, addressed = e->addressed; /* when the first one fails, the tunnel goes */
	struct wg_config undo;
	wg_config_init(&undo);
	kernel_unsee(k);
	int code = first ? 0 : kernel_look(k, err);
	if (!code && !first)
		code = kernel_remember(k, c, &undo, err);
	if (!code) {
		code = apply(k, c, err);
		if (code && !first)
			bring_back(k, &undo, addressed, err);
	}
	wg_config_free(&undo);
	kernel_unsee(k);
	engine_names_start(e);
	return code;
}
