/* SPDX-License-Identifier: MIT
 *
 * A new console with its first gateway on the same machine: database, keys, own CA, certificate,
 * the gateway's folder, the first owner, the first bundle, an invitation.
 */
#include "console/inner.h"
#include "tls/x509.h"
#include "wg/wg.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define CA_DAYS 3650
#define PEM_MAX 65536
#define GATEWAY_NETWORK "gateway"

struct setup {
	const struct console_setup *in;
	struct console *c;
	char dir[PATH_MAX], node_dir[PATH_MAX];
	int64_t org, owner;
	struct console_actor actor;
	struct gateway gateway;
	char wg_pub[BASE64_SIZE(32)], sign_pub[BASE64_SIZE(32)];
	bool made_dir, made_node_dir;
};

/* ---- folders ----------------------------------------------------------------------------------
 */

static const char *const console_files[] = {"console.db",
					    "console.db-wal",
					    "console.db-shm",
					    "sign.key",
					    "sign.pub",
					    "ca.key",
					    "ca.crt",
					    "owner.token",
					    "owner.password",
					    "pub/trust.rn",
					    "pub/trust.rn.minisig",
					    "pub/gw1.rn",
					    "pub/gw1.rn.minisig",
					    "pub/.lock"};
static const char *const node_files[] = {"node.rn",   "wg.key",		  "sign.key", "tls.key",
					 "tls.crt",   "console.pub",	  "ca.crt",   "session.key",
					 "bundle.rn", "bundle.rn.minisig"};

static void file_in(char *path, size_t size, const char *dir, const char *name)
{
	snprintf(path, size, "%s/%s", dir, name);
}

/* Refuses a folder that has any of our files: nothing is ever overwritten. */
static int folder_take(const char *dir, const char *const *names, size_t n, char *real, bool *made,
		       struct rn_error *err)
{
	char path[PATH_MAX + 64];

	*made = access(dir, F_OK) != 0;
	int rc = dir_make(dir, 0700, err);

	if (!rc && !realpath(dir, real))
		rc = rn_fail_errno(err, RN_ECANTCREAT, "%s", dir);
	for (size_t i = 0; !rc && i < n; i++) {
		file_in(path, sizeof(path), real, names[i]);
		if (access(path, F_OK) == 0)
			rc = rn_fail(err, RN_ECANTCREAT,
				     "%s is there already; this machine was set up before", path);
	}
	return rc;
}

static void folder_clear(const char *dir, const char *const *names, size_t n, bool made)
{
	char path[PATH_MAX + 64];

	for (size_t i = 0; i < n; i++) {
		file_in(path, sizeof(path), dir, names[i]);
		unlink(path);
	}
	file_in(path, sizeof(path), dir, "pub");
	rmdir(path);
	if (made)
		rmdir(dir);
}

static int put_file(const char *dir, const char *name, mode_t mode, struct str text,
		    struct rn_error *err)
{
	char path[PATH_MAX + 64];

	file_in(path, sizeof(path), dir, name);
	return file_write(path, mode, text, err);
}

/* ---- keys and certificates --------------------------------------------------------------------
 */

static int console_keys(struct setup *s, struct rn_error *err)
{
	char path[PATH_MAX + 64];
	struct minisign_pub pub;
	struct buf text;

	s->c->key = auth_key_make();
	if (!s->c->key)
		return rn_fail(err, RN_EOS, "out of locked memory");
	file_in(path, sizeof(path), s->dir, "sign.key");
	int rc = auth_key_save(s->c->key, path, err);

	buf_init(&text, 4096);
	minisign_pub_from(&pub, auth_key_public(s->c->key));
	minisign_pub_format(&text, &pub);
	if (!rc)
		rc = put_file(s->dir, "sign.pub", 0644, buf_str(&text), err);
	if (!rc)
		rc = put_file(s->node_dir, "console.pub", 0644, buf_str(&text), err);
	buf_free(&text);
	return rc;
}

