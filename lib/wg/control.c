/* SPDX-License-Identifier: MIT */
#include "wg/control.h"

#include "wg/overlap.h"

#include <unistd.h>

#define SHOW_MAX (512U << 20)

typedef int verb_fn(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		    struct rn_error *err);

static int do_hello(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		    struct rn_error *err)
{
	(void)rq, (void)body;
	return engine_hello(c->engine, ctl_out(call), err);
}

static int do_show(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		   struct rn_error *err)
{
	(void)body;
	return engine_show(c->engine, str_is(rec_get(rq, "what"), "detail"), ctl_out(call), err);
}

static int do_down(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		   struct rn_error *err)
{
	(void)call, (void)rq, (void)body, (void)err;
	loop_stop(c->loop);
	return 0;
}

int wg_control_admits(const struct wg_control *c, const struct wg_config *config, struct rn_error *err)
{
	overlap_ranges host = {0};
	if (!c->check_overlap)
		return 0;
	int code = overlap_read(&host, err);
	if (!code)
		code = overlap_check(config, c->name, &host, err);
	vec_free(&host.base);
	return code;
}

/* File names in the records are whole paths: the asker's folder is not ours. */
static int configure(struct wg_control *c, struct str body, bool exact, struct rn_error *err)
{
	struct wg_config config;
	struct wg_config_reader reader = {.config = &config, .name = c->name, .folder = "/"};
	wg_config_init(&config);
	config.replace_peers = config.exact = exact;
	int code = rec_config_mem(body, "request", wg_config_record, &reader, err);
	if (!code && exact && !reader.interfaces)
		code = rn_fail(err, RN_ECONFIG, "no interface=%s record", c->name);
	if (!code)
		code = wg_control_admits(c, &config, err);
	if (!code)
		code = engine_apply(c->engine, &config, err);
	wg_config_free(&config);
	return code;
}

static int do_sync(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		   struct rn_error *err)
{
	(void)call, (void)rq;
	return configure(c, body, true, err);
}

static int do_set(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		  struct rn_error *err)
{
	(void)call, (void)rq;
	return configure(c, body, false, err);
}

/* Every peer in what show tells. One that cannot be asked does not keep the others from it. */
static int probe_all(struct engine *e, struct rn_error *err)
{
	struct rec_reader reader;
	struct rn_error ignored;
	uint8_t key[WG_KEY_LEN];
	struct buf shown;
	struct rec r;
	int got, code;

	buf_init(&shown, SHOW_MAX);
	code = engine_show(e, false, &shown, err);
	rec_reader_mem(&reader, buf_str(&shown), "show");
	while (!code && (got = rec_read(&reader, &r, &ignored)) != 0)
		if (got > 0 && rec_is(&r, "peer") &&
		    base64_decode(key, sizeof(key), rec_id(&r), BASE64_STD) &&
		    engine_probe(e, key, &ignored))
			log_write(LOG_DEBUG, "%s", ignored.text);
	rec_reader_free(&reader);
	buf_free(&shown);
	return code;
}

/* Begins a handshake with the peer whose key is name=, or with every peer. */
static int do_probe(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		    struct rn_error *err)
{
	uint8_t key[WG_KEY_LEN];
	(void)call, (void)body;
	if (!rec_get(rq, "name").ptr)
		return probe_all(c->engine, err);
	if (!base64_decode(key, sizeof(key), rec_get(rq, "name"), BASE64_STD))
		return rn_fail(err, RN_EDATA, "request=probe: name is not a key");
	return engine_probe(c->engine, key, err);
}

/* ---- sockets inside the tunnel ------------------------------------------------------------------ */

static bool is_unspecified(const struct addr *a)
{
	struct addr any = {.sa.sa_family = a->sa.sa_family};
	return addr_eq_ip(a, &any);
}

/* The unspecified address stands for the tunnel's own of that family: on the host, nothing may
 * listen anywhere else. */
