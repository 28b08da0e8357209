/* SPDX-License-Identifier: MIT
 *
 * rn-wg up: reads the config, makes the device, serves until it is told to end.
 */
#include "rn-wg.h"
#include "via.h"

#include "wg/carrier.h"
#include "wg/control.h"
#include "wg/kernel.h"
#include "wg/namespace.h"
#include "wg/remember.h"
#include "wg/sandbox.h"
#include "wg/via.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_MS 3000
#define LOCK_POLL_MS 10
#define VIA_AFTER_S 10
#define VIA_RETRY_S 60
#define PLAN_MAX (64U << 20)
#define UAPI_DIR "/run/wireguard"

enum which_engine { ENGINE_AUTO, ENGINE_KERNEL, ENGINE_USER, ENGINE_NETSTACK };

struct up {
	struct cli *cli;
	const char *name;
	struct config_file file; /* no path: no config, or standard input */
	struct wg_config config;
	enum inside_mode mode;
	enum which_engine which;
	bool is_kernel;
	char why[sizeof(((struct rn_error *)NULL)->text)]; /* auto did not take the kernel */
	struct loop *loop;
	struct engine *engine;
	struct wg_control control;
	struct ctl_server *ctl;
	struct uapi_server *uapi[2];
	struct relay_child relay;
	struct via *via;
	struct remember *remember;
	int lock;
	int told; /* the parent waits here for word, or -1 */
};

