/* SPDX-License-Identifier: MIT
 *
 * A byte stream over a socket, plain or TLS, non-blocking, watched by its worker's loop.
 */
#ifndef RN_PROXY_STREAM_H
#define RN_PROXY_STREAM_H

#include "net/net.h"
#include "tls/tls.h"

#include <sys/epoll.h>
#include <sys/uio.h>

struct stream {
	struct watch watch; /* fd -1: closed */
	struct tls_conn *tls;
	bool tls_wants_out; /* TLS must write before it can read */
};

enum io { IO_OK, IO_WAIT, IO_EOF, IO_FAILED };

/* Watches FD (owned from now on) for EVENTS. On failure FD is closed. */
int stream_open(struct stream *s, struct loop *l, int fd, uint32_t events, watch_fn *fn,
		struct rn_error *err) must_check;
/* Fine when closed already. */
void stream_close(struct stream *s, struct loop *l);
/* Gives the descriptor away unwatched (plain streams only). */
int stream_detach(struct stream *s, struct loop *l);
/* What to wait for next; costs a system call only when it changes. */
void stream_want(struct stream *s, struct loop *l, uint32_t events);

/* IO_OK: *n > 0 bytes. Failures of TLS are told in plain words in err, if the caller passes one. */
enum io stream_handshake(struct stream *s, struct rn_error *err);
enum io stream_read(struct stream *s, void *out, size_t cap, size_t *n);
enum io stream_writev(struct stream *s, const struct iovec *iov, int count, size_t *n);
/* Ends our direction. */
void stream_shutdown(struct stream *s);

/* A connected non-blocking socket, or a negative rn_err at once: a local connect does not wait. */
int stream_connect_unix(struct str path, struct rn_error *err) must_check;

#endif
