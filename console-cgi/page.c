/* SPDX-License-Identifier: MIT
 *
 * The frame that all pages share, and the pages that say one thing only.
 */
#include "page.h"

#include <sodium.h>

/* One small sheet inside the page, allowed by its hash; no other file is needed. */
static const char css[] =
	":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#59636e;--line:#d1d9e0;"
	"--accent:#0b57d0;--on:#fff;--bad:#b3261e}"
	"@media(prefers-color-scheme:dark){:root{--bg:#0f1216;--card:#181c22;--ink:#e6e9ed;--soft:#9aa4af;"
	"--line:#333b45;--accent:#8ab4f8;--on:#0f1216;--bad:#f2b8b5}}"
	"*{box-sizing:border-box}"
	"body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--bg);"
	"color:var(--ink);font:1rem/1.5 system-ui,sans-serif}"
	"main{width:100%;max-width:26rem;padding:2rem;background:var(--card);border:1px solid var(--line);"
	"border-radius:.75rem}"
	"h1{margin:0 0 .5rem;font-size:1.25rem}"
	"p{margin:.5rem 0}"
	".soft{color:var(--soft);font-size:.875rem}"
	".bad{color:var(--bad)}"
	"label{display:block;margin:1rem 0 .25rem;font-weight:600}"
	"input{width:100%;padding:.6rem;font:inherit;color:inherit;background:var(--bg);"
	"border:1px solid var(--line);border-radius:.4rem}"
	"button{width:100%;margin-top:1.5rem;padding:.65rem;font:inherit;font-weight:600;color:var(--on);"
	"background:var(--accent);border:0;border-radius:.4rem;cursor:pointer}"
	":focus-visible{outline:2px solid var(--accent);outline-offset:2px}"
	"pre{margin:.75rem 0;padding:.75rem;overflow-x:auto;background:var(--bg);border-radius:.4rem;"
	"font:.875rem/1.5 ui-monospace,monospace}";

/* Nothing is loaded, run or framed but the sheet above. */
static void add_policy(struct buf *fields, const char *form_target)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	char text[BASE64_SIZE(sizeof(hash))];

	crypto_hash_sha256(hash, (const uint8_t *)css, strlen(css));
	base64_encode(text, hash, sizeof(hash), BASE64_STD);
	buf_addf(fields,
		 "Content-Security-Policy: default-src 'none'; style-src 'sha256-%s'; img-src data:; "
		 "base-uri 'none'; frame-ancestors 'none'; form-action 'self'%s%s\r\n",
		 text, form_target ? " " : "", form_target ? form_target : "");
	buf_add_cstr(fields, "Referrer-Policy: no-referrer\r\nX-Frame-Options: DENY\r\n");
}

void page_begin(struct reply *re, unsigned status, const char *title)
{
	struct buf *b = &re->body;

	buf_clear(b);
	re->status = status;
	re->type = "text/html; charset=utf-8";
	buf_add_cstr(b, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
			"<meta name=\"viewport\" content=\"width=device-width\">\n"
			"<meta name=\"robots\" content=\"noindex\">\n"
			"<link rel=\"icon\" href=\"data:,\">\n<title>");
	html_text(b, str_from(title));
	buf_addf(b, " · Rustronaut</title>\n<style>%s</style>\n<main>\n<h1>", css);
	html_text(b, str_from(title));
	buf_add_cstr(b, "</h1>\n");
}

void page_end(struct reply *re, const char *form_target)
{
	buf_add_cstr(&re->body, "</main>\n</html>\n");
	add_policy(&re->fields, form_target);
}

void page_notice(struct reply *re, unsigned status, const char *title, const char *text)
{
	page_begin(re, status, title);
	buf_add_cstr(&re->body, "<p>");
	html_text(&re->body, str_from(text));
	buf_add_cstr(&re->body, "</p>\n");
	page_end(re, NULL);
}

int landing_get(struct call *k, struct rn_error *err)
{
	struct buf *b = &k->re->body;
	int rc = console_status(k->console, &k->out, err);

	if (rc)
		return rc;
	page_begin(k->re, 200, console_domain(k->console));
	buf_add_cstr(b, "<p>This is the console of a Rustronaut gateway. It works.</p>\n"
			"<p class=\"soft\">It is run from the command line of its machine:</p>\n"
			"<pre>rn-console status\nrn-console list service\nrn-console invite</pre>\n"
			"<p class=\"soft\">A machine that was invited shares a local server with</p>\n"
			"<pre>rn join INVITATION\nrn expose localhost:3000 http</pre>\n"
			"<p class=\"soft\">Scripts: <code>" API
			"/openapi.json</code> describes the REST API.</p>\n");
	page_end(k->re, NULL);
	return 0;
}

int signed_out_get(struct call *k, struct rn_error *err)
{
	(void)err;
	page_notice(k->re, 200, "Signed out",
		    "You are signed out of this service. Close the window if others use this machine; "
		    "open the service again to sign in.");
	return 0;
}
