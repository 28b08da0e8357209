/* SPDX-License-Identifier: MIT
 *
 * Lines from outside. Four oracles:
 *   - a slow parser written straight from the grammar accepts the same lines with the same fields;
 *   - what is parsed and written again in canonical form parses to the same values, and canonical
 *     form is a fixed point;
 *   - a record made JSON and back is the same record;
 *   - a reader that gets the bytes in pieces sees the same records as one that gets them whole.
 * The schema check only has to stand it.
 */
#include "record/record.h"

#include <fcntl.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the slow parser ---- */

static bool slow_is_key(struct str s)
{
	bool ok = s.len >= 1 && s.len <= 32 && s.ptr[0] >= 'a' && s.ptr[0] <= 'z';
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		ok = ok && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
	}
	return ok;
}

static bool slow_is_value(struct str s)
{
	struct str hex;
	uint8_t byte;
	for (size_t n; s.len; s = str_from_at(s, n)) {
		unsigned char c = (unsigned char)s.ptr[0];
		n = c > 0x20 && c < 0x7F ? 1 : c >= 0x80 ? utf8_wide_len(s) : 0;
		if (c == '%') {
			hex = str_slice(s, 1, 3);
			n = hex_decode(&byte, 1, hex) && byte ? 3 : 0;
		}
		if (n == 0)
			return false;
	}
	return true;
}

/* Fields of LINE into OUT, or -1. */
static int slow_parse(struct str line, struct rec_field out[REC_FIELDS_MAX])
{
	int n = 0;
	if (line.len >= REC_LINE_MAX || memchr(line.ptr, '\n', line.len))
		return -1;
	if (!line.len || line.ptr[0] == '#')
		return memchr(line.ptr, 0, line.len) ? -1 : 0;
	for (size_t at = 0, end; at < line.len; at = end) {
		for (end = at; end < line.len && line.ptr[end] != ' ' && line.ptr[end] != '\t';
		     end++)
			;
		struct str value = str_slice(line, at, end), key = {0};
		if (value.len == 0 && n > 0) { /* a gap */
			end++;
			continue;
		}
		if (n == REC_FIELDS_MAX || !str_cut(&value, '=', &key) || !value.ptr ||
		    !slow_is_key(key) || !slow_is_value(value))
			return -1;
		for (int i = 0; i < n; i++)
			if (str_eq(out[i].key, key))
				return -1;
		out[n++] = (struct rec_field){key, value};
	}
	return n;
}

static void check_parse(const struct rec *r, int rc, struct str line)
{
	static struct rec_field slow[REC_FIELDS_MAX];
	int n = slow_parse(line, slow);
	rn_assert((rc == 0) == (n >= 0));
	if (rc < 0)
		return;
	rn_assert(r->n == (size_t)n);
	for (size_t i = 0; i < r->n; i++)
		rn_assert(str_eq(r->f[i].key, slow[i].key) && str_eq(r->f[i].value, slow[i].value));
}

/* ---- round trips ---- */

static void check_again(const struct rec *r, void (*write)(struct buf *, const struct rec *))
{
	static struct rec again;
	struct rn_error err;
	struct buf b, twice;
	buf_init(&b, 1 << 16);
	buf_init(&twice, 1 << 16);
	write(&b, r);
	if (!b.failed) { /* escapes may have made it too long */
		rn_assert(rec_parse(&again, str_slice(buf_str(&b), 0, b.len - 1), NULL, &err) == 0);
		rn_assert(again.n == r->n && str_eq(rec_kind(&again), rec_kind(r)));
		write(&twice, &again);
		rn_assert(!twice.failed && str_eq(buf_str(&b), buf_str(&twice)));
	}
	buf_free(&b);
	buf_free(&twice);
}

/* Lists have no empty elements in JSON; such records are refused on the way back. */
static bool has_empty_element(const struct rec *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct str rest = r->f[i].value, element;
		while (rest.len && str_cut(&rest, ',', &element))
			if (!element.len || (rest.ptr && !rest.len))
				return true;
	}
	return false;
}

/* A list's element that is not UTF-8 has no JSON form that is taken back. */
static bool has_bytes(struct str json)
{
	return str_find_str(json, STR("{\"base64\"")) >= 0;
}

static void check_json(const struct rec *r)
{
	static struct rec again;
	struct rn_error err;
	struct buf json, back, canonical, twice;
	buf_init(&json, 1 << 17);
	buf_init(&back, 1 << 16);
	buf_init(&canonical, 1 << 16);
	buf_init(&twice, 1 << 16);
	rec_canonical(&canonical, r);
	rn_assert(rec_to_json(&json, r, &err) == 0);
	int rc = rec_from_json(&back, buf_str(&json), NULL, &err);
	bool sure = !canonical.failed && !has_empty_element(r) && !has_bytes(buf_str(&json));
	rn_assert(rc == 0 || !sure);
	if (rc == 0 && sure) {
		rn_assert(rec_parse(&again, str_slice(buf_str(&back), 0, back.len - 1), NULL,
				    &err) == 0);
		rec_canonical(&twice, &again);
		rn_assert(str_eq(buf_str(&canonical), buf_str(&twice)));
	}
	buf_free(&json);
	buf_free(&back);
	buf_free(&canonical);
	buf_free(&twice);
}

/* ---- readers ---- */

/* What a reader said, as text: records as written, errors by their line. */
static void drain(struct rec_reader *rd, struct buf *said)
{
	static struct rec r;
	struct rn_error err;
	int rc;
	while ((rc = rec_read(rd, &r, &err)) == 1 || rc == RN_EDATA) {
		if (rc == 1)
			buf_addf(said, "%zu:%.*s\n", rd->line, STR_ARG(r.line));
		else
			buf_addf(said, "%s\n", err.text);
	}
	rn_assert(rc == 0 || rc == RN_EAGAIN);
}

static void check_pieces(struct str text, size_t piece)
{
	struct rec_reader whole, pieces;
	struct buf a, b;
	int ends[2];
	buf_init(&a, 1 << 24);
	buf_init(&b, 1 << 24);
	rec_reader_mem(&whole, text, "in");
	drain(&whole, &a);
	rec_reader_free(&whole);
	rn_assert(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	rec_reader_fd(&pieces, ends[0], "in");
	for (size_t at = 0; at < text.len; at += piece) {
		struct str part = str_slice(text, at, at + piece);
		rn_assert(write(ends[1], part.ptr, part.len) == (ssize_t)part.len);
		drain(&pieces, &b);
	}
	close(ends[1]);
	drain(&pieces, &b);
	rec_reader_free(&pieces);
	close(ends[0]);
	rn_assert(str_eq(buf_str(&a), buf_str(&b)));
	buf_free(&a);
	buf_free(&b);
}

static void check_line(struct str line)
{
	static struct rec r;
	struct rn_error err;
	size_t column = 0;
	int rc = rec_parse(&r, line, &column, &err);
	check_parse(&r, rc, line);
	rn_assert(rc == 0 || (column >= 1 && column <= line.len + 1));
	if (rc < 0 || !r.n)
		return;
	column = 0;
	rc = schema_check(&r, &column, &err);
	rn_assert(rc == 0 || (column >= 1 && column <= line.len + 1));
	check_again(&r, rec_write);
	check_again(&r, rec_canonical);
	check_json(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size > 60000)
		return 0;
	struct str text = str_make(data + 1, size - 1), rest = text, line;
	while (str_cut(&rest, '\n', &line))
		check_line(line);
	check_pieces(text, data[0] < 250 ? data[0] % 64 + 1u : 5000);
	return 0;
}
