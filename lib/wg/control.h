/* SPDX-License-Identifier: MIT
 *
 * How others speak to a running tunnel: the control socket with records (doc/contracts.md, "Tunnel"),
 * and the UAPI sockets that wg(8) looks for.
 */
#ifndef RN_WG_CONTROL_H
#define RN_WG_CONTROL_H

#include "wg/engine.h"

/* Answers one call; for ctl_listen, with CTX a struct wg_control. "request=down" calls stop. */
struct wg_control {
	struct engine *engine;
	const char *name;
	struct loop *loop;
	bool check_overlap; /* on the host: refuse ranges that another device has (overlap.h) */
};
/* Refuses C if it may not be applied to that tunnel for reasons outside of it. */
int wg_control_admits(const struct wg_control *c, const struct wg_config *config,
		      struct rn_error *err) must_check;
ctl_handler wg_control_call;

/* Serves UAPI of the user engine D at PATH (a stale socket there is taken over), to our user and
 * root only. The kernel's own device is wg(8)'s by netlink. */
struct uapi_server;
struct uapi_server *uapi_listen(struct loop *l, const char *path, struct engine *d,
				struct rn_error *err) must_check;
void uapi_close(struct uapi_server *s);

#endif
