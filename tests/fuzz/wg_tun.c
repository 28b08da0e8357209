/* SPDX-License-Identifier: MIT
 *
 * Segmentation and its reverse: a packet with a virtio-net header is cut, the pieces are joined, the
 * joined ones are cut again. Nothing is read or written outside the packets, nothing is lost, and what
 * was joined comes apart into the same pieces.
 */
#include "wg/tun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 4096

/* The first packet's bytes before it was written over, since only a whole can tell it back. */
static void check(const struct wg_pkt *v, size_t n)
{
	static struct tun_big big;
	static struct tun_join join;
	uint8_t *copies[TUN_BATCH], out[ROOM];
	for (size_t i = 0; i < n; i++) {
		copies[i] = malloc(v[i].len);
		memcpy(copies[i], v[i].data, v[i].len);
	}
	tun_join(&join, v, n, true);
	rn_assert(join.n >= 1 && join.n <= n);
	memcpy(&big.how, join.iov[0].iov_base, sizeof(big.how));
	big.len = join.iov[0].iov_len - sizeof(big.how);
	memcpy(big.ip, v[0].data, big.len);
	for (size_t i = 1; i < join.n; i++) {
		memcpy(big.ip + big.len, join.iov[i].iov_base, join.iov[i].iov_len);
		big.len += join.iov[i].iov_len;
	}
	rn_assert(join.n == 1 || tun_big_start(&big));
	for (size_t i = 0; join.n > 1 && i < join.n; i++) {
		size_t len = tun_big_next(&big, out, sizeof(out));
		/* The identification may have been anything; see RFC 6864. */
		uint8_t *was = copies[i];
		if (out[0] >> 4 == 4) {
			memset(out + 4, 0, 2), memset(was + 4, 0, 2);
			memset(out + 10, 0, 2), memset(was + 10, 0, 2);
		}
		rn_assert(len == v[i].len && memcmp(out, was, len) == 0);
	}
	rn_assert(join.n == 1 || !big.len);
	for (size_t i = 0; i < n; i++)
		free(copies[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tun_big big;
	struct wg_pkt v[TUN_BATCH];
	uint8_t *blocks[TUN_BATCH];
	size_t n = 0;
	if (size <= sizeof(big.how) || size > ROOM)
		return 0;
	memcpy(&big.how, data, sizeof(big.how));
	big.len = size - sizeof(big.how);
	memcpy(big.ip, data + sizeof(big.how), big.len);
	if (!tun_big_start(&big))
		return 0;
	while (big.len && n < TUN_BATCH) {
		static uint8_t out[ROOM];
		size_t len = tun_big_next(&big, out, sizeof(out));
		rn_assert(len);
		blocks[n] = malloc(WG_HEAD + len); /* exactly, so that ASan sees every byte beside it */
		v[n] = (struct wg_pkt){.data = blocks[n] + WG_HEAD, .len = (uint32_t)len};
		memcpy(v[n++].data, out, len);
	}
	check(v, n);
	for (size_t i = 0; i < n; i++)
		free(blocks[i]);
	return 0;
}
