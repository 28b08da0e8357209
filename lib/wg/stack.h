/* SPDX-License-Identifier: MIT
 *
 * The inside of a tunnel without the kernel: lwIP's TCP and UDP in our own thread and loop, for where there
 * is neither TUN nor a namespace. Plain packets come in by stack_input and leave by ops.output; programs get
 * unix sockets, whose bytes are carried to and from lwIP's connections, each only as fast as both ends
 * take them:
 *
 *   listen   a listening SOCK_STREAM socket in RUN_DIR, which the stack connects to for each visitor; the
 *            names of both ends tell the addresses (SOCK_INSIDE_MARK of net.h)
 *   connect  one end of a pair; it is connected at once, and a connection that fails ends without a byte
 *   udp      connected: one end of a SOCK_SEQPACKET pair. Not connected: refused
 *
 * lwIP keeps its state in globals: one stack a process.
 *
 *   stack.c       the netif, addresses, packets, time
 *   stack_flow.c  a connection and its unix socket
 *   stack_open.c  listeners, connections, UDP sockets
 */
#ifndef RN_WG_STACK_H
#define RN_WG_STACK_H

#include "wg/inside_impl.h"
#include "wg/wg.h"

struct stack;

struct stack_ops {
	/* Packets for wg_input_tun, with room around them as it wants. Never called from stack_input. */
	void (*output)(void *ctx, const struct wg_pkt *v, size_t n);
	/* Whether some peer has the address. */
	bool (*reaches)(void *ctx, const struct addr *a);
};

struct stack *stack_new(struct loop *l, const char *run_dir, const char *name, const struct stack_ops *ops,
			void *ctx, struct rn_error *err) must_check;
/* All its connections are reset, which OPS still carries out. NULL is fine. */
void stack_free(struct stack *s);

/* Takes packets, as ops.deliver of wg.h gives them. What is to be sent waits for stack_turn. */
void stack_input(struct stack *s, const struct wg_pkt *v, size_t n);
/* Sends what waits, and ends what is over. */
void stack_turn(struct stack *s);

inside_carry_fn stack_carry;

#endif
