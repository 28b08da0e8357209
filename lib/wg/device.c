/* SPDX-License-Identifier: MIT */
#include "wg/state.h"

#include <time.h>

#define MTU_DEFAULT 1420U

/* ---- making and freeing ---- */

static bool allocate(struct wg_device *dev)
{
	dev->self = secret_alloc(sizeof(*dev->self));
	dev->cookie = secret_alloc(sizeof(*dev->cookie));
	dev->messages = calloc(WG_OUT_MAX, sizeof(*dev->messages));
	dev->aead = wg_aead_new();
	return dev->self && dev->cookie && dev->messages && dev->aead && wg_limit_init(&dev->limit);
}

struct wg_device *wg_device_new(const struct wg_ops *ops, void *ctx, struct rn_error *err)
{
	struct wg_device *dev = calloc(1, sizeof(*dev));

	if (!dev || !allocate(dev)) {
		if (dev)
			wg_device_free(dev);
		rn_fail(err, RN_EOS, "no memory for a WireGuard device");
		return NULL;
	}
	dev->ops = ops;
	dev->ctx = ctx;
	dev->mtu = MTU_DEFAULT;
	dev->cookie->secret_ns = UINT64_MAX;
	wg_pool_init(&dev->peer_pool, sizeof(struct wg_peer));
	wg_pool_init(&dev->session_pool, sizeof(struct wg_session));
	wg_pool_init(&dev->ring_pool, WG_REPLAY_BITS / 8);
	return dev;
}

void wg_device_free(struct wg_device *dev)
{
	if (!dev)
		return;
	wg_peer_remove_all(dev);
	map_free(&dev->peers);
	wg_pool_free(&dev->peer_pool);
	wg_pool_free(&dev->session_pool);
	wg_pool_free(&dev->ring_pool);
	wg_trie_free(&dev->allowed);
	wg_index_free(&dev->index);
	wg_heap_free(&dev->due);
	wg_limit_free(&dev->limit);
	wg_aead_free(dev->aead);
	secret_free(dev->self);
	secret_free(dev->cookie);
	free(dev->messages);
	free(dev->addresses);
	free(dev);
}

/* ---- keys ---- */

void wg_key_generate(uint8_t key[static WG_KEY_LEN])
{
	random_bytes(key, WG_KEY_LEN);
	key[0] &= 248;
	key[31] = (uint8_t)((key[31] & 127) | 64);
}

void wg_key_public(uint8_t public_key[static WG_KEY_LEN],
		   const uint8_t private_key[static WG_KEY_LEN])
{
	wg_x25519_base(public_key, private_key);
}

/* Sessions were made with the old identity; every peer's shared secret is another now. */
static void change_identity(struct wg_device *dev)
{
	for (size_t i = 0; i < dev->peers.len; i++) {
		struct wg_peer *peer = dev->peers.entries[i].value;

		wg_sessions_forget(dev, peer);
		wg_handshake_abandon(dev, peer);
		wg_peer_new_self(dev, peer);
	}
}

int wg_set_private_key(struct wg_device *dev, const uint8_t key[WG_KEY_LEN], struct rn_error *err)
{
	static const uint8_t zero[WG_KEY_LEN];
	struct wg_peer *self;

	if (key && secret_eq(key, zero, sizeof(zero)))
		return rn_fail(err, RN_EDATA, "a private key of zeros is no key");
	if (key && dev->has_key && secret_eq(key, dev->self->private_key, WG_KEY_LEN))
		return 0;
	dev->has_key = key;
	secret_wipe(dev->self, sizeof(*dev->self));
	if (key) {
		noise_self_set(dev->self, key);
		cookie_self_set(dev->cookie, dev->self->public_key);
		self = wg_peer_find(dev, dev->self->public_key);
		if (self)
			wg_peer_remove(dev, self);
	}
	change_identity(dev);
	return 0;
}

bool wg_private_key(const struct wg_device *dev, uint8_t key[static WG_KEY_LEN])
{
	memcpy(key, dev->self->private_key, WG_KEY_LEN);
	return dev->has_key;
}

bool wg_public_key(const struct wg_device *dev, uint8_t key[static WG_KEY_LEN])
{
	memcpy(key, dev->self->public_key, WG_KEY_LEN);
	return dev->has_key;
}

/* ---- other settings ---- */

void wg_set_listen_port(struct wg_device *dev, uint16_t port)
{
	dev->listen_port = port;
}

uint16_t wg_listen_port(const struct wg_device *dev)
{
	return dev->listen_port;
}

void wg_set_fwmark(struct wg_device *dev, uint32_t mark)
{
	dev->fwmark = mark;
}

uint32_t wg_fwmark(const struct wg_device *dev)
{
	return dev->fwmark;
}

void wg_set_mtu(struct wg_device *dev, uint32_t mtu)
{
	dev->mtu = mtu;
}

void wg_set_forward(struct wg_device *dev, bool forward)
{
	dev->forward = forward;
}

int wg_set_addresses(struct wg_device *dev, const struct addr *v, size_t n, struct rn_error *err)
{
	struct addr *copy = NULL;

	if (n) {
		copy = calloc(n, sizeof(*copy));
		if (!copy)
			return rn_fail(err, RN_EOS, "no memory for %zu addresses", n);
		memcpy(copy, v, n * sizeof(*copy));
	}
	free(dev->addresses);
	dev->addresses = copy;
	dev->addresses_len = n;
	return 0;
}

bool wg_is_own_address(const struct wg_device *dev, bool v6, const uint8_t *ip)
{
	for (size_t i = 0; i < dev->addresses_len; i++) {
		const struct addr *a = &dev->addresses[i];

		if (v6 ? a->sa.sa_family == AF_INET6 && !memcmp(&a->in6.sin6_addr, ip, 16)
		       : a->sa.sa_family == AF_INET && !memcmp(&a->in.sin_addr, ip, 4))
			return true;
	}
	return false;
}

/* ---- counters ---- */

uint64_t wg_counter(const struct wg_device *dev, enum wg_counter which)
{
	return dev->counters[which];
}

const char *wg_counter_name(enum wg_counter which)
{
#define COUNTER_NAME(id, name) [WG_##id] = (name),
	static const char *const names[] = {WG_COUNTERS(COUNTER_NAME)};
#undef COUNTER_NAME

	return names[which];
}

/* ---- what the caller may replace ---- */

void wg_random(struct wg_device *dev, void *out, size_t len)
{
	if (dev->ops->random)
		dev->ops->random(dev->ctx, out, len);
	else
		random_bytes(out, len);
}

const uint8_t *wg_nonce(struct wg_device *dev)
{
	if (!dev->nonces_left) {
		wg_random(dev, dev->nonces, sizeof(dev->nonces));
		dev->nonces_left = ARRAY_LEN(dev->nonces);
	}
	return dev->nonces[--dev->nonces_left];
}

uint64_t wg_wall_ns(struct wg_device *dev)
{
	struct timespec t;

	if (dev->ops->wall_ns)
		return dev->ops->wall_ns(dev->ctx);
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void wg_tell(struct wg_device *dev, struct wg_peer *peer, enum wg_event what)
{
	if (dev->ops->event)
		dev->ops->event(dev->ctx, peer, what);
}
