/* SPDX-License-Identifier: MIT
 *
 * lib/proxy: the edge. Listeners, TLS, HTTP/1.1, routing, authentication, policy, balancing,
 * health, TCP and UDP relays, access records. Config in, traffic through, records out.
 *
 * Fixed path of a request, one file a stage, all with the same signature (stages.c):
 *
 *   accept → TLS/SNI → parse → route → (firewall) → authenticate → policy
 *          → balance → relay → access
 *
 * The resource is found before anything is decided about it; the firewall's place is behind route.
 *
 *   mail.h      messages between threads          snapshot.h  the config, immutable
 *   router.h    host and path to resource         state.h     what is known of targets
 *   stream.h    plain and TLS sockets             block.h     buffers
 *   half.h      one direction of a message        access.h    access records
 *   worker.h    all else that the files share
 */
#ifndef RN_PROXY_H
#define RN_PROXY_H

#include "net/net.h"

#define PROXY_WORKERS_MAX 64

struct proxy_options {
	const char *file; /* config; "-" is stdin, which cannot be reloaded */
	const char *name; /* of the control socket: proxy-NAME.sock */
	const char *run_dir;
	const char *bin_dir;	     /* *.cgi here may be targets */
	const char *const *cgi_dirs; /* and everything in these; ended by NULL */
	unsigned workers;	     /* 0: one a core */
	int access_fd;		     /* access records go there too; -1: only to followers */
	unsigned drain_s;
	const char *session_key; /* file; NULL: session.key beside FILE, or random until the end */
	const char *user;	 /* become this user after binding; NULL: stay */
	const char *notify_socket;
	int ready_fd;
};

/* Reads and checks the config as run would, opens nothing. */
int proxy_check(const struct proxy_options *o, struct rn_error *err) must_check;
/* The same for a config that is meant for another machine: the words alone, since its certificates,
 * CAs and programs are not here. NAME stands in messages. */
int proxy_check_text(struct str text, const char *name, struct rn_error *err) must_check;
/* Serves until TERM or INT has drained it. RN_EAWAY: a port is in use; RN_EPERM: a low port. */
int proxy_run(const struct proxy_options *o, struct rn_error *err) must_check;

#endif