int up_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct up_options *o = opts;
	uint64_t fd;
	switch (key) {
	case 'f':
		o->file = arg;
		return 0;
	case 'e':
		o->engine = arg;
		return 0;
	case 'n':
		o->netns = arg;
		if (strcmp(arg, "private") != 0 && strcmp(arg, "host") != 0)
			return rn_fail(err, RN_EUSAGE, "--netns %s: neither private nor host", arg);
		return 0;
	case 'V':
		o->via = arg;
		return 0;
	case 'C':
		o->via_ca = arg;
		return 0;
	case 'A':
	case 'R':
		if (!str_to_u64(str_from(arg), 86400, &fd) || !fd)
			return rn_fail(err, RN_EUSAGE, "%s: not 1 to 86400 seconds", arg);
		*(key == 'A' ? &o->via_after_s : &o->via_retry_s) = (unsigned)fd;
		return 0;
	case 'd':
		o->dry_run = true;
		return 0;
	case 'O':
		o->allow_overlap = true;
		return 0;
	case 'F':
		o->foreground = true;
		return 0;
	case 'r':
		if (!str_to_u64(str_from(arg), 65535, &fd))
			return rn_fail(err, RN_EUSAGE, "--ready-fd %s: not a descriptor", arg);
		o->ready_fd = (int)fd + 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- before the device ---------------------------------------------------------------------------- */

static int read_config(struct up *u, const char *file, struct wg_config *config, struct rn_error *err)
{
	struct wg_config_reader reader = {.config = config, .name = u->name, .folder = u->file.folder};
	int code = rec_config_read(file, wg_config_record, &reader, err);
	if (!code && !reader.interfaces)
		code = rn_fail(err, RN_ECONFIG, "%s: no interface=%s record", file, u->name);
	return code;
}

static const struct {
	const char *name;
	enum which_engine engine;
} engine_names[] = {{"auto", ENGINE_AUTO}, {"kernel", ENGINE_KERNEL}, {"user", ENGINE_USER},
		  {"netstack", ENGINE_NETSTACK}};

static int choose_engine(struct up *u, const char *name, enum rn_err blame, struct rn_error *err)
{
	for (size_t i = 0; name && i < ARRAY_LEN(engine_names); i++) {
		if (strcmp(name, engine_names[i].name) != 0)
			continue;
		u->which = engine_names[i].engine;
		return 0;
	}
	if (!name)
		return 0;
	return rn_fail(err, blame, "engine %s: none of auto, kernel, user, netstack", name);
}

static int choose(struct up *u, const struct up_options *o)
{
	const char *netns = o->netns ? o->netns : u->config.netns;
	int code = o->engine ? choose_engine(u, o->engine, RN_EUSAGE, &u->cli->err)
			     : choose_engine(u, u->config.engine, RN_ECONFIG, &u->cli->err);
	if (!code && o->via && u->which == ENGINE_KERNEL)
		code = rn_fail(&u->cli->err, RN_EUSAGE, "--via needs the user engine");
	if (code)
		return code;
	if (o->via && u->which == ENGINE_AUTO)
		u->which = ENGINE_USER;
	u->mode = netns ? (strcmp(netns, "host") == 0 ? INSIDE_HOST : INSIDE_PRIVATE)
			: (geteuid() == 0 ? INSIDE_HOST : INSIDE_PRIVATE);
	if (u->which != ENGINE_NETSTACK)
		return 0;
	if (netns && u->mode == INSIDE_HOST)
		return rn_fail(&u->cli->err, RN_EUSAGE, "engine netstack has no device for --netns host");
	if (u->config.forward)
		return rn_fail(&u->cli->err, RN_ECONFIG, "engine netstack does not forward");
	u->mode = INSIDE_PRIVATE;
	return 0;
}

/* What is outside of the config and would make it harmful. */
static int check_ranges(struct up *u, const struct up_options *o)
{
	u->control.name = u->name;
	u->control.check_overlap = u->mode == INSIDE_HOST && !o->allow_overlap;
	return wg_control_admits(&u->control, &u->config, &u->cli->err);
}

static const char *engine_asked(const struct up *u, const struct up_options *o)
{
	return o->engine ? o->engine : u->config.engine ? u->config.engine : "auto";
}

static int print_plan(struct up *u, const struct up_options *o)
{
	struct buf out;
	buf_init(&out, PLAN_MAX);
	engine_plan(&u->config, u->name, u->mode, engine_asked(u, o), &out);
	int code = out.failed ? rn_fail(&u->cli->err, RN_EOS, "out of memory")
			      : rec_out_put(&u->cli->out, buf_str(&out), &u->cli->err);
	buf_free(&out);
	return code;
}

static bool answers(struct up *u)
{
	char path[4096];
	struct rn_error err;
	return !tunnel_path(u->cli, path, sizeof(path), u->name, "sock") &&
	       !ctl_call(path, STR("request=hello\n"), LOCK_MS, NULL, NULL, NULL, NULL, &err);
}

/* One process a tunnel: the lock lasts as long as the process does. One that is ending still holds
 * it for a moment. */
static int take_lock(struct up *u)
{
	char path[4096];
	int code = tunnel_path(u->cli, path, sizeof(path), u->name, "lock");
	if (code)
		return code;
	u->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (u->lock < 0)
		return rn_fail_errno(&u->cli->err, RN_ECANTCREAT, "%s", path);
	uint64_t deadline = clock_now_ms() + LOCK_MS;
	while (flock(u->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return rn_fail_errno(&u->cli->err, RN_EOS, "%s", path);
		if (answers(u) || clock_now_ms() > deadline)
			return rn_fail(&u->cli->err, RN_ECANTCREAT, "the tunnel %s is up already "
				"(rn-wg sync changes it, rn-wg down ends it)", u->name);
		poll(NULL, 0, LOCK_POLL_MS);
	}
	return 0;
}

/* ---- into the background -------------------------------------------------------------------------- */

/* What the background process reports: an error, or code 0 when it serves. */
static int wait_for_word(struct up *u, int fd)
{
	struct rn_error got;
	ssize_t n;
	do
		n = read(fd, &got, sizeof(got));
	while (n < 0 && errno == EINTR);
	close(fd);
	if (n != (ssize_t)sizeof(got))
		return rn_fail(&u->cli->err, RN_EBUG, "the background process of %s died", u->name);
	u->cli->err = got;
	return got.code;
}

static void tell_word(struct up *u, const struct rn_error *err)
{
	struct rn_error ignored;
	if (u->told >= 0 && fd_write_all(u->told, str_make(err, sizeof(*err)), &ignored))
		log_write(LOG_WARN, "nobody waits for the tunnel any more");
	fd_close(&u->told);
}

/* Who started us may wait for the end of a pipe that we would hold open as long as we live. */
static void close_inherited(const struct up *u, int ready_fd)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fd != u->lock && fd != u->told && fd != ready_fd)
			close(fd);
}

/* 0 in the background process, 1 in the one that was called. */
static int go_background(struct up *u, int ready_fd)
{
	int word[2];
	if (pipe2(word, O_CLOEXEC) < 0)
		return rn_fail_errno(&u->cli->err, RN_EOS, "pipe");
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		return rn_fail_errno(&u->cli->err, RN_EOS, "fork");
	if (pid > 0) {
		close(word[1]);
		int code = wait_for_word(u, word[0]);
		return code ? code : 1;
	}
	close(word[0]);
	u->told = word[1];
	close_inherited(u, ready_fd);
	setsid();
	return 0;
}

static int leave_terminal(struct rn_error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || chdir("/") < 0)
		return rn_fail_errno(err, RN_EOS, "leaving the terminal");
	close(null);
	return 0;
}

