/* SPDX-License-Identifier: MIT
 *
 * Answers: what an error of the libraries is in HTTP, the two views of records, and the CGI
 * response (RFC 3875, section 6).
 */
#include "cgi.h"

#include <errno.h>
#include <sodium.h>

#define TYPE_JSON_TEXT "application/json"
#define TYPE_RECORDS "text/x-rn; charset=utf-8"

void reply_init(struct reply *re)
{
	memset(re, 0, sizeof(*re));
	buf_init(&re->fields, 16384);
	buf_init(&re->body, ANSWER_MAX);
}

void reply_free(struct reply *re)
{
	buf_free(&re->fields);
	buf_free(&re->body);
}

/* ---- views ----------------------------------------------------------------------------------- */

/* "0.5" in thousandths (RFC 9110, section 12.4.2); what is no weight counts as 0. */
static unsigned weight(struct str q)
{
	static const char most[] = "1.000";
	unsigned value = 0;

	if (!q.len || q.len > strlen(most) || (q.len > 1 && q.ptr[1] != '.'))
		return 0;
	for (size_t i = 0; i < strlen(most); i++) {
		if (i == 1)
			continue;
		if (i < q.len && (q.ptr[i] < '0' || q.ptr[i] > '9'))
			return 0;
		value = value * 10 + (i < q.len ? (unsigned)(q.ptr[i] - '0') : 0);
	}
	return MIN(value, 1000);
}

/* One element of Accept: "type ; charset=x ; q=0.5". */
static unsigned accept_weight(struct str element, struct str *type)
{
	struct str param, rest = element;
	unsigned q = 1000;

	str_cut(&rest, ';', type);
	*type = str_trim(*type);
	while (str_cut(&rest, ';', &param)) {
		param = str_trim(param);
		if (str_starts(param, STR("q=")))
			q = weight(str_from_at(param, 2));
	}
	return q;
}

enum view reply_view(struct str accept)
{
	unsigned json = 0, records = 0, q;
	struct str element, type;

	while (http_list_next(&accept, &element)) {
		q = accept_weight(element, &type);
		if (str_eq_nocase(type, STR("text/x-rn")))
			records = MAX(records, q);
		else if (str_eq_nocase(type, STR(TYPE_JSON_TEXT)) || str_is(type, "*/*") ||
			 str_eq_nocase(type, STR("application/*")))
			json = MAX(json, q);
	}
	return records > 0 && records >= json ? VIEW_RECORDS : VIEW_JSON;
}

static int add_json(struct buf *b, struct str records, bool list, struct rn_error *err)
{
	struct rec_reader rd;
	size_t n = 0;
	struct rec r;
	int rc;

	rec_reader_mem(&rd, records, "answer");
	if (list)
		buf_add_byte(b, '[');
	while ((rc = rec_read(&rd, &r, err)) == 1) {
		if (n++)
			buf_add_cstr(b, list ? ",\n" : "\n");
		rc = rec_to_json(b, &r, err);
		if (rc)
			break;
	}
	buf_add_cstr(b, list ? "]\n" : "\n");
	rec_reader_free(&rd);
	return rc;
}

