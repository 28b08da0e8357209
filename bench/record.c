/* SPDX-License-Identifier: MIT
 *
 * How fast records are read, beside grep (which only looks for one byte) and jq (which parses the
 * same records as JSON). Rounds are interleaved; medians are printed. A ratio is the tool's speed
 * as a part of ours on the same records, so that sizes of text do not matter.
 */
#include "record/record.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 7
#define RECORDS 100000
#define FILE_MAX (256 * 1024 * 1024)

struct bench {
	char dir[64], records[80], json[80];
	size_t records_len;
	uint64_t n;
};

static void must(int rc, const struct rn_error *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench: %s\n", err->text);
	exit(1);
}

/* ---- input ---- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Access records as rn-proxy writes them: mostly plain, now and then an escape or a wide letter. */
static void make_records(struct buf *b)
{
	static const char *const paths[] = {"/",
					    "/index.html",
					    "/api/v1/orders/4711/lines",
					    "/static/app.3f9a2c.js",
					    "/a b/c",
					    "/caf\xc3\xa9/men\xc3\xbc"};
	static const char *const methods[] = {"GET", "GET", "GET", "POST", "HEAD"};
	uint64_t seed = 42;
	char id[32];
	for (size_t i = 0; i < RECORDS; i++) {
		uint64_t x = next_random(&seed);
		snprintf(id, sizeof id, "01JD%016llX", (unsigned long long)x);
		rec_begin(b, "access", str_from(id));
		rec_add_u64(b, "at", 1763640000 + i / 100);
		rec_add_cstr(b, "listener", "web");
		rec_add_cstr(b, "resource", x & 1 ? "app" : "wiki");
		rec_add_cstr(b, "target", x & 2 ? "app-1" : "app-2");
		rec_add_cstr(b, "client", "192.0.2.17");
		rec_add_cstr(b, "method", methods[x / 8 % ARRAY_LEN(methods)]);
		rec_add_cstr(b, "host", "app.example.com");
		rec_add_cstr(b, "path", paths[x / 64 % ARRAY_LEN(paths)]);
		rec_add_u64(b, "status", x % 16 ? 200 : 404);
		rec_add_u64(b, "bytes_out", x % 100000);
		rec_add_u64(b, "ms", x % 50);
		rec_end(b);
	}
}

static void make_json(struct buf *b, struct str records)
{
	struct rec_reader rd;
	struct rec r;
	struct rn_error err;
	int rc;
	rec_reader_mem(&rd, records, "records");
	while ((rc = rec_read(&rd, &r, &err)) > 0) {
		must(rec_to_json(b, &r, &err), &err);
		buf_add_byte(b, '\n');
	}
	must(rc, &err);
}

static void prepare(struct bench *x)
{
	struct buf records, json;
	struct rn_error err;
	buf_init(&records, FILE_MAX);
	buf_init(&json, FILE_MAX);
	snprintf(x->dir, sizeof x->dir, "/tmp/rn-bench.XXXXXX");
	if (!mkdtemp(x->dir))
		exit(1);
	snprintf(x->records, sizeof x->records, "%s/records", x->dir);
	snprintf(x->json, sizeof x->json, "%s/json", x->dir);
	make_records(&records);
	make_json(&json, buf_str(&records));
	must(file_write(x->records, 0600, buf_str(&records), &err), &err);
	must(file_write(x->json, 0600, buf_str(&json), &err), &err);
	x->records_len = records.len;
	buf_free(&records);
	buf_free(&json);
}

/* ---- what is measured: seconds a run ---- */

static double read_records(struct bench *x, bool check)
{
	struct rec_reader rd;
	struct rec r;
	struct rn_error err;
	uint64_t start = clock_now_ns();
	int rc, fd = open(x->records, O_RDONLY | O_CLOEXEC);
	rec_reader_fd(&rd, fd, x->records);
	for (x->n = 0; (rc = rec_read(&rd, &r, &err)) > 0; x->n++)
		if (check)
			must(schema_check(&r, NULL, &err), &err);
	must(rc, &err);
	rec_reader_free(&rd);
	close(fd);
	return (double)(clock_now_ns() - start) / 1e9;
}

static double run_parse(struct bench *x)
{
	return read_records(x, false);
}

static double run_check(struct bench *x)
{
	return read_records(x, true);
}

static double run_process(const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;
	uint64_t start = clock_now_ns();
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ) != 0)
		return 0;
	waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	return status == 0 ? (double)(clock_now_ns() - start) / 1e9 : 0;
}

static double run_grep(struct bench *x)
{
	return run_process((const char *[]){"grep", "-c", "=", x->records, NULL});
}

static double run_canon(struct bench *x)
{
	return run_process((const char *[]){"rn-rec", "canon", x->records, NULL});
}

static double run_to_json(struct bench *x)
{
	return run_process((const char *[]){"rn-rec", "json", x->records, NULL});
}

static double run_jq(struct bench *x)
{
	return run_process((const char *[]){"jq", "-c", ".", x->json, NULL});
}

static const struct {
	const char *name;
	double (*run)(struct bench *x);
} tools[] = {{"lib-record", run_parse},	  {"lib-record-schema", run_check},
	     {"rn-rec-canon", run_canon}, {"rn-rec-json", run_to_json},
	     {"grep-c", run_grep},	  {"jq-c", run_jq}};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void report(const struct bench *x, const char *tool, double s, double ours)
{
	if (s <= 0)
		printf("# %s did not run\n", tool);
	else
		printf("bench=record_read tool=%s records=%llu mb_per_s=%.0f ns_per_record=%.0f "
		       "ratio=%.3f\n",
		       tool, (unsigned long long)x->n, (double)x->records_len / 1e6 / s,
		       s * 1e9 / (double)x->n, ours / s);
}

int main(void)
{
	struct bench x = {0};
	double s[ARRAY_LEN(tools)][ROUNDS];
	prepare(&x);
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t t = 0; t < ARRAY_LEN(tools); t++)
			s[t][round] = tools[t].run(&x);
	for (size_t t = 0; t < ARRAY_LEN(tools); t++) {
		qsort(s[t], ROUNDS, sizeof **s, compare);
		report(&x, tools[t].name, s[t][ROUNDS / 2], s[0][ROUNDS / 2]);
	}
	unlink(x.records);
	unlink(x.json);
	rmdir(x.dir);
	return 0;
}
