/* SPDX-License-Identifier: MIT
 *
 * rn-wg why: the way to a peer, step by step, from what the tunnel counts and what this machine
 * answers when a datagram of one byte is sent the same way. Each step is a function; the table
 * below is their order, and the first that fails is the answer.
 */
#include "rn-wg.h"

#include "wg/wg.h"

#include <errno.h>
#include <ifaddrs.h>
#include <poll.h>
#include <unistd.h>

#define WAIT_S_DEFAULT 6 /* a handshake is begun at most every 5 s */
#define POLL_MS 100
#define ECHO_MS 300 /* how long an ICMP error may take to be believed absent */
#define FRESH_S 180 /* a session is not used longer than this */
#define CLOCK_OLDEST 1795000000

enum result { FINE, FAILED, UNKNOWN, SKIPPED };

/* What the tunnel told of the peer at one time. Numbers are UINT64_MAX where the engine does not
 * know. */
struct told {
	char peer[REC_LINE_MAX]; /* its record */
	uint64_t handshake_at, initiations_sent, initiations_received, responses_received,
		responses_failed, source_dropped, session_s, rtt_us;
	uint64_t cookies, old_initiations; /* of the tunnel */
	bool found, has_key, on_host;
};

struct why {
	struct cli *cli;
	const char *tunnel, *peer; /* as asked for */
	char key[BASE64_SIZE(WG_KEY_LEN)];
	unsigned wait_s;
	struct told first, now;
	struct addr endpoint; /* family 0: not known */
	bool up;	    /* there is a session: what could hinder a handshake does not matter */
	char text[400];	    /* the evidence of the step that runs */
	const char *advice; /* of the step that failed */
};

int why_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct why_options *o = opts;
	uint64_t n;
	if (key != 'w')
		return ARGP_ERR_UNKNOWN;
	if (!str_to_u64(str_from(arg), 300, &n) || !n)
		return rn_fail(err, RN_EUSAGE, "--wait %s: not 1 to 300 seconds", arg);
	o->wait_s = (unsigned)n;
	return 0;
}

/* ---- asking the tunnel ------------------------------------------------------------ */

static void take_peer(struct told *t, const struct rec *r)
{
	const struct {
		const char *key;
		uint64_t *to;
	} numbers[] = {
		{"handshake_at", &t->handshake_at},
		{"initiations_sent", &t->initiations_sent},
		{"initiations_received", &t->initiations_received},
		{"responses_received", &t->responses_received},
		{"responses_failed", &t->responses_failed},
		{"source_dropped", &t->source_dropped},
		{"session_s", &t->session_s},
		{"rtt_us", &t->rtt_us},
	};
	struct rn_error err;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (rec_u64(r, numbers[i].key, UINT64_MAX, UINT64_MAX, numbers[i].to, &err))
			*numbers[i].to = UINT64_MAX;
	t->found = str_copy(t->peer, sizeof(t->peer), r->line);
}

struct asking {
	struct why *why;
	struct told *told;
};

static int take_record(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct asking *a = ctx;
	struct told *t = a->told;
	if (rec_is(r, "interface")) {
		t->has_key = rec_get(r, "public_key").ptr != NULL;
		t->on_host = str_is(rec_get(r, "netns"), "host");
	} else if (rec_is(r, "peer") &&
		   (str_is(rec_id(r), a->why->peer) || str_is(rec_get(r, "name"), a->why->peer))) {
		(void)str_copy(a->why->key, sizeof(a->why->key), rec_id(r));
		take_peer(t, r);
	} else if (rec_is(r, "stat")) {
		if (str_is(rec_id(r), "cookie_received"))
			return rec_u64(r, "value", 0, UINT64_MAX, &t->cookies, err);
		if (str_is(rec_id(r), "dropped_old_initiation"))
			return rec_u64(r, "value", 0, UINT64_MAX, &t->old_initiations, err);
	}
	return 0;
}

static int ask(struct why *w, struct told *t)
{
	struct asking a = {w, t};
	memset(t, 0, sizeof(*t));
	return ask_tunnel(w->cli, w->tunnel, STR("request=show what=detail\n"), take_record, &a);
}

/* The value of KEY in the peer's record, within that record's text; not decoded (it is never
 * escaped). */
