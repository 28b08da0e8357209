/* SPDX-License-Identifier: MIT
 *
 * Control sockets and what they stand on: unix sockets, descriptor passing, readiness.
 */
#include "net/net.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rn_error err;
static char dir[] = "/tmp/rn-ctl-XXXXXX";
static char path[64];

/* ---- a server in a thread -------------------------------------------------------------------- */

static struct loop *loop;
static struct ctl_server *server;
static struct ctl_call *held, *hung;
static atomic_bool streaming_over;
static struct timer tick;

static void tick_fire(struct timer *t)
{
	if (held) {
		struct ctl_call *call = held;

		rec_begin(ctl_out(call), "line", STR("x"));
		rec_end(ctl_out(call));
		if (ctl_flush(call)) {
			timer_start(loop, t, 1);
			return;
		}
		held = NULL;
		ctl_done(call);
		streaming_over = true;
	}
}

static void handle(void *ctx, struct ctl_call *call, const struct rec *request, struct str body)
{
	struct str verb = rec_id(request);

	rn_assert(ctx == &server);
	if (str_is(verb, "echo")) {
		buf_add(ctl_out(call), body);
		ctl_done(call);
	} else if (str_is(verb, "big")) {
		for (int i = 0; i < 100000; i++) {
			rec_begin(ctl_out(call), "line", STR("abc"));
			rec_add_u64(ctl_out(call), "n", (uint64_t)i);
			rec_end(ctl_out(call));
		}
		ctl_done(call);
	} else if (str_is(verb, "fds")) {
		ctl_attach_fd(call, open("/dev/null", O_RDONLY | O_CLOEXEC));
		ctl_attach_fd(call, open("/dev/zero", O_RDONLY | O_CLOEXEC));
		ctl_done(call);
	} else if (str_is(verb, "stream")) {
		held = call;
		tick.fn = tick_fire;
		timer_start(loop, &tick, 1);
	} else if (str_is(verb, "hang")) {
		hung = call;
	} else if (str_is(verb, "stop")) {
		ctl_done(call);
		loop_stop(loop);
	} else {
		struct rn_error why;

		rn_fail(&why, RN_ENO, "no such verb: %.*s", STR_ARG(verb));
		ctl_fail(call, &why);
	}
}

static void *serve(void *unused)
{
	struct rn_error ignored;

	(void)unused;
	rn_assert(loop_run(loop, &ignored) == 0);
	return NULL;
}

/* ---- the client's side ----------------------------------------------------------------------- */

struct answer {
	unsigned n;
	char last[64];
	bool stop;
};

static int on_answer(void *ctx, const struct rec *r, struct rn_error *e)
{
	struct answer *a = ctx;

	a->n++;
	str_copy(a->last, sizeof(a->last), r->line);
	return a->stop && a->n == 3 ? rn_fail(e, RN_EAGAIN, "enough") : 0;
}

static int call(const char *request, struct answer *a)
{
	*a = (struct answer){.stop = a->stop};
	return ctl_call(path, str_from(request), 5000, on_answer, a, NULL, NULL, &err);
}

static void test_calls(void)
{
	struct answer a = {0};
	struct stat st;
	int fds[2], null_fds = 0;
	size_t n = 2;

	TAP_OK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600,
	       "the socket is its owner's alone");
	TAP_OK(call("request=echo\npeer=a b=1\npeer=c b=%20\n", &a) == 0 && a.n == 2,
	       "a body comes back");
	TAP_OK(strcmp(a.last, "peer=c b=%20") == 0, "unchanged");
	TAP_OK(call("request=echo\n", &a) == 0 && a.n == 0, "no body is fine");
	TAP_OK(call("request=nonsense\n", &a) == RN_ENO &&
		       strcmp(err.text, "no such verb: nonsense") == 0,
	       "the server's error becomes the caller's, with its code and text");
	TAP_OK(call("peer=a\n", &a) == RN_EPROTO, "a request must start with request=");
	TAP_OK(call("request\n", &a) == RN_EDATA, "and be a record");
	TAP_OK(call("request=big\n", &a) == 0 && a.n == 100000, "a long answer arrives whole");
	TAP_OK(ctl_call(path, STR("request=fds\n"), 5000, NULL, NULL, fds, &n, &err) == 0 && n == 2,
	       "descriptors ride beside the answer");
	TAP_OK((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) && read(fds[0], &null_fds, 1) == 0,
	       "usable, close-on-exec");
	close(fds[0]);
	close(fds[1]);
	TAP_OK(call("request=fds\n", &a) == RN_EPROTO, "descriptors nobody asked for are refused");
	TAP_OK(ctl_call(path, STR("request=hang\n"), 30, NULL, NULL, NULL, NULL, &err) == RN_EAWAY,
	       "a server that does not answer is away");
	a.stop = true;
	TAP_OK(call("request=stream\n", &a) == RN_EAGAIN && a.n == 3,
	       "a stream comes line by line until we leave");
	for (int i = 0; i < 2000 && !streaming_over; i++)
		usleep(1000);
	TAP_OK(streaming_over, "and the server notices that we left");
}

