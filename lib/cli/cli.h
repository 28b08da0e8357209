/* SPDX-License-Identifier: MIT
 *
 * lib/cli: the command line that all programs share. The one library that prints, exits and reads
 * argv and the environment; only cmd/ and console-cgi/ use it.
 *
 * A program is a table of commands (the one without a name runs when the first word names none);
 * argp parses each. Long options must be written out whole. Every program has --help, --version,
 * --usage, --schema, and for records -p -j -o --header. Output is flushed and checked at the end: a
 * full disk is exit 74, also for --help.
 *
 *     static const struct cli_cmd cmds[] = {
 *             {.name = "show", .args = "[NAME]", .doc = "…", .options = show_options,
 *              .parse = show_parse, .run = show_run, .min = 0, .max = 1},
 *             {0}};
 *     int main(int argc, char **argv)
 *     {
 *             static const struct cli_prog prog = {.name = "rn-wg", .doc = "…", .cmds = cmds};
 *             return cli_main(&prog, argc, argv);
 *     }
 */
#ifndef RN_CLI_H
#define RN_CLI_H

#include "record/record.h"

#include <argp.h>

struct cli {
	const struct cli_prog *prog;
	const struct cli_cmd *cmd;
	struct rec_out out;  /* standard output in the asked view */
	void *opts;          /* the command's zeroed options struct of cmd->opts_size bytes */
	struct rn_error err; /* what run() failed with; cli_main prints it */
	/* Folders, absolute: see doc/contracts.md. bin_dir is where this program's siblings are. */
	char run_dir[108], state_dir[1024], bin_dir[1024];
};

/* For parse(): KEY and ARG as argp gives them; opts is the command's struct. 0, ARGP_ERR_UNKNOWN,
 * or fill err (RN_EUSAGE) and return it. Positional arguments never come here. */
typedef int cli_parse_fn(int key, char *arg, void *opts, struct rn_error *err);

struct cli_cmd {
	const char *name; /* NULL: the program has no subcommands, and this is what it does */
	const char *args; /* "NAME [FILE]" */
	const char *doc;  /* first line: what it does; then, after \v as in argp, the longer text */
	const struct argp_option *options;
	cli_parse_fn *parse;
	size_t opts_size;
	/* Gets the positionals only. 0, RN_ENO or an error with c->err filled. */
	int (*run)(struct cli *c, int argc, char **argv);
	int min, max;  /* positionals; max < 0: any number */
	bool no_views; /* does not print records: no -p -j -o --header */
	bool daemon;   /* stays and serves: ignores SIGPIPE, logs more (LOG_INFO, others LOG_WARN) */
};

struct cli_prog {
	const char *name;
	const char *doc;	    /* one line */
	const struct cli_cmd *cmds; /* ends with run == NULL */
	const char *examples;	    /* shown at the end of --help */
};

/* Parses, runs, prints an error as "rn-wg: text" on stderr, flushes; returns the exit status. */
int cli_main(const struct cli_prog *prog, int argc, char **argv);

/* Fills the folders of C from the environment; cli_main does it, other mains may. */
void cli_folders(struct cli *c);

/* Plain output for people, through the same checked end. */
void cli_printf(struct cli *c, const char *fmt, ...) printf_like(2, 3);
/* Writes out what was printed or put so far (a command that stays in the foreground). */
int cli_flush(struct cli *c) must_check;
bool cli_is_tty(int fd);
/* RUN_DIR/NAME into OUT, the folder made (0700) on the way. */
int cli_run_path(struct cli *c, char *out, size_t size, const char *name) must_check;
/* The sibling program NAME (rn-wg): next to this one, else found by PATH. */
const char *cli_sibling(struct cli *c, const char *name, char *out, size_t size);

#endif
