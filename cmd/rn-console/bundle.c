/* SPDX-License-Identifier: MIT
 *
 * rn-console invite, export, publish, import.
 */
#include "rn-console.h"

int run_invite(struct cli *c, int argc, char **argv)
{
	const struct options *o = c->opts;
	struct console_invite i = {
		.gateway = o->gateway, .user = str_from(o->user), .expires_s = o->expires_s};
	struct work s;

	(void)argc;
	(void)argv;
	int rc = work_open(c, &s);

	return rc ? rc
		  : work_close(c, &s, console_invite(s.console, &s.actor, &i, &s.out, &c->err));
}

int run_export(struct cli *c, int argc, char **argv)
{
	struct work s;
	int rc = work_open(c, &s);

	(void)argc;
	return rc ? rc
		  : work_close(c, &s,
			       console_export(s.console, &s.actor, str_from(argv[0]), &s.out,
					      &c->err));
}

int run_publish(struct cli *c, int argc, char **argv)
{
	struct str node = argc ? str_from(argv[0]) : (struct str){0};
	struct work s;
	int rc = work_open(c, &s);

	return rc ? rc
		  : work_close(c, &s, console_publish(s.console, &s.actor, node, &s.out, &c->err));
}

int run_import(struct cli *c, int argc, char **argv)
{
	const char *path = argc ? argv[0] : "-";
	struct work s;
	struct buf text;
	int rc = work_open(c, &s);

	if (rc)
		return rc;
	buf_init(&text, 64u << 20);
	rc = file_read(path, &text, &c->err);
	if (!rc)
		rc = console_import(s.console, &s.actor, buf_str(&text),
				    strcmp(path, "-") == 0 ? "stdin" : path, &s.out, &c->err);
	buf_free(&text);
	return work_close(c, &s, rc);
}
