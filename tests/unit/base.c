/* SPDX-License-Identifier: MIT */
#include "base/base.h"
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

static uint64_t seed = 42;

static uint32_t next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

static void test_str(void)
{
	struct str rest = STR("a,,b"), part;
	uint64_t v;

	TAP_OK(str_cut(&rest, ',', &part) && str_is(part, "a"), "cut gives the first part");
	TAP_OK(str_cut(&rest, ',', &part) && part.len == 0, "and an empty one");
	TAP_OK(str_cut(&rest, ',', &part) && str_is(part, "b"), "and the last");
	TAP_OK(!str_cut(&rest, ',', &part), "and then no more");
	TAP_OK(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX,
	       "the largest integer is read");
	TAP_OK(!str_to_u64(STR("18446744073709551616"), UINT64_MAX, &v), "one more is refused");
	TAP_OK(!str_to_u64(STR("01"), 99, &v) && !str_to_u64(STR(""), 99, &v) &&
		       !str_to_u64(STR("+1"), 99, &v) && !str_to_u64(STR("100"), 99, &v),
	       "leading zero, nothing, sign, over the maximum are refused");
	TAP_OK(str_distance(STR("adress"), STR("address"), 9) == 1, "one letter apart");
	TAP_OK(str_is(str_trim(STR(" \tx y\t")), "x y"), "blanks go at both ends only");
}

static void test_escape(void)
{
	static const struct {
		const char *plain, *escaped;
	} table[] = {
		{"a b%", "a%20b%25"},
		{"\n\x7f", "%0A%7F"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xc2\x85\xff", "%C2%85%FF"},		     /* C1 control, not UTF-8 */
		{"\xe2\x80\xae", "%E2%80%AE"},		     /* right-to-left override */
		{"\xed\xa0\x80\xc0\x80", "%ED%A0%80%C0%80"}, /* surrogate, overlong */
	};
	bool ok = true, all = true;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct buf b, back;

		buf_init(&b, 4096);
		buf_init(&back, 4096);
		escape_value(&b, str_from(table[i].plain));
		ok = ok && str_is(buf_str(&b), table[i].escaped);
		all = all && unescape_value(&back, buf_str(&b)) &&
		      str_is(buf_str(&back), table[i].plain);
		buf_free(&b);
		buf_free(&back);
	}
	TAP_OK(ok, "bytes are escaped only if they must be");
	TAP_OK(all, "and come back the same");
}

static void test_map(void)
{
	enum { N = 500 };
	static char names[N][16];
	static bool in[N];
	struct map m = {0};
	bool ok = true;

	for (int step = 0; step < 20000; step++) {
		size_t i = next_random() % N;
		struct str key;

		snprintf(names[i], sizeof(names[i]), "key%zu", i);
		key = str_from(names[i]);
		if (next_random() & 1) {
			ok = ok && map_set(&m, key, names[i]);
			in[i] = true;
		} else {
			ok = ok && (map_remove(&m, key) == (in[i] ? names[i] : NULL));
			in[i] = false;
		}
	}
	for (size_t i = 0; i < N; i++)
		ok = ok && map_get(&m, str_from(names[i])) == (in[i] ? names[i] : NULL);
	TAP_OK(ok, "20,000 random sets and removals agree with an array");
	map_free(&m);
}

static void test_base64(void)
{
	unsigned char in[64], out[64];
	char text[BASE64_SIZE(64)], hex[HEX_SIZE(64)];
	bool ok = true;

	for (size_t n = 0; n <= 64; n++) {
		random_bytes(in, n);
		base64_encode(text, in, n, n & 1 ? BASE64_STD : BASE64_URL);
		hex_encode(hex, in, n);
		ok = ok && base64_decode(out, n, str_from(text), n & 1 ? BASE64_STD : BASE64_URL) &&
		     memcmp(in, out, n) == 0 && hex_decode(out, n, str_from(hex)) &&
		     memcmp(in, out, n) == 0;
	}
	TAP_OK(ok, "every length up to 64 comes back from base64 and hex");
	TAP_OK(!base64_decode(out, 1, STR("QR=="), BASE64_STD), "stray bits are refused");
	TAP_OK(!base64_decode(out, 1, STR("QQ"), BASE64_STD), "missing padding is refused");
	TAP_OK(!base64_decode(out, 1, STR("QQ== "), BASE64_STD), "a blank is refused");
	TAP_OK(base64_decode(out, 3, STR("////"), BASE64_STD) &&
		       !base64_decode(out, 3, STR("\xaf///"), BASE64_STD),
	       "a byte with its top bit set is refused");
}

static void test_memory(void)
{
	struct arena a;
	struct buf b;

	arena_init(&a, 20000);
	TAP_OK(arena_alloc(&a, 15000) != NULL && arena_alloc(&a, 15000) == NULL,
	       "an arena stops at its cap");
	arena_free(&a);
	mem_fail_at(1);
	TAP_OK(arena_alloc(&a, 1) == NULL && arena_alloc(&a, 1) != NULL,
	       "an allocation that fails is a NULL, and the next may work");
	arena_free(&a);
	buf_init(&b, 8);
	buf_add(&b, STR("12345678"));
	TAP_OK(!b.failed && b.len == 8, "a buffer fills to its maximum");
	buf_add_byte(&b, '9');
	TAP_OK(b.failed && b.len == 8, "and fails beyond, whole");
	buf_free(&b);
}

static void test_file(void)
{
	char dir[] = "/tmp/rn-base.XXXXXX", path[64], deep[64];
	struct rn_error err;
	struct stat st;
	struct buf b;

	buf_init(&b, 100);
	if (!mkdtemp(dir))
		return;
	snprintf(path, sizeof(path), "%s/secret", dir);
	TAP_OK(file_write(path, 0600, STR("old"), &err) == 0 &&
		       file_write(path, 0600, STR("new"), &err) == 0 && stat(path, &st) == 0 &&
		       (st.st_mode & 0777) == 0600,
	       "a file is replaced whole with its mode");
	TAP_OK(file_read_secret(path, &b, &err) == 0 && str_is(buf_str(&b), "new"), "and read back");
	chmod(path, 0640);
	TAP_OK(file_read_secret(path, &b, &err) == RN_EPERM, "a secret that others can read is refused");
	unlink(path);
	TAP_OK(file_read(path, &b, &err) == RN_ENOINPUT, "a missing file is RN_ENOINPUT");
	snprintf(deep, sizeof(deep), "%s/a/b", dir);
	TAP_OK(dir_make(deep, 0700, &err) == 0 && dir_make(deep, 0700, &err) == 0,
	       "a folder is made with its parents, twice over");
	TAP_OK(file_write("/proc/none/x", 0600, STR(""), &err) == RN_ECANTCREAT,
	       "a file that cannot be made is RN_ECANTCREAT");
	rmdir(deep);
	snprintf(deep, sizeof(deep), "%s/a", dir);
	rmdir(deep);
	rmdir(dir);
	buf_free(&b);
}

int main(void)
{
	if (!secret_init())
		return 1;
	test_str();
	test_escape();
	test_map();
	test_base64();
	test_memory();
	test_file();
	return tap_done();
}
