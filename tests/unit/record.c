/* SPDX-License-Identifier: MIT
 *
 * lib/record: the grammar, the reader, typed reads, the writer, JSON, the schema and configs by
 * example. Random values are in record_property.c.
 */
#include "record/record.h"
#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

static struct rec r;
static struct rn_error err;
static size_t column;

static bool parses(const char *line)
{
	return rec_parse(&r, str_from(line), &column, &err) == 0;
}

static bool refuses(const char *line, size_t at, const char *text)
{
	column = 0;
	if (rec_parse(&r, str_from(line), &column, &err) == RN_EDATA && column == at &&
	    strstr(err.text, text) && r.n == 0)
		return true;
	printf("# '%s': column %zu, %s\n", line, column, err.text);
	return false;
}

static bool value_is(const char *key, const char *value)
{
	struct str v = rec_get(&r, key);
	return value ? v.ptr && str_is(v, value) : !v.ptr;
}

static void test_grammar(void)
{
	TAP_OK(parses("listen=web address=0.0.0.0:443 \t proto=https \t") && r.n == 3,
	       "blanks between and behind fields");
	TAP_OK(rec_is(&r, "listen") && str_is(rec_id(&r), "web") && value_is("proto", "https") &&
		       value_is("via", NULL), "subject, value, absent");
	TAP_OK(parses("a= b== c=a=b") && value_is("a", "") && value_is("b", "=") && value_is("c", "a=b"),
	       "empty values; split at the first =");
	TAP_OK(parses("") && r.n == 0 && parses("# x=y \x01 \xff") && r.n == 0,
	       "empty lines and comments hold no record");
	TAP_OK(parses("a=%41%c3%A4%0a b=\xc3\xa4\xf0\x9f\x98\x80\xc2\xa0"), "escapes and wide characters");
	TAP_OK(parses("abcdefghijklmnopqrstuvwxyz012345=1"), "a key of 32 bytes");
	TAP_OK(refuses("abcdefghijklmnopqrstuvwxyz0123456=1", 1, "longer than 32"), "not one of 33");
	TAP_OK(refuses(" a=1", 1, "column 1"), "no blank in front");
	TAP_OK(refuses("a=1 b", 6, "no '='"), "a word without =");
	TAP_OK(refuses("a=1 =b", 5, "no key"), "= without a key");
	TAP_OK(refuses("a=1 B=2", 5, "'B' cannot stand in a key"), "upper case in a key");
	TAP_OK(refuses("1a=1", 1, "'1' cannot"), "a digit first");
	TAP_OK(refuses("_a=1", 1, "'_' cannot"), "an underline first");
	TAP_OK(refuses("a-b=1", 2, "'-' cannot"), "a dash in a key");
	TAP_OK(refuses("a=1 b=2 a=3", 9, "'a' stands twice"), "a key twice");
	TAP_OK(refuses("a=\x01", 3, "control byte 0x01"), "a control byte");
	TAP_OK(refuses("a=\x7f", 3, "control byte 0x7F"), "DEL");
	TAP_OK(refuses("a=1\r", 4, "carriage return"), "a DOS line end");
	TAP_OK(refuses("a=%4", 3, "two hex digits"), "an escape cut off");
	TAP_OK(refuses("a=%zz", 3, "two hex digits"), "an escape of no hex");
	TAP_OK(refuses("a=x%00", 4, "%00"), "an escaped NUL");
	TAP_OK(refuses("a=\xff", 3, "not UTF-8"), "no UTF-8");
	TAP_OK(refuses("a=\xc3", 3, "not UTF-8"), "a sequence cut off");
	TAP_OK(refuses("a=\xc0\xaf", 3, "not UTF-8"), "an overlong one");
	TAP_OK(refuses("a=\xed\xa0\x80", 3, "not UTF-8"), "a surrogate");
	TAP_OK(refuses("a=\xf4\x90\x80\x80", 3, "not UTF-8"), "above U+10FFFF");
	TAP_OK(refuses("a=\xc2\x85", 3, "control"), "a C1 control");
	TAP_OK(refuses("a=\xe2\x80\xae", 3, "control"), "a bidirectional control");
	TAP_OK(rec_parse(&r, STR("#a\0b"), &column, &err) == RN_EDATA, "NUL in a comment");
	TAP_OK(rec_parse(&r, STR("a=b\nc=d"), &column, &err) == RN_EDATA, "a line feed inside");
}