static struct str peer_value(const struct why *w, const char *key)
{
	struct rec r;
	struct rn_error err;
	if (rec_parse(&r, str_from(w->now.peer), NULL, &err))
		return (struct str){0};
	return rec_get(&r, key);
}

static bool known(uint64_t n)
{
	return n != UINT64_MAX;
}

static bool has_session(const struct told *t)
{
	if (known(t->session_s))
		return true;
	return known(t->handshake_at) && clock_wall_s() - (int64_t)t->handshake_at < FRESH_S &&
	       !known(t->initiations_sent); /* an engine that does not tell of sessions */
}

static bool grew(uint64_t before, uint64_t now)
{
	return known(now) && now > (known(before) ? before : 0);
}

/* An answer to ours could not be read, now or ever before, and none could. */
static bool has_failed_answer(const struct why *w)
{
	return grew(w->first.responses_failed, w->now.responses_failed) ||
	       (known(w->now.responses_failed) && w->now.responses_failed &&
		!w->now.responses_received);
}

/* ---- the steps ------------------------------------------------------------ */

static void say(struct why *w, const char *advice, const char *fmt, ...) printf_like(3, 4);
static void say(struct why *w, const char *advice, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
	w->advice = advice;
}

static enum result step_peer(struct why *w)
{
	if (w->now.found) {
		say(w, NULL, "%s has it", w->tunnel);
		return FINE;
	}
	say(w, "rn-wg show lists the peers, rn-wg set adds one",
	    "%s has no peer of that name or key", w->tunnel);
	return FAILED;
}

static enum result step_key(struct why *w)
{
	if (w->now.has_key) {
		say(w, NULL, "the tunnel has a private key");
		return FINE;
	}
	say(w, "name a private_key_file in the interface record",
	    "the tunnel has no private key: it can speak to "
	    "nobody");
	return FAILED;
}

static enum result step_clock(struct why *w)
{
	if (clock_wall_s() < CLOCK_OLDEST) {
		say(w, "set the clock",
		    "the clock stands at %lld, which is past: peers refuse handshakes older "
		    "than the last",
		    (long long)clock_wall_s());
		return FAILED;
	}
	if (w->now.old_initiations) {
		say(w, "set the peer's clock, or wait until it has caught up",
		    "%llu handshakes came that were "
		    "older than the one before: somebody's clock was set back",
		    (unsigned long long)w->now.old_initiations);
		return w->up ? UNKNOWN : FAILED;
	}
	say(w, NULL, "it stands at %lld", (long long)clock_wall_s());
	return FINE;
}

static enum result step_endpoint(struct why *w)
{
	struct str endpoint = peer_value(w, "endpoint");
	struct rn_error err;
	char text[ADDR_TEXT_MAX];
	if (!endpoint.ptr) {
		say(w, "give it an endpoint, or look from its side",
		    "none is configured, and it has not called yet");
		return FAILED;
	}
	if (addr_parse(&w->endpoint, endpoint, -1)) {
		say(w, NULL, "%.*s", STR_ARG(endpoint));
		return FINE;
	}
	if (addr_resolve(&w->endpoint, endpoint, &err)) {
		w->endpoint.sa.sa_family = 0;
		say(w, "check the name, and /etc/resolv.conf", "%s", err.text);
		return FAILED;
	}
	addr_format(&w->endpoint, text);
	say(w, NULL, "%.*s is %s", STR_ARG(endpoint), text);
	return FINE;
}

/* A connected UDP socket to the endpoint, or -1 and errno. */
static int connect_endpoint(const struct why *w)
{
	int fd = socket(w->endpoint.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, &w->endpoint.sa, addr_len(&w->endpoint)) == 0)
		return fd;
	int saved = errno;
	fd_close(&fd);
	errno = saved;
	return -1;
}

/* The device that has the address A. */
static void device_of(const struct addr *a, char *out, size_t size)
{
	struct ifaddrs *all;
	(void)snprintf(out, size, "some device");
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct addr own = {0};
		if (!i->ifa_addr || i->ifa_addr->sa_family != a->sa.sa_family)
			continue;
		memcpy(&own, i->ifa_addr,
		       a->sa.sa_family == AF_INET ? sizeof(own.in) : sizeof(own.in6));
		if (addr_eq_ip(&own, a))
			(void)snprintf(out, size, "%s", i->ifa_name);
	}
	freeifaddrs(all);
}

