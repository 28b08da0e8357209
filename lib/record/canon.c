/* SPDX-License-Identifier: MIT
 *
 * Writing again what was parsed, in canonical form.
 */
#include "record/record.h"

#define ELEMENTS_MAX REC_LINE_MAX

static const struct schema_key *key_of(const struct rec *r, size_t field)
{
	const struct schema_kind *kind = schema_find(rec_kind(r));
	return kind ? schema_key_find(kind, r->f[field].key) : NULL;
}

/* A comma that is escaped belongs to an element and stays so, unless the key is known to hold no
 * list. */
static bool may_be_list(const struct rec *r, size_t field)
{
	const struct schema_key *key = key_of(r, field);
	return key ? key->flags & KEY_LIST : field > 0 || !schema_find(rec_kind(r));
}

static void write_decoded(struct buf *b, struct str value, bool element)
{
	char text[REC_LINE_MAX];
	struct buf plain = {.ptr = text, .cap = sizeof text, .max = sizeof text};
	if (!unescape_value(&plain, value))
		b->failed = true;
	else if (element)
		escape_element(b, buf_str(&plain));
	else
		escape_value(b, buf_str(&plain));
}

static void write_value(struct buf *b, const struct rec *r, size_t field)
{
	struct str value = r->f[field].value, element;
	if (str_find(value, '%') < 0) {
		buf_add(b, value);
		return;
	}
	if (!may_be_list(r, field)) {
		write_decoded(b, value, false);
		return;
	}
	for (bool first = true; str_cut(&value, ',', &element); first = false) {
		if (!first)
			buf_add_byte(b, ',');
		write_decoded(b, element, true);
	}
}

static void write_key(struct buf *b, const struct rec *r, size_t field)
{
	if (field)
		buf_add_byte(b, ' ');
	buf_add(b, r->f[field].key);
	buf_add_byte(b, '=');
}

void rec_write(struct buf *b, const struct rec *r)
{
	for (size_t i = 0; i < r->n; i++) {
		write_key(b, r, i);
		write_value(b, r, i);
	}
	rec_end(b);
}

/* ---- by the schema ---- */

static int compare_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The elements of LIST (canonical each) in byte order, each once. */
static void write_sorted(struct buf *b, struct str list)
{
	struct str elements[ELEMENTS_MAX];
	size_t n = 0;
	while (n < ELEMENTS_MAX && str_cut(&list, ',', &elements[n]))
		n++;
	qsort(elements, n, sizeof *elements, compare_str);
	for (size_t i = 0; i < n; i++) {
		if (i && str_eq(elements[i], elements[i - 1]))
			continue;
		if (i)
			buf_add_byte(b, ',');
		buf_add(b, elements[i]);
	}
}

static void write_set(struct buf *b, const struct rec *r, size_t field)
{
	char text[REC_LINE_MAX * 3]; /* canonical is never longer than 3 bytes for each */
	struct buf list = {.ptr = text, .cap = sizeof text, .max = sizeof text};
	write_value(&list, r, field);
	b->failed |= list.failed;
	write_sorted(b, buf_str(&list));
}

/* Fields by their place: required keys in the schema's order, optional ones, unknown by name. */
struct place {
	size_t field, rank;
	struct str name; /* of an unknown key */
	const struct schema_key *key;
};

static int compare_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return str_cmp(x->name, y->name);
}

static struct place place_of(const struct rec *r, size_t field, const struct schema_kind *kind)
{
	const struct schema_key *key = kind ? schema_key_find(kind, r->f[field].key) : NULL;
	if (!key)
		return (struct place){field, SIZE_MAX, r->f[field].key, NULL};
	size_t optional = key->flags & KEY_REQUIRED ? 0 : SIZE_MAX / 2;
	return (struct place){field, optional + (size_t)(key - kind->keys), {0}, key};
}

/* Places of all fields but the subject, which stays first. */
static void order(struct place places[static REC_FIELDS_MAX], const struct rec *r)
{
	const struct schema_kind *kind = schema_find(rec_kind(r));
	bool sorted = true;
	places[0] = (struct place){0};
	for (size_t i = 1; i < r->n; i++) {
		places[i] = place_of(r, i, kind);
		if (i > 1 && compare_place(&places[i - 1], &places[i]) > 0)
			sorted = false;
	}
	if (!sorted)
		qsort(places + 1, r->n - 1, sizeof *places, compare_place);
}

void rec_canonical(struct buf *b, const struct rec *r)
{
	struct place places[REC_FIELDS_MAX];
	if (!r->n)
		return;
	order(places, r);
	for (size_t i = 0; i < r->n; i++) {
		const struct place *p = &places[i];
		write_key(b, r, p->field);
		if (p->key && p->key->flags & KEY_SET)
			write_set(b, r, p->field);
		else
			write_value(b, r, p->field);
	}
	rec_end(b);
}