/* The character C in UTF-8, well formed or not (a surrogate, too large). */
static struct str encode(char out[4], uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(lead[n] | c);
	return str_make(out, n);
}

static void test_utf8(void)
{
	bool ok = true;
	char bytes[4];
	uint32_t got;
	for (uint32_t c = 0; c < 0x1FFFFF; c++) {
		struct str s = encode(bytes, c);
		bool valid = c < 0xD800 || (c > 0xDFFF && c < 0x110000);
		size_t n = utf8_len(s, &got);
		ok &= valid ? n == s.len && got == c : n == 0;
		ok &= s.len == 1 || utf8_len(str_slice(s, 0, s.len - 1), &got) == 0;
	}
	TAP_OK(ok, "every character, whole and cut off; surrogates and what is past U+10FFFF");
	for (int lead = 0x80; lead < 0x100; lead++) {
		memcpy(bytes, (char[]){(char)lead, '\x80', '\x80', '\x80'}, 4);
		bool low = lead < 0xC2 || lead > 0xF4;
		ok &= !low || utf8_len(str_make(bytes, 4), &got) == 0;
	}
	TAP_OK(ok, "bytes that begin no character; overlong forms");
}

/* Every length around the sixteen bytes that are looked at together, every position of a bad one. */
static void test_scan_edges(void)
{
	char line[80];
	bool good = true, bad = true;
	for (size_t len = 2; len < sizeof line; len++) {
		memset(line, 'x', len);
		line[1] = '=';
		good &= rec_parse(&r, str_make(line, len), &column, &err) == 0 && r.f[0].value.len == len - 2;
		for (size_t at = 2; at < len; at++) {
			line[at] = '\x02';
			bad &= rec_parse(&r, str_make(line, len), &column, &err) == RN_EDATA && column == at + 1;
			line[at] = 'x';
		}
	}
	TAP_OK(good, "values of every length around the block size");
	TAP_OK(bad, "a bad byte at every place of them");
}

static void test_limits(void)
{
	char line[REC_LINE_MAX + 1];
	memset(line, 'x', sizeof line);
	line[1] = '=';
	TAP_OK(rec_parse(&r, str_make(line, REC_LINE_MAX - 1), &column, &err) == 0, "4095 bytes and LF");
	TAP_OK(rec_parse(&r, str_make(line, REC_LINE_MAX), &column, &err) == RN_EDATA, "not 4096 and LF");
	struct buf b;
	buf_init(&b, REC_LINE_MAX);
	for (int i = 0; i < REC_FIELDS_MAX + 1; i++)
		buf_addf(&b, "%sk%d=", i ? " " : "", i);
	TAP_OK(rec_parse(&r, buf_str(&b), &column, &err) == RN_EDATA && strstr(err.text, "fields"),
	       "more than REC_FIELDS_MAX fields");
	buf_free(&b);
}

/* ---- reader ---- */

static const char stream[] = "# comment\n\na=1\nb =2\nc=3 d=4\ne=";

static bool reads_stream(struct rec_reader *rd)
{
	return rec_read(rd, &r, &err) == 1 && rec_is(&r, "a") && rd->line == 3 &&
	       rec_read(rd, &r, &err) == RN_EDATA && strstr(err.text, "in:4:2: ") &&
	       rec_read(rd, &r, &err) == 1 && rec_is(&r, "c") && value_is("d", "4") &&
	       rec_read(rd, &r, &err) == RN_EDATA && strstr(err.text, "in:6:3: last line has no LF") &&
	       rec_read(rd, &r, &err) == 0 && rec_read(rd, &r, &err) == 0;
}

