/* SPDX-License-Identifier: MIT
 *
 * What is forwarded, and where it is to be heard here.
 */
#include "rn-forward.h"

static int parse_remote(struct asked *a, struct str text, struct rn_error *err)
{
	const char *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
	struct str host = str_make(text.ptr, colon ? (size_t)(colon - text.ptr) : 0);
	uint64_t port;

	if (!host.len || str_find(host, '/') >= 0 || host.ptr[0] == '.' ||
	    !str_to_u64(str_from_at(text, host.len + 1), UINT16_MAX, &port) || port == 0)
		return rn_fail(err, RN_EUSAGE, "'%.*s' is not HOST:PORT, as in remote-db:5432",
			       STR_ARG(text));
	if (!str_copy(a->host, sizeof(a->host), host) ||
	    !str_copy(a->remote, sizeof(a->remote), text))
		return rn_fail(err, RN_EUSAGE, "'%.*s' is too long", STR_ARG(text));
	a->port = (uint16_t)port;
	return 0;
}

static void set_localhost(struct asked *a, uint16_t port)
{
	/* With port 0 each family would get a port of its own. */
	a->n_local = port ? 2 : 1;
	if (!addr_parse(&a->local[0], STR("127.0.0.1"), port) ||
	    !addr_parse(&a->local[1], STR("::1"), port))
		rn_assert(!"loopback parses");
}

/* "localhost", "localhost:5432", "5432", "ADDRESS", "ADDRESS:5432". */
static int parse_local(struct asked *a, struct str text, struct rn_error *err)
{
	struct str port = text;
	uint64_t number;

	if (str_is(text, "localhost")) {
		set_localhost(a, a->port);
		return 0;
	}
	if (str_starts(text, STR("localhost:")))
		port = str_from_at(text, 10);
	if (str_to_u64(port, UINT16_MAX, &number)) {
		set_localhost(a, (uint16_t)number);
		return 0;
	}
	a->n_local = 1;
	if (addr_parse(&a->local[0], text, a->port))
		return 0;
	return rn_fail(err, RN_EUSAGE,
		       "'%.*s' is not a local address: give localhost:5432, 5432 or ADDRESS:5432",
		       STR_ARG(text));
}

int asked_parse(struct asked *a, struct str remote, struct str local, struct rn_error *err)
{
	int rc;

	*a = (struct asked){0};
	rc = parse_remote(a, remote, err);
	return rc ? rc : parse_local(a, local, err);
}
