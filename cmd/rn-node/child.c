/* SPDX-License-Identifier: MIT */
#include "rn-node.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STDERR_MAX 65536

_Noreturn static void become(const char *const *argv, int errors)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0)
		_exit(-RN_EOS);
	unsetenv("NOTIFY_SOCKET"); /* our readiness is not the child's to tell */
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(-RN_ENOINPUT);
}

/* Reads until the child closes its end, which it does by ending. False: out of time. */
static bool listen_to(int fd, struct buf *text, uint64_t deadline_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint64_t now = clock_now_ms();
		int n = now < deadline_ms ? poll(&p, 1, (int)(deadline_ms - now)) : 0;

		if (n == 0)
			return false;
		if (n < 0)
			continue;
		char *room = buf_reserve(text, 1024), spill[1024];
		ssize_t got = read(fd, room ? room : spill, 1024);
		if (got <= 0 && errno != EINTR)
			return true;
		text->len += room && got > 0 ? (size_t)got : 0;
	}
}

/* Without the "rn-wg: " in front, since the caller says who spoke. */
static struct str last_line(struct str text)
{
	struct str rest = text, line = {"", 0}, part;
	ptrdiff_t colon;

	while (str_cut(&rest, '\n', &part))
		if (part.len > 0)
			line = part;
	colon = str_find_str(line, STR(": "));
	return colon > 0 && str_starts(line, STR("rn-")) ? str_from_at(line, (size_t)colon + 2)
							 : line;
}

static int judge(const char *name, int status, struct str text, struct rn_error *err)
{
	struct str line = last_line(text);

	if (WIFSIGNALED(status))
		return rn_fail(err, RN_EBUG, "%s was ended by signal %d", name, WTERMSIG(status));
	if (WEXITSTATUS(status) == 0)
		return 0;
	return rn_fail(err, (enum rn_err) - WEXITSTATUS(status), "%s: %.*s", name, STR_ARG(line));
}

int child_run(const char *const *argv, uint64_t timeout_ms, struct rn_error *err)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	int pipes[2], status = 0;
	struct buf text;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return rn_fail_errno(err, RN_EOS, "pipe");
	pid_t pid = fork();
	if (pid == 0)
		become(argv, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return rn_fail_errno(err, RN_EOS, "fork");
	}
	buf_init(&text, STDERR_MAX);
	bool ended = listen_to(pipes[0], &text, clock_now_ms() + timeout_ms);
	if (!ended)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	int rc = ended ? judge(name, status, buf_str(&text), err)
		       : rn_fail(err, RN_EAWAY, "%s did not end in time", name);

	if (!ended)
		err->sys = ETIMEDOUT;
	close(pipes[0]);
	buf_free(&text);
	return rc;
}
