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

/* A plain stream is watched edge-triggered and once: what it is ready for is remembered here until
 * a read or write finds otherwise, and what the owner wants and does not use up is told again in the
 * next turn, as if it were level-triggered. So an ordinary request costs no epoll_ctl, and the
 * kernel does not look at a socket again after its event. TLS keeps decrypted and half records to
 * itself, so what it leaves in the socket is not known: it is watched level-triggered. */
struct stream {
	struct watch watch; /* fd -1: closed */
	struct tls_conn *tls;
	watch_fn *fn;	    /* the owner's: gets what is ready of what is wanted, and hang-ups */
	struct timer again; /* ready and wanted without a new edge */
	uint32_t want, ready;
	bool ending;	    /* the peer has sent its end: a short read is not the last one */
	bool tls_wants_out; /* TLS must write before it can read */
};

enum io { IO_OK, IO_WAIT, IO_EOF, IO_FAILED };

/* Watches FD (owned from now on) for EVENTS. On failure FD is closed. */
int stream_open(struct stream *s, struct loop *l, int fd, uint32_t events, watch_fn *fn,
		struct rn_error *err) must_check;
/* Speaks TLS from now on; owns TLS (NULL: out of memory, the stream is good for closing only). */
void stream_secure(struct stream *s, struct loop *l, struct tls_conn *tls);
/* Fine when closed already. */
void stream_close(struct stream *s, struct loop *l);
/* Gives the descriptor away unwatched (plain streams only). */
int stream_detach(struct stream *s, struct loop *l);
/* What to wait for next. */
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
