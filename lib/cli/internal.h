/* SPDX-License-Identifier: MIT
 *
 * What the files of lib/cli share.
 */
#ifndef RN_CLI_INTERNAL_H
#define RN_CLI_INTERNAL_H

#include "cli/cli.h"

/* Keys of the options that every command has; above any character. */
enum {
	OPT_COMMON = 0x1000,
	OPT_HELP,
	OPT_USAGE,
	OPT_VERSION,
	OPT_SCHEMA,
	OPT_LIST,
	OPT_HEADER,
};

/* The shared child parser's tables: for all commands, and for those that print records. */
extern const struct argp_option cli_common_options[];
extern const struct argp_option cli_view_options[];

/* --help of the program or of one command; --list-options of all. Both to standard output. */
void cli_help_prog(const struct cli_prog *prog);
void cli_help_cmd(const struct cli_prog *prog, const struct cli_cmd *cmd, const struct argp *argp);
int cli_list_options(struct cli *c);
/* "rn-wg" or "rn-wg show". */
void cli_cmd_name(const struct cli_prog *prog, const struct cli_cmd *cmd, char *out, size_t size);

#endif
