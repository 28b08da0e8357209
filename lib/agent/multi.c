/* SPDX-License-Identifier: MIT
 *
 * Calls in the loop: libcurl says which descriptors and which time it waits for (the multi socket
 * interface), and we tell it when they come. An ended call is delivered from a timer, so that its
 * callback may start, cancel and free whatever it likes.
 */
#include "agent/rest_impl.h"

#include <sys/epoll.h>

struct rest_sock {
	struct watch watch;
	struct agent_rest *rest;
};

static void call_unlink(struct agent_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->rest->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->prev = c->next = NULL;
}

/* Takes what has ended out of libcurl's hands. */
static void collect(struct agent_rest *r)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(r->multi, &left))) {
		struct agent_call *c = NULL;
		char *private = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		c = (struct agent_call *)(void *)private;
		c->result = m->data.result;
		c->ended = true;
		curl_multi_remove_handle(r->multi, c->easy);
		call_unlink(c);
		*r->tail = c;
		r->tail = &c->next;
	}
	if (r->ended)
		timer_start(r->loop, &r->deliver, 0);
}

static void call_delete(struct agent_call *c)
{
	curl_easy_cleanup(c->easy);
	rest_call_free(c);
}

/* One a turn: after its callback the client may be gone. */
static void deliver(struct timer *t)
{
	struct agent_rest *r = container_of(t, struct agent_rest, deliver);
	struct agent_call *c = r->ended;
	struct rn_error err = {0};
	int rc;

	r->ended = c->next;
	if (r->ended)
		timer_start(r->loop, t, 0);
	else
		r->tail = &r->ended;
	rc = rest_call_result(c, &err);
	c->fn(c->ctx, rc, rc ? NULL : &c->answer, &err);
	call_delete(c);
}

/* ---- libcurl's wishes ------------------------------------------------------------------------ */

static void act(struct agent_rest *r, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(r->multi, fd, what, &running);
	collect(r);
}

static void sock_event(struct watch *w, uint32_t events)
{
	struct rest_sock *s = container_of(w, struct rest_sock, watch);
	int what = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & EPOLLERR ? CURL_CSELECT_ERR : 0);

	act(s->rest, w->fd, what); /* may delete S */
}

static void timeout_event(struct timer *t)
{
	act(container_of(t, struct agent_rest, timeout), CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long ms, void *ctx)
{
	struct agent_rest *r = ctx;

	(void)multi;
	if (ms < 0)
		timer_stop(r->loop, &r->timeout);
	else
		timer_start(r->loop, &r->timeout, (uint64_t)ms);
	return 0;
}

static void sock_forget(struct agent_rest *r, struct rest_sock *s, curl_socket_t fd)
{
	if (!s)
		return;
	watch_del(r->loop, &s->watch);
	curl_multi_assign(r->multi, fd, NULL);
	free(s);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *sock_ctx)
{
	struct agent_rest *r = ctx;
	struct rest_sock *s = sock_ctx;
	struct rn_error err;

	(void)easy;
	/* A new registration for each change: libcurl may have another socket behind the same
	 * number. */
	sock_forget(r, s, fd);
	if (what == CURL_POLL_REMOVE)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -1;
	s->rest = r;
	s->watch = (struct watch){
		.fd = fd,
		.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0u) |
			  (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0u),
		.fn = sock_event,
	};
	if (watch_add(r->loop, &s->watch, &err)) {
		free(s);
		return -1;
	}
	curl_multi_assign(r->multi, fd, s);
	return 0;
}

/* ---- face ------------------------------------------------------------------------------------ */

static bool multi_open(struct agent_rest *r, struct loop *l)
{
	if (r->multi)
		return r->loop == l;
	r->multi = curl_multi_init();
	if (!r->multi)
		return false;
	r->loop = l;
	r->timeout.fn = timeout_event;
	r->deliver.fn = deliver;
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
	return true;
}

struct agent_call *agent_rest_start(struct agent_rest *r, struct loop *l,
				    const struct agent_request *q, agent_rest_fn *done, void *ctx,
				    struct rn_error *err)
{
	CURL *easy = multi_open(r, l) ? curl_easy_init() : NULL;
	struct agent_call *c;

	if (!easy) {
		rn_fail(err, RN_EOS, "no memory for a request to %s", r->url);
		return NULL;
	}
	c = rest_call_new(r, easy, q, err);
	if (!c) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	c->fn = done;
	c->ctx = ctx;
	if (curl_multi_add_handle(r->multi, easy) != CURLM_OK) {
		rn_fail(err, RN_EOS, "libcurl refuses a request to %s", r->url);
		call_delete(c);
		return NULL;
	}
	c->next = r->calls;
	if (c->next)
		c->next->prev = c;
	r->calls = c;
	return c;
}

void agent_rest_cancel(struct agent_call *c)
{
	if (!c)
		return;
	if (!c->ended) {
		curl_multi_remove_handle(c->rest->multi, c->easy);
		call_unlink(c);
	} else {
		struct agent_call **at = &c->rest->ended;

		while (*at != c)
			at = &(*at)->next;
		*at = c->next;
		if (!*at)
			c->rest->tail = at;
		if (!c->rest->ended)
			timer_stop(c->rest->loop, &c->rest->deliver);
	}
	call_delete(c);
}

void rest_multi_free(struct agent_rest *r)
{
	if (!r->multi)
		return;
	while (r->calls)
		agent_rest_cancel(r->calls);
	while (r->ended)
		agent_rest_cancel(r->ended);
	curl_multi_cleanup(r->multi); /* closes its sockets, by on_socket */
	timer_stop(r->loop, &r->timeout);
	timer_stop(r->loop, &r->deliver);
}
