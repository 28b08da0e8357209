/* SPDX-License-Identifier: MIT
 *
 * Inside of the proxy: what its files share. Threads and who owns what:
 *
 *   main      signals, control socket, reload, access records to file and followers   run.c control.c
 *   side      tunnels (their control sockets may block) and health checks              side.c health.c
 *   workers   everything that touches a visitor's bytes; share nothing                 worker.c and below
 *   helper    a process apart, forked first: runs CGI programs                         cgi_helper.c
 *
 * A worker has a view of the current snapshot: the snapshot and this worker's place in each
 * resource's rotation. A request (txn) and a relayed connection hold the view that they began with.
 *
 * An HTTP connection (conn) is small and holds no memory of its own between requests; a request takes
 * a txn with its buffers from the worker's pool and goes through the stages (stages.c).
 */
#ifndef RN_PROXY_WORKER_H
#define RN_PROXY_WORKER_H

#include "proxy/access.h"
#include "proxy/half.h"
#include "proxy/mail.h"
#include "proxy/proxy.h"
#include "proxy/snapshot.h"

/* ---- lists ------------------------------------------------------------------------------------- */

struct link {
	struct link *prev, *next; /* circular; NULL when in no list */
};
void link_init(struct link *head);
void link_add(struct link *head, struct link *l);
void link_remove(struct link *l); /* fine when in no list */

/* ---- worker ------------------------------------------------------------------------------------ */

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
	unsigned n_free_txns;
	struct link conns;     /* struct conn: HTTP connections */
	struct link relays;    /* struct tcp: relayed connections */
	struct link listeners; /* struct listener */
	struct access_ring ring;
	struct timer access_timer;
	uint64_t id_next[2];   /* of request ids: random, counted up */
	int cgi_fd;            /* to the helper */
	bool draining;
	_Atomic unsigned open; /* connections, for the drain and for show */
};

/* The thread's body; ends when told to stop. */
void *worker_main(void *worker);

/* ---- listeners --------------------------------------------------------------------------------- */

struct listen_count { /* of one listen name, summed over workers */
	_Atomic uint64_t accepted;
	_Atomic int64_t open;
};

struct listener {
	struct link link;
	struct worker *worker;
	struct watch watch;
	struct str name; /* of its listen record; own copy behind the struct */
	bool udp;
	struct flows *flows; /* UDP */
	struct listen_count *count; /* main's; lives as long as the proxy */
};

/* Takes FD over. NULL: no memory or no descriptors; FD is closed. */
struct listener *listener_open(struct worker *w, struct str name, int fd, bool udp,
			       struct listen_count *count);
void listener_close(struct listener *l); /* its connections go on */
void listeners_close(struct worker *w);
/* The current record of it; NULL if the config has it no more. */
struct listen_conf *listener_conf(const struct listener *l);

/* ---- targets and connections to them ------------------------------------------------------------ */

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
	enum up_state step;
	struct up *next; /* in the pool */
	up_fn *done;
	void *owner;     /* struct txn or struct tcp; NULL in the pool */
	unsigned uses;   /* requests served before this one */
	struct dial *dial;
	char why[128];   /* of a failure */
};

/* An idle connection from the pool, or NULL. */
struct up *up_reuse(struct worker *w, struct target *t, void *owner);
/* Begins a new one; DONE comes later, from the loop, never from inside. NULL: no descriptors or
 * memory. */
struct up *up_dial(struct worker *w, struct target *t, uint64_t timeout_ms, up_fn *done, void *owner);
/* Back to the pool after a whole answer. */
void up_keep(struct up *up);
void up_close(struct up *up); /* NULL is fine */
/* A plain connection's descriptor, for a relay; UP is gone. */
int up_detach(struct up *up);
/* Events of a busy connection; relay.c. */
void txn_up_event(struct watch *watch, uint32_t events);

/* ---- HTTP -------------------------------------------------------------------------------------- */

enum conn_step { CONN_HANDSHAKE, CONN_IDLE, CONN_BUSY, CONN_LINGER };

struct conn { /* a visitor's connection */
	struct stream stream;
	struct link link;
	struct timer timer;
	struct worker *worker;
	struct txn *txn;
	struct listen_count *count;
	struct str listener; /* name; own copy behind the struct */
	struct addr peer;
	uint32_t requests;
	uint32_t linger_bytes;
	enum conn_step step;
	bool tls;
};

