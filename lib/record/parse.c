/* SPDX-License-Identifier: MIT
 *
 * One line into a struct rec: the grammar of rn-records(5), checked in one pass.
 */
#include "record/record.h"
#include "record/scan.h"

/* clang-format off */
#define K REC_CLASS_KEY
#define P REC_CLASS_PLAIN
#define B (REC_CLASS_KEY | REC_CLASS_PLAIN)
const uint8_t rec_class[256] = {
	['!' ... '$'] = P, ['&' ... '/'] = P, ['0' ... '9'] = B, [':' ... '^'] = P, ['_'] = B,
	['`'] = P, ['a' ... 'z'] = B, ['{' ... '~'] = P,
};
#undef K
#undef P
#undef B
/* clang-format on */

/* Where parsing stands. */
struct parse {
	struct rec *r;
	const char *line, *p, *end;
	uint64_t seen; /* a bit a key hash: a clear one says that the key is new */
};

static bool is_gap(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static int bad_key(const struct parse *s, const char *at, struct rn_error *err)
{
	if (at < s->end && is_gap(*at) && at == s->line)
		return rn_fail(err, RN_EDATA, "a record starts in column 1, not with a blank");
	if (at < s->end && *at == '\r')
		return rn_fail(err, RN_EDATA, "carriage return: lines end in LF alone");
	if (at == s->end || is_gap(*at))
		return rn_fail(err, RN_EDATA, "expected key=value: no '=' here");
	if (*at == '=')
		return rn_fail(err, RN_EDATA, "no key before '='");
	if (*at > ' ' && *at <= '~')
		return rn_fail(err, RN_EDATA, "'%c' cannot stand in a key (a-z, then a-z 0-9 _)",
			       *at);
	return rn_fail(err, RN_EDATA, "byte 0x%02X cannot stand in a key (a-z, then a-z 0-9 _)",
		       (unsigned char)*at);
}

static bool key_repeats(struct parse *s, struct str key)
{
	unsigned first = (unsigned char)key.ptr[0], last = (unsigned char)key.ptr[key.len - 1];
	uint64_t bit = UINT64_C(1) << ((first * 5 + last * 11 + key.len * 3) & 63);
	if (!(s->seen & bit)) {
		s->seen |= bit;
		return false;
	}
	for (size_t i = 0; i < s->r->n; i++)
		if (str_eq(s->r->f[i].key, key))
			return true;
	return false;
}

static int parse_key(struct parse *s, struct rec_field *f, struct rn_error *err)
{
	const char *start = s->p;
	const char *stop = rec_scan(s->line, start, s->end, REC_CLASS_KEY);
	if (stop == s->end || *stop != '=' || stop == start || *start < 'a') {
		if (stop > start && *start < 'a') /* a digit or "_" first */
			stop = start;
		s->p = stop;
		return bad_key(s, stop, err);
	}
	f->key = str_make(start, (size_t)(stop - start));
	if (f->key.len > REC_KEY_MAX)
		return rn_fail(err, RN_EDATA, "key is longer than %d bytes", REC_KEY_MAX);
	if (key_repeats(s, f->key))
		return rn_fail(err, RN_EDATA, "key '%.*s' stands twice", STR_ARG(f->key));
	s->p = stop + 1;
	return 0;
}

/* The byte at s->p is not plain: an escape or a wide character is stepped over, others refused. */
static int parse_special(struct parse *s, struct rn_error *err)
{
	const char *p = s->p;
	if (*p == '%') {
		if (s->end - p < 3 || !is_hex(p[1]) || !is_hex(p[2]))
			return rn_fail(err, RN_EDATA,
				       "'%%' needs two hex digits behind it (%%25 is '%%')");
		if (p[1] == '0' && p[2] == '0')
			return rn_fail(err, RN_EDATA, "%%00 is not allowed");
		s->p += 3;
		return 0;
	}
	if ((unsigned char)*p < 0x80)
		return *p == '\r' ? rn_fail(err, RN_EDATA, "carriage return: lines end in LF alone")
				  : rn_fail(err, RN_EDATA, "control byte 0x%02X: write %%%02X",
					    (unsigned)*p, (unsigned)*p);
	size_t len = utf8_wide_len(str_make(p, (size_t)(s->end - p)));
	if (!len)
		return rn_fail(err, RN_EDATA,
			       "byte 0x%02X: not UTF-8, or a control character: write %%%02X",
			       (unsigned char)*p, (unsigned char)*p);
	s->p += len;
	return 0;
}

static int parse_value(struct parse *s, struct rec_field *f, struct rn_error *err)
{
	const char *start = s->p;
	for (;;) {
		s->p = rec_scan(s->line, s->p, s->end, REC_CLASS_PLAIN);
		if (s->p == s->end || is_gap(*s->p))
			break;
		int rc = parse_special(s, err);
		if (rc < 0)
			return rc;
	}
	f->value = str_make(start, (size_t)(s->p - start));
	return 0;
}

static int parse_fields(struct parse *s, struct rn_error *err)
{
	while (s->p < s->end) {
		if (s->r->n == REC_FIELDS_MAX)
			return rn_fail(err, RN_EDATA, "more than %d fields", REC_FIELDS_MAX);
		struct rec_field *f = &s->r->f[s->r->n];
		int rc = parse_key(s, f, err);
		if (rc == 0)
			rc = parse_value(s, f, err);
		if (rc < 0)
			return rc;
		s->r->n++;
		while (s->p < s->end && is_gap(*s->p))
			s->p++;
	}
	return 0;
}

int rec_parse(struct rec *r, struct str line, size_t *column, struct rn_error *err)
{
	struct parse s = {.r = r, .line = line.ptr, .p = line.ptr, .end = line.ptr + line.len};
	int rc = 0;
	r->line = line;
	r->n = 0;
	if (line.len >= REC_LINE_MAX)
		rc = rn_fail(err, RN_EDATA, "line is longer than %d bytes", REC_LINE_MAX);
	else if (line.len && memchr(line.ptr, '\n', line.len))
		rc = rn_fail(err, RN_EDATA, "line feed inside a record");
	else if (line.len && *line.ptr != '#')
		rc = parse_fields(&s, err);
	else if (line.len && memchr(line.ptr, '\0', line.len))
		rc = rn_fail(err, RN_EDATA, "NUL byte in a comment");
	if (rc < 0) {
		if (column)
			*column = (size_t)(s.p - s.line) + 1;
		r->n = 0;
	}
	return rc;
}
