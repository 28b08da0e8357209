/* SPDX-License-Identifier: MIT
 *
 * Receive offload in user space: packets of one TCP connection that arrived in a row go to the kernel
 * as one, which costs it one walk through its stack. The rules are those of the kernel's own GRO
 * (net/ipv4/tcp_offload.c): only packets that could be cut out of the joined one again, byte for byte.
 */
#include "wg/tun_sum.h"

#include <netinet/tcp.h>

struct segment {
	uint8_t *ip;
	size_t len;
	size_t tcp;     /* where the TCP header begins */
	size_t headers; /* … and where the payload does */
	uint32_t seq;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* TCP in an IP packet without fragments, options or extension headers, which tells its length right. */
static bool is_plain_tcp(const uint8_t *ip, size_t len)
{
	if (len >= 40 && ip[0] == 0x45)
		return ip[9] == IPPROTO_TCP && get16(ip + 2) == len && !(get16(ip + 6) & 0xbfff);
	return len >= 60 && is_v6(ip) && ip[6] == IPPROTO_TCP && get16(ip + 4) + 40U == len;
}

/* Only data with a valid checksum: afterwards nobody could tell that it was not. */
static bool is_joinable(const struct wg_pkt *p, struct segment *s)
{
	s->ip = p->data;
	s->len = p->len;
	if (!is_plain_tcp(s->ip, s->len))
		return false;
	s->tcp = ip_header_len(s->ip);
	const uint8_t *tcp = s->ip + s->tcp;
	s->headers = s->tcp + (size_t)(tcp[12] >> 4) * 4;
	s->seq = (uint32_t)get16(tcp + 4) << 16 | get16(tcp + 6);
	if ((tcp[13] & ~TH_PUSH) != TH_ACK || s->headers < s->tcp + 20 || s->headers >= s->len)
		return false;
	if (s->tcp == 20 && sum_fold(sum_bytes(s->ip, 20, 0)) != 0xffff)
		return false;
	size_t tcp_len = s->len - s->tcp;
	return sum_fold(sum_bytes(tcp, tcp_len, sum_pseudo(s->ip, tcp_len))) == 0xffff;
}

/* All that must be equal in the headers of A and B. */
static bool same_headers(const struct segment *a, const struct segment *b)
{
	const uint8_t *x = a->ip, *y = b->ip;
	if (a->headers != b->headers || a->tcp != b->tcp || x[0] != y[0] || x[1] != y[1])
		return false;
	bool ip = a->tcp == 20 ? !memcmp(x + 6, y + 6, 4) && !memcmp(x + 12, y + 12, 8)
			       : !memcmp(x + 2, y + 2, 2) && !memcmp(x + 6, y + 6, 34);
	if (!ip)
		return false;
	x += a->tcp;
	y += a->tcp;
	/* Ports; acknowledgement and offset; window; urgent pointer and options. */
	return !memcmp(x, y, 4) && !memcmp(x + 8, y + 8, 5) && !memcmp(x + 14, y + 14, 2) &&
	       !memcmp(x + 18, y + 18, a->headers - a->tcp - 18);
}

/* FIRST becomes the header of TOTAL bytes; what was before it, the virtio-net header. */
static void finish(const struct segment *first, size_t total, size_t gso_size, uint8_t push)
{
	uint8_t *ip = first->ip, *tcp = ip + first->tcp;
	struct virtio_net_hdr how = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = is_v6(ip) ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)first->headers,
		.gso_size = (uint16_t)gso_size,
		.csum_start = (uint16_t)first->tcp,
		.csum_offset = offsetof(struct tcphdr, th_sum),
	};
	memcpy(ip - sizeof(how), &how, sizeof(how));
	tcp[13] |= push;
	uint16_t sum = sum_fold(sum_pseudo(ip, total - first->tcp)); /* the rest is the kernel's */
	memcpy(tcp + offsetof(struct tcphdr, th_sum), &sum, sizeof(sum));
	if (is_v6(ip)) {
		put16(ip + 4, total - first->tcp);
		return;
	}
	put16(ip + 2, total);
	put16(ip + 10, 0);
	sum = (uint16_t)~sum_fold(sum_bytes(ip, first->tcp, 0));
	memcpy(ip + 10, &sum, sizeof(sum));
}

void tun_join(struct tun_join *join, const struct wg_pkt *v, size_t n)
{
	const size_t head = sizeof(struct virtio_net_hdr);
	struct segment first, last, next;
	memset(v[0].data - head, 0, head);
	join->iov[0] = (struct iovec){v[0].data - head, head + v[0].len};
	join->n = 1;
	if (n == 1 || !is_joinable(&v[0], &first))
		return;
	size_t gso_size = first.len - first.headers, total = first.len;
	uint8_t push = first.ip[first.tcp + 13] & TH_PUSH;
	last = first;
	while (join->n < MIN(n, TUN_BATCH) && !push && last.len == first.len) {
		if (!is_joinable(&v[join->n], &next) || !same_headers(&first, &next) ||
		    next.seq != last.seq + gso_size || next.len > first.len)
			break;
		size_t payload = next.len - next.headers;
		if (total + payload > TUN_PACKET_MAX)
			break;
		join->iov[join->n++] = (struct iovec){next.ip + next.headers, payload};
		total += payload;
		push = next.ip[next.tcp + 13] & TH_PUSH;
		last = next;
	}
	if (join->n > 1)
		finish(&first, total, gso_size, push);
}
