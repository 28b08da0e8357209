/* SPDX-License-Identifier: MIT */
#include "rn-wg.h"

static const struct argp_option up_options[] = {
	{"file", 'f', "FILE", 0,
	 "Interface and peer records (- is standard input); without it the device waits to be "
	 "configured by rn-wg set, rn-wg sync or wg", 0},
	{"engine", 'e', "ENGINE", 0,
	 "What carries the packets: auto or user (the same in this version)", 0},
	{"netns", 'n', "WHERE", 0,
	 "private: a network namespace of the tunnel's own, no root needed; host: a device on this "
	 "machine, for root", 0},
	{"foreground", 'F', 0, 0, "Stay in the foreground and log to standard error", 0},
	{"ready-fd", 'r', "FD", 0, "Say \"ready\" on this descriptor and close it", 0},
	{0}};

static const struct argp_option change_options[] = {
	{"file", 'f', "FILE", 0, "Interface and peer records; default is standard input", 0},
	{0}};

static const struct cli_cmd cmds[] = {
	{.name = "genkey", .doc = "print a new private key",
	 .run = run_genkey, .no_views = true},
	{.name = "pubkey", .doc = "read a private key, print its public key",
	 .run = run_pubkey, .no_views = true},
	{.name = "genpsk", .doc = "print a new preshared key",
	 .run = run_genpsk, .no_views = true},
	{.name = "up", .args = "NAME", .doc = "bring a tunnel up; return when it is ready\v"
		"The default place of the device is the host for root, else a namespace of its own.",
	 .options = up_options, .parse = up_parse, .opts_size = sizeof(struct up_options), .run = run_up,
	 .min = 1, .max = 1, .no_views = true, .daemon = true},
	{.name = "down", .args = "NAME", .doc = "end a tunnel; its device, sockets and routes go",
	 .run = run_down, .min = 1, .max = 1, .no_views = true},
	{.name = "show", .args = "[NAME]", .doc = "print interface and peers with their live state",
	 .run = run_show, .min = 0, .max = 1},
	{.name = "set", .args = "NAME", .doc = "change what the records name, leave the rest\v"
		"remove=yes in a peer record takes the peer away.",
	 .options = change_options, .parse = change_parse, .opts_size = sizeof(struct change_options),
	 .run = run_set, .min = 1, .max = 1, .no_views = true},
	{.name = "sync", .args = "NAME", .doc = "make the tunnel exactly what the records say\v"
		"By the smallest difference: peers that are not changed keep their sessions.",
	 .options = change_options, .parse = change_parse, .opts_size = sizeof(struct change_options),
	 .run = run_sync, .min = 1, .max = 1, .no_views = true},
	{.name = "check", .args = "NAME", .doc = "check a config and its key files, change nothing",
	 .options = change_options, .parse = change_parse, .opts_size = sizeof(struct change_options),
	 .run = run_check, .min = 1, .max = 1, .no_views = true},
	{0}};

static const char examples[] =
	"  umask 077; rn-wg genkey > wg0.key; rn-wg pubkey < wg0.key\n"
	"  echo interface=wg0 address=10.1.0.1/24 private_key_file=wg0.key > wg0.rn\n"
	"  rn-wg up wg0 -f wg0.rn\n"
	"  rn-wg show wg0\n"
	"  echo peer=$KEY interface=wg0 allowed_ips=10.1.0.2/32 | rn-wg set wg0\n"
	"  rn-wg sync wg0 -f wg0.rn\n"
	"  rn-wg down wg0\n";

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {.name = "rn-wg",
					     .doc = "WireGuard tunnels: keys, devices, peers.",
					     .cmds = cmds,
					     .examples = examples};
	return cli_main(&prog, argc, argv);
}
