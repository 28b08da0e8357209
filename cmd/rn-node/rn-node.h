/* SPDX-License-Identifier: MIT
 *
 * rn-node: the agent on a gateway or client.
 *
 *   main.c     commands
 *   join.c     join, leave
 *   local.c    pull, apply, show: through the running agent, or by themselves when none runs
 *   apply.c    a bundle into the programs: check, install, tell, go back
 *   child.c    another program, run to its end
 *   run.c      the agent: its start and its end
 *   pull.c     the agent's calls to the console
 *   daemon.c   one program that is kept running
 *   guard.c    going back when a bundle cuts the way to the console
 *   door.c     the agent's control socket
 *   manage.c   the agent's management port
 */
#ifndef RN_NODE_H
#define RN_NODE_H

#include "agent/bundle.h"
#include "agent/join.h"
#include "cli/cli.h"
#include "http/server.h"

/* ---- child.c -------------------------------------------------------------------------------- */

/* Runs ARGV (ended by NULL; argv[0] is its path) and waits. An exit status that is not 0 becomes
 * the error: its code, and the last line that it wrote to standard error. Killed and RN_EAWAY, with
 * sys ETIMEDOUT, after TIMEOUT_MS. */
int child_run(const char *const *argv, uint64_t timeout_ms, struct rn_error *err) must_check;

/* ---- apply.c -------------------------------------------------------------------------------- */

struct apply {
	struct agent_net net;
	char rn_wg[1024], rn_proxy[1024];   /* paths of the programs */
	char wg_sock[128], proxy_sock[128]; /* their control sockets */
	char file[AGENT_PATH_MAX];	    /* bundle.rn */
	bool gateway;
	struct minisign_pub signer;
	struct bundle current; /* the last good one; text.len 0: none yet */
	uint64_t bad_serial;   /* one that cut us off from the console is not taken again; 0: none */
	int lock;	       /* of the network's folder: one program applies at a time */
};
struct applied {
	size_t changes; /* lines that differ */
	uint64_t ms;
};

/* Opens the network NAME (NULL: the only one) and loads its bundle. With LOCK, RN_EAGAIN if an
 * agent or another command has it. apply_close releases. */
int apply_open(struct apply *a, struct cli *c, const char *name, bool lock,
	       struct rn_error *err) must_check;
void apply_close(struct apply *a);
/* Verifies NEXT, lets the programs check it, installs it and tells those that run. What fails
 * changes nothing: RN_EPERM wrong signature or node, RN_EDATA malformed, RN_ENO a serial not above
 * the current one's (the same bundle again is fine, and no change), RN_ECONFIG refused by a
 * program's check; others when it could not be applied: then the one before is back. On success
 * NEXT is a->current, and what was that is in NEXT. */
int apply_bundle(struct apply *a, struct bundle *next, struct applied *out,
		 struct rn_error *err) must_check;
/* The same for one that was applied before, whatever its serial. */
int apply_restore(struct apply *a, struct bundle *next, struct applied *out,
		  struct rn_error *err) must_check;
/* applied=NODE serial=… */
void apply_record(struct buf *b, const struct apply *a, const struct applied *done);

/* ---- daemon.c ------------------------------------------------------------------------------- */

enum daemon_state { DAEMON_DOWN, DAEMON_STARTING, DAEMON_UP, DAEMON_STOPPED };
#define DAEMON_ARGS_MAX 16

struct daemon {
	struct loop *loop;
	const char *name;		   /* "rn-wg" */
	const char *sock;		   /* its control socket answers request=hello with pid= */
	const char *argv[DAEMON_ARGS_MAX]; /* how to start it; --ready-fd is added */
	void (*changed)(void *ctx);	   /* it came up, or ended for good */
	void *ctx;

	enum daemon_state state;
	pid_t pid; /* 0: none */
	bool ours; /* started by this process, not adopted */
	unsigned starts, failures;
	uint64_t up_at_ms;
	struct watch gone;  /* pidfd */
	struct watch ready; /* pipe */
	struct timer timer; /* next start, or end of patience */
};
/* All but the fields from state on are the caller's. Adopts the program if it runs, else starts it;
 * from then on it is kept running. */
