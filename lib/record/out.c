/* SPDX-License-Identifier: MIT
 *
 * Records out to a descriptor in one of the views. The aligned view for people is in pretty.c.
 */
#include "record/out.h"

#define TEXT_MAX (16 * 1024 * 1024)
#define FLUSH_AT (64 * 1024)

void rec_out_init(struct rec_out *o, int fd, enum rec_view view)
{
	*o = (struct rec_out){.fd = fd, .view = view};
	buf_init(&o->text, TEXT_MAX);
	buf_init(&o->held, TEXT_MAX);
}

static int write_out(struct rec_out *o, struct rn_error *err)
{
	int rc = 0;
	if (o->text.failed)
		return rn_fail(err, RN_EOS, "out of memory for output");
	if (o->text.len)
		rc = fd_write_all(o->fd, buf_str(&o->text), err);
	buf_clear(&o->text);
	return rc;
}

/* "#rn 1 KIND key key…" whenever another known kind begins; a comment to whoever reads records. */
static void add_header(struct rec_out *o, const struct rec *r)
{
	const struct schema_kind *kind = schema_find(rec_kind(r));
	if (!kind || kind == o->last)
		return;
	o->last = kind;
	buf_addf(&o->text, "#rn 1 %s", kind->name);
	for (const struct schema_key *k = kind->keys; k->name; k++)
		buf_addf(&o->text, " %s", k->name);
	buf_add_byte(&o->text, '\n');
}

static void add_columns_header(struct rec_out *o)
{
	struct str rest = o->columns, name;
	buf_add_cstr(&o->text, "#rn 1");
	while (str_cut(&rest, ',', &name))
		buf_addf(&o->text, "\t%.*s", STR_ARG(name));
	buf_add_byte(&o->text, '\n');
}

static void add_columns(struct rec_out *o, const struct rec *r)
{
	struct str rest = o->columns, name;
	for (bool first = true; str_cut(&rest, ',', &name); first = false) {
		if (!first)
			buf_add_byte(&o->text, '\t');
		for (size_t i = 0; i < r->n; i++)
			if (str_eq(r->f[i].key, name))
				buf_add(&o->text, r->f[i].value);
	}
	buf_add_byte(&o->text, '\n');
}

static int put_one(struct rec_out *o, const struct rec *r, struct rn_error *err)
{
	int rc = 0;
	switch (o->view) {
	case REC_VIEW_RECORDS:
		if (o->header)
			add_header(o, r);
		buf_add(&o->text, r->line);
		buf_add_byte(&o->text, '\n');
		break;
	case REC_VIEW_COLUMNS:
		if (o->header && !o->started)
			add_columns_header(o);
		add_columns(o, r);
		break;
	case REC_VIEW_JSON:
		rc = rec_to_json(&o->text, r, err);
		buf_add_byte(&o->text, '\n');
		break;
	case REC_VIEW_PRETTY:
		rec_pretty_hold(o, r);
		break;
	}
	o->started = true;
	return rc;
}

int rec_out_put(struct rec_out *o, struct str record, struct rn_error *err)
{
	struct rec_reader rd;
	struct rec r;
	int rc = 0;
	if (o->view == REC_VIEW_RECORDS && !o->header) {
		buf_add(&o->text, record);
		return o->text.len >= FLUSH_AT ? write_out(o, err) : 0;
	}
	rec_reader_mem(&rd, record, "output");
	while (rc == 0 && (rc = rec_read(&rd, &r, err)) > 0) {
		rc = put_one(o, &r, err);
		if (rc == 0 && o->text.len >= FLUSH_AT)
			rc = write_out(o, err);
	}
	return rc;
}

int rec_out_flush(struct rec_out *o, struct rn_error *err)
{
	rec_pretty_flush(o);
	return write_out(o, err);
}

int rec_out_finish(struct rec_out *o, struct rn_error *err)
{
	int rc = rec_out_flush(o, err);
	buf_free(&o->text);
	buf_free(&o->held);
	return rc;
}
