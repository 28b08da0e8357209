/* SPDX-License-Identifier: MIT
 *
 * A new bundle to a gateway's management port, so that it is there at once. The gateway checks the
 * signature, so the way needs no trust; a gateway that does not take it pulls it later.
 *
 * Plain HTTP/1.1 over one socket: a client library would take longer to load than a CGI request
 * lasts.
 */
#include "console/inner.h"
#include "http/http.h"

#include <poll.h>

#define CONNECT_MS 300
#define TOTAL_MS 2000
#define ANSWER_MAX 8192

static bool ready(int fd, short events, uint64_t deadline_ms)
{
	uint64_t now;

	while ((now = clock_now_ms()) < deadline_ms) {
		struct pollfd p = {.fd = fd, .events = events};
		int n = poll(&p, 1, (int)(deadline_ms - now));

		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
	return false;
}

/* The connected socket, or -1. */
static int open_to(const char *management, uint64_t deadline_ms)
{
	struct rn_error err;
	struct addr a;
	int fd = addr_resolve(&a, str_from(management), &err) ? -1 : sock_connect(&a, &err);

	if (fd >= 0 && (!ready(fd, POLLOUT, deadline_ms) || sock_error(fd) != 0))
		fd_close(&fd);
	return fd < 0 ? -1 : fd;
}

static bool send_all(int fd, struct str s, uint64_t deadline_ms)
{
	while (s.len) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n > 0)
			s = str_from_at(s, (size_t)n);
		else if (errno != EINTR && (errno != EAGAIN || !ready(fd, POLLOUT, deadline_ms)))
			return false;
	}
	return true;
}

/* The status of the answer; 0 when none came. */
static unsigned read_status(int fd, uint64_t deadline_ms)
{
	struct http_head h;
	char answer[ANSWER_MAX];
	size_t len = 0;
	ptrdiff_t used = 0;

	http_head_init_response(&h, HTTP_POST);
	while (used == 0 && len < sizeof(answer) && ready(fd, POLLIN, deadline_ms)) {
		ssize_t n = recv(fd, answer + len, sizeof(answer) - len, 0);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		used = http_head_parse(&h, str_make(answer, len));
	}
	return used > 0 ? h.status : 0;
}

static void write_head(struct buf *b, const char *management, size_t body_len, struct str sig)
{
	char text[BASE64_SIZE(MINISIGN_SIG_MAX)];

	if (sig.len > MINISIGN_SIG_MAX) {
		b->failed = true;
		return;
	}
	base64_encode(text, sig.ptr, sig.len, BASE64_STD);
	buf_addf(b,
		 "POST /v1/push HTTP/1.1\r\nHost: %s\r\nContent-Type: text/x-rn\r\nContent-Length: "
		 "%zu\r\n"
		 "Connection: close\r\nRustronaut-Signature: %s\r\n\r\n",
		 management, body_len, text);
}

bool push_bundle(const char *management, struct str bundle, struct str sig)
{
	uint64_t start = clock_now_ms();
	unsigned status = 0;
	struct buf head;
	int fd;

	buf_init(&head, 2 * ANSWER_MAX);
	write_head(&head, management, bundle.len, sig);
	fd = head.failed ? -1 : open_to(management, start + CONNECT_MS);
	if (fd >= 0 && send_all(fd, buf_str(&head), start + TOTAL_MS) &&
	    send_all(fd, bundle, start + TOTAL_MS))
		status = read_status(fd, start + TOTAL_MS);
	fd_close(&fd);
	buf_free(&head);
	if (status / 100 != 2)
		log_event(LOG_INFO,
			  status ? "the gateway refused the pushed bundle"
				 : "the gateway does not answer; it will pull",
			  "management", management, NULL);
	return status / 100 == 2;
}
