/* SPDX-License-Identifier: MIT
 *
 * A stream of records from a descriptor or from memory.
 */
#include "record/record.h"

#include <errno.h>
#include <unistd.h>

#define READ_SIZE (128 * 1024)

void rec_reader_fd(struct rec_reader *rd, int fd, const char *name)
{
	*rd = (struct rec_reader){.name = name, .fd = fd};
	buf_init(&rd->in, READ_SIZE);
}

void rec_reader_mem(struct rec_reader *rd, struct str text, const char *name)
{
	*rd = (struct rec_reader){.name = name, .fd = -1, .rest = text, .eof = true};
	buf_init(&rd->in, 0);
}

void rec_reader_free(struct rec_reader *rd)
{
	buf_free(&rd->in);
	rd->rest = (struct str){0};
}

/* Moves the rest to the front and reads more behind it. 0, also at the end (rd->eof). */
static int fill(struct rec_reader *rd, struct rn_error *err)
{
	buf_consume(&rd->in, rd->in.len - rd->rest.len);
	char *to = buf_reserve(&rd->in, READ_SIZE - rd->in.len);
	if (!to)
		return rn_fail(err, RN_EOS, "%s: out of memory", rd->name);
	ssize_t got;
	do
		got = read(rd->fd, to, READ_SIZE - rd->in.len);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return rn_fail_errno(err, errno == EAGAIN ? RN_EAGAIN : RN_EIO, "reading %s",
				     rd->name);
	rd->eof = got == 0;
	rd->in.len += (size_t)got;
	rd->rest = buf_str(&rd->in);
	return 0;
}

static int too_long(struct rec_reader *rd, struct rn_error *err)
{
	rd->skipping = false;
	rd->line++;
	return rn_fail(err, RN_EDATA, "%s:%zu:1: line is longer than %d bytes", rd->name, rd->line,
		       REC_LINE_MAX);
}

/* No LF in what is there: at the end that is an error, else more is read. 1: look again. */
static int want_more(struct rec_reader *rd, struct rn_error *err)
{
	if (rd->skipping || rd->rest.len >= REC_LINE_MAX) {
		rd->skipping = true;
		rd->rest.len = 0;
	}
	if (!rd->eof) {
		int rc = fill(rd, err);
		return rc < 0 ? rc : 1;
	}
	if (rd->skipping)
		return too_long(rd, err);
	if (!rd->rest.len)
		return 0;
	size_t column = rd->rest.len + 1;
	rd->rest.len = 0;
	rd->line++;
	return rn_fail(err, RN_EDATA, "%s:%zu:%zu: last line has no LF: it may be cut off",
		       rd->name, rd->line, column);
}

/* 1 and the next line without its LF, 0 at the end, or an error. */
static int next_line(struct rec_reader *rd, struct str *line, struct rn_error *err)
{
	for (;;) {
		const char *start = rd->rest.ptr;
		const char *lf = rd->rest.len ? memchr(start, '\n', rd->rest.len) : NULL;
		if (!lf) {
			int rc = want_more(rd, err);
			if (rc <= 0)
				return rc;
			continue;
		}
		*line = str_make(start, (size_t)(lf - start));
		rd->rest = str_make(lf + 1, rd->rest.len - line->len - 1);
		if (rd->skipping)
			return too_long(rd, err);
		rd->line++;
		return 1;
	}
}

bool rec_reader_ready(const struct rec_reader *rd)
{
	return rd->eof || str_find(rd->rest, '\n') >= 0;
}

int rec_read(struct rec_reader *rd, struct rec *r, struct rn_error *err)
{
	struct str line;
	size_t column;
	for (;;) {
		int rc = next_line(rd, &line, err);
		if (rc <= 0)
			return rc;
		rc = rec_parse(r, line, &column, err);
		if (rc < 0)
			return rn_fail_in(err, "%s:%zu:%zu", rd->name, rd->line, column);
		if (r->n)
			return 1;
	}
}
