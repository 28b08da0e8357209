/* SPDX-License-Identifier: MIT
 *
 * UAPI text: whatever is accepted, put into an engine and written out by get, is accepted again by
 * set and says the same.
 */
#include "wg/uapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Peers and allowed IPs as the device of the fuzzer would take them. */
static void load(struct wg_device *dev, const struct wg_config *c)
{
	struct rn_error err;
	if (c->has_private_key && wg_set_private_key(dev, c->private_key, &err))
		return;
	for (size_t i = 0; i < c->peers.len; i++) {
		const struct wg_peer_config *p = &c->peers.ptr[i];
		struct wg_peer *peer = wg_peer_add(dev, p->public_key, &err);
		for (size_t j = 0; peer && j < p->allowed.len; j++)
			if (wg_allow(dev, peer, &p->allowed.ptr[j], &err))
				return;
		if (peer && p->psk)
			wg_peer_set_psk(dev, peer, p->psk);
	}
}

/* A get's answer as a set: without what only a get has. */
static void as_set(struct buf *out, struct str answer)
{
	struct str line;
	buf_add_cstr(out, "set=1\n");
	while (str_cut(&answer, '\n', &line) && line.len) {
		if (str_starts(line, STR("last_")) || str_starts(line, STR("tx_")) ||
		    str_starts(line, STR("rx_")))
			continue;
		buf_add(out, line);
		buf_add_byte(out, '\n');
	}
	buf_add_byte(out, '\n');
}

static void check_again(struct wg_device *dev)
{
	struct buf answer, text;
	struct wg_config config;
	struct rn_error err;
	enum uapi_operation op;
	buf_init(&answer, 1 << 24);
	buf_init(&text, 1 << 24);
	uapi_write(&answer, dev, 0);
	as_set(&text, buf_str(&answer));
	wg_config_init(&config);
	rn_assert(uapi_request_end(buf_str(&text)) == text.len);
	rn_assert(uapi_parse(buf_str(&text), &op, &config, &err) == 0 && op == UAPI_SET);
	rn_assert(config.peers.len == wg_peer_count(dev));
	wg_config_free(&config);
	buf_free(&answer);
	buf_free(&text);
}

static void no_send(void *ctx, const struct wg_dgram *v, size_t n)
{
	(void)ctx, (void)v, (void)n;
}

static void no_deliver(void *ctx, const struct wg_pkt *v, size_t n)
{
	(void)ctx, (void)v, (void)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct wg_ops ops = {.send = no_send, .deliver = no_deliver};
	struct str text = str_make(data, size);
	struct wg_config config;
	struct rn_error err;
	enum uapi_operation op;
	if (!secret_init())
		return 0;
	size_t end = uapi_request_end(text);
	wg_config_init(&config);
	if (end && !uapi_parse(str_slice(text, 0, end), &op, &config, &err) && op == UAPI_SET) {
		struct wg_device *dev = wg_device_new(&ops, NULL, &err);
		rn_assert(dev);
		load(dev, &config);
		check_again(dev);
		wg_device_free(dev);
	}
	wg_config_free(&config);
	return 0;
}