static int own_address(struct wg_control *c, struct addr *a, struct rn_error *err)
{
	struct cidr own;
	for (size_t i = 0; engine_address(c->engine, i, &own); i++) {
		if (own.family != a->sa.sa_family)
			continue;
		uint16_t port = addr_port(a);
		wg_cidr_addr(&own, a);
		addr_set_port(a, port);
		return 0;
	}
	return rn_fail(err, RN_ENO, "the tunnel %s has no %s address", c->name,
		       a->sa.sa_family == AF_INET ? "IPv4" : "IPv6");
}

static int read_address(const struct rec *rq, const char *key, struct addr *a, bool *has,
			struct rn_error *err)
{
	struct str text = rec_get(rq, key);
	*has = text.ptr != NULL;
	memset(a, 0, sizeof(*a));
	if (!*has || addr_parse(a, text, 0))
		return 0;
	return rn_fail(err, RN_EDATA, "%s=%.*s: not an address", key, STR_ARG(str_slice(text, 0, 100)));
}

static int give_socket(struct ctl_call *call, const char *kind, int fd)
{
	char text[ADDR_TEXT_MAX];
	struct addr local;
	struct buf *out = ctl_out(call);
	rec_begin(out, "socket", str_from(kind));
	if (sock_local(fd, &local)) {
		addr_format(&local, text);
		rec_add_cstr(out, "address", text);
	}
	rec_end(out);
	ctl_attach_fd(call, fd);
	return 0;
}

static int do_listen(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		     struct rn_error *err)
{
	struct addr a;
	bool has;
	(void)body;
	int code = read_address(rq, "address", &a, &has, err);
	if (!code && !has)
		code = rn_fail(err, RN_EDATA, "request=listen: address is missing");
	if (!code && is_unspecified(&a))
		code = own_address(c, &a, err);
	if (code)
		return code;
	int fd = inside_listen(engine_inside(c->engine), &a, err);
	return fd < 0 ? fd : give_socket(call, "listen", fd);
}

static int do_connect(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		      struct rn_error *err)
{
	struct addr a;
	bool has;
	(void)body;
	int code = read_address(rq, "address", &a, &has, err);
	if (!code && (!has || !addr_port(&a)))
		code = rn_fail(err, RN_EDATA, "request=connect: address with a port is missing");
	if (code)
		return code;
	int fd = inside_connect(engine_inside(c->engine), &a, err);
	return fd < 0 ? fd : give_socket(call, "connect", fd);
}

static int do_udp(struct wg_control *c, struct ctl_call *call, const struct rec *rq, struct str body,
		  struct rn_error *err)
{
	struct addr local, peer;
	bool has_local, has_peer;
	(void)body;
	int code = read_address(rq, "address", &local, &has_local, err);
	if (!code)
		code = read_address(rq, "peer", &peer, &has_peer, err);
	if (code)
		return code;
	if (!has_local)
		local.sa.sa_family = has_peer ? peer.sa.sa_family : AF_INET;
	if (is_unspecified(&local) && (code = own_address(c, &local, err)))
		return code;
	int fd = inside_udp(engine_inside(c->engine), &local, has_peer ? &peer : NULL, err);
	return fd < 0 ? fd : give_socket(call, "udp", fd);
}

/* ---- the table ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	verb_fn *run;
} verbs[] = {
	{"connect", do_connect}, {"down", do_down}, {"hello", do_hello}, {"listen", do_listen},
	{"probe", do_probe},     {"set", do_set},   {"show", do_show},   {"sync", do_sync},
	{"udp", do_udp},
};

void wg_control_call(void *ctx, struct ctl_call *call, const struct rec *rq, struct str body)
{
	struct rn_error err = {0};
	int code = 1;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_is(rec_id(rq), verbs[i].name))
			code = verbs[i].run(ctx, call, rq, body, &err);
	if (code > 0)
		code = rn_fail(&err, RN_EUSAGE, "request=%.*s: unknown",
			       STR_ARG(str_slice(rec_id(rq), 0, 64)));
	if (code)
		ctl_fail(call, &err);
	else
		ctl_done(call);
}
