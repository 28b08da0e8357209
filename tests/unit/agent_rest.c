/* SPDX-License-Identifier: MIT
 *
 * The REST client against a real TLS server (openssl s_server, which serves files as raw answers):
 * trust, addresses, statuses, time-outs; blocking and in the loop.
 */
#include "agent/agent.h"
#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rn_error err;
static char dir[] = "/tmp/rn-rest-XXXXXX";
static char url[100], ca[100];
static pid_t server;

static int run(const char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
			_exit(1);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	rn_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

static void put(const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	rn_assert(file_write(path, 0600, str_from(text), &err) == 0);
}

/* Starts the server and reads its port from what it says. */
static void server_start(void)
{
	const char *const make[] = {"openssl",
				    "req",
				    "-x509",
				    "-newkey",
				    "ec",
				    "-pkeyopt",
				    "ec_paramgen_curve:prime256v1",
				    "-nodes",
				    "-days",
				    "1",
				    "-subj",
				    "/CN=console.test",
				    "-addext",
				    "subjectAltName=DNS:console.test,DNS:web.console.test",
				    "-keyout",
				    "key.pem",
				    "-out",
				    "cert.pem",
				    NULL};
	char text[512] = "";
	size_t len = 0;
	int out[2];

	rn_assert(chdir(dir) == 0 && run(make) == 0 && pipe(out) == 0);
	put("ok", "HTTP/1.0 200 OK\r\nETag: \"abc\"\r\nContent-Type: text/x-rn\r\n\r\nservice=web "
		  "url=https://x\n");
	put("gone", "HTTP/1.0 404 Not Found\r\n\r\nerror=missing text=no%20such%20service\n");
	put("same", "HTTP/1.0 304 Not Modified\r\nETag: \"abc\"\r\n\r\n");
	put("moved", "HTTP/1.0 302 Found\r\nLocation: https://console.test/ok\r\n\r\n");
	server = fork();
	if (server == 0) {
		dup2(out[1], 1);
		if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stderr))
			_exit(1);
		execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-HTTP", "-cert",
		       "cert.pem", "-key", "key.pem", (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	while (!strstr(text, "ACCEPT") || !strchr(strstr(text, "ACCEPT"), '\n')) {
		ssize_t n = read(out[0], text + len, sizeof(text) - 1 - len);

		rn_assert(n > 0);
		len += (size_t)n;
		text[len] = '\0';
	}
	snprintf(url, sizeof(url), "https://console.test:%d",
		 (int)strtol(strrchr(text, ':') + 1, NULL, 10));
	snprintf(ca, sizeof(ca), "%s/cert.pem", dir);
	close(out[0]);
}

static void server_stop(void)
{
	static const char *const files[] = {"ok",      "gone",	   "same",     "moved",
					    "key.pem", "cert.pem", "empty.pem"};

	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlink(files[i]);
	rmdir(dir);
}

static struct agent_rest *client(const char *ca_file, const char *connect)
{
	const struct agent_rest_conf conf = {.url = url, .connect = connect, .ca_file = ca_file};
	struct agent_rest *r = agent_rest_new(&conf, &err);

	rn_assert(r);
	return r;
}

static void test_blocking(void)
{
	struct agent_rest *r = client(ca, "127.0.0.1");
	struct agent_request q = {.path = "/ok"};
	struct agent_answer a;
	struct buf out;

	TAP_OK(agent_rest_call(r, &q, &a, &err) == 0 && a.status == 200 &&
		       strcmp(a.etag, "\"abc\"") == 0 &&
		       str_is(buf_str(&a.body), "service=web url=https://x\n"),
	       "a call goes to the given address, under the console's name");
	buf_free(&a.body);
	buf_init(&out, 4096);
	TAP_OK(agent_rest_records(r, &q, &out, &err) == 0 && out.len, "records in one step");
	q.path = "/gone";
	TAP_OK(agent_rest_records(r, &q, &out, &err) == RN_ENO &&
		       strcmp(err.text, "no such service") == 0,
	       "a refusal becomes an error with the console's words");
	q.path = "/same";
	TAP_OK(agent_rest_call(r, &q, &a, &err) == 0 && a.status == 304, "304 is an answer");
	buf_free(&a.body);
	q.path = "/moved";
	TAP_OK(agent_rest_call(r, &q, &a, &err) == 0 && a.status == 302,
	       "redirects are not followed");
	buf_free(&a.body);
	buf_free(&out);
	agent_rest_free(r);
}

static void test_trust(void)
{
	struct agent_rest_conf conf = {.url = url, .connect = "127.0.0.1", .unverified = true};
	struct agent_rest *r = client(NULL, "127.0.0.1");
	struct agent_request q = {.path = "/ok"};
	struct agent_answer a;

	TAP_OK(agent_rest_call(r, &q, &a, &err) == RN_EPERM,
	       "a certificate that no known CA has signed");
	agent_rest_free(r);
	put("empty.pem", "");
	r = client("empty.pem", "127.0.0.1");
	TAP_OK(agent_rest_call(r, &q, &a, &err) == RN_EPERM, "an empty CA file means the system's");
	agent_rest_free(r);
	r = client(ca, "127.0.0.1");
	q.host = "other.test:1";
	TAP_OK(agent_rest_call(r, &q, &a, &err) == RN_EAWAY,
	       "another port of the same machine, where nobody is");
	agent_rest_free(r);
	r = agent_rest_new(&conf, &err);
	q.host = NULL;
	TAP_OK(r && agent_rest_call(r, &q, &a, &err) == 0, "unverified, only if asked for");
	buf_free(&a.body);
	agent_rest_free(r);
	conf.url = "http://console.test";
	TAP_OK(!agent_rest_new(&conf, &err) && err.code == RN_ECONFIG, "nothing but https");
}

static void test_other_host(void)
{
	struct agent_rest *r = client(ca, "127.0.0.1");
	char host[100], wrong[100];
	struct agent_request q = {.path = "/ok", .host = host};
	struct agent_answer a;

	snprintf(host, sizeof(host), "web.%s", url + strlen("https://"));
	snprintf(wrong, sizeof(wrong), "evil.%s", url + strlen("https://"));
	TAP_OK(agent_rest_call(r, &q, &a, &err) == 0 && a.status == 200,
	       "another name that the same machine serves");
	buf_free(&a.body);
	q.host = wrong;
	TAP_OK(agent_rest_call(r, &q, &a, &err) == RN_EPERM,
	       "but not one that its certificate lacks");
	agent_rest_free(r);
}

static void test_away(void)
{
	const struct agent_rest_conf conf = {.url = "https://nowhere.invalid"};
	struct agent_rest *r = agent_rest_new(&conf, &err);
	struct agent_request q = {.path = "/"};
	struct agent_answer a;

	TAP_OK(r && agent_rest_call(r, &q, &a, &err) == RN_EAWAY &&
		       strstr(err.text, "nowhere.invalid"),
	       "a console that cannot be found is away");
	agent_rest_free(r);
}

/* ---- in the loop ----------------------------------------------------------------------------- */

static struct loop *loop;
static int calls, last_rc, last_status;
static struct agent_rest *to_free;

static void on_answer(void *ctx, int rc, const struct agent_answer *answer,
		      const struct rn_error *why)
{
	(void)why;
	calls++;
	last_rc = rc;
	last_status = rc ? 0 : answer->status;
	if (to_free) {
		agent_rest_free(to_free);
		to_free = NULL;
	}
	if (calls == *(int *)ctx)
		loop_stop(loop);
}

static void test_loop(void)
{
	struct agent_rest *r = client(ca, "127.0.0.1");
	const struct agent_request ok = {.path = "/ok"}, gone = {.path = "/gone"},
				   away = {.path = "/", .host = "x:1"};
	struct agent_call *c;
	int want = 3;

	loop = loop_new(&err);
	for (int i = 0; i < want; i++)
		rn_assert(agent_rest_start(r, loop, &ok, on_answer, &want, &err));
	TAP_OK(calls == 0, "nothing is told before the loop runs");
	TAP_OK(loop_run(loop, &err) == 0 && calls == 3 && last_status == 200, "three at once");
	want = 4;
	rn_assert(agent_rest_start(r, loop, &gone, on_answer, &want, &err));
	TAP_OK(loop_run(loop, &err) == 0 && last_rc == 0 && last_status == 404,
	       "a refusal is an answer");
	want = 5;
	rn_assert(agent_rest_start(r, loop, &away, on_answer, &want, &err));
	TAP_OK(loop_run(loop, &err) == 0 && last_rc == RN_EAWAY, "no connection is an error");
	c = agent_rest_start(r, loop, &ok, on_answer, &want, &err);
	rn_assert(c);
	agent_rest_cancel(c);
	for (int i = 0; i < 20; i++)
		rn_assert(loop_once(loop, 5, &err) == 0);
	TAP_OK(calls == 5, "a cancelled call is forgotten");
	rn_assert(agent_rest_start(r, loop, &ok, on_answer, &want, &err));
	rn_assert(agent_rest_start(r, loop, &ok, on_answer, &want, &err));
	want = 6;
	to_free = r;
	TAP_OK(loop_run(loop, &err) == 0 && calls == 6,
	       "the client may be freed by a callback, with a call under way");
	loop_free(loop);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	rn_assert(secret_init() && mkdtemp(dir));
	server_start();
	test_blocking();
	test_trust();
	test_other_host();
	test_away();
	test_loop();
	server_stop();
	return tap_done();
}
