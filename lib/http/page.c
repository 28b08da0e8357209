/* SPDX-License-Identifier: MIT
 *
 * Pages that a program answers itself with.
 */
#include "http/http.h"

#define PAGE_MAX 16384

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
	http_page_begin(b, p->status, page_title(p));
	buf_add(b, STR("<p>"));
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
	buf_add(b, STR("</footer>\n"));
	http_page_end(b);
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
			"Vary: Accept\r\n");
	if (html)
		http_page_policy(b, "'none'");
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
