/* SPDX-License-Identifier: MIT
 *
 * lib/http: HTTP/1.x messages (RFC 9110, RFC 9112), without I/O. Parsers read the caller's buffer
 * and give views into it; nothing is copied or allocated. "Partial" is a result like any other:
 * call again with the same buffer grown (it may have moved).
 *
 * Strict: what two servers could read differently is refused, with the status to answer and one
 * line that says why. Nothing is repaired. After a refusal the connection has to be closed.
 *
 *   http.h    heads, bodies, names and paths, writing of answers
 *   server.h  a small server over lib/net for management ports
 */
#ifndef RN_HTTP_H
#define RN_HTTP_H

#include "base/base.h"

/* ---- limits --------------------------------------------------------------------------------- */

#define HTTP_METHOD_MAX 32         /* longer: 501 */
#define HTTP_LINE_MAX 8192         /* request line: 414; status line or one field: 431 */
#define HTTP_HEAD_MAX 32768        /* all of a head with its empty line: 431 */
#define HTTP_FIELDS_MAX 128        /* 431 */
#define HTTP_NAME_MAX 128          /* of a field: 431 */
#define HTTP_HOST_MAX 255          /* host name without port: 400 */
#define HTTP_CHUNK_LINE_MAX 256    /* chunk size with its extensions: 400 */
#define HTTP_TRAILER_MAX 8192      /* all trailer fields of a chunked body: 431 */

/* ---- heads ---------------------------------------------------------------------------------- */

enum {
	HTTP_FLAG_HOP = 1,  /* concerns this connection only (RFC 9110, section 7.6.1) */
	HTTP_FLAG_ONCE = 2, /* a second one makes the message ambiguous: 400 */
};

/* Fields that are recognised while parsing: ID, name, its first and last but one letter
 * (for the hash), HTTP_FLAG_*. */
#define HTTP_KNOWN_FIELDS(X)                                                                       \
	X(ACCEPT, "accept", 'a', 'p', 0)                                                           \
	X(ACCEPT_ENCODING, "accept-encoding", 'a', 'n', 0)                                         \
	X(AUTHORIZATION, "authorization", 'a', 'o', HTTP_FLAG_ONCE)                                \
	X(CACHE_CONTROL, "cache-control", 'c', 'o', 0)                                             \
	X(CONNECTION, "connection", 'c', 'o', HTTP_FLAG_HOP)                                       \
	X(CONTENT_ENCODING, "content-encoding", 'c', 'n', 0)                                       \
	X(CONTENT_LENGTH, "content-length", 'c', 't', HTTP_FLAG_ONCE)                              \
	X(CONTENT_TYPE, "content-type", 'c', 'p', 0)                                               \
	X(COOKIE, "cookie", 'c', 'i', 0)                                                           \
	X(DATE, "date", 'd', 't', 0)                                                               \
	X(ETAG, "etag", 'e', 'a', 0)                                                               \
	X(EXPECT, "expect", 'e', 'c', HTTP_FLAG_ONCE)                                              \
	X(FORWARDED, "forwarded", 'f', 'e', 0)                                                     \
	X(HOST, "host", 'h', 's', HTTP_FLAG_ONCE)                                                  \
	X(HTTP2_SETTINGS, "http2-settings", 'h', 'g', HTTP_FLAG_HOP)                               \
	X(IF_NONE_MATCH, "if-none-match", 'i', 'c', 0)                                             \
	X(KEEP_ALIVE, "keep-alive", 'k', 'v', HTTP_FLAG_HOP)                                       \
	X(LOCATION, "location", 'l', 'o', 0)                                                       \
	X(ORIGIN, "origin", 'o', 'i', 0)                                                           \
	X(PROXY_AUTHENTICATE, "proxy-authenticate", 'p', 't', HTTP_FLAG_HOP)                       \
	X(PROXY_AUTHORIZATION, "proxy-authorization", 'p', 'o', HTTP_FLAG_HOP)                     \
	X(PROXY_CONNECTION, "proxy-connection", 'p', 'o', HTTP_FLAG_HOP)                           \
	X(RANGE, "range", 'r', 'g', 0)                                                             \
	X(REFERER, "referer", 'r', 'e', 0)                                                         \
	X(SERVER, "server", 's', 'e', 0)                                                           \
	X(SET_COOKIE, "set-cookie", 's', 'i', 0)                                                   \
	X(STATUS, "status", 's', 'u', HTTP_FLAG_ONCE)                                              \
	X(STRICT_TRANSPORT_SECURITY, "strict-transport-security", 's', 't', 0)                     \
	X(TE, "te", 't', 't', HTTP_FLAG_HOP)                                                       \
	X(TRAILER, "trailer", 't', 'e', HTTP_FLAG_HOP)                                             \
	X(TRANSFER_ENCODING, "transfer-encoding", 't', 'n', HTTP_FLAG_HOP | HTTP_FLAG_ONCE)        \
	X(UPGRADE, "upgrade", 'u', 'd', HTTP_FLAG_HOP)                                             \
	X(USER_AGENT, "user-agent", 'u', 'n', 0)                                                   \
	X(VIA, "via", 'v', 'i', 0)                                                                 \
	X(X_FORWARDED_FOR, "x-forwarded-for", 'x', 'o', 0)                                         \
	X(X_FORWARDED_HOST, "x-forwarded-host", 'x', 's', 0)                                       \
	X(X_FORWARDED_PORT, "x-forwarded-port", 'x', 'r', 0)                                       \
	X(X_FORWARDED_PROTO, "x-forwarded-proto", 'x', 't', 0)                                     \
	X(X_REAL_IP, "x-real-ip", 'x', 'i', 0)                                                     \
	X(X_REQUEST_ID, "x-request-id", 'x', 'i', 0)

