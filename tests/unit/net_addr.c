/* SPDX-License-Identifier: MIT
 *
 * Addresses and prefixes: what is read, what is refused, and that output is canonical.
 */
#include "net/net.h"
#include "tap.h"

static void check_canonical(const char *in, const char *want)
{
	char out[ADDR_TEXT_MAX];
	struct addr a, again;

	TAP_OK(addr_parse(&a, str_from(in), 0), in);
	addr_format(&a, out);
	TAP_OK(strcmp(out, want) == 0, want);
	TAP_OK(addr_parse(&again, str_from(out), 0) && addr_eq(&a, &again), "reads its own output");
}

static void test_canonical(void)
{
	static const char *const cases[][2] = {
		{"10.0.0.1:80", "10.0.0.1:80"},
		{"10.0.0.1", "10.0.0.1"},
		{"[::1]:443", "[::1]:443"},
		{"::", "::"},
		{"[::]:53", "[::]:53"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one group is not compressed */
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"1::", "1::"},
		{"fe80:0:0:0:0:0:0:0", "fe80::"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
		{"::1.2.3.4", "::102:304"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_canonical(cases[i][0], cases[i][1]);
}

static void test_refused(void)
{
	static const char *const cases[] = {
		"",
		":",
		"10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:080",
		"10.0.0.1:65536",
		"10.0.0.1:-1",
		"10.0.0.1: 80",
		" 10.0.0.1:80",
		"10.0.0.1:80 ",
		"010.0.0.1:80",
		"10.0.1:80",
		"0x7f.0.0.1:80",
		"[10.0.0.1]:80",
		"::1",
		"[::1]",
		"[::1]80",
		"[::1:80",
		"::1]:80",
		"[::1]:",
		"[fe80::1%eth0]:80",
		"[]:80",
		"localhost:80",
		"10.0.0.1:80:80",
		"1.2.3.4.5:1",
		"[1::2::3]:1",
	};
	struct addr a;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		TAP_OK(!addr_parse(&a, str_from(cases[i]), -1), cases[i]);
	TAP_OK(!addr_parse(&a, str_make("1.2.3.4\0:80", 11), -1), "a NUL inside");
	TAP_OK(!addr_parse_ip(&a, STR("10.0.0.1:80")), "a port where none belongs");
}

static void test_equal(void)
{
	struct addr v4, mapped, loop;

	TAP_OK(addr_parse(&v4, STR("127.0.0.9:7"), -1), "v4");
	TAP_OK(addr_parse(&mapped, STR("[::ffff:127.0.0.9]:7"), -1), "v4-mapped");
	TAP_OK(addr_eq(&v4, &mapped), "mapped equals plain");
	addr_set_port(&mapped, 8);
	TAP_OK(!addr_eq(&v4, &mapped) && addr_eq_ip(&v4, &mapped), "the port counts, or not");
	TAP_OK(addr_is_loopback(&v4) && addr_is_loopback(&mapped), "127/8 is loopback, mapped too");
	TAP_OK(addr_parse(&loop, STR("::1"), 0) && addr_is_loopback(&loop), "::1 is loopback");
	TAP_OK(addr_parse(&loop, STR("::2"), 0) && !addr_is_loopback(&loop), "::2 is not");
	TAP_OK(addr_parse(&loop, STR("::7f00:1"), 0) && !addr_is_loopback(&loop),
	       "::127.0.0.1 is not");
}

static void test_resolve(void)
{
	struct rn_error err;
	struct addr a;

	TAP_OK(addr_resolve(&a, STR("localhost:80"), &err) == 0 && addr_is_loopback(&a) &&
		       addr_port(&a) == 80,
	       "localhost resolves");
	TAP_OK(addr_resolve(&a, STR("[::1]:9"), &err) == 0 && addr_port(&a) == 9,
	       "an address needs no look-up");
	TAP_OK(addr_resolve(&a, STR("nowhere.invalid:1"), &err) == RN_EAWAY,
	       "an unknown name is away");
	TAP_OK(addr_resolve(&a, STR("localhost"), &err) == RN_EDATA, "the port must be there");
	TAP_OK(addr_resolve(&a, STR(":80"), &err) == RN_EDATA, "the host must be there");
}

static void check_cidr(const char *in, bool strict, const char *want)
{
	char out[ADDR_TEXT_MAX] = "";
	struct cidr c;
	bool ok = cidr_parse(&c, str_from(in), strict);

	if (ok)
		cidr_format(&c, out);
	TAP_OK(want ? ok && strcmp(out, want) == 0 : !ok, in);
}

static void test_cidr_text(void)
{
	check_cidr("10.0.0.0/8", true, "10.0.0.0/8");
	check_cidr("10.1.2.3/8", true, NULL);
	check_cidr("10.1.2.3/8", false, "10.0.0.0/8");
	check_cidr("10.1.2.255/25", false, "10.1.2.128/25");
	check_cidr("10.1.2.3", true, "10.1.2.3/32");
	check_cidr("0.0.0.0/0", true, "0.0.0.0/0");
	check_cidr("FD00::/48", true, "fd00::/48");
	check_cidr("::1", true, "::1/128");
	check_cidr("::/0", true, "::/0");
	check_cidr("fd00::1/64", true, NULL);
	check_cidr("10.0.0.0/33", false, NULL);
	check_cidr("::/129", false, NULL);
	check_cidr("10.0.0.0/", false, NULL);
	check_cidr("10.0.0.0/08", false, NULL);
	check_cidr("10.0.0.0/8/8", false, NULL);
	check_cidr("[::1]/128", false, NULL);
}

static bool has(const char *prefix, const char *ip)
{
	struct cidr c;
	struct addr a;

	return cidr_parse(&c, str_from(prefix), true) && addr_parse_ip(&a, str_from(ip)) &&
	       cidr_has(&c, &a);
}

static bool overlap(const char *a, const char *b)
{
	struct cidr x, y;

	return cidr_parse(&x, str_from(a), true) && cidr_parse(&y, str_from(b), true) &&
	       cidr_overlaps(&x, &y);
}

static void test_cidr_has(void)
{
	TAP_OK(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"), "/8");
	TAP_OK(has("192.0.2.128/25", "192.0.2.129") && !has("192.0.2.128/25", "192.0.2.127"),
	       "/25");
	TAP_OK(has("0.0.0.0/0", "8.8.8.8") && !has("0.0.0.0/0", "::1"),
	       "0/0 is all of its family only");
	TAP_OK(has("::/0", "::1") && !has("::/0", "8.8.8.8"), "::/0 as well");
	TAP_OK(has("10.0.0.0/8", "::ffff:10.1.1.1"), "a v4-mapped client is in the v4 prefix");
	TAP_OK(has("fc00::/7", "fdff::1") && !has("fd00::/8", "fc00::1"), "odd bits");
	TAP_OK(overlap("10.0.0.0/8", "10.1.0.0/16") && overlap("10.1.0.0/16", "10.0.0.0/8"),
	       "overlap, both ways");
	TAP_OK(!overlap("10.0.0.0/16", "10.1.0.0/16") && !overlap("0.0.0.0/0", "::/0"),
	       "no overlap");
}

int main(void)
{
	test_canonical();
	test_refused();
	test_equal();
	test_resolve();
	test_cidr_text();
	test_cidr_has();
	return tap_done();
}
