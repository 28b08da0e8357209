/* SPDX-License-Identifier: MIT
 *
 * The frame that all pages share, whichever program writes them: one small sheet inside the page,
 * allowed by its hash. Nothing is loaded, no script runs.
 *
 * Colours keep 4.5:1 for text and 3:1 for the edges of fields and for the focus ring (WCAG 2.2),
 * light and dark; borders that colour alone would draw stay visible under forced colours.
 */
#include "http/http.h"

#include <sodium.h>

static const char sheet[] =
	":root{color-scheme:light dark;--bg:#f6f5f3;--card:#fff;--ink:#1f2328;--soft:#5b626b;"
	"--line:#e2dfda;--edge:#85888d;--mark:#a8410c;--on:#fff;--well:#f3f1ee;--bad:#b42318;"
	"--tint:#fdf0ee}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#131517;--card:#1c1f22;--ink:#e8e6e3;"
	"--soft:#a4a7ab;--line:#33373b;--edge:#7d8288;--mark:#f09a66;--on:#1c1f22;--well:#131517;"
	"--bad:#ff9d92;--tint:#331f1d}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;min-height:100vh;min-height:100svh;display:grid;place-items:center;padding:1rem;"
	"background:var(--bg);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}\n"
	"main{width:100%;max-width:32rem;padding:2rem;background:var(--card);"
	"border:1px solid var(--line);border-top:4px solid var(--mark);border-radius:.5rem;"
	"overflow-wrap:anywhere}\n"
	"@media(max-width:30rem){main{padding:1.5rem 1.25rem}}\n"
	"h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}\n"
	".status{margin:0 0 .15rem;color:var(--mark);font-weight:600;letter-spacing:.05em}\n"
	"p{margin:0 0 1rem}\n"
	".soft{color:var(--soft)}\n"
	".bad{padding:.6rem .8rem;border:1px solid var(--bad);border-left-width:.3rem;"
	"border-radius:.3rem;background:var(--tint);color:var(--bad)}\n"
	"label{display:block;margin:1rem 0 .3rem;font-weight:600}\n"
	"input{width:100%;padding:.6rem .7rem;font:inherit;color:inherit;background:var(--card);"
	"border:1px solid var(--edge);border-radius:.4rem}\n"
	"button,.go{display:inline-block;min-height:2.75rem;padding:.55rem 1.25rem;font:inherit;"
	"font-weight:600;text-decoration:none;color:var(--on);background:var(--mark);"
	"border:2px solid transparent;border-radius:.4rem;cursor:pointer}\n"
	"button{width:100%;margin-top:1.5rem}\n"
	"button:hover,.go:hover{text-decoration:underline}\n"
	":focus-visible{outline:3px solid var(--ink);outline-offset:2px}\n"
	"input:focus-visible{outline:2px solid var(--mark);outline-offset:1px}\n"
	"pre{margin:0 0 1rem;padding:.75rem .9rem;overflow-x:auto;background:var(--well);"
	"border:1px solid var(--line);border-radius:.4rem}\n"
	"pre,code{font-family:ui-monospace,monospace;font-size:.9rem}\n"
	"footer{margin-top:1.5rem;padding-top:.8rem;border-top:1px solid var(--line);"
	"color:var(--soft);font-size:.875rem}\n"
	"a{color:inherit}\n"
	".go,.go:visited{color:var(--on)}\n"
	"footer code{font-size:inherit;user-select:all}\n";

/* A dot in the frame's colour, so that browsers ask nobody for /favicon.ico. */
#define ICON                                                                                       \
	"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"      \
	"%3Ccircle cx='8' cy='8' r='7' fill='%23c85a1e'/%3E%3C/svg%3E"

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

void http_page_begin(struct buf *b, unsigned status, struct str title)
{
	buf_add_cstr(b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
			"<meta name=\"robots\" content=\"noindex\">\n"
			"<link rel=\"icon\" href=\"" ICON "\">\n<title>");
	http_html_escape(b, title);
	buf_add_cstr(b, " · Rustronaut</title>\n<style>");
	buf_add_cstr(b, sheet);
	buf_add_cstr(b, "</style>\n</head>\n<body>\n<main>\n");
	if (status >= 400)
		buf_addf(b, "<p class=\"status\">%u</p>\n", status);
	buf_add(b, STR("<h1>"));
	http_html_escape(b, title);
	buf_add(b, STR("</h1>\n"));
}

void http_page_end(struct buf *b)
{
	buf_add_cstr(b, "</main>\n</body>\n</html>\n");
}

void http_page_policy(struct buf *fields, const char *form_action)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char text[BASE64_SIZE(sizeof(hash))];

	crypto_hash_sha256(hash, (const uint8_t *)sheet, strlen(sheet));
	base64_encode(text, hash, sizeof(hash), BASE64_STD);
	buf_addf(fields,
		 "Content-Security-Policy: default-src 'none'; style-src 'sha256-%s'; img-src data:; "
		 "base-uri 'none'; form-action %s; frame-ancestors 'none'\r\n",
		 text, form_action);
	buf_add_cstr(fields, "Referrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n");
}
