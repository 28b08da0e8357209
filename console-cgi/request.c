/* SPDX-License-Identifier: MIT
 *
 * The environment of a CGI program (RFC 3875, section 4.1), and what servers make of it: some give
 * PATH_INFO only, some REQUEST_URI too, some neither SCRIPT_NAME nor a decoded path.
 */
#include "cgi.h"

#include <errno.h>
#include <unistd.h>

static struct str get(env_fn *env, const char *name)
{
	return str_from(env(name));
}

/* Path and query as sent. Without REQUEST_URI they are put together again. */
static int read_uri(struct request *rq, env_fn *env, struct rn_error *err)
{
	struct str info = get(env, "PATH_INFO"), script = get(env, "SCRIPT_NAME");
	struct str query = get(env, "QUERY_STRING"), path;
	struct buf *made = &rq->made_uri;

	rq->uri = get(env, "REQUEST_URI");
	if (!rq->uri.len) {
		buf_add(made, script);
		buf_add(made, info);
		if (query.len)
			buf_addf(made, "?%.*s", STR_ARG(query));
		rq->uri = buf_str(made);
	}
	if (!rq->uri.len || rq->uri.ptr[0] != '/' || made->failed)
		return rn_fail(err, RN_EDATA, "no path in the request");

	rq->query = rq->uri;
	str_cut(&rq->query, '?', &path);
	if (info.len)
		rq->path = info;
	else if (script.len && !str_eq(path, script) && str_starts(path, script))
		rq->path = str_from_at(path, script.len);
	else if (str_eq(path, script))
		rq->path = STR("/");
	else
		rq->path = path;
	return rq->path.ptr[0] == '/' ? 0 : rn_fail(err, RN_EDATA, "no path in the request");
}

/* Exactly LEN bytes: the server may keep the pipe open behind them. */
static int read_exactly(int fd, struct buf *b, size_t len, struct rn_error *err)
{
	char *at = buf_reserve(b, len);

	if (!at)
		return rn_fail(err, RN_EOS, "out of memory");
	while (b->len < len) {
		ssize_t n = read(fd, at + b->len, len - b->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return rn_fail(err, RN_EDATA, "the body ends before its Content-Length");
		b->len += (size_t)n;
	}
	return 0;
}

static int read_body(struct request *rq, env_fn *env, int fd, struct rn_error *err)
{
	struct str length = get(env, "CONTENT_LENGTH");
	unsigned max = str_is(rq->path, API "/import") ? IMPORT_MAX : BODY_MAX;
	uint64_t want = 0;

	if (length.len && !str_to_u64(length, UINT64_MAX, &want))
		return rn_fail(err, RN_EDATA, "Content-Length is not a number");
	if (want > max) {
		rn_fail(err, RN_EUSAGE, "the body is longer than %u bytes", max);
		err->sys = EMSGSIZE;
		return err->code;
	}
	return want ? read_exactly(fd, &rq->body, (size_t)want, err) : 0;
}

int request_read(struct request *rq, env_fn *env, int fd, struct rn_error *err)
{
	int rc;

	memset(rq, 0, sizeof(*rq));
	buf_init(&rq->body, IMPORT_MAX);
	buf_init(&rq->made_uri, HTTP_LINE_MAX);
	rq->method = get(env, "REQUEST_METHOD");
	rq->host = get(env, "HTTP_HOST");
	rq->remote = get(env, "REMOTE_ADDR");
	rq->content_type = get(env, "CONTENT_TYPE");
	rq->accept = get(env, "HTTP_ACCEPT");
	rq->authorization = get(env, "HTTP_AUTHORIZATION");
	rq->cookie = get(env, "HTTP_COOKIE");
	rq->if_none_match = get(env, "HTTP_IF_NONE_MATCH");
	rq->origin = get(env, "HTTP_ORIGIN");
	rq->head = str_is(rq->method, "HEAD");
	if (rq->head)
		rq->method = STR("GET");
	rc = read_uri(rq, env, err);
	return rc ? rc : read_body(rq, env, fd, err);
}

void request_free(struct request *rq)
{
	if (rq->body.ptr)
		secret_wipe(rq->body.ptr, rq->body.cap);
	buf_free(&rq->body);
	buf_free(&rq->made_uri);
}

bool request_param(struct str form, const char *name, char *out, size_t size)
{
	struct str raw = form.ptr ? http_query_find(form, name) : form;
	struct buf b;
	bool good;

	buf_init(&b, size);
	good = raw.ptr && http_percent_decode(&b, raw, true) && !b.failed &&
	       str_copy(out, size, buf_str(&b));
	if (!good)
		out[0] = '\0';
	if (b.ptr)
		secret_wipe(b.ptr, b.cap); /* may be a password */
	buf_free(&b);
	return good;
}

struct str request_cookie(const struct request *rq, const char *name)
{
	struct str rest = rq->cookie, part, found = {NULL, 0}, key;

	while (str_cut(&rest, ';', &part)) {
		part = str_trim(part);
		if (!str_cut(&part, '=', &key) || !str_is(key, name))
			continue;
		if (found.ptr)
			return (struct str){NULL, 0};
		found = part;
	}
	return found;
}
