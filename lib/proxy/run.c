/* SPDX-License-Identifier: MIT
 *
 * The main thread: starting, reloading, draining, and access records on their way out.
 */
#include "proxy/run.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define DESCRIPTORS_KEPT 64
#define WORKER_CONNS_MIN 16
#define WORKER_CONNS_MAX 65536

/* ---- orders ---------------------------------------------------------------------------------- */

void order_done(struct order *o)
{
	struct order_wait *wait = o->wait;
	if (!wait)
		return;
	pthread_mutex_lock(&wait->lock);
	wait->left--;
	pthread_cond_signal(&wait->cond);
	pthread_mutex_unlock(&wait->lock);
}

void proxy_order_all(struct proxy *p, void (*fill)(struct order *o, unsigned worker, void *ctx),
		     void *ctx)
{
	struct order_wait wait = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
				  p->n_workers};
	struct order orders[PROXY_WORKERS_MAX] = {0};

	for (unsigned i = 0; i < p->n_workers; i++) {
		orders[i].wait = &wait;
		fill(&orders[i], i, ctx);
		worker_order(&p->workers[i], &orders[i]);
	}
	pthread_mutex_lock(&wait.lock);
	while (wait.left)
		pthread_cond_wait(&wait.cond, &wait.lock);
	pthread_mutex_unlock(&wait.lock);
	for (unsigned i = 0; i < p->n_workers; i++) {
		vec_free(&orders[i].opens.base);
		vec_free(&orders[i].closes.base);
	}
}

/* ---- config ---------------------------------------------------------------------------------- */

static struct snapshot_source source_of(struct proxy *p)
{
	return (struct snapshot_source){.file = p->o.file,
					.states = &p->states,
					.previous = p->snap,
					.cgi_dirs = p->o.cgi_dirs,
					.bin_dir = p->o.bin_dir};
}

int proxy_reload(struct proxy *p, struct rn_error *err)
{
	struct snapshot_source src = source_of(p);
	struct snapshot *snap, *old = p->snap;

	if (p->terms)
		return rn_fail(err, RN_EAGAIN, "stopping: no reload any more");
	if (strcmp(p->o.file, "-") == 0)
		return rn_fail(err, RN_EUSAGE,
			       "the config came from standard input and cannot be read again");
	int rc = snapshot_read(&snap, &src, err);
	if (rc)
		return rc;
	side_config(p->side, snap);
	struct socket_plan *plan = sockets_prepare(p, snap, err);
	if (!plan) {
		side_config(p->side, old);
		snapshot_unref(snap);
		state_sweep(&p->states);
		return err->code;
	}
	p->snap = snap;
	sockets_commit(p, plan, snap);
	snapshot_unref(old);
	state_sweep(&p->states);
	log_event(LOG_INFO, "config is reloaded", "file", p->o.file, NULL);
	return 0;
}

static int load_session_key(struct proxy *p, struct rn_error *err)
{
	char dir[4096], path[4096];
	const char *file = p->o.session_key;

	if (!file && path_dir(dir, sizeof(dir), p->o.file) &&
	    path_join(path, sizeof(path), dir, STR("session.key")) && access(path, F_OK) == 0)
		file = path;
	if (file)
		return auth_secret_load(&p->session_key, file, err);
	p->session_key = auth_secret_make();
	return p->session_key ? 0 : rn_fail(err, RN_EOS, "out of memory");
}

int proxy_check(const struct proxy_options *o, struct rn_error *err)
{
	struct proxy p = {.o = *o, .states.n_slots = 1};
	struct snapshot_source src = source_of(&p);
	struct snapshot *snap;
	int rc = snapshot_read(&snap, &src, err);
	if (rc == 0)
		snapshot_unref(snap);
	state_table_free(&p.states);
	return rc;
}

int proxy_check_text(struct str text, const char *name, struct rn_error *err)
{
	struct state_table states = {.n_slots = 1};
	struct snapshot_source src = {.file = name, .text = text, .states = &states};
	struct snapshot *snap;
	int rc = snapshot_read(&snap, &src, err);

	if (rc == 0)
		snapshot_unref(snap);
	state_table_free(&states);
	return rc;
}

/* ---- access records -------------------------------------------------------------------------- */

static void access_mail(struct mail *m)
{
	struct proxy *p = container_of(m, struct proxy, access_mail);
	atomic_store(&p->access_told, false);
	proxy_access_fetch(p);
}

