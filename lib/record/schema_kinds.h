/* SPDX-License-Identifier: MIT
 *
 * lib/record inside: the list of all kinds, by area. To add a kind: name it here and define
 * schema_NAME in the file of its area. To add a key: one line in the kind's table, nothing else;
 * --schema, validation, rn-records(5), completions and JSON follow.
 */
#ifndef RN_RECORD_SCHEMA_KINDS_H
#define RN_RECORD_SCHEMA_KINDS_H

#include "record/record.h"

/* schema_wg.c: tunnels and control sockets */
#define SCHEMA_WG(X)                                                                               \
	X(interface) X(peer) X(tunnel) X(socket) X(request) X(done) X(error) X(plan) X(probe)       \
	X(why) X(finding)
/* schema_proxy.c: the edge */
#define SCHEMA_PROXY(X)                                                                            \
	X(listen) X(certificate) X(resource) X(target) X(limit) X(access) X(health) X(listener) X(stat)
/* schema_policy.c: who may */
#define SCHEMA_POLICY(X)                                                                           \
	X(policy) X(device) X(signer) X(logout) X(assertion) X(decision) X(question) X(expect) X(step)
/* schema_console.c: the control plane */
#define SCHEMA_CONSOLE(X)                                                                          \
	X(organization) X(user) X(group) X(token) X(gateway) X(invitation) X(join) X(service)       \
	X(link) X(site) X(rule) X(dns) X(audit) X(status) X(console) X(chain) X(published)          \
	X(imported) X(expired) X(database)
/* schema_node.c: bundles, nodes, what runs on a device */
#define SCHEMA_NODE(X) X(bundle) X(trust) X(node) X(daemon) X(applied) X(forward) X(log)
/* schema_tools.c: what the tools say about themselves */
#define SCHEMA_TOOLS(X) X(type) X(kind) X(key) X(program) X(command) X(option) X(bench)

#define SCHEMA_KINDS(X)                                                                            \
	SCHEMA_WG(X) SCHEMA_PROXY(X) SCHEMA_POLICY(X) SCHEMA_CONSOLE(X) SCHEMA_NODE(X) SCHEMA_TOOLS(X)

#define DECLARE(name) extern const struct schema_kind schema_##name;
SCHEMA_KINDS(DECLARE)
#undef DECLARE

/* The table of a kind: SCHEMA_KIND(peer, .config = true, .id = TYPE_KEY, …) behind its peer_keys. */
#define SCHEMA_KIND(kind, ...)                                                                     \
	const struct schema_kind schema_##kind = {.name = #kind, .keys = kind##_keys, __VA_ARGS__}

#define REQ KEY_REQUIRED
#define LIST KEY_LIST
#define SET (KEY_LIST | KEY_SET)
#define PORT "0-65535"

#endif
