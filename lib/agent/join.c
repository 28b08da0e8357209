/* SPDX-License-Identifier: MIT
 *
 * The talk with the console: its trust file over TLS that is not trusted yet, then the token over
 * TLS that is.
 */
#include "agent/join_impl.h"

#include <dirent.h>

#define TRUST_MAX 65536

/* ---- trust ---------------------------------------------------------------------------------- */

static int call(struct agent_rest *r, const char *method, const char *path, struct str body,
		struct buf *out, struct rn_error *err)
{
	return agent_rest_records(
		r, &(struct agent_request){.method = method, .path = path, .body = body}, out, err);
}

/* trust=DOMAIN serial= made_at= signer= ca=: the invitation's host, and its key again. */
static int read_trust(struct join *j, struct str text, struct buf *ca_der, struct rn_error *err)
{
	uint8_t signer[AUTH_PUB_LEN];
	struct rec_reader rd;
	struct rec r;
	int rc;

	rec_reader_mem(&rd, text, "trust.rn");
	rc = rec_read(&rd, &r, err);
	rec_reader_free(&rd);
	if (rc < 0)
		return rc;
	if (rc == 0 || !rec_is(&r, "trust"))
		return rn_fail(err, RN_EPROTO, "the console's trust file has no trust record");
	if (!str_eq_nocase(rec_id(&r), str_from(j->invite.host)))
		return rn_fail(err, RN_EPERM,
			       "the invitation is for %s, the console that answers is %.*s",
			       j->invite.host, STR_ARG(str_slice(rec_id(&r), 0, AUTH_HOST_MAX)));
	struct str key = rec_get(&r, "signer"), ca = rec_get(&r, "ca");
	if (!base64_decode(signer, sizeof(signer), key, BASE64_STD) ||
	    !secret_eq(signer, j->invite.console, sizeof(signer)))
		return rn_fail(err, RN_EPERM,
			       "the console's trust file names another key than the invitation");
	if (!ca.len)
		return 0;
	size_t len = ca.len; /* more than it can be */
	char *room = buf_reserve(ca_der, len);
	if (!room || !base64_decode_any(room, &len, ca, BASE64_STD))
		return rn_fail(err, RN_EPROTO, "the CA in the console's trust file is not base64");
	ca_der->len += len;
	return 0;
}

static int fetch_trust(struct join *j, struct agent_rest *r, struct buf *text, struct rn_error *err)
{
	struct minisign_pub signer;
	struct buf sig;
	int rc = call(r, NULL, "/api/v1/trust", STR(""), text, err);

	buf_init(&sig, MINISIGN_SIG_MAX);
	if (!rc)
		rc = call(r, NULL, "/api/v1/trust.minisig", STR(""), &sig, err);
	minisign_pub_from(&signer, j->invite.console);
	if (!rc && minisign_verify(&signer, buf_str(text), buf_str(&sig), NULL, err) < 0)
		rc = rn_fail_in(err, "%s is not the console that made this invitation", j->url);
	buf_free(&sig);
	return rc;
}

static int get_trust(struct join *j, struct rn_error *err)
{
	struct agent_rest_conf conf = {
		.url = j->url, .connect = j->invite.address, .unverified = true};
	struct agent_rest *r = agent_rest_new(&conf, err);
	struct buf text, ca;
	int rc;

	if (!r)
		return err->code;
	buf_init(&text, TRUST_MAX);
	buf_init(&ca, TRUST_MAX);
	rc = fetch_trust(j, r, &text, err);
	if (!rc)
		rc = read_trust(j, buf_str(&text), &ca, err);
	if (!rc)
		rc = join_keep_trust(j, buf_str(&ca), err);
	agent_rest_free(r);
	buf_free(&text);
	buf_free(&ca);
	return rc;
}

/* ---- asking in ------------------------------------------------------------------------------ */

static void write_request(const struct join *j, struct buf *b)
{
	char sign_key[BASE64_SIZE(AUTH_PUB_LEN)];

	base64_encode(sign_key, auth_key_public(j->sign_key), AUTH_PUB_LEN, BASE64_STD);
	rec_begin(b, "join", STR(""));
	rec_add_cstr(b, "token", j->invite.token);
	rec_add_cstr(b, "name", j->o->name);
	rec_add_cstr(b, "wg_key", j->wg_public);
	rec_add_cstr(b, "sign_key", sign_key);
	rec_add_cstr(b, "client_type", j->o->type);
	rec_add(b, "csr", buf_str(&j->csr));
	rec_add_cstr(b, "public_ip", j->o->public_ip);
	rec_end(b);
}

