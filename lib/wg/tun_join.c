/* SPDX-License-Identifier: MIT
 *
 * Receive offload in user space: packets of one flow that arrived in a row go to the kernel as one,
 * which costs it one walk through its stack. The rules are those of the kernel's own GRO
 * (net/ipv4/tcp_offload.c, udp_offload.c): only packets that could be cut out of the joined one
 * again, byte for byte.
 */
#include "wg/tun_sum.h"

#include <netinet/tcp.h>
#include <netinet/udp.h>

struct segment {
	uint8_t *ip;
	size_t len;
	size_t l4;	/* where the TCP or UDP header begins */
	size_t headers; /* … and where the payload does */
	uint32_t seq;	/* TCP */
	bool last;	/* nothing may follow it in the same whole */
};

static bool is_tcp(const struct segment *s)
{
	return s->ip[is_v6(s->ip) ? 6 : 9] == IPPROTO_TCP;
}

/* An IP packet without fragments, options or extension headers, which tells its length right. */
static bool is_plain(const uint8_t *ip, size_t len)
{
	if (len >= 40 && ip[0] == 0x45)
		return get16(ip + 2) == len && !(get16(ip + 6) & 0xbfff);
	return len >= 60 && is_v6(ip) && get16(ip + 4) + 40U == len;
}

static bool take_tcp(struct segment *s)
{
	const uint8_t *tcp = s->ip + s->l4;
	s->headers = s->l4 + (size_t)(tcp[12] >> 4) * 4;
	s->seq = (uint32_t)get16(tcp + 4) << 16 | get16(tcp + 6);
	s->last = tcp[13] & TH_PUSH;
	return (tcp[13] & ~TH_PUSH) == TH_ACK && s->headers >= s->l4 + sizeof(struct tcphdr);
}

static bool take_udp(struct segment *s)
{
	const uint8_t *udp = s->ip + s->l4;
	s->headers = s->l4 + sizeof(struct udphdr);
	s->last = false;
	return get16(udp + 4) == s->len - s->l4 && get16(udp + 6);
}

/* By its headers alone. */
static bool is_joinable(const struct wg_pkt *p, bool uso, struct segment *s)
{
	*s = (struct segment){.ip = p->data, .len = p->len};
	if (!is_plain(s->ip, s->len))
		return false;
	s->l4 = ip_header_len(s->ip);
	uint8_t protocol = s->ip[is_v6(s->ip) ? 6 : 9];
	bool ok = protocol == IPPROTO_TCP ? take_tcp(s)
					  : uso && protocol == IPPROTO_UDP && take_udp(s);
	return ok && s->headers < s->len;
}

/* Only what is right is joined: afterwards nobody could tell that it was not. */
static bool is_valid(const struct segment *s)
{
	if (s->l4 == 20 && sum_fold(sum_bytes(s->ip, 20, 0)) != 0xffff)
		return false;
	size_t len = s->len - s->l4;
	uint64_t sum = sum_pseudo(s->ip, is_tcp(s) ? IPPROTO_TCP : IPPROTO_UDP, len);
	return sum_fold(sum_bytes(s->ip + s->l4, len, sum)) == 0xffff;
}

/* All that must be equal in the headers of A and B. */
static bool same_headers(const struct segment *a, const struct segment *b)
{
	const uint8_t *x = a->ip, *y = b->ip;
	if (a->headers != b->headers || a->l4 != b->l4 || x[0] != y[0] || x[1] != y[1])
		return false;
	bool ip = a->l4 == 20 ? !memcmp(x + 6, y + 6, 4) && !memcmp(x + 12, y + 12, 8)
			      : !memcmp(x + 2, y + 2, 2) && !memcmp(x + 6, y + 6, 34);
	if (!ip)
		return false;
	x += a->l4;
	y += a->l4;
	if (!is_tcp(a))
		return !memcmp(x, y, 4);
	/* Ports; acknowledgement and offset; window; urgent pointer and options. */
	return !memcmp(x, y, 4) && !memcmp(x + 8, y + 8, 5) && !memcmp(x + 14, y + 14, 2) &&
	       !memcmp(x + 18, y + 18, a->headers - a->l4 - 18);
}

/* Does NEXT continue what begins with FIRST and ends with LAST? */
static bool continues(const struct segment *first, const struct segment *last,
		      const struct segment *next)
{
	if (!same_headers(first, next) || next->len > first->len)
		return false;
	return !is_tcp(first) || next->seq == last->seq + (uint32_t)(last->len - last->headers);
}

/* FIRST becomes the header of TOTAL bytes; what was before it, the virtio-net header. */
static void finish(const struct segment *first, size_t total, bool push)
{
	uint8_t *ip = first->ip, *l4 = ip + first->l4;
	bool tcp = is_tcp(first);
	struct virtio_net_hdr how = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = !tcp	? VIRTIO_NET_HDR_GSO_UDP_L4
			    : is_v6(ip) ? VIRTIO_NET_HDR_GSO_TCPV6
					: VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)first->headers,
		.gso_size = (uint16_t)(first->len - first->headers),
		.csum_start = (uint16_t)first->l4,
		.csum_offset =
			tcp ? offsetof(struct tcphdr, th_sum) : offsetof(struct udphdr, uh_sum),
	};
	memcpy(ip - sizeof(how), &how, sizeof(how));
	size_t l4_len = total - first->l4;
	if (tcp && push)
		l4[13] |= TH_PUSH;
	if (!tcp)
		put16(l4 + 4, l4_len);
	/* The sum of the rest is the kernel's to add. */
	uint16_t sum = sum_fold(sum_pseudo(ip, tcp ? IPPROTO_TCP : IPPROTO_UDP, l4_len));
	memcpy(l4 + how.csum_offset, &sum, sizeof(sum));
	if (is_v6(ip)) {
		put16(ip + 4, l4_len);
		return;
	}
	put16(ip + 2, total);
	put16(ip + 10, 0);
	sum = (uint16_t)~sum_fold(sum_bytes(ip, first->l4, 0));
	memcpy(ip + 10, &sum, sizeof(sum));
}

void tun_join(struct tun_join *join, const struct wg_pkt *v, size_t n, bool uso)
{
	const size_t head = sizeof(struct virtio_net_hdr);
	struct segment first, last, next;
	memset(v[0].data - head, 0, head);
	join->iov[0] = (struct iovec){v[0].data - head, head + v[0].len};
	join->n = 1;
	if (n == 1 || !is_joinable(&v[0], uso, &first))
		return;
	size_t total = first.len;
	last = first;
	while (join->n < MIN(n, TUN_BATCH) && !last.last && last.len == first.len) {
		if (!is_joinable(&v[join->n], uso, &next) || !continues(&first, &last, &next))
			break;
		if ((join->n == 1 && !is_valid(&first)) || !is_valid(&next))
			break;
		size_t payload = next.len - next.headers;
		if (total + payload > TUN_PACKET_MAX)
			break;
		join->iov[join->n++] = (struct iovec){next.ip + next.headers, payload};
		total += payload;
		last = next;
	}
	if (join->n > 1)
		finish(&first, total, last.last);
}
