/* SPDX-License-Identifier: MIT
 *
 * The process that runs CGI programs. One thread, forked before the proxy has any; it knows nothing
 * of the config and holds no secret.
 */
#include "proxy/cgi.h"
#include "proxy/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STDERR_LINE 1024
#define STDERR_LINES 50 /* of one run; what it says beyond is read and forgotten */

struct run {	   /* one program */
	pid_t pid; /* 0: free */
	struct timer timer;
	struct watch errors; /* its stderr */
	char line[STDERR_LINE];
	size_t len, lines;
	struct helper *helper;
};

struct helper {
	struct loop *loop;
	struct watch sockets[PROXY_WORKERS_MAX];
	unsigned left;
	struct run runs[CGI_RUNS_MAX];
	char request[sizeof(struct cgi_request) + 4096 + CGI_ENV_MAX];
};

static struct helper helper; /* the only one in its process */

/* ---- standard error to the log --------------------------------------------------------------- */

static void errors_tell(struct run *r)
{
	if (r->len == 0)
		return;
	r->line[r->len] = 0;
	r->len = 0;
	if (++r->lines <= STDERR_LINES)
		log_event(LOG_WARN, r->line, "from", "cgi", NULL);
	else if (r->lines == STDERR_LINES + 1)
		log_event(LOG_WARN, "a CGI program says too much; the rest is left out", NULL);
}

static void errors_take(struct run *r, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || r->len == sizeof(r->line) - 1)
			errors_tell(r);
		if (bytes[i] != '\n')
			r->line[r->len++] = bytes[i] ? bytes[i] : '?';
	}
}

static void errors_close(struct run *r)
{
	errors_tell(r);
	watch_del(r->helper->loop, &r->errors);
	fd_close(&r->errors.fd);
}

/* True: there may be more. */
static bool errors_read(struct run *r)
{
	char bytes[1024];
	ssize_t n = read(r->errors.fd, bytes, sizeof(bytes));

	if (n > 0)
		errors_take(r, bytes, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		errors_close(r);
	return n > 0;
}

static void errors_ready(struct watch *w, uint32_t events)
{
	(void)events;
	errors_read(container_of(w, struct run, errors));
}

/* The program is gone: what it said last, and then its place is free, even if a process that it left
 * behind holds its standard error open. */
static void errors_end(struct run *r)
{
	for (int i = 0; i < STDERR_LINES && r->errors.fd >= 0 && errors_read(r); i++)
		;
	if (r->errors.fd >= 0)
		errors_close(r);
}

/* ---- one run --------------------------------------------------------------------------------- */

/* In the child: nothing but what was asked for. */
static _Noreturn void child(const char *path, char **env, int io, int err)
{
	char *argv[] = {(char *)(uintptr_t)path, NULL};
	char dir[4096];
	sigset_t none;

	if (dup2(io, 0) < 0 || dup2(io, 1) < 0 || dup2(err, 2) < 0)
		_exit(71);
	/* Programs expect blocking descriptors; the flag is the open file's, and the proxy's end is
	 * another one. */
	fcntl(0, F_SETFL, 0);
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (path_dir(dir, sizeof(dir), path) && chdir(dir) < 0)
		_exit(71);
	close_range(3, ~0U, 0);
	execve(path, argv, env);
	dprintf(2, "%s: %s\n", path, strerror(errno));
	_exit(126);
}

/* Section 6.3.3: a program that cannot run is the gateway's fault; said in CGI, so that the proxy
 * needs no second way to hear it. */
static void refuse(int io)
{
	static const char text[] =
		"Status: 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\n"
		"The service cannot be started right now.\n";
	ssize_t ignored = write(io, text, sizeof(text) - 1);
	(void)ignored;
}

static struct run *run_free_slot(struct helper *h)
{
	for (size_t i = 0; i < CGI_RUNS_MAX; i++)
		if (h->runs[i].pid == 0 && h->runs[i].errors.fd < 0)
			return &h->runs[i];
	return NULL;
}

static void run_timeout(struct timer *timer)
{
	struct run *r = container_of(timer, struct run, timer);
	log_event(LOG_WARN, "CGI program took too long and was ended", NULL);
	kill(-r->pid, SIGKILL);
}

static void run_start(struct helper *h, const char *path, char **env, uint32_t limit_ms, int io)
{
	struct run *r = run_free_slot(h);
	struct rn_error err;
	int pipe_fd[2];

	if (!r || pipe2(pipe_fd, O_CLOEXEC) < 0) {
		log_event(LOG_WARN, "too many CGI programs at a time", "program", path, NULL);
		refuse(io);
		return;
	}
	pid_t pid = fork();
	if (pid == 0)
		child(path, env, io, pipe_fd[1]);
	close(pipe_fd[1]);
	if (pid < 0) {
		close(pipe_fd[0]);
		refuse(io);
		return;
	}
	setpgid(pid, pid);
	r->pid = pid;
	r->len = r->lines = 0;
	r->errors = (struct watch){.fd = pipe_fd[0], .events = EPOLLIN, .fn = errors_ready};
	fd_set_nonblock(pipe_fd[0]);
	if (watch_add(h->loop, &r->errors, &err))
		fd_close(&r->errors.fd);
	timer_start(h->loop, &r->timer, limit_ms);
}

static void reap(void *ctx, int signo)
{
	struct helper *h = ctx;
	int status;
	pid_t pid;
	(void)signo;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < CGI_RUNS_MAX; i++) {
			if (h->runs[i].pid != pid)
				continue;
			h->runs[i].pid = 0;
			timer_stop(h->loop, &h->runs[i].timer);
			errors_end(&h->runs[i]);
		}
	}
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The message is the proxy's own, but is checked as if it were not. */
static bool request_split(char *bytes, size_t len, struct cgi_request *q, char **path, char **env,
			  size_t env_max)
{
	size_t n = 0;
	if (len < sizeof(*q))
		return false;
	memcpy(q, bytes, sizeof(*q));
	if (q->path_len < 2 || q->path_len > 4096 || q->env_len > CGI_ENV_MAX ||
	    len != sizeof(*q) + q->path_len + q->env_len || bytes[len - 1] != 0)
		return false;
	*path = bytes + sizeof(*q);
	for (char *i = *path + q->path_len; i < bytes + len; i += strlen(i) + 1) {
		if (n + 1 >= env_max)
			return false;
		env[n++] = i;
	}
	env[n] = NULL;
	return (*path)[q->path_len - 1] == 0;
}

