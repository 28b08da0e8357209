/* SPDX-License-Identifier: MIT
 *
 * What answers there. Every TCP listener on loopback is connected to at once; those that speak
 * first have a moment for it, then the others are asked for HTTP, unless their port says that it
 * would only trouble them. One that hangs up on that without a word is asked for TLS.
 */
#include "rn-discover.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PROBES_MAX 256
#define BANNER_MS 80 /* for those who speak first */

enum stage { LISTENING, ASKED_HTTP, ASKED_TLS };

struct probes;
struct probe {
	enum stage stage;
	struct probes *owner;
	struct listener *listener;
	struct watch watch; /* fd is -1 when done */
	char got[256];
	size_t len;
};
struct probes {
	struct loop *loop;
	struct probe *all;
	size_t n, open;
	struct timer ask, end;
};

/* ---- what the bytes say ---------------------------------------------------------------------- */

const char *probe_recognise(struct str b)
{
	static const struct {
		struct str start;
		const char *name;
	} marks[] = {
		{STR_INIT("SSH-"), "ssh"},
		{STR_INIT("HTTP/"), "http"},
		{STR_INIT("RFB "), "vnc"},
		{STR_INIT("* OK"), "imap"},
		{STR_INIT("+OK"), "pop3"},
		{STR_INIT("-ERR"), "redis"},
		{STR_INIT("-NOAUTH"), "redis"},
		{STR_INIT("INFO {"), "nats"},
		{STR_INIT("AMQP"), "amqp"},
		{STR_INIT("@RSYNCD:"), "rsync"}, /* TLS: alert, handshake */
		{STR_INIT("\x15\x03"), "https"},
		{STR_INIT("\x16\x03"), "https"},
	};

	if (str_find_str(b, STR("HTTP request was sent to HTTPS")) >= 0 ||
	    str_find_str(b, STR("HTTP request to an HTTPS server")) >= 0)
		return "https";
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (str_starts(b, marks[i].start))
			return marks[i].name;
	if (str_starts(b, STR("220")))
		return str_find_str(b, STR("FTP")) >= 0 ? "ftp" : "smtp";
	/* MySQL's greeting: 3 bytes of length, sequence 0, protocol 10, then the version as text.
	 */
	if (b.len > 6 && b.ptr[3] == 0 && b.ptr[4] == 10 && b.ptr[5] >= '1' && b.ptr[5] <= '9')
		return "mysql";
	return NULL;
}

static void conclude(struct probe *p)
{
	const char *name = probe_recognise(str_make(p->got, p->len));

	watch_del(p->owner->loop, &p->watch);
	fd_close(&p->watch.fd);
	if (--p->owner->open == 0)
		loop_stop(p->owner->loop);
	if (!name)
		return;
	p->listener->guess = name;
	p->listener->protocol =
		strcmp(name, "http") == 0 || strcmp(name, "https") == 0 ? name : "tcp";
}

/* ---- the conversation ------------------------------------------------------------------------ */

/* A ClientHello (RFC 5246, section 7.4.1.2) that no server can do much with: whoever speaks TLS
 * sends an alert or a handshake record back, nobody else does. */
static const uint8_t client_hello[] = {
	0x16, 3,   1,	 0,    49,	/* handshake record */
	1,    0,   0,	 45,   3,    3, /* ClientHello, TLS 1.2 */
	'r',  'n', '-',	 'd',  'i',  's',  'c', 'o',  'v',
	'e',  'r', 0,	 0,    0,    0,	   0, /* random: 32 bytes */
	0,    0,   0,	 0,    0,    0,	   0,	0,    0,
	0,    0,   0,	 0,    0,    0,	   0,	0,    /* no session */
	0,    6,   0xc0, 0x2f, 0xc0, 0x2b, 0,	0x9c, /* three cipher suites */
	1,    0,				      /* no compression */
};

