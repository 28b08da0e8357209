/* SPDX-License-Identifier: MIT
 *
 * A CGI request from its environment and body to the record that a handler sees. The input's lines are
 * method, URI, content type, Accept and Cookie; what follows is the body. A body that is taken holds
 * known keys only, and can be shown in both views. */
#include "../../console-cgi/cgi.h"

#include <sys/mman.h>
#include <unistd.h>

#define FIELDS 5
static char values[FIELDS][4096], length[24];

static const char *env(const char *name)
{
	static const char *const names[FIELDS] = {"REQUEST_METHOD", "REQUEST_URI", "CONTENT_TYPE", "HTTP_ACCEPT",
						  "HTTP_COOKIE"};

	for (size_t i = 0; i < FIELDS; i++)
		if (strcmp(name, names[i]) == 0)
			return values[i];
	return strcmp(name, "CONTENT_LENGTH") == 0 ? length : NULL;
}

static void show(const struct call *k, const char *accept)
{
	struct request rq = *k->rq;
	struct reply re;
	struct rn_error err;
	struct buf line;

	reply_init(&re);
	buf_init(&line, 2 * REC_LINE_MAX);
	rec_write(&line, &k->body);
	rq.accept = str_from(accept);
	rn_assert(line.failed || reply_records(&re, &rq, 200, buf_str(&line), true, &err) == 0);
	buf_free(&line);
	reply_free(&re);
}

static void try_body(struct call *k)
{
	const struct schema_kind *schema = schema_find(str_from(k->route->takes));
	struct rn_error err;

	if (body_read(k, &err))
		return;
	rn_assert(rec_is(&k->body, k->route->takes));
	rn_assert(!k->id[0] || str_is(rec_id(&k->body), k->id));
	for (size_t i = 1; schema && i < k->body.n; i++)
		rn_assert(schema_key_find(schema, k->body.f[i].key));
	show(k, "text/x-rn");
	show(k, "application/json");
}

static void try_request(struct request *rq)
{
	static struct call k;
	char out[256];
	struct buf allow;

	k = (struct call){.rq = rq};
	buf_init(&allow, 256);
	buf_init(&k.body_line, BODY_MAX);
	(void)!request_param(rq->query, "return", out, sizeof(out));
	(void)request_cookie(rq, "__Host-rn_login");
	(void)reply_view(rq->accept);
	if (route_find(&k.route, k.id, rq, &allow) == ROUTE_FOUND && k.route->takes)
		try_body(&k);
	buf_free(&k.body_line);
	buf_free(&allow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make(data, size), line;
	struct rn_error err;
	struct request rq;
	int fd;

	for (size_t i = 0; i < FIELDS; i++)
		if (!str_cut(&rest, '\n', &line) || !str_copy(values[i], sizeof(values[i]), line))
			return 0;
	snprintf(length, sizeof(length), "%zu", rest.ptr ? rest.len : 0);
	fd = memfd_create("body", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	if (!rest.len || (write(fd, rest.ptr, rest.len) == (ssize_t)rest.len && lseek(fd, 0, SEEK_SET) == 0)) {
		if (request_read(&rq, env, fd, &err) == 0)
			try_request(&rq);
		request_free(&rq);
	}
	close(fd);
	return 0;
}
