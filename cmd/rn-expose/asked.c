/* SPDX-License-Identifier: MIT
 *
 * What to expose, from arguments or from lines.
 */
#include "rn-expose.h"

static int check_protocol(struct asked *a, struct str protocol, struct rn_error *err)
{
	static const char *const known[] = {"http", "https", "tcp", "udp"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_is(protocol, known[i]))
			return str_copy(a->protocol, sizeof(a->protocol), protocol) ? 0 : RN_EBUG;
	return rn_fail(err, RN_EUSAGE, "unknown protocol '%.*s': http, https, tcp or udp",
		       STR_ARG(protocol));
}

/* It names a control socket and is part of a host name. */
static int check_name(struct asked *a, struct str name, struct rn_error *err)
{
	bool ok = name.len && name.ptr[0] != '-' && name.ptr[0] != '.' &&
		  str_copy(a->name, sizeof(a->name), name);

	for (size_t i = 0; ok && i < name.len; i++) {
		char ch = name.ptr[i];

		ok = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-' ||
		     ch == '.' || ch == '_';
	}
	if (ok)
		return 0;
	return rn_fail(err, RN_EUSAGE, "'%.*s' is not a name: a-z 0-9 - _ . and at most %d bytes",
		       STR_ARG(name), AGENT_NAME_MAX);
}

/* "http-3000", or what the socket's file is called. */
static int default_name(struct asked *a, struct rn_error *err)
{
	char name[AGENT_NAME_MAX + 1];
	const char *file = strrchr(a->target.path, '/');
	size_t len;

	if (!file) {
		snprintf(name, sizeof(name), "%s-%u", a->protocol, target_port(&a->target));
		return check_name(a, str_from(name), err);
	}
	file++;
	len = str_ends(str_from(file), STR(".sock")) ? strlen(file) - 5 : strlen(file);
	if (check_name(a, str_make(file, len), err))
		return rn_fail(err, RN_EUSAGE, "unix:%s: give the service a name with --name",
			       a->target.path);
	return 0;
}

/* What both sources have in common, once target and protocol are there. */
static int complete(struct asked *a, struct str name, struct str subdomain, struct rn_error *err)
{
	const struct agent_port *p = agent_port_find(target_port(&a->target), false);
	bool tcp = strcmp(a->protocol, "tcp") == 0;
	int rc = name.len ? check_name(a, name, err) : default_name(a, err);

	if (rc)
		return rc;
	a->ssh |= tcp && p && strcmp(p->name, "ssh") == 0;
	if (subdomain.len && (tcp || strcmp(a->protocol, "udp") == 0))
		return rn_fail(err, RN_EUSAGE, "a subdomain is for http and https; %s has a port",
			       a->protocol);
	if (!str_copy(a->subdomain, sizeof(a->subdomain), subdomain))
		return rn_fail(err, RN_EUSAGE, "the subdomain is longer than 63 bytes");
	if (strcmp(a->protocol, "udp") == 0 && a->target.path[0])
		return rn_fail(err, RN_EUSAGE, "udp has no unix sockets here: give HOST:PORT");
	return 0;
}

int asked_from_args(struct asked *a, const struct options *o, const char *address,
		    const char *protocol, struct rn_error *err)
{
	int rc;

	*a = (struct asked){.public_ = o->public_};
	memcpy(a->allow, o->allow, sizeof(a->allow));
	rc = check_protocol(a, str_from(protocol), err);
	if (!rc)
		rc = target_parse(&a->target, str_from(address), err);
	if (!rc)
		rc = complete(a, str_from(o->name), str_from(o->subdomain), err);
	return rc;
}

int asked_from_record(struct asked *a, const struct options *o, const struct rec *r,
		      struct rn_error *err)
{
	struct str allow = rec_get(r, "allow"), guess = rec_get(r, "guess");
	struct str address = rec_get(r, "local_address"), protocol = rec_get(r, "protocol");
	int rc;

	*a = (struct asked){.ssh = str_is(guess, "ssh")};
	memcpy(a->allow, o->allow, sizeof(a->allow));
	if (!address.ptr || !protocol.ptr)
		return rn_fail(err, RN_EDATA, "service=%.*s needs local_address and protocol",
			       STR_ARG(rec_id(r)));
	rc = check_protocol(a, protocol, err);
	if (!rc)
		rc = target_parse(&a->target, address, err);
	if (!rc && allow.ptr && !str_copy(a->allow, sizeof(a->allow), allow))
		rc = rn_fail(err, RN_EDATA, "allow is too long");
	if (!rc)
		rc = rec_bool(r, "public", o->public_, &a->public_, err);
	if (!rc)
		rc = complete(a, rec_id(r), rec_get(r, "subdomain"), err);
	/* On a command line these are misuse, in a line they are bad data. */
	return rc == RN_EUSAGE ? (err->code = RN_EDATA) : rc;
}