static void test_reader(void)
{
	struct rec_reader rd;
	int ends[2];
	rec_reader_mem(&rd, STR(stream), "in");
	TAP_OK(reads_stream(&rd), "from memory: comments skipped, a bad line does not stop it");
	rec_reader_free(&rd);
	rec_reader_mem(&rd, (struct str){0}, "in");
	TAP_OK(rec_read(&rd, &r, &err) == 0, "nothing");
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		exit(1);
	rec_reader_fd(&rd, ends[0], "in");
	TAP_OK(rec_read(&rd, &r, &err) == RN_EAGAIN, "a pipe that is still empty");
	bool ok = true;
	for (size_t i = 0; i < 12; i++) /* up to the LF of a=1 and one byte more, byte by byte */
		ok &= write(ends[1], stream + i, 1) == 1 && rec_read(&rd, &r, &err) == RN_EAGAIN;
	TAP_OK(ok, "no record before its LF");
	TAP_OK(write(ends[1], stream + 12, sizeof stream - 13) > 0 && close(ends[1]) == 0 &&
		       reads_stream(&rd), "the same from a pipe in pieces");
	rec_reader_free(&rd);
	close(ends[0]);
}

static void test_reader_long_line(void)
{
	struct rec_reader rd;
	struct buf b;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 300000; i++)
		buf_add_byte(&b, 'x');
	buf_add_cstr(&b, "\nshort=1\n");
	rec_reader_mem(&rd, buf_str(&b), "in");
	TAP_OK(rec_read(&rd, &r, &err) == RN_EDATA && strstr(err.text, "in:1:1: line is longer") &&
		       rec_read(&rd, &r, &err) == 1 && rec_is(&r, "short") && rd.line == 2,
	       "a line without end is one error, in memory");
	int ends[2], size = (int)b.len;
	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[1], F_SETPIPE_SZ, size) < size) {
		TAP_OK(true, "a line without end through a pipe # skip no pipe of that size");
	} else {
		bool written = fd_write_all(ends[1], buf_str(&b), &err) == 0;
		close(ends[1]);
		rec_reader_fd(&rd, ends[0], "in");
		TAP_OK(written && rec_read(&rd, &r, &err) == RN_EDATA && rd.line == 1 &&
			       rec_read(&rd, &r, &err) == 1 && rd.line == 2 && rec_read(&rd, &r, &err) == 0,
		       "a line without end through a pipe");
		rec_reader_free(&rd);
		close(ends[0]);
	}
	buf_free(&b);
}

/* ---- typed reads ---- */

static void test_get(void)
{
	uint64_t n;
	bool yes;
	struct arena a;
	arena_init(&a, 1 << 16);
	TAP_OK(parses("x=1 n=42 big=18446744073709551616 t=yes f=no b=maybe s=a%20b e= l=a,b%2Cc,,d"), "values");
	TAP_OK(rec_u64(&r, "n", 7, 100, &n, &err) == 0 && n == 42, "a number");
	TAP_OK(rec_u64(&r, "no", 7, 100, &n, &err) == 0 && n == 7, "an absent one");
	TAP_OK(rec_u64(&r, "n", 7, 41, &n, &err) == RN_EDATA && strstr(err.text, "n=42"), "too large");
	TAP_OK(rec_u64(&r, "big", 7, UINT64_MAX, &n, &err) == RN_EDATA, "past 64 bits");
	TAP_OK(rec_bool(&r, "t", false, &yes, &err) == 0 && yes, "yes");
	TAP_OK(rec_bool(&r, "f", true, &yes, &err) == 0 && !yes, "no");
	TAP_OK(rec_bool(&r, "no", true, &yes, &err) == 0 && yes, "an absent truth value");
	TAP_OK(rec_bool(&r, "b", true, &yes, &err) == RN_EDATA && strstr(err.text, "b=maybe"), "neither");
	TAP_OK(str_is(rec_text(&r, "s", &a), "a b") && str_is(rec_text(&r, "e", &a), "") &&
		       !rec_text(&r, "no", &a).ptr, "decoded text");
	struct str rest = rec_get(&r, "l"), e[5];
	size_t len = 0;
	while (len < 5 && rec_list_next(&rest, &e[len]))
		len++;
	TAP_OK(len == 4 && str_is(e[0], "a") && str_is(e[1], "b%2Cc") && str_is(e[2], "") && str_is(e[3], "d"),
	       "elements of a list");
	rest = rec_get(&r, "e");
	TAP_OK(!rec_list_next(&rest, e), "an empty list has none");
	arena_free(&a);
}

/* ---- writer ---- */

static struct buf out;

