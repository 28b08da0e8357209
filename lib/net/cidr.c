/* SPDX-License-Identifier: MIT
 *
 * Prefixes: "10.0.0.0/8", "fd00::/48". Kept masked, so that equal prefixes are equal bytes.
 */
#include "net/net.h"

static uint8_t family_bits(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* Whether the first BITS bits are equal. */
static bool prefix_eq(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* Clears what lies behind the prefix; true if nothing was set there. */
static bool mask_host_bits(struct cidr *c)
{
	uint8_t before[16];
	unsigned bytes = family_bits(c->family) / 8u;

	memcpy(before, c->ip, 16);
	for (unsigned i = 0; i < bytes; i++) {
		unsigned kept = c->bits > 8 * i ? MIN(8u, c->bits - 8 * i) : 0;

		c->ip[i] &= (uint8_t)(0xff00u >> kept);
	}
	return memcmp(before, c->ip, 16) == 0;
}

bool cidr_parse(struct cidr *c, struct str text, bool strict)
{
	ptrdiff_t slash = str_find(text, '/');
	struct addr a;
	uint64_t bits;

	memset(c, 0, sizeof(*c));
	if (!addr_parse_ip(&a, slash < 0 ? text : str_slice(text, 0, (size_t)slash)))
		return false;
	c->family = a.sa.sa_family;
	bits = family_bits(c->family);
	if (slash >= 0 && !str_to_u64(str_from_at(text, (size_t)slash + 1), bits, &bits))
		return false;
	c->bits = (uint8_t)bits;
	if (c->family == AF_INET)
		memcpy(c->ip, &a.in.sin_addr, 4);
	else
		memcpy(c->ip, &a.in6.sin6_addr, 16);
	return mask_host_bits(c) || !strict;
}

void cidr_format(const struct cidr *c, char out[static ADDR_TEXT_MAX])
{
	struct addr a = {0};
	char ip[ADDR_TEXT_MAX];

	a.sa.sa_family = (sa_family_t)c->family;
	if (c->family == AF_INET)
		memcpy(&a.in.sin_addr, c->ip, 4);
	else
		memcpy(&a.in6.sin6_addr, c->ip, 16);
	addr_format_ip(&a, ip);
	snprintf(out, ADDR_TEXT_MAX, "%.48s/%u", ip, c->bits);
}

bool cidr_has(const struct cidr *c, const struct addr *a)
{
	uint8_t ip[16];

	addr_ip16(a, ip);
	if (c->family == AF_INET6 && a->sa.sa_family == AF_INET6)
		return prefix_eq(c->ip, ip, c->bits);
	/* An IPv4 client of a dual-stack socket shows up as ::ffff:a.b.c.d. */
	if (c->family == AF_INET &&
	    (a->sa.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)))
		return prefix_eq(c->ip, ip + 12, c->bits);
	return false;
}

bool cidr_overlaps(const struct cidr *a, const struct cidr *b)
{
	return a->family == b->family && prefix_eq(a->ip, b->ip, MIN(a->bits, b->bits));
}