static int ca_make(struct setup *s, struct rn_error *err)
{
	struct x509_key *key = x509_key_new(err);
	char name[HOST_MAX + 32];
	struct buf pem;
	int rc = key ? 0 : err->code;

	buf_init(&pem, PEM_MAX);
	if (!rc)
		rc = x509_key_write(key, &pem, err);
	if (!rc)
		rc = put_file(s->dir, "ca.key", 0600, buf_str(&pem), err);
	if (pem.ptr)
		secret_wipe(pem.ptr, pem.cap);
	buf_clear(&pem);
	snprintf(name, sizeof(name), "Rustronaut %.40s", s->in->domain);
	if (!rc)
		rc = x509_ca_make(key, name, CA_DAYS, &pem, err);
	if (!rc)
		rc = put_file(s->dir, "ca.crt", 0644, buf_str(&pem), err);
	if (!rc) /* with a certificate from elsewhere the system's CAs vouch for us */
		rc = put_file(s->node_dir, "ca.crt", 0644, s->in->cert ? STR("") : buf_str(&pem),
			      err);
	x509_key_free(key);
	buf_free(&pem);
	return rc;
}

static int own_certificate(struct setup *s, struct buf *key_pem, struct buf *cert,
			   struct rn_error *err)
{
	struct x509_key *key = x509_key_new(err);
	char wildcard[HOST_MAX + 4];
	struct buf csr;
	int rc = key ? 0 : err->code;

	snprintf(wildcard, sizeof(wildcard), "*.%s", s->in->domain);
	struct str hosts[] = {str_from(s->in->domain), str_from(wildcard)};

	buf_init(&csr, PEM_MAX);
	if (!rc)
		rc = x509_key_write(key, key_pem, err);
	if (!rc)
		rc = x509_csr_make(key, hosts, ARRAY_LEN(hosts), &csr, err);
	if (!rc)
		rc = certificate_sign(s->c, buf_str(&csr), s->in->domain, cert, err);
	x509_key_free(key);
	buf_free(&csr);
	return rc;
}

static int given_certificate(const struct console_setup *in, struct buf *key_pem, struct buf *cert,
			     struct rn_error *err)
{
	struct x509_key *key;
	int rc = file_read(in->cert, cert, err);

	if (!rc)
		rc = file_read(in->key, key_pem, err);
	if (rc)
		return rc;
	key = x509_key_parse(buf_str(key_pem), err);
	if (!key)
		return rn_fail_in(err, "%s", in->key);
	if (!x509_key_matches(key, buf_str(cert)))
		rc = rn_fail(err, RN_EDATA, "%s is not the key of the certificate in %s", in->key,
			     in->cert);
	x509_key_free(key);
	return rc;
}

static int server_certificate(struct setup *s, struct rn_error *err)
{
	struct buf key, cert;

	buf_init(&key, PEM_MAX);
	buf_init(&cert, PEM_MAX);
	int rc = s->in->cert ? given_certificate(s->in, &key, &cert, err)
			     : own_certificate(s, &key, &cert, err);

	if (!rc)
		rc = put_file(s->node_dir, "tls.key", 0600, buf_str(&key), err);
	if (!rc)
		rc = put_file(s->node_dir, "tls.crt", 0644, buf_str(&cert), err);
	if (key.ptr)
		secret_wipe(key.ptr, key.cap);
	buf_free(&key);
	buf_free(&cert);
	return rc;
}

/* The gateway's own keys: made here because here is the gateway. */
static int node_keys(struct setup *s, struct rn_error *err)
{
	char path[PATH_MAX + 64];
	uint8_t pub[WG_KEY_LEN], *wg = auth_secret_make(), *session = auth_secret_make();
	struct auth_key *sign = auth_key_make();
	int rc = wg && session && sign ? 0 : rn_fail(err, RN_EOS, "out of locked memory");

	if (!rc) {
		wg_key_generate(wg);
		wg_key_public(pub, wg);
		base64_encode(s->wg_pub, pub, sizeof(pub), BASE64_STD);
		base64_encode(s->sign_pub, auth_key_public(sign), AUTH_PUB_LEN, BASE64_STD);
		file_in(path, sizeof(path), s->node_dir, "wg.key");
		rc = auth_secret_save(wg, path, err);
	}
	file_in(path, sizeof(path), s->node_dir, "session.key");
	if (!rc)
		rc = auth_secret_save(session, path, err);
	file_in(path, sizeof(path), s->node_dir, "sign.key");
	if (!rc)
		rc = auth_key_save(sign, path, err);
	secret_free(wg);
	secret_free(session);
	auth_key_free(sign);
	return rc;
}

