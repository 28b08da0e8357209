/* SPDX-License-Identifier: MIT
 *
 * The life of a program: find the command, parse with argp, run, report, flush.
 */
#include "cli/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

const struct argp_option cli_view_options[] = {
	{"pretty", 'p', 0, 0, "Aligned for people (the default on a terminal)", 1},
	{"json", 'j', 0, 0, "JSON Lines", 1},
	{"columns", 'o', "KEY,KEY", 0, "Only these values, with tabs between", 1},
	{"header", OPT_HEADER, 0, 0, "A first line that names format and version", 1},
	{0},
};

const struct argp_option cli_common_options[] = {
	{"verbose", 'v', 0, 0, "Log more, to standard error", 2},
	{"help", OPT_HELP, 0, 0, "Print this help and exit", 2},
	{"usage", OPT_USAGE, 0, 0, "Print a short usage and exit", 2},
	{"schema", OPT_SCHEMA, 0, 0, "Print the schema of records and exit", 2},
	{"version", OPT_VERSION, 0, 0, "Print the version and exit", 2},
	{"list-options", OPT_LIST, 0, OPTION_HIDDEN, "", 2},
	{0},
};

/* What the command line asked for instead of the command itself. */
enum instead { INSTEAD_NONE, INSTEAD_HELP, INSTEAD_USAGE, INSTEAD_VERSION, INSTEAD_SCHEMA, INSTEAD_LIST };

struct parse {
	struct cli *cli;
	enum instead instead;
	enum log_level level;
	char **args; /* positionals */
	int nargs;
	bool failed; /* cli->err is filled */
};

