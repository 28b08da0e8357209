/* SPDX-License-Identifier: MIT
 *
 * Datagrams over a TLS connection: each has its length before it, two bytes, most significant
 * first. As on any link, what does not fit is dropped.
 *
 *   main.c    the commands: listen and dial
 *   link.c    one TLS connection
 *   listen.c  the gateway's side: a UDP socket for each connection
 *   dial.c    the other side: a UDP socket on loopback, and a connection when there is something to
 * send
 */
#ifndef RN_RELAY_LINK_H
#define RN_RELAY_LINK_H

#include "cli/cli.h"
#include "net/net.h"
#include "tls/tls.h"

#define LINK_DATAGRAM_MAX 65535
#define LINK_IDLE_MS 180000 /* no session of WireGuard is longer silent and lives */

struct link;
typedef void link_input_fn(void *ctx, const uint8_t *data, size_t len);
/* The link is over (ERR says why; code 0: the other side ended it); it must be freed. */
typedef void link_end_fn(void *ctx, const struct rn_error *err);

struct link_conf {
	link_input_fn *input;
	link_end_fn *end;
	void *ctx;
};

/* Takes over FD (connected or connecting) and TLS, whatever happens; NULL: out of memory. */
struct link *link_new(struct loop *l, int fd, struct tls_conn *tls, const struct link_conf *conf,
		      struct rn_error *err) must_check;
void link_free(struct link *k); /* NULL is fine */
void link_send(struct link *k, const uint8_t *data, size_t len);

struct relay_options {
	const char *to; /* listen: the UDP address that it is all for */
	const char *cert, *key;
	const char *ca, *name; /* dial */
	uint64_t max;
	int ready_fd; /* with 1 added, so that 0 is none */
};
int run_listen(struct cli *c, int argc, char **argv);
int run_dial(struct cli *c, int argc, char **argv);

/* Runs until SIGTERM or SIGINT, with no more privileges than it needs. */
int serve(struct cli *c, struct loop *l, int ready_fd) must_check;

#endif