/* ---- database ---------------------------------------------------------------------------------
 */

static int settings(struct setup *s, struct rn_error *err)
{
	char label_key[HEX_SIZE(sizeof(s->c->label_key))];
	struct console *c = s->c;

	random_bytes(c->label_key, sizeof(c->label_key));
	hex_encode(label_key, c->label_key, sizeof(c->label_key));
	const char *const pairs[][2] = {{"domain", c->domain},
					{"url", c->url},
					{"label_key", label_key},
					{"cgi", s->in->cgi},
					{"invite_address", s->in->address},
					{"own_ca", s->in->cert ? "no" : "yes"},
					{"console_gateway", "gw1"}};
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_LEN(pairs); i++)
		rc = meta_set(c, pairs[i][0], pairs[i][1], err);
	secret_wipe(label_key, sizeof(label_key));
	return rc;
}

static int first_gateway(struct setup *s, struct rn_error *err)
{
	const struct console_setup *in = s->in;
	struct node_new w = {.org = s->org,
			     .role = "gateway",
			     .network = GATEWAY_NETWORK,
			     .wanted = STR("gateway"),
			     .client_type = STR("rn-node"),
			     .wg_key = str_from(s->wg_pub),
			     .sign_key = str_from(s->sign_pub)};
	struct gateway_new g = {.domain = in->domain,
				.public_ip = in->address,
				.region = "",
				.instance_type = "",
				.management = in->management,
				.wg_port = in->wg_port,
				.https_port = in->https_port,
				.http_port = in->http_port};
	struct node n;
	int rc = node_make(s->c, &w, &n, err);

	if (!rc)
		rc = gateway_row(s->c, &n, &g, err);
	return rc ? rc : gateway_get(s->c, s->org, str_from(n.id), &s->gateway, err);
}

static int first_owner(struct setup *s, struct rn_error *err)
{
	char secret[API_TOKEN_LEN + 2], id[TOKEN_ID_SIZE], password[TOKEN_LEN + 2],
		hash[PASSWORD_HASH_MAX];
	int rc = user_make(s->c, s->org, str_from(s->in->owner), STR("owner"), &s->owner, err);

	if (!rc)
		rc = token_insert(s->c, s->owner, STR("first"), 0, secret, id, err);
	if (rc)
		return rc;
	token_make(password);
	rc = password_hash(hash, str_from(password), err);
	if (!rc)
		rc = store_exec(s->c->store, "UPDATE users SET password = ? WHERE id = ?", NULL,
				err, "zi", hash, s->owner);
	secret[API_TOKEN_LEN] = password[TOKEN_LEN] = '\n';
	if (!rc)
		rc = put_file(s->dir, "owner.token", 0600, str_make(secret, API_TOKEN_LEN + 1),
			      err);
	if (!rc)
		rc = put_file(s->dir, "owner.password", 0600, str_make(password, TOKEN_LEN + 1),
			      err);
	secret_wipe(secret, sizeof(secret));
	secret_wipe(password, sizeof(password));
	return rc;
}

