/* SPDX-License-Identifier: MIT */
#include "rn-console.h"

#define COMMAND(n, a, o, r, lo, hi, d)                                                             \
	{                                                                                          \
		.name = n, .args = a, .options = o, .parse = parse_option,                         \
		.opts_size = sizeof(struct options), .run = r, .min = lo, .max = hi, .doc = d      \
	}
#define KIND(n, o, d) COMMAND(n, "ACTION...", o, run_kind, 0, -1, d)

static const struct cli_cmd cmds[] = {
	{.name = "init",
	 .args = "DOMAIN",
	 .options = init_options,
	 .parse = parse_option,
	 .opts_size = sizeof(struct options),
	 .run = run_init,
	 .min = 1,
	 .max = 1,
	 .no_views = true,
	 .doc = "Make a console with its first gateway on this machine\v"
		"Makes the database, the keys, a certificate authority, the gateway's folder "
		"STATE/gateway, the first "
		"owner and the first bundle, then prints the DNS records to have, one invitation, "
		"and what to do next. "
		"Refuses (exit 73) when any of it is there already; after a failure nothing is "
		"left behind."},
	COMMAND("invite", NULL, invite_options, run_invite, 0, 0,
		"Make an invitation: one string that lets one machine join, once\v"
		"The string is printed here and never again."),
	KIND("organization", common_options,
	     "Organisations: list, show, add, remove\vadd NAME [network=10.78.0.0/16]"),
	KIND("user", link_options,
	     "Users: list, show, add, set, remove, suspend, resume, password, token\v"
	     "add NAME [role=owner|admin|operator|member|auditor], set NAME role=ROLE, password "
	     "NAME (read from standard "
	     "input, one line; --generate makes one and prints it), token NAME [name=TEXT] "
	     "[--expires-s N] (printed once)"),
	KIND("group", common_options,
	     "Groups: list, show, add, set, remove\vadd NAME [members=ada,bob], set NAME "
	     "members=ada"),
	KIND("token", common_options,
	     "API tokens: list, show, remove\vA new one: rn-console user token NAME"),
	KIND("device", common_options,
	     "Devices: list, show, set, remove, suspend, resume\vset ID name=NAME user=USER. A "
	     "device comes by an invitation."),
	KIND("gateway", common_options,
	     "Gateways: list, show, add, set, remove, suspend, resume\v"
	     "add NAME [domain=… region=… public_ip=… wg_port=… https_port=… http_port=… "
	     "management=ADDRESS:PORT]: answers with "
	     "the invitation for the gateway's machine. set ID changes the same keys but the "
	     "domain."),
	KIND("service", link_options,
	     "Services of devices: list, show, set, remove, link\v"
	     "set ID [public=yes|no allow=LIST auth_required=yes|no tunnel_port=N expires_s=N], "
	     "link ID [--expires-s N]: a new "
	     "share link"),
	KIND("site", common_options,
	     "Sites: list, show, add, set, remove\vKeys: rn-console site --schema"),
	KIND("listen", common_options,
	     "Further listeners of a gateway: list, show, add, set, remove"),
	KIND("resource", common_options,
	     "Resources made by hand: list, show, add, set, remove\vImport is handier for many."),
	KIND("target", common_options,
	     "Targets of resources made by hand: list, show, add, set, remove"),
	KIND("policy", common_options, "Policies made by hand: list, show, add, set, remove"),
	KIND("rule", common_options, "Which host and path lead where: list, show"),
	KIND("invitation", common_options, "Invitations made so far: list, show, remove"),
	COMMAND("export", "NODE", common_options, run_export, 1, 1,
		"Print a node's bundle as it would be published now\vNODE is the identity or name "
		"of a device or gateway."),
	COMMAND("publish", "[NODE]", common_options, run_publish, 0, 1,
		"Sign and write bundles that differ from the published ones\vActions do this by "
		"themselves; this one makes sure."),
	COMMAND("import", "[FILE]", common_options, run_import, 0, 1,
		"Take in site, listen, resource, target and policy records\v"
		"FILE is standard input when not given. All of it is taken, or nothing. A record "
		"replaces the one with the same "
		"subject; other kinds are passed over."),
	COMMAND("audit", NULL, audit_options, run_audit, 0, 0,
		"Print the audit log, or verify its chain\vWith --verify the exit status is 1 when "
		"the chain is broken."),
	COMMAND("status", NULL, common_options, run_status, 0, 0,
		"Say how the console is, with counts"),
	COMMAND("expire", NULL, common_options, run_expire, 0, 0,
		"Remove services, tokens, invitations and nonces that expired\vFor a timer: a "
		"service is reachable until this ran. Credentials that expired are refused "
		"anyway."),
	COMMAND("migrate", NULL, migrate_options, run_migrate, 0, 0,
		"Bring the database to this program's version\vEvery command does; --check only "
		"looks, exit 1 when it is older."),
	COMMAND("backup", "FILE", common_options, run_backup, 1, 1,
		"Write a consistent copy of the database\vWhile others work on it. Keys are files "
		"beside it: copy them too."),
	{0}};

int main(int argc, char **argv)
{
	static const struct cli_prog prog = {
		.name = "rn-console",
		.doc = "The control plane: who there is, and what may be reached",
		.cmds = cmds,
		.examples =
			"  rn-console init gateway.example.com --address 203.0.113.2\n"
			"      make everything on the machine with the public address\n"
			"  rn-console invite --user ada\n"
			"      one string for ada's laptop: rn join STRING\n"
			"  rn-console service list -o service,url,device\n"
			"      what is exposed, by whom\n"
			"  rn-console device suspend laptop-x7k2m9\n"
			"      shut one out at once\n"
			"  rn-console import < site.rn && rn-console export gw1 | diff - old.rn\n"
			"      resources as lines\n"};

	return cli_main(&prog, argc, argv);
}
