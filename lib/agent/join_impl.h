/* SPDX-License-Identifier: MIT
 *
 * What join.c and join_files.c share. Private to this folder.
 */
#ifndef RN_AGENT_JOIN_IMPL_H
#define RN_AGENT_JOIN_IMPL_H

#include "agent/join.h"

struct join {
	const struct join_options *o;
	struct invite invite;
	char url[AGENT_URL_MAX];
	char dir[AGENT_PATH_MAX]; /* STATE/.join-XXXXXX, later renamed */
	struct auth_key *sign_key;
	char wg_public[BASE64_SIZE(AUTH_PUB_LEN)];
	struct buf csr;
	struct arena arena; /* texts of the answer */
	struct str node, network, role, cert;
};

/* DIR/NAME into OUT. */
int join_path(const struct join *j, char out[static AGENT_PATH_MAX], const char *name,
	      struct rn_error *err);
/* The temporary folder with all keys and the signing request. */
int join_make_keys(struct join *j, struct rn_error *err) must_check;
/* console.pub and ca.crt from the signed trust file. */
int join_keep_trust(const struct join *j, struct str ca_der, struct rn_error *err) must_check;
/* node.rn and what else the role needs, once the console has answered; then the folder's final
 * name. */
int join_install(struct join *j, struct rn_error *err) must_check;
/* Removes a folder of plain files. */
void join_remove_dir(const char *dir);

#endif
