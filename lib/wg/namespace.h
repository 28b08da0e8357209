/* SPDX-License-Identifier: MIT
 *
 * A network namespace of one's own, with or without privilege (user_namespaces(7)).
 */
#ifndef RN_WG_NAMESPACE_H
#define RN_WG_NAMESPACE_H

#include "base/base.h"

/* Moves this process (which must have one thread) into a new network namespace: as root a network
 * namespace alone where that is allowed, else with a user namespace around it in which our user is
 * mapped to 0. RN_EPERM says which setting forbids it. */
int namespace_enter_new(struct rn_error *err) must_check;

/* Whether we may make devices in the network namespace that we are in (CAP_NET_ADMIN). */
bool privilege_over_network(void);

/* Keeps only the capabilities to administer the network and to bind low ports, in all sets; no gain
 * by exec; no core dump and no tracing by others. An ordinary user has nothing to lose, and passes. */
int privilege_drop(struct rn_error *err) must_check;

#endif