static bool wrote(const char *text)
{
	bool ok = !out.failed && str_is(buf_str(&out), text);
	if (!ok)
		printf("# wrote%s: %.*s", out.failed ? " (failed)" : "", STR_ARG(buf_str(&out)));
	buf_clear(&out);
	return ok;
}

static void test_write(void)
{
	const struct str list[] = {STR("a,b"), STR("c d"), STR("e")};
	buf_init(&out, 1 << 16);
	rec_begin(&out, "x", STR("a b%"));
	rec_add(&out, "t", STR("\xc3\xa4,\xff\xe2\x80\xae\x7f\n"));
	rec_add_cstr(&out, "gone", NULL);
	rec_add_cstr(&out, "empty", "");
	rec_add_u64(&out, "n", UINT64_MAX);
	rec_add_u64(&out, "zero", 0);
	rec_add_i64(&out, "i", INT64_MIN);
	rec_add_bool(&out, "y", true);
	rec_add_list(&out, "l", list, 3);
	rec_add_raw(&out, "r", STR("%20"));
	rec_end(&out);
	TAP_OK(wrote("x=a%20b%25 t=\xc3\xa4,%FF%E2%80%AE%7F%0A empty= n=18446744073709551615 zero=0 "
		     "i=-9223372036854775808 y=yes l=a%2Cb,c%20d,e r=%20\n"), "every kind of value");
	rec_begin(&out, "x", STR("a\0b"));
	rec_end(&out);
	TAP_OK(out.failed, "NUL cannot be written");
	buf_clear(&out);
	for (int i = 0; i < 2; i++) {
		char text[REC_LINE_MAX];
		memset(text, 'x', sizeof text);
		buf_add_cstr(&out, "before=1\n");
		rec_begin(&out, "x", str_make(text, REC_LINE_MAX - 3 + (size_t)i)); /* x= and LF */
		rec_end(&out);
		TAP_OK(out.failed == (i == 1), i ? "4097 bytes are too long" : "4096 bytes fit");
		buf_clear(&out);
	}
}

static bool canonical(const char *from, const char *to)
{
	if (!parses(from))
		return false;
	rec_canonical(&out, &r);
	return wrote(to);
}

static void test_canonical(void)
{
	TAP_OK(parses("foo=%41%2c%2C  b=x%2cy%2F") && (rec_write(&out, &r), wrote("foo=A%2C%2C b=x%2Cy/\n")),
	       "an unknown kind keeps its order, and its escaped commas");
	TAP_OK(canonical("listen=web via=wg0 proto=tcp address=h:1", "listen=web address=h:1 proto=tcp via=wg0\n"),
	       "required keys first, in the schema's order");
	TAP_OK(canonical("group=g members=user:b,any,user:a,any", "group=g members=any,user:a,user:b\n"),
	       "sets are sorted");
	TAP_OK(canonical("log=info zz=1 text=a%2cb yy=%41 at=1", "log=info at=1 text=a,b yy=A zz=1\n"),
	       "unknown keys last, by name; no list, no escaped comma");
}

/* ---- JSON ---- */

static bool json_is(const char *line, const char *json)
{
	return parses(line) && rec_to_json(&out, &r, &err) == 0 && wrote(json);
}

static bool from_json(const char *json, const char *kind, const char *line)
{
	return rec_from_json(&out, str_from(json), kind, &err) == 0 && wrote(line);
}

static bool json_refused(const char *json, const char *text)
{
	bool ok = rec_from_json(&out, str_from(json), NULL, &err) == RN_EDATA && strstr(err.text, text) &&
		  out.len == 0;
	if (!ok)
		printf("# %s: %s\n", json, err.text);
	buf_clear(&out);
	return ok;
}

