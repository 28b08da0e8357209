/* SPDX-License-Identifier: MIT
 *
 * Options of all commands, and opening the console.
 */
#include "rn-console.h"

#define DIR_OPTION                                                                                 \
	{                                                                                          \
		"dir", OPT_DIR, "DIR", 0,                                                          \
			"The console's folder (RN_CONSOLE_DIR, else STATE/console)", 0             \
	}
#define COMMON                                                                                     \
	DIR_OPTION,                                                                                \
	{                                                                                          \
		"org", OPT_ORG, "NAME", 0, "In this organisation; else the first one", 0           \
	}
#define EXPIRES                                                                                    \
	{                                                                                          \
		"expires-s", OPT_EXPIRES, "SECONDS", 0, "How long it is good for", 0               \
	}

const struct argp_option common_options[] = {COMMON, {0}};
const struct argp_option link_options[] = {
	COMMON,
	EXPIRES,
	{"generate", OPT_GENERATE, NULL, 0, "password: make one and print it", 0},
	{0}};
const struct argp_option invite_options[] = {
	COMMON,
	EXPIRES,
	{"gateway", OPT_GATEWAY, NULL, 0, "For a gateway, not a device", 0},
	{"user", OPT_USER, "NAME", 0, "The device will be this user's", 0},
	{0}};
const struct argp_option audit_options[] = {
	COMMON,
	{"verify", OPT_VERIFY, NULL, 0, "Follow the whole chain and print its head", 0},
	{"after", OPT_AFTER, "N", 0, "Only records behind number N", 0},
	{"limit", OPT_LIMIT, "N", 0, "The newest N (100)", 0},
	{0}};
const struct argp_option migrate_options[] = {
	DIR_OPTION, {"check", OPT_CHECK, NULL, 0, "Only look", 0}, {0}};
const struct argp_option init_options[] = {
	DIR_OPTION,
	{"address", OPT_ADDRESS, "IP", 0,
	 "Public address of this machine; joiners then need no DNS to find it", 0},
	{"https-port", OPT_HTTPS_PORT, "PORT", 0, "443", 0},
	{"http-port", OPT_HTTP_PORT, "PORT", 0, "80, which sends visitors on to HTTPS; 0: none", 0},
	{"wg-port", OPT_WG_PORT, "PORT", 0, "UDP port of the tunnel: 51820", 0},
	{"management-port", OPT_MANAGEMENT_PORT, "PORT", 0,
	 "Where rn-node takes new bundles, on 127.0.0.1: 9090", 0},
	{"network", OPT_NETWORK, "CIDR", 0, "Tunnel addresses: 10.77.0.0/16", 0},
	{"cert", OPT_CERT, "FILE", 0,
	 "PEM certificate for DOMAIN and *.DOMAIN; else the own CA signs one", 0},
	{"key", OPT_KEY, "FILE", 0, "Its PEM private key", 0},
	{"organization", OPT_ORGANIZATION, "NAME", 0,
	 "Name of the first organisation; else from DOMAIN", 0},
	{"owner", OPT_OWNER, "NAME", 0, "Name of the first user: owner", 0},
	{"cgi", OPT_CGI, "PATH", 0, "The REST program; else rn-console.cgi beside this one", 0},
	{0}};

static int number(const char *what, const char *arg, uint64_t max, uint64_t *out,
		  struct rn_error *err)
{
	if (!str_to_u64(str_from(arg), max, out))
		return rn_fail(err, RN_EUSAGE, "--%s=%s: a whole number up to %llu is needed", what,
			       arg, (unsigned long long)max);
	return 0;
}

static int port(const char *what, const char *arg, uint16_t *out, struct rn_error *err)
{
	uint64_t n;
	int rc = number(what, arg, 65535, &n, err);

	if (!rc)
		*out = (uint16_t)n;
	return rc;
}

static int parse_number(int key, const char *arg, struct options *o, struct rn_error *err)
{
	uint64_t n = 0;
	int rc;

	switch (key) {
	case OPT_HTTPS_PORT:
		return port("https-port", arg, &o->https_port, err);
	case OPT_HTTP_PORT:
		o->http_given = true;
		return port("http-port", arg, &o->http_port, err);
	case OPT_WG_PORT:
		return port("wg-port", arg, &o->wg_port, err);
	case OPT_MANAGEMENT_PORT:
		return port("management-port", arg, &o->management_port, err);
	case OPT_EXPIRES:
		rc = number("expires-s", arg, UINT32_MAX, &n, err);
		o->expires_s = (uint32_t)n;
		return rc;
	case OPT_LIMIT:
		rc = number("limit", arg, UINT32_MAX, &n, err);
		o->limit = (uint32_t)n;
		return rc;
	case OPT_AFTER:
		return number("after", arg, INT64_MAX, &o->after, err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int parse_option(int key, char *arg, void *opts, struct rn_error *err)
{
	struct options *o = opts;
	const struct {
		int key;
		const char **text;
		bool *flag;
	} plain[] = {{OPT_DIR, &o->dir, NULL},
		     {OPT_ORG, &o->org, NULL},
		     {OPT_ADDRESS, &o->address, NULL},
		     {OPT_NETWORK, &o->network, NULL},
		     {OPT_CERT, &o->cert, NULL},
		     {OPT_KEY, &o->key, NULL},
		     {OPT_ORGANIZATION, &o->organization, NULL},
		     {OPT_OWNER, &o->owner, NULL},
		     {OPT_CGI, &o->cgi, NULL},
		     {OPT_USER, &o->user, NULL},
		     {OPT_GATEWAY, NULL, &o->gateway},
		     {OPT_VERIFY, NULL, &o->verify},
		     {OPT_CHECK, NULL, &o->check},
		     {OPT_GENERATE, NULL, &o->generate}};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (plain[i].key != key)
			continue;
		if (plain[i].text)
			*plain[i].text = arg;
		else
			*plain[i].flag = true;
		return 0;
	}
	return parse_number(key, arg, o, err);
}

int console_folder(struct cli *c, char *out, size_t size)
{
	const struct options *o = c->opts;
	const char *dir = o->dir ? o->dir : getenv("RN_CONSOLE_DIR");
	int n = dir && *dir ? snprintf(out, size, "%s", dir)
			    : snprintf(out, size, "%s/console", c->state_dir);

	if (n < 0 || (size_t)n >= size)
		return rn_fail(&c->err, RN_EUSAGE, "the name of the console's folder is too long");
	return 0;
}

int work_open(struct cli *c, struct work *s)
{
	const struct options *o = c->opts;
	char dir[1024];

	*s = (struct work){0};
	buf_init(&s->out, 64u << 20);
	int rc = console_folder(c, dir, sizeof(dir));

	if (!rc)
		rc = console_open(&s->console, dir, &c->err);
	if (!rc)
		rc = console_actor_cli(s->console, str_from(o->org ? o->org : ""), &s->actor,
				       &c->err);
	return rc ? work_close(c, s, rc) : 0;
}

int work_close(struct cli *c, struct work *s, int rc)
{
	struct rn_error err;

	if (s->out.len && (rc == 0 || rc == RN_ENO)) {
		int put = rec_out_put(&c->out, buf_str(&s->out), &err);

		if (put && !rc) {
			c->err = err;
			rc = put;
		}
	}
	if (s->out.ptr)
		secret_wipe(s->out.ptr, s->out.cap);
	buf_free(&s->out);
	console_close(s->console);
	s->console = NULL;
	return rc;
}
