/* SPDX-License-Identifier: MIT
 *
 * What machines call: whom to trust, joining, and fetching one's bundle.
 */
#include "cgi.h"

/* A published file as it is: its signature is over these bytes. */
static int send_file(struct call *k, struct str name, const char *type, struct rn_error *err)
{
	char path[2048];
	int rc;

	if (!console_pub_path(k->console, name, path, sizeof(path)))
		return rn_fail(err, RN_ENO, "no such file: %.*s", STR_ARG(name));
	rc = file_read(path, &k->re->body, err);
	if (rc == RN_ENOINPUT)
		return rn_fail(err, RN_ENO, "%.*s is not published", STR_ARG(name));
	k->re->status = 200;
	k->re->type = type;
	k->re->cacheable = true;
	return rc;
}

int trust_get(struct call *k, struct rn_error *err)
{
	return send_file(k, STR("trust.rn"), "text/x-rn; charset=utf-8", err);
}

int trust_sig_get(struct call *k, struct rn_error *err)
{
	return send_file(k, STR("trust.rn.minisig"), "text/plain; charset=utf-8", err);
}

int bundle_get(struct call *k, struct rn_error *err)
{
	struct str name = str_from(k->id), rest, own = str_from(k->actor.id);
	bool is_sig;

	rest = str_starts(name, own) ? str_from_at(name, own.len) : STR("");
	is_sig = str_is(rest, ".rn.minisig");
	if (!is_sig && !str_is(rest, ".rn"))
		return rn_fail(err, RN_ENO, "%s has no such bundle", k->actor.id);
	return send_file(k, name, is_sig ? "text/plain; charset=utf-8" : "text/x-rn; charset=utf-8", err);
}

int join_post(struct call *k, struct rn_error *err)
{
	struct console_join join;
	int rc = body_read(k, err);

	if (rc)
		return rc;
	join = (struct console_join){
		.token = body_text(k, "token"),
		.name = body_text(k, "name"),
		.wg_key = body_text(k, "wg_key"),
		.sign_key = body_text(k, "sign_key"),
		.client_type = body_text(k, "client_type"),
		.csr = body_text(k, "csr"),
		.public_ip = body_text(k, "public_ip"),
	};
	if (!join.token.len || !join.wg_key.len || !join.sign_key.len)
		return rn_fail(err, RN_EDATA, "join needs token, wg_key and sign_key");
	rc = console_join(k->console, &join, k->rq->remote, &k->out, err);
	return rc ? rc : reply_records(k->re, k->rq, 201, buf_str(&k->out), false, err);
}