static void test_json(void)
{
	TAP_OK(json_is("service=s public=yes tunnel_port=80 allow=any,user:a name=x",
		       "{\"service\":\"s\",\"public\":true,\"tunnel_port\":80,\"allow\":[\"any\",\"user:a\"],\"name\":\"x\"}"),
	       "types by the schema");
	TAP_OK(json_is("x=%22%5C%07\xc3\xa4%E2%80%AE y=%FF", "{\"x\":\"\\\"\\\\\\u0007\xc3\xa4\\u202e\",\"y\":{\"base64\":\"/w==\"}}"),
	       "what JSON and terminals would act on is escaped; bytes are base64");
	TAP_OK(json_is("stat=s value=9007199254740992", "{\"stat\":\"s\",\"value\":\"9007199254740992\"}"),
	       "a number past 2^53 is text");
	TAP_OK(json_is("group=g members=", "{\"group\":\"g\",\"members\":[]}"), "an empty list");
	TAP_OK(from_json("{\"a\":\"b c\",\"n\":-5,\"t\":true,\"f\":false,\"z\":null,\"l\":[\"x,y\",2],\"e\":[]}", NULL,
			 "a=b%20c n=-5 t=yes f=no l=x%2Cy,2 e=\n"), "every type");
	TAP_OK(from_json("{\"b\":1,\"a\":\"x\"}", "a", "a=x b=1\n"), "the subject by its name");
	TAP_OK(from_json("{\"b\":1}", "a", "a= b=1\n"), "a subject that is missing");
	TAP_OK(from_json("{\"a\":{\"base64\":\"/w==\"}}", NULL, "a=%FF\n"), "bytes");
	TAP_OK(json_refused("{}", "empty object"), "an empty object");
	TAP_OK(json_refused("[1]", "not an object"), "an array");
	TAP_OK(json_refused("{\"a\":1,\"a\":2}", "duplicate"), "a member twice");
	TAP_OK(json_refused("{\"a\":1.5}", "a: not text"), "a fraction");
	TAP_OK(json_refused("{\"a b\":1}", "'a b' is not a key"), "a member that is no key");
	TAP_OK(json_refused("{\"#\":null,\"a\":1}", "'#' is not a key"), "nor a first one that is null");
	TAP_OK(json_refused("{\"a\":{\"b\":1}}", "a: an object"), "an object inside");
	TAP_OK(json_refused("{\"a\":[\"\"]}", "a: an element is empty"), "an empty element");
	TAP_OK(json_refused("{\"a\":\"\\u0000\"}", ""), "NUL");
	TAP_OK(json_refused("{\"a\":\"x\"", "JSON, line 1"), "JSON cut off");
}

/* ---- schema ---- */

static bool schema_says(const char *line, int code, size_t at, const char *text)
{
	column = 0;
	err = (struct rn_error){0};
	if (!parses(line))
		return false;
	column = 0;
	int rc = schema_check(&r, &column, &err);
	if (rc == code && (rc == 0 || (column == at && strstr(err.text, text) && err.code == code)))
		return true;
	printf("# %s: %d column %zu: %s\n", line, rc, column, err.text);
	return false;
}

static void test_schema(void)
{
	TAP_OK(schema_says("listen=web address=0.0.0.0:443 proto=https", 0, 0, ""), "a good listen");
	TAP_OK(schema_says("nonsense=1 x=2", 0, 0, ""), "unknown kinds pass");
	TAP_OK(schema_says("listen=web adress=0.0.0.0:443 proto=https", RN_ECONFIG, 12,
			   "unknown key 'adress' in listen: did you mean 'address'?"), "the nearest key");
	TAP_OK(schema_says("listen=web address=a:1 proto=tcp qqqqqqq=1", RN_ECONFIG, 34, "unknown key 'qqqqqqq' in listen"),
	       "no key is near");
	TAP_OK(schema_says("listen=web address=a:1", RN_ECONFIG, 1, "listen=web has no proto"), "a required key");
	TAP_OK(schema_says("listen=web address=a proto=tcp", RN_ECONFIG, 20, "address: 'a' is not host:port"), "an endpoint");
	TAP_OK(schema_says("listen=web address=a:1 proto=tpc", RN_ECONFIG, 30, "proto: 'tpc' is not one of http|"), "an enum");
	TAP_OK(schema_says("listen=.x address=a:1 proto=tcp", RN_ECONFIG, 8, "listen: '.x' is not"), "the identity");
	TAP_OK(schema_says("policy=p effect=allow to=* from=user:a,usr:b", RN_ECONFIG, 40, "from: 'usr:b' is not"), "an element");
	TAP_OK(schema_says("device=d groups=any,org,any", RN_ECONFIG, 25, "'any' stands twice"), "a set");
	TAP_OK(schema_says("device=d groups=any,,org", RN_ECONFIG, 21, "empty element"), "an empty element");
	TAP_OK(schema_says("device=d groups=any,", RN_ECONFIG, 21, "empty element"), "a comma at the end");
	TAP_OK(schema_says("stat=x value=y", RN_EDATA, 14, "value: 'y' is not a whole"), "observations: code 65");
	TAP_OK(schema_says("stat=x foo=y value=", 0, 0, ""), "observations: unknown keys and known empty");
	struct buf b;
	buf_init(&b, 1 << 20);
	schema_write(&b, NULL);
	struct rec_reader rd;
	rec_reader_mem(&rd, buf_str(&b), "schema");
	int rc;
	bool ok = !b.failed;
	while ((rc = rec_read(&rd, &r, &err)) > 0)
		ok &= schema_check(&r, NULL, &err) == 0;
	TAP_OK(ok && rc == 0, "the schema fits the schema");
	buf_free(&b);
}

