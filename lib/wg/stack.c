/* SPDX-License-Identifier: MIT */
#include "wg/stack_impl.h"

#include "wg/config.h"

#include <stdlib.h>

/* ---- addresses ---------------------------------------------------------------------------------- */

void stack_to_ip(const struct addr *a, ip_addr_t *ip)
{
	memset(ip, 0, sizeof(*ip));
	if (a->sa.sa_family == AF_INET) {
		ip->type = IPADDR_TYPE_V4;
		memcpy(&ip->u_addr.ip4.addr, &a->in.sin_addr, 4);
	} else {
		ip->type = IPADDR_TYPE_V6;
		memcpy(ip->u_addr.ip6.addr, &a->in6.sin6_addr, 16);
	}
}

void stack_from_ip(const ip_addr_t *ip, uint16_t port, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	if (ip->type == IPADDR_TYPE_V6) {
		a->sa.sa_family = AF_INET6;
		memcpy(&a->in6.sin6_addr, ip->u_addr.ip6.addr, 16);
	} else {
		a->sa.sa_family = AF_INET;
		memcpy(&a->in.sin_addr, &ip->u_addr.ip4.addr, 4);
	}
	addr_set_port(a, port);
}

/* The slot that holds IP, or (IP all zeros) a free one; -1: none. */
static int slot6(const struct stack *s, const void *ip)
{
	static const uint8_t none[16];
	for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
		if (memcmp(s->netif.ip6_addr[i].u_addr.ip6.addr, ip ? ip : none, 16) == 0)
			return i;
	return -1;
}

static int change_ip6(struct stack *s, const ip_addr_t *ip, bool add, struct rn_error *err)
{
	static const ip6_addr_t none;
	int slot = slot6(s, ip->u_addr.ip6.addr);
	if (!add && slot >= 0) {
		netif_ip6_addr_set_state(&s->netif, (s8_t)slot, IP6_ADDR_INVALID);
		netif_ip6_addr_set(&s->netif, (s8_t)slot, &none);
	}
	if (!add || slot >= 0)
		return 0;
	slot = slot6(s, NULL);
	if (slot < 0)
		return rn_fail(err, RN_ECONFIG, "engine netstack: more than %d IPv6 addresses",
			       LWIP_IPV6_NUM_ADDRESSES);
	netif_ip6_addr_set(&s->netif, (s8_t)slot, &ip->u_addr.ip6);
	netif_ip6_addr_set_state(&s->netif, (s8_t)slot, IP6_ADDR_PREFERRED);
	return 0;
}

/* The mask stays 0.0.0.0, and everything else goes to the peers: there is nobody beside us. */
static int change_ip4(struct stack *s, const ip_addr_t *ip, bool add, struct rn_error *err)
{
	static const ip4_addr_t none;
	uint32_t now = s->netif.ip_addr.u_addr.ip4.addr, wanted = ip->u_addr.ip4.addr;
	if (!add && now == wanted)
		netif_set_ipaddr(&s->netif, &none);
	if (!add || now == wanted)
		return 0;
	if (now)
		return rn_fail(err, RN_ECONFIG, "engine netstack: more than one IPv4 address");
	netif_set_ipaddr(&s->netif, &ip->u_addr.ip4);
	return 0;
}

static int change_address(struct stack *s, const struct request *rq, struct rn_error *err)
{
	struct addr a;
	ip_addr_t ip;
	wg_cidr_addr(&rq->cidr, &a);
	stack_to_ip(&a, &ip);
	return (a.sa.sa_family == AF_INET ? change_ip4 : change_ip6)(s, &ip, rq->add, err);
}

static int bring_up(struct stack *s, unsigned mtu)
{
	s->netif.mtu = s->netif.mtu6 = (u16_t)MIN(mtu, 1500U);
	netif_set_up(&s->netif);
	netif_set_link_up(&s->netif);
	return 0;
}

int stack_carry(void *ctx, const struct request *rq, int *fd, struct rn_error *err)
{
	struct stack *s = ctx;
	int code;
	switch (rq->verb) {
	case VERB_UP:
		return bring_up(s, rq->mtu);
	case VERB_ADDRESS:
		code = change_address(s, rq, err);
		break;
	case VERB_ROUTE: /* there is one way out, and the engine knows whose address it is */
	case VERB_REMOVE:
		return 0;
	case VERB_LISTEN:
		code = *fd = stack_listen(s, &rq->local, err);
		break;
	case VERB_CONNECT:
		code = *fd = stack_connect(s, &rq->local, err);
		break;
	case VERB_UDP:
		code = *fd = stack_udp(s, &rq->local, rq->has_peer ? &rq->peer : NULL, err);
		break;
	default:
		return rn_fail(err, RN_ENO, "engine netstack has no device");
	}
	stack_turn(s);
	return code < 0 ? code : 0;
}

/* ---- packets out -------------------------------------------------------------------------------- */

static void flush(struct stack *s)
{
	size_t n = s->n_out;
	s->n_out = s->used = 0;
	if (n)
		s->ops->output(s->ctx, s->out, n);
}

/* Lays packets so far apart that the datagrams made of them are contiguous. */
static err_t output(struct netif *netif, struct pbuf *p)
{
	struct stack *s = netif->state;
	size_t len = WG_SEALED_LEN((size_t)p->tot_len);
	bool full = s->n_out == STACK_QUEUE || s->used + len > sizeof(s->room);
	if (full && !s->feeding)
		flush(s);
	if ((full && s->feeding) || len > sizeof(s->room))
		return ERR_MEM; /* lwIP comes again */
	struct wg_pkt *pkt = &s->out[s->n_out++];
	*pkt = (struct wg_pkt){.data = s->room + s->used + WG_HEAD, .len = p->tot_len};
	pbuf_copy_partial(p, pkt->data, p->tot_len, 0);
	s->used += len;
	return ERR_OK;
}

