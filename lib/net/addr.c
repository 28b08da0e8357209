/* SPDX-License-Identifier: MIT
 *
 * Addresses as text. Input is strict (one spelling of an IPv4 address, no zone, no blanks, decimal
 * ports without leading zeros); output is canonical, so that equal addresses are equal text.
 */
#include "net/net.h"

#include <arpa/inet.h>
#include <netdb.h>

static bool text_to_port(struct str text, uint16_t *port)
{
	uint64_t v;

	if (!str_to_u64(text, UINT16_MAX, &v))
		return false;
	*port = (uint16_t)v;
	return true;
}

bool addr_parse_ip(struct addr *a, struct str text)
{
	char z[INET6_ADDRSTRLEN];

	memset(a, 0, sizeof(*a));
	if (!str_copy(z, sizeof(z), text))
		return false;
	if (inet_pton(AF_INET, z, &a->in.sin_addr) == 1)
		a->in.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, z, &a->in6.sin6_addr) == 1)
		a->in6.sin6_family = AF_INET6;
	else
		return false;
	return true;
}

/* "[::1]:80" or "10.0.0.1:80" into its two parts; PORT's ptr is NULL if there is none. A bare IPv6
 * address has colons but no port. */
static bool split_host_port(struct str text, struct str *host, struct str *port)
{
	ptrdiff_t end;

	*port = (struct str){NULL, 0};
	if (text.len && text.ptr[0] == '[') {
		end = str_find(text, ']');
		if (end < 0)
			return false;
		*host = str_slice(text, 1, (size_t)end);
		if ((size_t)end + 1 == text.len)
			return true;
		*port = str_from_at(text, (size_t)end + 2);
		return text.ptr[end + 1] == ':';
	}
	end = str_find(text, ':');
	if (end < 0 || str_find(str_from_at(text, (size_t)end + 1), ':') >= 0) {
		*host = text;
		return true;
	}
	*host = str_slice(text, 0, (size_t)end);
	*port = str_from_at(text, (size_t)end + 1);
	return true;
}

bool addr_parse(struct addr *a, struct str text, int default_port)
{
	struct str host, port;
	uint16_t number;

	memset(a, 0, sizeof(*a));
	if (!split_host_port(text, &host, &port) || !addr_parse_ip(a, host))
		return false;
	/* Brackets are IPv6's alone. */
	if (text.ptr[0] == '[' && a->sa.sa_family != AF_INET6)
		return false;
	if (!port.ptr) {
		if (default_port < 0)
			return false;
		number = (uint16_t)default_port;
	} else if (!text_to_port(port, &number)) {
		return false;
	}
	addr_set_port(a, number);
	return true;
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952, section 4.2). */
static void longest_zero_run(const uint16_t g[8], int *start, int *len)
{
	*start = -1;
	*len = 1;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && g[i + n] == 0)
			n++;
		if (n > *len) {
			*start = i;
			*len = n;
		}
		i += n;
	}
}

static void format_ip6(const uint8_t ip[16], char out[static ADDR_TEXT_MAX])
{
	int start, run;
	size_t n = 0;
	uint16_t g[8];

	for (int i = 0; i < 8; i++)
		g[i] = (uint16_t)(ip[2 * i] << 8 | ip[2 * i + 1]);
	if (!g[0] && !g[1] && !g[2] && !g[3] && !g[4] && g[5] == 0xffff) { /* section 5 */
		snprintf(out, ADDR_TEXT_MAX, "::ffff:%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
		return;
	}
	longest_zero_run(g, &start, &run);
	for (int i = 0; i < 8; i++) {
		if (i == start) {
			out[n++] = ':';
			if (i + run == 8)
				out[n++] = ':';
			i += run - 1;
			continue;
		}
		n += (size_t)snprintf(out + n, ADDR_TEXT_MAX - n, "%s%x", i ? ":" : "", g[i]);
	}
	out[n] = '\0';
}

static char *add_octet(char *p, unsigned v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

/* In each access record and each request to a target: inet_ntop goes through printf. */
static void format_ip4(const struct in_addr *ip, char *p)
{
	uint32_t v = ntohl(ip->s_addr);

	for (int shift = 24; shift >= 0; shift -= 8) {
		p = add_octet(p, v >> shift & 0xFF);
		*p++ = shift ? '.' : 0;
	}
}

void addr_format_ip(const struct addr *a, char out[static ADDR_TEXT_MAX])
{
	if (a->sa.sa_family == AF_INET6)
		format_ip6(a->in6.sin6_addr.s6_addr, out);
	else if (a->sa.sa_family == AF_INET)
		format_ip4(&a->in.sin_addr, out);
	else
		memcpy(out, "unknown", sizeof("unknown"));
}

void addr_format(const struct addr *a, char out[static ADDR_TEXT_MAX])
{
	unsigned port = addr_port(a);
	char ip[ADDR_TEXT_MAX];

	addr_format_ip(a, ip);
	if (port == 0)
		snprintf(out, ADDR_TEXT_MAX, "%.48s", ip);
	else if (a->sa.sa_family == AF_INET6)
		snprintf(out, ADDR_TEXT_MAX, "[%.48s]:%u", ip, port);
	else
		snprintf(out, ADDR_TEXT_MAX, "%.48s:%u", ip, port);
}

socklen_t addr_len(const struct addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

uint16_t addr_port(const struct addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

void addr_ip16(const struct addr *a, uint8_t out[static 16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (a->sa.sa_family == AF_INET6) {
		memcpy(out, &a->in6.sin6_addr, 16);
		return;
	}
	memcpy(out, mapped, 12);
	memcpy(out + 12, &a->in.sin_addr, 4);
}

bool addr_eq_ip(const struct addr *a, const struct addr *b)
{
	uint8_t x[16], y[16];

	addr_ip16(a, x);
	addr_ip16(b, y);
	return memcmp(x, y, 16) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return addr_port(a) == addr_port(b) && addr_eq_ip(a, b);
}

bool addr_is_loopback(const struct addr *a)
{
	uint8_t ip[16];

	if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr))
		return true;
	if (a->sa.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return false;
	addr_ip16(a, ip);
	return ip[12] == 127;
}

int addr_resolve(struct addr *a, struct str text, struct rn_error *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	struct str host, port;
	char name[256];
	uint16_t number;
	int rc;

	if (addr_parse(a, text, -1))
		return 0;
	if (!split_host_port(text, &host, &port) || !port.ptr || !host.len ||
	    !text_to_port(port, &number) || !str_copy(name, sizeof(name), host))
		return rn_fail(err, RN_EDATA, "'%.*s' is not host:port", STR_ARG(text));
	rc = getaddrinfo(name, NULL, &hints, &list);
	if (rc)
		return rn_fail(err, RN_EAWAY, "cannot resolve '%s': %s", name, gai_strerror(rc));
	memset(a, 0, sizeof(*a));
	memcpy(a, list->ai_addr, MIN((size_t)list->ai_addrlen, sizeof(*a)));
	addr_set_port(a, number);
	freeaddrinfo(list);
	return 0;
}
