/* SPDX-License-Identifier: MIT
 *
 * What the load generators share. Each is one process with sockets in two network namespaces: a
 * socket stays where it was made, so both ends are seen by one clock and one set of counters.
 */
#ifndef RN_BENCH_LOAD_H
#define RN_BENCH_LOAD_H

#include "net/net.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL
#define LOAD_PORT 7777
#define PIDS_MAX 4

/* Ends the program, as its user has no other wish when a step fails. */
_Noreturn static inline void load_die(const char *what)
{
	perror(what);
	exit(71);
}

static inline void load_check(bool ok, const char *what)
{
	if (!ok)
		load_die(what);
}

static inline uint64_t load_number(const char *text)
{
	uint64_t n;
	if (!str_to_u64(str_from(text), UINT64_MAX, &n)) {
		fprintf(stderr, "%s: not a number\n", text);
		exit(64);
	}
	return n;
}

/* The calling thread moves to the namespace that ip-netns(8) calls NAME. */
static inline void load_enter(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	load_check(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, path);
	close(fd);
}

static inline struct addr load_address(const char *ip)
{
	struct addr a;
	if (!addr_parse_ip(&a, str_from(ip))) {
		fprintf(stderr, "%s: not an address\n", ip);
		exit(64);
	}
	addr_set_port(&a, LOAD_PORT);
	return a;
}

/* A socket of TYPE in namespace NS; the caller binds or connects it. */
static inline int load_socket(const char *ns, const struct addr *a, int type)
{
	const int bytes = 8 << 20, one = 1;
	load_enter(ns);
	int fd = socket(a->sa.sa_family, type | SOCK_CLOEXEC, 0);
	load_check(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (type == SOCK_DGRAM) { /* beyond the limits of net.core, so that the tunnel is what is
				     measured */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	}
	return fd;
}

static inline void load_sleep(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
	nanosleep(&t, NULL);
}

static inline pthread_t load_thread(void *(*fn)(void *), void *ctx)
{
	pthread_t t;
	load_check(pthread_create(&t, NULL, fn, ctx) == 0, "pthread_create");
	return t;
}

/* ---- what the ends of the tunnel spend ---------------------------------------------------------
 */

struct load_cost {
	pid_t pid[PIDS_MAX];
	uint64_t cpu_ns[PIDS_MAX]; /* at first the reading, then the difference */
	uint64_t own_ns;	   /* the same of this program: sender and receiver */
	int n;
};

/* Processor time of all threads of PID. */
static inline uint64_t load_cpu_ns(pid_t pid)
{
	struct timespec t;
	clockid_t clock;
	load_check(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0,
		   "cpu clock");
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static inline void load_cost_pids(struct load_cost *c, int argc, char **argv)
{
	for (c->n = 0; c->n < argc && c->n < PIDS_MAX; c->n++)
		c->pid[c->n] = (pid_t)load_number(argv[c->n]);
}

/* Once before and once after what is measured. */
static inline void load_cost_read(struct load_cost *c)
{
	for (int i = 0; i < c->n; i++)
		c->cpu_ns[i] = load_cpu_ns(c->pid[i]) - c->cpu_ns[i];
	c->own_ns = load_cpu_ns(getpid()) - c->own_ns;
}

/* Seconds of one of the processes, on average; 0 if none was named. */
static inline double load_cost_s(const struct load_cost *c)
{
	double sum = 0;
	for (int i = 0; i < c->n; i++)
		sum += (double)c->cpu_ns[i] / 1e9;
	return c->n ? sum / c->n : 0;
}

/* Seconds of all processes and of this program: what a machine that does nothing else must have. */
static inline double load_cost_all_s(const struct load_cost *c)
{
	return load_cost_s(c) * c->n + (double)c->own_ns / 1e9;
}

#endif
