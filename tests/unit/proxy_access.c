/* SPDX-License-Identifier: MIT */
#include "proxy/access.h"

#include "tap.h"

static void put(struct access_ring *r, const char *text)
{
	buf_add_cstr(&r->line, text);
	(void)access_ring_put(r);
}

static void test_ring(void)
{
	struct access_ring r;
	struct buf out;
	char line[1001];
	bool whole = true;

	memset(line, 'x', sizeof(line));
	line[999] = '\n';
	line[1000] = 0;
	buf_init(&out, 1 << 20);
	TAP_OK(access_ring_init(&r), "a ring");
	put(&r, "one\n");
	put(&r, "two\n");
	access_ring_take(&r, &out);
	TAP_OK(str_is(buf_str(&out), "one\ntwo\n"), "what went in comes out, in order");
	for (int round = 0; round < 2000; round++) { /* many times around */
		buf_clear(&out);
		put(&r, line);
		access_ring_take(&r, &out);
		whole &= str_is(buf_str(&out), line);
	}
	TAP_OK(whole, "records are whole over the ring's end");
	for (int i = 0; i < 300; i++)
		put(&r, line);
	buf_clear(&out);
	access_ring_take(&r, &out);
	TAP_OK(out.len == 262000 && r.lost == 38,
	       "a full ring drops whole records and counts them");
	access_ring_free(&r);
	buf_free(&out);
}

static void test_id(void)
{
	uint64_t next[2] = {UINT64_MAX, UINT64_MAX};
	char a[27], b[27], c[27];
	access_id(a, 1763640000000, next);
	access_id(b, 1763640000000, next);
	access_id(c, 1763640000001, next);
	TAP_OK(strlen(a) == 26 && strcmp(a, b) != 0, "ids differ");
	TAP_OK(strcmp(a, c) < 0 && strcmp(b, c) < 0, "and sort by time");
}

static void test_cut(void)
{
	struct buf b;
	bool cut = false;
	buf_init(&b, 1000);
	access_add_text(&b, "k", STR("a\xC3\xA4"), 2, &cut);
	TAP_OK(cut && str_is(buf_str(&b), " k=a"), "text is cut at a character");
	buf_free(&b);
}

int main(void)
{
	test_ring();
	test_id();
	test_cut();
	return tap_done();
}