enum http_id {
	HTTP_UNKNOWN,
#define X(id, name, first, last, hop) HTTP_##id,
	HTTP_KNOWN_FIELDS(X)
#undef X
	HTTP_ID_COUNT
};

enum http_method {
	HTTP_OTHER, /* any other token; see method_text */
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_OPTIONS,
	HTTP_CONNECT,
	HTTP_TRACE,
};

struct http_field {
	struct str name;  /* as received */
	struct str value; /* without blanks around it */
	uint8_t id;       /* enum http_id */
	bool hop;         /* for this connection only, not to be passed on */
};

/* How the end of the body is found (RFC 9112, section 6.3). */
enum http_body {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH, /* content_length bytes, more than none */
	HTTP_BODY_CHUNKED,
	HTTP_BODY_CLOSE, /* responses only: until the connection ends */
};

/* Forms of a request target (RFC 9112, section 3.2). */
enum http_form {
	HTTP_FORM_ORIGIN,    /* /path?query */
	HTTP_FORM_ABSOLUTE,  /* http://host/path?query */
	HTTP_FORM_AUTHORITY, /* host:port, for CONNECT */
	HTTP_FORM_ASTERISK,  /* *, for OPTIONS */
};

enum http_kind {
	HTTP_REQUEST,
	HTTP_RESPONSE,
	HTTP_CGI, /* fields of a CGI program (RFC 3875, section 6): no first line, LF is fine */
};

/* Only what is documented as set may be read; 'known' is always set. */
struct http_head {
	enum http_kind kind;
	uint8_t minor; /* HTTP/1.minor: 0 or 1 (a higher one counts as 1) */

	/* request */
	enum http_method method;
	struct str method_text;
	struct str target; /* as received */
	enum http_form form;
	struct str path;  /* as received: "/…"; "" for authority and asterisk */
	struct str query; /* behind the "?"; NULL ptr without one */
	struct str host;  /* of an absolute target, else of Host; no port; NULL ptr: none */
	uint16_t port;    /* 0 when not given */
	bool expect_continue;

	/* response */
	uint16_t status; /* 100 to 599; of CGI: from Status, 302 with Location, else 200 */
	struct str reason;

	/* both, once the head is whole */
	enum http_body body;
	uint64_t content_length; /* as announced, also for HEAD and 304; 0 otherwise */
	bool keep_alive;         /* the other side will take another message on this connection */
	bool upgrade;            /* Connection names upgrade, and Upgrade (the first) something that is not
				  * another version of HTTP */

	uint8_t known[HTTP_ID_COUNT]; /* 1 + index of the first field with this id, or 0 */

	const char *why; /* of a refusal: one line, static text */