/* The tables themselves: named once, documented, ranges and references that mean something. */
static void test_tables(void)
{
	bool ok = true;
	for (const struct schema_kind *const *k = schema_kinds; *k; k++) {
		ok &= schema_find(str_from((*k)->name)) == *k && (*k)->doc && *(*k)->doc && (*k)->programs;
		for (const struct schema_key *key = (*k)->keys; key->name; key++) {
			bool good = schema_key_find(*k, str_from(key->name)) == key && key->doc && *key->doc &&
				    strlen(key->name) <= REC_KEY_MAX &&
				    !((key->flags & KEY_SET) && !(key->flags & KEY_LIST)) &&
				    (key->type != TYPE_ENUM || key->values) &&
				    (key->type != TYPE_REF || (key->values && schema_find(str_from(key->values)))) &&
				    (!key->fallback || schema_check_value(key->type, key->values,
									   str_from(key->fallback), &err) == 0);
			if (!good)
				printf("# %s: %s\n", (*k)->name, key->name);
			ok &= good;
		}
	}
	TAP_OK(ok, "every key of every kind is well defined");
}

static const struct {
	enum schema_type type;
	const char *values, *good, *bad; /* with blanks between */
} samples[] = {
	{TYPE_NAME, NULL, "a a-b_c.d@e.f+1 9", "-a .a a/b a:b \xc3\xa4 a%2Fb"},
	{TYPE_U64, NULL, "0 18446744073709551615", "-1 +1 01 1e3 18446744073709551616 0x10"},
	{TYPE_U64, "1-65535", "1 65535", "0 65536"},
	{TYPE_BOOL, NULL, "yes no", "true 1 Yes"},
	{TYPE_ADDRESS, NULL, "1.2.3.4 :: fe80::1", "1.2.3 1.2.3.256 01.2.3.4 1.2.3.4/32 g::"},
	{TYPE_CIDR, NULL, "1.2.3.4/32 ::/0 10.0.0.1 fd00::1/128", "1.2.3.4/33 ::/129 /8 x/8 1.2.3.4/ 1.2.3.4/08"},
	{TYPE_ENDPOINT, NULL, "a:1 1.2.3.4:0 [::1]:65535 a.b-c.d:80 _x.y:1", "a a: :1 ::1:80 [::1] a:65536 [1.2.3.4]:1 a..b:1 -a:1 1.2.3:4 A:1"},
	{TYPE_UPSTREAM, NULL, "a:1 unix:/run/x cgi:/usr/lib/x", "unix:x cgi: /x file:/x"},
	{TYPE_KEY, NULL, "q0xJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "q0xJ= q0xJAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB= x"},
	{TYPE_HOST, NULL, "a *.a a.b.example.com xn--bcher-kva.example", "* *. a. .a a..b A *.*.a 1.2.3.4 a_b-"},
	{TYPE_URLPATH, NULL, "/ /a%20b", "a http://x"},
	{TYPE_TIME, NULL, "0 1763640000", "now -1"},
	{TYPE_PRINCIPAL, NULL, "any link org user:a group:b device:c cidr:10.0.0.0/8 cidr:::1", "all user: user cidr:x user:a:b :a"},
	{TYPE_HEX, NULL, "00ff", "0 0F xx"},
	{TYPE_BASE64, NULL, "AA== AAAA", "A AA AA= AB=="},
	{TYPE_ENUM, "a|bc", "a bc", "b a|bc abc"},
};

static bool samples_are(enum schema_type type, const char *values, const char *list, bool good)
{
	struct str rest = str_from(list), value;
	bool ok = true;
	while (str_cut(&rest, ' ', &value)) {
		bool is = schema_check_value(type, values, value, &err) == 0;
		if (is != good)
			printf("# %s: '%.*s'\n", schema_type_name(type), STR_ARG(value));
		ok &= is == good;
	}
	return ok;
}

static void test_types(void)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		char text[80];
		snprintf(text, sizeof text, "type %s: good and bad values", schema_type_name(samples[i].type));
		TAP_OK(samples_are(samples[i].type, samples[i].values, samples[i].good, true) &&
			       samples_are(samples[i].type, samples[i].values, samples[i].bad, false), text);
	}
	bool ok = true;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		ok &= schema_check_value(samples[i].type, samples[i].values, STR(""), &err) < 0 ||
		      samples[i].type == TYPE_BASE64;
	TAP_OK(ok, "the empty value is none of these");
}

