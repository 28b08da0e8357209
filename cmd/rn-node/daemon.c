/* SPDX-License-Identifier: MIT
 *
 * A program that is kept running. It lives apart from us: when the agent is killed it goes on, and
 * the next agent finds it by its control socket, learns its pid, and watches that (pidfd) as if it
 * were its child.
 */
#include "rn-node.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELLO_MS 1000
#define PATIENCE_MS 20000 /* from start to ready */
#define STEADY_MS 10000	  /* up for this long: the next failure counts as the first */
#define RETRY_MS 100	  /* doubled by each failure up to */
#define RETRY_MAX_MS 5000

static void start(struct daemon *d);

/* ---- down ----------------------------------------------------------------------------------- */

static void drop_watches(struct daemon *d)
{
	struct watch *all[] = {&d->gone, &d->ready};

	timer_stop(d->loop, &d->timer);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (!all[i]->fn)
			continue;
		watch_del(d->loop, all[i]);
		close(all[i]->fd);
		*all[i] = (struct watch){0};
	}
}

static void on_retry(struct timer *t)
{
	start(container_of(t, struct daemon, timer));
}

/* It is gone, or never came. */
static void down(struct daemon *d, const char *why)
{
	unsigned shift = MIN(d->failures, 6u);
	uint64_t wait_ms = MIN((uint64_t)RETRY_MS << shift, (uint64_t)RETRY_MAX_MS);
	bool stopped = d->state == DAEMON_STOPPED;

	drop_watches(d);
	d->pid = 0;
	if (stopped) {
		d->changed(d->ctx);
		return;
	}
	d->failures++;
	d->state = DAEMON_DOWN;
	log_event(LOG_WARN, why, "name", d->name, NULL);
	d->timer.fn = on_retry;
	timer_start(d->loop, &d->timer, wait_ms);
	d->changed(d->ctx);
}

/* Reaps it if it is our child. */
static void on_gone(struct watch *w, uint32_t events)
{
	struct daemon *d = container_of(w, struct daemon, gone);
	char why[80] = "a program has ended; it is started again";
	int status;

	(void)events;
	if (waitpid(d->pid, &status, WNOHANG) == d->pid && WIFSIGNALED(status))
		snprintf(why, sizeof(why), "a program was ended by signal %d; it is started again",
			 WTERMSIG(status));
	if (d->state == DAEMON_UP && loop_now_ms(d->loop) - d->up_at_ms > STEADY_MS)
		d->failures = 0;
	down(d, why);
}

static bool watch_pid(struct daemon *d)
{
	struct rn_error err;
	int fd = (int)syscall(SYS_pidfd_open, d->pid, 0); /* close-on-exec by itself */

	if (fd < 0)
		return false;
	d->gone = (struct watch){.fd = fd, .events = EPOLLIN, .fn = on_gone};
	if (watch_add(d->loop, &d->gone, &err) == 0)
		return true;
	close(fd);
	d->gone = (struct watch){0};
	return false;
}

/* ---- up ------------------------------------------------------------------------------------- */

static int take_pid(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct str text = rec_get(r, "pid");
	uint64_t pid;

	(void)err;
	if (text.ptr && str_to_u64(text, INT32_MAX, &pid))
		*(pid_t *)ctx = (pid_t)pid;
	return 0;
}

/* Finds it running; true once it is watched. */
static bool adopt(struct daemon *d)
{
	struct rn_error err;
	pid_t pid = 0;

	if (ctl_call(d->sock, STR("request=hello\n"), HELLO_MS, take_pid, &pid, NULL, NULL, &err) <
		    0 ||
	    pid <= 0)
		return false;
	d->ours = d->pid == pid;
	drop_watches(d);
	d->pid = pid;
	if (!watch_pid(d))
		return false;
	d->state = DAEMON_UP;
	d->up_at_ms = loop_now_ms(d->loop);
	log_event(LOG_INFO, d->ours ? "a program is up" : "a program that runs was adopted", "name",
		  d->name, NULL);
	d->changed(d->ctx);
	return true;
}

