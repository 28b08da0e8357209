/* SPDX-License-Identifier: MIT
 *
 *   main.c     the commands
 *   keys.c     genkey, pubkey, genpsk
 *   up.c       up: a tunnel's life from start to end
 *   control.c  down, show, set, sync: talking to one that runs
 */
#ifndef RN_WG_CMD_H
#define RN_WG_CMD_H

#include "cli/cli.h"

struct up_options {
	const char *file;   /* NULL: bare */
	const char *engine; /* NULL: auto */
	const char *netns;  /* NULL: as the record says, else host for root and private for others */
	bool foreground;
	int ready_fd; /* with 1 added, so that 0 is none */
};

struct change_options {
	const char *file;
};

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

/* Where a config is: its whole path ("" for standard input), and the folder that the names in it are
 * relative to. Found before the working folder changes. */
struct config_file {
	char path[4096];
	char folder[4096];
};
int find_config(struct config_file *f, const char *file, struct rn_error *err) must_check;

/* Refuses a NAME that is no device's name. */
int check_name(const char *name, struct rn_error *err) must_check;
/* RUN_DIR/wg-NAME.SUFFIX. */
int tunnel_path(struct cli *c, char *out, size_t size, const char *name, const char *suffix) must_check;

#endif
