/* SPDX-License-Identifier: MIT
 *
 * Cutting the kernel's large packets: lengths, sequence numbers, flags, and checksums held against a
 * slow reference.
 */
#include "tap.h"

#include "wg/tun.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

static struct tun_big big;

static uint16_t slow_sum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)(i % 2 ? p[i] : p[i] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t pseudo(const uint8_t *ip, size_t at, size_t len)
{
	uint32_t sum = (uint32_t)(IPPROTO_TCP + (len - at));
	return slow_sum(at == 40 ? ip + 8 : ip + 12, at == 40 ? 32 : 8, sum);
}

static bool tcp_valid(const uint8_t *ip, size_t at, size_t len)
{
	return slow_sum(ip + at, len - at, pseudo(ip, at, len)) == 0xffff;
}

/* An IPv4 or IPv6 TCP packet of PAYLOAD bytes; where its TCP header begins. */
static size_t make(bool v6, size_t payload, uint16_t gso_size)
{
	memset(&big, 0, sizeof(big));
	size_t at = v6 ? 40 : 20;
	big.len = at + 20 + payload;
	for (size_t i = 0; i < payload; i++)
		big.ip[at + 20 + i] = (uint8_t)(i * 7);
	big.ip[0] = v6 ? 0x60 : 0x45;
	big.ip[v6 ? 6 : 9] = IPPROTO_TCP;
	memset(big.ip + (v6 ? 8 : 12), 0x0a, v6 ? 32 : 8);
	big.ip[at + 7] = 100; /* sequence number */
	big.ip[at + 12] = 5 << 4;
	big.ip[at + 13] = 0x80 | TH_ACK | TH_PUSH | TH_FIN;
	big.how.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	big.how.gso_type = v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	big.how.gso_size = gso_size;
	big.how.csum_start = (uint16_t)at;
	big.how.csum_offset = 16;
	return at;
}

static uint32_t seq_of(const uint8_t *tcp)
{
	return (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
}

static void check_cut(bool v6)
{
	static uint8_t out[2000];
	size_t at = make(v6, 3000, 1300), sizes[3], n = 0;
	bool sums = true, lengths = true, seqs = true, bytes = true;
	uint8_t flags[3] = {0};
	TAP_OK(tun_big_start(&big), v6 ? "IPv6 is taken" : "IPv4 is taken");
	TAP_OK(tun_big_next(&big, out, 100) == 0 && big.len, "no room changes nothing");
	while (big.len && n < 3) {
		size_t len = sizes[n] = tun_big_next(&big, out, sizeof(out));
		size_t told = v6 ? 40 + (size_t)(out[4] << 8 | out[5]) : (size_t)(out[2] << 8 | out[3]);
		lengths &= told == len;
		sums &= tcp_valid(out, at, len) && (v6 || slow_sum(out, 20, 0) == 0xffff);
		seqs &= seq_of(out + at) == 100 + n * 1300;
		for (size_t i = 0; i < len - at - 20; i++)
			bytes &= out[at + 20 + i] == (uint8_t)((n * 1300 + i) * 7);
		flags[n++] = out[at + 13];
	}
	TAP_OK(n == 3 && sizes[0] == at + 1320 && sizes[2] == at + 20 + 400 && !big.len, "three pieces");
	TAP_OK(lengths, "their lengths");
	TAP_OK(sums, "their checksums");
	TAP_OK(seqs, "their sequence numbers");
	TAP_OK(bytes, "their bytes");
	TAP_OK(flags[0] == (0x80 | TH_ACK) && flags[1] == TH_ACK &&
		       flags[2] == (TH_ACK | TH_PUSH | TH_FIN),
	       "CWR in the first, FIN and PSH in the last");
}

static void check_whole(void)
{
	static uint8_t out[200];
	size_t at = make(false, 33, 0);
	big.how.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	uint16_t partial = slow_sum(NULL, 0, pseudo(big.ip, at, big.len));
	big.ip[at + 16] = (uint8_t)(partial >> 8);
	big.ip[at + 17] = (uint8_t)partial;
	TAP_OK(tun_big_start(&big) && tun_big_next(&big, out, sizeof(out)) == at + 53 && !big.len,
	       "a packet that stays whole");
	TAP_OK(tcp_valid(out, at, at + 53), "gets the checksum that the kernel left open");
}

static void check_refused(void)
{
	make(false, 3000, 0);
	TAP_OK(!tun_big_start(&big), "no segment size");
	make(false, 3000, 1300);
	big.how.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	TAP_OK(!tun_big_start(&big), "another version than it says");
	make(false, 0, 1300);
	TAP_OK(!tun_big_start(&big), "nothing to cut");
	make(false, 30, 1300);
	big.ip[32] = 0xf0;
	TAP_OK(!tun_big_start(&big), "a TCP header longer than the packet");
	make(false, 30, 1300);
	big.how.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	big.how.csum_offset = 60000;
	TAP_OK(!tun_big_start(&big), "a checksum outside the packet");
	big.len = 0;
	TAP_OK(!tun_big_start(&big), "no packet");
}

int main(void)
{
	check_cut(false);
	check_cut(true);
	check_whole();
	check_refused();
	return tap_done();
}
