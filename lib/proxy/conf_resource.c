/* SPDX-License-Identifier: MIT
 *
 * Resource and target records, which refer to others.
 */
#include "http/http.h"
#include "proxy/conf.h"

static int out_of_memory(struct rn_error *err)
{
	return rn_fail(err, RN_EOS, "out of memory");
}

/* ---- resources ---------------------------------------------------------------------------------
 */

static int route_one(struct listen_conf *l, struct resource *res, struct str host, struct str path,
		     struct rn_error *err)
{
	struct resource *taken = NULL;
	int rc = router_add(&l->router, host, path, res, &taken, err);
	if (rc && taken)
		return rn_fail(
			err, RN_ECONFIG,
			"host=%.*s path=%.*s on listen=%.*s is already that of resource=%.*s",
			STR_ARG(host), STR_ARG(path), STR_ARG(l->name), STR_ARG(taken->name));
	return rc;
}

static int route_http(struct conf *c, struct listen_conf *l, struct resource *res,
		      const struct rec *r, struct rn_error *err)
{
	struct str hosts = rec_get(r, "host"), path, host;
	int rc = conf_text(c, r, "path", &path, err);
	if (rc)
		return rc;
	if (!hosts.ptr || hosts.len == 0)
		return route_one(l, res, STR(""), path, err);
	while (rc == 0 && rec_list_next(&hosts, &host)) {
		host = arena_str(&c->s->arena, host);
		rc = host.ptr ? route_one(l, res, host, path, err) : out_of_memory(err);
	}
	return rc;
}

static int resource_attach(struct conf *c, struct str name, struct resource *res,
			   const struct rec *r, struct rn_error *err)
{
	struct listen_conf *l = map_get(&c->s->listen_by_name, name);
	if (!l)
		return rn_fail(err, RN_ECONFIG, "listen=%.*s: there is no such listen record",
			       STR_ARG(name));
	if (l->proto == LISTEN_HTTP || l->proto == LISTEN_HTTPS)
		return route_http(c, l, res, r, err);
	if (l->resource)
		return rn_fail(err, RN_ECONFIG, "listen=%.*s already serves resource=%.*s",
			       STR_ARG(name), STR_ARG(l->resource->name));
	l->resource = res;
	return 0;
}

int conf_resource(struct conf *c, const struct rec *r, struct rn_error *err)
{
	struct resource *res = arena_new(&c->s->arena, struct resource);
	struct resource **place = VEC_PUSH(&c->s->resources);
	struct str listens = rec_get(r, "listen"), auth, one;
	int rc;

	if (!res || !place || !(res->name = arena_str(&c->s->arena, rec_id(r))).ptr ||
	    !map_set(&c->s->resource_by_name, res->name, res))
		return out_of_memory(err);
	*place = res;
	if ((rc = conf_text(c, r, "name", &res->title, err)) ||
	    (rc = conf_text(c, r, "owner", &res->owner, err)) ||
	    (rc = conf_text(c, r, "device", &res->device, err)) ||
	    (rc = conf_text(c, r, "auth", &auth, err)) ||
	    (rc = conf_u64(r, "connect_ms", &res->connect_ms, err)) ||
	    (rc = conf_u64(r, "idle_s", &res->idle_ms, err)) ||
	    (rc = conf_u64(r, "flow_s", &res->flow_ms, err)))
		return rc;
	res->idle_ms *= 1000;
	res->flow_ms *= 1000;
	res->auth = str_is(auth, "none") ? RESOURCE_NONE : RESOURCE_LOGIN;
	while (rc == 0 && rec_list_next(&listens, &one))
		rc = resource_attach(c, one, res, r, err);
	return rc;
}

/* ---- targets -----------------------------------------------------------------------------------
 */

static bool cgi_dir_has(struct str dir, struct str path)
{
	return str_starts(path, dir) && path.len > dir.len + 1 && path.ptr[dir.len] == '/' &&
	       str_find(str_from_at(path, dir.len + 1), '/') < 0;
}

