/* SPDX-License-Identifier: MIT
 *
 * The side behind the firewall: a UDP socket on loopback that stands for the gateway's. A
 * connection is made when there is something to send, and made anew after it broke.
 */
#include "link.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BURST 64
#define AGAIN_MS 1000 /* between attempts */
#define CA_MAX (1U << 20)

struct dial {
	struct cli *cli;
	struct loop *loop;
	struct watch udp;
	struct tls_ctx *tls;
	const char *to;	  /* host:port */
	char name[256];	  /* to be verified */
	struct addr user; /* who sent last, and gets the answers */
	struct link *link;
	uint64_t tried_ms;
};

static void link_ended(void *ctx, const struct rn_error *err)
{
	struct dial *d = ctx;
	log_write(LOG_INFO, "the connection to %s ended%s%s", d->to, err->code ? ": " : "",
		  err->text);
	link_free(d->link);
	d->link = NULL;
}

static void from_link(void *ctx, const uint8_t *data, size_t len)
{
	struct dial *d = ctx;
	if (sendto(d->udp.fd, data, len, MSG_NOSIGNAL, &d->user.sa, addr_len(&d->user)) < 0 &&
	    errno != EAGAIN)
		log_write(LOG_DEBUG, "UDP: %s", strerror(errno));
}

/* The name is looked up each time: nothing else is to be done meanwhile. */
static int connect_now(struct dial *d, struct rn_error *err)
{
	struct link_conf conf = {from_link, link_ended, d};
	struct addr a;
	int code = addr_resolve(&a, str_from(d->to), err);
	if (code)
		return code;
	int fd = sock_connect(&a, err);
	if (fd < 0)
		return fd;
	d->link = link_new(d->loop, fd, tls_connect_new(d->tls, fd, d->name), &conf, err);
	return d->link ? 0 : err->code;
}

static void want_link(struct dial *d)
{
	struct rn_error err;
	uint64_t now = loop_now_ms(d->loop);
	if (d->link || (d->tried_ms && now - d->tried_ms < AGAIN_MS))
		return;
	d->tried_ms = now;
	if (connect_now(d, &err))
		log_write(LOG_WARN, "%s", err.text);
}

static void from_udp(struct watch *w, uint32_t events)
{
	struct dial *d = container_of(w, struct dial, udp);
	uint8_t data[LINK_DATAGRAM_MAX];
	(void)events;
	for (int i = 0; i < BURST; i++) {
		struct addr from = {0};
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(w->fd, data, sizeof(data), 0, &from.sa, &len);
		if (n < 0)
			return;
		d->user = from;
		want_link(d);
		if (d->link)
			link_send(d->link, data, (size_t)n);
	}
}

static int make_tls(struct dial *d, const struct relay_options *o, struct rn_error *err)
{
	struct buf pem;
	struct str host = str_from(d->to);
	buf_init(&pem, CA_MAX);
	int code = o->ca ? file_read(o->ca, &pem, err) : 0;
	struct tls_client_opts opts = {.ca_pem = buf_str(&pem)};
	d->tls = code ? NULL : tls_client_new(&opts, err);
	buf_free(&pem);
	if (!d->tls)
		return err->code;
	while (host.len && host.ptr[host.len - 1] != ':')
		host.len--;
	host.len -= host.len > 0;
	if (host.len > 2 && host.ptr[0] == '[')
		host = str_slice(host, 1, host.len - 1);
	if (o->name)
		host = str_from(o->name);
	return host.len && str_copy(d->name, sizeof(d->name), host)
		       ? 0
		       : rn_fail(err, RN_EUSAGE, "%s: not HOST:PORT", d->to);
}

static int open_udp(struct dial *d, struct rn_error *err)
{
	struct addr a = {.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	d->udp = (struct watch){.fd = sock_udp(&a, false, err), .events = EPOLLIN, .fn = from_udp};
	return d->udp.fd < 0 ? d->udp.fd : watch_add(d->loop, &d->udp, err);
}

/* For the one that started us: where to send to. */
static int tell(struct dial *d)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;
	struct buf b;
	if (!sock_local(d->udp.fd, &a))
		return rn_fail_errno(&d->cli->err, RN_EOS, "UDP socket");
	addr_format(&a, text);
	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "socket", STR("udp"));
	rec_add_cstr(&b, "address", text);
	rec_end(&b);
	int code = rec_out_put(&d->cli->out, buf_str(&b), &d->cli->err);
	buf_free(&b);
	return code ? code : cli_flush(d->cli);
}

int run_dial(struct cli *c, int argc, char **argv)
{
	const struct relay_options *o = c->opts;
	struct dial d = {.cli = c, .to = argv[0], .udp = {.fd = -1}};
	(void)argc;
	d.loop = loop_new(&c->err);
	int code = d.loop ? make_tls(&d, o, &c->err) : c->err.code;
	if (!code)
		code = open_udp(&d, &c->err);
	if (!code)
		code = tell(&d);
	if (!code)
		code = serve(c, d.loop, o->ready_fd - 1);
	link_free(d.link);
	if (d.loop)
		watch_del(d.loop, &d.udp);
	fd_close(&d.udp.fd);
	tls_ctx_unref(d.tls);
	loop_free(d.loop);
	return code;
}
