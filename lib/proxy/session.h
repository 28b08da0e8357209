/* SPDX-License-Identifier: MIT
 *
 * The visitor's session at the edge: a cookie that we seal ourselves after a login or a share link.
 * A login is good for one host, a link for one resource.
 */
#ifndef RN_PROXY_SESSION_H
#define RN_PROXY_SESSION_H

#include "proxy/worker.h"

/* The names of our cookies all begin so, and are not for targets. Without TLS a browser would not
 * keep a __Host- cookie. */
const char *session_cookie_name(const struct txn *t);

/* Opens the request's cookie into m->session; false if there is none that holds. */
bool session_from_cookie(struct txn *t);
/* Checks a share link for the request's resource; sets m->who.link_id and the answer's cookie. */
bool session_from_link(struct txn *t, struct str token);
/* Checks a login assertion for the request's host, once; sets the answer's cookie. */
int session_from_assertion(struct txn *t, struct str text, struct rn_error *err) must_check;
/* The answer takes the cookie away. */
void session_clear(struct txn *t);
#endif
