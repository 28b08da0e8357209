/* SPDX-License-Identifier: MIT */
#include "rn-expose.h"

enum { OPT_NAME = 0x100, OPT_PUBLIC, OPT_ALLOW, OPT_SUBDOMAIN, OPT_NETWORK, OPT_READY };

static const struct argp_option expose_options[] = {
	{"name", OPT_NAME, "NAME", 0,
	 "What to call it; the default is PROTOCOL-PORT. The same name on the same "
	 "machine keeps its public name",
	 0},
	{"public", OPT_PUBLIC, 0, 0, "Open it to everyone", 0},
	{"allow", OPT_ALLOW, "WHO", 0,
	 "Let WHO in: org, user:NAME, group:NAME, device:NAME, cidr:PREFIX or link; "
	 "may be given several times",
	 0},
	{"subdomain", OPT_SUBDOMAIN, "NAME", 0, "Ask for this public name (http, https)", 0},
	{"network", OPT_NETWORK, "NET", 0, "Which joined network, if there are several", 0},
	{"ready-fd", OPT_READY, "FD", 0,
	 "Say \"ready\" on this descriptor once it can be reached, and close it", 0},
	{0}};

static const struct argp_option net_options[] = {
	{"network", OPT_NETWORK, "NET", 0, "Which joined network, if there are several", 0}, {0}};

static int add_allow(struct options *o, const char *who, struct rn_error *err)
{
	size_t len = strlen(o->allow);
	struct buf element;
	int n;

	buf_init(&element, LIST_MAX);
	escape_element(&element, str_from(who));
	n = snprintf(o->allow + len, sizeof(o->allow) - len, "%s%.*s", len ? "," : "",
		     STR_ARG(buf_str(&element)));
	buf_free(&element);
	if (*who && n > 0 && (size_t)n < sizeof(o->allow) - len)
		return 0;
	return rn_fail(err, RN_EUSAGE, "--allow %s: empty, or too many", who);
}

static int parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct options *o = opts;
	uint64_t fd;

	switch (key) {
	case OPT_NAME:
		o->name = arg;
		return 0;
	case OPT_PUBLIC:
		o->public_ = true;
		return 0;
	case OPT_ALLOW:
		return add_allow(o, arg, err);
	case OPT_SUBDOMAIN:
		o->subdomain = arg;
		return 0;
	case OPT_NETWORK:
		o->network = arg;
		return 0;
	case OPT_READY:
		if (!str_to_u64(str_from(arg), 1 << 20, &fd))
			return rn_fail(err, RN_EUSAGE, "--ready-fd %s: not a descriptor", arg);
		o->ready_fd = (int)fd + 1;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct cli_cmd cmds[] = {
	{.args = "ADDRESS PROTOCOL",
	 .doc = "Make a local service reachable, and stay until Ctrl-C\v"
		"ADDRESS is localhost:3000, 3000, [::1]:80, HOST:PORT or unix:/path; PROTOCOL is "
		"http, https, tcp or udp. "
		"Instead of both, - reads service records from standard input.\n\n"
		"Without --public or --allow, http is reachable for who has the share link that is "
		"printed and who is "
		"logged in to the organisation; tcp and udp for the organisation's own devices.",
	 .options = expose_options,
	 .parse = parse,
	 .opts_size = sizeof(struct options),
	 .run = app_run,
	 .min = 1,
	 .max = 2,
	 .daemon = true},
	{.name = "list",
	 .doc = "Show this machine's services and whether they are up",
	 .options = net_options,
	 .parse = parse,
	 .opts_size = sizeof(struct options),
	 .run = run_list},
	{.name = "stop",
	 .args = "NAME",
	 .doc = "Take a service of this machine down",
	 .options = net_options,
	 .parse = parse,
	 .opts_size = sizeof(struct options),
	 .run = run_stop,
	 .min = 1,
	 .max = 1,
	 .no_views = true},
	{0}};

static const char examples[] =
	"  rn expose localhost:3000 http            # prints the URL and a share link\n"
	"  rn expose 3000 http --public             # for everyone\n"
	"  rn expose localhost:22 tcp --allow cidr:198.51.100.0/24\n"
	"  rn expose unix:/run/app.sock http --name app --subdomain app\n"
	"  rn-discover | rn expose -                # everything that runs here\n"
	"  rn expose list\n"
	"  rn expose stop app\n";

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {
		.name = "rn-expose",
		.doc = "Make local services reachable through the gateway",
		.cmds = cmds,
		.examples = examples};

	return cli_main(&prog, argc, argv);
}