void conn_accept(struct listener *l, int fd, const struct addr *peer);
void conn_close(struct conn *c);
/* The request is over: wait for the next one, or end. LEFT are bytes already read behind it. */
void conn_next(struct conn *c, bool keep, struct inbuf *left);
/* For the drain: ends what is idle; what is busy will not be kept. */
void conns_drain(struct worker *w);
void conns_close(struct worker *w);

enum stage_result { STAGE_NEXT, STAGE_WAIT, STAGE_DONE };
typedef enum stage_result stage_fn(struct txn *t);

struct who { /* what authentication proved */
	struct str user, groups, device, link;
	struct session session; /* user, groups and link may point into it */
	bool link_shown;
	char link_id[LINK_ID_LEN + 1];
};

struct txn { /* one request and its answer */
	struct conn *conn;
	struct worker *worker;
	struct view *view;
	struct listen_conf *listen;
	struct resource *resource;
	struct target *target;
	struct up *up;
	struct timer timer;
	unsigned stage;
	uint8_t tried;       /* targets that could not be reached */
	bool head_done;      /* the request's head is whole */
	bool answered;       /* a status was sent, or is about to be */
	bool own;            /* the answer is ours, not a target's */
	bool sent_up;        /* something of the request may have reached the target */
	bool up_began;       /* something of the answer has come */
	bool keep;           /* the visitor's connection stays afterwards */
	bool req_done, res_done;
	bool upgraded;
	bool retried;
	struct half req_half; /* visitor to target; its block holds the request's head */
	struct half res_half; /* target to visitor */
	size_t head_len;
	struct buf req_text, res_text; /* heads that we wrote */
	uint64_t began_ms;
	int64_t at;
	uint16_t status;
	struct policy_decision decision;
	bool decided;
	const char *why;
	char why_text[160];
	char id[27];
	struct who who;
	/* views into these live as long as the request */
	char host_text[HTTP_HOST_MAX + 1];
	struct str host; /* folded, without port */
	struct str path; /* normalised; in path_buf */
	struct str query; /* for the target: ours taken out; NULL ptr without */
	struct buf path_buf, query_buf;
	struct buf set_cookie; /* complete field lines that the answer gets */
	struct http_head req, res;
	struct txn *next_free;
};

struct txn *txn_new(struct conn *c);
/* From the visitor's side: more of the request may be there. */
void txn_conn_event(struct txn *t, uint32_t events);
/* Goes on with the stages after STAGE_WAIT. */
void txn_run(struct txn *t);
/* Ends it, with its access record; the visitor's connection is told. BROKEN: nothing more can be
 * sent there. */
void txn_end(struct txn *t, bool broken);
void txn_abort(struct txn *t, const char *why); /* txn_end with the connection closed */

extern stage_fn stage_parse, stage_route, stage_authenticate, stage_policy, stage_balance, stage_relay;
void txn_access(struct txn *t); /* the last stage: the access record */

/* Our own answers. TEXT: plain sentences for a person. All return STAGE_DONE and end the request once
 * the answer has left. */
struct answer {
	unsigned status;
	struct str title, text;
	struct str link, link_text;
	struct str fields; /* complete lines */
	const char *why;   /* for the access record; NULL: none */
	bool bare;         /* no body: 204, redirects */
};
enum stage_result txn_answer(struct txn *t, const struct answer *a);
/* The head as the target gets it. False: it does not fit. */
bool txn_write_request(struct txn *t);
bool txn_write_response(struct txn *t, bool more);
void txn_pump(struct txn *t);
bool txn_is_tls(const struct txn *t);

/* ---- TCP and UDP ------------------------------------------------------------------------------- */

void tcp_accept(struct listener *l, int fd, const struct addr *peer);
void tcps_close(struct worker *w);
struct flows *udp_start(struct listener *l, int fd, struct rn_error *err);

/* ---- side thread and CGI ------------------------------------------------------------------------ */

/* A connection inside a tunnel, asked for by a worker, made by the side thread. */
struct dial {
	struct mail mail;
	struct worker *worker;
	struct up *up; /* NULL: nobody waits any more */
	char via[72];
	struct addr address;
	int fd; /* or a negative rn_err */
	struct rn_error err;
};
void side_dial(struct proxy *p, struct dial *d, mail_fn *back);

/* Starts T's program; the descriptor is its stdin and stdout. VARS: NUL-ended NAME=value strings. */
int cgi_start(struct worker *w, const struct target *t, struct str vars, struct rn_error *err) must_check;

#endif