void proxy_access_ready(struct proxy *p)
{
	if (!atomic_exchange(&p->access_told, true))
		mailbox_post(&p->mail, &p->access_mail, access_mail);
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void fill_drain(struct order *o, unsigned worker, void *ctx)
{
	(void)worker;
	(void)ctx;
	o->drain = true;
}

/* Not waited for: a worker that has ended by itself would never say that it is done. */
static void stop_workers(struct proxy *p)
{
	for (unsigned i = 0; i < p->n_started; i++) {
		struct order *o = &p->workers[i].stop;
		if (!atomic_exchange(&p->workers[i].stopping, true)) {
			o->stop = true;
			worker_order(&p->workers[i], o);
		}
	}
}

static void drain_timeout(struct timer *timer)
{
	struct proxy *p = container_of(timer, struct proxy, drain_timer);
	log_event(LOG_WARN, "connections are still open at the deadline; stopping", NULL);
	stop_workers(p);
}

void proxy_drain(struct proxy *p)
{
	if (p->terms++) {
		stop_workers(p);
		return;
	}
	log_event(LOG_INFO, "draining", NULL);
	proxy_order_all(p, fill_drain, NULL);
	timer_start(p->loop, &p->drain_timer, (uint64_t)p->o.drain_s * 1000 + 1);
}

static void worker_ended(struct mail *m)
{
	struct worker *w = container_of(m, struct worker, ended);
	if (--w->proxy->n_running == 0)
		loop_stop(w->proxy->loop);
}

static void *worker_thread(void *arg)
{
	struct worker *w = arg;
	worker_main(w);
	mailbox_post(&w->proxy->mail, &w->ended, worker_ended);
	return NULL;
}

static void on_signal(void *ctx, int signo)
{
	struct proxy *p = ctx;
	struct rn_error err;
	if (signo != SIGHUP)
		proxy_drain(p);
	else if (proxy_reload(p, &err))
		log_event(LOG_ERROR, err.text, "what", "reload", NULL);
}

/* ---- starting -------------------------------------------------------------------------------- */

int proxy_become_user(const char *user, struct rn_error *err)
{
	struct passwd *pw;
	if (!user || geteuid() != 0)
		return 0;
	errno = 0;
	pw = getpwnam(user);
	if (!pw)
		return rn_fail(err, RN_EUSAGE, "there is no user %s", user);
	if (initgroups(user, pw->pw_gid) || setgid(pw->pw_gid) || setuid(pw->pw_uid))
		return rn_fail_errno(err, RN_EPERM, "become user %s", user);
	return 0;
}

/* As many descriptors as we may have, and how many connections of visitors fit: each may need one to
 * a target, and some must be left for pools, programs, files and control. */
static void more_descriptors(struct proxy *p)
{
	struct rlimit r;
	rlim_t have = 1024;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
		have = r.rlim_cur;
	}
	have = have > DESCRIPTORS_KEPT ? have - DESCRIPTORS_KEPT : 0;
	p->conns_max = (unsigned)MIN(have / (3 * p->n_workers), (rlim_t)WORKER_CONNS_MAX);
	p->conns_max = MAX(p->conns_max, WORKER_CONNS_MIN);
}

static int start_base(struct proxy *p, struct rn_error *err)
{
	p->workers = calloc(p->n_workers, sizeof(*p->workers));
	if (!p->workers)
		return rn_fail(err, RN_EOS, "out of memory");
	for (unsigned i = 0; i < p->n_workers; i++)
		p->workers[i].cgi_fd = -1;
	int rc = cgi_helper_start(p->workers, p->n_workers, p->o.user, &p->helper, err);
	if (rc)
		return rc;
	p->loop = loop_new(err);
	if (!p->loop)
		return err->code;
	rc = mailbox_open(&p->mail, p->loop, err);
	for (unsigned i = 0; rc == 0 && i < p->n_workers; i++)
		rc = worker_init(&p->workers[i], p, i, err);
	/* Before any thread is there, so that all have them blocked. */
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(signals); i++)
		rc = loop_signal(p->loop, signals[i], on_signal, p, err);
	return rc;
}

static int start_threads(struct proxy *p, struct rn_error *err)
{
	for (unsigned i = 0; i < p->n_workers; i++) {
		if (pthread_create(&p->workers[i].thread, NULL, worker_thread, &p->workers[i]))
			return rn_fail(err, RN_EOS, "cannot start worker threads");
		p->n_started++;
		p->n_running++;
	}
	return 0;
}

static int start_config(struct proxy *p, struct rn_error *err)
{
	struct snapshot_source src = source_of(p);
	int rc = snapshot_read(&p->snap, &src, err);
	if (rc)
		return rc;
	p->side = side_start(p, err);
	if (!p->side)
		return err->code;
	side_config(p->side, p->snap);
	struct socket_plan *plan = sockets_prepare(p, p->snap, err);
	if (!plan)
		return err->code;
	rc = control_open(p, err); /* its folder may be root's */
	if (rc == 0)
		rc = proxy_become_user(p->o.user, err);
	if (rc == 0)
		rc = start_threads(p, err);
	if (rc) {
		sockets_abandon(plan);
		return rc;
	}
	sockets_commit(p, plan, p->snap);
	return 0;
}

static void proxy_free(struct proxy *p)
{
	stop_workers(p);
	for (unsigned i = 0; i < p->n_started; i++)
		pthread_join(p->workers[i].thread, NULL);
	if (p->loop)
		proxy_access_fetch(p);
	control_close(p);
	if (p->side)
		side_stop(p->side);
	for (unsigned i = 0; p->workers && i < p->n_workers; i++)
		worker_free(&p->workers[i]);
	if (p->helper > 0)
		waitpid(p->helper, NULL, 0);
	snapshot_unref(p->snap);
	state_table_free(&p->states);
	sockets_free(p);
	secret_free(p->session_key);
	buf_free(&p->access_out);
	buf_free(&p->recent);
	if (p->mail.watch.fd > 0)
		mailbox_close(&p->mail);
	if (p->loop)
		loop_free(p->loop);
	free(p->workers);
}

int proxy_run(const struct proxy_options *o, struct rn_error *err)
{
	static struct proxy proxy; /* the process has one */
	struct proxy *p = &proxy;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	p->o = *o;
	p->started_at = clock_wall_s();
	p->n_workers = o->workers ? o->workers : cores > 0 ? (unsigned)cores : 1;
	p->n_workers = MIN(p->n_workers, PROXY_WORKERS_MAX);
	p->states.n_slots = p->n_workers;
	p->drain_timer.fn = drain_timeout;
	link_init(&p->followers);
	buf_init(&p->access_out, 64UL << 20);
	buf_init(&p->recent, 1UL << 20);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	more_descriptors(p);
	int rc = start_base(p, err);
	if (rc == 0)
		rc = load_session_key(p, err);
	if (rc == 0)
		rc = start_config(p, err);
	if (rc == 0) {
		mem_give_back();
		ready_tell(o->notify_socket, o->ready_fd);
		rc = loop_run(p->loop, err);
	}
	proxy_free(p);
	return rc;
}