static void on_ready(struct watch *w, uint32_t events)
{
	struct daemon *d = container_of(w, struct daemon, ready);
	char word[16];
	ssize_t n = read(w->fd, word, sizeof(word));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	watch_del(d->loop, w);
	close(w->fd);
	*w = (struct watch){0};
	/* Without a word it is ending, which its pidfd tells with the reason. */
	if (n > 0 && !adopt(d) && d->pid > 0)
		kill(d->pid, SIGKILL);
}

static void on_impatient(struct timer *t)
{
	struct daemon *d = container_of(t, struct daemon, timer);

	if (d->pid > 0)
		kill(d->pid, SIGKILL); /* its pidfd tells the rest */
}

_Noreturn static void become(const struct daemon *d, int ready)
{
	const char *argv[DAEMON_ARGS_MAX + 3];
	char fd[16];
	sigset_t none;
	size_t n = 0;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid(); /* neither the terminal's nor our group's signals are for it */
	unsetenv("NOTIFY_SOCKET");
	snprintf(fd, sizeof(fd), "%d", ready);
	fcntl(ready, F_SETFD, 0);
	for (; d->argv[n]; n++)
		argv[n] = d->argv[n];
	argv[n++] = "--ready-fd";
	argv[n++] = fd;
	argv[n] = NULL;
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	dprintf(2, "rn-node: %s: %s\n", argv[0], strerror(errno));
	_exit(-RN_ENOINPUT);
}

static int spawn(struct daemon *d, struct rn_error *err)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return rn_fail_errno(err, RN_EOS, "pipe");
	d->pid = fork();
	if (d->pid == 0)
		become(d, pipes[1]);
	close(pipes[1]);
	if (d->pid < 0 || !watch_pid(d)) {
		close(pipes[0]);
		return rn_fail_errno(err, RN_EOS, "cannot start %s", d->name);
	}
	d->ready = (struct watch){.fd = pipes[0], .events = EPOLLIN, .fn = on_ready};
	if (watch_add(d->loop, &d->ready, err) == 0)
		return 0;
	close(pipes[0]);
	d->ready = (struct watch){0};
	return err->code;
}

static void start(struct daemon *d)
{
	struct rn_error err;

	if (adopt(d))
		return;
	d->state = DAEMON_STARTING;
	d->starts++;
	if (spawn(d, &err) < 0) {
		down(d, err.text);
		return;
	}
	d->timer.fn = on_impatient;
	timer_start(d->loop, &d->timer, PATIENCE_MS);
}

/* ---- the face ------------------------------------------------------------------------------- */

void daemon_start(struct daemon *d)
{
	d->pid = 0;
	d->failures = d->starts = 0;
	start(d);
}

void daemon_stop(struct daemon *d)
{
	bool alive = d->pid > 0 && d->gone.fn;

	d->state = DAEMON_STOPPED;
	timer_stop(d->loop, &d->timer);
	if (alive)
		kill(d->pid, SIGTERM);
	else
		d->changed(d->ctx);
}

void daemon_kill(struct daemon *d)
{
	if (d->pid > 0 && d->gone.fn)
		kill(d->pid, SIGKILL);
}

void daemon_leave(struct daemon *d)
{
	if (d->loop)
		drop_watches(d);
	d->state = DAEMON_STOPPED;
	d->pid = 0;
}

void daemon_record(struct buf *b, const struct daemon *d)
{
	static const char *const states[] = {"down", "starting", "up", "stopped"};

	rec_begin(b, "daemon", str_from(d->name));
	rec_add_cstr(b, "state", states[d->state]);
	if (d->pid > 0)
		rec_add_u64(b, "pid", (uint64_t)d->pid);
	rec_add_u64(b, "starts", d->starts);
	rec_end(b);
}
