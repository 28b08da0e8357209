/* SPDX-License-Identifier: MIT
 *
 * The view for people: tables with aligned columns, cut to a kind's brief ones when the terminal is
 * narrower; blocks of "key: value" for a single record and for wide kinds without brief columns;
 * dates and sizes as people write them. Free to change: no program may read it.
 */
#include "record/out.h"

#include <sys/ioctl.h>

#define HOLD_MAX (256 * 1024) /* records held back to find the widths of columns */
#define CELL_MAX (REC_LINE_MAX + 64)

struct column {
	struct str key;
	size_t width;
};

struct table {
	struct column columns[REC_FIELDS_MAX];
	size_t n, rows;
};

static struct str kind_of(struct str line)
{
	return str_slice(line, 0, (size_t)MAX(str_find(line, '='), 0));
}

void rec_pretty_hold(struct rec_out *o, const struct rec *r)
{
	if (o->held.len > HOLD_MAX ||
	    (o->held.len && !str_eq(kind_of(buf_str(&o->held)), rec_kind(r))))
		rec_pretty_flush(o);
	buf_add(&o->held, r->line);
	buf_add_byte(&o->held, '\n');
}

/* ---- one value ---- */

static void add_date(struct buf *b, uint64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;
	char text[64];
	if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &tm))
		buf_add_cstr(b, text);
}

static void add_size(struct buf *b, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double v = (double)bytes;
	size_t unit = 0;
	for (; v >= 1024; unit++)
		v /= 1024;
	buf_addf(b, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
}

/* Undoes escapes, but only of what a terminal may show. */
static void add_readable(struct buf *b, struct str value)
{
	char text[REC_LINE_MAX];
	struct buf plain = {.ptr = text, .cap = sizeof text, .max = sizeof text};
	struct str s;
	if (!unescape_value(&plain, value))
		return;
	for (s = buf_str(&plain); s.len;) {
		size_t n = *s.ptr >= ' ' && *s.ptr < 0x7F ? 1
			   : (signed char)*s.ptr < 0	  ? utf8_wide_len(s)
							  : 0;
		if (n)
			buf_add(b, str_make(s.ptr, n));
		else
			escape_value(b, str_make(s.ptr, n = 1));
		s = str_from_at(s, n);
	}
}

static void add_cell(struct buf *b, const struct schema_kind *kind, struct str key,
		     struct str value)
{
	const struct schema_key *k = kind ? schema_key_find(kind, key) : NULL;
	uint64_t number;
	if (k && k->type == TYPE_TIME && str_to_u64(value, INT64_MAX / 2, &number))
		add_date(b, number);
	else if (k && str_ends(key, STR("_bytes")) && str_to_u64(value, UINT64_MAX, &number))
		add_size(b, number);
	else
		add_readable(b, value);
}

/* Characters, not bytes; wide glyphs count as one. */
static size_t width_of(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++)
		n += (s.ptr[i] & 0xC0) != 0x80;
	return n;
}

static size_t cell_width(const struct schema_kind *kind, const struct rec_field *f)
{
	char text[CELL_MAX];
	struct buf b = {.ptr = text, .cap = sizeof text, .max = sizeof text};
	add_cell(&b, kind, f->key, f->value);
	return width_of(buf_str(&b));
}

/* ---- layout ---- */

static struct column *column_for(struct table *t, struct str key)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->columns[i].key, key))
			return &t->columns[i];
	if (t->n == REC_FIELDS_MAX)
		return NULL;
	t->columns[t->n] = (struct column){.key = key, .width = key.len};
	return &t->columns[t->n++];
}

static void measure(struct table *t, struct str held)
{
	struct rec_reader rd;
	struct rec r;
	struct rn_error err;
	rec_reader_mem(&rd, held, "held");
	while (rec_read(&rd, &r, &err) > 0) {
		const struct schema_kind *kind = schema_find(rec_kind(&r));
		t->rows++;
		for (size_t i = 0; i < r.n; i++) {
			struct column *c = column_for(t, r.f[i].key);
			if (c)
				c->width = MAX(c->width, cell_width(kind, &r.f[i]));
		}
	}
}

static void pad(struct buf *b, size_t from, size_t width)
{
	for (size_t have = width_of(str_from_at(buf_str(b), from)); have < width; have++)
		buf_add_byte(b, ' ');
}

/* Blanks at the end of a line help nobody. */
static void end_line(struct buf *b)
{
	while (b->len && b->ptr[b->len - 1] == ' ')
		b->len--;
	buf_add_byte(b, '\n');
}

static void add_titles(struct buf *b, const struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		size_t from = b->len;
		for (size_t j = 0; j < t->columns[i].key.len; j++) {
			char c = t->columns[i].key.ptr[j];
			buf_add_byte(b, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
		}
		pad(b, from, t->columns[i].width + 2);
	}
	end_line(b);
}

static void add_row(struct buf *b, const struct table *t, const struct rec *r)
{
	const struct schema_kind *kind = schema_find(rec_kind(r));
	for (size_t i = 0; i < t->n; i++) {
		size_t from = b->len;
		for (size_t j = 0; j < r->n; j++)
			if (str_eq(r->f[j].key, t->columns[i].key))
				add_cell(b, kind, r->f[j].key, r->f[j].value);
		pad(b, from, t->columns[i].width + 2);
	}
	end_line(b);
}

static void add_block(struct buf *b, const struct rec *r)
{
	const struct schema_kind *kind = schema_find(rec_kind(r));
	for (size_t i = 0; i < r->n; i++) {
		buf_addf(b, "%s%.*s: ", i ? "  " : "", STR_ARG(r->f[i].key));
		add_cell(b, kind, r->f[i].key, r->f[i].value);
		end_line(b);
	}
}

/* Columns of the terminal, or as many as it takes where there is none. */
static size_t terminal_width(int fd)
{
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : SIZE_MAX;
}

static bool fits(const struct table *t, int fd)
{
	size_t width = 0;
	for (size_t i = 0; i < t->n; i++)
		width += t->columns[i].width + 2;
	return width <= size_add(terminal_width(fd), 2);
}

/* Leaves the columns that the schema names for a narrow table, in its order. */
static void keep_brief(struct table *t, const char *brief)
{
	struct column kept[16] = {0};
	struct str rest = str_from(brief), key;
	size_t n = 0;
	while (n < ARRAY_LEN(kept) && str_cut(&rest, ',', &key))
		for (size_t i = 0; i < t->n; i++)
			if (str_eq(t->columns[i].key, key))
				kept[n++] = t->columns[i];
	memcpy(t->columns, kept, n * sizeof(*kept));
	t->n = n;
}

static bool as_table(struct table *t, struct str kind, int fd)
{
	const struct schema_kind *k = schema_find(kind);
	if (t->rows < 2)
		return false;
	if (fits(t, fd))
		return true;
	if (!k || !k->brief)
		return false;
	keep_brief(t, k->brief);
	return t->n > 0;
}

void rec_pretty_flush(struct rec_out *o)
{
	struct table t = {0};
	struct rec_reader rd;
	struct rec r;
	struct rn_error err;
	if (!o->held.len)
		return;
	measure(&t, buf_str(&o->held));
	bool table = as_table(&t, kind_of(buf_str(&o->held)), o->fd);
	if (table)
		add_titles(&o->text, &t);
	rec_reader_mem(&rd, buf_str(&o->held), "held");
	while (rec_read(&rd, &r, &err) > 0)
		table ? add_row(&o->text, &t, &r) : add_block(&o->text, &r);
	buf_clear(&o->held);
}