int reply_records(struct reply *re, const struct request *rq, unsigned status, struct str records,
		  bool list, struct rn_error *err)
{
	int rc = 0;

	re->status = status;
	buf_clear(&re->body);
	if (reply_view(rq->accept) == VIEW_RECORDS) {
		re->type = TYPE_RECORDS;
		buf_add(&re->body, records);
	} else {
		re->type = TYPE_JSON_TEXT;
		rc = add_json(&re->body, records, list, err);
	}
	if (rc == RN_EDATA)
		rc = err->code = RN_EBUG; /* records of our own that nobody can read */
	return rc ? rc : re->body.failed ? rn_fail(err, RN_EOS, "the answer is too long") : 0;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static const char *error_name(unsigned status)
{
	static const struct {
		unsigned status;
		const char *name;
	} names[] = {
		{400, "bad_request"},
		{401, "unauthorized"},
		{403, "forbidden"},
		{404, "not_found"},
		{405, "method_not_allowed"},
		{409, "conflict"},
		{413, "too_large"},
		{415, "unsupported_type"},
		{422, "invalid"},
		{429, "too_many"},
		{503, "busy"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].status == status)
			return names[i].name;
	return "internal";
}

void reply_error(struct reply *re, const struct request *rq, unsigned status, const char *text)
{
	struct rn_error err;
	struct buf line;

	buf_clear(&re->fields);
	if (status == 401)
		buf_add_cstr(&re->fields,
			     "WWW-Authenticate: Bearer realm=\"rustronaut\", Rustronaut\r\n");
	if (status == 429 || status == 503)
		buf_addf(&re->fields, "Retry-After: %d\r\n", status == 429 ? 300 : 5);
	re->cacheable = false;
	buf_init(&line, REC_LINE_MAX);
	rec_begin(&line, "error", str_from(error_name(status)));
	rec_add_cstr(&line, "text", text);
	rec_end(&line);
	if (reply_records(re, rq, status, buf_str(&line), false, &err))
		buf_clear(&re->body);
	buf_free(&line);
}

static unsigned status_of(const struct rn_error *err)
{
	switch (err->code) {
	case RN_ENO:
		return err->sys == EEXIST ? 409 : 404;
	case RN_EDATA:
		return err->sys == EMEDIUMTYPE ? 415 : err->sys == EINVAL ? 422 : 400;
	case RN_EUSAGE:
		return err->sys == EMSGSIZE ? 413 : 400;
	case RN_EPERM:
		return err->sys == EACCES ? 403 : 401;
	case RN_EAGAIN:
		return err->sys == EACCES ? 429 : 503;
	default:
		return 500;
	}
}

void reply_fail(struct reply *re, const struct request *rq, const struct rn_error *err)
{
	unsigned status = status_of(err);

	if (status >= 500)
		log_write(LOG_ERROR, "%.*s %.*s: %s", STR_ARG(rq->method), STR_ARG(rq->path),
			  err->text);
	reply_error(re, rq, status,
		    status == 500 ? "something went wrong inside; the log says what" : err->text);
}

/* ---- writing --------------------------------------------------------------------------------- */

#define ETAG_LEN 16 /* bytes of the hash */

static void make_etag(char out[static HEX_SIZE(ETAG_LEN) + 2], struct str body)
{
	uint8_t hash[ETAG_LEN];

	crypto_generichash(hash, sizeof(hash), (const uint8_t *)body.ptr, body.len, NULL, 0);
	out[0] = '"';
	hex_encode(out + 1, hash, sizeof(hash));
	memcpy(out + 1 + 2 * ETAG_LEN, "\"", 2);
}

/* If-None-Match compares weakly (RFC 9110, section 13.1.2). */
static bool etag_matches(struct str list, const char *etag)
{
	struct str element;

	while (http_list_next(&list, &element)) {
		if (str_starts(element, STR("W/")))
			element = str_from_at(element, 2);
		if (str_is(element, "*") || str_is(element, etag))
			return true;
	}
	return false;
}

static void add_head(struct buf *b, struct reply *re, const char *etag)
{
	buf_addf(b, "Status: %u %s\r\n", re->status, http_status_text(re->status));
	if (re->type && re->status != 204 && re->status != 304)
		buf_addf(b, "Content-Type: %s\r\n", re->type);
	if (etag)
		buf_addf(b, "ETag: %s\r\n", etag);
	buf_addf(b, "Cache-Control: %s\r\n", re->cacheable ? "no-cache" : "no-store");
	buf_add_cstr(b, "X-Content-Type-Options: nosniff\r\n");
	if (re->https)
		buf_add_cstr(b, "Strict-Transport-Security: max-age=31536000\r\n");
	buf_add(b, buf_str(&re->fields));
	if (re->status != 204 && re->status != 304)
		buf_addf(b, "Content-Length: %zu\r\n", re->body.len);
	buf_add_cstr(b, "\r\n");
}

int reply_send(struct reply *re, const struct request *rq, int fd, struct rn_error *err)
{
	bool cacheable = re->cacheable && re->status == 200;
	char etag[HEX_SIZE(ETAG_LEN) + 2];
	struct buf head;
	int rc;

	if (cacheable) {
		make_etag(etag, buf_str(&re->body));
		if (etag_matches(rq->if_none_match, etag))
			re->status = 304;
	}
	buf_init(&head, 32768);
	add_head(&head, re, cacheable ? etag : NULL);
	rc = head.failed ? rn_fail(err, RN_EOS, "out of memory")
			 : fd_write_all(fd, buf_str(&head), err);
	if (!rc && !rq->head && re->status != 204 && re->status != 304)
		rc = fd_write_all(fd, buf_str(&re->body), err);
	buf_free(&head);
	return rc;
}
