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

/* ---- joining ---------------------------------------------------------------------------------- */

#define PIECES 40

static uint8_t pieces[PIECES][2000];
static struct wg_pkt v[PIECES];
static uint8_t whole[70000];

/* Cuts a packet of PAYLOAD bytes into V; the number of pieces. */
static size_t cut(bool v6, size_t payload)
{
	size_t n = 0;
	size_t at = make(v6, payload, 1300);
	big.ip[at + 13] = TH_ACK | TH_PUSH;
	if (!tun_big_start(&big))
		return 0;
	while (big.len && n < PIECES) {
		v[n].data = pieces[n] + 16;
		v[n].len = (uint32_t)tun_big_next(&big, v[n].data, sizeof(pieces[n]) - 16);
		n++;
	}
	return n;
}

/* What the kernel would get: its length without the virtio-net header, which goes to big.how. */
static size_t flatten(const struct tun_join *join)
{
	size_t len = 0;
	for (size_t i = 0; i < join->n; i++) {
		memcpy(whole + len, join->iov[i].iov_base, join->iov[i].iov_len);
		len += join->iov[i].iov_len;
	}
	memcpy(&big.how, whole, sizeof(big.how));
	len -= sizeof(big.how);
	memcpy(big.ip, whole + sizeof(big.how), len);
	big.len = len;
	return len;
}

static void check_join(bool v6)
{
	static uint8_t before[PIECES][2000];
	static struct tun_join join;
	uint8_t again[2000];
	size_t n = cut(v6, 30000), same = 0;
	memcpy(before, pieces, sizeof(before));
	tun_join(&join, v, n, true);
	TAP_OK(n == 24 && join.n == n, v6 ? "all pieces of IPv6 are joined" : "all pieces are joined");
	TAP_OK(flatten(&join) == (v6 ? 60U : 40U) + 30000, "into one of their length");
	TAP_OK(tun_big_start(&big), "which the kernel could cut again");
	for (size_t i = 0; i < n; i++) {
		size_t len = tun_big_next(&big, again, sizeof(again));
		same += len == v[i].len && memcmp(again, before[i] + 16, len) == 0;
	}
	TAP_OK(same == n && !big.len, "into the same pieces, byte for byte");
}

/* How many of three pieces are joined after BYTE of piece WHICH was changed. */
static size_t joined_after(size_t which, size_t byte, uint8_t change, bool mend)
{
	static struct tun_join join;
	size_t n = cut(false, 3900);
	uint8_t *ip = v[which].data;
	ip[byte] ^= change;
	if (mend) { /* with right checksums, so that the change itself decides */
		uint16_t sum;
		memset(ip + 10, 0, 2);
		sum = (uint16_t)~slow_sum(ip, 20, 0);
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
		memset(ip + 36, 0, 2);
		sum = (uint16_t)~slow_sum(ip + 20, v[which].len - 20, pseudo(ip, 20, v[which].len));
		ip[36] = (uint8_t)(sum >> 8);
		ip[37] = (uint8_t)sum;
	}
	tun_join(&join, v, n, true);
	return join.n;
}

static void check_not_joined(void)
{
	TAP_OK(joined_after(0, 8, 0, true) == 3, "three pieces are joined");
	TAP_OK(joined_after(1, 100, 1, false) == 1, "not one with a wrong checksum");
	TAP_OK(joined_after(0, 100, 1, false) == 1, "nor to one");
	TAP_OK(joined_after(2, 15, 1, true) == 2, "not one from another address");
	TAP_OK(joined_after(2, 21, 1, true) == 2, "nor port");
	TAP_OK(joined_after(1, 27, 1, true) == 1, "not one that is not next");
	TAP_OK(joined_after(1, 31, 1, true) == 1, "not one that acknowledges more");
	TAP_OK(joined_after(1, 33, TH_SYN, true) == 1, "not one with other flags");
	TAP_OK(joined_after(1, 33, TH_PUSH, true) == 2, "nothing behind one that pushes");
	TAP_OK(joined_after(1, 8, 1, true) == 1, "not one with another time to live");
	TAP_OK(joined_after(1, 1, 3, true) == 1, "not one that met congestion");
	TAP_OK(joined_after(1, 6, 0x20, true) == 1, "not a fragment");
}

int main(void)
{
	check_join(false);
	check_join(true);
	check_not_joined();
	check_cut(false);
	check_cut(true);
	check_whole();
	check_refused();
	return tap_done();
}
