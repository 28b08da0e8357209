/* SPDX-License-Identifier: MIT
 *
 * What the files of lib/console share.
 *
 *   console.c   opening, settings        actor.c    who asks
 *   action.c    transactions and roles   audit.c    the chain
 *   name.c      names and labels         number.c   tunnel addresses, ports
 *   kinds.c     list, show, add… by kind people.c   organisations, users, groups, tokens
 *   node.c      devices, gateways        join.c     invitations, joining
 *   service.c   services                 line.c     sites, listeners, resources, targets, policies
 *   import.c    many lines at once
 *   render.c    what a device must know  gateway.c  what a gateway must know
 *   publish.c   signed files             push.c     to a gateway at once
 *   init.c      a new console            upkeep.c   status, expiry, backup
 */
#ifndef RN_CONSOLE_INNER_H
#define RN_CONSOLE_INNER_H

#include "console/console.h"
#include "net/net.h"
#include "store/store.h"

#include <errno.h>

#define HOST_MAX 256
#define OUT_MAX (64u << 20) /* records of one answer, and of one bundle */
#define EXPIRES_MAX_S (366 * 86400)

struct console {
	struct store *store;
	struct auth_key *key;
	uint8_t label_key[32]; /* readable names are derived with it */
	bool no_push;	       /* set-up and tests: bundles are written, nobody is told */
	char dir[1024];
	char domain[HOST_MAX];
	char url[HOST_MAX + 16];
};

/* ---- actions (action.c) -------------------------------------------------------------------------
 */

/* Checks the role and begins the transaction. NODE_TOO: nodes may, whatever LEAST says. */
struct action {
	enum console_role least;
	bool node_too;
	enum store_tx tx;
};
int action_begin(struct console *c, const struct console_actor *a, const struct action *what,
		 struct rn_error *err) must_check;
/* Commits if RC is 0 (and publishes what became dirty), else rolls back and gives RC back. */
int action_end(struct console *c, int rc, struct rn_error *err) must_check;
int fail_role(const struct console_actor *a, struct rn_error *err);
int fail_missing(struct rn_error *err, const char *kind, struct str id);
/* Puts a person's words in place of the database's if RC is a refused uniqueness; gives RC back. */
int say_taken(int rc, struct rn_error *err, const char *fmt, ...) printf_like(3, 4);
/* NODE's bundle, or those of all nodes of ORG, must be rendered again. */
int dirty_node(struct console *c, const char *node, struct rn_error *err) must_check;
int dirty_gateways(struct console *c, int64_t org, struct rn_error *err) must_check;
int dirty_org(struct console *c, int64_t org, struct rn_error *err) must_check;
/* Adds a row to the audit chain, inside the transaction. OBJECT "kind:id"; DETAIL may be NULL. */
int audit_add(struct console *c, const struct console_actor *a, const char *action,
	      const char *kind, struct str id, const char *detail, struct rn_error *err) must_check;

/* ---- settings (console.c) -----------------------------------------------------------------------
 */

int meta_get(struct console *c, const char *key, char *out, size_t size,
	     struct rn_error *err) must_check; /* 1, 0 */
int meta_set(struct console *c, const char *key, const char *value,
	     struct rn_error *err) must_check;
/* Adds one to a counter and gives the new value; starts at 1. */
int meta_next(struct console *c, const char *key, int64_t *out, struct rn_error *err) must_check;

/* ---- failures (actor.c) ---------------------------------------------------------------------- */

/* What stands for the place FROM that somebody tries from: an IPv4 address, or an IPv6 /64. */
#define PLACE_SIZE 80
void failures_place(char out[static PLACE_SIZE], struct str from);
/* RN_EAGAIN with sys EACCES when SUBJECT ("join PLACE") failed too often in the last minutes. */
int failures_check(struct console *c, const char *subject, struct rn_error *err) must_check;
int failure_add(struct console *c, const char *subject, struct rn_error *err) must_check;

/* ---- names (name.c) -----------------------------------------------------------------------------
 */

/* Letters, digits, - _ . of at most 63 bytes, beginning with a letter or digit. */
bool name_valid(struct str s);
/* One DNS label in lower case. */
bool label_valid(struct str s);
/* S as a DNS label of at most MAX bytes: folded, others become "-"; "node" if nothing is left. */
void name_slug(char *out, size_t max, struct str s);
/* "LABEL.DOMAIN"; false if that is no host name for its length. */
bool name_below(char *out, size_t size, const char *label, const char *domain) must_check;
/* Six characters that are always the same for the same parts, and tell nothing of them. */
#define SUFFIX_LEN 6
void name_suffix(const struct console *c, char out[static SUFFIX_LEN + 1], struct str a,
		 struct str b, unsigned attempt);
