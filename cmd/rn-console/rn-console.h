/* SPDX-License-Identifier: MIT
 *
 * rn-console: the control plane's command line. It may do everything, since who can read the
 * console's folder can do everything anyway.
 *
 *   main.c     the commands
 *   init.c     init, and what it tells the newcomer
 *   kind.c     device, user, gateway… list, show, add, set, remove
 *   bundle.c   invite, export, publish, import
 *   upkeep.c   audit, status, expire, migrate, backup
 *   common.c   options and opening
 */
#ifndef RN_CONSOLE_CMD_H
#define RN_CONSOLE_CMD_H

#include "cli/cli.h"
#include "console/console.h"

struct options {
	const char *dir, *org;
	/* init */
	const char *address, *network, *cert, *key, *organization, *owner, *cgi;
	uint16_t https_port, http_port, wg_port, management_port;
	bool http_given;
	/* others */
	const char *user;
	uint32_t expires_s, limit;
	uint64_t after;
	bool gateway, verify, check, generate;
};

enum { /* long options without a letter */
       OPT_DIR = 300,
       OPT_ORG,
       OPT_ADDRESS,
       OPT_NETWORK,
       OPT_CERT,
       OPT_KEY,
       OPT_ORGANIZATION,
       OPT_OWNER,
       OPT_CGI,
       OPT_HTTPS_PORT,
       OPT_HTTP_PORT,
       OPT_WG_PORT,
       OPT_MANAGEMENT_PORT,
       OPT_USER,
       OPT_EXPIRES,
       OPT_LIMIT,
       OPT_AFTER,
       OPT_GATEWAY,
       OPT_VERIFY,
       OPT_CHECK,
       OPT_GENERATE,
};
extern const struct argp_option init_options[], common_options[], invite_options[], link_options[],
	audit_options[], migrate_options[];
int parse_option(int key, char *arg, void *opts, struct rn_error *err);

/* The console's folder: --dir, RN_CONSOLE_DIR, STATE/console. */
int console_folder(struct cli *c, char *out, size_t size) must_check;
/* Opens it as --org's owner. */
struct work {
	struct console *console;
	struct console_actor actor;
	struct buf out; /* what the action answers */
};
int work_open(struct cli *c, struct work *s) must_check;
/* Puts the answer out if RC is 0 or RN_ENO, releases all, gives RC back. */
int work_close(struct cli *c, struct work *s, int rc) must_check;

int run_init(struct cli *c, int argc, char **argv);
int run_kind(struct cli *c, int argc, char **argv);
int run_invite(struct cli *c, int argc, char **argv);
int run_export(struct cli *c, int argc, char **argv);
int run_publish(struct cli *c, int argc, char **argv);
int run_import(struct cli *c, int argc, char **argv);
int run_audit(struct cli *c, int argc, char **argv);
int run_status(struct cli *c, int argc, char **argv);
int run_expire(struct cli *c, int argc, char **argv);
int run_migrate(struct cli *c, int argc, char **argv);
int run_backup(struct cli *c, int argc, char **argv);

#endif