/* A second connection, for the TLS question; false if there is none. */
static bool reconnect(struct probe *p)
{
	struct rn_error ignored;

	watch_del(p->owner->loop, &p->watch);
	fd_close(&p->watch.fd);
	p->stage = ASKED_TLS;
	p->watch.fd = sock_connect(&p->listener->address, &ignored);
	p->watch.events = EPOLLOUT;
	if (p->watch.fd >= 0 && watch_add(p->owner->loop, &p->watch, &ignored) == 0)
		return true;
	fd_close(&p->watch.fd);
	return false;
}

static void probe_event(struct watch *w, uint32_t events)
{
	struct probe *p = container_of(w, struct probe, watch);
	ssize_t n;

	if (p->stage == ASKED_TLS && (events & EPOLLOUT)) {
		watch_set(p->owner->loop, w, EPOLLIN | EPOLLRDHUP);
		if (send(w->fd, client_hello, sizeof(client_hello), MSG_NOSIGNAL) < 0)
			conclude(p);
		return;
	}
	n = recv(w->fd, p->got + p->len, sizeof(p->got) - p->len, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		p->len += (size_t)n;
	if (n <= 0 && p->len == 0 && p->stage == ASKED_HTTP && reconnect(p))
		return;
	/* An HTTP head tells more than its first word: whether it complains about missing TLS. */
	if (n <= 0 || p->len == sizeof(p->got) ||
	    !str_starts(str_make(p->got, p->len), STR("HTTP/")))
		conclude(p);
}

/* Protocols in which the client speaks first and a stranger's words end up in a log. */
static bool leave_alone(const struct listener *l)
{
	const struct agent_port *known = agent_port_find(addr_port(&l->address), false);

	return known && strcmp(known->protocol, "tcp") == 0;
}

static void ask_http(struct timer *t)
{
	struct probes *ps = container_of(t, struct probes, ask);
	static const char question[] =
		"HEAD / HTTP/1.0\r\nHost: localhost\r\nUser-Agent: rn-discover\r\n\r\n";

	for (size_t i = 0; i < ps->n; i++) {
		struct probe *p = &ps->all[i];

		if (p->watch.fd < 0 || p->len)
			continue;
		if (leave_alone(p->listener) ||
		    send(p->watch.fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0)
			conclude(p);
		p->stage = ASKED_HTTP;
	}
}

static void times_up(struct timer *t)
{
	struct probes *ps = container_of(t, struct probes, end);

	for (size_t i = 0; i < ps->n; i++)
		if (ps->all[i].watch.fd >= 0)
			conclude(&ps->all[i]);
	loop_stop(ps->loop);
}

static void probe_open(struct probes *ps, struct listener *l)
{
	struct probe *p = &ps->all[ps->n];
	struct rn_error ignored;

	*p = (struct probe){.owner = ps,
			    .listener = l,
			    .watch = {.events = EPOLLIN | EPOLLRDHUP, .fn = probe_event}};
	p->watch.fd = sock_connect(&l->address, &ignored);
	if (p->watch.fd < 0)
		return;
	if (watch_add(ps->loop, &p->watch, &ignored)) {
		fd_close(&p->watch.fd);
		return;
	}
	ps->n++;
	ps->open++;
}

int probe_all(struct listeners *ls, int budget_ms, struct rn_error *err)
{
	struct probes ps = {.loop = loop_new(err), .ask.fn = ask_http, .end.fn = times_up};
	int rc = 0;

	if (!ps.loop)
		return err->code;
	ps.all = calloc(PROBES_MAX, sizeof(*ps.all));
	for (size_t i = 0; ps.all && i < ls->all.len && ps.n < PROBES_MAX; i++)
		if (!ls->all.ptr[i].udp && addr_is_loopback(&ls->all.ptr[i].address))
			probe_open(&ps, &ls->all.ptr[i]);
	if (ps.open) {
		timer_start(ps.loop, &ps.ask, BANNER_MS);
		timer_start(ps.loop, &ps.end, (uint64_t)budget_ms);
		rc = loop_run(ps.loop, err);
	}
	free(ps.all);
	loop_free(ps.loop);
	return rc;
}
