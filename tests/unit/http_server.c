/* SPDX-License-Identifier: MIT
 *
 * The small server, over loopback, in this thread's loop.
 */
#include "http/server.h"
#include "tap.h"

#include <errno.h>
#include <unistd.h>

static struct loop *loop;
static struct rn_error err;

/* Echoes: method, path, body. */
static void on_request(void *ctx, const struct http_request *rq, struct http_reply *reply)
{
	(void)ctx;
	if (str_is(rq->path, "/none")) {
		reply->status = 404;
		reply->error = STR("nothing here");
		return;
	}
	buf_addf(&reply->body, "%.*s %.*s %.*s", STR_ARG(rq->head->method_text), STR_ARG(rq->path), STR_ARG(rq->body));
}

/* Sends TEXT in steps of STEP bytes, then reads until WANT stands in the answer, or the other side closes. */
static bool talk(const struct addr *a, const char *text, size_t step, const char *want, struct buf *got)
{
	int fd = sock_connect(a, &err);
	struct str rest = str_from(text);
	bool open = fd >= 0;

	buf_clear(got);
	for (int i = 0; i < 4000 && open; i++) {
		if (loop_once(loop, 1, &err) < 0)
			break;
		ssize_t n = rest.len ? send(fd, rest.ptr, MIN(step, rest.len), MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
		if (n > 0)
			rest = str_from_at(rest, (size_t)n);
		char *room = buf_reserve(got, 4096);
		n = recv(fd, room, 4096, MSG_DONTWAIT);
		open = n > 0 || (n < 0 && (errno == EAGAIN || errno == ENOTCONN));
		got->len += n > 0 ? (size_t)n : 0;
		if (want && str_find_str(buf_str(got), str_from(want)) >= 0)
			break;
	}
	if (fd >= 0)
		close(fd);
	return str_find_str(buf_str(got), str_from(want)) >= 0;
}

#define H "Host: localhost\r\n"

static void test_requests(const struct addr *a)
{
	struct buf got;

	buf_init(&got, 1 << 20);
	TAP_OK(talk(a, "GET /x HTTP/1.1\r\n" H "\r\n", 100, "GET /x ", &got), "a request is answered");
	TAP_OK(talk(a, "GET /x HTTP/1.1\r\n" H "\r\n", 1, "GET /x ", &got), "byte by byte");
	TAP_OK(talk(a, "POST /b HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", 3, "POST /b hello", &got), "with a body");
	TAP_OK(talk(a, "POST /b HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 4,
		    "POST /b hello", &got), "in chunks");
	TAP_OK(talk(a, "GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 200, "GET /2 ", &got) &&
		       str_find_str(buf_str(&got), STR("GET /1 ")) > 0, "two at once");
	TAP_OK(talk(a, "POST /b HTTP/1.1\r\n" H "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n", 99, "100 Continue", &got),
	       "who waits for a word gets it");
	TAP_OK(talk(a, "GET /none HTTP/1.1\r\n" H "\r\n", 99, "nothing here", &got), "the handler's error");
	TAP_OK(talk(a, "GET /a/../../b HTTP/1.1\r\n" H "\r\n", 99, "400", &got), "above the root: 400");
	TAP_OK(talk(a, "GET / HTTP/1.1\r\n\r\n", 99, "400 Bad Request", &got), "no Host: 400");
	TAP_OK(talk(a, "POST / HTTP/1.1\r\n" H "Content-Length: 101\r\n\r\n", 99, "413", &got), "a body too large: 413");
	TAP_OK(talk(a, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nx\r\n", 99, "400", &got), "a bad chunk: 400");
	TAP_OK(talk(a, "HEAD /x HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 99, "\r\n\r\n", &got) &&
		       str_ends(buf_str(&got), STR("\r\n\r\n")), "HEAD has no body");
	buf_free(&got);
}

static void test_deadline(const struct addr *a)
{
	struct buf got;
	uint64_t start = clock_now_ms();

	buf_init(&got, 4096);
	talk(a, "GET / HTTP/1.1\r\nX: ", 1, "never", &got);
	TAP_OK(got.len == 0 && clock_now_ms() - start < 3000, "who does not finish is cut off");
	buf_free(&got);
}

int main(void)
{
	struct http_server_conf conf = {.fn = on_request, .who = "test", .body_max = 100, .request_ms = 300};
	struct addr a;

	loop = loop_new(&err);
	TAP_OK(loop && addr_parse(&a, STR("127.0.0.1:0"), -1), "a loop");
	struct http_server *s = http_server_open(loop, &a, &conf, &err);
	TAP_OK(s && http_server_address(s, &a) && addr_port(&a), "a server on a port that was free");
	if (s) {
		test_requests(&a);
		test_deadline(&a);
	}
	TAP_OK(!http_server_open(loop, &a, &conf, &err) && err.code == RN_EAWAY, "a port in use is told as such");
	http_server_close(s);
	loop_free(loop);
	return tap_done();
}
