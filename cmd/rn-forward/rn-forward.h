/* SPDX-License-Identifier: MIT
 *
 * rn-forward: a local port whose far end is through the tunnel.
 *
 *   main.c      the command line
 *   asked.c     REMOTE and LOCAL, from arguments or from lines
 *   resolve.c   from a service's or device's name to an address in the tunnel: asked from the
 * console, remembered for when it does not answer app.c       what all forwards of this process
 * share, and the end forward.c   one forward: its listeners, its connections control.c   its
 * control socket, RUN_DIR/forward-REMOTE.sock; rn forward list and stop
 */
#ifndef RN_FORWARD_H
#define RN_FORWARD_H

#include "agent/agent.h"
#include "cli/cli.h"

#define FORWARDS_MAX 256
#define REMOTE_MAX 80 /* HOST:PORT */

struct options {
	char *network;
	bool udp;
	int ready_fd; /* as given plus one: 0 is none */
};

struct asked {
	char remote[REMOTE_MAX]; /* as written: HOST:PORT */
	char host[AGENT_NAME_MAX + 1];
	uint16_t port;
	struct addr local[2]; /* localhost is 127.0.0.1 and ::1 */
	size_t n_local;
	bool udp; /* asked for; else what the service is */
};
int asked_parse(struct asked *a, struct str remote, struct str local,
		struct rn_error *err) must_check;

/* ---- where a name leads ---------------------------------------------------------------------- */

struct route {
	struct addr address;		  /* inside the tunnel */
	char service[AGENT_NAME_MAX + 1]; /* or "" for a plain address */
	bool udp;
};
/* The service that the answer of GET /services says A means. RN_ENO: none of them. */
int route_from_answer(struct route *r, const struct asked *a, struct str answer,
		      struct rn_error *err) must_check;
/* Asks the console, and remembers; if it does not answer, what was remembered serves. */
int route_find(struct route *r, const struct asked *a, struct agent_rest *rest,
	       const struct agent_net *net, struct rn_error *err) must_check;

/* ---- one process ----------------------------------------------------------------------------- */

struct forward;
struct app {
	struct cli *cli;
	const struct options *opts;
	struct loop *loop;
	struct agent_net net;
	struct agent_rest *rest;
	struct agent_keeper *keeper;
	struct tunnel *tunnel; /* NULL while it is down */
	struct forward *forwards[FORWARDS_MAX];
	size_t n_forwards;
	bool ready;
	int64_t down_since; /* Unix seconds; 0 while it is up */
	int result;	    /* of a line that was left out */
};
int app_run(struct cli *c, int argc, char **argv); /* the command */
void app_stop_forward(struct app *app,
		      struct forward *f); /* frees it; the last one ends the program */

/* ---- one forward ----------------------------------------------------------------------------- */

struct forward {
	struct app *app;
	struct asked asked;
	struct route route;
	struct conns *conns[2];
	struct flows *flows[2];
	struct ctl_server *ctl;
};
/* Finds the way and opens the local port. */
struct forward *forward_new(struct app *app, const struct asked *a,
			    struct rn_error *err) must_check;
void forward_free(struct forward *f);
size_t forward_count(const struct forward *f); /* connections and flows now */
void forward_record(const struct forward *f, struct buf *out);
void forward_print(const struct forward *f); /* that it is up, for people or a pipe */

int control_open(struct forward *f, struct rn_error *err) must_check;
int run_list(struct cli *c, int argc, char **argv);
int run_stop(struct cli *c, int argc, char **argv);

#endif
