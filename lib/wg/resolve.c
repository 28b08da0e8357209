/* SPDX-License-Identifier: MIT */
#include "wg/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_S 30 /* the child ends itself after this */

struct resolve {
	struct watch watch;
	struct loop *loop;
	pid_t pid;
	resolve_fn *fn;
	void *ctx;
};

_Noreturn static void child(int out, const char *text)
{
	struct addr a;
	struct rn_error err;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(LIMIT_S);
	if (dup2(out, 3) != 3 || close_range(4, ~0U, 0) < 0)
		_exit(1);
	memset(&a, 0, sizeof(a));
	if (addr_resolve(&a, str_from(text), &err) || fd_write_all(3, str_make(&a, sizeof(a)), &err))
		_exit(1);
	_exit(0);
}

void resolve_cancel(struct resolve *r)
{
	if (!r)
		return;
	if (r->watch.fd >= 0) {
		watch_del(r->loop, &r->watch);
		fd_close(&r->watch.fd);
	}
	kill(r->pid, SIGKILL);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(r);
}

static void answered(struct watch *w, uint32_t events)
{
	struct resolve *r = container_of(w, struct resolve, watch);
	resolve_fn *fn = r->fn;
	void *ctx = r->ctx;
	struct addr a;
	(void)events;
	ssize_t n = read(w->fd, &a, sizeof(a));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	resolve_cancel(r);
	fn(ctx, n == (ssize_t)sizeof(a) ? &a : NULL);
}

struct resolve *resolve_start(struct loop *l, const char *text, resolve_fn *fn, void *ctx,
			      struct rn_error *err)
{
	int pipe_fd[2];
	struct resolve *r = calloc(1, sizeof(*r));
	if (!r || pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) < 0) {
		rn_fail_errno(err, RN_EOS, "looking up %s", text);
		free(r);
		return NULL;
	}
	r->loop = l;
	r->fn = fn;
	r->ctx = ctx;
	r->watch = (struct watch){.fd = pipe_fd[0], .events = EPOLLIN, .fn = answered};
	r->pid = fork();
	if (r->pid == 0)
		child(pipe_fd[1], text);
	close(pipe_fd[1]);
	if (r->pid > 0 && !watch_add(l, &r->watch, err))
		return r;
	if (r->pid < 0) {
		rn_fail_errno(err, RN_EOS, "fork");
		close(pipe_fd[0]);
		free(r);
		return NULL;
	}
	fd_close(&r->watch.fd);
	resolve_cancel(r);
	return NULL;
}