/* What becomes the name of a folder or of a device must be no more than a name. */
static bool is_name(struct str s)
{
	if (s.len == 0 || s.len > AGENT_NAME_MAX || s.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_' || c == '.'))
			return false;
	}
	return true;
}

static int take_answer(struct join *j, struct str text, struct rn_error *err)
{
	struct rec_reader rd;
	struct rec r;
	int rc;

	rec_reader_mem(&rd, text, "the console's answer");
	while ((rc = rec_read(&rd, &r, err)) > 0 && !rec_is(&r, "node"))
		;
	if (rc > 0) {
		j->node = arena_str(&j->arena, rec_id(&r));
		j->network = rec_text(&r, "network", &j->arena);
		j->role = rec_text(&r, "role", &j->arena);
		j->cert = rec_text(&r, "certificate_pem", &j->arena);
	}
	rec_reader_free(&rd);
	if (rc < 0)
		return rc;
	if (!is_name(j->node) || !is_name(j->network) ||
	    !(str_is(j->role, "client") || str_is(j->role, "gateway")))
		return rn_fail(err, RN_EPROTO,
			       "the console's answer has no good node, network and role");
	return 0;
}

static int ask_in(struct join *j, struct rn_error *err)
{
	char ca[AGENT_PATH_MAX];
	struct buf body, answer;
	int rc = join_path(j, ca, "ca.crt", err);

	if (rc)
		return rc;
	struct agent_rest_conf conf = {.url = j->url, .connect = j->invite.address, .ca_file = ca};
	struct agent_rest *r = agent_rest_new(&conf, err);
	if (!r)
		return err->code;
	buf_init(&body, REC_LINE_MAX);
	buf_init(&answer, TRUST_MAX);
	write_request(j, &body);
	rc = body.failed ? rn_fail(err, RN_EUSAGE, "the name or type is too long")
			 : call(r, "POST", "/api/v1/join", buf_str(&body), &answer, err);
	if (!rc)
		rc = take_answer(j, buf_str(&answer), err);
	agent_rest_free(r);
	if (body.ptr)
		secret_wipe(body.ptr, body.cap); /* the token */
	buf_free(&body);
	buf_free(&answer);
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* A second join at the same console would end with a network of the same name, and a used
 * invitation. */
static int check_not_joined(const struct join *j, struct rn_error *err)
{
	DIR *d = opendir(j->o->state_dir);
	char dir[AGENT_PATH_MAX];
	struct agent_net n;
	struct dirent *e;
	int rc = 0;

	while (d && !rc && (e = readdir(d))) {
		if (e->d_name[0] == '.' ||
		    !path_join(dir, sizeof(dir), j->o->state_dir, str_from(e->d_name)))
			continue;
		if (agent_net_read(&n, dir, err) == 0 && strcmp(n.url, j->url) == 0 &&
		    strcmp(n.role, "client") == 0)
			rc = rn_fail(
				err, RN_ECANTCREAT,
				"this machine is in the network %s of %s already (as node %s); "
				"rn leave %s first",
				n.name, n.url, n.node, n.name);
	}
	if (d)
		closedir(d);
	return rc;
}

static int join(struct join *j, struct rn_error *err)
{
	int rc = invite_parse(&j->invite, str_from(j->o->invite), err);

	if (rc)
		return rc;
	snprintf(j->url, sizeof(j->url), j->invite.port == 443 ? "https://%s" : "https://%s:%u",
		 j->invite.host, (unsigned)j->invite.port);
	rc = check_not_joined(j, err);
	if (!rc)
		rc = join_make_keys(j, err);
	if (!rc)
		rc = get_trust(j, err);
	if (!rc)
		rc = ask_in(j, err);
	return rc ? rc : join_install(j, err);
}

int agent_join(const struct join_options *o, struct agent_net *n, struct rn_error *err)
{
	struct join j = {.o = o};
	int rc;

	arena_init(&j.arena, 1 << 18);
	buf_init(&j.csr, REC_LINE_MAX);
	rc = join(&j, err);
	if (!rc)
		rc = agent_net_read(n, j.dir, err);
	else if (j.dir[0])
		join_remove_dir(j.dir);
	auth_key_free(j.sign_key);
	buf_free(&j.csr);
	arena_free(&j.arena);
	secret_wipe(&j.invite, sizeof(j.invite));
	return rc;
}
