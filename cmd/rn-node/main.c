/* SPDX-License-Identifier: MIT */
#include "rn-node.h"

static const struct argp_option join_options[] = {
	{"name", 'n', "NAME", 0, "What this machine is to be called (default: its host name)", 0},
	{"type", 't', "TEXT", 0, "What kind of machine it is, for the console's list", 0},
	{"public-ip", 'p', "ADDRESS", 0,
	 "Gateway: where the internet reaches it (default: where the console sees it)", 0},
	{0}};

static const struct argp_option run_options[] = {
	{"interval", 'i', "SECONDS", 0, "Ask the console for news this often (default 30)", 0},
	{"rollback", 'b', "SECONDS", 0,
	 "Go back to the bundle before if the console, reached so far, is not reached this long after a "
	 "change (default 20; 0: never)", 0},
	{"management", 'm', "ADDRESS:PORT", 0,
	 "Gateway: the management port (default 127.0.0.1:9090, or as the bundle says)", 0},
	{"leave-running", 'l', 0, 0,
	 "On SIGTERM end alone; rn-wg and rn-proxy go on, and the next agent adopts them", 0},
	{"ready-fd", 'r', "FD", 0,
	 "Say \"ready\" on this descriptor and close it, once all programs are up", 0},
	{0}};

static const struct argp_option apply_options[] = {
	{"dry-run", 'n', 0, 0,
	 "Only print the lines that differ, - for what goes, + for what comes; exit 1 if any", 0},
	{"network", 'N', "NAME", 0, "Which network (default: the only one)", 0},
	{"signature", 's', "FILE", 0, "Its signature (default: FILE.minisig)", 0},
	{0}};

static const struct cli_cmd cmds[] = {
	{.name = "join", .args = "INVITATION", .options = join_options, .parse = join_parse,
	 .opts_size = sizeof(struct join_opts), .run = run_join, .min = 1, .max = 1,
	 .doc = "Join the network that an invitation is for\v"
		"The keys are made here and never leave. The invitation's secret is sent only to "
		"the console whose key the invitation names."},
	{.name = "run", .args = "[NETWORK]", .options = run_options, .parse = run_parse,
	 .opts_size = sizeof(struct run_options), .run = run_run, .min = 0, .max = 1,
	 .no_views = true, .daemon = true,
	 .doc = "Keep the tunnel (and on a gateway the proxy) running and its bundle fresh\v"
		"Programs that run already are adopted; what dies is started again. Without the "
		"console all goes on with the last good bundle. SIGHUP asks the console now."},
	{.name = "pull", .args = "[NETWORK]", .run = run_pull, .min = 0, .max = 1,
	 .doc = "Ask the console for this node's bundle now, and apply it"},
	{.name = "apply", .args = "FILE", .options = apply_options, .parse = apply_parse,
	 .opts_size = sizeof(struct apply_opts), .run = run_apply, .min = 1, .max = 1,
	 .doc = "Apply a signed bundle from a file, or show what it would change\v"
		"It is held to the same rules as one from the console. - is standard input."},
	{.name = "show", .args = "[NETWORK]", .run = run_show, .min = 0, .max = 1,
	 .doc = "Print how this node and its programs are"},
	{.name = "status", .args = "[NETWORK]", .run = run_show, .min = 0, .max = 1,
	 .doc = "The same as show"},
	{.name = "leave", .args = "[NETWORK]", .run = run_leave, .min = 0, .max = 1,
	 .no_views = true,
	 .doc = "Leave a network: end its tunnel, remove its keys and its folder"},
	{0}};

static const char examples[] =
	"  rn join rn://gateway.example.com/2VbYp…\n"
	"      once, with the invitation that you were given\n"
	"  rn-node run\n"
	"      on a gateway this is the service; on a client it keeps the tunnel up\n"
	"  rn-node show\n"
	"      how is it?\n"
	"  rn-console export gw1 | rn-node apply --dry-run -\n"
	"      what would the next bundle change here?\n"
	"  curl http://127.0.0.1:9090/healthz\n"
	"      is this gateway well?\n";

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {
		.name = "rn-node",
		.doc = "The agent on a gateway or client: joins, keeps bundle and programs fresh",
		.cmds = cmds,
		.examples = examples,
	};

	return cli_main(&prog, argc, argv);
}
