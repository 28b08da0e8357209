/* SPDX-License-Identifier: MIT */
#include "wg/tun_sum.h"

/* As wide as vectors come; the compiler makes several of them where they come narrower. */
typedef uint64_t lanes __attribute__((vector_size(64)));

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/* N steps of the lanes' size: both halves of each lane are added up apart, so nothing is carried.
 */
FOR_EACH_PROCESSOR static uint64_t sum_lanes(const uint8_t *p, size_t n)
{
	lanes w, low = {0}, high = {0};
	uint64_t sum = 0;
	for (; n; n--, p += sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		low += w & UINT32_MAX;
		high += w >> 32;
	}
	low += high;
	for (size_t i = 0; i < sizeof(low) / sizeof(low[0]); i++)
		sum += low[i];
	return sum;
}

uint64_t sum_bytes(const uint8_t *p, size_t len, uint64_t sum)
{
	size_t n = len / sizeof(lanes);
	uint64_t w;
	if (n > 1) {
		sum += sum_lanes(p, n);
		p += n * sizeof(lanes);
		len %= sizeof(lanes);
	}
	for (; len >= sizeof(w); p += sizeof(w), len -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		sum += (w & UINT32_MAX) + (w >> 32);
	}
	if (len) {
		w = 0;
		memcpy(&w, p, len);
		sum += (w & UINT32_MAX) + (w >> 32);
	}
	return sum;
}
