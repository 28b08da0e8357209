/* SPDX-License-Identifier: MIT
 *
 * Listening sockets over reloads: what is new is opened before anything changes, so that a port in
 * use refuses the whole config; what stays is not touched; what went is closed when the workers
 * have the new config. One socket a worker, on the same address by SO_REUSEPORT.
 */
#include "proxy/run.h"

#include <fcntl.h>
#include <unistd.h>

struct opening {
	struct str name, key, via; /* in the snapshot or the plan's arena */
	struct addr address;
	unsigned generation;
	bool udp;
	size_t n;
	int fds[PROXY_WORKERS_MAX]; /* none while its tunnel is away */
};

struct socket_plan {
	struct arena arena;
	VEC(struct opening) opens;
	VEC(struct str) closes;
};

static struct socket_set *set_find(struct proxy *p, struct str name)
{
	for (size_t i = 0; i < p->sockets.len; i++)
		if (str_eq(p->sockets.ptr[i]->name, name))
			return p->sockets.ptr[i];
	return NULL;
}

static bool is_udp(const struct listen_conf *l)
{
	return l->proto == LISTEN_UDP;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Some other process that has the port with SO_REUSEPORT would share it with us in silence; a plain
 * bind tells. Not when we have that port ourselves, on another address. */
static int port_is_free(struct proxy *p, const struct opening *o, struct rn_error *err)
{
	for (size_t i = 0; i < p->sockets.len; i++)
		if (p->sockets.ptr[i]->open && p->sockets.ptr[i]->udp == o->udp &&
		    addr_port(&p->sockets.ptr[i]->address) == addr_port(&o->address))
			return 0;
	int fd = o->udp ? sock_udp(&o->address, false, err) : sock_listen(&o->address, false, err);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int open_host(struct proxy *p, struct opening *o, struct rn_error *err)
{
	int rc = addr_port(&o->address) ? port_is_free(p, o, err) : 0;
	while (rc >= 0 && o->n < p->n_workers) {
		rc = o->udp ? sock_udp(&o->address, true, err) : sock_listen(&o->address, true, err);
		if (rc < 0)
			break;
		o->fds[o->n++] = rc;
		sock_local(rc, &o->address); /* port 0 has become a real one, for all of them */
	}
	if (rc == RN_EPERM && addr_port(&o->address) < 1024) {
		char was[256];
		str_copy(was, sizeof(was), str_slice(str_from(err->text), 0, sizeof(was) - 1));
		return rn_fail(
			err, RN_EPERM,
			"%s (ports below 1024 need: setcap cap_net_bind_service=+ep rn-proxy, or "
			"sysctl net.ipv4.ip_unprivileged_port_start=%u)",
			was, addr_port(&o->address));
	}
	return rc < 0 ? rc : 0;
}

/* The tunnel gives one socket; all workers accept from it. */
static int open_tunnel(struct proxy *p, struct opening *o, struct rn_error *err)
{
	o->generation = side_generation(p->side, o->via);
	if (o->generation == 0)
		return 0;
	int fd = side_listen(p->side, o->via, &o->address, o->udp, err);
	if (fd < 0)
		return fd;
	sock_local(fd, &o->address);
	o->fds[o->n++] = fd;
	while (!o->udp && o->n < p->n_workers) {
		fd = fcntl(o->fds[0], F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return rn_fail_errno(err, RN_EOS, "dup");
		o->fds[o->n++] = fd;
	}
	return 0;
}

static int plan_open(struct proxy *p, struct socket_plan *plan, const struct listen_conf *l,
		     struct str key, struct rn_error *err)
{
	struct opening *o = VEC_PUSH(&plan->opens);
	if (!o)
		return rn_fail(err, RN_EOS, "out of memory");
	*o = (struct opening){.name = l->name,
			      .key = key,
			      .via = l->via,
			      .address = l->address,
			      .udp = is_udp(l)};
	int rc = l->via.len ? open_tunnel(p, o, err) : open_host(p, o, err);
	if (rc < 0 && l->via.len) {
		log_event(LOG_WARN, err->text, "via", o->via.ptr, NULL); /* tried again */
		return 0;
	}
	if (rc < 0)
		rn_fail_in(err, "listen=%.*s", STR_ARG(l->name));
	return rc;
}

static int plan_listen(struct proxy *p, struct socket_plan *plan, const struct listen_conf *l,
		       struct rn_error *err)
{
	struct socket_set *set = set_find(p, l->name);
	struct str key = arena_printf(&plan->arena, "%s %.*s %.*s", is_udp(l) ? "udp" : "tcp",
				      STR_ARG(l->address_text), STR_ARG(l->via));
	if (!key.ptr)
		return rn_fail(err, RN_EOS, "out of memory");
	bool same = set && set->key.ptr && str_eq(set->key, key) &&
		    (set->via.len == 0 || set->generation == side_generation(p->side, set->via));
	if (same && set->open)
		return 0;
	if (set && set->open) {
		struct str *name = VEC_PUSH(&plan->closes);
		if (!name)
			return rn_fail(err, RN_EOS, "out of memory");
		*name = set->name;
	}
	return plan_open(p, plan, l, key, err);
}

static int plan_closes(struct proxy *p, struct socket_plan *plan, const struct snapshot *snap,
		       struct rn_error *err)
{
	for (size_t i = 0; i < p->sockets.len; i++) {
		struct socket_set *set = p->sockets.ptr[i];
		if (!set->key.ptr || snapshot_listen(snap, set->name))
			continue;
		struct str *name = VEC_PUSH(&plan->closes);
		if (!name)
			return rn_fail(err, RN_EOS, "out of memory");
		*name = set->name;
	}
	return 0;
}

struct socket_plan *sockets_prepare(struct proxy *p, const struct snapshot *snap,
				    struct rn_error *err)
{
	struct socket_plan *plan = calloc(1, sizeof(*plan));
	int rc = 0;

	if (!plan) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	arena_init(&plan->arena, 64UL << 20);
	for (size_t i = 0; rc == 0 && i < snap->listens.len; i++)
		rc = plan_listen(p, plan, snap->listens.ptr[i], err);
	if (rc == 0)
		rc = plan_closes(p, plan, snap, err);
	if (rc == 0)
		return plan;
	sockets_abandon(plan);
	return NULL;
}

static void plan_free(struct socket_plan *plan)
{
	vec_free(&plan->opens.base);
	vec_free(&plan->closes.base);
	arena_free(&plan->arena);
	free(plan);
}

void sockets_abandon(struct socket_plan *plan)
{
	for (size_t i = 0; i < plan->opens.len; i++)
		for (size_t k = 0; k < plan->opens.ptr[i].n; k++)
			close(plan->opens.ptr[i].fds[k]);
	plan_free(plan);
}

/* ---- committing ------------------------------------------------------------------------------ */

static struct str own_copy(struct str s)
{
	char *copy = malloc(s.len + 1);
	rn_assert(copy);
	memcpy(copy, s.ptr, s.len);
	copy[s.len] = 0;
	return str_make(copy, s.len);
}

static void own_free(struct str *s)
{
	free((void *)(uintptr_t)s->ptr);
	*s = (struct str){0};
}

static struct socket_set *set_make(struct proxy *p, struct str name)
{
	struct socket_set *set = set_find(p, name), **place;
	if (set)
		return set;
	set = calloc(1, sizeof(*set));
	place = VEC_PUSH(&p->sockets);
	rn_assert(set && place);
	set->name = own_copy(name);
	*place = set;
	return set;
}

static void set_close(struct socket_set *set)
{
	set->open = false;
	own_free(&set->key);
	own_free(&set->via);
}

static void set_note(struct proxy *p, const struct opening *o)
{
	struct socket_set *set = set_make(p, o->name);
	set_close(set);
	set->key = own_copy(o->key);
	set->via = own_copy(o->via);
	set->address = o->address;
	set->generation = o->generation;
	set->udp = o->udp;
	set->open = o->n > 0;
}

struct commit {
	struct socket_plan *plan;
	struct proxy *p;
	struct snapshot *snap; /* NULL: the same */
};

static void commit_fill(struct order *o, unsigned worker, void *ctx)
{
	struct commit *c = ctx;
	o->view = c->snap ? view_new(c->snap) : NULL;
	o->tunnels = !c->snap;
	for (size_t i = 0; i < c->plan->closes.len; i++) {
		struct str *name = VEC_PUSH(&o->closes);
		if (name)
			*name = c->plan->closes.ptr[i];
	}
	for (size_t i = 0; i < c->plan->opens.len; i++) {
		const struct opening *opening = &c->plan->opens.ptr[i];
		struct order_open *open = worker < opening->n ? VEC_PUSH(&o->opens) : NULL;
		if (open)
			*open = (struct order_open){.name = opening->name,
						    .fd = opening->fds[worker],
						    .udp = opening->udp,
						    .count = &set_find(c->p, opening->name)->count};
	}
}

void sockets_commit(struct proxy *p, struct socket_plan *plan, struct snapshot *snap)
{
	for (size_t i = 0; i < plan->closes.len; i++)
		set_close(set_find(p, plan->closes.ptr[i]));
	for (size_t i = 0; i < plan->opens.len; i++)
		set_note(p, &plan->opens.ptr[i]);
	proxy_order_all(p, commit_fill, &(struct commit){.plan = plan, .p = p, .snap = snap});
	plan_free(plan);
}

void sockets_retry(struct proxy *p)
{
	struct rn_error err;
	struct socket_plan *plan = p->terms ? NULL : sockets_prepare(p, p->snap, &err);
	if (plan)
		sockets_commit(p, plan, NULL);
}

void sockets_free(struct proxy *p)
{
	for (size_t i = 0; i < p->sockets.len; i++) {
		set_close(p->sockets.ptr[i]);
		own_free(&p->sockets.ptr[i]->name);
		free(p->sockets.ptr[i]);
	}
	vec_free(&p->sockets.base);
}
