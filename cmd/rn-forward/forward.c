/* SPDX-License-Identifier: MIT
 *
 * One forward. It listens from the start to the end; while the tunnel is away, who connects is
 * reset.
 */
#include "rn-forward.h"

#include <errno.h>
#include <unistd.h>

#define CONNS_MAX 4096
#define FLOWS_MAX 4096
#define FLOW_IDLE_MS 60000

static int open_remote(void *ctx, const struct addr *from)
{
	struct forward *f = ctx;
	struct rn_error err;
	int fd;

	(void)from;
	if (!f->app->tunnel)
		return RN_EAWAY;
	fd = tunnel_connect(f->app->tunnel, &f->route.address, &err);
	if (fd < 0)
		log_write(LOG_WARN, "%s: %s", f->asked.remote, err.text);
	return fd;
}

static int open_remote_udp(void *ctx, const struct addr *from, void **flow_ctx)
{
	struct forward *f = ctx;
	struct rn_error err;

	(void)from;
	*flow_ctx = NULL;
	return f->app->tunnel ? tunnel_udp(f->app->tunnel, NULL, &f->route.address, &err)
			      : RN_EAWAY;
}

static void on_end(void *ctx, const struct addr *from, const struct relay_stat *stat,
		   enum rn_err why)
{
	struct forward *f = ctx;
	struct rn_error err;

	(void)from;
	if (why != RN_EAWAY || stat->b_to_a_bytes)
		return;
	log_write(LOG_WARN, "%s: the far end refused or cut a connection", f->asked.remote);
	/* Perhaps it was started anew and does not know our session any more. */
	if (f->app->tunnel && tunnel_probe(f->app->tunnel, &err) < 0)
		log_write(LOG_DEBUG, "%s", err.text);
}

/* Serves FD as the I-th listener. */
static int serve(struct forward *f, size_t i, int fd, struct rn_error *err)
{
	const struct conns_conf conns = {
		.listener = fd, .max = CONNS_MAX, .open = open_remote, .end = on_end, .ctx = f};
	const struct flows_conf flows = {.listener = fd,
					 .max = FLOWS_MAX,
					 .idle_ms = FLOW_IDLE_MS,
					 .open = open_remote_udp,
					 .ctx = f};

	if (f->route.udp)
		f->flows[i] = flows_start(f->app->loop, &flows, err);
	else
		f->conns[i] = conns_start(f->app->loop, &conns, err);
	if (f->flows[i] || f->conns[i])
		return 0;
	close(fd);
	return err->code;
}

static int listen_all(struct forward *f, struct rn_error *err)
{
	for (size_t i = 0; i < f->asked.n_local; i++) {
		struct addr *a = &f->asked.local[i];
		int fd = f->route.udp ? sock_udp(a, false, err) : sock_listen(a, false, err);

		/* A machine without IPv6 has no ::1; but one that is taken would get half of the
		 * visitors. */
		if (fd < 0 && i > 0 && err->sys != EADDRINUSE) {
			f->asked.n_local = i;
			return 0;
		}
		if (fd < 0)
			return fd;
		if (!sock_local(fd, a) || serve(f, i, fd, err))
			return rn_fail(err, RN_EOS, "cannot serve the local port");
	}
	return 0;
}

struct forward *forward_new(struct app *app, const struct asked *a, struct rn_error *err)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (!f) {
		rn_fail(err, RN_EOS, "no memory for a forward");
		return NULL;
	}
	f->app = app;
	f->asked = *a;
	if (route_find(&f->route, a, app->rest, &app->net, err) == 0 && listen_all(f, err) == 0 &&
	    control_open(f, err) == 0)
		return f;
	forward_free(f);
	return NULL;
}

void forward_free(struct forward *f)
{
	for (size_t i = 0; i < ARRAY_LEN(f->conns); i++) {
		conns_stop(f->conns[i]);
		flows_stop(f->flows[i]);
	}
	ctl_close(f->ctl);
	free(f);
}

size_t forward_count(const struct forward *f)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(f->conns); i++)
		n += (f->conns[i] ? conns_count(f->conns[i]) : 0) +
		     (f->flows[i] ? flows_count(f->flows[i]) : 0);
	return n;
}

/* ---- telling --------------------------------------------------------------------------------- */

void forward_record(const struct forward *f, struct buf *out)
{
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	addr_format(&f->asked.local[0], local);
	addr_format(&f->route.address, remote);
	rec_begin(out, "forward", str_from(f->asked.remote));
	rec_add_cstr(out, "local_address", local);
	rec_add_cstr(out, "remote_address", remote);
	if (f->route.service[0])
		rec_add_cstr(out, "service", f->route.service);
	rec_add_cstr(out, "protocol", f->route.udp ? "udp" : "tcp");
	rec_add_cstr(out, "network", f->app->net.name);
	rec_add_cstr(out, "status", f->app->tunnel ? "up" : "down");
	rec_add_u64(out, "connections", forward_count(f));
	rec_add_u64(out, "pid", (uint64_t)getpid());
	rec_end(out);
}

void forward_print(const struct forward *f)
{
	struct cli *c = f->app->cli;
	const struct addr *at = &f->asked.local[0];
	char local[ADDR_TEXT_MAX], ip[ADDR_TEXT_MAX], use[200];
	struct rn_error err;
	struct buf b;

	if (c->out.view == REC_VIEW_PRETTY) {
		addr_format(at, local);
		addr_format_ip(at, ip);
		cli_printf(c, "%-19s %s -> %s, through the tunnel\n", "Forwarding:", local,
			   f->asked.remote);
		if (agent_port_use(agent_port_find(f->asked.port, f->route.udp),
				   f->asked.n_local > 1 ? "localhost" : ip, addr_port(at), use,
				   sizeof(use)))
			cli_printf(c, "%-19s %s\n", "Use it with:", use);
		return;
	}
	buf_init(&b, REC_LINE_MAX);
	forward_record(f, &b);
	if (rec_out_put(&c->out, buf_str(&b), &err))
		log_write(LOG_ERROR, "%s", err.text);
	buf_free(&b);
}
