/* SPDX-License-Identifier: MIT
 *
 * Joining a network with an invitation (doc/contracts.md, "Invitation"), and leaving it.
 */
#ifndef RN_AGENT_JOIN_H
#define RN_AGENT_JOIN_H

#include "agent/agent.h"

struct join_options {
	const char *invite; /* rn://… */
	const char *
		name; /* this machine's own idea of its name; the console makes it valid and free */
	const char *type;      /* free text for the console's list: "rn-node 0.1.0 Linux" */
	const char *public_ip; /* gateway: where it is reached; NULL: the console finds out */
	const char *state_dir;
};

/* Makes the keys here, asks the console in, and leaves STATE/NET whole or not at all: node.rn,
 * wg.key, sign.key, console.pub, ca.crt, for a gateway tls.key, tls.crt and session.key. No bundle
 * yet. The token is sent only to a console whose trust file the invitation's key has signed.
 *   RN_EDATA      the invitation is damaged
 *   RN_EPERM      the console is not the one that is meant, or the invitation was used or has
 * expired RN_EAWAY      the console does not answer RN_ECANTCREAT the network is joined already, or
 * the folder cannot be made */
int agent_join(const struct join_options *o, struct agent_net *n, struct rn_error *err) must_check;

/* Removes the network's folder, keys first. What the console knows of the node is the caller's
 * matter. */
int agent_forget(const struct agent_net *n, struct rn_error *err) must_check;

#endif
