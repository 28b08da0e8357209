/* SPDX-License-Identifier: MIT
 *
 * Inside of the proxy: what its files share. Threads and who owns what:
 *
 *   main      signals, control socket, reload, access records to file and followers   run.c
 * control.c side      tunnels (their control sockets may block) and health checks side.c health.c
 *   workers   everything that touches a visitor's bytes; share nothing                 worker.c and
 * below helper    a process apart, forked first: runs CGI programs cgi_helper.c
 *
 * A worker has a view of the current snapshot: the snapshot and this worker's place in each
 * resource's rotation. A request (txn) and a relayed connection hold the view that they began with.
 *
 * An HTTP connection (conn) is small and holds no memory of its own between requests; a request
 * takes a txn with its buffers from the worker's pool and goes through the stages (stages.c).
 */
#ifndef RN_PROXY_WORKER_H
#define RN_PROXY_WORKER_H

#include "proxy/access.h"
#include "proxy/half.h"
#include "proxy/mail.h"
#include "proxy/proxy.h"
#include "proxy/snapshot.h"

/* ---- lists -------------------------------------------------------------------------------------
 */

struct link {
	struct link *prev, *next; /* circular; NULL when in no list */
};
void link_init(struct link *head);
void link_add(struct link *head, struct link *l);
void link_remove(struct link *l); /* fine when in no list */

/* ---- orders to a worker -------------------------------------------------------------------------
 */

struct listen_count;
struct order_open {
	struct str name;
	int fd; /* the worker's own from now on */
	bool udp;
	struct listen_count *count;
};

struct order { /* main waits until it is done, so everything in it may be main's */
	struct mail mail;
	struct worker *worker;
	struct view *view; /* NULL: the same as before */
	VEC(struct order_open) opens;
	VEC(struct str) closes; /* names */
	bool tunnels; /* one came or went: pooled connections in tunnels are not to be trusted */
	bool drain, stop;
	struct order_wait *wait; /* NULL: nobody waits */
};

/* ---- worker ------------------------------------------------------------------------------------
 */

struct txn;
struct view {
	struct snapshot *snap;
	unsigned refs;
	int weight[]; /* of each target: smooth weighted round robin */
};
struct view *view_ref(struct view *v);
void view_unref(struct view *v);

struct listener; /* one socket of one worker; listener.c */

struct worker {
	unsigned index;
	struct proxy *proxy;
	struct loop *loop;
	pthread_t thread;
	struct mailbox mail;
	struct view *view; /* the current one */
	struct block_pool blocks;
	struct txn *free_txns;
	struct message *free_messages;
	struct link conns;     /* struct conn: HTTP connections */
	struct link waiting;   /* those of them that owe us a request, the longest one first */
	struct link relays;    /* struct tcp: relayed connections */
	struct link listeners; /* struct listener */
	struct access_ring ring;
	struct timer access_timer;
	uint64_t id_next[2]; /* of request ids: random, counted up */
	int cgi_fd;	     /* to the helper */
	bool draining;
	struct mail ended; /* to main, when the thread is done */
	struct order stop;
	_Atomic bool stopping;
	_Atomic unsigned open; /* connections, for the drain and for show */
	uint64_t evict_told_ms;
};

/* The thread's body; ends when told to stop. */
void *worker_main(void *worker);

/* ---- listeners ---------------------------------------------------------------------------------
 */

struct listen_count { /* of one listen name, summed over workers */
	_Atomic uint64_t accepted;
	_Atomic int64_t open;
};

struct listener {
	struct link link;
	struct worker *worker;
	struct watch watch;
	struct timer rest;
	struct str name; /* of its listen record; own copy behind the struct */
	bool udp;
	struct flows *flows;	    /* UDP */
	uint64_t refused_ms;	    /* when the second began in which so many were refused */
	unsigned refused;
	struct listen_count *count; /* main's; lives as long as the proxy */
};

/* Takes FD over. NULL: no memory or no descriptors; FD is closed. */
struct listener *listener_open(struct worker *w, struct str name, int fd, bool udp,
			       struct listen_count *count);
void listener_close(struct listener *l); /* its connections go on */
void listeners_close(struct worker *w);
/* The current record of it; NULL if the config has it no more. */
struct listen_conf *listener_conf(const struct listener *l);

/* ---- targets and connections to them ------------------------------------------------------------
 */

/* The next target of RES by weight, leaving out those that are down, and the TRIED ones (up to 8
 * bits, by place); a suspected one only if there is no other. NULL: none is up. */
struct target *balance_pick(struct view *v, struct resource *res, uint8_t tried);
uint8_t balance_bit(const struct resource *res, const struct target *t);

