/* SPDX-License-Identifier: MIT
 *
 * What has to be said to a device so that it becomes what is wanted.
 */
#include "wg/crypto.h"
#include "wg/engine_impl.h"
#include "wg/kernel_msg.h"

static const uint8_t none[WG_KEY_LEN];

static int no_memory(struct rn_error *err)
{
	return rn_fail(err, RN_EOS, "out of memory");
}

/* ---- the device ---------------------------------------------------------------------------------- */

/* Takes away the peers that WANT does not name: all at once if none of them is named. */
static int remove_others(const struct kernel_diff *d, struct rn_error *err)
{
	const struct kernel_state *have = d->have;
	const struct wg_config *want = d->want;
	struct map named = {0};
	size_t kept = 0;
	int code = 0;
	for (size_t i = 0; i < want->peers.len && !code; i++) {
		struct wg_peer_config *p = &want->peers.ptr[i];
		kept += kernel_state_find(have, p->public_key) != NULL;
		if (!map_set(&named, str_make(p->public_key, WG_KEY_LEN), p))
			code = no_memory(err);
	}
	d->delta->replace_peers = !kept && have->peers.len;
	for (size_t i = 0; kept && i < have->peers.len && !code; i++) {
		const uint8_t *key = have->peers.ptr[i].info.public_key;
		if (map_get(&named, str_make(key, WG_KEY_LEN)))
			continue;
		struct wg_peer_config *gone = wg_config_peer(d->delta, key);
		if (gone)
			gone->remove = true;
		else
			code = no_memory(err);
	}
	map_free(&named);
	return code;
}

int kernel_diff_device(struct kernel_diff *d, struct rn_error *err)
{
	const struct kernel_state *have = d->have;
	const struct wg_config *want = d->want;
	struct wg_config *delta = d->delta;
	delta->has_private_key =
		want->has_private_key && !secret_eq(have->private_key, want->private_key, WG_KEY_LEN);
	memcpy(d->own_key, have->public_key, WG_KEY_LEN);
	if (delta->has_private_key) {
		memcpy(delta->private_key, want->private_key, WG_KEY_LEN);
		wg_key_public(d->own_key, want->private_key);
	}
	/* 0 is whichever port it has. */
	delta->has_listen_port = want->has_listen_port && want->listen_port &&
				 want->listen_port != have->listen_port;
	delta->listen_port = want->listen_port;
	delta->has_fwmark = want->has_fwmark && want->fwmark != have->fwmark;
	delta->fwmark = want->fwmark;
	return want->replace_peers ? remove_others(d, err) : 0;
}

/* ---- a peer -------------------------------------------------------------------------------------- */

/* The kernel would pass over our own key and take one that shares a secret with nobody. */
static bool is_usable(const struct kernel_diff *d, const uint8_t *key)
{
	static const uint8_t any_scalar[WG_KEY_LEN] = {8, [31] = 64};
	uint8_t out[WG_KEY_LEN];
	return memcmp(d->own_key, key, WG_KEY_LEN) != 0 && wg_x25519(out, any_scalar, key);
}

static bool holds(const struct cidr *sorted, size_t n, const struct cidr *c)
{
	return n && bsearch(c, sorted, n, sizeof(*c), engine_cidr_compare);
}

/* A sorted copy of V; NULL if it is empty, or *OUT_OF_MEMORY. */
static struct cidr *sorted_copy(const struct cidr *v, size_t n, bool *out_of_memory)
{
	struct cidr *copy = n ? calloc(n, sizeof(*copy)) : NULL;
	*out_of_memory |= n && !copy;
	if (!copy)
		return NULL;
	memcpy(copy, v, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), engine_cidr_compare);
	return copy;
}

static bool is_disallowed(const struct wg_peer_config *p, const struct cidr *c)
{
	for (size_t i = 0; i < p->disallowed.len; i++)
		if (engine_cidr_same(&p->disallowed.ptr[i], c))
			return true;
	return false;
}

static bool push(struct wg_peer_config *to, const struct cidr *c)
{
	struct cidr *last = VEC_PUSH(&to->allowed);
	if (last)
		*last = *c;
	return last != NULL;
}