static int database(struct setup *s, struct buf *out, struct rn_error *err)
{
	struct invitation_new invite = {.role = "client"};
	char path[PATH_MAX + 64];

	file_in(path, sizeof(path), s->dir, "console.db");
	int rc = store_open(&s->c->store, path, STORE_CREATE, err);

	if (!rc)
		rc = store_begin(s->c->store, STORE_WRITE, err);
	if (rc)
		return rc;
	rc = settings(s, err);
	if (!rc)
		rc = org_make(s->c, str_from(s->in->organization), str_from(s->in->network),
			      &s->org, err);
	if (!rc)
		rc = first_gateway(s, err);
	if (!rc)
		rc = first_owner(s, err);
	s->actor = (struct console_actor){
		.kind = CONSOLE_CLI, .role = CONSOLE_OWNER, .org = s->org, .id = "cli"};
	invite.org = s->org;
	if (!rc)
		rc = invitation_make(s->c, &invite, out, err);
	if (!rc)
		rc = audit_add(s->c, &s->actor, "console.init", "console", str_from(s->in->domain),
			       NULL, err);
	if (!rc)
		rc = store_commit(s->c->store, err);
	store_rollback(s->c->store);
	return rc;
}

/* ---- the gateway's folder ---------------------------------------------------------------------
 */

static int node_record(struct setup *s, struct rn_error *err)
{
	const struct node *n = &s->gateway.node;
	char addresses[2 * ADDR_TEXT_MAX];
	struct buf b;

	snprintf(addresses, sizeof(addresses), "%s,%s", n->address4, n->address6);
	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "node", str_from(n->id));
	rec_add_cstr(&b, "network", n->network);
	rec_add_cstr(&b, "role", "gateway");
	rec_add_cstr(&b, "url", s->c->url);
	rec_add_cstr(&b, "connect",
		     "127.0.0.1"); /* its own edge serves the console: no DNS needed */
	rec_add_raw(&b, "address", str_from(addresses));
	rec_add_cstr(&b, "name", n->name);
	if (*s->gateway.management)
		rec_add_cstr(&b, "management", s->gateway.management);
	rec_add_i64(&b, "joined_at", clock_wall_s());
	rec_end(&b);
	int rc = b.failed ? rn_fail(err, RN_EOS, "out of memory")
			  : put_file(s->node_dir, "node.rn", 0644, buf_str(&b), err);

	buf_free(&b);
	return rc;
}

