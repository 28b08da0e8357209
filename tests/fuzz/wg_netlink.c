/* SPDX-License-Identifier: MIT
 *
 * What the kernel tells of a WireGuard device: any bytes as the messages of a dump. Whatever is
 * understood, written as a set and read again, says the same.
 */
#include "wg/attr.h"
#include "wg/engine_impl.h"
#include "wg/kernel_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_messages(struct kernel_state *s, const void *bytes, size_t size, struct rn_error *err)
{
	struct attr_walk w = {.at = bytes, .left = size};
	const struct nlmsghdr *h;
	int code = 0;
	while (!code && (h = attr_next_message(&w)))
		code = kernel_state_add(s, h, err);
	return code;
}

static int take(void *ctx, struct nlmsghdr *h, struct rn_error *err)
{
	return kernel_state_add(ctx, h, err);
}

/* Texts of endpoints live in C's arena; one without a port has no text. */
static bool to_config(struct wg_config *c, const struct kernel_state *s)
{
	c->has_listen_port = c->has_fwmark = c->has_private_key = true;
	c->listen_port = s->listen_port;
	c->fwmark = s->fwmark;
	memcpy(c->private_key, s->private_key, WG_KEY_LEN);
	for (size_t i = 0; i < s->peers.len; i++) {
		const struct kernel_peer *from = &s->peers.ptr[i];
		struct wg_peer_config *p = wg_config_peer(c, from->info.public_key);
		rn_assert(p);
		p->has_keepalive = true;
		p->keepalive_s = from->info.keepalive_s;
		if (from->psk && (p->psk = arena_alloc(&c->arena, WG_KEY_LEN)))
			memcpy(p->psk, from->psk, WG_KEY_LEN);
		if (from->info.endpoint.to.sa.sa_family && addr_port(&from->info.endpoint.to)) {
			char text[ADDR_TEXT_MAX];
			addr_format(&from->info.endpoint.to, text);
			p->endpoint = arena_str(&c->arena, str_from(text)).ptr;
		}
		for (size_t j = 0; j < from->allowed_n; j++) {
			struct cidr *a = VEC_PUSH(&p->allowed);
			rn_assert(a);
			*a = s->allowed.ptr[from->allowed_at + j];
		}
	}
	return true;
}

static void check_same(const struct kernel_state *a, const struct kernel_state *b)
{
	rn_assert(a->listen_port == b->listen_port && a->fwmark == b->fwmark);
	rn_assert(a->peers.len == b->peers.len && a->allowed.len == b->allowed.len);
	for (size_t i = 0; i < a->peers.len; i++) {
		const struct kernel_peer *x = &a->peers.ptr[i], *y = &b->peers.ptr[i];
		rn_assert(!memcmp(x->info.public_key, y->info.public_key, WG_KEY_LEN));
		rn_assert(x->info.keepalive_s == y->info.keepalive_s && x->allowed_n == y->allowed_n);
		rn_assert(!x->psk == !y->psk && (!x->psk || !memcmp(x->psk, y->psk, WG_KEY_LEN)));
		if (x->info.endpoint.to.sa.sa_family && addr_port(&x->info.endpoint.to))
			rn_assert(addr_eq(&x->info.endpoint.to, &y->info.endpoint.to));
	}
	for (size_t i = 0; i < a->allowed.len; i++)
		rn_assert(engine_cidr_same(&a->allowed.ptr[i], &b->allowed.ptr[i]));
}

static void check_again(const struct kernel_state *s)
{
	struct wg_config c;
	struct kernel_state again;
	struct rn_error err;
	const struct kernel_writer w = {
		.family = 30, .ifindex = 1, .cap = KERNEL_MESSAGE_MIN, .send = take, .ctx = &again};
	wg_config_init(&c);
	kernel_state_init(&again);
	if (to_config(&c, s)) {
		rn_assert(kernel_write(&w, &c, &err) == 0);
		check_same(s, &again);
	}
	kernel_state_free(&again);
	wg_config_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel_state s;
	struct rn_error err;
	if (!size || size > 1 << 20 || !secret_init())
		return 0;
	void *bytes = malloc(size); /* aligned, and with its end watched */
	rn_assert(bytes);
	memcpy(bytes, data, size);
	kernel_state_init(&s);
	if (!read_messages(&s, bytes, size, &err) && !kernel_state_index(&s, &err))
		check_again(&s);
	kernel_state_free(&s);
	free(bytes);
	return 0;
}