static enum result step_route(struct why *w)
{
	struct addr local;
	char text[ADDR_TEXT_MAX], device[64];
	int fd = connect_endpoint(w);
	if (fd < 0) {
		say(w, "ip route get ADDRESS tells more", "no way to it: %s", strerror(errno));
		return FAILED;
	}
	bool good = sock_local(fd, &local);
	close(fd);
	if (!good) {
		say(w, NULL, "there is one");
		return FINE;
	}
	addr_format_ip(&local, text);
	device_of(&local, device, sizeof(device));
	if (w->now.on_host && strcmp(device, w->tunnel) == 0) {
		say(w, "take its address out of the allowed IPs, or set a route to it by hand",
		    "its endpoint is reached through the tunnel itself (%s on %s)", text, device);
		return FAILED;
	}
	say(w, NULL, "from %s on %s", text, device);
	return FINE;
}

/* One byte, which WireGuard passes over: 0, or the error that this machine or the way told. */
static int probe_endpoint(const struct why *w)
{
	int fd = connect_endpoint(w), wrong = 0;
	if (fd < 0)
		return errno;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (send(fd, "", 1, 0) < 0)
		wrong = errno;
	else if (poll(&p, 1, ECHO_MS) > 0)
		wrong = sock_error(fd);
	close(fd);
	return wrong;
}

static enum result step_firewall(struct why *w)
{
	int wrong = probe_endpoint(w);
	if (wrong == EPERM || wrong == EACCES) {
		say(w, "nft list ruleset: let UDP out to it",
		    "this machine's firewall does not let UDP out to it");
		return FAILED;
	}
	if (wrong == ECONNREFUSED) {
		say(w, "start the peer's tunnel, or correct the port",
		    "the peer's machine answers, but nothing "
		    "listens at that port (port unreachable), or its firewall rejects it");
		return FAILED;
	}
	if (wrong) {
		say(w, "a router or firewall on the way refuses it",
		    "an answer came to a datagram: %s", strerror(wrong));
		return FAILED;
	}
	say(w, NULL,
	    "UDP can be sent, and nobody refused it; what drops it silently shows in the next "
	    "steps");
	return FINE;
}

/* Until something came back, or time is up. */
static int wait_for_answer(struct why *w)
{
	uint64_t until = clock_now_ms() + w->wait_s * 1000ULL;
	int code = 0;
	while (!code && clock_now_ms() < until) {
		code = ask(w, &w->now);
		w->up = has_session(&w->now);
		if (w->up || has_failed_answer(w) || grew(w->first.cookies, w->now.cookies))
			break;
		poll(NULL, 0, POLL_MS);
	}
	return code;
}

static enum result step_sent(struct why *w)
{
	char text[128];
	struct rn_error before = w->cli->err;
	if (w->up) {
		say(w, NULL, "there is a session");
		return FINE;
	}
	snprintf(text, sizeof(text), "request=probe name=%s\n", w->key);
	if (ask_tunnel(w->cli, w->tunnel, str_from(text), NULL, NULL) || wait_for_answer(w)) {
		say(w, NULL, "%.300s", w->cli->err.text);
		w->cli->err = before;
		return UNKNOWN;
	}
	if (!w->up && known(w->now.initiations_sent) && !w->now.initiations_sent) {
		say(w, "rn-wg show --detail has the counters", "no handshake was sent");
		return FAILED;
	}
	if (known(w->now.initiations_sent))
		say(w, NULL, "%llu handshakes begun", (unsigned long long)w->now.initiations_sent);
	else
		say(w, NULL, "a handshake was asked for; this engine does not count them");
	return FINE;
}

static enum result step_answered(struct why *w)
{
	if (w->up && known(w->now.rtt_us)) {
		say(w, NULL, "a handshake took %llu µs", (unsigned long long)w->now.rtt_us);
		return FINE;
	}
	if (w->up || has_failed_answer(w)) {
		say(w, NULL, "an answer came");
		return FINE;
	}
	if (grew(w->first.cookies, w->now.cookies)) {
		say(w, "try again: the next handshake carries the cookie",
		    "the peer is under load and sent a cookie");
		return FAILED;
	}
	if (known(w->now.initiations_received) && w->now.initiations_received) {
		say(w,
		    "look at firewalls on the way from here to the peer, and at the preshared keys",
		    "the peer's handshakes come in, but our answers are not confirmed");
		return FAILED;
	}
	say(w,
	    "on the peer: rn-wg show --detail (do handshakes come in? does it have our public key, "
	    "and we "
	    "its?); between: firewalls, NAT, the port",
	    "silence for %u s, which is also how a peer treats a key that it does not know",
	    w->wait_s);
	return FAILED;
}

