/* SPDX-License-Identifier: MIT
 *
 * Pages: plain HTML that works without script, light or dark as the visitor likes it.
 *
 * Nothing from outside goes into a page but through one of the escapers, which are named by where
 * the text lands.
 */
#ifndef RN_CGI_PAGE_H
#define RN_CGI_PAGE_H

#include "cgi.h"

/* Into the text between tags. */
static inline void html_text(struct buf *b, struct str s) { http_html_escape(b, s); }

/* Into an attribute's value between double quotes. */
static inline void html_attr(struct buf *b, struct str s) { http_html_escape(b, s); }

/* As the value of a query parameter in a URL. */
static inline void url_arg(struct buf *b, struct str s) { http_percent_encode(b, s); }

/* Starts a page: title (plain text) and heading. What is inside <main> then goes into re->body. */
void page_begin(struct reply *re, unsigned status, const char *title);
/* Ends it. FORM_TARGET: the origin that a form on it may lead to besides its own, or NULL. */
void page_end(struct reply *re, const char *form_target);
/* A whole page of one paragraph. */
void page_notice(struct reply *re, unsigned status, const char *title, const char *text);

#endif