/* Decodes R's KEY into OUT; false if it is absent (OUT empty). Too long is RN_EDATA. */
int field_text(const struct rec *r, const char *key, char *out, size_t size, bool *given,
	       struct rn_error *err) must_check;
/* Checks a list of principals element by element and adds it to OUT, with devices by identity
 * instead of name (a name may one day be another device's). KEY is for messages. */
int principals_resolve(struct console *c, int64_t org, const char *key, struct str list,
		       struct buf *out, struct rn_error *err) must_check;

/* ---- numbers (number.c) -------------------------------------------------------------------------
 */

struct tunnel_number {
	int64_t number;
	char address4[ADDR_TEXT_MAX], address6[ADDR_TEXT_MAX];
};
/* A tunnel address for a new node of ORG; RN_ENO when the network is full. Inside a write
 * transaction. */
int number_take(struct console *c, int64_t org, struct tunnel_number *out,
		struct rn_error *err) must_check;
bool network_valid(struct str network4);
void network6_make(char out[static ADDR_TEXT_MAX]);
/* A port of GATEWAY and PROTOCOL that is free; the search begins where WISH hashes to, so that the
 * same service tends to get the same one. COLUMN is public_port or inner_port. */
enum port_kind { PORT_PUBLIC, PORT_INNER };
int port_take(struct console *c, enum port_kind kind, struct str gateway, struct str protocol,
	      uint64_t wish, int64_t *out, struct rn_error *err) must_check;

/* ---- kinds --------------------------------------------------------------------------------------
 */

typedef int kind_add_fn(struct console *c, const struct console_actor *a, const struct rec *r,
			struct buf *out, struct rn_error *err);
typedef int kind_remove_fn(struct console *c, const struct console_actor *a, struct str id,
			   struct rn_error *err);
typedef int kind_suspend_fn(struct console *c, const struct console_actor *a, struct str id,
			    bool suspend, struct rn_error *err);
struct kind {
	const char *name;
	const char *
		list_sql; /* binds: org, and '' or the identity wanted; columns are named as keys */
	enum console_role read, write;
	bool node_reads, node_writes; /* nodes may, where it is their own */
	bool checked;		      /* a gateway could refuse its bundle for it: see gateways_check */
	kind_add_fn *add, *set;	      /* run inside a write transaction, as the next two */
	kind_remove_fn *remove;
	kind_suspend_fn *suspend;
};
extern const struct kind kinds[]; /* in the order of console_kinds */
const struct kind *kind_find(struct str name);
/* Runs LIST_SQL and adds its rows as records; returns how many, or an error. */
int kind_rows(struct console *c, const struct kind *k, int64_t org, struct str id, struct buf *out,
	      struct rn_error *err) must_check;

/* What show prints for one; RN_ENO. */
int kind_row(struct console *c, const char *kind, int64_t org, struct str id, struct buf *out,
	     struct rn_error *err) must_check;

extern const char org_sql[], user_sql[], group_sql[], token_sql[], device_sql[], gateway_sql[],
	site_sql[], service_sql[], resource_sql[], target_sql[], policy_sql[], listen_sql[],
	rule_sql[], invitation_sql[];
kind_add_fn org_add, user_add, user_set, group_add, group_set, gateway_add, gateway_set, device_set,
	service_change, line_add, line_set;
kind_remove_fn org_remove, user_remove, group_remove, token_remove, device_remove, gateway_remove,
	service_remove, site_remove, resource_remove, target_remove, policy_remove, listen_remove,
	invitation_remove;
kind_suspend_fn user_suspend, node_suspend;

/* ---- people (people.c), for set-up and others ------------------------------------------------ */

#define CONSOLE_NETWORK "10.77.0.0/16"
#define TOKEN_ID_SIZE HEX_SIZE(4)
int org_make(struct console *c, struct str name, struct str network, int64_t *id,
	     struct rn_error *err) must_check;
int user_make(struct console *c, int64_t org, struct str name, struct str role, int64_t *id,
	      struct rn_error *err) must_check;
int user_find(struct console *c, int64_t org, struct str name, int64_t *id,
	      struct rn_error *err) must_check;
int token_insert(struct console *c, int64_t user, struct str name, uint32_t expires_s,
		 char secret[static API_TOKEN_LEN + 1], char id[static TOKEN_ID_SIZE],
		 struct rn_error *err) must_check;

