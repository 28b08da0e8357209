/* SPDX-License-Identifier: MIT
 *
 * Pages in the frame that the gateway's have too, and those that say one thing only.
 */
#include "page.h"

void page_begin(struct reply *re, unsigned status, const char *title)
{
	buf_clear(&re->body);
	re->status = status;
	re->type = "text/html; charset=utf-8";
	http_page_begin(&re->body, status, str_from(title));
}

void page_end(struct reply *re, const char *form_target)
{
	char action[HTTP_HOST_MAX + 64];

	http_page_end(&re->body);
	snprintf(action, sizeof(action), "'self'%s%s", form_target ? " " : "",
		 form_target ? form_target : "");
	http_page_policy(&re->fields, form_target ? action : "'none'");
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
	buf_add_cstr(b, "<p>This is a Rustronaut gateway and its console. It works.</p>\n"
			"<p>It is managed from the command line of its machine:</p>\n"
			"<pre>rn-console status\nrn-console service list\nrn-console invite</pre>\n"
			"<p>A machine that was invited makes a local server reachable:</p>\n"
			"<pre>rn join INVITATION\nrn expose localhost:3000 http</pre>\n"
			"<footer>For programs: <a href=\"" API
			"/openapi.json\">the REST API</a></footer>\n");
	page_end(k->re, NULL);
	return 0;
}
