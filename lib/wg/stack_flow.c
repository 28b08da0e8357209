/* SPDX-License-Identifier: MIT
 *
 * A connection inside and its unix socket. Bytes for the program wait in F->in, and the peer's window opens
 * only as they are taken; bytes of the program are read only as lwIP has room. The unix socket is watched
 * edge-triggered: each side is tried until it says no, and tried again when it has room.
 */
#include "wg/stack_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

void flow_kill(struct flow *f)
{
	f->dead = f->stack->any_over = true;
}

/* lwIP goes on alone: what is still to be sent goes out, then the end. */
static void let_go(struct flow *f)
{
	struct tcp_pcb *pcb = f->pcb;
	if (!pcb)
		return;
	f->pcb = NULL;
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
	if (tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

void flow_free(struct flow *f)
{
	struct stack *s = f->stack;
	if (f->pcb) {
		tcp_arg(f->pcb, NULL);
		tcp_err(f->pcb, NULL);
		tcp_abort(f->pcb);
	}
	if (f->udp)
		udp_remove(f->udp);
	if (f->in)
		pbuf_free(f->in);
	if (f->held)
		pbuf_free(f->held);
	watch_del(s->loop, &f->watch);
	fd_close(&f->watch.fd);
	f->prev->next = f->next;
	f->next->prev = f->prev;
	s->n_flows--;
	free(f);
}

/* ---- to the program ------------------------------------------------------------------------------ */

/* False: it takes no more now. */
static bool give_some(struct flow *f)
{
	ssize_t n = send(f->watch.fd, f->in->payload, f->in->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			flow_kill(f); /* nobody will read it: the peer is reset */
		return errno == EINTR;
	}
	f->in = pbuf_free_header(f->in, (u16_t)n);
	if (f->pcb && !f->in_end)
		tcp_recved(f->pcb, (u16_t)n);
	return true;
}

static void pump_in(struct flow *f)
{
	while (f->in && !f->dead && give_some(f))
		;
	if (f->in || f->dead || !f->in_end || f->in_told)
		return;
	f->in_told = true;
	shutdown(f->watch.fd, SHUT_WR);
}

/* ---- from the program ---------------------------------------------------------------------------- */

/* False: lwIP takes no more now; the bytes are kept. */
static bool take(struct flow *f, const void *data, size_t n)
{
	if (tcp_write(f->pcb, data, (u16_t)n, TCP_WRITE_FLAG_COPY) == ERR_OK)
		return true;
	if (f->held)
		return false;
	f->held = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
	if (f->held)
		pbuf_take(f->held, data, (u16_t)n);
	else
		flow_kill(f);
	return false;
}

static bool take_held(struct flow *f)
{
	if (!f->held)
		return true;
	if (!take(f, f->held->payload, f->held->len))
		return false;
	pbuf_free(f->held);
	f->held = NULL;
	return true;
}

/* False: nothing more now. */
static bool take_some(struct flow *f)
{
	struct stack *s = f->stack;
	size_t room = MIN((size_t)tcp_sndbuf(f->pcb), sizeof(s->chunk));
	if (!room)
		return false;
	ssize_t n = recv(f->watch.fd, s->chunk, room, MSG_DONTWAIT);
	if (n > 0)
		return take(f, s->chunk, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n < 0)
		flow_kill(f);
	else if (tcp_shutdown(f->pcb, 0, 1) == ERR_OK)
		f->out_end = f->stack->any_over = true;
	else
		flow_kill(f);
	return false;
}

static void pump_out(struct flow *f)
{
	if (!f->pcb || !f->connected || f->dead || f->out_end || !take_held(f))
		return;
	while (take_some(f))
		;
	tcp_output(f->pcb);
}

void flow_settle(struct flow *f)
{
	if (f->dead || f->udp)
		return;
	if (f->out_end && (f->in_end || (f->hung_up && !f->in)))
		let_go(f); /* from here on lwIP might free it without a word */
	if (!f->pcb && (!f->in || f->hung_up))
		flow_kill(f);
}

/* ---- lwIP's callbacks, which may end nothing themselves -------------------------------------------- */

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct flow *f = arg;
	(void)pcb, (void)err;
	if (!f) {
		if (p)
			pbuf_free(p);
		return ERR_OK;
	}
	if (!p)
		f->in_end = true;
	else if (f->in)
		pbuf_cat(f->in, p);
	else
		f->in = p;
	pump_in(f);
	f->stack->any_over |= f->in_end;
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	(void)pcb, (void)len;
	if (arg)
		pump_out(arg);
	return ERR_OK;
}

/* The connection is gone already. */
static void on_error(void *arg, err_t err)
{
	struct flow *f = arg;
	if (!f)
		return;
	f->pcb = NULL;
	if (err == ERR_CLSD) /* both sides are done; what came may still wait for the program */
		f->stack->any_over = true;
	else
		flow_kill(f);
}

err_t flow_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct flow *f = arg;
	(void)pcb, (void)err;
	if (!f)
		return ERR_OK;
	f->connected = true;
	pump_out(f);
	return ERR_OK;
}

