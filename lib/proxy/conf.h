/* SPDX-License-Identifier: MIT
 *
 * Inside of reading a snapshot: one function a kind of record.
 */
#ifndef RN_PROXY_CONF_H
#define RN_PROXY_CONF_H

#include "proxy/snapshot.h"

struct conf {
	struct snapshot *s;
	const struct snapshot_source *src;
	int pass;
	char dir[4096]; /* of the file */
	VEC(struct tls_cert) certs;
};

/* A decoded value in the snapshot's arena; the schema's default, or empty, when it is absent. */
int conf_text(struct conf *c, const struct rec *r, const char *key, struct str *out,
	      struct rn_error *err) must_check;
int conf_u64(const struct rec *r, const char *key, uint64_t *out, struct rn_error *err) must_check;
int conf_file(struct conf *c, const struct rec *r, const char *key, struct str *out,
	      struct rn_error *err) must_check;

int conf_bundle(struct conf *c, const struct rec *r, struct rn_error *err);
int conf_signer(struct conf *c, const struct rec *r, struct rn_error *err);
int conf_logout(struct conf *c, const struct rec *r, struct rn_error *err);
int conf_policy(struct conf *c, const struct rec *r, struct rn_error *err);
int conf_device(struct conf *c, const struct rec *r, struct rn_error *err);
int conf_listen(struct conf *c, const struct rec *r, struct rn_error *err);
int conf_certificate(struct conf *c, const struct rec *r, struct rn_error *err);
int conf_resource(struct conf *c, const struct rec *r, struct rn_error *err);
int conf_target(struct conf *c, const struct rec *r, struct rn_error *err);
/* After the last record: TLS contexts, sealed routers and policies. */
int conf_finish(struct conf *c, struct rn_error *err) must_check;

#endif
