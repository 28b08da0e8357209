/* SPDX-License-Identifier: MIT
 *
 * The files named on the command line, one record after the other.
 */
#include "rn-rec.h"

#include <fcntl.h>
#include <unistd.h>

int input_complain(struct cli *c)
{
	dprintf(2, "%s: %s\n", c->prog->name, c->err.text);
	c->err.text[0] = '\0';
	return RN_EDATA;
}

int input_open(struct cli *c, const char *file, const char **name)
{
	bool is_stdin = strcmp(file, "-") == 0;
	int fd = is_stdin ? dup(0) : open(file, O_RDONLY | O_CLOEXEC);
	*name = is_stdin ? "stdin" : file;
	return fd < 0 ? rn_fail_errno(&c->err, RN_ENOINPUT, "%s", *name) : fd;
}

static int each_record(struct cli *c, struct rec_reader *rd, input_fn *fn)
{
	struct rec r;
	int rc, worst = 0;
	while ((rc = rec_read(rd, &r, &c->err)) != 0) {
		if (rc > 0)
			rc = fn(c, rd, &r);
		if (rc == RN_EDATA)
			worst = input_complain(c);
		else if (rc < 0)
			return rc;
		/* What comes through a pipe goes on at once; a table waits until it is whole. */
		if (!rec_reader_ready(rd) && c->out.view != REC_VIEW_PRETTY && cli_flush(c) < 0)
			return c->err.code;
	}
	return worst;
}

static int each_in_file(struct cli *c, const char *file, input_fn *fn)
{
	struct rec_reader rd;
	const char *name;
	int fd = input_open(c, file, &name);
	if (fd < 0)
		return fd;
	rec_reader_fd(&rd, fd, name);
	int rc = each_record(c, &rd, fn);
	rec_reader_free(&rd);
	fd_close(&fd);
	return rc;
}

int input_each(struct cli *c, int argc, char **argv, input_fn *fn)
{
	int worst = 0;
	if (argc == 0)
		return each_in_file(c, "-", fn);
	for (int i = 0; i < argc; i++) {
		int rc = each_in_file(c, argv[i], fn);
		if (rc < 0 && rc != RN_EDATA)
			return rc;
		worst = rc < 0 ? rc : worst;
	}
	return worst;
}
