/* SPDX-License-Identifier: MIT
 *
 * A small HTTP/1.1 server over lib/net's loop, for management ports: few clients, short answers. A
 * handler gets a whole request and fills the reply before it returns. What it cannot take (too
 * large, too slow, malformed, too many) is answered here.
 */
#ifndef RN_HTTP_SERVER_H
#define RN_HTTP_SERVER_H

#include "http/http.h"
#include "net/net.h"

struct http_request {
	const struct http_head *head;
	struct str path; /* normalised (http_path_normalise) */
	struct str body;
	struct addr peer;
};

struct http_reply {
	unsigned status;           /* 200 unless set */
	const char *content_type;  /* "text/plain; charset=utf-8" unless set */
	struct buf body;
	struct str error;          /* set: an http_page with this text, in place of the body */
};
typedef void http_handler(void *ctx, const struct http_request *rq, struct http_reply *reply);

struct http_server_conf {
	http_handler *fn;
	void *ctx;
	const char *who;          /* who answers, on error pages; must stay */
	size_t body_max;          /* longer request bodies: 413 */
	unsigned connections_max; /* more are closed at once; 0: 64 */
	uint64_t request_ms;      /* for a whole request and its answer; 0: 10 s */
	uint64_t idle_ms;         /* between requests; 0: 30 s */
};

struct http_server;
/* RN_EAWAY: the port is in use. */
struct http_server *http_server_open(struct loop *l, const struct addr *a,
				     const struct http_server_conf *conf,
				     struct rn_error *err) must_check;
/* Where it listens (the port, if 0 was asked for). */
bool http_server_address(const struct http_server *s, struct addr *a);
void http_server_close(struct http_server *s); /* NULL is fine; not from a handler */

#endif
