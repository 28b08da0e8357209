/* SPDX-License-Identifier: MIT */
#include "rn-forward.h"

enum { OPT_NETWORK = 0x100, OPT_UDP, OPT_READY };

static const struct argp_option forward_options[] = {
	{"udp", OPT_UDP, 0, 0,
	 "Carry datagrams: for an address; a service says by itself what it is", 0},
	{"network", OPT_NETWORK, "NET", 0, "Which joined network, if there are several", 0},
	{"ready-fd", OPT_READY, "FD", 0,
	 "Say \"ready\" on this descriptor once it listens and the tunnel is up, "
	 "and close it",
	 0},
	{0}};

static int parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct options *o = opts;
	uint64_t fd;

	switch (key) {
	case OPT_NETWORK:
		o->network = arg;
		return 0;
	case OPT_UDP:
		o->udp = true;
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
	{.args = "HOST:PORT [LOCAL]",
	 .doc = "Open a local port whose far end is HOST:PORT through the tunnel, and stay until "
		"Ctrl-C\v"
		"HOST is the name of an exposed service, of a device that exposes PORT, or an "
		"address inside the "
		"tunnel. LOCAL is localhost:5432, 5432 or ADDRESS:5432; without a port it is PORT, "
		"without LOCAL "
		"localhost. Instead of both, - reads forward records from standard input.",
	 .options = forward_options,
	 .parse = parse,
	 .opts_size = sizeof(struct options),
	 .run = app_run,
	 .min = 1,
	 .max = 2,
	 .daemon = true},
	{.name = "list", .doc = "Show the forwards that run on this machine", .run = run_list},
	{.name = "stop",
	 .args = "HOST:PORT",
	 .doc = "End one of them",
	 .run = run_stop,
	 .min = 1,
	 .max = 1,
	 .no_views = true},
	{0}};

static const char examples[] =
	"  rn forward remote-db:5432 localhost:5432   # then: psql -h localhost\n"
	"  rn forward shell:22 2022                   # then: ssh -p 2022 localhost\n"
	"  rn forward resolver:53 localhost:5353      # a udp service is carried as udp\n"
	"  rn forward list\n"
	"  rn forward stop remote-db:5432\n";

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {
		.name = "rn-forward",
		.doc = "Reach a remote service at a local port, through the tunnel",
		.cmds = cmds,
		.examples = examples};

	return cli_main(&prog, argc, argv);
}