/* ---- serving -------------------------------------------------------------------------------------- */

static void end_signal(void *ctx, int signo)
{
	struct up *u = ctx;
	(void)signo;
	loop_stop(u->loop);
}

/* All or nothing: a file that is not understood changes nothing. */
static void reload_signal(void *ctx, int signo)
{
	struct up *u = ctx;
	struct wg_config config;
	struct rn_error err;
	(void)signo;
	if (!u->file.path[0])
		return;
	wg_config_init(&config);
	config.replace_peers = config.exact = true;
	if (read_config(u, u->file.path, &config, &err) || wg_control_admits(&u->control, &config, &err) ||
	    engine_apply(u->engine, &config, &err))
		log_write(LOG_ERROR, "%s", err.text);
	wg_config_free(&config);
}

static int listen_uapi(struct up *u, int i, const char *folder, struct rn_error *err)
{
	char path[4096];
	int code = dir_make(folder, 0700, err);
	if (code)
		return code;
	int n = snprintf(path, sizeof(path), "%s/%s.sock", folder, u->name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return rn_fail(err, RN_ECONFIG, "%s: path too long", folder);
	u->uapi[i] = uapi_listen(u->loop, path, u->engine, err);
	return u->uapi[i] ? 0 : err->code;
}

static int open_sockets(struct up *u, struct rn_error *err)
{
	char path[4096];
	int code = tunnel_path(u->cli, path, sizeof(path), u->name, "sock");
	if (code) {
		*err = u->cli->err;
		return code;
	}
	u->control.engine = u->engine;
	u->control.loop = u->loop;
	u->ctl = ctl_listen(u->loop, path, wg_control_call, &u->control, err);
	if (!u->ctl)
		return err->code;
	if (u->is_kernel) /* wg(8) reaches it by netlink */
		return 0;
	snprintf(path, sizeof(path), "%s/wireguard", u->cli->run_dir); /* run_dir is short */
	code = listen_uapi(u, 0, path, err);
	/* Where wg(8) looks; a private tunnel's name need not be unique on the machine. */
	if (!code && u->mode == INSIDE_HOST && geteuid() == 0 && strcmp(path, UAPI_DIR) != 0)
		code = listen_uapi(u, 1, UAPI_DIR, err);
	return code;
}

static int remember_peers(struct up *u, struct rn_error *err)
{
	char path[4096];
	int code = tunnel_path(u->cli, path, sizeof(path), u->name, "peers");
	if (code) {
		*err = u->cli->err;
		return code;
	}
	u->remember = remember_new(u->loop, u->engine, path);
	return u->remember ? 0 : rn_fail(err, RN_EOS, "out of memory");
}

static int take_signals(struct up *u, struct rn_error *err)
{
	int code = loop_signal(u->loop, SIGTERM, end_signal, u, err);
	if (!code)
		code = loop_signal(u->loop, SIGINT, end_signal, u, err);
	return code ? code : loop_signal(u->loop, SIGHUP, reload_signal, u, err);
}

static bool is_refused_us(const struct rn_error *err)
{
	return err->code == RN_EPERM || err->code == RN_EAWAY;
}

/* Why auto goes on to the next. */
static void note_why(struct up *u, struct rn_error *err)
{
	char before[sizeof(u->why)];
	memcpy(before, u->why, sizeof(before));
	snprintf(u->why, sizeof(u->why), "%.110s%s%.110s", before, before[0] ? "; " : "", err->text);
	*err = (struct rn_error){0};
}

/* With auto, what the kernel cannot do or we may not ask of it, the user engine does; and where that may
 * have no device or namespace, the stack of our own, which nothing on the host sees. */
static int make_engine(struct up *u, struct rn_error *err)
{
	if (u->which == ENGINE_KERNEL || u->which == ENGINE_AUTO) {
		u->engine = kernel_new(u->loop, u->mode, u->name, err);
		u->is_kernel = u->engine != NULL;
		if (u->is_kernel)
			return 0;
		if (u->which == ENGINE_KERNEL || !is_refused_us(err))
			return rn_fail_in(err, "engine kernel");
		note_why(u, err);
	}
	if (u->which != ENGINE_NETSTACK)
		u->engine = carrier_new(u->loop, u->mode, u->name, err);
	if (!u->engine && u->which == ENGINE_AUTO && u->mode == INSIDE_PRIVATE &&
	    (is_refused_us(err) || err->code == RN_EOS)) {
		note_why(u, err);
		u->which = ENGINE_NETSTACK;
	}
	if (u->which == ENGINE_NETSTACK)
		u->engine = carrier_new_stack(u->loop, u->cli->run_dir, u->name, err);
	if (!u->engine)
		return err->code;
	if (u->why[0])
		engine_set_why(u->engine, u->why);
	return 0;
}

/* The other way, if one was asked for. */
static int start_via(struct up *u, const struct up_options *o, struct rn_error *err)
{
	if (!o->via)
		return 0;
	int code = relay_start_for(u->cli, o, &u->relay, err);
	struct via_conf conf = {.local = u->relay.local,
				.after_s = o->via_after_s ? o->via_after_s : VIA_AFTER_S,
				.retry_s = o->via_retry_s ? o->via_retry_s : VIA_RETRY_S};
	if (code)
		return code;
	u->via = via_new(u->loop, u->engine, &conf, err);
	return u->via ? 0 : err->code;
}

static void confine(const struct up *u)
{
	char uapi[4096];
	const char *folders[] = {u->cli->run_dir, uapi, u->mode == INSIDE_HOST ? UAPI_DIR : NULL, NULL};
	snprintf(uapi, sizeof(uapi), "%s/wireguard", u->cli->run_dir);
	sandbox_enter(u->mode == INSIDE_HOST ? SANDBOX_HOST : SANDBOX_PRIVATE, folders);
}

static int set_up(struct up *u, const struct up_options *o, struct rn_error *err)
{
	u->loop = loop_new(err);
	if (!u->loop)
		return err->code;
	int code = make_engine(u, err);
	if (!code)
		code = engine_apply(u->engine, &u->config, err);
	wg_config_free(&u->config);
	wg_config_init(&u->config);
	if (!code)
		code = open_sockets(u, err);
	if (!code)
		code = remember_peers(u, err);
	if (!code)
		code = take_signals(u, err);
	if (!code && u->told >= 0)
		code = leave_terminal(err);
	if (!code)
		code = start_via(u, o, err);
	mem_give_back();
	if (!code)
		code = privilege_drop(err);
	if (!code)
		confine(u);
	return code;
}

static void tear_down(struct up *u)
{
	for (size_t i = 0; i < ARRAY_LEN(u->uapi); i++)
		uapi_close(u->uapi[i]);
	ctl_close(u->ctl);
	via_free(u->via);
	relay_end(&u->relay);
	remember_free(u->remember);
	engine_free(u->engine);
	loop_free(u->loop);
	wg_config_free(&u->config);
	fd_close(&u->lock);
}

static int serve(struct up *u, const struct up_options *o)
{
	struct rn_error err = {0};
	bool heard = u->told >= 0; /* the one that was called tells the user */
	int code = set_up(u, o, &err);
	if (!code) {
		tell_word(u, &err);
		ready_tell(getenv("NOTIFY_SOCKET"), o->ready_fd - 1);
		log_event(LOG_INFO, "the tunnel is up", "interface", u->name, (char *)NULL);
		code = loop_run(u->loop, &err);
		if (!code && engine_failure(u->engine)->code) {
			err = *engine_failure(u->engine);
			code = err.code;
		}
	} else {
		tell_word(u, &err);
	}
	tear_down(u);
	if (code && heard)
		_exit(-code);
	u->cli->err = err;
	return code;
}

int run_up(struct cli *c, int argc, char **argv)
{
	struct up_options *o = c->opts;
	char ca[PATH_MAX];
	struct up u = {.cli = c, .name = argv[0], .lock = -1, .told = -1};
	(void)argc;
	wg_config_init(&u.config);
	int code = check_name(u.name, &c->err);
	if (!code && o->file)
		code = find_config(&u.file, o->file, &c->err);
	if (!code && o->file)
		code = read_config(&u, o->file, &u.config, &c->err);
	/* A whole path, since the folder changes. */
	if (!code && o->via_ca && !(o->via_ca = realpath(o->via_ca, ca)))
		code = rn_fail_errno(&c->err, RN_ENOINPUT, "--via-ca");
	if (!code)
		code = choose(&u, o);
	if (!code)
		code = check_ranges(&u, o);
	if (!code && o->dry_run)
		code = print_plan(&u, o);
	if (o->dry_run) {
		wg_config_free(&u.config);
		return code;
	}
	if (!code)
		code = take_lock(&u);
	if (!code && !o->foreground)
		code = go_background(&u, o->ready_fd - 1);
	if (!code)
		return serve(&u, o);
	wg_config_free(&u.config);
	fd_close(&u.lock);
	return code > 0 ? 0 : code;
}
