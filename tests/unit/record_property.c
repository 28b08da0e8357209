/* SPDX-License-Identifier: MIT
 *
 * Random records: what is written is read back, whatever its bytes. RN_SEED=N repeats a run.
 */
#include "record/record.h"
#include "tap.h"

#define RUNS 3000

static uint64_t state;
static struct rec r;
static struct rn_error err;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t below(size_t n)
{
	return (size_t)(next_random() >> 11) % n;
}

/* Text with what is special more often than by chance, but no NUL. */
static struct str random_text(char *out, size_t cap)
{
	static const char special[] = "%,= \t\r\n\"\\\x01\x7f\x80\xa0\xc2\xc3\xe2\xff";
	size_t len = below(4) ? below(12) : below(cap);
	for (size_t i = 0; i < len; i++)
		switch (below(4)) {
		case 0:
			out[i] = special[below(sizeof special - 1)];
			break;
		case 1:
			out[i] = (char)(1 + below(255));
			break;
		default:
			out[i] = (char)('a' + below(26));
		}
	return str_make(out, len);
}

/* One record of N fields with known texts, and the same decoded again. */
#define FIELDS 6
struct sample {
	char bytes[FIELDS][100];
	struct str text[FIELDS], list[3];
	char elements[3][20];
	uint64_t number;
};

static void make(struct sample *s, struct buf *b)
{
	static const char *const keys[FIELDS] = {"subject", "a", "b_2", "ccc", "dd", "e"};
	rec_begin(b, keys[0], s->text[0] = random_text(s->bytes[0], sizeof s->bytes[0]));
	for (size_t i = 1; i < FIELDS; i++)
		rec_add(b, keys[i], s->text[i] = random_text(s->bytes[i], sizeof s->bytes[i]));
	for (size_t i = 0; i < ARRAY_LEN(s->list); i++) {
		do
			s->list[i] = random_text(s->elements[i], sizeof s->elements[i]);
		while (!s->list[i].len);
	}
	rec_add_list(b, "list", s->list, ARRAY_LEN(s->list));
	s->number = next_random() >> below(64);
	rec_add_u64(b, "number", s->number);
	rec_end(b);
}

static bool same_values(const struct sample *s)
{
	struct arena a;
	uint64_t number;
	bool ok = r.n == FIELDS + 2;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; ok && i < FIELDS; i++) {
		char key[REC_KEY_MAX + 1];
		ok = str_copy(key, sizeof key, r.f[i].key) &&
		     str_eq(rec_text(&r, key, &a), s->text[i]);
	}
	struct str rest = rec_get(&r, "list"), element;
	for (size_t i = 0; ok && i < ARRAY_LEN(s->list); i++) {
		char plain[64];
		struct buf b = {.ptr = plain, .cap = sizeof plain, .max = sizeof plain};
		ok = rec_list_next(&rest, &element) && unescape_value(&b, element) &&
		     str_eq(buf_str(&b), s->list[i]);
	}
	ok = ok && !rec_list_next(&rest, &element) &&
	     rec_u64(&r, "number", 0, UINT64_MAX, &number, &err) == 0 && number == s->number;
	arena_free(&a);
	return ok;
}

static bool parse_written(const struct buf *b)
{
	return !b->failed && b->len && rec_parse(&r, str_make(b->ptr, b->len - 1), NULL, &err) == 0;
}

static bool written_is_read(struct sample *s, struct buf *b)
{
	make(s, b);
	return parse_written(b) && same_values(s);
}

static bool canonical_is_itself(struct buf *b)
{
	struct buf again;
	buf_init(&again, 1 << 16);
	rec_write(&again, &r);
	bool ok = str_eq(buf_str(&again), buf_str(b));
	buf_free(&again);
	return ok;
}

/* Where text is UTF-8, JSON brings it back; where not, as base64; only elements that are bytes are
 * refused. */
static bool json_brings_back(struct sample *s)
{
	struct buf json, back;
	buf_init(&json, 1 << 16);
	buf_init(&back, 1 << 16);
	bool ok = rec_to_json(&json, &r, &err) == 0;
	int rc = rec_from_json(&back, buf_str(&json), NULL, &err);
	if (rc == 0)
		ok = ok && parse_written(&back) && same_values(s);
	else
		ok = ok && rc == RN_EDATA && strstr(err.text, "list: not text");
	buf_free(&json);
	buf_free(&back);
	return ok;
}

/* Escapes that need not be are undone, and none is lost. */
static bool escapes_normalise(struct sample *s)
{
	static const char hex[] = "0123456789abcdef";
	struct buf all, canonical;
	bool ok = true;
	buf_init(&all, 1 << 16);
	buf_init(&canonical, 1 << 16);
	buf_add_cstr(&all, "log=x text=");
	for (size_t i = 0; i < s->text[1].len; i++) {
		unsigned char c = (unsigned char)s->text[1].ptr[i];
		buf_add(&all, str_make((char[]){'%', hex[c >> 4], hex[c & 15]}, 3));
	}
	rec_begin(&canonical, "log", STR("x"));
	rec_add(&canonical, "text", s->text[1]);
	rec_end(&canonical);
	ok = rec_parse(&r, buf_str(&all), NULL, &err) == 0;
	buf_clear(&all);
	rec_canonical(&all, &r);
	ok = ok && str_eq(buf_str(&all), buf_str(&canonical));
	buf_free(&all);
	buf_free(&canonical);
	return ok;
}

/* No allocation failure crashes or gives half a record. */
static bool survives_no_memory(struct sample *s)
{
	bool ok = true;
	for (unsigned n = 1; n < 12; n++) {
		struct buf b;
		buf_init(&b, 1 << 16);
		mem_fail_at(n);
		make(s, &b);
		mem_fail_at(0);
		ok = ok && (b.failed || parse_written(&b));
		buf_free(&b);
	}
	return ok;
}

int main(void)
{
	const char *seed = getenv("RN_SEED");
	struct sample s;
	struct buf b;
	bool read = true, canonical = true, json = true, escapes = true;
	state = seed ? strtoull(seed, NULL, 10) : (uint64_t)clock_wall_ms() | 1;
	printf("# RN_SEED=%llu\n", (unsigned long long)state);
	buf_init(&b, 1 << 16);
	for (int i = 0; i < RUNS; i++) {
		buf_clear(&b);
		read = read && written_is_read(&s, &b);
		canonical = canonical && canonical_is_itself(&b);
		json = json && json_brings_back(&s);
		escapes = escapes && escapes_normalise(&s);
	}
	TAP_OK(read, "what is written is read back");
	TAP_OK(canonical, "what the writer writes is canonical");
	TAP_OK(json, "JSON brings it back");
	TAP_OK(escapes, "needless escapes are undone");
	TAP_OK(survives_no_memory(&s), "the n-th allocation fails");
	buf_free(&b);
	return tap_done();
}
