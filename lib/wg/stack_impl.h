/* SPDX-License-Identifier: MIT
 *
 * For stack*.c alone.
 */
#ifndef RN_WG_STACK_IMPL_H
#define RN_WG_STACK_IMPL_H

#include "wg/lwip.h"
#include "wg/stack.h"

#define STACK_FLOWS_MAX 1024 /* connections and connected UDP sockets; lwIP itself has no limit */
#define STACK_CHUNK 16384
#define STACK_QUEUE 256
#define STACK_QUEUE_BYTES (STACK_QUEUE * 2048)

/* A connection (PCB) or a UDP socket (UDP) inside, and the unix socket that stands for it. */
struct flow {
	struct flow *prev, *next;
	struct stack *stack;
	struct watch watch;
	struct tcp_pcb *pcb; /* NULL: it is over */
	struct udp_pcb *udp;
	struct pbuf *in;   /* received, and not yet taken by the program */
	struct pbuf *held; /* read from the program, and not yet taken by lwIP */
	bool connected;
	bool in_end;  /* the peer sends no more */
	bool in_told; /* and the program knows */
	bool out_end; /* the program sends no more, and the peer is told */
	bool hung_up; /* the program has closed */
	bool dead;    /* goes at the next turn */
};

struct door { /* a listener */
	struct door *next;
	struct stack *stack;
	struct tcp_pcb *pcb;
	struct addr at;
	struct sockaddr_un path;
	bool dead;
};

struct stack {
	struct loop *loop;
	const struct stack_ops *ops;
	void *ctx;
	char prefix[108]; /* of listeners' paths */
	struct netif netif;
	struct timer timer;
	struct flow flows; /* head */
	size_t n_flows;
	struct door *doors;
	uint64_t serial;
	bool feeding, any_over;
	size_t n_out, used;
	struct wg_pkt out[STACK_QUEUE];
	uint8_t room[STACK_QUEUE_BYTES];
	uint8_t chunk[STACK_CHUNK];
};

/* stack.c */
void stack_to_ip(const struct addr *a, ip_addr_t *ip);
void stack_from_ip(const ip_addr_t *ip, uint16_t port, struct addr *a);

/* stack_flow.c */

/* A flow for FD, which is its from now on (closed on failure, too). */
struct flow *flow_new(struct stack *s, int fd, struct rn_error *err) must_check;
/* PCB is F's from now on. */
void flow_tcp(struct flow *f, struct tcp_pcb *pcb, bool connected);
void flow_udp(struct flow *f, struct udp_pcb *udp);
err_t flow_connected(void *arg, struct tcp_pcb *pcb, err_t err);
/* At the next turn. */
void flow_kill(struct flow *f);
/* Ends what has ended on both sides. */
void flow_settle(struct flow *f);
/* Now; not from lwIP's callbacks. */
void flow_free(struct flow *f);

/* stack_open.c */
int stack_listen(struct stack *s, const struct addr *a, struct rn_error *err) must_check;
int stack_connect(struct stack *s, const struct addr *a, struct rn_error *err) must_check;
int stack_udp(struct stack *s, const struct addr *local, const struct addr *peer,
	      struct rn_error *err) must_check;
void door_free(struct door *d);

#endif