enum up_state { UP_DIALING, UP_CONNECTING, UP_HANDSHAKE, UP_BUSY, UP_IDLE };
struct up;
typedef void up_fn(void *owner, struct up *up, const char *why); /* why NULL: connected */

/* A connection to a target. While it is being made its owner is told once by up_fn; then its events
 * go to the owner's txn. */
struct up {
	struct stream stream;
	struct timer timer;
	struct worker *worker;
	struct target_state *state;
	struct target *target; /* its owner's view has it; valid until connected */
	enum up_state step;
	struct up *next; /* in the pool */
	up_fn *done;
	void *owner;   /* struct txn or struct tcp; NULL in the pool */
	unsigned uses; /* requests served before this one */
	struct dial *dial;
	unsigned generation; /* of the tunnel that it is in; 0: in none */
	char why[128];	     /* of a failure */
};

/* An idle connection from the pool, or NULL. */
struct up *up_reuse(struct worker *w, struct target *t, void *owner);
/* Begins a new one; DONE comes later, from the loop, never from inside. NULL: no descriptors or
 * memory. */
struct up *up_dial(struct worker *w, struct target *t, uint64_t timeout_ms, up_fn *done,
		   void *owner);
/* A connected socket of ours (CGI); taken over, also on failure. */
struct up *up_from_fd(struct worker *w, struct target *t, int fd, struct txn *owner,
		      struct rn_error *err);
/* Back to the pool after a whole answer. */
void up_keep(struct up *up);
void up_close(struct up *up); /* NULL is fine */
/* Ends the stream if it is in a tunnel VIA that is gone; its owner then hears of the end. */
void up_cut_gone(struct up *up, struct str via);
/* Idle connections to the targets that the worker's view knows; only those in tunnels, when one
 * came or went. */
void ups_close(struct worker *w, bool only_tunnels);
/* A plain connection's descriptor, for a relay; UP is gone. */
int up_detach(struct up *up);
/* Events of a busy connection; relay.c. */
void txn_up_event(struct watch *watch, uint32_t events);

/* ---- HTTP --------------------------------------------------------------------------------------
 */

enum conn_step { CONN_HANDSHAKE, CONN_IDLE, CONN_LEFT, CONN_BUSY, CONN_LINGER };

struct conn { /* a visitor's connection */
	struct stream stream;
	struct link link, waiting;
	struct timer timer;
	struct worker *worker;
	struct txn *txn;
	struct listen_count *count;
	struct str listener; /* name; own copy behind the struct */
	struct addr peer;
	uint32_t requests;
	uint32_t linger_bytes;
	uint32_t depth;	   /* of answers given without a turn of the loop between them */
	struct inbuf left; /* CONN_LEFT: bytes of the next request */
	enum conn_step step;
	bool last; /* the visitor said that nothing follows its request, which was read whole */
	bool tls;
};

void conn_accept(struct listener *l, int fd, const struct addr *peer);
void conn_close(struct conn *c);
/* The request is over: wait for the next one, or end. LEFT are bytes already read behind it. */
void conn_next(struct conn *c, bool keep, struct inbuf *left);
/* The head of its request is whole: from now on it is not the visitor that we wait for. */
void conn_asked(struct conn *c);
/* Ends the HTTP connection that has owed us a request the longest. False: none does. */
bool conns_evict(struct worker *w);
/* Room for one more connection, made by evicting one if need be. */
bool conns_room(struct worker *w);
/* For the drain: ends what is idle; what is busy will not be kept. */
void conns_drain(struct worker *w);
void conns_close(struct worker *w);
/* A tunnel came or went: what is under way in one that is gone ends now, not when patience does. */
void conns_cut_gone(struct worker *w);

enum stage { /* in this order */
	     STAGE_PARSE,
	     STAGE_ROUTE,
	     STAGE_AUTHENTICATE,
	     STAGE_POLICY,
	     STAGE_BALANCE,
	     STAGE_RELAY,
	     STAGES_DONE, /* answered */
};
enum stage_result { STAGE_NEXT, STAGE_WAIT, STAGE_DONE };
typedef enum stage_result stage_fn(struct txn *t);

struct who { /* what authentication proved */
	struct str user, groups, device, link;
	bool link_shown;
	bool link_refused; /* one was shown, and is not good (any more) */
	/* What link may point into; all before it is cleared for a new request. */
	char link_id[LINK_ID_LEN + 1];
};

/* What is known of a request while its answer is being made; let go of when the connection is
 * upgraded and may stay for days. */
struct message {
	struct inbuf head; /* what the views of req point into, or: */
	char short_head[1024]; /* of a usual request, which so holds no block while it waits */
	struct buf req_text, res_text; /* heads that we wrote */
	char host_text[HTTP_HOST_MAX + 1];
	struct str host; /* folded, without port */
	struct buf path_buf, query_buf;
	struct str path;       /* normalised: what is routed and decided on */
	struct str query;      /* for the target: ours taken out; NULL ptr without */
	struct buf set_cookie; /* complete field lines that the answer gets */
	struct who who;
	struct message *next_free;
	/* Large, and mostly untouched: behind all else, so that a usual request takes few pages. */
	struct http_head req, res;
	struct session session; /* what user, groups and link of who may point into */
};

