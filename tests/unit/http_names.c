/* SPDX-License-Identifier: MIT
 *
 * Hosts, URLs, paths, queries, lists, and what answers are made of.
 */
#include "http/http.h"
#include "tap.h"

static void test_hosts(void)
{
	static const struct {
		const char *text, *host; /* host NULL: refused */
		uint16_t port;
	} cases[] = {
		{"a.example", "a.example", 0}, {"a.example:443", "a.example", 443}, {"a.example.", "a.example.", 0},
		{"[::1]:80", "[::1]", 80}, {"[2001:db8::1]", "[2001:db8::1]", 0}, {"127.0.0.1:1", "127.0.0.1", 1},
		{"a_b.example", "a_b.example", 0}, {"1.example", "1.example", 0},
		{"", NULL, 0}, {":80", NULL, 0}, {"a:", NULL, 0}, {"a:0", NULL, 0}, {"a:080", NULL, 0}, {"a:65536", NULL, 0},
		{"a:8x", NULL, 0}, {"a b", NULL, 0}, {"a%2eb", NULL, 0}, {".a", NULL, 0}, {"a..b", NULL, 0}, {".", NULL, 0},
		{"[::1", NULL, 0}, {"::1", NULL, 0}, {"[::g]", NULL, 0}, {"[127.0.0.1]", NULL, 0}, {"0177.0.0.1", NULL, 0},
		{"1.2.3", NULL, 0}, {"127.0.0.1.", NULL, 0}, {"a@b", NULL, 0}, {"a/b", NULL, 0},
	};
	char fold[HTTP_HOST_MAX + 1], text[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str host;
		uint16_t port;
		bool ok = http_host_parse(str_from(cases[i].text), &host, &port);

		snprintf(text, sizeof(text), "host '%s'", cases[i].text);
		TAP_OK(cases[i].host ? ok && str_is(host, cases[i].host) && port == cases[i].port : !ok, text);
	}
	TAP_OK(str_is(http_host_fold(fold, STR("Api.EXAMPLE.")), "api.example"), "folded: case and root dot");
}

static void test_urls(void)
{
	struct http_url u;

	TAP_OK(http_url_parse(&u, STR("https://a.example/x?y=1")) && u.port == 443 && str_is(u.path, "/x") &&
		       str_is(u.query, "y=1"), "a URL");
	TAP_OK(http_url_parse(&u, STR("http://a.example:8080")) && u.port == 8080 && u.path.len == 0 && !u.query.ptr,
	       "one without a path");
	TAP_OK(http_url_parse(&u, STR("http://a.example?q")) && str_is(u.query, "q"), "one with a query alone");
	TAP_OK(!http_url_parse(&u, STR("http://u:p@a.example/")), "no userinfo");
	TAP_OK(!http_url_parse(&u, STR("http:///x")) && !http_url_parse(&u, STR("//a/x")) &&
		       !http_url_parse(&u, STR("http://a/#f")), "no host, no scheme, a fragment");
}

static void test_paths(void)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} cases[] = {
		{"/", "/"}, {"/a/b", "/a/b"}, {"/a/./b/../c", "/a/c"}, {"/a/b/..", "/a/"}, {"/a/.", "/a/"},
		{"//a///b/", "/a/b/"}, {"/%61%2E%2e/x", "/a../x"}, {"/a/%2e%2e/b", "/b"}, {"/%2E", "/"},
		{"/a%2fb%5cc%25", "/a%2Fb%5Cc%25"}, {"/a%252fb", "/a%252fb"}, {"/...", "/..."}, {"/a;p/b", "/a;p/b"},
		{"/%C3%A4", "/\xC3\xA4"}, {"/a/..//b", "/b"},
		{"", NULL}, {"a", NULL}, {"/..", NULL}, {"/a/../..", NULL}, {"/a/%2e%2e/%2e%2e/x", NULL}, {"/%", NULL},
		{"/%4", NULL}, {"/%zz", NULL}, {"/%00", NULL}, {"/%0a", NULL}, {"/%7f", NULL}, {"/a\\b", NULL}, {"/\x01", NULL},
	};
	char out[64], text[80];
	size_t len;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool ok = http_path_normalise(out, &len, str_from(cases[i].in));

		snprintf(text, sizeof(text), "path %zu '%s'", i, i < 27 ? cases[i].in : "(control byte)");
		TAP_OK(cases[i].out ? ok && strcmp(out, cases[i].out) == 0 && len == strlen(out) : !ok, text);
	}
	TAP_OK(http_path_under(STR("/a/b"), STR("/a")) && http_path_under(STR("/a"), STR("/a")) &&
		       http_path_under(STR("/a"), STR("/")) && http_path_under(STR("/a/b"), STR("/a/")), "under a prefix");
	TAP_OK(!http_path_under(STR("/ab"), STR("/a")) && !http_path_under(STR("/a"), STR("/a/")), "at a border only");
}

