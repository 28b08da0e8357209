/* SPDX-License-Identifier: MIT
 *
 * Stage route: host and path to a resource. Nothing of the request has been believed yet but these.
 */
#include "proxy/path.h"
#include "proxy/run.h"

static enum stage_result bad_path(struct txn *t)
{
	t->keep = false;
	return txn_answer(
		t, &(struct answer){.status = 400,
				    .why = "path could be read in two ways",
				    .text = STR("The path of this request could be read in two "
						"ways.")});
}

static bool normalise(struct txn *t)
{
	struct message *m = t->m;
	size_t len;
	char *out = buf_reserve(&m->path_buf, m->req.path.len + 1);

	if (!out || path_climbs(m->req.path) || !http_path_normalise(out, &len, m->req.path))
		return false;
	m->path = str_make(out, len);
	m->query = m->req.query;
	return true;
}

/* Whether what is behind us may take the path for another resource's: "/admin%2Fx" where /admin has a
 * policy of its own. Within one resource it is the target's own business. */
static bool leads_astray(struct txn *t)
{
	struct message *m = t->m;
	struct buf *b = &m->req_text; /* not in use yet */
	bool host_known, astray = false;
	char *out;
	size_t len;

	buf_clear(b);
	out = buf_reserve(b, m->path.len + 1);
	if (!out)
		return true;
	if (path_loose(out, &len, m->path))
		astray = router_find(&t->listen->router, m->host, str_make(out, len),
				     &host_known) != t->resource;
	return astray;
}

/* Below every host that we serve, however little of it (contracts: /.rustronaut/). */
static bool is_own(const struct txn *t)
{
	return str_starts(t->m->path, STR("/.rustronaut/"));
}

static enum stage_result redirect_https(struct txn *t)
{
	struct message *m = t->m;
	struct buf fields;

	buf_init(&fields, HTTP_HEAD_MAX);
	buf_addf(&fields, "Location: https://%.*s", STR_ARG(m->host));
	if (t->listen->https_port != 443)
		buf_addf(&fields, ":%u", (unsigned)t->listen->https_port);
	buf_add(&fields, m->req.path);
	if (m->query.ptr)
		buf_addf(&fields, "?%.*s", STR_ARG(m->query));
	buf_add(&fields, STR("\r\n"));
	enum stage_result r = txn_answer(
		t, &(struct answer){.status = 308, .bare = true, .fields = buf_str(&fields)});
	buf_free(&fields);
	return r;
}

static enum stage_result nothing_here(struct txn *t, bool host_known)
{
	struct answer a = {.status = 404,
			   .why = "no resource has this path",
			   .text = STR("Nothing is published under this path.")};
	if (!host_known) {
		a.why = "no resource has this host";
		a.text = STR(
			"Nothing is published under this name here. Perhaps the service that used "
			"to be has stopped.");
	}
	return txn_answer(t, &a);
}

/* Over TLS the name that was proved must be one that this certificate context would also serve: a
 * browser may use one connection for two names only if one certificate has both, so a difference
 * between SNI and Host is fine for routing and never a grant: policy decides by resource. */
enum stage_result stage_route(struct txn *t)
{
	struct message *m = t->m;
	bool host_known = false;

	if (!t->listen) {
		t->keep = false;
		return nothing_here(t, false);
	}
	if (m->req.host.ptr)
		m->host = http_host_fold(m->host_text, m->req.host);
	else
		m->host = STR("");
	if (!normalise(t))
		return bad_path(t);
	if (t->listen->redirect_https && m->host.len)
		return redirect_https(t);
	t->resource = router_find(&t->listen->router, m->host, m->path, &host_known);
	if (!t->resource && is_own(t))
		t->resource = router_host(&t->listen->router, m->host);
	else if (t->resource && leads_astray(t))
		return bad_path(t);
	if (t->resource)
		return STAGE_NEXT;
	return nothing_here(t, host_known);
}
