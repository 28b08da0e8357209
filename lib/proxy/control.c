/* SPDX-License-Identifier: MIT
 *
 * The control socket: show, reload, log, drain, probe; and access records to whoever follows.
 */
#include "proxy/run.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECENT_MAX (256U << 10)

struct follower {
	struct link link;
	struct ctl_call *call;
};

/* ---- access records -------------------------------------------------------------------------- */

static void recent_add(struct proxy *p, struct str text)
{
	if (text.len > RECENT_MAX / 2)
		return;
	buf_add(&p->recent, text);
	if (p->recent.len <= RECENT_MAX)
		return;
	struct str rest = str_from_at(buf_str(&p->recent), p->recent.len - RECENT_MAX / 2);
	ptrdiff_t line = str_find(rest, '\n'); /* what is left begins with a whole record */
	buf_consume(&p->recent, p->recent.len - rest.len + (size_t)line + 1);
}

static void followers_tell(struct proxy *p, struct str text)
{
	for (struct link *i = p->followers.next, *next; i != &p->followers; i = next) {
		struct follower *f = container_of(i, struct follower, link);
		next = i->next;
		buf_add(ctl_out(f->call), text);
		if (ctl_flush(f->call))
			continue;
		link_remove(&f->link);
		ctl_done(f->call);
		free(f);
	}
}

/* A log that does not take more is not waited for: this thread has other things to do. A pipe gets
 * pieces that it takes whole, a file all at once. */
static void file_tell(struct proxy *p, struct str text)
{
	struct pollfd ready = {.fd = p->o.access_fd, .events = POLLOUT};
	struct stat st;
	bool file = fstat(p->o.access_fd, &st) == 0 && S_ISREG(st.st_mode);
	while (text.len && poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT)) {
		size_t len = file ? text.len : MIN(text.len, (size_t)REC_LINE_MAX);
		ssize_t n = write(p->o.access_fd, text.ptr, len);
		if (n <= 0)
			break;
		text = str_from_at(text, (size_t)n);
	}
	for (size_t i = 0; i < text.len; i++)
		p->lost += text.ptr[i] == '\n';
}

static void tell_lost(struct proxy *p)
{
	uint64_t lost = p->lost;
	for (unsigned i = 0; i < p->n_workers; i++)
		lost += atomic_exchange(&p->workers[i].ring.lost, 0);
	p->lost = 0;
	if (lost)
		log_write(
			LOG_WARN,
			"%llu access records were dropped: nobody takes them as fast as they come",
			(unsigned long long)lost);
}

void proxy_access_fetch(struct proxy *p)
{
	struct buf *b = &p->access_out;
	for (unsigned i = 0; i < p->n_workers; i++)
		if (p->workers[i].ring.bytes)
			access_ring_take(&p->workers[i].ring, b);
	if (b->len) {
		recent_add(p, buf_str(b));
		followers_tell(p, buf_str(b));
		if (p->o.access_fd >= 0)
			file_tell(p, buf_str(b));
	}
	buf_clear(b);
	tell_lost(p);
}

static void log_request(struct proxy *p, struct ctl_call *call, const struct rec *r)
{
	bool follow = str_is(rec_get(r, "follow"), "yes");
	struct follower *f = follow ? calloc(1, sizeof(*f)) : NULL;

	proxy_access_fetch(p);
	if (!follow)
		buf_add(ctl_out(call), buf_str(&p->recent));
	if (!f) {
		ctl_done(call);
		return;
	}
	f->call = call;
	link_add(&p->followers, &f->link);
}

/* ---- show ------------------------------------------------------------------------------------ */

static void show_config(struct proxy *p, struct buf *b)
{
	buf_add(b, buf_str(&p->snap->text));
}

static void show_listeners(struct proxy *p, struct buf *b)
{
	for (size_t i = 0; i < p->snap->listens.len; i++) {
		const struct listen_conf *l = p->snap->listens.ptr[i];
		char address[ADDR_TEXT_MAX];
		for (size_t k = 0; k < p->sockets.len; k++) {
			struct socket_set *set = p->sockets.ptr[k];
			if (!str_eq(set->name, l->name))
				continue;
			addr_format(&set->address, address);
			rec_begin(b, "listener", l->name);
			rec_add_cstr(b, "address", address);
			rec_add_cstr(b, "proto", listen_proto_names[l->proto]);
			rec_add_cstr(b, "state", set->open ? "open" : "waiting");
			if (l->via.len)
				rec_add(b, "via", l->via);
			rec_add_i64(b, "connections", atomic_load(&set->count.open));
			rec_add_u64(b, "accepted", atomic_load(&set->count.accepted));
			rec_end(b);
		}
	}
}

static void show_target(const struct target *t, struct buf *b)
{
	static const char *const states[] = {"unchecked", "up", "down"};
	struct target_state *s = t->state;
	uint64_t requests = 0, failures = 0, active = 0;

	for (unsigned i = 0; i < s->n_slots; i++) {
		requests += atomic_load(&s->slots[i].requests);
		failures += atomic_load(&s->slots[i].failures);
		active += atomic_load(&s->slots[i].active);
	}
	pthread_mutex_lock(&s->lock);
	rec_begin(b, "health", t->name);
	rec_add(b, "resource", t->resource->name);
	rec_add(b, "address", t->address_text);
	rec_add_cstr(b, "state", states[atomic_load(&s->health)]);
	rec_add_i64(b, "at", s->since_at);
	rec_add_u64(b, "active", active);
	rec_add_u64(b, "requests", requests);
	rec_add_u64(b, "failures", failures);
	if (s->why[0])
		rec_add_cstr(b, "why", s->why);
	rec_end(b);
	pthread_mutex_unlock(&s->lock);
}

