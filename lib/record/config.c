/* SPDX-License-Identifier: MIT
 *
 * A whole config: everything is checked before the first record is handed out.
 */
#include "record/record.h"

#define CONFIG_MAX (64 * 1024 * 1024) /* a bundle with 100,000 devices is a tenth of it */

/* Subjects seen: the key is "kind=identity" as it stands in the text. */
static int check_subject(struct map *seen, const struct rec *r, struct rn_error *err)
{
	struct str subject = rec_subject(r);
	if (map_get(seen, subject))
		return rn_fail(err, RN_ECONFIG, "%.*s stands twice", STR_ARG(subject));
	if (!map_set(seen, subject, seen))
		return rn_fail(err, RN_EOS, "out of memory");
	return 0;
}

static int check_record(struct map *seen, const struct rec *r, size_t *column, struct rn_error *err)
{
	const struct schema_kind *kind = schema_find(rec_kind(r));
	*column = 1;
	int rc = kind ? schema_check(r, column, err) : 0;
	if (rc == 0 && kind)
		rc = check_subject(seen, r, err);
	return rc;
}

static int check_all(struct rec_reader *rd, struct rec *r, struct rn_error *err)
{
	struct map seen = {0};
	size_t column;
	int rc;
	while ((rc = rec_read(rd, r, err)) > 0) {
		rc = check_record(&seen, r, &column, err);
		if (rc < 0) {
			rn_fail_in(err, "%s:%zu:%zu", rd->name, rd->line, column);
			break;
		}
	}
	map_free(&seen);
	return rc;
}

static int hand_out(struct rec_reader *rd, struct rec *r, rec_config_fn *fn, void *ctx,
		    struct rn_error *err)
{
	int rc;
	while ((rc = rec_read(rd, r, err)) > 0) {
		rc = fn(ctx, r, err);
		if (rc < 0)
			return rn_fail_in(err, "%s:%zu", rd->name, rd->line);
	}
	return rc;
}

int rec_config_mem(struct str text, const char *name, rec_config_fn *fn, void *ctx,
		   struct rn_error *err)
{
	struct rec_reader rd;
	struct rec r;
	rec_reader_mem(&rd, text, name);
	int rc = check_all(&rd, &r, err);
	if (rc == 0) {
		rec_reader_mem(&rd, text, name);
		rc = hand_out(&rd, &r, fn, ctx, err);
	}
	rec_reader_free(&rd);
	return rc < 0 && rc == RN_EDATA ? (err->code = RN_ECONFIG) : rc;
}

int rec_config_read(const char *path, rec_config_fn *fn, void *ctx, struct rn_error *err)
{
	struct buf text;
	buf_init(&text, CONFIG_MAX);
	int rc = file_read(path, &text, err);
	if (rc == 0)
		rc = rec_config_mem(buf_str(&text), strcmp(path, "-") == 0 ? "stdin" : path, fn,
				    ctx, err);
	buf_free(&text);
	return rc;
}
