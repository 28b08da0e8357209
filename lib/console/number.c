/* SPDX-License-Identifier: MIT
 *
 * Tunnel addresses and ports. A node has one number in its organisation, which is the host part of
 * its IPv4 and of its IPv6 address.
 */
#include "console/inner.h"

#define NETWORK_BITS_MIN 8
#define NETWORK_BITS_MAX 24

bool network_valid(struct str network4)
{
	struct cidr c;

	return cidr_parse(&c, network4, true) && c.family == AF_INET &&
	       c.bits >= NETWORK_BITS_MIN && c.bits <= NETWORK_BITS_MAX;
}

/* RFC 4193, section 3.2: fd, 40 random bits, subnet 0. */
void network6_make(char out[static ADDR_TEXT_MAX])
{
	struct cidr c = {.family = AF_INET6, .bits = 64};

	c.ip[0] = 0xfd;
	random_bytes(c.ip + 1, 5);
	cidr_format(&c, out);
}

static void add_number(struct cidr *c, uint32_t number)
{
	size_t end = c->family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < 4; i++)
		c->ip[end - 1 - i] |= (uint8_t)(number >> (8 * i));
	c->bits = (uint8_t)(8 * end);
}

static int address_text(const char *network, uint32_t number, char out[static ADDR_TEXT_MAX],
			struct rn_error *err)
{
	struct cidr c;
	char *slash;

	if (!cidr_parse(&c, str_from(network), true))
		return rn_fail(err, RN_ECONFIG, "database: %s is no network", network);
	add_number(&c, number);
	cidr_format(&c, out);
	slash = strchr(out, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

/* The lowest number that nobody has, once the fresh ones are used up. */
static int number_gap(struct console *c, int64_t org, int64_t last, int64_t *number,
		      struct rn_error *err)
{
	int rc = store_get_int(
		c->store, number,
		"SELECT min(before) + 1 FROM (SELECT 0 AS before UNION ALL"
		" SELECT number FROM nodes WHERE org = ?) AS used WHERE before < ? AND NOT EXISTS"
		" (SELECT 1 FROM nodes n WHERE n.org = ? AND n.number = before + 1)",
		err, "iii", org, last, org);

	if (rc < 0)
		return rc;
	return *number > 0 ? 0
			   : rn_fail(err, RN_ENO,
				     "the network is full: all %lld tunnel addresses are taken",
				     (long long)last);
}

static int number_fresh(struct console *c, int64_t org, int64_t last, int64_t *number,
			struct rn_error *err)
{
	int rc = store_get_int(c->store, number,
			       "UPDATE organizations SET next_number = next_number + 1"
			       " WHERE id = ? AND next_number <= ? RETURNING next_number - 1",
			       err, "ii", org, last);

	if (rc == 0)
		return number_gap(c, org, last, number, err);
	return rc < 0 ? rc : 0;
}

int number_take(struct console *c, int64_t org, struct tunnel_number *out, struct rn_error *err)
{
	char network4[ADDR_TEXT_MAX] = "", network6[ADDR_TEXT_MAX] = "";
	struct cidr net;
	int rc = store_get_text(c->store, network4, sizeof(network4),
				"SELECT network4 FROM organizations WHERE id = ?", err, "i", org);

	if (rc >= 0)
		rc = store_get_text(c->store, network6, sizeof(network6),
				    "SELECT network6 FROM organizations WHERE id = ?", err, "i",
				    org);
	if (rc < 0)
		return rc;
	if (!cidr_parse(&net, str_from(network4), true))
		return rn_fail(err, RN_ECONFIG, "database: the organisation's network is damaged");
	int64_t last = ((int64_t)1 << (32 - net.bits)) -
		       2; /* neither the network's nor the broadcast address */

	rc = number_fresh(c, org, last, &out->number, err);
	if (!rc)
		rc = address_text(network4, (uint32_t)out->number, out->address4, err);
	if (!rc)
		rc = address_text(network6, (uint32_t)out->number, out->address6, err);
	return rc;
}

/* ---- ports ------------------------------------------------------------------------------------
 */

#define PORTS 10000 /* in each range */

static const struct {
	int64_t first;
	const char *what, *sql;
} ranges[] = {
	[PORT_PUBLIC] =
		{20000, "public",
		 "SELECT 1 FROM services WHERE gateway = ? AND protocol = ? AND public_port = ?"},
	[PORT_INNER] =
		{30000, "tunnel",
		 "SELECT 1 FROM services WHERE gateway = ? AND protocol = ? AND inner_port = ?"},
};

int port_take(struct console *c, enum port_kind kind, struct str gateway, struct str protocol,
	      uint64_t wish, int64_t *out, struct rn_error *err)
{
	for (int64_t i = 0; i < PORTS; i++) {
		int64_t port = ranges[kind].first + (int64_t)((wish + (uint64_t)i) % PORTS), taken;
		int rc = store_get_int(c->store, &taken, ranges[kind].sql, err, "ssi", gateway,
				       protocol, port);

		if (rc == 0)
			*out = port;
		if (rc <= 0)
			return rc;
	}
	return rn_fail(err, RN_ENO, "all %d %s ports for %.*s are taken", PORTS, ranges[kind].what,
		       STR_ARG(protocol));
}
