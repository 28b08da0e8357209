/* SPDX-License-Identifier: MIT
 *
 * Where a name leads: to the gateway's listener for that service inside the tunnel. The last answer
 * is kept in STATE/NET/forward.rn, so that a console that is down takes nothing away.
 */
#include "rn-forward.h"

#include <unistd.h>

#define MEMORY_MAX (1u << 20)

/* ---- the console's answer -------------------------------------------------------------------- */

/* The port of the local service, as the console lists it; 0 if it has none. */
static uint64_t local_port(const struct rec *r)
{
	struct str at = rec_get(r, "local_address");
	const char *colon = at.len ? memrchr(at.ptr, ':', at.len) : NULL;
	uint64_t port = 0;

	if (!colon || str_starts(at, STR("unix:")) ||
	    !str_to_u64(str_from_at(at, (size_t)(colon - at.ptr) + 1), UINT16_MAX, &port))
		return 0;
	return port;
}

/* Takes the record as the route. */
static int take(struct route *route, const struct rec *r, struct rn_error *err)
{
	struct str at = rec_get(r, "tunnel_address"), url = rec_get(r, "url");

	route->udp = str_is(rec_get(r, "protocol"), "udp");
	if (!at.ptr)
		return rn_fail(err, RN_ENO, "%.*s is a web service: open %.*s instead",
			       STR_ARG(rec_id(r)), STR_ARG(url));
	if (!addr_parse(&route->address, at, -1) ||
	    !str_copy(route->service, sizeof(route->service), rec_id(r)))
		return rn_fail(err, RN_EPROTO, "the console's answer about %.*s makes no sense",
			       STR_ARG(rec_id(r)));
	return 0;
}

int route_from_answer(struct route *route, const struct asked *a, struct str answer,
		      struct rn_error *err)
{
	struct rec_reader rd;
	struct rec r;
	uint64_t other = 0;
	int rc;

	rec_reader_mem(&rd, answer, "answer");
	while ((rc = rec_read(&rd, &r, err)) == 1) {
		uint64_t port = local_port(&r);

		if (!rec_is(&r, "service") || (a->udp && !str_is(rec_get(&r, "protocol"), "udp")))
			continue;
		if (port && port != a->port) {
			other = port;
			continue;
		}
		rc = take(route, &r, err);
		rec_reader_free(&rd);
		return rc;
	}
	rec_reader_free(&rd);
	if (rc < 0)
		return rc;
	if (other)
		return rn_fail(err, RN_ENO, "%s is there, but at port %u, not %u", a->host,
			       (unsigned)other, a->port);
	return rn_fail(err, RN_ENO,
		       "nothing called %s is exposed in this network (on its machine: rn expose "
		       "localhost:%u tcp --name %s)",
		       a->host, a->port, a->host);
}

static int ask(struct route *route, const struct asked *a, struct agent_rest *rest, const char *key,
	       struct rn_error *err)
{
	struct agent_request q = {0};
	struct buf path, answer;
	int rc;

	buf_init(&path, 1024);
	buf_init(&answer, 4u << 20);
	buf_add_cstr(&path, "/api/v1/services");
	agent_query_add(&path, key, str_from(a->host));
	buf_add_byte(&path, '\0');
	q.path = path.ptr;
	rc = agent_rest_records(rest, &q, &answer, err);
	if (!rc)
		rc = route_from_answer(route, a, answer.len ? buf_str(&answer) : STR(""), err);
	buf_free(&path);
	buf_free(&answer);
	return rc;
}

/* By the service's name, else by its device's. */
static int ask_console(struct route *route, const struct asked *a, struct agent_rest *rest,
		       struct rn_error *err)
{
	struct rn_error by_device;
	int rc = ask(route, a, rest, "name", err);

	if (rc == RN_ENO && ask(route, a, rest, "device", &by_device) == 0)
		return 0;
	return rc;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static bool is_it(const struct rec *r, const struct asked *a)
{
	return rec_is(r, "forward") && str_is(rec_id(r), a->remote) &&
	       (!a->udp || str_is(rec_get(r, "protocol"), "udp"));
}

static bool recall(struct route *route, const struct asked *a, const char *path)
{
	struct rec_reader rd;
	struct rn_error ignored;
	struct buf text;
	struct rec r;
	bool found = false;

	buf_init(&text, MEMORY_MAX);
	if (file_read(path, &text, &ignored) == 0 && text.len) {
		rec_reader_mem(&rd, buf_str(&text), path);
		while (!found && rec_read(&rd, &r, &ignored) == 1) {
			found = is_it(&r, a) &&
				addr_parse(&route->address, rec_get(&r, "remote_address"), -1) &&
				str_copy(route->service, sizeof(route->service),
					 rec_get(&r, "service"));
			route->udp = str_is(rec_get(&r, "protocol"), "udp");
		}
		rec_reader_free(&rd);
	}
	buf_free(&text);
	return found;
}

static void add_memory(struct buf *b, const struct route *route, const struct asked *a)
{
	char at[ADDR_TEXT_MAX];

	addr_format(&route->address, at);
	rec_begin(b, "forward", str_from(a->remote));
	rec_add_cstr(b, "remote_address", at);
	rec_add_cstr(b, "service", route->service);
	rec_add_cstr(b, "protocol", route->udp ? "udp" : "tcp");
	rec_end(b);
}

/* Writes the memory anew: this answer, and what was known of other names. */
static int remember(const struct route *route, const struct asked *a, const char *path,
		    struct rn_error *err)
{
	struct buf old, new;
	struct rec_reader rd;
	struct rn_error ignored;
	struct rec r;
	int rc = 0;

	buf_init(&old, MEMORY_MAX);
	buf_init(&new, MEMORY_MAX);
	add_memory(&new, route, a);
	if (file_read(path, &old, &ignored) == 0 && old.len) {
		rec_reader_mem(&rd, buf_str(&old), path);
		while (rec_read(&rd, &r, &ignored) == 1)
			if (!is_it(&r, a))
				rec_write(&new, &r);
		rec_reader_free(&rd);
	}
	if (!new.failed && !str_eq(buf_str(&old), buf_str(&new)))
		rc = file_write(path, 0600, buf_str(&new), err);
	buf_free(&old);
	buf_free(&new);
	return rc;
}

/* ---- face ------------------------------------------------------------------------------------ */

int route_find(struct route *route, const struct asked *a, struct agent_rest *rest,
	       const struct agent_net *net, struct rn_error *err)
{
	char path[AGENT_PATH_MAX];
	struct rn_error why;
	int rc;

	*route = (struct route){.udp = a->udp};
	if (addr_parse(&route->address, str_from(a->remote), -1))
		return 0;
	rc = agent_net_path(net, path, "forward.rn", err);
	if (rc)
		return rc;
	rc = ask_console(route, a, rest, err);
	if (rc == 0) {
		if (remember(route, a, path, &why)) /* it works all the same */
			log_write(LOG_WARN, "%s", why.text);
		return 0;
	}
	if ((rc == RN_EAWAY || rc == RN_EAGAIN) && recall(route, a, path)) {
		log_write(LOG_WARN, "%s: as it was last time, because %s", a->remote, err->text);
		return 0;
	}
	return rc;
}
