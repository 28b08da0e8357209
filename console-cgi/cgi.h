/* SPDX-License-Identifier: MIT
 *
 * rn-console.cgi: the control plane's REST API and login page as a CGI/1.1 program (RFC 3875). Each
 * request is one process: read it, find its route, find who asks, do one action of lib/console,
 * answer.
 *
 *   main.c      which of the two it is: a request, or a person at a terminal
 *   request.c   the environment and the body into a struct request
 *   route.c     the table of calls, and finding one
 *   actor.c     credentials
 *   body.c      JSON and records as bodies of requests
 *   reply.c     statuses, views, ETag, and writing it all out
 *   api_*.c     the handlers, one file a subject
 *   login.c     the login page
 *   page.c      the frame of all pages, and the plain ones
 *   openapi.c   the description of all calls, made from the table and the schema of records
 *
 * It works behind any server that speaks CGI; what they do differently is dealt with in request.c.
 */
#ifndef RN_CGI_H
#define RN_CGI_H

#include "auth/auth.h"
#include "console/console.h"
#include "http/http.h"

#define API "/api/v1"
#define BODY_MAX 65536
#define IMPORT_MAX (4u << 20) /* POST /import alone */
#define ANSWER_MAX (64u << 20) /* a list, or a bundle */
#define ID_MAX 128

/* ---- requests -------------------------------------------------------------------------------- */

struct request {
	struct str method; /* "GET" for HEAD too; then head is set */
	bool head;
	struct str uri;          /* path and query as the client sent them: what a node signs */
	struct str path;         /* the part that routes are matched against */
	struct str query;        /* behind the "?", or NULL ptr */
	struct str host, remote; /* Host field; address of the client */
	struct str content_type, accept, authorization, cookie, if_none_match, origin;
	struct buf body;
	struct buf made_uri; /* where uri points when the server gave none */
};
void request_free(struct request *rq); /* wipes the body: it may hold a password or a token */
/* How the environment is asked; main.c gives getenv, a fuzzer something of its own. */
typedef const char *env_fn(const char *name);
/* Reads the environment, and then from FD as many bytes as it announces. RN_EDATA: not a request;
 * RN_EUSAGE with sys EMSGSIZE: the body is longer than BODY_MAX (IMPORT_MAX for an import). */
int request_read(struct request *rq, env_fn *env, int fd, struct rn_error *err) must_check;
/* Value of a query or form parameter, decoded into OUT; false if absent, damaged or too long. */
bool request_param(struct str form, const char *name, char *out, size_t size);
/* Value of a cookie; NULL ptr when absent or there twice. */
struct str request_cookie(const struct request *rq, const char *name);

/* ---- answers --------------------------------------------------------------------------------- */

enum view { VIEW_JSON, VIEW_RECORDS };

struct reply {
	bool https; /* came over TLS, so browsers are told to do so ever after (RFC 6797) */
	unsigned status;
	const char *type;  /* Content-Type */
	struct buf fields; /* more fields, each with CRLF */
	struct buf body;
	bool cacheable; /* may be kept if asked for again each time (ETag) */
};
void reply_init(struct reply *re);
void reply_free(struct reply *re);
/* Which of the two the client would rather have: JSON unless Accept puts text/x-rn above it. */
enum view reply_view(struct str accept);
/* RECORDS (canonical lines) as the body, in the view that RQ asks for; LIST: as a JSON array. */
int reply_records(struct reply *re, const struct request *rq, unsigned status, struct str records,
		  bool list, struct rn_error *err) must_check;
/* Replaces whatever was there by error=NAME text=… */
void reply_error(struct reply *re, const struct request *rq, unsigned status, const char *text);
/* The same from an error of the libraries. What went wrong inside is logged, not told. */
void reply_fail(struct reply *re, const struct request *rq, const struct rn_error *err);
/* Writes the answer to FD as a CGI response, with ETag and 304 where they belong. */
int reply_send(struct reply *re, const struct request *rq, int fd, struct rn_error *err) must_check;

/* ---- calls ----------------------------------------------------------------------------------- */

enum who { WHO_ANYBODY, WHO_USER, WHO_NODE, WHO_EITHER };

struct call {
	const struct request *rq;
	struct reply *re;
	const struct route *route;
	char id[ID_MAX + 1]; /* what {id} stands for */
	struct console *console;
	struct console_actor actor; /* not set for WHO_ANYBODY */
	struct buf out;             /* for records */
	struct arena arena;
	struct rec body; /* read by body_read */
	struct buf body_line;
	int64_t now_s;
};

/* Fills k->re, or returns what failed with ERR filled. */
typedef int handler(struct call *k, struct rn_error *err);

struct route {
	const char *method, *pattern; /* "/api/v1/services/{id}" */
	enum who who;
	handler *fn;
	const char *kind;  /* what it is about: a kind of records; NULL for pages */
	const char *takes; /* kind of the body's record, or NULL: no body */
	unsigned status;   /* on success */
	const char *doc;   /* one line, for the description */
};
extern const struct route routes[]; /* ended by method NULL */

enum route_result { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };
/* ALLOW gets the methods of the path when it is known but the method is not. */
enum route_result route_find(const struct route **r, char id[static ID_MAX + 1],
			     const struct request *rq, struct buf *allow);

/* Who asks, by the request's credential; RN_EPERM if there is none that the route accepts. */
int actor_find(struct call *k, struct rn_error *err) must_check;

/* The body as one record of the kind that the route takes: k->body, with k->id (if the route has
 * one) as its identity. RN_EDATA: malformed; with sys EINVAL: well formed, but not by the schema;
 * with sys EMEDIUMTYPE: neither JSON nor records. */
int body_read(struct call *k, struct rn_error *err) must_check;
/* The body's media type, "text/x-rn", without its parameters. */
struct str body_type(const struct call *k);
/* The body is in a form that the call does not read (415). */
int body_wrong_type(struct rn_error *err, const char *text) must_check;
/* Gives the body another identity; ID is not escaped. */
int body_identify(struct call *k, struct str id, struct rn_error *err) must_check;
/* Decoded value of KEY of the body; NULL ptr when absent. Lives as long as the call. */
struct str body_text(struct call *k, const char *key);

/* ---- handlers -------------------------------------------------------------------------------- */

handler trust_get, trust_sig_get, bundle_get, join_post; /* api_node.c */
handler service_post, service_put, link_post;            /* api_service.c */
handler thing_list, thing_show, thing_add, gateway_post, thing_set, thing_remove, thing_suspend,
	thing_resume;                                                    /* api_thing.c */
handler invitation_post, token_post, password_put, import_post, audit_get, status_get,
	openapi_get; /* api_misc.c */
handler landing_get;                                                     /* page.c */
handler login_get, login_post;                                           /* login.c */

/* The description of all calls (OpenAPI 3.0) as indented JSON. */
int openapi_write(struct buf *b, struct rn_error *err) must_check;

#endif