static int first_bundle(struct setup *s, struct rn_error *err)
{
	static const char *const names[][2] = {{"gw1.rn", "bundle.rn"},
					       {"gw1.rn.minisig", "bundle.rn.minisig"}};
	char path[PATH_MAX + 64];
	struct buf b;
	int rc = publish_trust(s->c, !s->in->cert, err);

	if (!rc)
		rc = publish_dirty(s->c, err);
	buf_init(&b, OUT_MAX);
	for (size_t i = 0; !rc && i < ARRAY_LEN(names); i++) {
		buf_clear(&b);
		if (!console_pub_path(s->c, str_from(names[i][0]), path, sizeof(path)))
			rc = rn_fail(err, RN_EBUG, "no path for %s", names[i][0]);
		if (!rc)
			rc = file_read(path, &b, err);
		if (!rc)
			rc = put_file(s->node_dir, names[i][1], 0644, buf_str(&b), err);
	}
	buf_free(&b);
	return rc;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static int setup_check(const struct console_setup *in, struct rn_error *err)
{
	struct str rest = str_from(in->domain), label;
	struct addr a;

	if (!rest.len || rest.len > 200)
		return rn_fail(err, RN_EUSAGE, "%s: not a domain name", in->domain);
	while (str_cut(&rest, '.', &label)) {
		if (!label_valid(label))
			return rn_fail(err, RN_EUSAGE, "%s: not a domain name in lower case",
				       in->domain);
	}
	if (*in->address && (!addr_parse(&a, str_from(in->address), 0) || addr_port(&a)))
		return rn_fail(err, RN_EUSAGE, "%s: not an IP address", in->address);
	if (!network_valid(str_from(in->network)))
		return rn_fail(err, RN_EUSAGE, "%s: not an IPv4 network between /8 and /24",
			       in->network);
	if (*in->management && !addr_parse(&a, str_from(in->management), -1))
		return rn_fail(err, RN_EUSAGE, "%s: not ADDRESS:PORT", in->management);
	if (!in->cert != !in->key)
		return rn_fail(err, RN_EUSAGE, "a certificate and its key are needed together");
	if (*in->cgi && *in->cgi != '/')
		return rn_fail(err, RN_EUSAGE, "%s: the whole path of the REST program is needed",
			       in->cgi);
	if (!in->https_port || !in->wg_port)
		return rn_fail(err, RN_EUSAGE, "the HTTPS and the WireGuard port cannot be 0");
	return 0;
}

static void add_dns(struct buf *out, const char *host, const char *type, const char *value)
{
	rec_begin(out, "dns", str_from(host));
	rec_add_cstr(out, "type", type);
	rec_add_cstr(out, "value", value);
	rec_add_u64(out, "ttl_s", 300);
	rec_end(out);
}

static void report(struct setup *s, struct str invitation, struct buf *out)
{
	const struct console_setup *in = s->in;
	char wildcard[HOST_MAX + 4];

	rec_begin(out, "console", str_from(in->domain));
	rec_add_cstr(out, "url", s->c->url);
	rec_add_cstr(out, "dir", s->dir);
	rec_add_cstr(out, "node_dir", s->node_dir);
	rec_end(out);
	snprintf(wildcard, sizeof(wildcard), "*.%s", in->domain);
	if (*in->address)
		add_dns(out, in->domain, strchr(in->address, ':') ? "AAAA" : "A", in->address);
	add_dns(out, wildcard, "CNAME", in->domain);
	rec_begin(out, "user", str_from(in->owner));
	rec_add_cstr(out, "role", "owner");
	rec_end(out);
	buf_add(out, invitation);
}

static int setup_run(struct setup *s, struct buf *invitation, struct rn_error *err)
{
	int rc = console_keys(s, err);

	if (!rc)
		rc = node_keys(s, err);
	if (!rc)
		rc = ca_make(s, err);
	if (!rc)
		rc = server_certificate(s, err);
	if (!rc)
		rc = database(s, invitation, err);
	if (!rc)
		rc = node_record(s, err);
	return rc ? rc : first_bundle(s, err);
}

int console_init(const struct console_setup *in, struct buf *out, struct rn_error *err)
{
	struct setup s = {.in = in, .c = calloc(1, sizeof(*s.c))};
	struct buf invitation;
	bool mine = false, node_mine = false;
	int rc = s.c ? setup_check(in, err) : rn_fail(err, RN_EOS, "out of memory");

	buf_init(&invitation, REC_LINE_MAX);
	if (!rc)
		rc = folder_take(in->dir, console_files, ARRAY_LEN(console_files), s.dir,
				 &s.made_dir, err);
	mine = !rc;
	if (!rc)
		rc = folder_take(in->node_dir, node_files, ARRAY_LEN(node_files), s.node_dir,
				 &s.made_node_dir, err);
	node_mine = !rc;
	if (!rc && !str_copy(s.c->dir, sizeof(s.c->dir), str_from(s.dir)))
		rc = rn_fail(err, RN_EUSAGE, "%s: the name is too long", s.dir);
	if (!rc) {
		s.c->no_push = true;
		snprintf(s.c->domain, sizeof(s.c->domain), "%s", in->domain);
		snprintf(s.c->url, sizeof(s.c->url),
			 in->https_port == 443 ? "https://%s" : "https://%s:%u", in->domain,
			 in->https_port);
		rc = setup_run(&s, &invitation, err);
	}
	if (!rc)
		report(&s, buf_str(&invitation), out);
	console_close(s.c);
	if (rc && mine)
		folder_clear(s.dir, console_files, ARRAY_LEN(console_files), s.made_dir);
	if (rc && node_mine)
		folder_clear(s.node_dir, node_files, ARRAY_LEN(node_files), s.made_node_dir);
	if (invitation.ptr)
		secret_wipe(invitation.ptr, invitation.cap);
	buf_free(&invitation);
	return rc;
}
