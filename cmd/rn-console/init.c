/* SPDX-License-Identifier: MIT
 *
 * rn-console init.
 */
#include "net/net.h"
#include "rn-console.h"

#include <arpa/inet.h>
#include <limits.h>
#include <unistd.h>

/* "gateway.example.com" is made by example; a name of two labels by its first. */
static void organization_name(char *out, size_t size, const char *domain)
{
	struct str rest = str_from(domain), first = {0}, second = {0}, third = {0};

	str_cut(&rest, '.', &first);
	if (rest.ptr)
		str_cut(&rest, '.', &second);
	if (rest.ptr)
		str_cut(&rest, '.', &third);
	if (!str_copy(out, size, third.len ? second : first))
		snprintf(out, size, "main");
}

static bool is_private(const struct in_addr *a)
{
	uint32_t ip = ntohl(a->s_addr);

	return ip >> 24 == 10 || ip >> 24 == 127 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 ||
	       ip >> 16 == 0xa9fe || ip >> 22 == 0x191; /* 100.64.0.0/10 */
}

/* The address that packets to the world leave by, if it is a public one; only for the printed DNS
 * record. Nothing is sent: connecting a UDP socket just asks the routing table. */
static void guess_address(char out[static ADDR_TEXT_MAX])
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)}, from = {0};
	socklen_t len = sizeof(from);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, "192.0.2.1", &to.sin_addr); /* RFC 5737 */
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&from, &len) == 0 && !is_private(&from.sin_addr))
		inet_ntop(AF_INET, &from.sin_addr, out, ADDR_TEXT_MAX);
	if (fd >= 0)
		close(fd);
}

struct told { /* what the answer's records hold */
	struct arena mem;
	struct str dir, node_dir, owner, invitation, address, type;
};

static int told_read(struct told *t, struct str answer, struct rn_error *err)
{
	struct rec_reader rd;
	struct rec *r = malloc(sizeof(*r));
	int rc = r ? 0 : rn_fail(err, RN_EOS, "out of memory");

	rec_reader_mem(&rd, answer, "answer");
	while (!rc && (rc = rec_read(&rd, r, err)) == 1) {
		rc = 0;
		if (rec_is(r, "console")) {
			t->dir = rec_text(r, "dir", &t->mem);
			t->node_dir = rec_text(r, "node_dir", &t->mem);
		} else if (rec_is(r, "user")) {
			t->owner = arena_str(&t->mem, rec_id(r));
		} else if (rec_is(r, "invitation")) {
			t->invitation = rec_text(r, "url", &t->mem);
		} else if (rec_is(r, "dns") && !str_is(rec_get(r, "type"), "CNAME")) {
			t->type = rec_text(r, "type", &t->mem);
			t->address = rec_text(r, "value", &t->mem);
		}
	}
	rec_reader_free(&rd);
	free(r);
	return rc;
}

static void tell(struct cli *c, const struct console_setup *s, const struct told *t)
{
	char guess[ADDR_TEXT_MAX] = "";

	if (!t->address.len)
		guess_address(guess);
	cli_printf(c, "The console and gateway of %s are made.\n\n", s->domain);
	cli_printf(c, "DNS records to have:\n");
	if (t->address.len)
		cli_printf(c, "  %s. 300 IN %s %s\n", s->domain, t->type.ptr, t->address.ptr);
	else
		cli_printf(c, "  %s. 300 IN A %s\n", s->domain,
			   *guess ? guess : "THE.PUBLIC.ADDRESS.OF.THIS.MACHINE");
	cli_printf(c, "  *.%s. 300 IN CNAME %s.\n\n", s->domain, s->domain);
	cli_printf(c, "Next:\n");
	cli_printf(c, "  start the gateway here:     rn-node run gateway\n");
	cli_printf(c, "  join from another machine:  rn join %s\n", t->invitation.ptr);
	cli_printf(
		c,
		"  (the invitation serves once, within a day; another one: rn-console invite)\n\n");
	cli_printf(c,
		   "The first user is %s: password in %s/owner.password, API token in "
		   "%s/owner.token\n",
		   t->owner.ptr, t->dir.ptr, t->dir.ptr);
	if (!s->cert)
		cli_printf(c, "The certificate is signed by the console's own CA: %s/ca.crt\n",
			   t->dir.ptr);
}

static int init_tell(struct cli *c, const struct console_setup *s, struct str answer)
{
	struct told t = {0};

	arena_init(&t.mem, 1u << 20);
	int rc = told_read(&t, answer, &c->err);

	if (!rc && !(t.dir.ptr && t.owner.ptr && t.invitation.ptr))
		rc = rn_fail(&c->err, RN_EBUG, "init answered without what was made");
	if (!rc)
		tell(c, s, &t);
	arena_free(&t.mem);
	return rc;
}

/* Installed it lies in ../lib/rustronaut, just built beside us. */
static void find_cgi(const struct cli *c, char *out, size_t size)
{
	static const char *const places[] = {"../lib/rustronaut", "."};
	char path[PATH_MAX], real[PATH_MAX];

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(path, sizeof(path), "%s/%s/rn-console.cgi", c->bin_dir, places[i]);
		if (realpath(path, real) && str_copy(out, size, str_from(real)))
			return;
	}
	snprintf(out, size, "%s/rn-console.cgi", c->bin_dir);
}

int run_init(struct cli *c, int argc, char **argv)
{
	const struct options *o = c->opts;
	char dir[1024], node_dir[1100], cgi[1100], organization[CONSOLE_NAME_MAX], management[32];
	struct buf out;

	(void)argc;
	int rc = console_folder(c, dir, sizeof(dir));

	if (rc)
		return rc;
	find_cgi(c, cgi, sizeof(cgi));
	snprintf(node_dir, sizeof(node_dir), "%s/gateway", c->state_dir);
	organization_name(organization, sizeof(organization), argv[0]);
	snprintf(management, sizeof(management), "127.0.0.1:%u",
		 o->management_port ? (unsigned)o->management_port : 9090u);
	struct console_setup s = {
		.dir = dir,
		.node_dir = node_dir,
		.domain = argv[0],
		.address = o->address ? o->address : "",
		.organization = o->organization ? o->organization : organization,
		.owner = o->owner ? o->owner : "owner",
		.network = o->network ? o->network : "10.77.0.0/16",
		.cgi = o->cgi ? o->cgi : cgi,
		.cert = o->cert,
		.key = o->key,
		.https_port = o->https_port ? o->https_port : 443,
		.http_port = o->http_given ? o->http_port : 80,
		.wg_port = o->wg_port ? o->wg_port : 51820,
		.management = management,
	};

	buf_init(&out, 65536);
	rc = console_init(&s, &out, &c->err);
	if (!rc)
		rc = init_tell(c, &s, buf_str(&out));
	if (out.ptr)
		secret_wipe(out.ptr, out.cap);
	buf_free(&out);
	return rc;
}
