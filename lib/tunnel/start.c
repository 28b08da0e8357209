/* SPDX-License-Identifier: MIT
 *
 * Starting the tunnel if none runs. Programs that do so at once take turns by a lock file, so that
 * the second finds the first one's tunnel.
 */
#include "tunnel/tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 10000
#define POLL_MS 20

struct start {
	const char *rn_wg, *run_dir, *name, *config;
	uint64_t deadline_ms;
};

static bool is_late(const struct start *s)
{
	return clock_now_ms() >= s->deadline_ms;
}

/* The lock's descriptor. */
static int take_turn(const struct start *s, struct rn_error *err)
{
	char path[4096];
	int code = dir_make(s->run_dir, 0700, err);
	if (code)
		return code;
	snprintf(path, sizeof(path), "%s/wg-%s.start", s->run_dir, s->name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return rn_fail_errno(err, RN_ECANTCREAT, "%s", path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (is_late(s)) {
			close(fd);
			return rn_fail(err, RN_EAWAY, "%s: another program is starting the tunnel and "
				"does not get done", path);
		}
		poll(NULL, 0, POLL_MS);
	}
	return fd;
}

static bool runs(const struct start *s)
{
	struct rn_error err;
	struct tunnel *t = tunnel_open(s->run_dir, s->name, &err);
	tunnel_close(t);
	return t != NULL;
}

_Noreturn static void child(const struct start *s, int errors)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0)
		_exit(-RN_EOS);
	setenv("RN_RUN_DIR", s->run_dir, 1);
	unsetenv("NOTIFY_SOCKET"); /* our parent's readiness is not the tunnel's */
	execlp(s->rn_wg, "rn-wg", "up", s->name, "-f", s->config, "--netns", "private", (char *)NULL);
	dprintf(2, "rn-wg: %s cannot be run\n", s->rn_wg);
	_exit(-RN_ENOINPUT);
}

/* What the child had to say, until it closes its end or the time is up. */
static void hear(const struct start *s, int fd, struct buf *text)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	while (!is_late(s)) {
		if (poll(&p, 1, POLL_MS) <= 0)
			continue;
		char *room = buf_reserve(text, 512);
		ssize_t n = room ? read(fd, room, 512) : 0;
		if (n <= 0 && !(n < 0 && errno == EINTR))
			return;
		text->len += n > 0 ? (size_t)n : 0;
	}
}

static int await(const struct start *s, pid_t pid, int errors, struct rn_error *err)
{
	struct buf text;
	int status = 0;
	pid_t got;
	buf_init(&text, 4096);
	hear(s, errors, &text);
	while ((got = waitpid(pid, &status, is_late(s) ? 0 : WNOHANG)) == 0 ||
	       (got < 0 && errno == EINTR)) {
		if (is_late(s))
			kill(pid, SIGKILL);
		else
			poll(NULL, 0, POLL_MS);
	}
	struct str rest = str_trim(buf_str(&text)), line = rest;
	while (str_cut(&rest, '\n', &line) && rest.ptr && rest.len)
		; /* the last line is the reason; log lines may stand before it */
	if (str_starts(line, STR("rn-wg: ")))
		line = str_from_at(line, 7);
	int code = 0;
	if (got == pid && WIFEXITED(status) && WEXITSTATUS(status))
		code = rn_fail(err, (enum rn_err)-WEXITSTATUS(status), "%.*s", STR_ARG(line));
	else if (got == pid && !WIFEXITED(status))
		code = rn_fail(err, RN_EAWAY, "rn-wg up %s was not ready in time", s->name);
	buf_free(&text);
	return code;
}

static int run(const struct start *s, struct rn_error *err)
{
	int errors[2];
	if (pipe2(errors, O_CLOEXEC) < 0)
		return rn_fail_errno(err, RN_EOS, "pipe");
	pid_t pid = fork();
	if (pid == 0)
		child(s, errors[1]);
	close(errors[1]);
	int code = pid < 0 ? rn_fail_errno(err, RN_EOS, "fork") : await(s, pid, errors[0], err);
	close(errors[0]);
	return code;
}

int tunnel_start(const char *rn_wg, const char *run_dir, const char *name, const char *config,
		 struct rn_error *err)
{
	struct start s = {rn_wg, run_dir, name, config, clock_now_ms() + DEADLINE_MS};
	if (runs(&s))
		return 0;
	int lock = take_turn(&s, err);
	if (lock < 0)
		return lock;
	int code = runs(&s) ? 0 : run(&s, err);
	close(lock);
	return code;
}
