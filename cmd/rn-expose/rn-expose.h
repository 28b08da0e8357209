/* SPDX-License-Identifier: MIT
 *
 * rn-expose: make local services reachable through the gateway.
 *
 *   main.c      the command line
 *   target.c    ADDRESS: where the local service is, and connecting to it
 *   asked.c     what to expose, from arguments or from lines
 *   app.c       what all services of this process share: loop, tunnel, REST client, the end
 *   service.c   the life of one: listen in the tunnel, register, prove it, watch it, take it down
 *   carry.c     the connections and datagrams of one
 *   control.c   its control socket, RUN_DIR/expose-NAME.sock
 *   print.c     what people and pipes are told
 *   list.c      rn expose list
 *   stop.c      rn expose stop
 */
#ifndef RN_EXPOSE_H
#define RN_EXPOSE_H

#include "agent/agent.h"
#include "cli/cli.h"

#define SERVICES_MAX 256
#define HOST_MAX 300
#define LIST_MAX 1024

/* ---- where the local service is -------------------------------------------------------------- */

struct target {
	char text[256];	      /* as the console is told: localhost:3000, unix:/path */
	char path[108];	      /* unix socket, or "" */
	struct addr addrs[2]; /* else: to try in turn (localhost is 127.0.0.1 and ::1) */
	size_t n_addrs;
	size_t best; /* index of the address that answered last */
};
/* "3000", "localhost:3000", "[::1]:80", "10.0.0.5:80", "unix:/path". RN_EUSAGE: none of these. */
int target_parse(struct target *t, struct str text, struct rn_error *err) must_check;
uint16_t target_port(const struct target *t); /* 0 for a unix socket */
/* A non-blocking stream socket, connected or connecting; a negative rn_err if refused. */
int target_connect(struct target *t, struct rn_error *err) must_check;
int target_udp(const struct target *t, struct rn_error *err) must_check;

/* ---- what is asked --------------------------------------------------------------------------- */

struct options {
	char *name, *subdomain, *network;
	char allow[LIST_MAX]; /* principals as a list value */
	bool public_;
	int ready_fd; /* as given plus one: 0 is none */
};

struct asked {
	char name[AGENT_NAME_MAX + 1];
	char protocol[8];
	char subdomain[64]; /* or "" */
	char allow[LIST_MAX];
	bool public_;
	bool ssh; /* the ssh line is worth printing */
	struct target target;
};
/* From the command line. */
int asked_from_args(struct asked *a, const struct options *o, const char *address,
		    const char *protocol, struct rn_error *err) must_check;
/* From a service record, where O says what it leaves open. */
int asked_from_record(struct asked *a, const struct options *o, const struct rec *r,
		      struct rn_error *err) must_check;

/* ---- one process ----------------------------------------------------------------------------- */

struct service;
struct app {
	struct cli *cli;
	const struct options *opts;
	struct loop *loop;
	struct agent_net net;
	struct agent_rest *rest;
	struct agent_keeper *keeper;
	struct tunnel *tunnel; /* NULL while it is down */
	struct service *services[SERVICES_MAX];
	size_t n_services;
	struct timer deadline; /* of the end */
	struct timer broken;   /* standard output is: the end, soon */
	bool ready, ending;
	int result; /* the first failure */
};
int app_run(struct cli *c, int argc, char **argv); /* the command */
/* Writes out what was printed; if that fails the program ends, but not at once. */
void app_flush(struct app *app);
/* A service is up: when all are, we are ready. */
void app_service_up(struct app *app);
/* A service has ended (0: as it was told to): it is freed; with the last one the program ends. */
void app_service_ended(struct app *app, struct service *s, const struct rn_error *why);

/* ---- one service ----------------------------------------------------------------------------- */

struct service {
	struct app *app;
	struct asked asked;
	uint16_t port; /* inside the tunnel; 0 before the first listen */
	struct conns *conns;
	struct flows *flows;
	struct addr gateway; /* the only one that may come in, once it is known */
	struct ctl_server *ctl;
	struct ctl_call *stopper; /* who asked for the end */
	struct agent_call *call;  /* to console or gateway: one at a time */
	struct timer next;	  /* next step when none is under way */
	uint64_t wait_ms;
	uint64_t started_ms;
	uint64_t proved_ms; /* when the last probe passed */
	int64_t renew_at;   /* Unix seconds; 0 never */
	int64_t down_since; /* Unix seconds */
	bool registered, shown, up, ending, hinted;
	bool local_away;   /* the last visitor found nobody at the local address */
	struct buf record; /* as the console answered */
	char id[AGENT_NAME_MAX + 1];
	char host[HOST_MAX]; /* HOST[:PORT] that serves it; "" for tcp and udp */
	char why[256];	     /* it is down */
};
struct service *service_new(struct app *app, const struct asked *a,
			    struct rn_error *err) must_check;
void service_free(struct service *s);
void service_tunnel_up(struct service *s);
void service_tunnel_down(struct service *s, const struct rn_error *why);
/* Closes it to visitors at once and takes its name away; ends with app_service_ended. */
void service_end(struct service *s);
/* A probe has passed, and not longer ago than it takes to the next one: silence is not "up". */
bool service_is_up(const struct service *s);

/* carry.c: listens in the tunnel at s->port (or a free one, which it becomes) and serves. */
int carry_open(struct service *s, struct rn_error *err) must_check;
void carry_close(struct service *s);

/* control.c */
int control_open(struct service *s, struct rn_error *err) must_check;
void service_state(const struct service *s, struct buf *out); /* its record, as it is now */
/* Sets KEY of a parsed record; both must stay as long as R is used. */
void put_field(struct rec *r, const char *key, struct str value);

/* print.c */
void print_up(struct app *app, const struct service *s);
void print_note(const struct service *s, const char *fmt, ...)
	printf_like(2, 3); /* "NAME: …" on stderr */

/* list.c, stop.c */
int run_list(struct cli *c, int argc, char **argv);
int run_stop(struct cli *c, int argc, char **argv);

#endif
