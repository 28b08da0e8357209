/* SPDX-License-Identifier: MIT
 *
 * For those who implement an engine: the part of a running tunnel that is the same whoever carries
 * the packets. An engine embeds struct engine as its first member BASE.
 *
 *   engine.c          beginning, end, and the face
 *   engine_network.c  MTU and addresses of the device
 *   engine_routes.c   routes into it
 *   engine_peers.c    names and endpoints of peers as they were configured
 *   engine_names.c    endpoints that are host names
 *   engine_show.c     the records
 *   engine_plan.c     what a config would do
 */
#ifndef RN_WG_ENGINE_IMPL_H
#define RN_WG_ENGINE_IMPL_H

#include "wg/engine.h"
#include "wg/resolve.h"

#include <net/if.h>

#define ENGINE_ALLOWED_SHOWN 64 /* 64 of the longest fit a record */

/* The device as it is. */
struct engine_live {
	bool has_key;
	uint8_t public_key[WG_KEY_LEN];
	uint16_t listen_port;
	uint32_t fwmark;
};

struct engine_ops {
	const char *name; /* as in engine=NAME */
	int (*apply)(struct engine *e, const struct wg_config *c, struct rn_error *err);
	int (*live)(struct engine *e, struct engine_live *live, struct rn_error *err);
	/* Adds the peers' records, each by engine_show_peer. */
	int (*show_peers)(struct engine *e, struct buf *out, struct rn_error *err);
	/* False: there is no such peer. Of INFO only what both sides of the wire show is looked at. */
	bool (*peer_info)(struct engine *e, const uint8_t key[static WG_KEY_LEN], struct wg_peer_info *info);
	/* Sets the endpoint, and begins a handshake when packets wait for one. */
	void (*peer_endpoint)(struct engine *e, const uint8_t key[static WG_KEY_LEN], const struct addr *a);
	/* Begins a handshake; NULL: it cannot be told. */
	void (*peer_connect)(struct engine *e, const uint8_t key[static WG_KEY_LEN]);
	/* Begins a handshake at another address than the peer's endpoint; an answer moves the peer there.
	 * NULL: it cannot. */
	void (*peer_try)(struct engine *e, const uint8_t key[static WG_KEY_LEN], const struct addr *a);
	/* Adds stat records; NULL: it has no counters. */
	void (*show_counters)(struct engine *e, struct buf *out);
	void (*free)(struct engine *e);
};

/* What was configured of a peer and the engine below does not keep. Only peers that have a name or an
 * endpoint have one. */
struct engine_peer {
	uint8_t key[WG_KEY_LEN];
	char *name;     /* or NULL */
	char *endpoint; /* as configured; or NULL */
	bool is_name;   /* the endpoint is a host name */
	bool unresolved;
	uint64_t tx_bytes; /* when the handshakes were last looked at */
};

struct engine {
	const struct engine_ops *ops;
	struct loop *loop;
	struct inside *inside;
	struct watch inside_watch;
	bool inside_watched;
	enum inside_mode mode;
	char name[IFNAMSIZ];
	const char *why; /* or NULL */
	char *dns, *search; /* lists, for rn-wg dns, or NULL */
	bool detail;        /* the records under way are wanted in detail */
	struct rn_error failure;

	uint32_t mtu;
	bool up;
	VEC(struct cidr) addresses; /* set on the device, with host bits */
	VEC(struct cidr) routes;    /* set by us, sorted */
	bool routes_lost;           /* the kernel may have dropped some: set all anew */
	bool addressed;             /* an address was configured, so the rule of own addresses holds */
	bool forward;
	bool manage_routes;

	struct map peers;         /* public key to struct engine_peer */
	struct timer names_timer; /* looks after endpoints that are names */
	struct resolve *resolve;  /* running, or NULL */
	uint8_t resolving[WG_KEY_LEN];
};

/* ---- beginning and end ------------------------------------------------------------------------- */

/* Fills in a zeroed E. */
void engine_init(struct engine *e, const struct engine_ops *ops, struct loop *l, enum inside_mode mode,
		 const char *name);
/* Once e->inside is there: the end of the process inside is the end of the tunnel. */
int engine_watch_inside(struct engine *e, struct rn_error *err) must_check;
/* Frees what is in E, e->inside too. */
void engine_done(struct engine *e);
/* Stops the loop for the reason in e->failure. */
void engine_fail(struct engine *e);

/* ---- the device's network ----------------------------------------------------------------------- */

/* C names an MTU, or the device is not up yet: then engine_up, with that MTU in e->mtu. */
bool engine_wants_up(const struct engine *e, const struct wg_config *c);
int engine_up(struct engine *e, const struct wg_config *c, struct rn_error *err) must_check;
/* Addresses, and what C says of routes and forwarding. */
int engine_apply_network(struct engine *e, const struct wg_config *c, struct rn_error *err) must_check;
/* Whether packets that are not for our own addresses are let in: forward=yes, or a device whose
 * addresses nobody told us. See the rule in doc/contracts.md. */
bool engine_lets_all_in(const struct engine *e);
/* Routes become what the allowed IPs ALL (in any order, which changes) ask for. */
int engine_routes_sync(struct engine *e, struct cidr *all, size_t n, struct rn_error *err) must_check;

/* Whether an allowed IP gets a route, as far as E's addresses and mode tell. */
bool engine_route_wanted(const struct engine *e, const struct cidr *prefix);
bool engine_cidr_same(const struct cidr *a, const struct cidr *b);
/* For qsort and bsearch; padding does not count. */
int engine_cidr_compare(const void *a, const void *b);

/* ---- peers as configured ------------------------------------------------------------------------- */

struct engine_peer *engine_peer_find(const struct engine *e, const uint8_t key[static WG_KEY_LEN]);
/* Takes name and endpoint over from P. *SET: the endpoint is an address that was not configured
 * before, and is in *A, to be set. */
int engine_peer_apply(struct engine *e, const struct wg_peer_config *p, bool exact, bool *set,
		      struct addr *a, struct rn_error *err) must_check;
/* *AT becomes a copy of TEXT (NULL: nothing). */
int engine_set_text(char **at, const char *text, struct rn_error *err) must_check;
void engine_peer_forget(struct engine *e, const uint8_t key[static WG_KEY_LEN]);

/* Starts or goes on resolving, after peers changed. */
void engine_names_start(struct engine *e);
void engine_names_stop(struct engine *e);

/* ---- records ------------------------------------------------------------------------------------ */

/* ALLOWED, in any order (it is sorted), are all of the peer's prefixes or the first
 * ENGINE_ALLOWED_SHOWN + 1 of more. */
void engine_show_peer(const struct engine *e, const struct wg_peer_info *info,
		      const struct cidr *allowed, size_t n, struct buf *out);

#endif
