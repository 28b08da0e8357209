/* SPDX-License-Identifier: MIT
 *
 * rn-discover: which local services could be exposed. Reads the kernel's tables, asks loopback
 * listeners a short question, and writes service records that rn-expose - takes.
 *
 *   main.c      the command line, and what is worth a record
 *   sockets.c   /proc/net/{tcp,tcp6,udp,udp6}
 *   owner.c     whose socket it is, where we may see that
 *   probe.c     what answers there: banners, HTTP, TLS
 */
#ifndef RN_DISCOVER_H
#define RN_DISCOVER_H

#include "agent/agent.h"
#include "cli/cli.h"

#define PROGRAM_MAX 16 /* as in /proc/PID/comm */

struct listener {
	struct addr bound;   /* as the kernel has it */
	struct addr address; /* how to reach it: loopback where it listens everywhere */
	bool udp;
	unsigned long inode;
	char program[PROGRAM_MAX]; /* or "" */
	const char *guess;	   /* "http", "ssh", "postgres"…, or NULL */
	const char *protocol;	   /* how to expose it: http, https, tcp, udp */
};
struct listeners {
	VEC(struct listener) all;
};

/* Adds the listeners of one table ("/proc/net/tcp6"). A line that is not understood is passed over.
 */
void sockets_read(struct listeners *ls, const char *path, bool udp);
/* One line of such a table; false if it is no listener. */
bool socket_parse(struct listener *l, struct str line, bool udp);
/* Fills in program from the processes that we may look into. */
void owners_find(struct listeners *ls, const char *proc);
/* Fills in guess and protocol of TCP listeners on loopback by asking them, all at once, within
 * BUDGET_MS. */
int probe_all(struct listeners *ls, int budget_ms, struct rn_error *err) must_check;
/* What the first bytes of an answer say; NULL if nothing. */
const char *probe_recognise(struct str bytes);

#endif
