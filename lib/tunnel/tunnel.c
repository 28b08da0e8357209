/* SPDX-License-Identifier: MIT */
#include "tunnel/tunnel.h"

#include "wg/config.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ANSWER_MS 2000

struct tunnel {
	char path[108];
	VEC(struct cidr) addresses; /* with host bits */
	struct watch watch;         /* an idle connection, which ends with the tunnel; fd -1: none */
	struct loop *loop;
	tunnel_gone_fn *gone;
	void *ctx;
};

static int take_hello(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct tunnel *t = ctx;
	struct str rest = rec_get(r, "address"), one;
	if (!rec_is(r, "tunnel"))
		return 0;
	while (rest.ptr && rec_list_next(&rest, &one)) {
		struct cidr *c = VEC_PUSH(&t->addresses);
		if (!c)
			return rn_fail(err, RN_EOS, "out of memory");
		if (!wg_parse_address(c, one))
			return rn_fail(err, RN_EPROTO, "%s: bad address in the answer", t->path);
	}
	return 0;
}

struct tunnel *tunnel_open(const char *run_dir, const char *name, struct rn_error *err)
{
	struct tunnel *t = calloc(1, sizeof(*t));
	if (!t) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	t->watch.fd = -1;
	int n = snprintf(t->path, sizeof(t->path), "%s/wg-%s.sock", run_dir, name);
	if (n < 0 || (size_t)n >= sizeof(t->path))
		rn_fail(err, RN_ECONFIG, "%s/wg-%s.sock: too long for a socket", run_dir, name);
	else if (!ctl_call(t->path, STR("request=hello\n"), ANSWER_MS, take_hello, t, NULL, NULL, err))
		return t;
	if (err->code == RN_EAWAY)
		rn_fail_in(err, "the tunnel %s is not running", name);
	tunnel_close(t);
	return NULL;
}

void tunnel_close(struct tunnel *t)
{
	if (!t)
		return;
	if (t->watch.fd >= 0) {
		watch_del(t->loop, &t->watch);
		fd_close(&t->watch.fd);
	}
	vec_free(&t->addresses.base);
	free(t);
}

/* ---- sockets ------------------------------------------------------------------------------------ */

static int take_socket(void *ctx, const struct rec *r, struct rn_error *err)
{
	(void)err;
	if (rec_is(r, "socket") && str_is(rec_get(r, "connect"), "self"))
		*(bool *)ctx = true;
	return 0;
}

static void add_address(struct buf *b, const char *key, const struct addr *a)
{
	char ip[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX + 16];
	if (!a)
		return;
	/* Not addr_format, which leaves port 0 out and so could not be read as an endpoint. */
	addr_format_ip(a, ip);
	snprintf(text, sizeof(text), a->sa.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, addr_port(a));
	rec_add_cstr(b, key, text);
}

/* The descriptor that the answer brings. *SELF: the caller has to connect it. */
static int ask(struct tunnel *t, const char *verb, const struct addr *a, const struct addr *peer,
	       bool *self, struct rn_error *err)
{
	struct buf b;
	int fd = -1;
	size_t n = 1;
	*self = false;
	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "request", str_from(verb));
	add_address(&b, "address", a);
	add_address(&b, "peer", peer);
	rec_end(&b);
	int code = ctl_call(t->path, buf_str(&b), ANSWER_MS, take_socket, self, &fd, &n, err);
	buf_free(&b);
	if (!code && n != 1)
		return rn_fail(err, RN_EPROTO, "%s: no socket came with the answer", t->path);
	return code ? code : fd;
}

int tunnel_listen(struct tunnel *t, const struct addr *a, struct rn_error *err)
{
	bool self;
	return ask(t, "listen", a, NULL, &self, err);
}

int tunnel_connect(struct tunnel *t, const struct addr *a, struct rn_error *err)
{
	bool self;
	int fd = ask(t, "connect", a, NULL, &self, err);
	if (fd < 0 || !self || connect(fd, &a->sa, addr_len(a)) == 0 || errno == EINPROGRESS)
		return fd;
	int code = rn_fail_errno(err, RN_EAWAY, "connecting inside the tunnel");
	close(fd);
	return code;
}

int tunnel_udp(struct tunnel *t, const struct addr *local, const struct addr *peer, struct rn_error *err)
{
	bool self;
	return ask(t, "udp", local, peer, &self, err);
}

int tunnel_probe(struct tunnel *t, struct rn_error *err)
{
	return ctl_call(t->path, STR("request=probe\n"), ANSWER_MS, NULL, NULL, NULL, NULL, err);
}

bool tunnel_address(struct tunnel *t, int family, struct addr *a)
{
	for (size_t i = 0; i < t->addresses.len; i++) {
		if (t->addresses.ptr[i].family != family)
			continue;
		wg_cidr_addr(&t->addresses.ptr[i], a);
		return true;
	}
	return false;
}

/* ---- watching ----------------------------------------------------------------------------------- */

static void watch_event(struct watch *w, uint32_t events)
{
	struct tunnel *t = container_of(w, struct tunnel, watch);
	char ignored[64];
	(void)events;
	ssize_t n = recv(w->fd, ignored, sizeof(ignored), MSG_DONTWAIT);
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	watch_del(t->loop, w);
	fd_close(&w->fd);
	t->gone(t->ctx);
}

int tunnel_watch(struct tunnel *t, struct loop *l, tunnel_gone_fn *gone, void *ctx, struct rn_error *err)
{
	int fd = unix_connect(t->path, err);
	if (fd < 0)
		return fd;
	t->loop = l;
	t->gone = gone;
	t->ctx = ctx;
	t->watch = (struct watch){.fd = fd, .events = EPOLLIN, .fn = watch_event};
	int code = watch_add(l, &t->watch, err);
	if (code)
		fd_close(&t->watch.fd);
	return code;
}
