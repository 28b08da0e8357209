/* SPDX-License-Identifier: MIT
 *
 * The gateway's own paths under every host: /.rustronaut/session, logout and probe.
 */
#include "proxy/once.h"
#include "proxy/run.h"
#include "proxy/session.h"

/* ---- session, logout ------------------------------------------------------------------------- */

/* A path on this very host, and nothing that a browser would take for another: it drops TAB, LF and
 * CR wherever they stand, so "/", TAB, "/evil" would be a host. */
static bool return_is_local(struct str path)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] <= ' ' || path.ptr[i] >= 0x7f)
			return false;
	if (path.len == 0 || path.ptr[0] != '/')
		return false;
	return path.len == 1 || (path.ptr[1] != '/' && path.ptr[1] != '\\');
}

static enum stage_result see_other(struct txn *t, struct str path)
{
	struct buf fields;
	buf_init(&fields, HTTP_HEAD_MAX);
	http_add_field(&fields, "Location", path);
	enum stage_result r = txn_answer(
		t, &(struct answer){.status = 303, .bare = true, .fields = buf_str(&fields)});
	buf_free(&fields);
	return r;
}

static enum stage_result own_session(struct txn *t)
{
	struct rn_error err;
	struct buf path;
	int rc = session_from_assertion(t, http_query_find(t->m->query, "t"), &err);

	if (rc) {
		char text[600];
		snprintf(text, sizeof(text), "The login did not work: %s. Please log in again.",
			 err.text);
		return txn_answer(t, &(struct answer){.status = 403,
						      .title = STR("Not logged in"),
						      .why = err.text,
						      .text = str_from(text),
						      .link = STR("/"),
						      .link_text = STR("Try again")});
	}
	buf_init(&path, HTTP_LINE_MAX);
	bool fine = http_percent_decode(&path, http_query_find(t->m->query, "return"), false) &&
		    return_is_local(buf_str(&path));
	enum stage_result r = see_other(t, fine ? buf_str(&path) : STR("/"));
	buf_free(&path);
	return r;
}

static enum stage_result own_logout(struct txn *t)
{
	session_clear(t);
	static const struct answer answer = {
		.status = 200,
		.title = STR_INIT("Logged out"),
		.text = STR_INIT("You are logged out of this service. If others use this computer, "
				 "close the window too."),
		.link = STR_INIT("/"),
		.link_text = STR_INIT("Open the service again"),
	};
	return txn_answer(t, &answer);
}

/* ---- probe ----------------------------------------------------------------------------------- */

/* Who may ask whether the target answers: its device, and whoever may use it. */
static bool probe_allowed(struct txn *t)
{
	struct str header = http_value(&t->m->req, HTTP_AUTHORIZATION);
	int64_t now_s = t->began_at / 1000;
	struct policy_facts f;
	struct request_sig sig;
	struct rn_error err;
	char method[HTTP_METHOD_MAX + 1];

	if (str_starts(header, STR("Rustronaut ")) && request_parse(&sig, header, &err) == 0) {
		const struct device *d =
			map_get(&t->view->snap->device_by_name, str_from(sig.node));
		return d && d->can_sign && str_eq(d->name, t->resource->device) &&
		       str_copy(method, sizeof(method), t->m->req.method_text) &&
		       request_verify(&sig, d->sign_key, method, t->m->req.target, STR(""), now_s,
				      &err) == 0 &&
		       once_use(&once_probes, str_from(sig.nonce), now_s,
				now_s + 2 * REQUEST_SKEW_S) != ONCE_USED;
	}
	if (t->m->who.device.len && str_eq(t->m->who.device, t->resource->device))
		return true;
	facts_from(t, &f);
	return policy_decide(t->view->snap->policy, &f, t->resource->name, STR("GET")).allow;
}

static enum stage_result probe_answer(struct txn *t, const char *why)
{
	char text[256];
	if (!why)
		return txn_answer(t, &(struct answer){.status = 204, .bare = true});
	snprintf(text, sizeof(text), "The target cannot be reached: %s.", why);
	return txn_answer(t, &(struct answer){.status = 503, .why = why, .text = str_from(text)});
}

static void probe_done(void *owner, struct up *up, const char *why)
{
	struct txn *t = owner;
	t->up = up; /* closed with the answer */
	probe_answer(t, why);
}

/* ?service=NAME asks for a tcp or udp service, which has no host name to be asked under. False if
 * there is none. */
static bool probe_choose(struct txn *t)
{
	struct str name = http_query_find(t->m->query, "service");

	if (name.ptr)
		t->resource = map_get(&t->view->snap->resource_by_name, name);
	return t->resource != NULL;
}

static enum stage_result own_probe(struct txn *t)
{
	if (!probe_choose(t) || !probe_allowed(t))
		return txn_answer(
			t, &(struct answer){.status = 403,
					    .why = "may not probe",
					    .text = STR("Only the service's own device and those "
							"who may use it can ask this.")});
	t->target = balance_pick(t->view, t->resource, 0);
	if (!t->target)
		return probe_answer(t, "no target is up");
	if (t->target->kind == TARGET_CGI)
		return probe_answer(t, NULL);
	t->up = up_dial(t->worker, t->target, t->resource->connect_ms, probe_done, t);
	if (!t->up)
		return probe_answer(t, "out of memory");
	timer_start(t->worker->loop, &t->timer, t->resource->connect_ms * 2);
	return STAGE_WAIT;
}

/* ---- table ----------------------------------------------------------------------------------- */

static const struct {
	const char *path;
	stage_fn *fn;
} paths[] = {
	{"/.rustronaut/session", own_session},
	{"/.rustronaut/logout", own_logout},
	{"/.rustronaut/probe", own_probe},
};

enum stage_result own_paths(struct txn *t)
{
	bool reads = t->m->req.method == HTTP_GET || t->m->req.method == HTTP_HEAD ||
		     t->m->req.method == HTTP_POST;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (str_is(t->m->path, paths[i].path))
			return reads ? paths[i].fn(t)
				     : txn_answer(t, &(struct answer){.status = 405});
	return txn_answer(
		t, &(struct answer){.status = 404, .text = STR("The gateway has no such page.")});
}