/* ---- lines kept as they are (line.c) --------------------------------------------------------- */

/* Puts a site, listen, resource, target or policy record in place of the one with the same subject;
 * the schema was checked before. NEW: it must not be there yet. */
int line_put(struct console *c, const struct console_actor *a, const struct rec *r, bool new_,
	     struct rn_error *err) must_check;
bool line_kind(struct str kind);

/* ---- nodes --------------------------------------------------------------------------------------
 */

struct node {
	char id[CONSOLE_NAME_MAX], name[CONSOLE_NAME_MAX], role[16], status[16];
	int64_t org, user; /* user 0: nobody's */
	char network[16];  /* what the node calls the network: its interface */
	char wg_key[48], sign_key[48], address4[ADDR_TEXT_MAX], address6[ADDR_TEXT_MAX];
};
/* By identity or name; RN_ENO. ORG 0: any. */
int node_get(struct console *c, int64_t org, struct str id, struct node *n,
	     struct rn_error *err) must_check;
/* Whether the actor may manage N and its services: a device itself, its user, an operator; a
 * gateway: an admin. */
int node_owner_check(const struct console_actor *a, const struct node *n,
		     struct rn_error *err) must_check;
/* The gateway that new services of ORG go to; RN_ENO when it has none. */
struct gateway {
	struct node node;
	char domain[HOST_MAX], public_ip[ADDR_TEXT_MAX], management[HOST_MAX];
	int64_t wg_port, https_port, http_port;
};
int gateway_get(struct console *c, int64_t org, struct str id, struct gateway *g,
		struct rn_error *err) must_check;
int gateway_first(struct console *c, int64_t org, struct gateway *g,
		  struct rn_error *err) must_check;
/* Makes a node row with an address. WANTED is its own idea of its name; N gets what it became. */
struct node_new {
	int64_t org, user;
	const char *role;
	const char *network;				  /* NULL: after the organisation */
	struct str wanted, client_type, wg_key, sign_key; /* keys may be NULL: it will join later */
};
int node_make(struct console *c, const struct node_new *w, struct node *n,
	      struct rn_error *err) must_check;
struct gateway_new {
	const char *domain, *public_ip, *region, *instance_type, *management;
	int64_t wg_port, https_port, http_port;
};
int gateway_row(struct console *c, const struct node *n, const struct gateway_new *g,
		struct rn_error *err) must_check;
/* Makes an invitation inside a transaction; adds its record to OUT. */
struct invitation_new {
	int64_t org, user;
	const char *role;
	const char *node; /* the gateway row that it is for, or NULL */
	uint32_t expires_s;
};
int invitation_make(struct console *c, const struct invitation_new *i, struct buf *out,
		    struct rn_error *err) must_check;
/* A server certificate for a gateway of DOMAIN by the own CA. */
int certificate_sign(struct console *c, struct str csr, const char *domain, struct buf *pem,
		     struct rn_error *err) must_check;

/* ---- bundles ------------------------------------------------------------------------------------
 */

/* The records of NODE without the first line, inside a transaction. */
int render_node(struct console *c, const struct node *n, struct buf *out,
		struct rn_error *err) must_check;
/* Whether each gateway of ORG would take the bundle that it is about to get: RN_EDATA in the words of
 * the proxy's own check. For what is made by hand. Inside the transaction that changed it. */
int gateways_check(struct console *c, int64_t org, struct rn_error *err) must_check;
int render_gateway(struct console *c, const struct gateway *g, struct buf *out,
		   struct rn_error *err) must_check;
int render_device(struct console *c, const struct node *n, struct buf *out,
		  struct rn_error *err) must_check;
/* Parts that both share. LISTEN_PORT 0: none. */
int render_interface(struct console *c, const struct node *n, int64_t listen_port, struct buf *out,
		     struct rn_error *err) must_check;
void render_allowed_ips(struct buf *out, struct str address4, struct str address6);
/* The first line. */
int render_head(struct console *c, const struct node *n, int64_t serial, int64_t made_at,
		struct buf *out, struct rn_error *err) must_check;
/* Renders, signs and writes what is dirty; then tells the gateways. */
int publish_dirty(struct console *c, struct rn_error *err) must_check;
/* Sends a bundle to a gateway's management port; false (logged) if it did not take it: it will
 * pull. */
bool push_bundle(const char *management, struct str bundle, struct str sig);
/* Writes pub/trust.rn and its signature; with the CA when that is who signs the gateways'
 * certificates. */
int publish_trust(struct console *c, bool own_ca, struct rn_error *err) must_check;

#endif