static bool stripped(const char *query, const char *name, const char *want)
{
	struct buf b;
	bool ok;

	buf_init(&b, 256);
	http_query_strip(&b, str_from(query), name);
	ok = str_is(buf_str(&b), want);
	buf_free(&b);
	return ok;
}

static void test_queries(void)
{
	struct buf b;

	TAP_OK(str_is(http_query_find(STR("a=1&b=2&a=3"), "a"), "1"), "the first parameter");
	TAP_OK(str_is(http_query_find(STR("ab=1&b"), "b"), ""), "one without a value");
	TAP_OK(!http_query_find(STR("ab=1"), "a").ptr && !http_query_find(STR("ab=1"), "abc").ptr, "not by a part of its name");
	TAP_OK(stripped("a=1&rn_link=x&b=2", "rn_link", "a=1&b=2") && stripped("rn_link=x", "rn_link", "") &&
		       stripped("a&&b", "c", "a&&b"), "taken out, nothing else changed");
	buf_init(&b, 256);
	TAP_OK(http_percent_decode(&b, STR("a%20b+c"), true) && str_is(buf_str(&b), "a b c"), "decoded");
	buf_clear(&b);
	TAP_OK(!http_percent_decode(&b, STR("%0"), false) && !http_percent_decode(&b, STR("%00"), false), "not what is bad");
	buf_clear(&b);
	http_percent_encode(&b, STR("a b/\xC3"));
	TAP_OK(str_is(buf_str(&b), "a%20b%2F%C3"), "encoded");
	buf_clear(&b);
	http_cookie_strip(&b, STR("a=1; __Host-rn_session=x; b=2"), "__Host-rn_");
	TAP_OK(str_is(buf_str(&b), "a=1; b=2"), "our cookies are not for targets");
	buf_clear(&b);
	http_cookie_strip(&b, STR("__Host-rn_session=x"), "__Host-rn_");
	TAP_OK(b.len == 0, "and nothing is left of ours alone");
	buf_free(&b);
}

static void test_lists(void)
{
	struct str rest = STR(" a, ,\"b,c\" ,d"), e;

	TAP_OK(http_list_next(&rest, &e) && str_is(e, "a") && http_list_next(&rest, &e) && str_is(e, "\"b,c\"") &&
		       http_list_next(&rest, &e) && str_is(e, "d") && !http_list_next(&rest, &e), "a list with quotes");
	TAP_OK(http_list_has(STR("gzip, Chunked"), "chunked") && !http_list_has(STR("xchunked"), "chunked"), "has a word");
	TAP_OK(http_is_token(STR("X-a_b")) && !http_is_token(STR("a b")) && !http_is_token(STR("")), "tokens");
	TAP_OK(http_is_value(STR("a\tb")) && !http_is_value(STR("a\nb")) && !http_is_value(STR("12345678\x7f")), "values");
}

static bool contains(const struct buf *b, const char *text)
{
	return str_find_str(buf_str(b), str_from(text)) >= 0;
}

static void test_answers(void)
{
	char date[HTTP_DATE_SIZE];
	struct http_page page = {.status = 403, .text = STR("<script>"), .who = STR("gateway"), .request_id = STR("01J"),
				 .accept = STR("text/html,*/*;q=0.8"), .link = STR("javascript:x"), .link_text = STR("go")};
	struct buf b;

	http_date(date, 784111777);
	TAP_OK(strcmp(date, "Sun, 06 Nov 1994 08:49:37 GMT") == 0, "the RFC's date");
	TAP_OK(strcmp(http_status_text(404), "Not Found") == 0 && strcmp(http_status_text(299), "Unknown") == 0, "status texts");
	buf_init(&b, 1 << 16);
	http_page_write(&b, &page);
	TAP_OK(contains(&b, "HTTP/1.1 403 Forbidden\r\n") && contains(&b, "text/html") && contains(&b, "&lt;script&gt;") &&
		       !contains(&b, "<script>"), "a page for a browser, escaped");
	TAP_OK(!contains(&b, "javascript:"), "with no other link than to http");
	static struct http_head h;
	http_head_init(&h, HTTP_RESPONSE);
	ptrdiff_t n = http_head_parse(&h, buf_str(&b));
	TAP_OK(n > 0 && h.content_length == b.len - (size_t)n && !h.keep_alive, "whose length is right");
	buf_clear(&b);
	page.accept = STR("*/*");
	page.head_only = page.keep_alive = true;
	http_page_write(&b, &page);
	TAP_OK(contains(&b, "text/plain") && str_ends(buf_str(&b), STR("\r\n\r\n")), "plain text for others; HEAD has no body");
	buf_clear(&b);
	http_add_field(&b, "X", STR("a\r\nY: b"));
	TAP_OK(b.failed, "a field with a line end in it is not written");
	buf_free(&b);
}

int main(void)
{
	test_hosts();
	test_urls();
	test_paths();
	test_queries();
	test_lists();
	test_answers();
	return tap_done();
}