void daemon_start(struct daemon *d);
/* Ends it (SIGTERM); changed is called when it is gone. */
void daemon_stop(struct daemon *d);
/* Ends it at once (SIGKILL), if it is still there. */
void daemon_kill(struct daemon *d);
/* Lets go of it; it stays as it is. */
void daemon_leave(struct daemon *d);
void daemon_record(struct buf *b, const struct daemon *d);

/* ---- run.c, pull.c, guard.c, door.c, manage.c -------------------------------------------------------- */

struct run_options {
	const char *management;
	unsigned interval_s;
	unsigned rollback_s; /* after a change: this long to reach the console; 0: no going back */
	bool rollback_given;
	int ready_fd; /* + 1 */
	bool leave_running;
};

#define WAITING_MAX 32

enum guard_state {
	GUARD_OFF,
	GUARD_NEW, /* a new bundle is to prove itself; other: the last that did */
	GUARD_OLD, /* that one is back; other: the new one */
};
struct guard {
	enum guard_state state;
	struct bundle other;
	struct timer deadline, again;
	uint64_t since_ms;
};

struct agent {
	struct cli *cli;
	struct run_options options;
	struct loop *loop;
	struct apply apply;
	struct daemon wg, proxy;
	bool started; /* there is a bundle, and the programs were started */
	bool told;    /* readiness */
	bool stopping;
	struct timer stop_timer;

	/* pull.c */
	struct agent_rest *rest;
	struct agent_call *call; /* under way, or NULL */
	struct bundle next;
	char etag[128]; /* of the bundle that was seen last, good or not */
	char next_etag[128];
	struct timer pull_timer;
	bool pull_again;	  /* asked for while one was under way */
	uint64_t pull_at_ms;	  /* start of the last one */
	int64_t pulled_at;	  /* last answer of the console */
	bool reached;		  /* the last pull got to it, whatever it said */
	struct guard guard;
	struct rn_error pull_err; /* of the last pull; code 0: fine */
	struct rn_error refused;  /* what etag's bundle was refused for, or code 0 */
	unsigned mismatches;	  /* wrong signatures in a row */
	struct applied pull_done;
	uint64_t pulls, pull_failures, applied;
	struct ctl_call *waiting[WAITING_MAX]; /* request=pull that wait for the end of it */
	size_t n_waiting;

	struct ctl_server *door;
	struct http_server *manage;
};

/* Asks now; at least PULL_GAP_MS lie between two, and what is asked for more often becomes one. */
#define PULL_GAP_MS 50
void pull_start(struct agent *a);
void pull_later(struct agent *a, uint64_t ms);
void pull_stop(struct agent *a);
/* After a bundle was applied, from wherever it came: starts the programs if this was the first. */
void agent_applied(struct agent *a, const struct applied *done);
/* guard.c: a bundle was applied and BEFORE (may be taken) is what was there; the console answered;
 * the serial that is to blame, from disk. */
void guard_applied(struct agent *a, struct bundle *before);
void guard_heard(struct agent *a);
void guard_load(struct agent *a);
void guard_stop(struct agent *a);
int agent_apply(struct agent *a, struct str text, struct str sig, struct applied *done,
		struct rn_error *err) must_check;
bool agent_is_well(const struct agent *a);
void agent_record(struct buf *b, const struct agent *a);

int door_open(struct agent *a, struct rn_error *err) must_check;
int manage_open(struct agent *a, struct rn_error *err) must_check;

/* ---- commands ------------------------------------------------------------------------------- */

struct join_opts {
	const char *name, *type, *public_ip;
};
struct apply_opts {
	const char *network, *signature;
	bool dry_run;
};
int join_parse(int key, char *arg, void *opts, struct rn_error *err);
int apply_parse(int key, char *arg, void *opts, struct rn_error *err);
int run_parse(int key, char *arg, void *opts, struct rn_error *err);
int run_join(struct cli *c, int argc, char **argv);
int run_leave(struct cli *c, int argc, char **argv);
int run_pull(struct cli *c, int argc, char **argv);
int run_apply(struct cli *c, int argc, char **argv);
int run_show(struct cli *c, int argc, char **argv);
int run_run(struct cli *c, int argc, char **argv);

/* "node-NET.sock" in the run folder. */
int door_path(struct cli *c, char *out, size_t size, const char *net) must_check;

#endif
