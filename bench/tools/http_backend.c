/* SPDX-License-Identifier: MIT
 *
 * The server behind the proxies that are measured: one thread, edge-triggered, and nothing in it
 * that could be the limit. Answers /1k and /1m with bodies of that size, anything else with an
 * empty one; a request is what ends in an empty line (no bodies). usage: http_backend PORT
 */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#define FDS 32768
#define BATCH 256

static struct answer {
	const char *path;
	size_t body, len;
	char *bytes;
} answers[] = {{.path = "/1k ", .body = 1 << 10}, {.path = "/1m ", .body = 1 << 20}, {.path = ""}};

static struct client {		     /* by descriptor */
	const struct answer *answer; /* being sent; NULL: none */
	size_t sent;
} clients[FDS];

static void answer_make(struct answer *a)
{
	static const char head[] =
		"HTTP/1.1 200 OK\r\nServer: backend\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
		"Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n";
	char text[256];
	int n = snprintf(text, sizeof(text), head, a->body);
	a->len = (size_t)n + a->body;
	a->bytes = calloc(1, a->len);
	load_check(a->bytes != NULL, "calloc");
	memcpy(a->bytes, text, (size_t)n);
}

static const struct answer *answer_for(const char *request, size_t n)
{
	const char *path = memchr(request, ' ', n);
	size_t left = path ? n - (size_t)(path + 1 - request) : 0;
	for (struct answer *a = answers;; a++)
		if (!*a->path || (left >= 4 && memcmp(path + 1, a->path, 4) == 0))
			return a;
}

/* False: the connection has ended. */
static bool answer_send(int fd, struct client *c)
{
	while (c->answer) {
		ssize_t n = send(fd, c->answer->bytes + c->sent, c->answer->len - c->sent,
				 MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN;
		c->sent += (size_t)n;
		if (c->sent == c->answer->len)
			*c = (struct client){0};
	}
	return true;
}

static bool client_ready(int fd, struct client *c)
{
	char in[16384];
	if (!answer_send(fd, c))
		return false;
	while (!c->answer) {
		ssize_t n = recv(fd, in, sizeof(in), 0);
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		if (n < 4 || memcmp(in + n - 4, "\r\n\r\n", 4) != 0)
			continue;
		c->answer = answer_for(in, (size_t)n);
		if (!answer_send(fd, c))
			return false;
		if ((size_t)n < sizeof(in))
			return true; /* edge-triggered: what comes now is told */
	}
	return true;
}

static void accept_all(int ep, int listener)
{
	const int one = 1;
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
					 .data.fd = fd};
		load_check(fd < FDS, "too many connections");
		clients[fd] = (struct client){0};
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		load_check(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
	}
}

int main(int argc, char **argv)
{
	struct rn_error err;
	struct addr a;
	if (argc != 2 || !addr_parse_ip(&a, STR("127.0.0.1")))
		return 64;
	addr_set_port(&a, (uint16_t)load_number(argv[1]));
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		answer_make(&answers[i]);
	int listener = sock_listen(&a, false, &err), ep = epoll_create1(EPOLL_CLOEXEC);
	load_check(listener >= 0 && ep >= 0, "listen");
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, batch[BATCH];
	load_check(epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) == 0, "epoll_ctl");
	for (;;) {
		int n = epoll_wait(ep, batch, BATCH, -1);
		for (int i = 0; i < n; i++) {
			int fd = batch[i].data.fd;
			if (fd == listener)
				accept_all(ep, listener);
			else if (!client_ready(fd, &clients[fd]))
				close(fd);
		}
	}
}
