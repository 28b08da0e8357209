/* SPDX-License-Identifier: MIT
 *
 * rn-proxy: the gateway's edge. All of it is in lib/proxy; here are its options and the questions
 * to a running one.
 */
#include "cli/cli.h"
#include "proxy/proxy.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <unistd.h>

#define CGI_DIRS_MAX 16
#define CALL_MS 10000
#define RELOAD_MS 60000

struct options {
	const char *file, *name, *user, *session_key, *access_log;
	const char *cgi_dirs[CGI_DIRS_MAX + 2]; /* the last one is lib_dir */
	size_t n_cgi_dirs;
	char lib_dir[PATH_MAX];
	uint64_t workers, drain_s, ready_fd; /* + 1 for the last two: 0 is "not given" */
	bool follow;
};

enum { OPT_SESSION_KEY = 0x200, OPT_CGI_DIR, OPT_DRAIN, OPT_USER, OPT_READY };

static const struct argp_option run_options[] = {
	{"file", 'f', "FILE", 0, "Config: a bundle or any records (- is standard input)", 0},
	{"name", 'n', "NAME", 0, "Name of this proxy's control socket (default: proxy)", 0},
	{"workers", 'w', "N", 0, "Threads that serve (default: one a core)", 0},
	{"access-log", 'a', "FILE", 0,
	 "Write access records there too: a file, or the number of an open descriptor", 0},
	{"drain-s", OPT_DRAIN, "S", 0, "Seconds that open connections get after TERM (default 10)",
	 0},
	{"session-key", OPT_SESSION_KEY, "FILE", 0,
	 "Key of session cookies (default: session.key beside the config, else a random one until "
	 "the end)",
	 0},
	{"cgi-dir", OPT_CGI_DIR, "DIR", 0,
	 "Programs in DIR may be targets (cgi:DIR/NAME); may be given again", 0},
	{"user", OPT_USER, "USER", 0, "Become USER once the ports are open", 0},
	{"ready-fd", OPT_READY, "FD", 0, "Say \"ready\" on this descriptor and close it", 0},
	{0}};

static const struct argp_option check_options[] = {
	{"file", 'f', "FILE", 0, "Config (- is standard input)", 0},
	{"cgi-dir", OPT_CGI_DIR, "DIR", 0, "As for running it", 0},
	{0}};

static const struct argp_option name_options[] = {
	{"name", 'n', "NAME", 0, "Which running proxy (default: the only one)", 0}, {0}};

static const struct argp_option log_options[] = {
	{"name", 'n', "NAME", 0, "Which running proxy (default: the only one)", 0},
	{"follow", 'f', 0, 0, "Go on with the records as they come", 0},
	{0}};

static int number(const char *arg, const char *what, uint64_t max, uint64_t *out,
		  struct rn_error *err)
{
	if (!str_to_u64(str_from(arg), max, out))
		return rn_fail(err, RN_EUSAGE, "--%s %s: a number up to %llu is needed", what, arg,
			       (unsigned long long)max);
	return 0;
}

static int add_cgi_dir(struct options *o, char *arg, struct rn_error *err)
{
	size_t len = strlen(arg);
	if (arg[0] != '/' || o->n_cgi_dirs == CGI_DIRS_MAX)
		return rn_fail(err, RN_EUSAGE, "--cgi-dir %s: up to %d absolute paths", arg,
			       CGI_DIRS_MAX);
	while (len > 1 && arg[len - 1] == '/')
		arg[--len] = 0;
	o->cgi_dirs[o->n_cgi_dirs++] = arg;
	return 0;
}

