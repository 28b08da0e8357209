/* SPDX-License-Identifier: MIT
 *
 * How long the control plane takes with 1,000 services on one gateway: rendering a bundle,
 * publishing it (render, sign, write both files to disk), and making one more service (which
 * publishes too).
 */
#include "console/console.h"
#include "store/store.h"

#include <unistd.h>

#define SERVICES 1000
#define RUNS 20

static struct rn_error err;
static char dir[64];

static void die(const char *what)
{
	fprintf(stderr, "console_publish: %s: %s\n", what, err.text);
	exit(70);
}

static void make_console(char *folder, size_t size, struct buf *out)
{
	char node[96];

	snprintf(folder, size, "%s/console", dir);
	snprintf(node, sizeof(node), "%s/gateway", dir);
	struct console_setup s = {.dir = folder,
				  .node_dir = node,
				  .domain = "gw.example.com",
				  .address = "203.0.113.2",
				  .organization = "one",
				  .owner = "owner",
				  .network = "10.77.0.0/16",
				  .cgi = "",
				  .https_port = 443,
				  .http_port = 80,
				  .wg_port = 51820,
				  .management = ""};

	if (console_init(&s, out, &err))
		die("init");
}

/* As if 1,000 devices had joined and each had exposed something. */
static void fill(const char *folder)
{
	static const char nodes[] =
		"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)"
		" INSERT INTO nodes (id, org, role, name, network, wg_key, sign_key, number, "
		"address4, address6, status,"
		" created_at) SELECT 'd' || i, 1, 'client', 'd' || i, 'one', printf('%042dA=', i), "
		"printf('%042dA=', i), i,"
		" '10.77.' || (i / 256) || '.' || (i % 256), 'fd00::' || printf('%x', i), "
		"'active', 0 FROM n";
	static const char services[] = "INSERT INTO services (id, org, node, gateway, name, "
				       "protocol, local_address, tunnel_port, label, created_at)"
				       " SELECT id || '-svc', 1, id, 'gw1', 'web', 'http', "
				       "'localhost:80', 4000, id || '-svc', 0 FROM nodes"
				       " WHERE role = 'client'";
	char path[128];
	struct store *s;

	snprintf(path, sizeof(path), "%s/console.db", folder);
	if (store_open(&s, path, STORE_CHECK, &err) || store_begin(s, STORE_WRITE, &err) ||
	    store_exec(s, nodes, NULL, &err, "i", (int64_t)SERVICES) ||
	    store_exec(s, services, NULL, &err, "") ||
	    store_exec(s,
		       "INSERT INTO bundles (node, serial, digest, made_at, dirty)"
		       " SELECT id, 0, '', 0, 0 FROM nodes WHERE role = 'client'",
		       NULL, &err, "") ||
	    store_commit(s, &err))
		die("fill");
	store_close(s);
}

static void put(const char *what, uint64_t ns, unsigned runs, size_t bytes)
{
	printf("bench=console what=%s services=%d runs=%u us=%llu bytes=%zu\n", what, SERVICES,
	       runs, (unsigned long long)(ns / runs / 1000), bytes);
}

static void bench_export(struct console *c, const struct console_actor *a, struct buf *out)
{
	uint64_t hash = 0, start = clock_now_ns();

	for (unsigned i = 0; i < RUNS; i++) {
		buf_clear(out);
		if (console_export(c, a, STR("gw1"), out, &err))
			die("export");
		if (hash && hash != map_hash(buf_str(out)))
			die("two exports differ");
		hash = map_hash(buf_str(out));
	}
	put("export", clock_now_ns() - start, RUNS, out->len);
}

/* A service that changes each time, so that each run has something to publish. */
static void bench_service(struct console *c, const struct console_actor *a, struct buf *out)
{
	struct console_service s = {.name = STR("bench"),
				    .local_address = STR("localhost:80"),
				    .protocol = STR("http"),
				    .node = STR("d2"),
				    .auth_required = true};
	uint64_t start = clock_now_ns();

	for (unsigned i = 0; i < RUNS; i++) {
		s.tunnel_port = (uint16_t)(5000 + i);
		buf_clear(out);
		if (console_service_open(c, a, &s, out, &err))
			die("service");
	}
	put("service_open", clock_now_ns() - start, RUNS, 0);
	start = clock_now_ns();
	for (unsigned i = 0; i < RUNS; i++) {
		buf_clear(out);
		if (console_publish(c, a, STR("gw1"), out, &err))
			die("publish");
	}
	put("publish_unchanged", clock_now_ns() - start, RUNS, 0);
}

int main(void)
{
	struct console_actor a;
	char folder[96], command[96];
	struct console *c;
	struct buf out;

	snprintf(dir, sizeof(dir), "/tmp/rn-bench.XXXXXX");
	if (!secret_init() || !mkdtemp(dir))
		return 71;
	buf_init(&out, 64u << 20);
	make_console(folder, sizeof(folder), &out);
	fill(folder);
	if (console_open(&c, folder, &err) || console_actor_cli(c, STR(""), &a, &err))
		die("open");
	bench_export(c, &a, &out);
	bench_service(c, &a, &out);
	console_close(c);
	buf_free(&out);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0;
}
