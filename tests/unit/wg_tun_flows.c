/* SPDX-License-Identifier: MIT
 *
 * Joining and cutting held against slow references: sums of every length at every alignment;
 * packets of several flows, TCP and UDP, IPv4 and IPv6, in all sizes and with all kinds of
 * differences, which must come back from joined ones byte for byte and in order; and what UDP in
 * pieces becomes.
 */
#include "tap.h"

#include "wg/tun_sum.h"

#include <netinet/tcp.h>

#define PACKETS 40
#define ROOM 2200

static uint64_t seed = 88172645463325252ULL;

static uint32_t pick(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

/* ---- sums --------------------------------------------------------------------------------------
 */

static uint16_t slow_sum(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)(i % 2 ? p[i] : p[i] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void check_sums(void)
{
	static uint8_t bytes[70000];
	bool same = true;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)pick(256);
	for (size_t len = 0; len < 1500; len++)
		same &= ntohs(sum_fold(sum_bytes(bytes + len % 64, len, 0))) ==
			slow_sum(bytes + len % 64, len, 0);
	TAP_OK(same, "sums of all lengths");
	memset(bytes, 0xff, sizeof(bytes));
	TAP_OK(sum_fold(sum_bytes(bytes, 65535 & ~1U, 0)) == 0xffff,
	       "and of as many ones as there can be");
}

/* ---- packets -----------------------------------------------------------------------------------
 */

struct flow {
	bool v6, tcp;
	uint8_t host, options;
	uint32_t seq;
	uint16_t id;
};

static uint8_t rooms[PACKETS][ROOM], copies[PACKETS][ROOM];
static struct wg_pkt v[PACKETS];

static size_t l4_of(const uint8_t *ip)
{
	return ip[0] >> 4 == 6 ? 40 : 20;
}

static void put_sums(uint8_t *ip, size_t len, bool udp_without)
{
	size_t at = l4_of(ip), field = at + (ip[at == 40 ? 6 : 9] == IPPROTO_TCP ? 16 : 6);
	uint8_t protocol = ip[at == 40 ? 6 : 9];
	uint32_t sum = slow_sum(at == 40 ? ip + 8 : ip + 12, at == 40 ? 32 : 8, 0);
	if (at == 20) {
		put16(ip + 10, 0);
		put16(ip + 10, (uint16_t)~slow_sum(ip, 20, 0));
	}
	put16(ip + field, 0);
	uint16_t told =
		(uint16_t)~slow_sum(ip + at, len - at, sum + protocol + (uint32_t)(len - at));
	put16(ip + field, udp_without ? 0 : told || protocol == IPPROTO_TCP ? told : 0xffff);
}

/* The next packet of F, with PAYLOAD bytes, in IP; its length. */
static size_t make(struct flow *f, uint8_t *ip, size_t payload)
{
	size_t at = f->v6 ? 40 : 20, head = at + (f->tcp ? 20U + f->options : 8),
	       len = head + payload;
	memset(ip, 0, head);
	for (size_t i = head; i < len; i++)
		ip[i] = (uint8_t)pick(256);
	ip[0] = f->v6 ? 0x60 : 0x45;
	put16(ip + (f->v6 ? 4 : 2), f->v6 ? len - 40 : len);
	ip[f->v6 ? 6 : 9] = f->tcp ? IPPROTO_TCP : IPPROTO_UDP;
	ip[f->v6 ? 7 : 8] = 64;
	memset(ip + (f->v6 ? 8 : 12), 0x0a, f->v6 ? 32 : 8);
	ip[at - 1] = f->host;
	put16(ip + at, 4000);
	put16(ip + at + 2, 80);
	if (!f->v6)
		put16(ip + 4, f->id++);
	if (f->tcp) {
		uint32_t seq = htonl(f->seq);
		memcpy(ip + at + 4, &seq, 4);
		f->seq += (uint32_t)payload;
		ip[at + 12] = (uint8_t)((20U + f->options) << 2);
		ip[at + 13] = TH_ACK;
		put16(ip + at + 14, 500);
	} else {
		put16(ip + at + 4, len - at);
	}
	put_sums(ip, len, false);
	return len;
}

/* Something that a packet may have and its neighbours not. Gives the new length. */
static size_t disturb(struct flow *f, uint8_t *ip, size_t len)
{
	size_t at = l4_of(ip);
	switch (pick(9)) {
	case 0:
		ip[1] ^= (uint8_t)(1U << pick(8)); /* DSCP, ECN; IPv6: flow label */
		break;
	case 1:
		ip[at == 40 ? 7 : 8]--;
		break;
	case 2:
		if (f->tcp)
			ip[at + 13] |= (uint8_t)(1U << pick(8));
		break;
	case 3:
		ip[at + pick(4)] ^= 1; /* a port */
		break;
	case 4:
		if (f->tcp)
			ip[at + 15] ^= 1; /* window */
		break;
	case 5:
		if (at == 20)
			ip[6] ^= (uint8_t)(0x20U << pick(2)); /* fragment; may not be one */
		break;
	case 6:
		f->seq += 100; /* a gap behind it */
		break;
	case 7:
		put_sums(ip, len, !f->tcp);
		return len;
	default:
		ip[at + 8 + pick((uint32_t)(len - at - 8))] ^= 1; /* and the sum is wrong */
		return len;
	}
	put_sums(ip, len, false);
	return len;
}

static size_t make_packets(unsigned disturbed_in_100)
{
	struct flow flows[3];
	size_t n = 1 + pick(PACKETS), size = 1 + pick(1400), which = 0;
	for (size_t i = 0; i < ARRAY_LEN(flows); i++)
		flows[i] = (struct flow){.v6 = pick(2),
					 .tcp = pick(2),
					 .host = (uint8_t)(i + 1),
					 .options = pick(2) ? 12 : 0,
					 .seq = UINT32_MAX - pick(3000),
					 .id = (uint16_t)pick(65536)};
	for (size_t i = 0; i < n; i++) {
		if (!pick(8))
			which = pick(ARRAY_LEN(flows));
		size_t payload = pick(10) ? size : 1 + pick(1400);
		v[i].data = rooms[i] + WG_HEAD;
		size_t len = make(&flows[which], v[i].data, payload);
		if (pick(100) < disturbed_in_100)
			len = disturb(&flows[which], v[i].data, len);
		v[i].len = (uint32_t)len;
		memcpy(copies[i], v[i].data, len);
	}
	return n;
}

/* ---- there and back ----------------------------------------------------------------------------
 */

static struct tun_big big;

/* The joined packets as the kernel would see them, in BIG. */
static void flatten(const struct tun_join *join)
{
	uint8_t *to = (uint8_t *)&big;
	size_t len = 0;
	for (size_t i = 0; i < join->n; i++) {
		memcpy(to + len, join->iov[i].iov_base, join->iov[i].iov_len);
		len += join->iov[i].iov_len;
	}
	big.len = len - sizeof(big.how);
}

/* Equal but for the identification, which means nothing in what is no fragment (RFC 6864). */
static bool same_packet(uint8_t *a, uint8_t *b, size_t len)
{
	if (a[0] >> 4 == 4) {
		memset(a + 4, 0, 2), memset(b + 4, 0, 2);
		memset(a + 10, 0, 2), memset(b + 10, 0, 2);
	}
	return memcmp(a, b, len) == 0;
}

/* All N packets, joined and cut again; how many were written at once on the way. 0: not the same.
 */
static size_t there_and_back(size_t n, bool uso)
{
	static uint8_t out[ROOM];
	size_t writes = 0;
	struct tun_join join;
	for (size_t i = 0; i < n; i += join.n, writes++) {
		tun_join(&join, v + i, n - i, uso);
		flatten(&join);
		bool whole = big.how.gso_type == VIRTIO_NET_HDR_GSO_NONE;
		if (whole != (join.n == 1) ||
		    (!uso && big.how.gso_type == VIRTIO_NET_HDR_GSO_UDP_L4))
			return 0;
		if (join.n > 1 && !tun_big_start(&big))
			return 0;
		for (size_t k = i; k < i + join.n; k++) {
			size_t len = v[k].len;
			if (whole)
				memcpy(out, big.ip, big.len);
			if ((whole ? big.len : tun_big_next(&big, out, sizeof(out))) != len ||
			    !same_packet(out, copies[k], len))
				return 0;
		}
		if (!whole && big.len)
			return 0;
	}
	return writes;
}

static void check_flows(void)
{
	size_t packets = 0, writes = 0, disturbed = 0, bad = 0;
	for (unsigned round = 0; round < 4000; round++) {
		bool even = round % 2;
		size_t n = make_packets(even ? 0 : 20), got = there_and_back(n, round % 5);
		bad += !got;
		if (even && round % 5) {
			packets += n;
			writes += got;
		} else {
			disturbed += n;
		}
	}
	TAP_OK(!bad, "every packet comes back as it was");
	TAP_OK(writes * 2 < packets, "and most came together");
	printf("# %zu packets in %zu writes, %zu more were disturbed\n", packets, writes,
	       disturbed);
}

/* ---- UDP in pieces -----------------------------------------------------------------------------
 */

static void check_udp_cut(bool v6)
{
	static uint8_t out[ROOM];
	struct flow f = {.v6 = v6, .id = 65535};
	size_t at = v6 ? 40 : 20, n = 0;
	bool good = true;
	memset(&big, 0, sizeof(big));
	big.len = make(&f, big.ip, 2500);
	big.how = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					  .gso_size = 1200,
					  .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
					  .csum_start = (uint16_t)at,
					  .csum_offset = 6};
	TAP_OK(tun_big_start(&big), v6 ? "UDP in pieces on IPv6" : "UDP in pieces");
	for (; big.len && n < 4; n++) {
		size_t len = tun_big_next(&big, out, sizeof(out));
		memcpy(v[0].data = rooms[0], out, len);
		put_sums(rooms[0], len, false);
		good &= len == at + 8 + (n < 2 ? 1200 : 100) && get16(out + at + 4) == len - at;
		good &= memcmp(out, rooms[0], len) == 0 &&
			(v6 || get16(out + 4) == (uint16_t)(65535 + n));
	}
	TAP_OK(n == 3 && good, "lengths, sums, identifications");
	big.len = make(&f, big.ip, 0);
	TAP_OK(!tun_big_start(&big), "nothing to cut");
}

int main(void)
{
	check_sums();
	check_udp_cut(false);
	check_udp_cut(true);
	check_flows();
	return tap_done();
}