	/* the parser's own: where it stands */
	const char *base;
	size_t pos;
	uint8_t step;
	bool no_body; /* response to HEAD */

	/* at the end: of a usual message only the first page or so is ever touched */
	size_t n;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/* Must be called before the first parse of each message. Cheap. */
void http_head_init(struct http_head *h, enum http_kind kind);
/* A response to METHOD: HEAD and CONNECT change how the body ends. */
void http_head_init_response(struct http_head *h, enum http_method method);

/* Parses the head at the front of IN, which begins with the same bytes on each call.
 *   > 0  whole: this many bytes belong to the head; views point into IN and live as long as it;
 *   0    partial: nothing wrong so far, more is needed;
 *   < 0  refused: minus the status to answer (400, 414, 417, 431, 501, 505), why is set. For a
 *        response or CGI it is -502.
 * The same bytes give the same result however they are cut. Called again after whole it only moves
 * the views, when the buffer has moved. */
ptrdiff_t http_head_parse(struct http_head *h, struct str in);

/* The first field with a known ID, or NULL. */
static inline const struct http_field *http_known(const struct http_head *h, enum http_id id)
{
	return h->known[id] ? &h->fields[h->known[id] - 1] : NULL;
}
/* Its value, or NULL ptr. */
static inline struct str http_value(const struct http_head *h, enum http_id id)
{
	return h->known[id] ? h->fields[h->known[id] - 1].value : (struct str){NULL, 0};
}
/* The first field NAME (given in lower case), or NULL; behind AFTER unless that is NULL. */
const struct http_field *http_find(const struct http_head *h, const char *name,
				   const struct http_field *after);
/* The id of a field name in any case; HTTP_UNKNOWN if it is not in the table. */
enum http_id http_id_find(struct str name);

/* Next element of a comma-separated field value (RFC 9110, section 5.6.1), trimmed; empty ones are
 * passed over; commas in quoted strings do not count. REST starts as the value. */
bool http_list_next(struct str *rest, struct str *element);
/* Whether such a list has WORD (ASCII case folded). */
bool http_list_has(struct str value, const char *word);

/* RFC 9110, section 5.6.2. */
bool http_is_token(struct str s);
/* No control byte but HTAB: what a field value may hold. */
bool http_is_value(struct str s);

/* ---- chunked bodies (RFC 9112, section 7.1) ------------------------------------------------- */

struct http_chunked { /* a zeroed one is at the start */
	uint64_t left;  /* of the current chunk */
	uint32_t count; /* bytes of the current size line, or of the trailer section */
	uint8_t step;
	bool digits; /* the size line has at least one */
	bool done;   /* all of the body was seen, trailer section too */
	const char *why;
};

/* Takes the next bytes: returns how many of IN were used, and *data is the run of body bytes among
 * them (a view; at most one run a call, maybe empty). Call again with the rest until IN is used up
 * or done is set; bytes behind the end are not used. Trailer fields are checked and dropped.
 * < 0: -400 or -431, why is set. Bad where: no or too many size digits, anything but CRLF ends a
 * line, control bytes, more than the limits. */
ptrdiff_t http_chunked_next(struct http_chunked *c, struct str in, struct str *data);
/* Writes "SIZE CRLF" into OUT, NUL-terminated; returns the length. The data, CRLF follow; the body
 * ends with HTTP_LAST_CHUNK. */
#define HTTP_CHUNK_HEAD_MAX 20
size_t http_chunk_head(char out[static HTTP_CHUNK_HEAD_MAX], uint64_t size);
#define HTTP_LAST_CHUNK "0\r\n\r\n"

/* ---- hosts, paths, queries, cookies --------------------------------------------------------- */

/* "name", "name:8443", "[::1]:443" (uri-host [":" port], RFC 9110 section 7.2). HOST keeps the
 * brackets; PORT is 0 when absent. False: empty, longer than HTTP_HOST_MAX, or not a host. */
bool http_host_parse(struct str text, struct str *host, uint16_t *port);
/* Lower case and without the root's dot, NUL-terminated; how hosts are compared and looked up.
 * Returns the view of it. HOST as http_host_parse gave it. */
struct str http_host_fold(char out[static HTTP_HOST_MAX + 1], struct str host);
/* An absolute URL: scheme://host[:port][/path][?query], no userinfo, no fragment. */
struct http_url {
	struct str scheme, host, path, query; /* path "" when absent; query NULL ptr when absent */
	uint16_t port;                        /* the scheme's (80, 443) when absent */
};
bool http_url_parse(struct http_url *u, struct str text);

/* The path that is routed on: %XX undone except %25, %2F and %5C (kept, in upper case), runs of "/"
 * made one, "." and ".." segments resolved (RFC 3986, section 5.2.4). OUT has room for PATH.len + 1
 * bytes (the result is never longer) and is NUL-terminated; *len is set. False (answer
 * 400): a bad or %00 escape, a decoded control byte, a backslash, no leading "/", or ".." above the root. */
bool http_path_normalise(char *out, size_t *len, struct str path);
/* Whether the normalised PATH lies under PREFIX, at a segment border: "/a" has "/a" and "/a/b", not
 * "/ab"; "/a/" has "/a/b" but not "/a"; "/" has all. */
bool http_path_under(struct str path, struct str prefix);

/* Undoes %XX (and "+" to a blank, if PLUS) into B. False: bad or %00 escape. */
bool http_percent_decode(struct buf *b, struct str s, bool plus);
/* Adds S with everything but unreserved characters (RFC 3986, section 2.3) escaped. */
void http_percent_encode(struct buf *b, struct str s);

/* The first parameter NAME of a query or form body, still escaped; NULL ptr when absent. */
struct str http_query_find(struct str query, const char *name);
/* Adds QUERY without any parameter NAME to B, nothing else changed. */
void http_query_strip(struct buf *b, struct str query, const char *name);

/* The first cookie NAME in any Cookie field (RFC 6265, section 4.2), without quotes; NULL ptr when
 * absent. *dup (may be NULL) tells that there were several: for a credential that is a refusal. */
struct str http_cookie_find(const struct http_head *h, const char *name, bool *dup);
/* Adds the value of a Cookie field without the cookies whose names start with PREFIX; adds nothing
 * if none is left. The gateway's own cookies are not for targets. */
void http_cookie_strip(struct buf *b, struct str value, const char *prefix);

/* ---- answers -------------------------------------------------------------------------------- */

/* "Not Found"; "Unknown" for a status that has no registered name. */
const char *http_status_text(unsigned status);
/* IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7). */
#define HTTP_DATE_SIZE 30
void http_date(char out[static HTTP_DATE_SIZE], int64_t unix_s);
/* "HTTP/1.1 404 Not Found CRLF". */
void http_add_status(struct buf *b, unsigned status);
/* "name: value CRLF"; b->failed if the value holds what http_is_value refuses. */
void http_add_field(struct buf *b, const char *name, struct str value);
/* S for HTML text and quoted attribute values. */
void http_html_escape(struct buf *b, struct str s);

/* A page that this program answers itself with: an error, a refusal, a notice. HTML for who accepts
 * text/html (browsers), plain text for all others (curl). */
struct http_page {
	unsigned status;
	struct str title;      /* NULL ptr: the status text */
	struct str text;       /* one or two plain sentences */
	struct str who;        /* "gateway gw1", "rn-node": who answers */
	struct str request_id; /* NULL ptr: left out */
	struct str accept;     /* the request's Accept field */
	struct str link, link_text; /* a button; NULL ptr: none. Only http(s) or / links */
	struct str fields;     /* complete extra field lines, each with CRLF */
	bool head_only;        /* the request was HEAD */
	bool keep_alive;       /* else "Connection: close" */
};
/* Adds the whole response, head and body. Never cached, never framed, no scripts (CSP). */
void http_page_write(struct buf *b, const struct http_page *p);

/* The frame of that page, for programs that write other pages: begins with the heading (TITLE, plain
 * text) and, from 400 on, the status above it; what follows goes into <main>. The sheet has classes
 * for a paragraph (soft, bad), for a link as button (go), and knows label, input, button and pre. */
void http_page_begin(struct buf *b, unsigned status, struct str title);
void http_page_end(struct buf *b);
/* Adds the field lines that such a page needs: its own sheet and nothing else is let in, nobody
 * frames it. FORM_ACTION: where a form on it may lead, in CSP's words ("'none'"). */
void http_page_policy(struct buf *fields, const char *form_action);

#endif
