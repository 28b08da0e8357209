/* SPDX-License-Identifier: MIT
 *
 * The Internet checksum (RFC 1071) and the few facts of IP headers that tun_cut.c, tun_join.c and
 * refuse.c share.
 */
#ifndef RN_WG_TUN_SUM_H
#define RN_WG_TUN_SUM_H

#include "wg/tun.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>

/* Newer than the headers of some systems. */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* The ones' complement sum in the machine's byte order, not folded. */
uint64_t sum_bytes(const uint8_t *p, size_t len, uint64_t sum);

static inline uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline bool is_v6(const uint8_t *ip)
{
	return ip[0] >> 4 == 6;
}

static inline size_t ip_header_len(const uint8_t *ip)
{
	return is_v6(ip) ? sizeof(struct ip6_hdr) : (size_t)(ip[0] & 15) * 4;
}

/* Sum of the pseudo header of RFC 9293 section 3.1 for LEN bytes of PROTOCOL. */
static inline uint64_t sum_pseudo(const uint8_t *ip, uint8_t protocol, size_t len)
{
	uint64_t sum = (uint64_t)htons(protocol) + htons((uint16_t)len);
	return is_v6(ip) ? sum_bytes(ip + 8, 32, sum) : sum_bytes(ip + 12, 8, sum);
}

#endif
