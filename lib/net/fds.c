/* SPDX-License-Identifier: MIT
 *
 * Descriptors beside bytes on a unix socket (SCM_RIGHTS, unix(7)).
 */
#include "net/net.h"

#include <errno.h>
#include <unistd.h>

union fds_space {
	char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	struct cmsghdr align;
};

ssize_t fds_send(int sock, struct str bytes, const int *fds, size_t n)
{
	struct iovec iov = {(void *)(uintptr_t)bytes.ptr, bytes.len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union fds_space space = {0};
	ssize_t sent;

	rn_assert(n <= FDS_MAX && bytes.len > 0);
	if (n) {
		struct cmsghdr *c;

		msg.msg_control = &space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

/* Takes every descriptor out of MSG: what a sender forces on us must not leak. */
static size_t take_fds(struct msghdr *msg, int out[static FDS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t here;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		here = MIN((c->cmsg_len - CMSG_LEN(0)) / sizeof(int), FDS_MAX - n);
		memcpy(out + n, CMSG_DATA(c), here * sizeof(int));
		n += here;
	}
	return n;
}

ssize_t fds_recv(int sock, void *bytes, size_t cap, int *fds, size_t *n)
{
	struct iovec iov = {bytes, cap};
	union fds_space space;
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &space,
			     .msg_controllen = sizeof(space)};
	int got[FDS_MAX];
	size_t n_got;
	ssize_t len;

	do
		len = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return len;
	n_got = take_fds(&msg, got);
	if (!(msg.msg_flags & MSG_CTRUNC) && n_got <= *n) {
		memcpy(fds, got, n_got * sizeof(int));
		*n = n_got;
		return len;
	}
	for (size_t i = 0; i < n_got; i++)
		close(got[i]);
	errno = EPROTO;
	return -1;
}
