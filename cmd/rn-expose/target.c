/* SPDX-License-Identifier: MIT
 *
 * Where the local service is.
 */
#include "rn-expose.h"

#include <errno.h>
#include <unistd.h>

static int bad_address(struct str text, struct rn_error *err)
{
	return rn_fail(
		err, RN_EUSAGE,
		"'%.*s' is not an address: give localhost:3000, 3000, [::1]:80 or unix:/path",
		STR_ARG(text));
}

static int parse_unix(struct target *t, struct str path, struct rn_error *err)
{
	if (!path.len || path.ptr[0] != '/' || !str_copy(t->path, sizeof(t->path), path))
		return rn_fail(err, RN_EUSAGE,
			       "unix:%.*s: wants an absolute path of at most %zu bytes",
			       STR_ARG(path), sizeof(t->path) - 1);
	snprintf(t->text, sizeof(t->text), "unix:%s", t->path);
	return 0;
}

/* Many development servers listen on one family only, and which one is anybody's guess. */
static void set_localhost(struct target *t, uint16_t port)
{
	snprintf(t->text, sizeof(t->text), "localhost:%u", port);
	t->n_addrs = 2;
	if (!addr_parse(&t->addrs[0], STR("127.0.0.1"), port) ||
	    !addr_parse(&t->addrs[1], STR("::1"), port))
		rn_assert(!"loopback parses");
}

int target_parse(struct target *t, struct str text, struct rn_error *err)
{
	struct str port = text;
	uint64_t number;

	*t = (struct target){0};
	if (str_starts(text, STR("unix:")))
		return parse_unix(t, str_from_at(text, 5), err);
	if (str_starts(text, STR("localhost:")))
		port = str_from_at(text, 10);
	if (str_to_u64(port, UINT16_MAX, &number)) {
		if (!number)
			return bad_address(text, err);
		set_localhost(t, (uint16_t)number);
		return 0;
	}
	if (port.ptr != text.ptr || !str_copy(t->text, sizeof(t->text), text))
		return bad_address(text, err);
	if (addr_resolve(&t->addrs[0], text, err))
		return err->code == RN_EDATA ? bad_address(text, err) : err->code;
	if (!addr_port(&t->addrs[0]))
		return bad_address(text, err);
	t->n_addrs = 1;
	return 0;
}

uint16_t target_port(const struct target *t)
{
	return t->n_addrs ? addr_port(&t->addrs[0]) : 0;
}

static int connect_unix(const struct target *t, struct rn_error *err)
{
	int fd = unix_connect(t->path, err);

	if (fd >= 0 && fd_set_nonblock(fd) < 0) {
		rn_fail_errno(err, RN_EOS, "%s", t->path);
		close(fd);
		return err->code;
	}
	return fd;
}

int target_connect(struct target *t, struct rn_error *err)
{
	int fd = RN_EAWAY;

	if (t->path[0])
		return connect_unix(t, err);
	for (size_t i = 0; i < t->n_addrs; i++) {
		size_t at = (t->best + i) % t->n_addrs;
		int sys;

		fd = sock_connect(&t->addrs[at], err);
		if (fd < 0)
			continue;
		/* Over loopback a refusal is known at once; elsewhere the relay will hear of it. */
		sys = sock_error(fd);
		if (sys == 0) {
			t->best = at;
			return fd;
		}
		close(fd);
		errno = sys;
		fd = rn_fail_errno(err, RN_EAWAY, "cannot connect to %s", t->text);
	}
	return fd;
}

int target_udp(const struct target *t, struct rn_error *err)
{
	return sock_udp_to(&t->addrs[0], err);
}