static int run_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct options *o = opts;
	int rc = 0;

	switch (key) {
	case 'f':
		o->file = arg;
		return 0;
	case 'n':
		o->name = arg;
		return 0;
	case 'a':
		o->access_log = arg;
		return 0;
	case 'w':
		return number(arg, "workers", PROXY_WORKERS_MAX, &o->workers, err);
	case OPT_DRAIN:
		rc = number(arg, "drain-s", 86400, &o->drain_s, err);
		o->drain_s++;
		return rc;
	case OPT_READY:
		rc = number(arg, "ready-fd", 65535, &o->ready_fd, err);
		o->ready_fd++;
		return rc;
	case OPT_SESSION_KEY:
		o->session_key = arg;
		return 0;
	case OPT_USER:
		o->user = arg;
		return 0;
	case OPT_CGI_DIR:
		return add_cgi_dir(o, arg, err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int log_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct options *o = opts;
	if (key != 'f')
		return run_parse(key, arg, opts, err);
	o->follow = true;
	return 0;
}

/* ---- run and check --------------------------------------------------------------------------- */

static int open_access_log(const char *name, int *fd, struct rn_error *err)
{
	uint64_t n;
	*fd = -1;
	if (!name)
		return 0;
	if (str_to_u64(str_from(name), 65535, &n)) {
		*fd = (int)n;
		return fcntl(*fd, F_GETFD) < 0
			       ? rn_fail_errno(err, RN_EUSAGE, "--access-log %s", name)
			       : 0;
	}
	*fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	return *fd < 0 ? rn_fail_errno(err, RN_ECANTCREAT, "%s", name) : 0;
}

/* Where `make install` puts rn-console.cgi. */
static void add_lib_dir(const struct cli *c, struct options *o)
{
	char path[PATH_MAX];

	if (path_join(path, sizeof(path), c->bin_dir, STR("../lib/rustronaut")) &&
	    realpath(path, o->lib_dir))
		o->cgi_dirs[o->n_cgi_dirs++] = o->lib_dir;
}

static struct proxy_options proxy_options(struct cli *c, struct options *o)
{
	add_lib_dir(c, o);
	return (struct proxy_options){.file = o->file,
				      .name = o->name ? o->name : "proxy",
				      .run_dir = c->run_dir,
				      .bin_dir = c->bin_dir,
				      .cgi_dirs = o->cgi_dirs,
				      .workers = (unsigned)o->workers,
				      .access_fd = -1,
				      .drain_s = o->drain_s ? (unsigned)o->drain_s - 1 : 10,
				      .session_key = o->session_key,
				      .user = o->user,
				      .notify_socket = getenv("NOTIFY_SOCKET"),
				      .ready_fd = (int)o->ready_fd - 1};
}

static int run_run(struct cli *c, int argc, char **argv)
{
	struct options *o = c->opts;
	struct proxy_options p = proxy_options(c, o);
	char path[4096];
	int rc;
	(void)argc;
	(void)argv;

	if (!o->file)
		return rn_fail(&c->err, RN_EUSAGE, "-f FILE is needed (see --help)");
	rc = open_access_log(o->access_log, &p.access_fd, &c->err);
	if (rc == 0) /* makes and checks the folder; lib/proxy names the socket */
		rc = cli_run_path(c, path, sizeof(path), "");
	return rc ? rc : proxy_run(&p, &c->err);
}

static int check_run(struct cli *c, int argc, char **argv)
{
	struct options *o = c->opts;
	struct proxy_options p = proxy_options(c, o);
	(void)argc;
	(void)argv;

	if (!o->file)
		return rn_fail(&c->err, RN_EUSAGE, "-f FILE is needed (see --help)");
	return proxy_check(&p, &c->err);
}

/* ---- questions to a running one -------------------------------------------------------------- */

static int put_held(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct cli *c = ctx;
	struct buf b;
	int rc;

	buf_init(&b, REC_LINE_MAX * 2);
	buf_add(&b, r->line);
	buf_add_byte(&b, '\n');
	rc = rec_out_put(&c->out, buf_str(&b), err);
	buf_free(&b);
	return rc;
}

static int put(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct cli *c = ctx;
	int rc = put_held(c, r, err);

	return rc ? rc : rec_out_flush(&c->out, err);
}

static bool answers(const char *path)
{
	struct rn_error err;

	return ctl_call(path, STR("request=hello\n"), CALL_MS, NULL, NULL, NULL, NULL, &err) == 0;
}

/* Without --name the only proxy that runs is meant: on a gateway it has the network's name. */
static int find_running(struct cli *c, char *path, size_t size)
{
	char pattern[PATH_MAX];
	size_t n = 0;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/proxy-*.sock", c->run_dir);
	if (glob(pattern, 0, NULL, &found))
		found.gl_pathc = 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (answers(found.gl_pathv[i]) && n++ == 0)
			snprintf(path, size, "%s", found.gl_pathv[i]);
	if (found.gl_pathc)
		globfree(&found);
	if (n == 0)
		return rn_fail(&c->err, RN_EAWAY,
			       "no proxy of yours is running (its socket would be in %s)", c->run_dir);
	return n == 1 ? 0
		      : rn_fail(&c->err, RN_EUSAGE,
				"%zu proxies are running: choose one with --name (ls %s)", n, pattern);
}

static int ask(struct cli *c, struct str request, int timeout_ms, ctl_answer_fn *fn)
{
	const struct options *o = c->opts;
	char path[108], name[96];
	int rc;

	snprintf(name, sizeof(name), "proxy-%s.sock", o->name ? o->name : "");
	if (!path_join(path, sizeof(path), c->run_dir, str_from(name)))
		return rn_fail(&c->err, RN_EUSAGE, "the name is too long");
	rc = o->name ? 0 : find_running(c, path, sizeof(path));
	return rc ? rc : ctl_call(path, request, timeout_ms, fn, c, NULL, NULL, &c->err);
}

static int reload_run(struct cli *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return ask(c, STR("request=reload\n"), RELOAD_MS, NULL);
}

static int show_run(struct cli *c, int argc, char **argv)
{
	struct buf b;
	int rc;

	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "request", STR("show"));
	rec_add_cstr(&b, "what", argc ? argv[0] : "listeners");
	rec_end(&b);
	rc = ask(c, buf_str(&b), CALL_MS, put_held);
	buf_free(&b);
	return rc;
}

