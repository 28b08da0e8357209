/* SPDX-License-Identifier: MIT
 *
 * up --via: runs rn-relay dial beside the tunnel and tells lib/wg/via.h its port.
 */
#include "via.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 5000

_Noreturn static void child(const char *program, const struct up_options *o, int out, pid_t parent)
{
	const char *argv[8] = {"rn-relay", "dial", o->via};
	int n = 3;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (o->via_ca) {
		argv[n++] = "--ca";
		argv[n++] = o->via_ca;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent && dup2(out, 1) == 1 && close_range(3, ~0U, 0) == 0)
		execvp(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* "socket=udp address=127.0.0.1:PORT", the child's first line. */
static int read_port(int fd, struct addr *local, struct rn_error *err)
{
	char line[256] = {0};
	size_t len = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t until = clock_now_ms() + START_MS;
	struct rec r;
	while (len < sizeof(line) && !memchr(line, '\n', len)) {
		uint64_t now = clock_now_ms();
		if (now >= until || poll(&p, 1, (int)(until - now)) <= 0)
			break;
		ssize_t n = read(fd, line + len, sizeof(line) - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (!len || line[len - 1] != '\n' || rec_parse(&r, str_make(line, len - 1), NULL, err) ||
	    !rec_is(&r, "socket") || !addr_parse(local, rec_get(&r, "address"), -1))
		return rn_fail(err, RN_EAWAY, "--via: rn-relay does not start (its log says why)");
	return 0;
}

int relay_start_for(struct cli *c, const struct up_options *o, struct relay_child *r,
		    struct rn_error *err)
{
	char program[4096];
	int word[2];
	pid_t self = getpid();
	cli_sibling(c, "rn-relay", program, sizeof(program));
	if (pipe2(word, O_CLOEXEC) < 0)
		return rn_fail_errno(err, RN_EOS, "pipe");
	r->pid = fork();
	if (r->pid == 0)
		child(program, o, word[1], self);
	close(word[1]);
	int code = r->pid < 0 ? rn_fail_errno(err, RN_EOS, "fork")
			      : read_port(word[0], &r->local, err);
	close(word[0]);
	return code;
}

void relay_end(struct relay_child *r)
{
	if (r->pid <= 0)
		return;
	kill(r->pid, SIGTERM);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
}
