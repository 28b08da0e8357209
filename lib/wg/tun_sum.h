/* SPDX-License-Identifier: MIT
 *
 * The Internet checksum (RFC 1071) and the few facts of IP headers that tun_cut.c and tun_join.c
 * share.
 */
#ifndef RN_WG_TUN_SUM_H
#define RN_WG_TUN_SUM_H

#include "wg/tun.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>

/* The ones' complement sum in the machine's byte order, not folded. */
static inline uint64_t sum_bytes(const uint8_t *p, size_t len, uint64_t sum)
{
	uint64_t w[2];
	for (; len >= sizeof(w); p += sizeof(w), len -= sizeof(w)) {
		memcpy(w, p, sizeof(w));
		sum += (w[0] & UINT32_MAX) + (w[0] >> 32) + (w[1] & UINT32_MAX) + (w[1] >> 32);
	}
	if (len) {
		memset(w, 0, sizeof(w));
		memcpy(w, p, len);
		sum += (w[0] & UINT32_MAX) + (w[0] >> 32) + (w[1] & UINT32_MAX) + (w[1] >> 32);
	}
	return sum;
}

static inline uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline bool is_v6(const uint8_t *ip)
{
	return ip[0] >> 4 == 6;
}

static inline size_t ip_header_len(const uint8_t *ip)
{
	return is_v6(ip) ? sizeof(struct ip6_hdr) : (size_t)(ip[0] & 15) * 4;
}

/* Sum of the pseudo header of RFC 9293 section 3.1 for LEN bytes of TCP. */
static inline uint64_t sum_pseudo(const uint8_t *ip, size_t len)
{
	uint64_t sum = (uint64_t)htons(IPPROTO_TCP) + htons((uint16_t)len);
	return is_v6(ip) ? sum_bytes(ip + 8, 32, sum) : sum_bytes(ip + 12, 8, sum);
}

#endif