static error_t common_parse(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;
	struct rec_out *out = &p->cli->out;

	switch (key) {
	case 'p':
		out->view = REC_VIEW_PRETTY;
		return 0;
	case 'j':
		out->view = REC_VIEW_JSON;
		return 0;
	case 'o':
		out->view = REC_VIEW_COLUMNS;
		out->columns = str_from(arg);
		return 0;
	case OPT_HEADER:
		out->header = true;
		return 0;
	case 'v':
		p->level = LOG_DEBUG;
		return 0;
	case OPT_HELP:
	case OPT_USAGE:
	case OPT_VERSION:
	case OPT_SCHEMA:
	case OPT_LIST:
		p->instead = key == OPT_HELP    ? INSTEAD_HELP
			     : key == OPT_USAGE   ? INSTEAD_USAGE
			     : key == OPT_VERSION ? INSTEAD_VERSION
			     : key == OPT_SCHEMA  ? INSTEAD_SCHEMA
						  : INSTEAD_LIST;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t cmd_parse(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;
	const struct cli_cmd *cmd = p->cli->cmd;
	int rc;

	if (key == ARGP_KEY_INIT) {
		for (int i = 0; state->root_argp->children[i].argp; i++)
			state->child_inputs[i] = p;
		return 0;
	}
	if (key == ARGP_KEY_ARG) {
		p->args[p->nargs++] = arg;
		return 0;
	}
	if (key < 0 || key >= ARGP_KEY_END || !cmd->parse) /* argp's own keys are the largest */
		return ARGP_ERR_UNKNOWN;
	rc = cmd->parse(key, arg, p->cli->opts, &p->cli->err);
	if (rc >= 0)
		return rc;
	p->failed = true;
	return EINVAL;
}

static bool name_in(const struct argp_option *o, struct str name)
{
	for (; o && (o->name || o->key || o->doc); o++)
		if (o->name && str_is(name, o->name))
			return true;
	return false;
}

/* getopt takes any unambiguous beginning of a long name, so that each new option could break
 * somebody's script. Only whole names pass here. */
static int check_long(struct cli *c, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		struct str name, rest = str_from(argv[i]);

		if (!str_starts(rest, STR("--")))
			continue;
		rest = str_from_at(rest, 2);
		str_cut(&rest, '=', &name);
		if (!name_in(c->cmd->options, name) && !name_in(cli_common_options, name) &&
		    (c->cmd->no_views || !name_in(cli_view_options, name)))
			return rn_fail(&c->err, RN_EUSAGE, "unknown option --%.*s (see --help)",
				       STR_ARG(name));
	}
	return 0;
}

static int check_count(struct cli *c, int n)
{
	const struct cli_cmd *cmd = c->cmd;
	const char *args = cmd->args ? cmd->args : "no arguments";

	if (n < cmd->min)
		return rn_fail(&c->err, RN_EUSAGE, "missing argument: wants %s (see --help)", args);
	if (cmd->max >= 0 && n > cmd->max)
		return rn_fail(&c->err, RN_EUSAGE, "too many arguments: wants %s (see --help)", args);
	return 0;
}

static int do_instead(struct cli *c, enum instead what, const struct argp *argp)
{
	char name[64];
	struct buf b;
	int rc;

	switch (what) {
	case INSTEAD_HELP:
		cli_help_cmd(c->prog, c->cmd, argp);
		return 0;
	case INSTEAD_USAGE:
		cli_cmd_name(c->prog, c->cmd, name, sizeof(name));
		argp_help(argp, stdout, ARGP_HELP_USAGE, name);
		return 0;
	case INSTEAD_VERSION:
		printf("%s %s\n", c->prog->name, RN_VERSION);
		return 0;
	case INSTEAD_LIST:
		return cli_list_options(c);
	case INSTEAD_SCHEMA:
	case INSTEAD_NONE:
		break;
	}
	buf_init(&b, 1 << 20);
	schema_write(&b, NULL);
	rc = fd_write_all(1, buf_str(&b), &c->err);
	buf_free(&b);
	return rc;
}

static int run_cmd(struct cli *c, int argc, char **argv)
{
	struct argp common = {.options = cli_common_options, .parser = common_parse};
	struct argp views = {.options = cli_view_options, .parser = common_parse};
	struct argp_child children[] = {
		{.argp = &common},
		{.argp = c->cmd->no_views ? NULL : &views},
		{0},
	};
	struct argp argp = {.options = c->cmd->options, .parser = cmd_parse, .args_doc = c->cmd->args,
			    .doc = c->cmd->doc, .children = children};
	struct parse p = {.cli = c, .level = c->cmd->daemon ? LOG_INFO : LOG_WARN};
	char **args = calloc((size_t)argc + 1, sizeof(*args));
	int rc;

	c->opts = calloc(1, c->cmd->opts_size + 1);
	if (!args || !c->opts) {
		rc = rn_fail(&c->err, RN_EOS, "out of memory");
		goto out;
	}
	p.args = args;
	rc = check_long(c, argc, argv);
	if (rc < 0)
		goto out;
	if (argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &p) != 0) {
		if (!p.failed)
			rn_fail(&c->err, RN_EUSAGE, "wrong command line (see --help)");
		rc = c->err.code;
		goto out;
	}
	if (p.instead != INSTEAD_NONE) {
		rc = do_instead(c, p.instead, &argp);
		goto out;
	}
	log_open(2, c->prog->name, p.level);
	if (c->cmd->daemon)
		signal(SIGPIPE, SIG_IGN);
	rc = check_count(c, p.nargs);
	if (rc == 0)
		rc = c->cmd->run(c, p.nargs, p.args);
out:
	free(args);
	free(c->opts);
	return rc;
}

/* The command that argv[1] names, else the one without a name, else NULL. */
static const struct cli_cmd *find_cmd(const struct cli_prog *prog, const char *word)
{
	const struct cli_cmd *fallback = NULL;

	for (const struct cli_cmd *cmd = prog->cmds; cmd->run; cmd++) {
		if (!cmd->name)
			fallback = cmd;
		else if (word && strcmp(word, cmd->name) == 0)
			return cmd;
	}
	return fallback;
}

static int missing_command(struct cli *c)
{
	char names[300] = "";
	size_t len = 0;

	for (const struct cli_cmd *cmd = c->prog->cmds; cmd->run && len < sizeof(names); cmd++)
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
					!len ? "" : cmd[1].run ? ", " : " or ", cmd->name);
	return rn_fail(&c->err, RN_EUSAGE, "missing command: %s (see %s --help)", names,
		       c->prog->name);
}