static void show_targets(struct proxy *p, struct buf *b)
{
	for (size_t i = 0; i < p->snap->targets.len; i++)
		show_target(p->snap->targets.ptr[i], b);
}

/* Records of some kinds out of the config. */
static void show_kind(struct proxy *p, struct buf *b, const char *kind)
{
	struct rec_reader rd;
	struct rec r;
	struct rn_error err;
	rec_reader_mem(&rd, buf_str(&p->snap->text), "config");
	while (rec_read(&rd, &r, &err) > 0) {
		if (!rec_is(&r, kind))
			continue;
		rec_write(b, &r);
		if (b->len && b->ptr[b->len - 1] != '\n')
			buf_add_byte(b, '\n');
	}
	rec_reader_free(&rd);
}

static void show_resources(struct proxy *p, struct buf *b)
{
	show_kind(p, b, "resource");
}

static void show_certificates(struct proxy *p, struct buf *b)
{
	show_kind(p, b, "certificate");
}

static const struct {
	const char *what;
	void (*fn)(struct proxy *p, struct buf *b);
} shows[] = {
	{"config", show_config},
	{"listeners", show_listeners},
	{"resources", show_resources},
	{"targets", show_targets},
	{"certificates", show_certificates},
};

static void show_request(struct proxy *p, struct ctl_call *call, const struct rec *r)
{
	struct str what = rec_get(r, "what");
	struct rn_error err;

	for (size_t i = 0; i < ARRAY_LEN(shows); i++) {
		if (!str_is(what, shows[i].what))
			continue;
		shows[i].fn(p, ctl_out(call));
		ctl_done(call);
		return;
	}
	rn_fail(&err, RN_EUSAGE, "%.*s: one of config, listeners, resources, targets, certificates",
		STR_ARG(what));
	ctl_fail(call, &err);
}

/* ---- other requests -------------------------------------------------------------------------- */

static void reload_request(struct proxy *p, struct ctl_call *call, const struct rec *r)
{
	struct rn_error err;
	(void)r;
	if (proxy_reload(p, &err)) {
		log_event(LOG_ERROR, err.text, "what", "reload", NULL);
		ctl_fail(call, &err);
	} else {
		ctl_done(call);
	}
}

static void drain_request(struct proxy *p, struct ctl_call *call, const struct rec *r)
{
	(void)r;
	ctl_done(call);
	if (!p->terms)
		proxy_drain(p);
}

static void hello_request(struct proxy *p, struct ctl_call *call, const struct rec *r)
{
	struct buf *b = ctl_out(call);
	(void)r;
	rec_begin(b, "status", STR("ok"));
	rec_add_u64(b, "pid", (uint64_t)getpid());
	rec_add_cstr(b, "version", RN_VERSION);
	rec_end(b);
	(void)p;
	ctl_done(call);
}

/* Targets of one resource, as they are known to be. */
static void probe_request(struct proxy *p, struct ctl_call *call, const struct rec *r)
{
	struct resource *res = map_get(&p->snap->resource_by_name, rec_get(r, "resource"));
	struct rn_error err;
	if (!res) {
		rn_fail(&err, RN_ENO, "there is no such resource");
		ctl_fail(call, &err);
		return;
	}
	for (const struct target *t = res->targets; t; t = t->next)
		show_target(t, ctl_out(call));
	ctl_done(call);
}

static const struct {
	const char *verb;
	void (*fn)(struct proxy *p, struct ctl_call *call, const struct rec *r);
} verbs[] = {
	{"hello", hello_request}, {"show", show_request},   {"reload", reload_request},
	{"log", log_request},	  {"drain", drain_request}, {"probe", probe_request},
};

static void control_call(void *ctx, struct ctl_call *call, const struct rec *r, struct str body)
{
	struct rn_error err;
	(void)body;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (str_is(rec_id(r), verbs[i].verb)) {
			verbs[i].fn(ctx, call, r);
			return;
		}
	}
	rn_fail(&err, RN_EUSAGE, "unknown request");
	ctl_fail(call, &err);
}

int control_open(struct proxy *p, struct rn_error *err)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)], name[96];
	int n = snprintf(name, sizeof(name), "proxy-%s.sock", p->o.name);

	if (n < 0 || (size_t)n >= sizeof(name) ||
	    !path_join(path, sizeof(path), p->o.run_dir, str_from(name)))
		return rn_fail(err, RN_EUSAGE, "name %s is too long", p->o.name);
	p->ctl = ctl_listen(p->loop, path, control_call, p, err);
	return p->ctl ? 0 : (int)err->code;
}

void control_close(struct proxy *p)
{
	while (p->followers.next && p->followers.next != &p->followers) {
		struct follower *f = container_of(p->followers.next, struct follower, link);
		link_remove(&f->link);
		ctl_done(f->call);
		free(f);
	}
	if (p->ctl)
		ctl_close(p->ctl);
	p->ctl = NULL;
}
