/* SPDX-License-Identifier: MIT
 *
 * What a config would do, without doing it.
 */
#include "wg/engine_impl.h"

struct plan {
	struct buf *out;
	const char *name;
	uint64_t n;
};

static void step(struct plan *p, const char *what, const char *value, const char *text)
{
	char number[24];
	snprintf(number, sizeof(number), "%llu", (unsigned long long)++p->n);
	rec_begin(p->out, "plan", str_from(number));
	rec_add_cstr(p->out, "interface", p->name);
	rec_add_cstr(p->out, "what", what);
	rec_add_cstr(p->out, "value", value);
	rec_add_cstr(p->out, "text", text);
	rec_end(p->out);
}

static void step_cidr(struct plan *p, const char *what, const struct cidr *c, const char *text)
{
	char value[ADDR_TEXT_MAX];
	cidr_format(c, value);
	step(p, what, value, text);
}

static void plan_interface(struct plan *p, const struct wg_config *c, enum inside_mode mode,
			   const char *engine)
{
	char text[160];
	snprintf(text, sizeof(text), "engine %s, %s, MTU %u", engine,
		 mode == INSIDE_HOST ? "on the host" : "in a network namespace of its own",
		 c->has_mtu && c->mtu ? c->mtu : WG_MTU_DEFAULT);
	step(p, "device", p->name, text);
	snprintf(text, sizeof(text), "%u", c->listen_port);
	step(p, "socket", c->has_listen_port && c->listen_port ? text : NULL,
	     c->has_listen_port && c->listen_port ? "UDP port, IPv4 and IPv6"
						  : "a UDP port that is free");
	for (size_t i = 0; i < c->addresses.len; i++)
		step_cidr(p, "address", &c->addresses.ptr[i], NULL);
	step(p, "policy", c->has_forward && c->forward ? "forward" : NULL,
	     c->has_forward && c->forward ? "packets for others are passed on"
	     : c->has_addresses && c->addresses.len
		     ? "only packets for its own addresses are let in"
		     : "it has no address: all packets are let in");
}

static void plan_peers(struct plan *p, const struct wg_config *c)
{
	for (size_t i = 0; i < c->peers.len; i++) {
		const struct wg_peer_config *peer = &c->peers.ptr[i];
		char key[BASE64_SIZE(WG_KEY_LEN)], text[512];
		base64_encode(key, peer->public_key, WG_KEY_LEN, BASE64_STD);
		snprintf(text, sizeof(text), "%.64s%sallowed IPs: %zu, endpoint: %.300s%s",
			 peer->name ? peer->name : "", peer->name ? ", " : "", peer->allowed.len,
			 peer->endpoint ? peer->endpoint : "it has to call us",
			 peer->psk ? ", with a preshared key" : "");
		step(p, "peer", key, text);
	}
}

static void plan_routes(struct plan *p, const struct wg_config *c, enum inside_mode mode)
{
	struct engine e = {.mode = mode, .manage_routes = !c->has_routes || c->routes};
	(void)str_copy(e.name, sizeof(e.name), str_from(p->name));
	memcpy(&e.addresses, &c->addresses, sizeof(e.addresses)); /* borrowed */
	for (size_t i = 0; i < c->peers.len && e.manage_routes; i++)
		for (size_t j = 0; j < c->peers.ptr[i].allowed.len; j++)
			if (engine_route_wanted(&e, &c->peers.ptr[i].allowed.ptr[j]))
				step_cidr(p, "route", &c->peers.ptr[i].allowed.ptr[j], NULL);
}

void engine_plan(const struct wg_config *c, const char *name, enum inside_mode mode,
		 const char *engine, struct buf *out)
{
	struct plan p = {.out = out, .name = name};
	plan_interface(&p, c, mode, engine);
	plan_peers(&p, c);
	plan_routes(&p, c, mode);
}
