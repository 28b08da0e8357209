/* SPDX-License-Identifier: MIT
 *
 *   main.c     the commands
 *   keys.c     genkey, pubkey, genpsk
 *   up.c       up: a tunnel's life from start to end
 *   via.c      up --via: the relay process beside a tunnel
 *   control.c  down, set, sync, check: talking to one that runs
 *   show.c     show, also --watch
 *   quick.c    import, export, qr: wg-quick's files
 *   dns.c      dns: lines for resolvers
 *   why.c      why: the first step that fails on the way to a peer
 *   doctor.c   doctor: what this machine allows
 *   source.c   a config from a file or from one that runs, for those that only read it
 */
#ifndef RN_WG_CMD_H
#define RN_WG_CMD_H

#include "cli/cli.h"
#include "net/net.h"

struct up_options {
	const char *file;   /* NULL: bare */
	const char *engine; /* NULL: auto */
	const char *netns;  /* NULL: as the record says, else host for root and private for others */
	const char *via, *via_ca;      /* NULL: UDP only */
	unsigned via_after_s, via_retry_s; /* 0: the default */
	bool foreground, dry_run, allow_overlap;
	int ready_fd; /* with 1 added, so that 0 is none */
};

struct change_options {
	const char *file;
};

struct show_options {
	unsigned watch_s;  /* 0: once */
	uint64_t count;    /* rounds; 0: until interrupted */
	bool detail;
};

struct import_options {
	const char *name, *folder, *ignore;
};

struct export_options {
	const char *file, *output;
	bool secrets;
};

struct qr_options {
	const char *file, *quick;
};

struct dns_options {
	const char *file, *target;
};

struct why_options {
	unsigned wait_s; /* for an answer to a handshake; 0: the default */
};

int why_parse(int key, char *arg, void *opts, struct rn_error *err);
int show_parse(int key, char *arg, void *opts, struct rn_error *err);
int import_parse(int key, char *arg, void *opts, struct rn_error *err);
int export_parse(int key, char *arg, void *opts, struct rn_error *err);
int qr_parse(int key, char *arg, void *opts, struct rn_error *err);
int dns_parse(int key, char *arg, void *opts, struct rn_error *err);
int up_parse(int key, char *arg, void *opts, struct rn_error *err);
int change_parse(int key, char *arg, void *opts, struct rn_error *err);

int run_genkey(struct cli *c, int argc, char **argv);
int run_pubkey(struct cli *c, int argc, char **argv);
int run_genpsk(struct cli *c, int argc, char **argv);
int run_up(struct cli *c, int argc, char **argv);
int run_down(struct cli *c, int argc, char **argv);
int run_show(struct cli *c, int argc, char **argv);
int run_set(struct cli *c, int argc, char **argv);
int run_sync(struct cli *c, int argc, char **argv);
int run_check(struct cli *c, int argc, char **argv);
int run_import(struct cli *c, int argc, char **argv);
int run_export(struct cli *c, int argc, char **argv);
int run_qr(struct cli *c, int argc, char **argv);
int run_why(struct cli *c, int argc, char **argv);
int run_doctor(struct cli *c, int argc, char **argv);
int run_dns(struct cli *c, int argc, char **argv);

/* The config NAME from the records in FILE, or (NULL) of the tunnel that runs; of that the keys only
 * if SECRETS are asked for. CONFIG is initialised and freed by the caller. */
struct wg_config;
int config_or_running(struct cli *c, const char *name, const char *file, bool secrets,
		      struct wg_config *config) must_check;

/* Where a config is: its whole path ("" for standard input), and the folder that the names in it are
 * relative to. Found before the working folder changes. */
struct config_file {
	char path[4096];
	char folder[4096];
};
int find_config(struct config_file *f, const char *file, struct rn_error *err) must_check;

/* Refuses a NAME that is no device's name. */
int check_name(const char *name, struct rn_error *err) must_check;
/* Asks the tunnel NAME; each record of the answer goes to FN (or NULL) with CTX. */
int ask_tunnel(struct cli *c, const char *name, struct str request, ctl_answer_fn *fn, void *ctx) must_check;
/* RUN_DIR/wg-NAME.SUFFIX. */
int tunnel_path(struct cli *c, char *out, size_t size, const char *name, const char *suffix) must_check;

#endif