/* A bundle from the console must not be able to run just anything here. */
static int cgi_allowed(const struct snapshot_source *src, struct str path, struct rn_error *err)
{
	if (src->text.ptr)
		return 0;
	for (const char *const *dir = src->cgi_dirs; dir && *dir; dir++)
		if (cgi_dir_has(str_from(*dir), path))
			return 0;
	if (src->bin_dir && str_ends(path, STR(".cgi")) &&
	    cgi_dir_has(str_from(src->bin_dir), path))
		return 0;
	return rn_fail(err, RN_ECONFIG, "cgi:%.*s lies in no folder that was named with --cgi-dir",
		       STR_ARG(path));
}

static int target_address(struct conf *c, struct target *t, struct rn_error *err)
{
	if (str_starts(t->address_text, STR("unix:"))) {
		struct sockaddr_un sun;
		t->kind = TARGET_UNIX;
		t->path = str_from_at(t->address_text, 5);
		if (t->path.len >= sizeof(sun.sun_path))
			return rn_fail(err, RN_ECONFIG, "%s is too long", t->address_text.ptr);
		return 0;
	}
	if (str_starts(t->address_text, STR("cgi:"))) {
		t->kind = TARGET_CGI;
		t->path = str_from_at(t->address_text, 4);
		return cgi_allowed(c->src, t->path, err);
	}
	if (!addr_parse(&t->address, t->address_text, -1) || addr_port(&t->address) == 0)
		return rn_fail(err, RN_ECONFIG,
			       "address=%s: IP:PORT, unix:/path or cgi:/path is needed",
			       t->address_text.ptr);
	return 0;
}

static int client_make(struct tls_client *client, struct rn_error *err)
{
	struct buf pem;
	buf_init(&pem, 1 << 20);
	int rc = client->ca_file.len ? file_read(client->ca_file.ptr, &pem, err) : 0;
	if (rc == 0) {
		struct tls_client_opts o = {.ca_pem = buf_str(&pem), .no_verify = !client->verify};
		client->ctx = tls_client_new(&o, err);
		rc = client->ctx ? 0 : (int)err->code;
	}
	buf_free(&pem);
	return rc;
}

static int client_get(struct conf *c, struct str ca_file, bool verify, struct tls_ctx **out,
		      struct rn_error *err)
{
	for (size_t i = 0; i < c->s->clients.len; i++) {
		struct tls_client *have = &c->s->clients.ptr[i];
		if (have->verify == verify && str_eq(have->ca_file, ca_file)) {
			*out = have->ctx;
			return 0;
		}
	}
	struct tls_client *client = VEC_PUSH(&c->s->clients);
	if (!client)
		return out_of_memory(err);
	*client = (struct tls_client){.ca_file = ca_file, .verify = verify};
	int rc = client_make(client, err);
	*out = client->ctx;
	return rc;
}

static int target_tls(struct conf *c, struct target *t, const struct rec *r, struct rn_error *err)
{
	char host[ADDR_TEXT_MAX];
	struct str ca_file, name;
	bool verify;
	int rc;

	if (!str_is(rec_get(r, "proto"), "https"))
		return 0;
	if ((rc = conf_file(c, r, "ca_file", &ca_file, err)) ||
	    (rc = conf_text(c, r, "tls_name", &name, err)) ||
	    (rc = rec_bool(r, "tls_verify", true, &verify, err)))
		return rc;
	if (name.len == 0 && t->kind == TARGET_IP) {
		addr_format_ip(&t->address, host);
		name = arena_str(&c->s->arena, str_from(host));
	}
	if (name.len == 0 || t->kind == TARGET_CGI)
		return rn_fail(err, RN_ECONFIG, "proto=https needs tls_name= or an IP address");
	t->tls_name = name.ptr;
	return c->src->text.ptr ? 0 : client_get(c, ca_file, verify, &t->tls, err);
}

