/* SPDX-License-Identifier: MIT
 *
 * The control plane: an invitation serves once even when two processes use it, addresses run out,
 * organisations do not see each other, the audit chain shows tampering, names and ports are stable
 * and unique, bundles are deterministic.
 */
#include "console/console.h"
#include "store/store.h"
#include "tap.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static struct rn_error err;
static struct buf out;

static const char *at(const char *name)
{
	static char path[4][160];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

/* The value of KEY in the last answer's record of KIND. */
static const char *answer(const char *kind, const char *key)
{
	static char text[8][512];
	static unsigned next;
	static struct rec r;
	char *t = text[next++ % 8];
	struct rec_reader rd;

	*t = '\0';
	rec_reader_mem(&rd, buf_str(&out), "answer");
	while (rec_read(&rd, &r, &err) == 1) {
		if (rec_is(&r, kind))
			str_copy(t, sizeof(text[0]),
				 strcmp(key, kind) == 0 ? rec_id(&r) : rec_get(&r, key));
	}
	rec_reader_free(&rd);
	return t;
}

static void make_console(const char *name, const char *network)
{
	char folder[160], node[160];

	snprintf(folder, sizeof(folder), "%s/%s", dir, name);
	snprintf(node, sizeof(node), "%s/%s-gateway", dir, name);
	struct console_setup s = {.dir = folder,
				  .node_dir = node,
				  .domain = "gw.example.com",
				  .address = "203.0.113.2",
				  .organization = "one",
				  .owner = "owner",
				  .network = network,
				  .cgi = "",
				  .https_port = 443,
				  .http_port = 80,
				  .wg_port = 51820,
				  .management = ""};

	buf_clear(&out);
	if (console_init(&s, &out, &err))
		printf("# %s\n", err.text);
	TAP_OK(*answer("invitation", "url"), "a console is made");
	TAP_OK(console_init(&s, &out, &err) == RN_ECANTCREAT, "and not a second time");
}

static struct console *open_as(const char *name, const char *org, struct console_actor *a)
{
	struct console *c;

	if (console_open(&c, at(name), &err) || console_actor_cli(c, str_from(org), a, &err))
		printf("# %s\n", err.text);
	return c;
}

/* Joins with fresh keys; the answer's code, the answer in out. */
static int join(struct console *c, const char *token, const char *name)
{
	char wg[BASE64_SIZE(32)], sign[BASE64_SIZE(32)];
	uint8_t raw[32];

	random_bytes(raw, sizeof(raw));
	base64_encode(wg, raw, sizeof(raw), BASE64_STD);
	random_bytes(raw, sizeof(raw));
	base64_encode(sign, raw, sizeof(raw), BASE64_STD);
	struct console_join j = {.token = str_from(token),
				 .name = str_from(name),
				 .wg_key = str_from(wg),
				 .sign_key = str_from(sign),
				 .client_type = STR("test")};

	buf_clear(&out);
	return console_join(c, &j, STR("192.0.2.1"), &out, &err);
}

/* A new token, into TOKEN. */
static void invite(struct console *c, const struct console_actor *a,
		   char token[static TOKEN_LEN + 1])
{
	struct console_invite i = {0};
	struct invite parsed;

	buf_clear(&out);
	if (console_invite(c, a, &i, &out, &err) ||
	    invite_parse(&parsed, str_from(answer("invitation", "url")), &err))
		printf("# %s\n", err.text);
	memcpy(token, parsed.token, TOKEN_LEN + 1);
}

static int join_new(struct console *c, const struct console_actor *a, const char *name)
{
	char token[TOKEN_LEN + 1];

	invite(c, a, token);
	return join(c, token, name);
}

/* ---- joining ----------------------------------------------------------------------------------
 */

static void test_single_use(void)
{
	struct console_actor a;
	struct console *c = open_as("c", "", &a);
	char token[TOKEN_LEN + 1];
	int pipes[2], joined = 0, refused = 0;

	invite(c, &a, token);
	console_close(c);
	if (pipe(pipes))
		return;
	for (int i = 0; i < 4; i++) {
		if (fork() == 0) {
			char go;

			c = open_as("c", "", &a);
			close(pipes[1]);
			if (read(pipes[0], &go, 1) < 0) /* all start when the pipe is closed */
				_exit(2);
			int rc = join(c, token, "racer");

			console_close(c);
			_exit(rc == 0 ? 0 : rc == RN_EPERM ? 77 : 1);
		}
	}
	close(pipes[1]);
	for (int i = 0; i < 4; i++) {
		int status;

		wait(&status);
		joined += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		refused += WIFEXITED(status) && WEXITSTATUS(status) == 77;
	}
	close(pipes[0]);
	TAP_OK(joined == 1 && refused == 3, "of four that use one invitation at once, one joins");
	c = open_as("c", "", &a);
	TAP_OK(join(c, token, "late") == RN_EPERM, "later nobody does");
	TAP_OK(join(c, "AAAAAAAAAAAAAAAAAAAAAA", "x") == RN_EPERM, "an unknown token is refused");
	console_close(c);
}

static void test_join_bad_keys(void)
{
	struct console_actor a;
	struct console *c = open_as("c", "", &a);
	char token[TOKEN_LEN + 1];

	invite(c, &a, token);
	struct console_join j = {.token = str_from(token),
				 .name = STR("x"),
				 .wg_key = STR("short"),
				 .sign_key = STR("")};

	TAP_OK(console_join(c, &j, STR("192.0.2.1"), &out, &err) == RN_EDATA,
	       "a bad key is refused");
	TAP_OK(join(c, token, "Ada's Laptop!") == 0, "and the invitation is not used up by it");
	TAP_OK(strcmp(answer("node", "name"), "ada-s-laptop") == 0, "a name is made valid");
	char first[64];

	snprintf(first, sizeof(first), "%s", answer("node", "node"));
	TAP_OK(join_new(c, &a, "ada-s-laptop") == 0 &&
		       strcmp(answer("node", "name"), "ada-s-laptop-2") == 0 &&
		       strcmp(answer("node", "node"), first) != 0,
	       "and free");
	console_close(c);
}

static void test_exhaustion(void)
{
	struct console_actor a;
	struct store *s;
	int joined = 0, rc;

	make_console("small", "10.9.0.0/24");
	TAP_OK(store_open(&s, at("small/console.db"), STORE_CHECK, &err) == 0 &&
		       store_exec(s, "UPDATE organizations SET next_number = 245", NULL, &err,
				  "") == 0,
	       "most of a small network was given out and is free again");
	store_close(s);
	struct console *c = open_as("small", "", &a);

	for (int i = 245; i <= 254; i++)
		joined += join_new(c, &a, "n") == 0;
	TAP_OK(joined == 10 && str_starts(str_from(answer("node", "address")), STR("10.9.0.254,")),
	       "fresh addresses first, up to the last");
	TAP_OK(join_new(c, &a, "gap") == 0 &&
		       str_starts(str_from(answer("node", "address")), STR("10.9.0.2,")),
	       "then the lowest free one");
	console_close(c);

	TAP_OK(store_open(&s, at("small/console.db"), STORE_CHECK, &err) == 0 &&
		       store_exec(s,
				  "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n "
				  "WHERE i < 244)"
				  " INSERT INTO nodes (id, org, role, name, network, number, "
				  "address4, address6, status,"
				  " created_at) SELECT 'f' || i, 1, 'client', 'f' || i, 'one', i, "
				  "i, i, 'new', 0 FROM n",
				  NULL, &err, "") == 0,
	       "the rest is given out");
	store_close(s);
	c = open_as("small", "", &a);
	rc = join_new(c, &a, "none");
	TAP_OK(rc == RN_ENO && strstr(err.text, "full"), "a full network says so");
	TAP_OK(console_remove(c, &a, STR("device"), STR("f100"), &err) == 0 &&
		       join_new(c, &a, "again") == 0 &&
		       str_starts(str_from(answer("node", "address")), STR("10.9.0.100,")),
	       "a freed address is taken then");
	console_close(c);
}

/* ---- services ---------------------------------------------------------------------------------
 */

static struct console_actor node_actor(const struct console_actor *a, const char *id)
{
	struct console_actor n = {.kind = CONSOLE_NODE, .org = a->org};

	snprintf(n.id, sizeof(n.id), "%s", id);
	return n;
}

static int expose(struct console *c, const struct console_actor *a, const char *protocol,
		  const char *name, const char *subdomain, bool public_)
{
	struct console_service s = {.name = str_from(name),
				    .local_address = STR("localhost:3000"),
				    .protocol = str_from(protocol),
				    .tunnel_port = 4000,
				    .subdomain = str_from(subdomain),
				    .public_ = public_,
				    .auth_required = true};

	buf_clear(&out);
	return console_service_open(c, a, &s, &out, &err);
}

static bool export_has(struct console *c, const struct console_actor *a, const char *text)
{
	buf_clear(&out);
	return console_export(c, a, STR("gw1"), &out, &err) == 0 &&
	       str_find_str(buf_str(&out), str_from(text)) >= 0;
}

static void test_services(void)
{
	struct console_actor a;
	struct console *c = open_as("c", "", &a);
	char id[64], url[512], want[256];

	join_new(c, &a, "dev-server");
	struct console_actor dev = node_actor(&a, answer("node", "node"));

	join_new(c, &a, "other");
	struct console_actor other = node_actor(&a, answer("node", "node"));

	TAP_OK(expose(c, &dev, "http", NULL, NULL, false) == 0, "a service is made");
	snprintf(id, sizeof(id), "%s", answer("service", "service"));
	snprintf(url, sizeof(url), "%s", answer("service", "url"));
	TAP_OK(str_starts(str_from(id), STR("dev-server-")) &&
		       strlen(id) == strlen("dev-server-") + 6,
	       "with a readable name");
	TAP_OK(strstr(answer("service", "share"), "?rn_link="), "and a share link");
	snprintf(want, sizeof(want), "policy=reach-%s effect=allow from=link,org to=resource:%s\n",
		 id, id);
	TAP_OK(export_has(c, &a, want), "which a link or the organisation may reach");
	TAP_OK(expose(c, &dev, "http", NULL, NULL, true) == 0 &&
		       strcmp(answer("service", "url"), url) == 0,
	       "asked for again it is the same one");
	snprintf(want, sizeof(want), "policy=reach-%s effect=allow from=any to=resource:%s\n", id,
		 id);
	TAP_OK(export_has(c, &a, want), "now open to anybody");
	TAP_OK(console_remove(c, &other, STR("service"), str_from(id), &err) == RN_EPERM,
	       "another node cannot remove it");
	TAP_OK(console_remove(c, &dev, STR("service"), str_from(id), &err) == 0, "its own can");
	TAP_OK(expose(c, &dev, "http", NULL, NULL, false) == 0 &&
		       strcmp(answer("service", "url"), url) == 0,
	       "and made anew it has the same name");

	TAP_OK(expose(c, &dev, "http", "shop", "shop", false) == 0, "an asked subdomain is given");
	TAP_OK(expose(c, &other, "http", "mine", "shop", false) == RN_ENO && err.sys == EEXIST &&
		       !strstr(err.text, "dev-server"),
	       "and taken for others, who do not learn by whom");
	TAP_OK(expose(c, &other, "http", "mine", "Not_Good", false) == RN_EDATA,
	       "a bad label is refused");

	TAP_OK(expose(c, &dev, "tcp", "ssh", NULL, false) == 0 &&
		       !*answer("service", "public_address"),
	       "a private tcp service has no public port");
	TAP_OK(str_starts(str_from(answer("service", "tunnel_address")), STR("10.77.0.1:3")),
	       "but one in the tunnel");
	snprintf(id, sizeof(id), "%s", answer("service", "service"));
	snprintf(want, sizeof(want), "policy=reach-%s effect=allow from=org to=resource:%s\n", id,
		 id);
	TAP_OK(export_has(c, &a, want), "for the organisation");
	TAP_OK(expose(c, &dev, "tcp", "ssh", NULL, true) == 0 &&
		       strstr(answer("service", "public_address"), "gw.example.com:2"),
	       "made public it gets one");
	console_close(c);
}

static void test_ports_unique(void)
{
	struct console_actor a;
	struct console *c = open_as("c", "", &a);
	int64_t all = -1, distinct = -2;
	struct store *s;
	bool good = true;

	join_new(c, &a, "many");
	struct console_actor dev = node_actor(&a, answer("node", "node"));

	for (int i = 0; i < 24; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%d", i);
		good = good && expose(c, &dev, i & 1 ? "tcp" : "udp", name, NULL, true) == 0;
	}
	console_close(c);
	TAP_OK(good && store_open(&s, at("c/console.db"), STORE_CHECK, &err) == 0,
	       "24 services with ports");
	good = store_get_int(s, &all, "SELECT count(*) FROM services WHERE public_port IS NOT NULL",
			     &err, "") == 1 &&
	       store_get_int(
		       s, &distinct,
		       "SELECT count(*) FROM (SELECT DISTINCT protocol, public_port FROM services"
		       " WHERE public_port IS NOT NULL)",
		       &err, "") == 1;
	TAP_OK(good && all == distinct && all >= 24, "none of them twice");
	store_close(s);
}

/* ---- organisations ----------------------------------------------------------------------------
 */

static int add(struct console *c, const struct console_actor *a, const char *line)
{
	static struct rec r;

	buf_clear(&out);
	if (rec_parse(&r, str_from(line), NULL, &err))
		return err.code;
	return console_add(c, a, &r, &out, &err);
}

static void test_isolation(void)
{
	struct console_actor one, two;
	struct console *c = open_as("c", "one", &one);
	char id[64];

	TAP_OK(add(c, &one, "organization=two") == 0 &&
		       console_actor_cli(c, STR("two"), &two, &err) == 0,
	       "a second organisation");
	TAP_OK(join_new(c, &one, "secret") == 0, "a device of the first");
	snprintf(id, sizeof(id), "%s", answer("node", "node"));
	buf_clear(&out);
	TAP_OK(console_list(c, &two, STR("device"), NULL, &out, &err) == 0 && out.len == 0,
	       "the second sees no device");
	TAP_OK(console_show(c, &two, STR("device"), str_from(id), &out, &err) == RN_ENO,
	       "cannot look at it");
	TAP_OK(console_remove(c, &two, STR("device"), str_from(id), &err) == RN_ENO,
	       "cannot remove it");
	TAP_OK(console_export(c, &two, str_from(id), &out, &err) == RN_ENO,
	       "cannot have its bundle");
	TAP_OK(console_suspend(c, &two, STR("device"), str_from(id), true, &err) == RN_ENO,
	       "cannot suspend it");
	buf_clear(&out);
	TAP_OK(console_audit(c, &two, 0, 100, &out, &err) == 0 && out.len == 0,
	       "does not read its audit log");
	TAP_OK(add(c, &two, "gateway=own domain=two.example.org") == 0, "has a gateway of its own");
	TAP_OK(add(c, &two, "resource=x listen=https gateway=own host=shop2.gw.example.com") ==
			       RN_ENO &&
		       err.sys == EEXIST,
	       "and no name below the first one's");
	TAP_OK(add(c, &two, "resource=x listen=https gateway=own host=a.two.example.org") == 0,
	       "but below its own");
	struct console_actor user = {
		.kind = CONSOLE_USER, .role = CONSOLE_OWNER, .org = two.org, .id = "u"};

	buf_clear(&out);
	TAP_OK(console_list(c, &user, STR("organization"), NULL, &out, &err) == 0 &&
		       str_find_str(buf_str(&out), STR("organization=one")) < 0,
	       "its users see only it");
	TAP_OK(add(c, &user, "organization=three") == RN_EPERM, "and make no further one");
	console_close(c);
}

static void test_roles(void)
{
	struct console_actor a;
	struct console *c = open_as("c", "", &a);
	struct console_actor
		member = {.kind = CONSOLE_USER, .role = CONSOLE_MEMBER, .org = a.org, .id = "m"},
		admin = {.kind = CONSOLE_USER, .role = CONSOLE_ADMIN, .org = a.org, .id = "adm"};

	char id[64], resource[CONSOLE_NAME_MAX];
	int64_t org;

	join_new(c, &a, "owned");
	snprintf(id, sizeof(id), "%s", answer("node", "node"));
	TAP_OK(console_remove(c, &member, STR("device"), str_from(id), &err) == RN_EPERM,
	       "a member does not remove others' devices");
	TAP_OK(console_remove(c, &member, STR("gateway"), STR("gw1"), &err) == RN_EPERM,
	       "nor gateways");
	TAP_OK(add(c, &a, "resource=wild listen=https host=*.api.gw.example.com") == 0 &&
		       console_host_find(c, STR("x.api.gw.example.com"), resource, &org, &err) ==
			       0 &&
		       strcmp(resource, "wild") == 0 && org == a.org,
	       "a host name is found by its wildcard");
	TAP_OK(console_host_find(c, STR("evil.example.net"), resource, &org, &err) == RN_ENO,
	       "and a foreign one is not");
	TAP_OK(add(c, &member, "user=eve") == RN_EPERM && err.sys == EACCES,
	       "a member makes no user");
	TAP_OK(console_audit(c, &member, 0, 10, &out, &err) == RN_EPERM, "and reads no audit log");
	TAP_OK(add(c, &admin, "user=eve role=owner") == RN_EPERM, "an admin makes no owner");
	TAP_OK(add(c, &admin, "user=eve role=admin") == 0, "but an admin");
	TAP_OK(add(c, &admin, "user=eve") == RN_ENO && err.sys == EEXIST, "not twice");
	TAP_OK(console_remove(c, &a, STR("user"), STR("owner"), &err) == RN_EDATA,
	       "the last owner stays");
	struct console_actor who;

	TAP_OK(console_user_password(c, &a, STR("eve"), STR("correct horse"), &err) == 0,
	       "a password is set");
	TAP_OK(console_login(c, STR("eve"), STR("correct horse"), STR("192.0.2.9"), &who, &err) ==
			       0 &&
		       who.role == CONSOLE_ADMIN,
	       "and lets in");
	TAP_OK(console_login(c, STR("eve@one"), STR("correct horse"), STR("192.0.2.9"), &who,
			     &err) == 0,
	       "also with the organisation");
	for (int i = 0; i < 5; i++)
		TAP_OK(console_login(c, STR("eve"), STR("wrong horse!"), STR("192.0.2.9"), &who,
				     &err) == RN_EPERM,
		       "a wrong one does not");
	TAP_OK(console_login(c, STR("eve"), STR("correct horse"), STR("192.0.2.9"), &who, &err) ==
		       RN_EAGAIN,
	       "and after five not even the right one");
	console_close(c);
}

/* ---- bundles and audit ------------------------------------------------------------------------
 */

static void test_publish(void)
{
	struct console_actor a;
	struct console *c = open_as("c", "", &a);
	char serial[64], path[256];
	struct buf first, file;

	buf_init(&first, 8u << 20);
	buf_init(&file, 8u << 20);
	bool exported = console_export(c, &a, STR("gw1"), &first, &err) == 0;
	buf_clear(&out);
	exported = exported && console_export(c, &a, STR("gw1"), &out, &err) == 0;
	TAP_OK(exported && str_eq(buf_str(&first), buf_str(&out)), "an export is the same twice");
	TAP_OK(console_pub_path(c, STR("gw1.rn"), path, sizeof(path)) &&
		       file_read(path, &file, &err) == 0 && str_eq(buf_str(&first), buf_str(&file)),
	       "and what is published");
	TAP_OK(!console_pub_path(c, STR("../sign.key"), path, sizeof(path)) &&
		       !console_pub_path(c, STR(".rn"), path, sizeof(path)) &&
		       !console_pub_path(c, STR("../x.rn"), path, sizeof(path)),
	       "no other path can be asked for");
	buf_clear(&out);
	TAP_OK(console_publish(c, &a, STR("gw1"), &out, &err) == 0 &&
		       strcmp(answer("published", "changed"), "no") == 0,
	       "nothing changed: not published anew");
	snprintf(serial, sizeof(serial), "%s", answer("published", "serial"));
	console_pub_path(c, STR("gw1.rn"), path, sizeof(path));
	unlink(path);
	buf_clear(&out);
	TAP_OK(console_publish(c, &a, STR("gw1"), &out, &err) == 0 &&
		       strcmp(answer("published", "serial"), serial) == 0 &&
		       access(path, R_OK) == 0,
	       "a lost file comes back under the same serial");
	buf_free(&first);
	buf_free(&file);
	console_close(c);
}

static void test_audit(void)
{
	struct console_actor a;
	struct console *c = open_as("c", "", &a);
	struct store *s;

	buf_clear(&out);
	TAP_OK(console_audit_verify(c, &a, &out, &err) == 0 &&
		       strcmp(answer("chain", "chain"), "ok") == 0,
	       "the chain is whole");
	TAP_OK(store_open(&s, at("c/console.db"), STORE_CHECK, &err) == 0 &&
		       store_exec(s, "DROP TRIGGER audit_no_update", NULL, &err, "") == 0 &&
		       store_exec(s,
				  "UPDATE audit SET record = replace(record, ' actor=', ' "
				  "actor=x') WHERE seq = 3",
				  NULL, &err, "") == 0,
	       "somebody changes a record");
	buf_clear(&out);
	TAP_OK(console_audit_verify(c, &a, &out, &err) == RN_ENO &&
		       strcmp(answer("chain", "records"), "3") == 0,
	       "and it is found");
	TAP_OK(store_exec(s,
			  "UPDATE audit SET record = replace(record, ' actor=x', ' actor=') WHERE "
			  "seq = 3",
			  NULL, &err, "") == 0 &&
		       console_audit_verify(c, &a, &out, &err) == 0,
	       "put right it is whole again");
	TAP_OK(store_exec(s, "DROP TRIGGER audit_no_delete", NULL, &err, "") == 0 &&
		       store_exec(s, "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
				  NULL, &err, "") == 0 &&
		       console_audit_verify(c, &a, &out, &err) == RN_ENO,
	       "a cut-off end is found");
	store_close(s);
	console_close(c);
}

int main(void)
{
	char command[128];

	snprintf(dir, sizeof(dir), "/tmp/rn-console.XXXXXX");
	if (!secret_init() || !mkdtemp(dir))
		return 1;
	buf_init(&out, 8u << 20);
	make_console("c", "10.77.0.0/16");
	test_single_use();
	test_join_bad_keys();
	test_exhaustion();
	test_services();
	test_ports_unique();
	test_isolation();
	test_roles();
	test_publish();
	test_audit();
	buf_free(&out);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0 || tap_done();
}
