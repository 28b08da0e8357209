/* SPDX-License-Identifier: MIT
 *
 * What the files of lib/http share about fields and refusals. Private to this folder.
 */
#ifndef RN_HTTP_FIELD_H
#define RN_HTTP_FIELD_H

#include "http/http.h"

/* HTTP_FLAG_* of a known field; 0 for HTTP_UNKNOWN. */
unsigned http_id_flags(enum http_id id);
/* NAME in any case is LOWER, which is in lower case. */
bool http_name_is(struct str name, struct str lower);

/* Ends the parse: the status to answer (502 stands for all where the other side is a server). */
int http_refuse(struct http_head *h, int status, const char *why);
/* Splits h->target by its form (target.c). 0 or http_refuse's. */
int http_target_parse(struct http_head *h);
/* Everything that needs all fields: host, body, connection (framing.c). 0 or http_refuse's. */
int http_head_finish(struct http_head *h);

#endif
