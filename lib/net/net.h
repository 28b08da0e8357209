/* SPDX-License-Identifier: MIT
 *
 * lib/net: addresses, the event loop with its timers, sockets, readiness, control sockets, and the
 * byte relay that expose, forward and the proxy share.
 */
#ifndef RN_NET_H
#define RN_NET_H

#include "record/record.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- addresses ------------------------------------------------------------------------------- */

struct addr { /* an IPv4 or IPv6 address with a port */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};
#define ADDR_TEXT_MAX 64
/* "10.0.0.1:80", "[::1]:80"; with DEFAULT_PORT >= 0 the port may be missing. No name look-up. */
bool addr_parse(struct addr *a, struct str text, int default_port);
/* The address alone: no port, no brackets. */
bool addr_parse_ip(struct addr *a, struct str text);
/* RFC 5952; with "[…]:port" unless the port is 0. */
void addr_format(const struct addr *a, char out[static ADDR_TEXT_MAX]);
void addr_format_ip(const struct addr *a,
		    char out[static ADDR_TEXT_MAX]); /* no port, no brackets */
socklen_t addr_len(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_eq(const struct addr *a, const struct addr *b);    /* with port */
bool addr_eq_ip(const struct addr *a, const struct addr *b); /* without; v4-mapped v6 equals v4 */
bool addr_is_loopback(const struct addr *a);
/* The 16 bytes of the address, IPv4 as ::ffff:a.b.c.d: one key for both families. */
void addr_ip16(const struct addr *a, uint8_t out[static 16]);
/* Resolves "host:port" (names too, blocking getaddrinfo); RN_EAWAY if the name does not resolve. */
int addr_resolve(struct addr *a, struct str text, struct rn_error *err) must_check;

struct cidr {
	int family;
	uint8_t ip[16];
	uint8_t bits;
};
/* "10.0.0.0/8", "fd00::/48", a bare address is a full-length prefix. Host bits: refused if STRICT.
 */
bool cidr_parse(struct cidr *c, struct str text, bool strict);
void cidr_format(const struct cidr *c, char out[static ADDR_TEXT_MAX]);
bool cidr_has(const struct cidr *c, const struct addr *a);
bool cidr_overlaps(const struct cidr *a, const struct cidr *b);

/* ---- event loop ------------------------------------------------------------------------------ */

struct loop; /* one thread's */
struct watch;
typedef void watch_fn(struct watch *w, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR */
struct watch { /* embed in the owner and use container_of */
	int fd;
	uint32_t events;
	watch_fn *fn;
};
struct timer;
typedef void timer_fn(struct timer *t);
struct timer {
	timer_fn *fn;
	uint64_t at_ms;	  /* 0 when stopped */
	uint64_t slot_ms; /* where it lies in the wheel: no later than at_ms */
	struct timer *prev, *next;
};

/* A loop is for the thread that runs it. Under a fake clock it never waits: descriptors that are
 * ready and timers that are due are handled, and the test moves the clock. */
struct loop *loop_new(struct rn_error *err) must_check;
void loop_free(struct loop *l);
/* Until loop_stop; 0 or RN_EOS. loop_once handles what is ready and due, waiting at most MAX_MS. */
int loop_run(struct loop *l, struct rn_error *err) must_check;
int loop_once(struct loop *l, int max_ms, struct rn_error *err) must_check;
void loop_stop(struct loop *l);
/* Monotonic ms, read once per turn. Under a fake clock timers follow clock_fake_ns. */
uint64_t loop_now_ms(const struct loop *l);
/* W->fd, fn and events are set by the caller (EPOLLET too, if wanted); W must stay until watch_del,
 * which comes before the descriptor is closed and is fine for fd -1. A watch may be deleted
 * (and its owner freed) from any callback: no stale event is delivered. */
int watch_add(struct loop *l, struct watch *w, struct rn_error *err) must_check;
void watch_set(struct loop *l, struct watch *w, uint32_t events);
void watch_del(struct loop *l, struct watch *w);
/* One shot; starting again moves it. O(1), and nothing but a store if it moves away from now. Set fn
 * once, zero the rest. It runs in a later turn, not before AFTER_MS (1 ms resolution), and is stopped
 * when FN runs. */
void timer_start(struct loop *l, struct timer *t, uint64_t after_ms);
void timer_stop(struct loop *l, struct timer *t);
/* FN runs in the loop when SIGNO arrives (signalfd; the signal is blocked in this thread, and stays
 * so after loop_free: a child must unblock it before exec). */
typedef void loop_signal_fn(void *ctx, int signo);
int loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *ctx,
		struct rn_error *err) must_check;

/* ---- sockets --------------------------------------------------------------------------------- */

/* All non-blocking and close-on-exec; the descriptor or a negative rn_err. */
int sock_listen(const struct addr *a, bool reuseport, struct rn_error *err)
	must_check; /* EADDRINUSE: RN_EAWAY naming the port; EACCES: RN_EPERM */
int sock_connect(const struct addr *a, struct rn_error *err)
	must_check; /* in progress; wait for EPOLLOUT, then sock_error */
int sock_udp(const struct addr *a, bool reuseport, struct rn_error *err) must_check;
int sock_udp_to(const struct addr *a,
		struct rn_error *err) must_check; /* sends to and hears from A only */
int unix_listen(const char *path, mode_t mode, struct rn_error *err)
	must_check; /* takes over a stale path, refuses a live one (RN_EAWAY) */
int unix_connect(const char *path, struct rn_error *err) must_check; /* blocking socket */
/* Whether the other end was made by our own user or by root. */
bool unix_peer_is_ours(int fd);
int sock_error(int fd);						     /* SO_ERROR */
/* A listener inside a tunnel that the kernel does not know (rn-wg up --engine netstack) is a unix socket in
 * RUN_DIR, and its name tells the address inside; that of an accepted one's other end the visitor's. */
#define SOCK_INSIDE_MARK "rn-inside@"
bool sock_local(int fd, struct addr *a);
bool sock_peer(int fd, struct addr *a);
/* Bytes (at least one) with up to FDS_MAX descriptors beside them; the count sent or received, or
 * -1 and errno. fds_recv: *n is the room in FDS, then how many came; they are close-on-exec. More
 * than there is room for: all are closed, -1 and EPROTO. */
#define FDS_MAX 8
ssize_t fds_send(int sock, struct str bytes, const int *fds, size_t n);
ssize_t fds_recv(int sock, void *bytes, size_t cap, int *fds, size_t *n);

/* ---- readiness ------------------------------------------------------------------------------- */

/* Says READY=1 to systemd if NOTIFY_SOCKET (value given by the caller) is set, and "ready\n" plus a
 * close on READY_FD unless it is -1. */
void ready_tell(const char *notify_socket, int ready_fd);

/* ---- control sockets ------------------------------------------------------------------------- */
/*
 * A running program answers on a unix socket (mode 0600, and only to its own user or root). A
 * request is one or more records ended by an empty line, the first one "request=VERB …"; the answer
 * is records, ended by "done=ok" or "error=CODE text=…" (CODE as in enum rn_err) and an empty line.
 * Descriptors may ride beside an answer. Several requests may follow on one connection.
 */
struct ctl_server;
struct ctl_call; /* one request being answered */
typedef void ctl_handler(void *ctx, struct ctl_call *call, const struct rec *request,
			 struct str body);
struct ctl_server *ctl_listen(struct loop *l, const char *path, ctl_handler *fn, void *ctx,
			      struct rn_error *err) must_check;
void ctl_close(struct ctl_server *s); /* removes the path */
/* A handler ends each call once, now or later; the request and body it was given live until then.
 */
struct buf *ctl_out(struct ctl_call *call);	   /* put answer records here */
void ctl_attach_fd(struct ctl_call *call, int fd); /* sent with the answer, then closed here */
void ctl_done(struct ctl_call *call);
void ctl_fail(struct ctl_call *call, const struct rn_error *err);
/* A call that streams: sends what is in ctl_out now and keeps it open (log -f). False: client gone.
 */
bool ctl_flush(struct ctl_call *call);

/* Client, blocking with a deadline (TIMEOUT_MS < 0: none). REQUEST is complete records with LF. FN
 * (may be NULL) sees each answer record. The server's error comes back as ours with its code. fds:
 * up to *nfds are stored (NULL: refused). RN_EAWAY: nobody listens at PATH. */
typedef int ctl_answer_fn(void *ctx, const struct rec *r, struct rn_error *err);
int ctl_call(const char *path, struct str request, int timeout_ms, ctl_answer_fn *fn, void *ctx,
	     int *fds, size_t *nfds, struct rn_error *err) must_check;

/* ---- relay ----------------------------------------------------------------------------------- */

struct relay_stat {
	uint64_t a_to_b_bytes, b_to_a_bytes;
};
struct relay;
typedef void relay_fn(void *ctx, const struct relay_stat *stat, enum rn_err why);
/* Moves bytes between two connected (or connecting) stream sockets both ways (splice through pipes,
 * half-close kept) until both are done, one fails, or nothing moved for IDLE_MS (0: no limit). Owns
 * and closes both, also when it cannot start (NULL). A side that was cut off is told so by a reset,
 * not by a clean end. DONE runs once, from the loop, unless relay_cancel is called first; the relay
 * is gone when it returns. WHY: RN_OK both ended cleanly, RN_EAGAIN idle, RN_EAWAY a connect failed
 * or a side was reset, RN_EOS no descriptors left. Holds no pipe while no byte waits: an idle relay
 * costs two descriptors. */
struct relay *relay_start(struct loop *l, int a, int b, uint64_t idle_ms, relay_fn *done, void *ctx,
			  struct rn_error *err) must_check;
void relay_cancel(struct relay *r);
const struct relay_stat *relay_stat(const struct relay *r);

/* ---- connections of a listener --------------------------------------------------------------- */
/*
 * Relays every connection that a listening socket accepts to one that OPEN makes: what flows below
 * are for UDP. When descriptors run out, accepting pauses instead of spinning.
 */
struct conns_conf {
	int listener;	  /* owned by the conns once started */
	size_t max;	  /* connections at a time; further ones wait in the backlog */
	uint64_t idle_ms; /* as for relay_start */
	/* OPEN waits until the visitor sent something, or so long for one that waits to be spoken
	 * to. Who hangs up meanwhile (a health check, a port scan) never bothers the other side. */
	uint64_t hold_ms;
	/* A connected or connecting stream socket for the visitor FROM (zeroed if it is local), or
	 * a negative rn_err: then the visitor is reset. */
	int (*open)(void *ctx, const struct addr *from);
	/* A connection has ended, as in relay_fn (may be NULL). */
	void (*end)(void *ctx, const struct addr *from, const struct relay_stat *stat,
		    enum rn_err why);
	void *ctx;
};
struct conns;
struct conns *conns_start(struct loop *l, const struct conns_conf *conf,
			  struct rn_error *err) must_check;
/* Cuts every connection (END is not called), closes the listener. */
void conns_stop(struct conns *c);
size_t conns_count(const struct conns *c);

/* ---- UDP flows ------------------------------------------------------------------------------- */
/*
 * Relays datagrams between the clients of one listening socket and an upstream socket for each
 * client (a flow). Datagrams beyond what a socket takes are dropped, as UDP may.
 */
struct flow_stat {
	uint64_t to_upstream_bytes, to_client_bytes;
	uint64_t to_upstream_packets, to_client_packets;
};
struct flows_conf {
	int listener;	  /* bound UDP socket; owned by the flows once started */
	size_t max;	  /* flows at a time; then a quiet one makes room for a further client,
			   * first of all one that was never answered; if all talk, the client's
			   * datagrams are dropped */
	uint64_t idle_ms; /* a flow ends when nothing moved for so long */
	/* A connected, non-blocking UDP socket for CLIENT's new flow (owned by it from then on), or
	 * a negative rn_err to drop the datagram. *FLOW_CTX is the caller's, for END. */
	int (*open)(void *ctx, const struct addr *client, void **flow_ctx);
	/* A flow has ended (may be NULL). WHY: RN_EAGAIN idle, RN_EAWAY refused upstream, RN_OK
	 * stopped. */
	void (*end)(void *ctx, const struct addr *client, const struct flow_stat *stat,
		    enum rn_err why, void *flow_ctx);
	void *ctx;
};
struct flows;
struct flows *flows_start(struct loop *l, const struct flows_conf *conf,
			  struct rn_error *err) must_check;
/* Ends every flow (END is called for each), closes the listener. */
void flows_stop(struct flows *f);
size_t flows_count(const struct flows *f);
uint64_t
flows_refused(const struct flows *f); /* datagrams dropped because of max or a failed open */

#endif