/* The first word names no command and there is no default one. */
static int run_prog_options(struct cli *c, const char *word)
{
	const char *nearest = NULL;
	size_t best = 3;

	if (!word)
		return missing_command(c);
	if (strcmp(word, "--help") == 0 || strcmp(word, "--usage") == 0) {
		cli_help_prog(c->prog);
		return 0;
	}
	if (strcmp(word, "--version") == 0)
		return do_instead(c, INSTEAD_VERSION, NULL);
	if (strcmp(word, "--schema") == 0)
		return do_instead(c, INSTEAD_SCHEMA, NULL);
	if (strcmp(word, "--list-options") == 0)
		return do_instead(c, INSTEAD_LIST, NULL);
	for (const struct cli_cmd *cmd = c->prog->cmds; cmd->run; cmd++) {
		size_t d = str_distance(str_from(word), str_from(cmd->name), best);

		if (d < best) {
			best = d;
			nearest = cmd->name;
		}
	}
	if (nearest)
		return rn_fail(&c->err, RN_EUSAGE, "unknown command '%s': did you mean '%s'?", word, nearest);
	return rn_fail(&c->err, RN_EUSAGE, "unknown %s '%s' (see %s --help)",
		       word[0] == '-' ? "option" : "command", word, c->prog->name);
}

static bool has_names(const struct cli_prog *prog)
{
	for (const struct cli_cmd *cmd = prog->cmds; cmd->run; cmd++)
		if (cmd->name)
			return true;
	return false;
}

/* A program started with standard descriptors closed would write its output into whatever file it
 * opens next. A read-only /dev/null in their place makes such a write fail, and be reported. */
static void hold_std_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			_exit(-RN_EOS);
}

static int finish(struct cli *c, int rc)
{
	struct rn_error err = {0};
	int end = rec_out_finish(&c->out, &err);

	if (end == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		end = rn_fail_errno(&err, RN_EIO, "cannot write to standard output");
	if (end < 0 && rc >= RN_ENO) {
		c->err = err;
		rc = end;
	}
	return rc;
}

int cli_main(const struct cli_prog *prog, int argc, char **argv)
{
	struct cli c = {.prog = prog};
	const char *word = argc > 1 ? argv[1] : NULL;
	bool help;
	int rc;

	hold_std_fds();
	argp_err_exit_status = -RN_EUSAGE;
	setenv("ARGP_HELP_FMT", "no-dup-args-note", 0);
	if (!secret_init()) {
		dprintf(2, "%s: libsodium does not start\n", prog->name);
		return -RN_EOS;
	}
	cli_folders(&c);
	rec_out_init(&c.out, 1, isatty(1) ? REC_VIEW_PRETTY : REC_VIEW_RECORDS);
	c.cmd = find_cmd(prog, word);
	help = word && has_names(prog) && strcmp(word, "--help") == 0;
	if (c.cmd && !help) {
		bool named = c.cmd->name != NULL;
		char name[64];

		/* argp names the program by argv[0] in its messages. */
		cli_cmd_name(prog, c.cmd, name, sizeof(name));
		argv[named] = name;
		rc = run_cmd(&c, argc - named, argv + named);
	} else {
		rc = run_prog_options(&c, word);
	}
	rc = finish(&c, rc);
	if (rc < 0 && c.err.text[0])
		dprintf(2, "%s: %s\n", prog->name, c.err.text);
	return rc < 0 ? -rc : rc;
}

void cli_printf(struct cli *c, const char *fmt, ...)
{
	va_list ap;

	(void)c;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

int cli_flush(struct cli *c)
{
	if (rec_out_flush(&c->out, &c->err) < 0)
		return c->err.code;
	if (fflush(stdout) != 0 || ferror(stdout))
		return rn_fail_errno(&c->err, RN_EIO, "cannot write to standard output");
	return 0;
}

bool cli_is_tty(int fd)
{
	return isatty(fd) == 1;
}