/* Several requests on one connection, cut in odd places, with an empty line too many. */
static void test_pipelined(void)
{
	static const char text[] = "\nrequest=echo\na=1\n\nrequest=echo\nb=2\n\n";
	char got[256] = "";
	size_t len = 0;
	int fd = unix_connect(path, &err);

	rn_assert(fd >= 0);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		rn_assert(write(fd, text + i, 1) == 1);
	shutdown(fd, SHUT_WR);
	for (;;) {
		ssize_t n = read(fd, got + len, sizeof(got) - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	got[len] = '\0';
	TAP_OK(strcmp(got, "a=1\ndone=ok\n\nb=2\ndone=ok\n\n") == 0,
	       "requests on one connection, in order");
	close(fd);
}

static void test_paths(void)
{
	char file[80], longer[200];
	struct ctl_server *second;
	int fd;

	second = ctl_listen(loop, path, handle, NULL, &err);
	TAP_OK(!second && err.code == RN_EAWAY, "a live socket is not taken over");
	snprintf(file, sizeof(file), "%s/file", dir);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	close(fd);
	TAP_OK(unix_listen(file, 0600, &err) == RN_ECANTCREAT && access(file, F_OK) == 0,
	       "a file is left alone");
	unlink(file);
	snprintf(file, sizeof(file), "%s/stale", dir);
	fd = unix_listen(file, 0600, &err);
	close(fd);
	fd = unix_listen(file, 0600, &err);
	TAP_OK(fd >= 0, "a stale socket is taken over");
	close(fd);
	unlink(file);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	TAP_OK(unix_listen(longer, 0600, &err) == RN_ECONFIG, "a path too long is told so");
	snprintf(file, sizeof(file), "%s/nobody", dir);
	TAP_OK(ctl_call(file, STR("request=hello\n"), 100, NULL, NULL, NULL, NULL, &err) ==
		       RN_EAWAY,
	       "nobody there: away");
}

static void test_ready(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char b[32], sock[80];
	int p[2], dg;

	rn_assert(pipe(p) == 0);
	snprintf(sock, sizeof(sock), "%s/notify", dir);
	str_copy(sun.sun_path, sizeof(sun.sun_path), str_from(sock));
	dg = socket(AF_UNIX, SOCK_DGRAM, 0);
	rn_assert(bind(dg, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	ready_tell(sock, p[1]);
	TAP_OK(read(p[0], b, sizeof(b)) == 6 && memcmp(b, "ready\n", 6) == 0,
	       "a line on the descriptor");
	TAP_OK(read(p[0], b, sizeof(b)) == 0, "which is closed then");
	TAP_OK(recv(dg, b, sizeof(b), MSG_DONTWAIT) == 7 && memcmp(b, "READY=1", 7) == 0,
	       "and the datagram");
	ready_tell(NULL, -1);
	close(p[0]);
	close(dg);
	unlink(sock);
}

static void test_fds_refused(void)
{
	int pair[2], fds[FDS_MAX] = {0, 0, 0};
	size_t n = 2;
	char b[4];

	rn_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	rn_assert(fds_send(pair[0], STR("x"), fds, 3) == 1);
	TAP_OK(fds_recv(pair[1], b, sizeof(b), fds, &n) == -1 && errno == EPROTO,
	       "more than there is room for");
	n = 0;
	rn_assert(fds_send(pair[0], STR("yz"), NULL, 0) == 2);
	TAP_OK(fds_recv(pair[1], b, sizeof(b), fds, &n) == 2 && n == 0, "bytes alone");
	close(pair[0]);
	close(pair[1]);
}

static void test_in_use(void)
{
	struct addr a;
	int fd;

	rn_assert(addr_parse(&a, STR("127.0.0.1:0"), -1));
	fd = sock_listen(&a, false, &err);
	rn_assert(fd >= 0 && sock_local(fd, &a));
	TAP_OK(sock_listen(&a, false, &err) == RN_EAWAY && err.sys == EADDRINUSE &&
		       strstr(err.text, "in use"),
	       "a port in use is told by its number");
	close(fd);
}

int main(void)
{
	struct answer a = {0};
	pthread_t thread;

	rn_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ctl.sock", dir);
	loop = loop_new(&err);
	server = ctl_listen(loop, path, handle, &server, &err);
	rn_assert(server);
	test_paths();
	rn_assert(pthread_create(&thread, NULL, serve, NULL) == 0);
	test_calls();
	test_pipelined();
	TAP_OK(call("request=stop\n", &a) == 0, "stop");
	pthread_join(thread, NULL);
	ctl_close(server);
	ctl_done(hung); /* a call may outlive its client and its server */
	TAP_OK(access(path, F_OK) < 0, "closing removes the path");
	loop_free(loop);
	test_ready();
	test_fds_refused();
	test_in_use();
	rmdir(dir);
	return tap_done();
}