static err_t output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
	(void)to;
	return output(netif, p);
}

static err_t output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
	(void)to;
	return output(netif, p);
}

/* ---- packets in --------------------------------------------------------------------------------- */

static bool too_many(void)
{
	size_t n = 0;
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
		n++;
	return n >= 2 * STACK_FLOWS_MAX;
}

/* Where the transport header is, and its protocol; 0: not for us. Fragments and extension headers, which
 * could hide what admits looks for, are no part of what this carries. */
static size_t transport(const struct stack *s, const struct wg_pkt *pkt, uint8_t *protocol)
{
	const uint8_t *ip = pkt->data;
	if (pkt->len >= 20 && ip[0] >> 4 == 4) {
		*protocol = ip[9];
		bool fragment = (ip[6] & 0x3f) || ip[7];
		bool own = memcmp(ip + 12, &s->netif.ip_addr.u_addr.ip4.addr, 4) == 0;
		return fragment || own ? 0 : (size_t)(ip[0] & 15) * 4;
	}
	if (pkt->len >= 40 && ip[0] >> 4 == 6) {
		*protocol = ip[6];
		return slot6(s, ip + 8) >= 0 ? 0 : 40;
	}
	return 0;
}

/* A packet that says it is from ourselves would have lwIP answer over a loopback that it does not have
 * here; and beginnings of connections cost memory. */
static bool admits(const struct stack *s, const struct wg_pkt *pkt)
{
	uint8_t protocol = 0;
	size_t at = transport(s, pkt, &protocol);
	if (at < 20 || pkt->len < at + 8)
		return false;
	if (protocol == IPPROTO_UDP || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return true;
	if (protocol != IPPROTO_TCP || pkt->len < at + 20)
		return false;
	bool begins = (pkt->data[at + 13] & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	return !begins || !too_many();
}

void stack_input(struct stack *s, const struct wg_pkt *v, size_t n)
{
	s->feeding = true;
	for (size_t i = 0; i < n; i++) {
		struct pbuf *p = admits(s, &v[i]) ? pbuf_alloc(PBUF_RAW, (u16_t)v[i].len, PBUF_RAM) : NULL;
		if (!p)
			continue;
		pbuf_take(p, v[i].data, (u16_t)v[i].len);
		if (s->netif.input(p, &s->netif) != ERR_OK)
			pbuf_free(p);
	}
	s->feeding = false;
}

/* ---- time, beginning and end -------------------------------------------------------------------- */

static void bury(struct stack *s)
{
	s->any_over = false;
	for (struct flow *f = s->flows.next, *next; f != &s->flows; f = next) {
		next = f->next;
		flow_settle(f);
		if (f->dead)
			flow_free(f);
	}
	for (struct door **at = &s->doors, *d; (d = *at) != NULL;) {
		if (!d->dead) {
			at = &d->next;
			continue;
		}
		*at = d->next;
		door_free(d);
	}
}

void stack_turn(struct stack *s)
{
	sys_check_timeouts();
	while (s->any_over)
		bury(s);
	flush(s);
	u32_t wait = sys_timeouts_sleeptime();
	if (wait == SYS_TIMEOUTS_SLEEPTIME_INFINITE)
		timer_stop(s->loop, &s->timer);
	else
		timer_start(s->loop, &s->timer, wait);
}

static void time_event(struct timer *t)
{
	stack_turn(container_of(t, struct stack, timer));
}

static err_t set_up_netif(struct netif *netif)
{
	netif->name[0] = 'w';
	netif->name[1] = 'g';
	netif->output = output4;
	netif->output_ip6 = output6;
	netif->mtu = netif->mtu6 = WG_MTU_DEFAULT;
	netif->ip6_autoconfig_enabled = 0;
	netif->rs_count = 0;
	return ERR_OK;
}

static void init_lwip(void)
{
	static bool done;
	unsigned seed;
	if (done)
		return;
	done = true;
	random_bytes(&seed, sizeof(seed));
	srand(seed); /* lwIP's source of ports */
	lwip_init();
}

struct stack *stack_new(struct loop *l, const char *run_dir, const char *name, const struct stack_ops *ops,
			void *ctx, struct rn_error *err)
{
	struct stack *s = calloc(1, sizeof(*s));
	if (!s) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	s->loop = l;
	s->ops = ops;
	s->ctx = ctx;
	s->flows.prev = s->flows.next = &s->flows;
	s->timer.fn = time_event;
	int n = snprintf(s->prefix, sizeof(s->prefix), "%s/wg-%s.", run_dir, name);
	init_lwip();
	if (n < 0 || (size_t)n >= sizeof(s->prefix))
		rn_fail(err, RN_ECONFIG, "%s/wg-%s: too long for a socket", run_dir, name);
	else if (!netif_add_noaddr(&s->netif, s, set_up_netif, ip_input))
		rn_fail(err, RN_EOS, "lwIP does not take the device");
	else {
		netif_set_default(&s->netif);
		return s;
	}
	free(s);
	return NULL;
}

void stack_free(struct stack *s)
{
	if (!s)
		return;
	timer_stop(s->loop, &s->timer);
	while (s->flows.next != &s->flows)
		flow_free(s->flows.next);
	for (struct door *d = s->doors, *next; d; d = next) {
		next = d->next;
		door_free(d);
	}
	netif_remove(&s->netif);
	flush(s);
	free(s);
}
