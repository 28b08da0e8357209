/* SPDX-License-Identifier: MIT
 *
 * lib/agent: a device's own side: the networks that it joined (doc/contracts.md, "Folders"), calls
 * to the console's REST interface, and a tunnel that is kept alive. What rn-node, rn-expose and
 * rn-forward share.
 *
 *   net.c      STATE/NET/node.rn
 *   rest.c     one HTTPS call, signed by the node, blocking or in the loop
 *   multi.c    libcurl's transfers in our event loop
 *   answer.c   what an HTTP status means for a person and for the exit code
 *   keeper.c   starts the tunnel, opens it, and opens it again
 *   guess.c    well-known ports: what serves there, and the command that uses it
 */
#ifndef RN_AGENT_H
#define RN_AGENT_H

#include "auth/auth.h"
#include "net/net.h"
#include "tunnel/tunnel.h"

/* ---- networks joined ------------------------------------------------------------------------- */

#define AGENT_NAME_MAX 64
#define AGENT_URL_MAX 300
#define AGENT_PATH_MAX 1024

struct agent_net {
	char name[AGENT_NAME_MAX +
		  1]; /* of the folder, of its tunnel, of the interface in its bundle */
	char dir[AGENT_PATH_MAX];
	char node[AGENT_NAME_MAX + 1]; /* this machine's identity in it */
	char role[16];		       /* client or gateway */
	char url[AGENT_URL_MAX];       /* https://DOMAIN[:PORT], no slash at the end */
	char connect[46]; /* node.rn's connect=: IP to use instead of DNS for that; or "" */
};

/* Reads DIR/node.rn. RN_ECONFIG if there is none or it is bad. */
int agent_net_read(struct agent_net *n, const char *dir, struct rn_error *err) must_check;
/* The network NAME below STATE_DIR, or with NULL the only one there joined as a client (or, if
 * there is no such, the only one). RN_ECONFIG saying what to run if none is joined or NAME must be
 * given. */
int agent_net_find(struct agent_net *n, const char *state_dir, const char *name,
		   struct rn_error *err) must_check;
/* DIR/FILE into OUT. */
int agent_net_path(const struct agent_net *n, char out[static AGENT_PATH_MAX], const char *file,
		   struct rn_error *err) must_check;

/* ---- REST ------------------------------------------------------------------------------------ */

struct agent_rest; /* keeps its connection between calls; one thread's */

struct agent_rest_conf {
	const char *url;     /* https://HOST[:PORT]; nothing but https is spoken */
	const char *connect; /* IP to go to instead of resolving HOST, or NULL or "" */
	const char *ca_file; /* PEM of the only CA to trust; NULL, missing or empty: the system's */
	bool unverified;  /* any certificate: only for reading signed files before a CA is known */
	const char *node; /* with key: every call carries this node's signature; else NULL */
	const struct auth_key *key; /* must stay */
};
struct agent_rest *agent_rest_new(const struct agent_rest_conf *conf,
				  struct rn_error *err) must_check;
/* For the console of N, signed with N's sign.key. */
struct agent_rest *agent_rest_open(const struct agent_net *n, struct rn_error *err) must_check;
void agent_rest_free(struct agent_rest *r); /* cancels what is under way */

#define AGENT_ANSWER_MAX (16u << 20)

struct agent_request {
	const char *method; /* NULL: GET */
	const char *path;   /* with its query: "/api/v1/services?name=web" */
	const char *host;   /* HOST[:PORT] of another name that the same machine serves; NULL: the
			       url's */
	struct str body;    /* records, sent as text/x-rn; copied */
	const char *etag;   /* sent as If-None-Match, or NULL */
	int timeout_ms;	    /* for all of it; 0: 10 s */
};
struct agent_answer {
	int status; /* HTTP, 200 … */
	char etag[128];
	struct buf body;
};

/* Blocking: 0 whenever an HTTP answer came, whatever its status (see agent_answer_check), and the
 * caller frees answer->body. RN_EAWAY: no connection or no answer in time; RN_EPERM: the
 * certificate is not the console's; RN_EPROTO: not HTTP, or an answer over AGENT_ANSWER_MAX. */
int agent_rest_call(struct agent_rest *r, const struct agent_request *q,
		    struct agent_answer *answer, struct rn_error *err) must_check;

/* In the loop. DONE is called once, later, with RC as above; ANSWER (RC 0 only) and ERR live during
 * the call. Freeing R, or cancelling, forgets the call without DONE. */
typedef void agent_rest_fn(void *ctx, int rc, const struct agent_answer *answer,
			   const struct rn_error *err);
struct agent_call;
struct agent_call *agent_rest_start(struct agent_rest *r, struct loop *l,
				    const struct agent_request *q, agent_rest_fn *done, void *ctx,
				    struct rn_error *err) must_check;
void agent_rest_cancel(struct agent_call *call);

/* What the status means: 2xx is 0. Else the console's own text (error=… text=…) and a hint at what
 * to do: 400 RN_EDATA, 401 and 403 RN_EPERM, 404, 409 and 410 RN_ENO, 429 RN_EAGAIN, 5xx RN_EAWAY,
 * others RN_EPROTO. */
int agent_answer_check(const struct agent_answer *a, struct rn_error *err) must_check;
/* call and check in one; the answer's records in OUT (may be NULL). */
int agent_rest_records(struct agent_rest *r, const struct agent_request *q, struct buf *out,
		       struct rn_error *err) must_check;
/* "/api/v1/services?name=" and the like: adds S as it may stand in a query (RFC 3986). */
void agent_query_add(struct buf *path, const char *key, struct str s);

/* ---- a tunnel kept alive --------------------------------------------------------------------- */

/* Called with the open tunnel when it is up, and with NULL and the reason when it went away: then
 * every socket in it is dead. A failure to start it is told once by a call with NULL, and tried
 * again. */
struct agent_keeper;
typedef void agent_keeper_fn(void *ctx, struct tunnel *t, const struct rn_error *why);
/* Opens the tunnel of N, starting it (RN_WG: path of the program) if it does not run, and again
 * whenever it is gone, after 0.1 s, 0.2 s, … at most 5 s. The first call of FN comes from the loop.
 * N must stay. */
struct agent_keeper *agent_keeper_new(struct loop *l, const struct agent_net *n, const char *rn_wg,
				      const char *run_dir, agent_keeper_fn *fn, void *ctx,
				      struct rn_error *err) must_check;
void agent_keeper_free(struct agent_keeper *k); /* closes the tunnel, which goes on for others */

/* ---- well-known ports ------------------------------------------------------------------------ */

struct agent_port {
	uint16_t port;
	const char *name;     /* "postgres" */
	const char *protocol; /* http, tcp or udp: how to expose it */
	const char *use;      /* command for HOST %s and PORT %u in this order, or NULL */
};
/* NULL if nothing is known of it. UDP: only udp entries, else only the others. */
const struct agent_port *agent_port_find(uint16_t port, bool udp);
const struct agent_port *agent_port_named(const char *name);
/* The command for it ("psql -h localhost -p 5432"); false if none is known. */
bool agent_port_use(const struct agent_port *p, const char *host, uint16_t port, char *out,
		    size_t size);

#endif
