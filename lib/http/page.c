/* SPDX-License-Identifier: MIT
 *
 * Pages that a program answers itself with.
 */
#include "http/http.h"

#define PAGE_MAX 16384

static const char page_top[] =
	"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"robots\" content=\"noindex\">\n<meta name=\"color-scheme\" content=\"light "
	"dark\">\n";

static const char page_style[] =
	"<style>\n"
	":root{--bg:#f6f7f9;--fg:#1c2430;--dim:#5d6978;--card:#fff;--line:#dfe3e8;--mark:#b3470f}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#11151b;--fg:#e6eaf0;--dim:#96a2b2;"
	"--card:#191f28;--line:#2b3440;--mark:#f0935a}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;"
	"background:var(--bg);color:var(--fg);font:1rem/1.6 system-ui,sans-serif}\n"
	"main{width:100%;max-width:34rem;padding:2rem 2.25rem;background:var(--card);"
	"border:1px solid var(--line);border-top:4px solid var(--mark);border-radius:.5rem}\n"
	".status{margin:0;color:var(--mark);font-weight:600;letter-spacing:.06em}\n"
	"h1{margin:.1rem 0 .8rem;font-size:1.6rem;line-height:1.25}\n"
	"p{margin:0 0 1rem;overflow-wrap:anywhere}\n"
	"a.go{display:inline-block;padding:.5rem 1.1rem;border-radius:.4rem;background:var(--mark);"
	"color:var(--card);text-decoration:none;font-weight:600}\n"
	"a.go:focus-visible{outline:3px solid var(--fg);outline-offset:2px}\n"
	"footer{margin-top:1.4rem;padding-top:.8rem;border-top:1px solid var(--line);"
	"color:var(--dim);font-size:.85rem;overflow-wrap:anywhere}\n"
	"code{font:inherit;font-family:ui-monospace,monospace;user-select:all}\n"
	"</style>\n";

void http_html_escape(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.ptr[i]) {
		case '&':
			buf_add(b, STR("&amp;"));
			break;
		case '<':
			buf_add(b, STR("&lt;"));
			break;
		case '>':
			buf_add(b, STR("&gt;"));
			break;
		case '"':
			buf_add(b, STR("&quot;"));
			break;
		case '\'':
			buf_add(b, STR("&#39;"));
			break;
		default:
			buf_add_byte(b, s.ptr[i]);
		}
	}
}

/* "text/html" in the Accept field: browsers say so, curl and libraries do not. */
static bool wants_html(struct str accept)
{
	struct str range;

	while (http_list_next(&accept, &range))
		if (str_eq_nocase(str_slice(range, 0, 9), STR("text/html")))
			return true;
	return false;
}

static struct str page_title(const struct http_page *p)
{
	return p->title.ptr ? p->title : str_from(http_status_text(p->status));
}

static bool link_is_safe(struct str link)
{
	return (str_starts(link, STR("/")) && !str_starts(link, STR("//"))) ||
	       str_starts(link, STR("https://")) || str_starts(link, STR("http://"));
}

static void write_html(struct buf *b, const struct http_page *p)
{
	buf_add_cstr(b, page_top);
	buf_add(b, STR("<title>"));
	http_html_escape(b, page_title(p));
	buf_add(b, STR("</title>\n"));
	buf_add_cstr(b, page_style);
	buf_addf(b, "</head>\n<body>\n<main>\n<p class=\"status\">%u</p>\n<h1>", p->status);
	http_html_escape(b, page_title(p));
	buf_add(b, STR("</h1>\n<p>"));
	http_html_escape(b, p->text);
	buf_add(b, STR("</p>\n"));
	if (p->link.ptr && link_is_safe(p->link)) {
		buf_add(b, STR("<p><a class=\"go\" href=\""));
		http_html_escape(b, p->link);
		buf_add(b, STR("\">"));
		http_html_escape(b, p->link_text);
		buf_add(b, STR("</a></p>\n"));
	}
	buf_add(b, STR("<footer>Answered by "));
	http_html_escape(b, p->who);
	if (p->request_id.ptr) {
		buf_add(b, STR(", request <code>"));
		http_html_escape(b, p->request_id);
		buf_add(b, STR("</code>"));
	}
	buf_add(b, STR("</footer>\n</main>\n</body>\n</html>\n"));
}

static void write_text(struct buf *b, const struct http_page *p)
{
	struct str title = page_title(p);

	buf_addf(b, "%u %.*s\n", p->status, STR_ARG(title));
	if (p->text.len > 0)
		buf_addf(b, "%.*s\n", STR_ARG(p->text));
	if (p->link.ptr)
		buf_addf(b, "%.*s: %.*s\n", STR_ARG(p->link_text), STR_ARG(p->link));
	buf_addf(b, "(%.*s", STR_ARG(p->who));
	if (p->request_id.ptr)
		buf_addf(b, ", request %.*s", STR_ARG(p->request_id));
	buf_add(b, STR(")\n"));
}

static void write_fields(struct buf *b, const struct http_page *p, bool html, size_t len)
{
	char date[HTTP_DATE_SIZE];

	http_date(date, clock_wall_s());
	http_add_status(b, p->status);
	http_add_field(b, "Date", str_from(date));
	buf_addf(b, "Content-Type: text/%s; charset=utf-8\r\nContent-Length: %zu\r\n",
		 html ? "html" : "plain", len);
	buf_add_cstr(b, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
			"Referrer-Policy: no-referrer\r\nVary: Accept\r\n");
	if (html)
		buf_add_cstr(b, "Content-Security-Policy: default-src 'none'; style-src "
				"'unsafe-inline'; base-uri 'none'; form-action 'none'; "
				"frame-ancestors 'none'\r\n");
	if (p->request_id.ptr)
		http_add_field(b, "X-Request-Id", p->request_id);
	buf_add(b, p->fields);
	buf_add_cstr(b, p->keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
}

void http_page_write(struct buf *b, const struct http_page *p)
{
	bool html = wants_html(p->accept);
	struct buf body;

	buf_init(&body, PAGE_MAX);
	if (html)
		write_html(&body, p);
	else
		write_text(&body, p);
	write_fields(b, p, html, body.len);
	if (!p->head_only)
		buf_add(b, buf_str(&body));
	if (body.failed)
		b->failed = true;
	buf_free(&body);
}