/* ---- configs ---- */

static int count(void *ctx, const struct rec *rec, struct rn_error *e)
{
	(void)rec, (void)e;
	++*(int *)ctx;
	return 0;
}

static int refuse(void *ctx, const struct rec *rec, struct rn_error *e)
{
	(void)ctx, (void)rec;
	return rn_fail(e, RN_ECONFIG, "not like this");
}

static bool config_says(const char *text, int want, int code, const char *message)
{
	int seen = 0;
	err = (struct rn_error){0};
	int rc = rec_config_mem(str_from(text), "gw.rn", count, &seen, &err);
	if (rc == code && seen == want && (rc == 0 || strcmp(err.text, message) == 0))
		return true;
	printf("# %d, %d records, %s\n", rc, seen, err.text);
	return false;
}

static void test_config(void)
{
	TAP_OK(config_says("# x\ngroup=a\nfoo=1\nfoo=1\ngroup=b\n", 4, 0, ""), "unknown kinds may repeat");
	TAP_OK(config_says("group=a\ngroup=b member=any\n", 0, RN_ECONFIG,
			   "gw.rn:2:9: unknown key 'member' in group: did you mean 'members'?"),
	       "nothing is handed out when a later line is bad");
	TAP_OK(config_says("group=a\ngroup=a\n", 0, RN_ECONFIG, "gw.rn:2:1: group=a stands twice"), "a subject twice");
	TAP_OK(config_says("group=a\ngroup=b", 0, RN_ECONFIG, "gw.rn:2:8: last line has no LF: it may be cut off"),
	       "cut off");
	TAP_OK(config_says("stat=a value=x\n", 0, RN_ECONFIG, "gw.rn:1:14: value: 'x' is not a whole decimal number"),
	       "a bad observation in a config is a bad config");
	TAP_OK(rec_config_mem(STR("group=a\n"), "gw.rn", refuse, NULL, &err) == RN_ECONFIG &&
		       strcmp(err.text, "gw.rn:1: not like this") == 0, "the program says no");
	TAP_OK(rec_config_read("/nonexistent", count, NULL, &err) == RN_ENOINPUT, "no file");
}

/* A key in a kind's brief columns that it does not have would never be shown. */
static void test_brief(void)
{
	bool ok = true;

	for (size_t i = 0; schema_kinds[i]; i++) {
		struct str rest = str_from(schema_kinds[i]->brief), key;

		while (str_cut(&rest, ',', &key))
			ok = ok && (str_is(key, schema_kinds[i]->name) ||
				    schema_key_find(schema_kinds[i], key));
	}
	TAP_OK(ok, "brief columns are keys of their kind");
}

int main(void)
{
	test_grammar();
	test_utf8();
	test_scan_edges();
	test_limits();
	test_reader();
	test_reader_long_line();
	test_get();
	test_write();
	test_canonical();
	test_json();
	test_schema();
	test_tables();
	test_types();
	test_config();
	buf_free(&out);
	test_brief();
	return tap_done();
}
