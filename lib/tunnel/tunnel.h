/* SPDX-License-Identifier: MIT
 *
 * lib/tunnel: ordinary sockets inside a tunnel, whatever carries it. rn-wg is the only program that
 * knows how packets get through; this asks its control socket (RUN_DIR/wg-NAME.sock) for descriptors
 * and gets them back by SCM_RIGHTS. The address of every socket is inside the tunnel.
 *
 * A tunnel that goes away (rn-wg killed or restarted) takes its sockets along: tunnel_watch tells, and
 * the owner opens them anew when it is back.
 */
#ifndef RN_TUNNEL_H
#define RN_TUNNEL_H

#include "net/net.h"

struct tunnel;

/* Connects to the running tunnel NAME whose control socket is in RUN_DIR. RN_EAWAY if none runs. */
struct tunnel *tunnel_open(const char *run_dir, const char *name, struct rn_error *err) must_check;
void tunnel_close(struct tunnel *t);

/* All return a non-blocking, close-on-exec descriptor or a negative rn_err, within 2 s.
 * listen: port 0 picks one (sock_local tells), the unspecified address is the tunnel's own.
 * connect: in progress, as sock_connect. udp: bound to LOCAL (or any), and connected if PEER is set. */
int tunnel_listen(struct tunnel *t, const struct addr *a, struct rn_error *err) must_check;
int tunnel_connect(struct tunnel *t, const struct addr *a, struct rn_error *err) must_check;
int tunnel_udp(struct tunnel *t, const struct addr *local, const struct addr *peer,
	       struct rn_error *err) must_check;

/* Has the tunnel shake hands with its peers anew: for who sees that nothing comes through any more, when
 * WireGuard's own timers would take up to two minutes to find that the other end was restarted. */
int tunnel_probe(struct tunnel *t, struct rn_error *err) must_check;

/* The tunnel's own first address of FAMILY (AF_INET, AF_INET6). */
bool tunnel_address(struct tunnel *t, int family, struct addr *a);

/* Calls GONE once, from the loop, when the tunnel ends. Then tunnel_close it and open again. */
typedef void tunnel_gone_fn(void *ctx);
int tunnel_watch(struct tunnel *t, struct loop *l, tunnel_gone_fn *gone, void *ctx,
		 struct rn_error *err) must_check;

/* Runs "rn-wg up NAME -f CONFIG --netns private" in the background unless it runs already, and waits
 * until it is ready (at most 10 s). RN_WG is the path of the program. */
int tunnel_start(const char *rn_wg, const char *run_dir, const char *name, const char *config,
		 struct rn_error *err) must_check;

#endif
