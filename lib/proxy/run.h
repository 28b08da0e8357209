/* SPDX-License-Identifier: MIT
 *
 * Inside of the proxy: the main thread and what it tells the others.
 */
#ifndef RN_PROXY_RUN_H
#define RN_PROXY_RUN_H

#include "proxy/worker.h"

/* ---- orders -------------------------------------------------------------------------------------
 */

struct order_wait {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned left;
};
void order_done(struct order *o);
void worker_order(struct worker *w, struct order *o);

int worker_init(struct worker *w, struct proxy *p, unsigned index, struct rn_error *err) must_check;
void worker_free(struct worker *w);
struct view *view_new(struct snapshot *s) must_check;
void listeners_close_named(struct worker *w, struct str name);

/* Counting of open connections, for the drain. */
void worker_opened(struct worker *w);
void worker_closed(struct worker *w);
void worker_check_drained(struct worker *w);
/* Puts w->ring.line on its way. */
void worker_access_put(struct worker *w);

/* ---- records of TCP and UDP ------------------------------------------------------------------ */

struct flow_note {
	const struct snapshot *snap;
	struct str listener;
	const struct resource *resource; /* or NULL */
	const struct target *target;	 /* or NULL */
	const struct addr *peer;
	bool via; /* came through a tunnel */
	struct policy_decision decision;
	uint64_t began_ms, bytes_in, bytes_out;
	int64_t began_at;
	const char *why;
};
void flow_record(struct worker *w, const struct flow_note *n);
struct policy_decision flow_decide(const struct snapshot *s, const struct listen_conf *l,
				   const struct addr *peer);

/* ---- sockets of a listen record -------------------------------------------------------------- */

struct socket_set {	     /* one listen record's, as it is open now */
	struct str name;     /* own copies */
	struct str key;	     /* transport, address and tunnel: unchanged means the sockets stay */
	struct addr address; /* really */
	struct str via;
	unsigned generation; /* of the tunnel, when the sockets were opened in it */
	bool udp, open;
	struct listen_count count;
};

/* ---- side thread ----------------------------------------------------------------------------- */

struct side;
struct side *side_start(struct proxy *p, struct rn_error *err) must_check;
void side_stop(struct side *s);
/* From now on check the targets of this snapshot, and keep the tunnels that it names. */
void side_config(struct side *s, struct snapshot *snap);
/* A listening or UDP socket in tunnel VIA; blocks up to 2 s; for main. */
int side_listen(struct side *s, struct str via, const struct addr *a, bool udp,
		struct rn_error *err) must_check;

/* A connected UDP socket in tunnel VIA, for a worker; blocks up to 2 s when the tunnel hangs. */
int side_udp(struct side *s, struct str via, const struct addr *peer,
	     struct rn_error *err) must_check;
/* Counts the tunnel's comings; 0 while it is away. */
unsigned side_generation(struct side *s, struct str via);

/* ---- proxy ----------------------------------------------------------------------------------- */

struct proxy {
	struct proxy_options o;
	struct loop *loop;
	struct mailbox mail;
	struct snapshot *snap;
	struct state_table states;
	struct worker *workers;
	unsigned n_workers, n_started, n_running;
	unsigned conns_max; /* connections of visitors, of each worker */
	VEC(struct socket_set *) sockets;
	struct side *side;
	uint8_t *session_key; /* AUTH_SECRET_LEN bytes, locked */
	int64_t started_at;   /* Unix seconds */
	pid_t helper;
	unsigned terms;
	struct timer drain_timer;
	/* access records */
	struct mail access_mail;
	_Atomic bool access_told;
	struct buf access_out;
	struct ctl_server *ctl;
	struct link followers;
	struct buf recent; /* the last records, for `log` without -f */
	uint64_t lost;
};

int proxy_reload(struct proxy *p, struct rn_error *err) must_check;
/* Tells all workers and waits. */
void proxy_order_all(struct proxy *p, void (*fill)(struct order *o, unsigned worker, void *ctx),
		     void *ctx);
void proxy_drain(struct proxy *p);
/* From any worker: there are access records to fetch. */
void proxy_access_ready(struct proxy *p);
/* Empties the rings. */
void proxy_access_fetch(struct proxy *p);
int control_open(struct proxy *p, struct rn_error *err) must_check;
void control_close(struct proxy *p);

/* Opens and closes sockets so that they fit SNAP: first all that is new, then nothing can fail. */
struct socket_plan;
struct socket_plan *sockets_prepare(struct proxy *p, const struct snapshot *snap,
				    struct rn_error *err) must_check;
void sockets_commit(struct proxy *p, struct socket_plan *plan, struct snapshot *snap);
void sockets_abandon(struct socket_plan *plan);
/* A tunnel came back: open the listeners that waited for it. */
void sockets_retry(struct proxy *p);
void sockets_free(struct proxy *p);

/* When root and USER is not NULL: becomes that user, for good. */
int proxy_become_user(const char *user, struct rn_error *err) must_check;

/* Forks the CGI helper, which becomes USER, and gives each worker its end of a socket to it; must
 * run before any thread starts. */
int cgi_helper_start(struct worker *workers, unsigned n, const char *user, pid_t *pid,
		     struct rn_error *err) must_check;

#endif
