/* SPDX-License-Identifier: MIT
 *
 * What the files of rn-rec share.
 *
 *   main.c     the table of commands
 *   input.c    the files named on the command line, one record after the other
 *   check.c    rn-rec check
 *   filter.c   rn-rec canon, pick, json
 *   convert.c  rn-rec from-json
 */
#ifndef RN_REC_MAIN_H
#define RN_REC_MAIN_H

#include "cli/cli.h"

/* Reads the files (none: standard input; "-" too) and hands each record to FN. A bad line is
 * reported, and reading goes on; the answer is then RN_EDATA with nothing left to print. Any other
 * error stops. */
typedef int input_fn(struct cli *c, const struct rec_reader *rd, const struct rec *r);
int input_each(struct cli *c, int argc, char **argv, input_fn *fn) must_check;
/* Says what c->err holds now and goes on; returns RN_EDATA. */
int input_complain(struct cli *c);
/* Opens FILE for reading; its name for messages goes to NAME. */
int input_open(struct cli *c, const char *file, const char **name) must_check;

/* Keys of options without a letter. */
enum { CHECK_CONFIG = 0x100, CHECK_KNOWN };

struct check_opts {
	bool config, known;
};
int check_parse(int key, char *arg, void *opts, struct rn_error *err);
int check_run(struct cli *c, int argc, char **argv);

struct pick_opts {
	struct str where[16];
	size_t n;
};
int pick_parse(int key, char *arg, void *opts, struct rn_error *err);
int pick_run(struct cli *c, int argc, char **argv);
int canon_run(struct cli *c, int argc, char **argv);
int json_run(struct cli *c, int argc, char **argv);

struct from_json_opts {
	const char *kind;
};
int from_json_parse(int key, char *arg, void *opts, struct rn_error *err);
int from_json_run(struct cli *c, int argc, char **argv);

#endif
