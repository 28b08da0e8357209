/* SPDX-License-Identifier: MIT
 *
 * The management port: push and poke for the console, healthz and metrics for whoever watches.
 * Nothing here needs a credential: a pushed bundle proves itself by its signature, a poke only
 * makes the agent look.
 */
#include "rn-node.h"

#define SIGNATURE_FIELD "rustronaut-signature" /* base64 of the .minisig file */
#define CONNECTIONS_MAX 8		       /* each may hold two bundles */

typedef void route_fn(struct agent *a, const struct http_request *rq, struct http_reply *reply);

static void say(struct http_reply *reply, unsigned status, const char *text)
{
	reply->status = status;
	buf_add_cstr(&reply->body, text);
	buf_add_byte(&reply->body, '\n');
}

static unsigned status_of(enum rn_err code)
{
	switch (code) {
	case RN_EPERM:
		return 403;
	case RN_ENO:
		return 409;
	case RN_EDATA:
		return 400;
	case RN_ECONFIG:
		return 422;
	case RN_EAGAIN:
		return 503;
	default:
		return 500;
	}
}

static void do_push(struct agent *a, const struct http_request *rq, struct http_reply *reply)
{
	const struct http_field *f = http_find(rq->head, SIGNATURE_FIELD, NULL);
	char sig[MINISIGN_SIG_MAX];
	size_t len = sizeof(sig);
	struct applied done;
	struct rn_error err;

	if (!f || !base64_decode_any(sig, &len, f->value, BASE64_STD)) {
		say(reply, 400, "Rustronaut-Signature is missing or not base64");
		return;
	}
	if (agent_apply(a, rq->body, str_make(sig, len), &done, &err) < 0) {
		say(reply, status_of(err.code), err.text);
		return;
	}
	reply->content_type = "text/x-rn";
	apply_record(&reply->body, &a->apply, &done);
}

static void do_poke(struct agent *a, const struct http_request *rq, struct http_reply *reply)
{
	(void)rq;
	pull_start(a);
	say(reply, 202, "pulling");
}

static void do_healthz(struct agent *a, const struct http_request *rq, struct http_reply *reply)
{
	(void)rq;
	if (agent_is_well(a))
		say(reply, 200, "ok");
	else if (!a->started)
		say(reply, 503, "waiting for the first bundle");
	else
		say(reply, 503,
		    a->wg.state != DAEMON_UP ? "rn-wg is not up" : "rn-proxy is not up");
}

static void add_daemon_metrics(struct buf *b, const struct daemon *d)
{
	if (!d->name)
		return;
	buf_addf(b, "rn_node_program_up{program=\"%s\"} %d\n", d->name, d->state == DAEMON_UP);
	buf_addf(b, "rn_node_program_starts_total{program=\"%s\"} %u\n", d->name, d->starts);
}

/* The text format of Prometheus. */
static void do_metrics(struct agent *a, const struct http_request *rq, struct http_reply *reply)
{
	const struct bundle *have = &a->apply.current;
	struct buf *b = &reply->body;

	(void)rq;
	reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
	buf_addf(b, "# TYPE rn_node_bundle_serial gauge\nrn_node_bundle_serial %llu\n",
		 (unsigned long long)have->serial);
	buf_addf(b, "# TYPE rn_node_bundle_made_seconds gauge\nrn_node_bundle_made_seconds %lld\n",
		 (long long)have->made_at);
	buf_addf(b, "# TYPE rn_node_pulled_seconds gauge\nrn_node_pulled_seconds %lld\n",
		 (long long)a->pulled_at);
	buf_addf(b, "# TYPE rn_node_pulls_total counter\nrn_node_pulls_total %llu\n",
		 (unsigned long long)a->pulls);
	buf_addf(b,
		 "# TYPE rn_node_pull_failures_total counter\nrn_node_pull_failures_total %llu\n",
		 (unsigned long long)a->pull_failures);
	buf_addf(b, "# TYPE rn_node_applied_total counter\nrn_node_applied_total %llu\n",
		 (unsigned long long)a->applied);
	buf_add_cstr(
		b,
		"# TYPE rn_node_program_up gauge\n# TYPE rn_node_program_starts_total counter\n");
	add_daemon_metrics(b, &a->wg);
	add_daemon_metrics(b, &a->proxy);
}

static const struct {
	const char *path;
	enum http_method method; /* GET stands for HEAD too */
	route_fn *fn;
} routes[] = {
	{"/v1/push", HTTP_POST, do_push},
	{"/v1/poke", HTTP_POST, do_poke},
	{"/healthz", HTTP_GET, do_healthz},
	{"/metrics", HTTP_GET, do_metrics},
};

/* Only an address or localhost: a page in a browser that got a name to point here (DNS rebinding)
 * is not answered. */
static bool host_is_plain(struct str host)
{
	struct addr a;

	return str_eq_nocase(host, STR("localhost")) || host.ptr == NULL || addr_parse(&a, host, 0);
}

static void on_request(void *ctx, const struct http_request *rq, struct http_reply *reply)
{
	enum http_method method = rq->head->method == HTTP_HEAD ? HTTP_GET : rq->head->method;

	if (!host_is_plain(rq->head->host)) {
		reply->status = 421;
		reply->error = STR("Ask by address or as localhost.");
		return;
	}
	/* Browsers send Origin with each POST: no page makes us do anything. */
	if (http_known(rq->head, HTTP_ORIGIN)) {
		reply->status = 403;
		reply->error = STR("This is not for web pages.");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (!str_is(rq->path, routes[i].path))
			continue;
		if (method == routes[i].method) {
			routes[i].fn(ctx, rq, reply);
			return;
		}
		reply->status = 405;
		reply->error = STR("This is not the method for it.");
		return;
	}
	reply->status = 404;
	reply->error = STR("There are /healthz, /metrics, /v1/push and /v1/poke.");
}

/* ---- where ---------------------------------------------------------------------------------- */

static int take_address(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct str v = rec_is(r, "node") ? rec_get(r, "management") : (struct str){NULL, 0};

	if (v.ptr && !addr_parse(ctx, v, -1))
		return rn_fail(err, RN_ECONFIG, "management=%.*s: not ADDRESS:PORT", STR_ARG(v));
	return 0;
}

/* The option, else the bundle, else node.rn, else the default. */
static int find_address(const struct agent *a, struct addr *addr, struct rn_error *err)
{
	const char *option = a->options.management;
	char path[AGENT_PATH_MAX];
	int rc;

	rn_assert(addr_parse(addr, STR("127.0.0.1:9090"), -1));
	if (option)
		return addr_parse(addr, str_from(option), -1)
			       ? 0
			       : rn_fail(err, RN_EUSAGE, "--management %s: not ADDRESS:PORT",
					 option);
	rc = agent_net_path(&a->apply.net, path, "node.rn", err);
	if (!rc)
		rc = rec_config_read(path, take_address, addr, err);
	if (!rc && a->apply.current.text.len)
		rc = rec_config_mem(buf_str(&a->apply.current.text), "bundle.rn", take_address,
				    addr, err);
	return rc;
}

int manage_open(struct agent *a, struct rn_error *err)
{
	struct http_server_conf conf = {.fn = on_request,
					.ctx = a,
					.who = "rn-node",
					.body_max = BUNDLE_MAX,
					.connections_max = CONNECTIONS_MAX};
	struct addr addr;
	int rc = find_address(a, &addr, err);

	if (rc)
		return rc;
	a->manage = http_server_open(a->loop, &addr, &conf, err);
	return a->manage ? 0 : rn_fail_in(err, "the management port (--management sets another)");
}
