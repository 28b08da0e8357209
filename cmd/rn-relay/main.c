/* SPDX-License-Identifier: MIT */
#include "link.h"

#include "wg/namespace.h"
#include "wg/sandbox.h"

#include <signal.h>

static int parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct relay_options *o = opts;
	uint64_t n;
	const struct {
		int key;
		const char **to;
	} texts[] = {
		{'t', &o->to}, {'c', &o->cert}, {'k', &o->key}, {'a', &o->ca}, {'n', &o->name}};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].key != key)
			continue;
		*texts[i].to = arg;
		return 0;
	}
	if (key != 'm' && key != 'r')
		return ARGP_ERR_UNKNOWN;
	if (!str_to_u64(str_from(arg), 65535, &n) || (key == 'm' && !n))
		return rn_fail(err, RN_EUSAGE, "%s: not a number up to 65535", arg);
	if (key == 'm')
		o->max = n;
	else
		o->ready_fd = (int)n + 1;
	return 0;
}

static void end_signal(void *ctx, int signo)
{
	(void)signo;
	loop_stop(ctx);
}

int serve(struct cli *c, struct loop *l, int ready_fd)
{
	static const char *const no_folders[] = {NULL};
	int code = loop_signal(l, SIGTERM, end_signal, l, &c->err);
	if (!code)
		code = loop_signal(l, SIGINT, end_signal, l, &c->err);
	if (!code)
		code = privilege_drop(&c->err);
	if (code)
		return code;
	sandbox_enter(SANDBOX_HOST, no_folders);
	ready_tell(getenv("NOTIFY_SOCKET"), ready_fd);
	return loop_run(l, &c->err);
}

static const struct argp_option listen_options[] = {
	{"to", 't', "ADDRESS:PORT", 0, "The UDP port that all is for, WireGuard's", 0},
	{"cert", 'c', "FILE", 0, "The certificate and its chain (PEM)", 0},
	{"key", 'k', "FILE", 0, "Its key (PEM), not readable by others", 0},
	{"max", 'm', "N", 0, "Connections at a time; default is 1024", 0},
	{"ready-fd", 'r', "FD", 0, "Say \"ready\" on this descriptor and close it", 0},
	{0}};

static const struct argp_option dial_options[] = {
	{"ca", 'a', "FILE", 0, "Trust only these authorities (PEM); default is the system's", 0},
	{"name", 'n', "NAME", 0, "The name in the certificate; default is HOST", 0},
	{"ready-fd", 'r', "FD", 0, "Say \"ready\" on this descriptor and close it", 0},
	{0}};

static const struct cli_cmd cmds[] = {
	{.name = "listen",
	 .args = "ADDRESS:PORT",
	 .doc = "take TLS connections, pass their datagrams on to one UDP port\v"
		"For a gateway, beside rn-wg. Where it listens is printed as a socket record.",
	 .options = listen_options,
	 .parse = parse,
	 .opts_size = sizeof(struct relay_options),
	 .run = run_listen,
	 .min = 1,
	 .max = 1,
	 .daemon = true},
	{.name = "dial",
	 .args = "HOST:PORT",
	 .doc = "pass datagrams from a UDP port on loopback over TLS to a listening rn-relay\v"
		"rn-wg up --via does this by itself. The UDP port is printed as a socket record.",
	 .options = dial_options,
	 .parse = parse,
	 .opts_size = sizeof(struct relay_options),
	 .run = run_dial,
	 .min = 1,
	 .max = 1,
	 .daemon = true},
	{0}};

static const char examples[] =
	"  rn-relay listen 0.0.0.0:443 --to 127.0.0.1:51820 --cert tls.crt --key tls.key\n"
	"  rn-wg up wg0 -f wg0.rn --via gateway.example.com:443\n";

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {
		.name = "rn-relay",
		.doc = "WireGuard's datagrams over TLS, where UDP is blocked.",
		.cmds = cmds,
		.examples = examples};
	return cli_main(&prog, argc, argv);
}
