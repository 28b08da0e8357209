/* SPDX-License-Identifier: MIT
 *
 * What a program says of itself: --help for people, --list-options for completions and for the test
 * that holds the man pages against the programs.
 */
#include "cli/internal.h"

void cli_cmd_name(const struct cli_prog *prog, const struct cli_cmd *cmd, char *out, size_t size)
{
	if (cmd && cmd->name)
		snprintf(out, size, "%s %s", prog->name, cmd->name);
	else
		snprintf(out, size, "%s", prog->name);
}

/* The doc up to its first newline or the \v that argp splits at. */
static struct str first_line(const char *doc)
{
	return str_make(doc, strcspn(doc, "\n\v"));
}

static bool only_default(const struct cli_prog *prog)
{
	return !prog->cmds[0].name && !prog->cmds[1].run;
}

#define LEFT 26  /* columns of a command and its arguments */
#define RIGHT 79 /* no line goes further */

/* Two columns, the right one broken between words. */
static void print_row(const char *left, struct str text)
{
	struct str word;
	int at = 0;

	printf("  %-*s", LEFT, left);
	if (strlen(left) > LEFT)
		printf("\n  %*s", LEFT, "");
	while (str_cut(&text, ' ', &word)) {
		if (at && LEFT + 4 + at + (int)word.len + 1 > RIGHT) {
			printf("\n  %*s", LEFT, "");
			at = 0;
		}
		at += printf(at ? " %.*s" : "  %.*s", STR_ARG(word)) - (at ? 0 : 2);
	}
	putchar('\n');
}

static void print_command(const struct cli_prog *prog, const struct cli_cmd *cmd)
{
	const char *name = cmd->name ? cmd->name : cmd->args ? "" : prog->name;
	char left[96];

	snprintf(left, sizeof(left), "%s%s%s", name, *name && cmd->args ? " " : "",
		 cmd->args ? cmd->args : "");
	print_row(left, first_line(cmd->doc));
}

/* What the program does without the name of a command: its options cannot be asked for otherwise. */
static void print_default(const struct cli_cmd *cmd)
{
	struct argp common = {.options = cli_common_options};
	struct argp views = {.options = cli_view_options};
	struct argp_child children[] = {
		{.argp = &common}, {.argp = cmd->no_views ? NULL : &views}, {0}};
	struct argp argp = {.options = cmd->options, .doc = cmd->doc, .children = children};

	printf("\nOptions without the name of a command:\n");
	argp_help(&argp, stdout, ARGP_HELP_LONG | ARGP_HELP_POST_DOC, NULL);
}

void cli_help_prog(const struct cli_prog *prog)
{
	const struct cli_cmd *fallback = NULL;

	printf("Usage: %s COMMAND [OPTION...] [ARGUMENT...]\n", prog->name);
	for (const struct cli_cmd *cmd = prog->cmds; cmd->run; cmd++)
		if (!cmd->name)
			fallback = cmd;
	if (fallback)
		printf("  or:  %s [OPTION...]%s%s\n", prog->name, fallback->args ? " " : "",
		       fallback->args ? fallback->args : "");
	printf("%s\n\nCommands:\n", prog->doc);
	for (const struct cli_cmd *cmd = prog->cmds; cmd->run; cmd++)
		print_command(prog, cmd);
	if (fallback)
		print_default(fallback);
	printf("\n'%s COMMAND --help' tells a command's options; %s(1) has the whole.\n", prog->name,
	       prog->name);
	if (prog->examples)
		printf("\nExamples:\n%s", prog->examples);
}

void cli_help_cmd(const struct cli_prog *prog, const struct cli_cmd *cmd, const struct argp *argp)
{
	char name[64];

	cli_cmd_name(prog, cmd, name, sizeof(name));
	argp_help(argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
	if (prog->examples && (!cmd->name || only_default(prog)))
		printf("\nExamples:\n%s", prog->examples);
}

/* ---- --list-options ---- */

static void option_record(struct buf *b, const char *command, const struct argp_option *o)
{
	char name[64];

	snprintf(name, sizeof(name), "--%s", o->name);
	rec_begin(b, "option", str_from(name));
	rec_add_cstr(b, "command", command);
	if (o->key > 0x20 && o->key < 0x7F) {
		snprintf(name, sizeof(name), "-%c", o->key);
		rec_add_cstr(b, "short", name);
	}
	rec_add_cstr(b, "arg", o->arg);
	rec_add_cstr(b, "doc", o->doc);
	rec_end(b);
}

static void option_records(struct buf *b, const char *command, const struct argp_option *o)
{
	for (; o && (o->name || o->key || o->doc); o++)
		if (o->name && !(o->flags & OPTION_HIDDEN))
			option_record(b, command, o);
}

static void command_record(struct buf *b, const struct cli_prog *prog, const struct cli_cmd *cmd)
{
	char name[64];

	cli_cmd_name(prog, cmd, name, sizeof(name));
	rec_begin(b, "command", str_from(name));
	rec_add_cstr(b, "program", prog->name);
	rec_add_cstr(b, "args", cmd->args);
	rec_add(b, "doc", first_line(cmd->doc));
	rec_end(b);
	option_records(b, name, cmd->options);
	if (!cmd->no_views)
		option_records(b, name, cli_view_options);
	option_records(b, name, cli_common_options);
}

int cli_list_options(struct cli *c)
{
	struct buf b;
	int rc;

	buf_init(&b, 1 << 20);
	rec_begin(&b, "program", str_from(c->prog->name));
	rec_add_cstr(&b, "doc", c->prog->doc);
	rec_end(&b);
	for (const struct cli_cmd *cmd = c->prog->cmds; cmd->run; cmd++)
		command_record(&b, c->prog, cmd);
	rc = b.failed ? rn_fail(&c->err, RN_EOS, "out of memory") : fd_write_all(1, buf_str(&b), &c->err);
	buf_free(&b);
	return rc;
}