static enum result step_psk(struct why *w)
{
	if (w->up || !has_failed_answer(w)) {
		say(w, NULL, "the keys fit");
		return FINE;
	}
	say(w, "put the same preshared key on both sides, or on none",
	    "the answer does not decrypt: the preshared keys differ, or another peer is at that "
	    "address");
	return FAILED;
}

static enum result step_allowed(struct why *w)
{
	struct str allowed = peer_value(w, "allowed_ips");
	if (!allowed.len) {
		say(w, "give it allowed_ips",
		    "it has none: nothing can be sent to it or taken from it");
		return FAILED;
	}
	if (known(w->now.source_dropped) && w->now.source_dropped) {
		say(w,
		    "add the addresses that it sends from to allowed_ips, or correct its own "
		    "address",
		    "%llu packets came from addresses that are not allowed it",
		    (unsigned long long)w->now.source_dropped);
		return FAILED;
	}
	say(w, NULL, "%.*s", STR_ARG(str_slice(allowed, 0, 300)));
	return FINE;
}

static const struct step {
	const char *name;
	enum result (*run)(struct why *w);
	bool only_without_session; /* which would prove that it is well */
} steps[] = {
	{"peer", step_peer, false},   {"key", step_key, false},
	{"clock", step_clock, false}, {"endpoint", step_endpoint, true},
	{"route", step_route, true},  {"firewall", step_firewall, true},
	{"sent", step_sent, false},   {"answered", step_answered, false},
	{"psk", step_psk, false},     {"allowed_ips", step_allowed, false},
};

/* ---- telling ------------------------------------------------------------ */

static int put_step(struct why *w, const char *name, enum result result)
{
	static const char *const results[] = {"ok", "failed", "unknown", "skipped"};
	struct buf b;
	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "probe", str_from(name));
	if (w->key[0])
		rec_add_cstr(&b, "peer", w->key);
	rec_add_cstr(&b, "result", results[result]);
	if (w->text[0])
		rec_add_cstr(&b, "text", w->text);
	rec_end(&b);
	int code = rec_out_put(&w->cli->out, buf_str(&b), &w->cli->err);
	buf_free(&b);
	return code;
}

/* FAILED: the first step that did, or NULL. */
static int put_result(struct why *w, const char *failed)
{
	struct buf b;
	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "why", str_from(w->peer));
	rec_add_cstr(&b, "interface", w->tunnel);
	rec_add_cstr(&b, "result", failed ? "failed" : "ok");
	rec_add_cstr(&b, "step", failed);
	if (failed)
		rec_add_cstr(&b, "text", w->advice);
	rec_end(&b);
	int code = rec_out_put(&w->cli->out, buf_str(&b), &w->cli->err);
	buf_free(&b);
	return code ? code : failed ? RN_ENO : 0;
}

static int walk(struct why *w)
{
	const char *failed = NULL;
	const char *advice = NULL;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		enum result result = SKIPPED;
		w->text[0] = '\0';
		if (!failed && !(steps[i].only_without_session && w->up))
			result = steps[i].run(w);
		else if (!failed)
			say(w, NULL, "there is a session");
		int code = put_step(w, steps[i].name, result);
		if (code)
			return code;
		if (result == FAILED) {
			failed = steps[i].name;
			advice = w->advice;
		}
	}
	w->advice = advice;
	return put_result(w, failed);
}

int run_why(struct cli *c, int argc, char **argv)
{
	const struct why_options *o = c->opts;
	struct why *w = calloc(1, sizeof(*w));
	(void)argc;
	if (!w)
		return rn_fail(&c->err, RN_EOS, "out of memory");
	w->cli = c;
	w->tunnel = argv[0];
	w->peer = argv[1];
	w->wait_s = o->wait_s ? o->wait_s : WAIT_S_DEFAULT;
	int code = ask(w, &w->first);
	w->now = w->first;
	w->up = has_session(&w->now);
	if (!code)
		code = walk(w);
	free(w);
	return code;
}
