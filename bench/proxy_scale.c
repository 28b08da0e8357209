/* SPDX-License-Identifier: MIT
 *
 * rn-proxy with 10,000 resources: from exec to serving, a reload, and the routing of one request.
 * Reload and start are those of the program itself, which is looked for in PATH.
 */
#include "net/net.h"
#include "proxy/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESOURCES 10000
#define LOOKUPS 200000
#define ROUNDS 5

static struct rn_error err;
static char dir[] = "/tmp/rn-bench.XXXXXX", file[64], control[64];

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "proxy_scale: %s: %s\n", what, err.text);
	exit(71);
}

static void report(const char *name, const uint64_t *ns, size_t n)
{
	printf("bench=%s tool=rustronaut resources=%d runs=%zu p50_ns=%llu p99_ns=%llu "
	       "max_ns=%llu\n",
	       name, RESOURCES, n, (unsigned long long)ns[n / 2],
	       (unsigned long long)ns[n * 99 / 100], (unsigned long long)ns[n - 1]);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void write_config(void)
{
	FILE *f = fopen(file, "w");
	check(f != NULL, file);
	fprintf(f, "listen=web address=127.0.0.1:0 proto=http\n");
	for (int i = 0; i < RESOURCES; i++)
		fprintf(f,
			"resource=app-%d listen=web host=app-%d.example.com path=/v%d\n"
			"target=t-%d resource=app-%d address=127.0.0.1:3000\n"
			"policy=p-%d effect=allow from=any to=resource:app-%d\n",
			i, i, i % 7, i, i, i, i);
	check(fclose(f) == 0, file);
}

/* The clock's own 25 ns or so are in each figure. */
static void bench_routing(void)
{
	static uint64_t ns[LOOKUPS];
	struct state_table states = {.n_slots = 1};
	struct snapshot_source src = {.file = file, .states = &states};
	struct snapshot *s;
	check(snapshot_read(&s, &src, &err) == 0, "config");
	const struct router *r = &snapshot_listen(s, STR("web"))->router;
	for (size_t i = 0; i < LOOKUPS; i++) {
		char host[64], path[64];
		bool known;
		int k = rand() % RESOURCES;
		snprintf(host, sizeof(host), "app-%d.example.com", k);
		snprintf(path, sizeof(path), "/v%d/index.html", k % 7);
		uint64_t start = clock_now_ns();
		struct resource *found = router_find(r, str_from(host), str_from(path), &known);
		ns[i] = clock_now_ns() - start;
		check(found != NULL, "routing");
	}
	qsort(ns, LOOKUPS, sizeof(ns[0]), by_size);
	report("proxy-route", ns, LOOKUPS);
	snapshot_unref(s);
	state_table_free(&states);
}

/* The program's pid, once it is ready. */
static pid_t start(void)
{
	int ready[2];
	char text[16];
	check(pipe(ready) == 0, "pipe");
	pid_t pid = fork();
	check(pid >= 0, "fork");
	if (pid == 0) {
		close(ready[0]);
		check(dup2(ready[1], 9) == 9 && freopen("/dev/null", "w", stderr), "dup2");
		execlp("rn-proxy", "rn-proxy", "-f", file, "--workers", "1", "--ready-fd", "9",
		       (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	check(read(ready[0], text, sizeof(text)) > 0, "rn-proxy did not start");
	close(ready[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

static void bench_program(void)
{
	uint64_t starts[ROUNDS], reloads[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t from = clock_now_ns();
		pid_t pid = start();
		starts[i] = clock_now_ns() - from;
		from = clock_now_ns();
		check(ctl_call(control, STR("request=reload\n"), 10000, NULL, NULL, NULL, NULL,
			       &err) == 0,
		      "reload");
		reloads[i] = clock_now_ns() - from;
		stop(pid);
	}
	qsort(starts, ROUNDS, sizeof(starts[0]), by_size);
	qsort(reloads, ROUNDS, sizeof(reloads[0]), by_size);
	report("proxy-start", starts, ROUNDS);
	report("proxy-reload", reloads, ROUNDS);
}

int main(void)
{
	check(mkdtemp(dir) != NULL, dir);
	setenv("RN_RUN_DIR", dir, 1);
	snprintf(file, sizeof(file), "%s/site.rn", dir);
	snprintf(control, sizeof(control), "%s/proxy-proxy.sock", dir);
	write_config();
	bench_routing();
	bench_program();
	unlink(file);
	rmdir(dir);
	return fflush(stdout) ? 74 : 0;
}