/* CGI variables from config are ours by name: nothing that a loader or a shell would obey. */
static int target_env(struct target *t, struct rn_error *err)
{
	struct str rest = t->env, one;
	while (rest.ptr && rec_list_next(&rest, &one)) {
		ptrdiff_t eq = str_find(one, '=');
		bool fine = eq > 3 && str_starts(one, STR("RN_"));
		for (ptrdiff_t i = 0; fine && i < eq; i++)
			fine = (one.ptr[i] >= 'A' && one.ptr[i] <= 'Z') || one.ptr[i] == '_';
		if (!fine)
			return rn_fail(err, RN_ECONFIG, "env=%.*s: not RN_NAME=value",
				       STR_ARG(one));
	}
	return 0;
}

static int target_numbers(struct conf *c, struct target *t, const struct rec *r,
			  struct rn_error *err)
{
	uint64_t weight, rise, fall;
	int rc;
	if ((rc = conf_text(c, r, "check", &t->check, err)) ||
	    (rc = conf_u64(r, "check_s", &t->check_ms, err)) ||
	    (rc = conf_u64(r, "check_timeout_ms", &t->check_timeout_ms, err)) ||
	    (rc = conf_u64(r, "limit_s", &t->limit_ms, err)) ||
	    (rc = conf_u64(r, "weight", &weight, err)) || (rc = conf_u64(r, "rise", &rise, err)) ||
	    (rc = conf_u64(r, "fall", &fall, err)))
		return rc;
	t->check_ms *= 1000;
	t->limit_ms *= 1000;
	t->weight = (int)weight;
	t->rise = (unsigned)rise;
	t->fall = (unsigned)fall;
	if (t->check.len && !str_is(t->check, "tcp") && t->check.ptr[0] != '/')
		return rn_fail(err, RN_ECONFIG, "check=%s: a path or tcp is needed", t->check.ptr);
	if (t->check.len &&
	    (t->kind == TARGET_CGI || !http_is_value(t->check) || str_find(t->check, ' ') >= 0))
		return rn_fail(err, RN_ECONFIG, "check=%s cannot be asked there", t->check.ptr);
	return 0;
}

/* The target by everything but its weight. */
static int target_state(struct conf *c, struct target *t, struct rn_error *err)
{
	struct buf key;
	buf_init(&key, REC_LINE_MAX * 2);
	buf_addf(&key, "%.*s %s %.*s %s %s %.*s", STR_ARG(t->name), t->address_text.ptr,
		 STR_ARG(t->via), t->tls ? t->tls_name : "-", t->check.ptr,
		 STR_ARG(t->resource->name));
	t->state = key.failed ? NULL : state_get(c->src->states, buf_str(&key));
	buf_free(&key);
	return t->state ? 0 : out_of_memory(err);
}

static void target_link(struct target *t)
{
	struct target **last = &t->resource->targets;
	while (*last)
		last = &(*last)->next;
	*last = t;
	t->resource->n_targets++;
}

int conf_target(struct conf *c, const struct rec *r, struct rn_error *err)
{
	struct target *t = arena_new(&c->s->arena, struct target), **place;
	struct str resource = rec_get(r, "resource");
	int rc;

	if (!t || !(t->name = arena_str(&c->s->arena, rec_id(r))).ptr)
		return out_of_memory(err);
	t->resource = map_get(&c->s->resource_by_name, resource);
	if (!t->resource)
		return rn_fail(err, RN_ECONFIG, "resource=%.*s: there is no such resource record",
			       STR_ARG(resource));
	t->env = arena_str(&c->s->arena, rec_get(r, "env"));
	if ((rc = conf_text(c, r, "address", &t->address_text, err)) ||
	    (rc = conf_text(c, r, "via", &t->via, err)) || (rc = target_address(c, t, err)) ||
	    (rc = target_tls(c, t, r, err)) || (rc = target_env(t, err)) ||
	    (rc = target_numbers(c, t, r, err)) || (rc = target_state(c, t, err)))
		return rc;
	place = VEC_PUSH(&c->s->targets);
	if (!place) {
		state_unref(t->state);
		return out_of_memory(err);
	}
	*place = t;
	t->index = (unsigned)c->s->targets.len - 1;
	target_link(t);
	return 0;
}