struct txn { /* one request and its answer */
	struct conn *conn;
	struct worker *worker;
	struct message *m; /* NULL once upgraded */
	struct view *view;
	struct listen_conf *listen;
	struct resource *resource;
	struct target *target;
	struct up *up;
	struct timer timer;
	uint8_t stage;
	uint8_t tried;	/* targets that could not be reached; balance_bit */
	bool head_done; /* the request's head is whole */
	uint8_t tries;	/* connections that failed */
	bool relaying;	/* the request is on its way to the target */
	bool answering; /* a head was written for the visitor */
	bool own;	/* the answer is ours, not a target's */
	bool keep;	/* the visitor's connection stays afterwards */
	bool up_keep;	/* the target's connection too */
	bool req_done, res_done;
	bool retried;
	bool upgraded;
	bool continued; /* 100 (Continue) was sent */
	bool req_waits_dst, res_waits_dst;
	struct half req_half; /* visitor to target */
	struct half res_half; /* target to visitor */
	uint64_t began_ms;
	int64_t began_at;
	uint16_t status;
	bool decided;
	struct policy_decision decision;
	struct buf record; /* what the access record says of an upgraded request */
	char why[128];
	char id[27];
	struct txn *next_free;
};

struct txn *txn_new(struct conn *c, struct inbuf *left);
void txns_free(struct worker *w); /* the pools */
/* The visitor's socket is ready. */
void txn_conn_event(struct txn *t, uint32_t events);
/* Goes on with the stages after STAGE_WAIT. */
void txn_run(struct txn *t);
/* The answer has left, all of it: access record, and the connection goes on or ends. */
void txn_end(struct txn *t);
/* Nothing more can be done for the visitor: access record, connection closed. */
void txn_abort(struct txn *t, const char *why);
void txn_why(struct txn *t, const char *why); /* the first one stays */
void txn_message_free(struct txn *t);

extern stage_fn stage_parse, stage_route, stage_authenticate, stage_policy, stage_balance,
	stage_relay;
void stage_access(struct txn *t);		    /* the last one: the access record */
void access_describe(struct txn *t, struct buf *b); /* its part that is known from the request */

/* Our own answers. TEXT: plain sentences for a person. All return STAGE_DONE and end the request
 * once the answer has left. */
struct answer {
	unsigned status;
	struct str title, text;
	struct str link, link_text;
	struct str fields; /* complete lines */
	const char *why;   /* for the access record; NULL: none */
	bool bare;	   /* no body: 204, redirects */
};
enum stage_result txn_answer(struct txn *t, const struct answer *a);
/* What only we may say to a target: forwarding, identity, the framing; a visitor's never passes. */
bool head_field_is_ours(const struct http_field *f);
/* The heads as the other side gets them, into m->req_text and m->res_text. False: does not fit. */
bool head_for_target(struct txn *t);
bool head_for_visitor(struct txn *t, enum http_body body);
/* The gateway's own paths below /.rustronaut/. */
enum stage_result own_paths(struct txn *t);
/* Moves what can be moved of the request and the answer. */
void txn_pump(struct txn *t);
/* The target's connection is there (why NULL) or could not be made. */
void txn_up_done(void *txn, struct up *up, const char *why);
/* What was proved, as policy wants it. */
void facts_from(const struct txn *t, struct policy_facts *f);

/* ---- TCP and UDP -------------------------------------------------------------------------------
 */

void sock_accept(struct listener *l, int fd, const struct addr *peer);
void tcps_close(struct worker *w);
/* Those that go through a tunnel that is gone. */
void tcps_cut_gone(struct worker *w);
struct flows *udp_start(struct listener *l, int fd, struct rn_error *err);

/* ---- side thread and CGI ------------------------------------------------------------------------
 */

/* A connection inside a tunnel, asked for by a worker, made by the side thread. */
struct dial {
	struct mail mail;
	mail_fn *back;
	struct worker *worker;
	struct up *up; /* NULL: nobody waits any more */
	char via[72];
	struct addr address;
	int fd; /* or a negative rn_err */
	unsigned generation;
	struct rn_error err;
};
void side_dial(struct proxy *p, struct dial *d, mail_fn *back);

/* Starts T's program; the descriptor is its stdin and stdout. VARS: NUL-ended NAME=value strings.
 */
int cgi_start(struct worker *w, const struct target *t, struct str vars,
	      struct rn_error *err) must_check;

#endif
