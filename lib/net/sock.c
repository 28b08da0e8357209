/* SPDX-License-Identifier: MIT
 *
 * Sockets: made non-blocking and close-on-exec in one step, and errors that name the address.
 */
#include "net/net.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

static int sock_make(int family, int type, struct rn_error *err)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	return fd >= 0 ? fd : rn_fail_errno(err, RN_EOS, "cannot make a socket");
}

static void sock_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

/* The code that tells a caller what to do about a failed bind or connect. */
static enum rn_err sock_code(int sys)
{
	switch (sys) {
	case EACCES:
	case EPERM:
		return RN_EPERM;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return RN_EOS;
	default:
		return RN_EAWAY;
	}
}

static int bind_fail(const struct addr *a, const char *proto, struct rn_error *err)
{
	char text[ADDR_TEXT_MAX];

	addr_format(a, text);
	if (errno == EADDRINUSE) {
		rn_fail(err, RN_EAWAY, "%s port %u is in use already (%s)", proto, addr_port(a),
			text);
		err->sys = EADDRINUSE;
		return err->code;
	}
	return rn_fail_errno(err, sock_code(errno), "cannot listen on %s %s", proto, text);
}

static int inet_bind(const struct addr *a, int type, bool reuseport, struct rn_error *err)
{
	int fd = sock_make(a->sa.sa_family, type | SOCK_NONBLOCK, err);

	if (fd < 0)
		return fd;
	if (type == SOCK_STREAM)
		sock_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (reuseport)
		sock_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (a->sa.sa_family == AF_INET6) /* so that 0.0.0.0 and [::] can stand side by side */
		sock_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, &a->sa, addr_len(a)) < 0) {
		int rc = bind_fail(a, type == SOCK_STREAM ? "tcp" : "udp", err);

		close(fd);
		return rc;
	}
	return fd;
}

int sock_listen(const struct addr *a, bool reuseport, struct rn_error *err)
{
	int fd = inet_bind(a, SOCK_STREAM, reuseport, err);
	int rc;

	if (fd < 0)
		return fd;
	if (listen(fd, SOMAXCONN) == 0)
		return fd;
	rc = bind_fail(a, "tcp", err);
	close(fd);
	return rc;
}

int sock_udp(const struct addr *a, bool reuseport, struct rn_error *err)
{
	return inet_bind(a, SOCK_DGRAM, reuseport, err);
}

static int connect_fail(int fd, const struct addr *a, struct rn_error *err)
{
	char text[ADDR_TEXT_MAX];
	int rc;

	addr_format(a, text);
	rc = rn_fail_errno(err, sock_code(errno), "cannot connect to %s", text);
	close(fd);
	return rc;
}

int sock_connect(const struct addr *a, struct rn_error *err)
{
	int fd = sock_make(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK, err);

	if (fd < 0)
		return fd;
	sock_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (connect(fd, &a->sa, addr_len(a)) < 0 && errno != EINPROGRESS)
		return connect_fail(fd, a, err);
	return fd;
}

int sock_udp_to(const struct addr *a, struct rn_error *err)
{
	int fd = sock_make(a->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, err);

	if (fd < 0)
		return fd;
	if (connect(fd, &a->sa, addr_len(a)) < 0)
		return connect_fail(fd, a, err);
	return fd;
}

/* ---- unix sockets ---------------------------------------------------------------------------- */

static int unix_address(struct sockaddr_un *sun, const char *path, struct rn_error *err)
{
	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (str_copy(sun->sun_path, sizeof(sun->sun_path), str_from(path)) && path[0])
		return 0;
	return rn_fail(err, RN_ECONFIG, "'%s' is too long for a unix socket (%zu bytes at most)",
		       path, sizeof(sun->sun_path) - 1);
}

int unix_connect(const char *path, struct rn_error *err)
{
	struct sockaddr_un sun;
	int rc = unix_address(&sun, path, err);
	int fd;

	if (rc)
		return rc;
	fd = sock_make(AF_UNIX, SOCK_STREAM, err);
	if (fd < 0)
		return fd;
	while (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		if (errno == EINTR)
			continue;
		rc = rn_fail_errno(err, sock_code(errno), "cannot connect to %s", path);
		close(fd);
		return rc;
	}
	return fd;
}

bool unix_peer_is_ours(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	       (cred.uid == geteuid() || cred.uid == 0);
}

/* Removes the socket that a dead program left at PATH. Anything else there is not ours to touch. */
static int unix_take_over(const char *path, struct rn_error *err)
{
	struct rn_error why;
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return rn_fail(err, RN_ECANTCREAT, "%s is there and is not a socket", path);
	fd = unix_connect(path, &why);
	if (fd >= 0) {
		close(fd);
		return rn_fail(err, RN_EAWAY, "another program serves %s already", path);
	}
	if (why.sys != ECONNREFUSED) {
		*err = why;
		return err->code;
	}
	if (unlink(path) < 0 && errno != ENOENT)
		return rn_fail_errno(err, RN_ECANTCREAT, "cannot remove the stale %s", path);
	return 0;
}

int unix_listen(const char *path, mode_t mode, struct rn_error *err)
{
	struct sockaddr_un sun;
	int fd, rc = unix_address(&sun, path, err);

	if (!rc)
		rc = unix_take_over(path, err);
	if (rc)
		return rc;
	fd = sock_make(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, err);
	if (fd < 0)
		return fd;
	/* The mode of the unbound socket is that of the file to be: never wider, even for a moment.
	 */
	if (fchmod(fd, mode) == 0 && bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    chmod(path, mode) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	rc = rn_fail_errno(err, RN_ECANTCREAT, "cannot make the socket %s", path);
	close(fd);
	return rc;
}

/* ---- questions ------------------------------------------------------------------------------- */

int sock_error(int fd)
{
	int sys = 0;
	socklen_t len = sizeof(sys);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) < 0 ? errno : sys;
}

/* The address behind the last "@" of a unix socket's name that says it is the inside's (net.h). */
static bool inside_name(const struct sockaddr_un *sun, socklen_t len, struct addr *a)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	if (sun->sun_family != AF_UNIX || len <= head)
		return false;
	const char *name = sun->sun_path;
	size_t n = len - head;
	size_t at = n;
	while (n && name[n - 1] == '\0') /* that of a path is counted in */
		n--;
	for (at = n; at && name[at - 1] != '@'; at--)
		;
	const size_t mark = sizeof(SOCK_INSIDE_MARK) - 1;
	return at >= mark && memcmp(name + at - mark, SOCK_INSIDE_MARK, mark) == 0 &&
	       addr_parse(a, str_make(name + at, n - at), -1);
}

typedef int name_fn(int fd, struct sockaddr *sa, socklen_t *len);

static bool sock_name(int fd, name_fn *name, struct addr *a)
{
	struct sockaddr_storage got = {0};
	socklen_t len = sizeof(got);

	memset(a, 0, sizeof(*a));
	if (name(fd, (struct sockaddr *)&got, &len) < 0)
		return false;
	if (got.ss_family == AF_UNIX)
		return inside_name((const struct sockaddr_un *)&got, len, a);
	memcpy(a, &got, sizeof(*a));
	return got.ss_family == AF_INET || got.ss_family == AF_INET6;
}

bool sock_local(int fd, struct addr *a)
{
	return sock_name(fd, getsockname, a);
}

bool sock_peer(int fd, struct addr *a)
{
	struct addr own;

	/* Who connects to a unix socket chooses its own name: that counts where only rn-wg can connect. */
	if (sock_local(fd, &own))
		return sock_name(fd, getpeername, a);
	memset(a, 0, sizeof(*a));
	return false;
}