/* A peer's prefixes as they are and as they are wanted, sorted; ALL: no others are wanted. */
struct prefixes {
	struct cidr *has, *wanted;
	size_t n_has, n_wanted;
	bool all;
};

static bool must_go(const struct prefixes *x, const struct wg_peer_config *p, const struct cidr *c)
{
	return (x->all && !holds(x->wanted, x->n_wanted, c)) || is_disallowed(p, c);
}

/* What is missing is added; only if something must go, the whole list is set anew, for there is no
 * way to take one away that every kernel knows. */
static bool list_changes(const struct prefixes *x, const struct wg_peer_config *p,
			 struct wg_peer_config *to)
{
	bool good = true;
	for (size_t i = 0; i < x->n_has && !to->replace_allowed; i++)
		to->replace_allowed = must_go(x, p, &x->has[i]);
	for (size_t i = 0; i < x->n_has && good && to->replace_allowed; i++)
		if (!must_go(x, p, &x->has[i]))
			good = push(to, &x->has[i]);
	for (size_t i = 0; i < p->allowed.len && good; i++)
		if (!holds(x->has, x->n_has, &p->allowed.ptr[i]) || is_disallowed(p, &p->allowed.ptr[i]))
			good = push(to, &p->allowed.ptr[i]);
	return good;
}

static bool diff_allowed(const struct kernel_state *have, const struct kernel_peer *peer, bool exact,
			 const struct wg_peer_config *p, struct wg_peer_config *to)
{
	bool failed = false;
	struct prefixes x = {.n_has = peer ? peer->allowed_n : 0,
			     .n_wanted = p->allowed.len,
			     .all = exact || p->replace_allowed};
	x.has = sorted_copy(x.n_has ? &have->allowed.ptr[peer->allowed_at] : NULL, x.n_has, &failed);
	x.wanted = sorted_copy(p->allowed.ptr, x.n_wanted, &failed);
	if (!failed)
		failed = !list_changes(&x, p, to);
	free(x.has);
	free(x.wanted);
	return !failed;
}

static bool diff_psk(const struct kernel_peer *peer, bool exact, const struct wg_peer_config *p,
		     struct wg_config *delta, struct wg_peer_config *to)
{
	const uint8_t *now = peer && peer->psk ? peer->psk : none;
	if ((!p->psk && !exact) || secret_eq(now, p->psk ? p->psk : none, WG_KEY_LEN))
		return true;
	to->psk = arena_alloc(&delta->arena, WG_KEY_LEN);
	if (to->psk && p->psk)
		memcpy(to->psk, p->psk, WG_KEY_LEN);
	return to->psk != NULL;
}

static bool says_nothing(const struct wg_peer_config *p)
{
	return p->update_only && !p->remove && !p->psk && !p->endpoint && !p->has_keepalive &&
	       !p->replace_allowed && !p->allowed.len;
}

int kernel_diff_peer(struct kernel_diff *d, const struct wg_peer_config *p, const char *endpoint,
		     struct rn_error *err)
{
	const struct kernel_peer *peer = kernel_state_find(d->have, p->public_key);
	bool exact = d->want->exact;
	if (!peer && (p->remove || p->update_only))
		return 0;
	if (!peer && !is_usable(d, p->public_key))
		return rn_fail(err, RN_EDATA, "the peer's public key is our own or no valid key");
	struct wg_peer_config *to = wg_config_peer(d->delta, p->public_key);
	if (!to)
		return no_memory(err);
	to->remove = p->remove;
	to->update_only = peer != NULL;
	if (p->remove)
		return 0;
	to->endpoint = endpoint;
	to->has_keepalive =
		(p->has_keepalive || exact) && p->keepalive_s != (peer ? peer->info.keepalive_s : 0);
	to->keepalive_s = p->keepalive_s;
	if (!diff_psk(peer, exact, p, d->delta, to) || !diff_allowed(d->have, peer, exact, p, to))
		return no_memory(err);
	if (says_nothing(to)) {
		vec_free(&to->allowed.base);
		d->delta->peers.len--;
	}
	return 0;
}
