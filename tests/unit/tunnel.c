/* SPDX-License-Identifier: MIT
 *
 * lib/tunnel against a real rn-wg in private mode: four programs start one tunnel at once, sockets
 * inside it carry bytes, and its end is told. Passes over where the system forbids such tunnels.
 */
#include "tap.h"

#include "tunnel/tunnel.h"
#include "wg/wg.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#define STARTERS 4

static char dir[64], config[128], rn_wg[4096];

static bool write_config(void)
{
	uint8_t key[WG_KEY_LEN];
	char text[BASE64_SIZE(WG_KEY_LEN)], path[128];
	struct rn_error err;
	const char *records = "interface=t0 address=10.88.0.1/24,fd88::1/64 private_key_file=t0.key\n";
	wg_key_generate(key);
	base64_encode(text, key, sizeof(key), BASE64_STD);
	snprintf(path, sizeof(path), "%s/t0.key", dir);
	snprintf(config, sizeof(config), "%s/t0.rn", dir);
	return !file_write(path, 0600, str_from(text), &err) &&
	       !file_write(config, 0600, str_from(records), &err);
}

/* The codes of STARTERS processes that all start the tunnel at the same time. */
static bool start_at_once(void)
{
	bool good = true;
	pid_t pids[STARTERS];
	fflush(stdout);
	for (int i = 0; i < STARTERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct rn_error err = {0};
			int code = tunnel_start(rn_wg, dir, "t0", config, &err);
			if (code)
				printf("# %s\n", err.text);
			fflush(stdout);
			_exit(code ? 1 : 0);
		}
	}
	for (int i = 0; i < STARTERS; i++) {
		int status;
		good &= waitpid(pids[i], &status, 0) == pids[i] && status == 0;
	}
	return good;
}

static bool wait_fd(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	return poll(&p, 1, 2000) == 1;
}

static void check_tcp(struct tunnel *t, int family)
{
	struct rn_error err;
	struct addr any = {.sa.sa_family = (sa_family_t)family}, at = {0}, own = {0};
	char got[5];
	int listener = tunnel_listen(t, &any, &err);
	TAP_OK(listener >= 0, "a listener inside, on the tunnel's own address");
	TAP_OK(sock_local(listener, &at) && addr_port(&at) != 0, "it has a port");
	TAP_OK(tunnel_address(t, family, &own) && addr_eq_ip(&own, &at), "it is bound to the tunnel");
	int client = tunnel_connect(t, &at, &err);
	TAP_OK(client >= 0 && wait_fd(client, POLLOUT) && sock_error(client) == 0, "connects to it");
	TAP_OK(wait_fd(listener, POLLIN), "and is accepted");
	int server = accept(listener, NULL, NULL);
	TAP_OK(send(client, "hello", 5, 0) == 5 && wait_fd(server, POLLIN) &&
		       recv(server, got, 5, 0) == 5 && memcmp(got, "hello", 5) == 0,
	       "bytes pass");
	fd_close(&server);
	fd_close(&client);
	TAP_OK(tunnel_listen(t, &at, &err) == RN_EAWAY, "the same port again is refused");
	fd_close(&listener);
}

static void check_udp(struct tunnel *t)
{
	struct rn_error err;
	struct addr any = {.sa.sa_family = AF_INET}, at = {0};
	char got[4];
	int server = tunnel_udp(t, &any, NULL, &err);
	TAP_OK(server >= 0 && sock_local(server, &at), "a UDP socket inside");
	int client = tunnel_udp(t, NULL, &at, &err);
	TAP_OK(client >= 0, "another one, connected to it");
	TAP_OK(send(client, "ping", 4, 0) == 4 && wait_fd(server, POLLIN) && recv(server, got, 4, 0) == 4,
	       "a datagram passes");
	fd_close(&server);
	fd_close(&client);
}

static void on_gone(void *ctx)
{
	loop_stop(ctx);
}

static void check_end(struct tunnel *t)
{
	struct rn_error err;
	char path[128];
	struct loop *l = loop_new(&err);
	snprintf(path, sizeof(path), "%s/wg-t0.sock", dir);
	TAP_OK(l && tunnel_watch(t, l, on_gone, l, &err) == 0, "the tunnel is watched");
	TAP_OK(ctl_call(path, STR("request=down\n"), 2000, NULL, NULL, NULL, NULL, &err) == 0, "down");
	TAP_OK(loop_run(l, &err) == 0, "its end is told");
	tunnel_close(t);
	loop_free(l);
	TAP_OK(!tunnel_open(dir, "t0", &err) && err.code == RN_EAWAY, "and it is away");
}

int main(void)
{
	struct rn_error err;
	const char *build = getenv("BUILD");
	snprintf(dir, sizeof(dir), "/tmp/rn-tunnel.XXXXXX");
	snprintf(rn_wg, sizeof(rn_wg), "%s/bin/rn-wg", build ? build : "build");
	if (!secret_init() || !mkdtemp(dir) || !write_config())
		return 1;
	if (tunnel_start(rn_wg, dir, "t0", config, &err) == RN_EPERM || err.code == RN_EOS) {
		printf("ok 1 # SKIP %s\n1..1\n", err.text);
		return 0;
	}
	struct tunnel *t = tunnel_open(dir, "t0", &err);
	TAP_OK(t != NULL, "a tunnel is started");
	if (!t) {
		printf("# %s\n", err.text);
		return tap_done();
	}
	check_tcp(t, AF_INET);
	check_tcp(t, AF_INET6);
	check_udp(t);
	check_end(t);
	TAP_OK(start_at_once(), "four programs start it at once");
	t = tunnel_open(dir, "t0", &err);
	TAP_OK(t != NULL, "and one tunnel runs");
	if (t)
		check_end(t);
	TAP_OK(tunnel_start(rn_wg, dir, "t0", "/nonexistent", &err) == RN_ENOINPUT &&
		       strstr(err.text, "/nonexistent"),
	       "a missing config is named");
	char rm[128];
	snprintf(rm, sizeof(rm), "rm -rf %s", dir);
	return system(rm) ? 1 : tap_done();
}