static void on_datagram(void *arg, struct udp_pcb *udp, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
	struct flow *f = arg;
	uint8_t *to = f->stack->chunk;
	(void)udp, (void)from, (void)port;
	size_t n = pbuf_copy_partial(p, to, sizeof(f->stack->chunk), 0);
	pbuf_free(p);
	if (n && send(f->watch.fd, to, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE)
		flow_kill(f);
}

/* ---- the program's side ---------------------------------------------------------------------------- */

static void pump_datagrams(struct flow *f)
{
	uint8_t *chunk = f->stack->chunk;
	ssize_t n;
	while ((n = recv(f->watch.fd, chunk, sizeof(f->stack->chunk), MSG_DONTWAIT)) > 0) {
		struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)n, PBUF_RAM);
		if (!p)
			continue;
		pbuf_take(p, chunk, (u16_t)n);
		udp_send(f->udp, p);
		pbuf_free(p);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		flow_kill(f);
}

static void flow_event(struct watch *w, uint32_t events)
{
	struct flow *f = container_of(w, struct flow, watch);
	struct stack *s = f->stack;
	f->hung_up |= (events & (EPOLLHUP | EPOLLERR)) != 0;
	if (f->udp) {
		pump_datagrams(f);
	} else {
		pump_out(f);
		pump_in(f);
		flow_settle(f);
	}
	stack_turn(s);
}

struct flow *flow_new(struct stack *s, int fd, struct rn_error *err)
{
	struct flow *f = s->n_flows < STACK_FLOWS_MAX ? calloc(1, sizeof(*f)) : NULL;
	if (!f) {
		rn_fail(err, RN_EAWAY, "too many connections inside the tunnel");
		close(fd);
		return NULL;
	}
	f->stack = s;
	f->watch = (struct watch){.fd = fd, .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				  .fn = flow_event};
	if (watch_add(s->loop, &f->watch, err)) {
		close(fd);
		free(f);
		return NULL;
	}
	f->prev = s->flows.prev;
	f->next = &s->flows;
	f->prev->next = f->next->prev = f;
	s->n_flows++;
	return f;
}

void flow_tcp(struct flow *f, struct tcp_pcb *pcb, bool connected)
{
	f->pcb = pcb;
	f->connected = connected;
	ip_set_option(pcb, SOF_KEEPALIVE);
	pcb->keep_idle = 60000;
	pcb->keep_intvl = 20000;
	pcb->keep_cnt = 3;
	tcp_nagle_disable(pcb);
	tcp_arg(pcb, f);
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
}

void flow_udp(struct flow *f, struct udp_pcb *udp)
{
	f->udp = udp;
	udp_recv(udp, on_datagram, f);
}
