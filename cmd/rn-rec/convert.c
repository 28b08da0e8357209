/* SPDX-License-Identifier: MIT
 *
 * rn-rec from-json: JSON Lines in, records out.
 */
#include "rn-rec.h"

#include <unistd.h>

#define JSON_LINE_MAX (64 * 1024) /* 4096 bytes with everything escaped are far below */

int from_json_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct from_json_opts *o = opts;
	(void)err;
	if (key != 'k')
		return ARGP_ERR_UNKNOWN;
	o->kind = arg;
	return 0;
}

static int convert(struct cli *c, struct str json, struct buf *line)
{
	const struct from_json_opts *o = c->opts;
	buf_clear(line);
	if (json.len > JSON_LINE_MAX)
		return rn_fail(&c->err, RN_EDATA, "line is longer than %d bytes", JSON_LINE_MAX);
	int rc = rec_from_json(line, json, o->kind, &c->err);
	return rc < 0 ? rc : rec_out_put(&c->out, buf_str(line), &c->err);
}

static int convert_file(struct cli *c, FILE *in, const char *name)
{
	char *text = NULL;
	size_t cap = 0, n = 0;
	ssize_t len;
	int rc = 0, worst = 0;
	struct buf line;
	buf_init(&line, 4 * JSON_LINE_MAX);
	while (rc >= 0 && (len = getline(&text, &cap, in)) > 0) {
		struct str json = str_make(text, (size_t)len - (text[len - 1] == '\n'));
		n++;
		if (!str_trim(json).len)
			continue;
		rc = convert(c, json, &line);
		if (rc < 0)
			rn_fail_in(&c->err, "%s:%zu", name, n);
		if (rc == RN_EDATA) {
			worst = input_complain(c);
			rc = 0;
		}
	}
	buf_free(&line);
	free(text);
	if (rc == 0 && ferror(in))
		rc = rn_fail_errno(&c->err, RN_EIO, "%s", name);
	return rc < 0 ? rc : worst;
}

int from_json_run(struct cli *c, int argc, char **argv)
{
	char dash[] = "-", *only_stdin[] = {dash};
	int worst = 0;
	if (argc == 0) {
		argc = 1;
		argv = only_stdin;
	}
	for (int i = 0; i < argc; i++) {
		const char *name;
		int fd = input_open(c, argv[i], &name);
		FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
		if (!in)
			return fd < 0 ? fd : rn_fail_errno(&c->err, RN_EOS, "%s", name);
		int rc = convert_file(c, in, name);
		fclose(in);
		if (rc < 0 && rc != RN_EDATA)
			return rc;
		worst = rc < 0 ? rc : worst;
	}
	return worst;
}
