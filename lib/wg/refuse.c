/* SPDX-License-Identifier: MIT */
#include "wg/refuse.h"

#include "wg/tun_sum.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#define HOPS 64

/* RFC 1122, 3.2.2. */
static bool may_refuse4(const uint8_t *ip, size_t len)
{
	size_t at = len >= 20 ? ip_header_len(ip) : 0;
	if (at < 20 || len < at + 8 || (ip[6] & 0x1f) || ip[7] || ip[16] >= 224)
		return false;
	return ip[9] != IPPROTO_ICMP || ip[at] == ICMP_ECHO;
}

/* RFC 4443, 2.4. */
static bool may_refuse6(const uint8_t *ip, size_t len)
{
	if (len < 48 || ip[24] == 0xff)
		return false;
	return ip[6] != IPPROTO_ICMPV6 || ip[40] & 0x80;
}

static size_t make4(const uint8_t *ip, size_t len, uint8_t *out)
{
	size_t quoted = MIN(len, (size_t)REFUSE_MAX - 28), total = 28 + quoted;
	memset(out, 0, 28);
	out[0] = 0x45;
	put16(out + 2, total);
	out[8] = HOPS;
	out[9] = IPPROTO_ICMP;
	memcpy(out + 12, ip + 16, 4);
	memcpy(out + 16, ip + 12, 4);
	uint16_t sum = (uint16_t)~sum_fold(sum_bytes(out, 20, 0));
	memcpy(out + 10, &sum, 2);
	out[20] = ICMP_DEST_UNREACH;
	out[21] = ICMP_HOST_UNREACH;
	memcpy(out + 28, ip, quoted);
	sum = (uint16_t)~sum_fold(sum_bytes(out + 20, total - 20, 0));
	memcpy(out + 22, &sum, 2);
	return total;
}

static size_t make6(const uint8_t *ip, size_t len, uint8_t *out)
{
	size_t quoted = MIN(len, (size_t)REFUSE_MAX - 48), payload = 8 + quoted;
	memset(out, 0, 48);
	out[0] = 0x60;
	put16(out + 4, payload);
	out[6] = IPPROTO_ICMPV6;
	out[7] = HOPS;
	memcpy(out + 8, ip + 24, 16);
	memcpy(out + 24, ip + 8, 16);
	out[40] = ICMP6_DST_UNREACH;
	out[41] = ICMP6_DST_UNREACH_ADDR;
	memcpy(out + 48, ip, quoted);
	uint64_t pseudo = (uint64_t)htons(IPPROTO_ICMPV6) + htons((uint16_t)payload);
	uint16_t sum = (uint16_t)~sum_fold(sum_bytes(out + 40, payload, sum_bytes(out + 8, 32, pseudo)));
	memcpy(out + 42, &sum, 2);
	return 40 + payload;
}

size_t refuse_make(const uint8_t *ip, size_t len, uint8_t out[static REFUSE_MAX])
{
	if (len && ip[0] >> 4 == 4)
		return may_refuse4(ip, len) ? make4(ip, len, out) : 0;
	if (len && is_v6(ip))
		return may_refuse6(ip, len) ? make6(ip, len, out) : 0;
	return 0;
}
