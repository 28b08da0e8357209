/* SPDX-License-Identifier: MIT */
#include "rn-wg.h"

static const struct argp_option up_options[] = {
	{"file", 'f', "FILE", 0,
	 "Interface and peer records (- is standard input); without it the device waits to be "
	 "configured by rn-wg set, rn-wg sync or wg", 0},
	{"engine", 'e', "ENGINE", 0,
	 "What carries the packets: kernel (its own WireGuard; needs root), user (our own engine), "
	 "netstack (the same with no device, for containers), or auto: the first of them that works", 0},
	{"netns", 'n', "WHERE", 0,
	 "private: a network namespace of the tunnel's own, no root needed; host: a device on this "
	 "machine, for root", 0},
	{"foreground", 'F', 0, 0, "Stay in the foreground and log to standard error", 0},
	{"allow-overlap", 'O', 0, 0,
	 "On the host, take ranges that another device of this machine has, too", 0},
	{"dry-run", 'd', 0, 0, "Print what would be done, as plan records, and do nothing", 0},
	{"via", 'V', "HOST:PORT", 0,
	 "Where UDP gets no answer, send the same datagrams over TLS to an rn-relay there", 0},
	{"via-ca", 'C', "FILE", 0, "Trust only these authorities (PEM) for it", 0},
	{"via-after", 'A', "SECONDS", 0, "How long UDP may be without an answer; default is 10", 0},
	{"via-retry", 'R', "SECONDS", 0, "How often UDP is tried again; default is 60", 0},
	{"ready-fd", 'r', "FD", 0, "Say \"ready\" on this descriptor and close it", 0},
	{0}};

static const struct argp_option change_options[] = {
	{"file", 'f', "FILE", 0, "Interface and peer records; default is standard input", 0},
	{0}};

static const struct argp_option show_options[] = {
	{"watch", 'w', "SECONDS", OPTION_ARG_OPTIONAL, "Again and again; every second if not said", 0},
	{"count", 'c', "N", 0, "With --watch: end after so many times", 0},
	{"detail", 'd', 0, 0, "With handshake counters of peers and those of the tunnel", 0},
	{0}};

static const struct argp_option why_options[] = {
	{"wait", 'w', "SECONDS", 0, "How long to wait for an answer to a handshake; default is 6", 0},
	{0}};

static const struct argp_option import_options[] = {
	{"name", 'n', "NAME", 0, "The tunnel's name; default is the file's without .conf", 0},
	{"dir", 'd', "DIR", 0, "Where the key files go; default is the working folder", 0},
	{"ignore", 'i', "KEYS", 0,
	 "Leave these keys of the file out (PostUp,PostDown for example) instead of refusing it", 0},
	{0}};

static const struct argp_option export_options[] = {
	{"file", 'f', "FILE", 0, "Records instead of the running tunnel", 0},
	{"write", 'w', "FILE", 0, "Write to this file, with the keys, readable by the owner only", 0},
	{"secrets", 's', 0, 0, "Print the keys, too", 0},
	{0}};

static const struct argp_option qr_options[] = {
	{"file", 'f', "FILE", 0, "Interface and peer records of the phone's side", 0},
	{"quick", 'q', "FILE", 0, "A wg-quick file instead of records (- is standard input)", 0},
	{0}};

static const struct argp_option dns_options[] = {
	{"file", 'f', "FILE", 0, "Records instead of the running tunnel", 0},
	{"for", 't', "PROGRAM", 0, "Only for one of resolvectl, resolvconf, dnsmasq, hosts", 0},
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
	 .min = 1, .max = 1, .daemon = true},
	{.name = "down", .args = "NAME", .doc = "end a tunnel; its device, sockets and routes go",
	 .run = run_down, .min = 1, .max = 1, .no_views = true},
	{.name = "show", .args = "[NAME]", .doc = "print interface and peers with their live state",
	 .options = show_options, .parse = show_parse, .opts_size = sizeof(struct show_options),
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
	{.name = "import", .args = "[FILE]", .doc = "turn a wg-quick file into records and key files\v"
		"What cannot be honoured (PostUp, a routing table of one's own…) is refused by name and "
		"line, unless --ignore names it.",
	 .options = import_options, .parse = import_parse, .opts_size = sizeof(struct import_options),
	 .run = run_import, .min = 0, .max = 1},
	{.name = "export", .args = "NAME", .doc = "print a tunnel as a wg-quick file\v"
		"Without the keys, unless --write or --secrets asks for them.",
	 .options = export_options, .parse = export_parse, .opts_size = sizeof(struct export_options),
	 .run = run_export, .min = 1, .max = 1, .no_views = true},
	{.name = "qr", .args = "[NAME]", .doc = "draw a phone's config as a QR code for the WireGuard app\v"
		"The code holds the private key: who sees it has it.",
	 .options = qr_options, .parse = qr_parse, .opts_size = sizeof(struct qr_options),
	 .run = run_qr, .min = 0, .max = 1, .no_views = true},
	{.name = "why", .args = "NAME PEER",
	 .doc = "walk the way to a peer and name the first step that fails\v"
		"PEER is a name or a public key. The last record says the result; the exit status is 0 if "
		"the peer can be reached, 1 if some step failed.",
	 .options = why_options, .parse = why_parse, .opts_size = sizeof(struct why_options),
	 .run = run_why, .min = 2, .max = 2},
	{.name = "doctor", .doc = "say what this machine allows, and what to do about the rest",
	 .run = run_doctor, .min = 0, .max = 0},
	{.name = "dns", .args = "NAME", .doc = "print what resolvers would have to be told; change nothing",
	 .options = dns_options, .parse = dns_parse, .opts_size = sizeof(struct dns_options),
	 .run = run_dns, .min = 1, .max = 1, .no_views = true},
	{0}};

static const char examples[] =
	"  umask 077; rn-wg genkey > wg0.key; rn-wg pubkey < wg0.key\n"
	"  echo interface=wg0 address=10.1.0.1/24 private_key_file=wg0.key > wg0.rn\n"
	"  rn-wg up wg0 -f wg0.rn\n"
	"  rn-wg show wg0\n"
	"  echo peer=$KEY interface=wg0 allowed_ips=10.1.0.2/32 | rn-wg set wg0\n"
	"  rn-wg sync wg0 -f wg0.rn\n"
	"  rn-wg doctor && rn-wg why wg0 laptop\n"
	"  rn-wg import /etc/wireguard/wg1.conf > wg1.rn\n"
	"  rn-wg qr phone -f phone.rn\n"
	"  rn-wg down wg0\n";

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {.name = "rn-wg",
					     .doc = "WireGuard tunnels: keys, devices, peers.",
					     .cmds = cmds,
					     .examples = examples};
	return cli_main(&prog, argc, argv);
}
