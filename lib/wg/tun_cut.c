/* SPDX-License-Identifier: MIT
 *
 * Segmentation in user space: what a network card with TSO does to the large packets that the
 * kernel hands over with a virtio-net header (virtio 1.2, section 5.1.6.2).
 */
#include "wg/tun_sum.h"

#include <netinet/tcp.h>

static bool wants_cut(const struct tun_big *big)
{
	return (big->how.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) != VIRTIO_NET_HDR_GSO_NONE;
}

bool tun_big_start(struct tun_big *big)
{
	big->headers = big->pos = big->segment = 0;
	uint8_t version = big->len ? big->ip[0] >> 4 : 0;
	size_t at = version == 4 || version == 6 ? ip_header_len(big->ip) : 0;
	if (at < sizeof(struct ip) || big->len < at)
		return false;
	if (!wants_cut(big)) {
		size_t field = (size_t)big->how.csum_start + big->how.csum_offset;
		return !(big->how.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
		       (big->how.csum_start <= big->len && field + 2 <= big->len);
	}
	uint8_t type = big->how.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	if (type != (version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6))
		return false;
	if (big->len < at + sizeof(struct tcphdr) || !big->how.gso_size)
		return false;
	size_t tcp_len = (size_t)(big->ip[at + 12] >> 4) * 4;
	big->headers = big->pos = at + tcp_len;
	return tcp_len >= sizeof(struct tcphdr) && big->len > big->headers;
}

static void finish_ip(const struct tun_big *big, uint8_t *ip, size_t len)
{
	if (is_v6(ip)) {
		uint16_t payload = htons((uint16_t)(len - sizeof(struct ip6_hdr)));
		memcpy(ip + 4, &payload, 2);
		return;
	}
	struct ip h;
	memcpy(&h, ip, sizeof(h));
	h.ip_len = htons((uint16_t)len);
	h.ip_id = htons((uint16_t)(ntohs(h.ip_id) + big->segment));
	h.ip_sum = 0;
	memcpy(ip, &h, sizeof(h));
	uint16_t sum = (uint16_t)~sum_fold(sum_bytes(ip, ip_header_len(ip), 0));
	memcpy(ip + offsetof(struct ip, ip_sum), &sum, 2);
}

static void finish_tcp(const struct tun_big *big, uint8_t *ip, size_t len, bool last)
{
	uint8_t *tcp = ip + ip_header_len(ip);
	size_t tcp_len = len - ip_header_len(ip);
	struct tcphdr h;
	memcpy(&h, tcp, sizeof(h));
	h.th_seq = htonl(ntohl(h.th_seq) + big->segment * big->how.gso_size);
	if (!last)
		h.th_flags &= (uint8_t)~(TH_FIN | TH_PUSH);
	if (big->segment)
		h.th_flags &= (uint8_t)~0x80; /* CWR stands in the first segment only (RFC 3168) */
	h.th_sum = 0;
	memcpy(tcp, &h, sizeof(h));
	uint16_t sum = (uint16_t)~sum_fold(sum_bytes(tcp, tcp_len, sum_pseudo(ip, tcp_len)));
	memcpy(tcp + offsetof(struct tcphdr, th_sum), &sum, 2);
}

/* A packet that stays whole; the kernel may have left its checksum to us. */
static size_t copy_whole(struct tun_big *big, uint8_t *out)
{
	size_t len = big->len;
	memcpy(out, big->ip, len);
	if (big->how.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		size_t from = big->how.csum_start;
		uint16_t sum = (uint16_t)~sum_fold(sum_bytes(out + from, len - from, 0));
		if (!sum)
			sum = 0xffff; /* 0 means "none" in UDP, and is the same number in TCP */
		memcpy(out + from + big->how.csum_offset, &sum, 2);
	}
	big->len = 0;
	return len;
}

size_t tun_big_next(struct tun_big *big, uint8_t *out, size_t room)
{
	if (!big->headers)
		return big->len <= room ? copy_whole(big, out) : 0;
	size_t payload = MIN((size_t)big->how.gso_size, big->len - big->pos);
	size_t len = big->headers + payload;
	if (len > room)
		return 0;
	bool last = big->pos + payload == big->len;
	memcpy(out, big->ip, big->headers);
	memcpy(out + big->headers, big->ip + big->pos, payload);
	finish_ip(big, out, len);
	finish_tcp(big, out, len, last);
	big->pos += payload;
	big->segment++;
	if (last)
		big->len = 0;
	return len;
}