static void request_ready(struct watch *w, uint32_t events)
{
	struct helper *h = &helper;
	struct cgi_request q;
	char *path, *env[512];
	int fd = -1;
	size_t n_fds = 1;
	ssize_t n = fds_recv(w->fd, h->request, sizeof(h->request), &fd, &n_fds);
	(void)events;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		watch_del(h->loop, w);
		fd_close(&w->fd);
		if (--h->left == 0)
			loop_stop(h->loop);
		return;
	}
	if (n > 0 && n_fds == 1) {
		if (request_split(h->request, (size_t)n, &q, &path, env, ARRAY_LEN(env)))
			run_start(h, path, env, q.limit_ms, fd);
		else
			refuse(fd);
	}
	fd_close(&fd);
}

static void runs_kill(struct helper *h)
{
	for (size_t i = 0; i < CGI_RUNS_MAX; i++)
		if (h->runs[i].pid)
			kill(-h->runs[i].pid, SIGTERM);
}

static void ignore_signal(void *ctx, int signo)
{
	(void)ctx;
	(void)signo;
}

_Noreturn void cgi_helper_main(const int *sockets, unsigned count)
{
	struct helper *h = &helper;
	struct rn_error err;

	prctl(PR_SET_NAME, "rn-proxy-cgi");
	h->loop = loop_new(&err);
	if (!h->loop || loop_signal(h->loop, SIGCHLD, reap, h, &err) ||
	    loop_signal(h->loop, SIGTERM, ignore_signal, h, &err) ||
	    loop_signal(h->loop, SIGINT, ignore_signal, h, &err) ||
	    loop_signal(h->loop, SIGHUP, ignore_signal, h, &err))
		_exit(71);
	for (size_t i = 0; i < CGI_RUNS_MAX; i++) {
		h->runs[i].helper = h;
		h->runs[i].timer.fn = run_timeout;
		h->runs[i].errors.fd = -1;
	}
	for (unsigned i = 0; i < count; i++) {
		h->sockets[i] =
			(struct watch){.fd = sockets[i], .events = EPOLLIN, .fn = request_ready};
		if (watch_add(h->loop, &h->sockets[i], &err))
			_exit(71);
	}
	h->left = count;
	int rc = loop_run(h->loop, &err);
	runs_kill(h);
	_exit(rc ? 71 : 0);
}

/* A helper that dies is forked anew by its parent, a process that does nothing else and, like it,
 * was there before any thread. */
static _Noreturn void minder(const int *sockets, unsigned count)
{
	prctl(PR_SET_NAME, "rn-proxy-minder");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (;;) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			cgi_helper_main(sockets, count);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			_exit(71);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			_exit(0);
		sleep(1);
	}
}

int cgi_helper_start(struct worker *workers, unsigned n, const char *user, pid_t *pid,
		     struct rn_error *err)
{
	int theirs[PROXY_WORKERS_MAX];

	for (unsigned i = 0; i < n; i++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
			return rn_fail_errno(err, RN_EOS, "socketpair");
		int size = CGI_ENV_MAX * 4;
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		workers[i].cgi_fd = pair[0];
		theirs[i] = pair[1];
	}
	*pid = fork();
	if (*pid < 0)
		return rn_fail_errno(err, RN_EOS, "fork");
	if (*pid == 0) {
		for (unsigned i = 0; i < n; i++)
			close(workers[i].cgi_fd);
		if (proxy_become_user(user, err))
			_exit(77);
		minder(theirs, n);
	}
	for (unsigned i = 0; i < n; i++)
		close(theirs[i]);
	return 0;
}
