/* SPDX-License-Identifier: MIT
 *
 * Segmentation in user space: what a network card with TSO and USO does to the large packets that
 * the kernel hands over with a virtio-net header (virtio 1.2, section 5.1.6.2).
 */
#include "wg/tun_sum.h"

#include <netinet/tcp.h>
#include <netinet/udp.h>

static uint8_t gso_type(const struct tun_big *big)
{
	return big->how.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
}

bool tun_whole(const struct virtio_net_hdr *how, uint8_t *ip, size_t len)
{
	uint8_t version = len ? ip[0] >> 4 : 0;
	if ((version != 4 && version != 6) || len < sizeof(struct ip))
		return false;
	if (!(how->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	size_t from = how->csum_start, field = from + how->csum_offset;
	if (from > len || field + 2 > len)
		return false;
	uint16_t sum = (uint16_t)~sum_fold(sum_bytes(ip + from, len - from, 0));
	if (!sum)
		sum = 0xffff; /* 0 means "none" in UDP, and is the same number in TCP */
	memcpy(ip + field, &sum, 2);
	return true;
}

bool tun_big_start(struct tun_big *big)
{
	big->headers = big->pos = big->segment = 0;
	uint8_t version = big->len ? big->ip[0] >> 4 : 0, type = gso_type(big);
	size_t at = version == 4 || version == 6 ? ip_header_len(big->ip) : 0;
	if (at < sizeof(struct ip) || big->len < at)
		return false;
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return tun_whole(&big->how, big->ip, big->len);
	size_t head = sizeof(struct udphdr);
	if (type == (version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6)) {
		if (big->len < at + sizeof(struct tcphdr))
			return false;
		head = (size_t)(big->ip[at + 12] >> 4) * 4;
		if (head < sizeof(struct tcphdr))
			return false;
	} else if (type != VIRTIO_NET_HDR_GSO_UDP_L4) {
		return false;
	}
	big->headers = big->pos = at + head;
	return big->how.gso_size && big->len > big->headers;
}

static void finish_ip(const struct tun_big *big, uint8_t *ip, size_t len)
{
	if (is_v6(ip)) {
		put16(ip + 4, len - sizeof(struct ip6_hdr));
		return;
	}
	put16(ip + 2, len);
	put16(ip + 4, (uint16_t)(get16(ip + 4) + big->segment));
	put16(ip + 10, 0);
	uint16_t sum = (uint16_t)~sum_fold(sum_bytes(ip, ip_header_len(ip), 0));
	memcpy(ip + 10, &sum, 2);
}

static void finish_tcp(const struct tun_big *big, uint8_t *ip, size_t len, bool last)
{
	uint8_t *tcp = ip + ip_header_len(ip);
	size_t tcp_len = len - ip_header_len(ip);
	struct tcphdr h;
	memcpy(&h, tcp, sizeof(h));
	h.th_seq = htonl(ntohl(h.th_seq) + big->segment * big->how.gso_size);
	if (!last)
		h.th_flags &= (uint8_t) ~(TH_FIN | TH_PUSH);
	if (big->segment)
		h.th_flags &= (uint8_t)~0x80; /* CWR stands in the first segment only (RFC 3168) */
	h.th_sum = 0;
	memcpy(tcp, &h, sizeof(h));
	uint16_t sum =
		(uint16_t)~sum_fold(sum_bytes(tcp, tcp_len, sum_pseudo(ip, IPPROTO_TCP, tcp_len)));
	memcpy(tcp + offsetof(struct tcphdr, th_sum), &sum, 2);
}

static void finish_udp(uint8_t *ip, size_t len)
{
	uint8_t *udp = ip + ip_header_len(ip);
	size_t udp_len = len - ip_header_len(ip);
	put16(udp + 4, udp_len);
	put16(udp + 6, 0);
	uint16_t sum =
		(uint16_t)~sum_fold(sum_bytes(udp, udp_len, sum_pseudo(ip, IPPROTO_UDP, udp_len)));
	if (!sum)
		sum = 0xffff; /* 0 means "none" */
	memcpy(udp + 6, &sum, 2);
}

size_t tun_big_next(struct tun_big *big, uint8_t *out, size_t room)
{
	size_t payload = big->len - big->pos;
	if (big->headers)
		payload = MIN((size_t)big->how.gso_size, payload);
	size_t len = big->headers + payload;
	if (len > room)
		return 0;
	bool last = big->pos + payload == big->len;
	memcpy(out, big->ip, big->headers);
	memcpy(out + big->headers, big->ip + big->pos, payload);
	if (big->headers)
		finish_ip(big, out, len);
	if (big->headers && gso_type(big) == VIRTIO_NET_HDR_GSO_UDP_L4)
		finish_udp(out, len);
	else if (big->headers)
		finish_tcp(big, out, len, last);
	big->pos += payload;
	big->segment++;
	if (last)
		big->len = 0;
	return len;
}
