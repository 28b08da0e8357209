/* SPDX-License-Identifier: MIT
 *
 * Inside of carrier*.c: what a running tunnel consists of.
 */
#ifndef RN_WG_CARRIER_IMPL_H
#define RN_WG_CARRIER_IMPL_H

#include "wg/carrier.h"
#include "wg/resolve.h"
#include "wg/tun.h"
#include "wg/udp.h"

/* What the engine does not keep of a peer; only peers that have a name or an endpoint have one. */
struct carrier_peer {
	char *name;     /* or NULL */
	char *endpoint; /* as configured; or NULL */
	bool is_name;   /* the endpoint is a host name */
	bool unresolved;
	uint32_t initiations; /* sent, when the handshake watch last looked */
};

struct carrier {
	struct loop *loop;
	struct wg_device *wg;
	enum inside_mode mode;
	struct inside *inside;
	struct tun *tun;
	struct udp *udp;
	struct watch tun_watch, udp4_watch, udp6_watch, inside_watch;
	bool udp_watched, inside_watched, tun_watched;
	struct timer timer;       /* the engine's */
	struct timer names_timer; /* looks after endpoints that are names */
	struct resolve *resolve;  /* running, or NULL */
	uint8_t resolving[WG_KEY_LEN];
	VEC(struct cidr) addresses; /* set on the device, with host bits */
	VEC(struct cidr) routes;    /* set by us, sorted */
	bool routes_lost;           /* the kernel may have dropped some: set all anew */
	bool addressed;             /* an address was configured, so the rule of own addresses holds */
	bool forward;
	bool manage_routes;
	uint64_t refused_ms; /* when a sender inside was last told that its packet goes nowhere */
	struct rn_error failure;
};

/* carrier.c: stops the loop for the reason in d->failure. */
void carrier_fail(struct carrier *d);
/* carrier.c: after calls that may have brought the engine's deadline forward. */
void carrier_rearm(struct carrier *d);
int carrier_watch_udp(struct carrier *d, struct rn_error *err) must_check;
/* carrier_names.c */
void carrier_names_start(struct carrier *d);
void carrier_names_stop(struct carrier *d);
/* carrier_routes.c: routes become what the peers' allowed IPs ask for. */
int carrier_routes_sync(struct carrier *d, struct rn_error *err) must_check;
/* carrier_apply.c */
void carrier_peer_remove(struct carrier *d, struct wg_peer *peer);

#endif