static int log_run(struct cli *c, int argc, char **argv)
{
	const struct options *o = c->opts;
	(void)argc;
	(void)argv;
	return o->follow ? ask(c, STR("request=log follow=yes\n"), -1, put)
			 : ask(c, STR("request=log\n"), CALL_MS, put_held);
}

static const struct cli_cmd cmds[] = {
	{.name = NULL,
	 .doc = "Serve until TERM\v"
		"Opens what the listen records name and relays to targets what policy allows: "
		"nothing "
		"unless a policy record does. HUP reads the config again, as reload does.",
	 .options = run_options,
	 .parse = run_parse,
	 .opts_size = sizeof(struct options),
	 .run = run_run,
	 .no_views = true,
	 .daemon = true},
	{.name = "check",
	 .doc = "Check a config and the files that it names; change nothing",
	 .options = check_options,
	 .parse = run_parse,
	 .opts_size = sizeof(struct options),
	 .run = check_run,
	 .no_views = true},
	{.name = "reload",
	 .doc = "Tell a running proxy to read its config again\v"
		"All of it is checked first; if anything is wrong, the old one goes on and the "
		"exit status "
		"is 78. Open connections are not touched.",
	 .options = name_options,
	 .parse = run_parse,
	 .opts_size = sizeof(struct options),
	 .run = reload_run,
	 .no_views = true},
	{.name = "show",
	 .args = "[config|listeners|resources|targets|certificates]",
	 .doc = "Print what a running proxy has: listeners unless told otherwise",
	 .options = name_options,
	 .parse = run_parse,
	 .opts_size = sizeof(struct options),
	 .run = show_run,
	 .max = 1},
	{.name = "log",
	 .doc = "Print the latest access records; -f goes on with those that come",
	 .options = log_options,
	 .parse = log_parse,
	 .opts_size = sizeof(struct options),
	 .run = log_run},
	{0}};

static const char examples[] =
	"  cat > site.rn <<'END'\n"
	"  listen=web address=127.0.0.1:8080 proto=http\n"
	"  resource=app listen=web host=app.localhost\n"
	"  target=app-1 resource=app address=127.0.0.1:3000\n"
	"  policy=everybody effect=allow from=any to=resource:app\n"
	"  END\n"
	"  rn-proxy check -f site.rn && rn-proxy -f site.rn\n"
	"  rn-proxy reload                        # after a change of site.rn\n"
	"  rn-proxy show targets\n"
	"  rn-proxy log -f | grep decision=deny\n";

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {
		.name = "rn-proxy",
		.doc = "The gateway's edge: HTTP, TLS, TCP and UDP to the services behind it",
		.cmds = cmds,
		.examples = examples};
	return cli_main(&prog, argc, argv);
}
