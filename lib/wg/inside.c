/* SPDX-License-Identifier: MIT */
#include "wg/inside_impl.h"

#include "wg/namespace.h"
#include "wg/netlink.h"
#include "wg/sandbox.h"
#include "wg/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 2

struct inside {
	int sock;  /* to the child; -1 in host mode */
	pid_t pid; /* the child; 0 in host mode */
	struct netlink *nl; /* where requests are carried out: the child, or host mode */
	unsigned ifindex;
	bool adopted; /* the device is to be removed at the end */
	inside_carry_fn *carry; /* carries requests out instead of all this, or NULL */
	void *ctx;
};

/* ---- carrying out ----------------------------------------------------------------------------- */

static int udp_open(const struct request *rq, struct rn_error *err)
{
	int fd = sock_udp(&rq->local, false, err);
	if (fd < 0 || !rq->has_peer)
		return fd;
	if (connect(fd, &rq->peer.sa, addr_len(&rq->peer)) < 0) {
		int code = rn_fail_errno(err, RN_EAWAY, "connecting a UDP socket inside the tunnel");
		close(fd);
		return code;
	}
	return fd;
}

static int netlink_bound(int protocol, unsigned groups, struct rn_error *err)
{
	struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	int code = rn_fail_errno(err, RN_EOS, "netlink socket inside the tunnel");
	fd_close(&fd);
	return code;
}

static int adopt(struct inside *in, const char *name, struct rn_error *err)
{
	in->ifindex = if_nametoindex(name);
	in->adopted = in->ifindex != 0;
	return in->adopted ? 0 : rn_fail_errno(err, RN_EOS, "looking for the device %s", name);
}

static int remove_device(struct inside *in, struct rn_error *err)
{
	int code = in->adopted ? netlink_link_del(in->nl, in->ifindex, err) : 0;
	in->adopted = false;
	return code;
}

/* 0 or an error; *FD is the socket that was asked for. */
static int carry_out(struct inside *in, const struct request *rq, int *fd, struct rn_error *err)
{
	switch (rq->verb) {
	case VERB_ADOPT:
		return adopt(in, rq->name, err);
	case VERB_REMOVE:
		return remove_device(in, err);
	case VERB_UP:
		return netlink_link_up(in->nl, in->ifindex, rq->mtu, err);
	case VERB_ADDRESS:
		return netlink_address(in->nl, in->ifindex, &rq->cidr, rq->add, err);
	case VERB_ROUTE:
		return netlink_route(in->nl, in->ifindex, &rq->cidr, rq->add, err);
	case VERB_LISTEN:
		*fd = sock_listen(&rq->local, false, err);
		break;
	case VERB_CONNECT:
		*fd = sock_connect(&rq->local, err);
		break;
	case VERB_UDP:
		*fd = udp_open(rq, err);
		break;
	case VERB_NETLINK:
		*fd = netlink_bound(rq->protocol, rq->groups, err);
		break;
	default:
		return rn_fail(err, RN_EBUG, "unknown request %d", (int)rq->verb);
	}
	return *fd < 0 ? *fd : 0;
}

/* Settles in the namespace that we are in. *TUN (unless NULL) gets the device's descriptor. */
static int settle(struct inside *in, const char *name, int *tun, struct rn_error *err)
{
	in->nl = netlink_open(err);
	if (!in->nl)
		return err->code;
	if (!tun)
		return 0;
	int fd = tun_open(name, err);
	if (fd < 0)
		return fd;
	*tun = fd;
	in->ifindex = if_nametoindex(name);
	return in->ifindex ? 0 : rn_fail_errno(err, RN_EOS, "looking for the device %s", name);
}

/* ---- the child -------------------------------------------------------------------------------- */

static bool answer(int sock, const struct rn_error *err, int fd)
{
	struct str bytes = str_make(err, sizeof(*err));
	return fds_send(sock, bytes, &fd, fd < 0 ? 0 : 1) == (ssize_t)bytes.len;
}

static void serve(struct inside *in)
{
	struct request rq;
	for (;;) {
		ssize_t n = recv(in->sock, &rq, sizeof(rq), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(rq))
			return; /* the engine is gone */
		struct rn_error err = {0};
		int fd = -1;
		err.code = (enum rn_err)carry_out(in, &rq, &fd, &err);
		bool sent = answer(in->sock, &err, fd);
		fd_close(&fd);
		if (!sent)
			return;
	}
}

/* Nothing of the parent's may stay open here: its sockets would outlive it, and who reads its
 * standard error would wait for our end too. */
static int close_others(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return -1;
	if (keep > 3 && close_range(3, (unsigned)keep - 1, 0) < 0)
		return -1;
	return close_range((unsigned)keep + 1, ~0U, 0);
}

static const char *const no_folders[] = {NULL};

static int child_settle(struct inside *in, const char *name, int *tun, struct rn_error *err)
{
	int code = namespace_enter_new(err);
	if (code)
		return code;
	/* After the change of user namespace, which would clear it. A device that is not a descriptor's has
	 * to be removed at the end, so then the end of the socket is the signal. */
	if (tun && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return rn_fail_errno(err, RN_EOS, "prctl");
	code = settle(in, name, tun, err);
	if (!code)
		code = netlink_link_up(in->nl, if_nametoindex("lo"), 0, err);
	if (!code)
		code = privilege_drop(err);
	if (!code)
		sandbox_enter(SANDBOX_INSIDE, no_folders);
	return code;
}

_Noreturn static void child_main(int sock, const char *name, bool with_tun, pid_t parent)
{
	sigset_t all;
	sigfillset(&all);
	sigdelset(&all, SIGTERM);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN); /* Ctrl-C is the engine's to handle; its end is ours */
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "rn-wg-inside");
	struct inside in = {.sock = sock};
	struct rn_error err = {0};
	int tun = -1;
	if (close_others(sock) < 0)
		rn_fail_errno(&err, RN_EOS, "closing descriptors");
	else
		err.code = (enum rn_err)child_settle(&in, name, with_tun ? &tun : NULL, &err);
	bool sent = answer(sock, &err, err.code ? -1 : tun);
	fd_close(&tun);
	if (sent && !err.code && getppid() == parent)
		serve(&in);
	if (remove_device(&in, &err))
		_exit(1);
	_exit(0);
}

/* ---- the engine's side ------------------------------------------------------------------------ */

/* The child's word: 0 or its error. *FD gets a descriptor that came along, or -1. */
static int hear(struct inside *in, int *fd, struct rn_error *err)
{
	struct rn_error got;
	int fds[8];
	size_t n = ARRAY_LEN(fds);
	*fd = -1;
	ssize_t len = fds_recv(in->sock, &got, sizeof(got), fds, &n);
	if (len != sizeof(got)) {
		int code = len < 0 ? rn_fail_errno(err, RN_EOS, "the process inside the tunnel")
				   : rn_fail(err, RN_EOS, "the process inside the tunnel is gone");
		return code;
	}
	if (n)
		*fd = fds[0];
	if (!got.code)
		return 0;
	*err = got;
	return got.code;
}

/* 0, or the descriptor (WANTS_FD), or an error. */
static int ask(struct inside *in, const struct request *rq, bool wants_fd, struct rn_error *err)
{
	int fd = -1, code;
	if (in->carry) {
		code = in->carry(in->ctx, rq, &fd, err);
	} else if (in->sock < 0) {
		code = carry_out(in, rq, &fd, err);
	} else if (send(in->sock, rq, sizeof(*rq), MSG_NOSIGNAL) != (ssize_t)sizeof(*rq)) {
		return rn_fail_errno(err, RN_EOS, "the process inside the tunnel");
	} else {
		code = hear(in, &fd, err);
	}
	if (code || !wants_fd) {
		fd_close(&fd);
		return code;
	}
	return fd >= 0 ? fd : rn_fail(err, RN_EBUG, "no socket came from inside the tunnel");
}

static int start_private(struct inside *in, const char *name, int *tun_fd, struct rn_error *err)
{
	int pair[2], fd = -1;
	pid_t self = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return rn_fail_errno(err, RN_EOS, "socketpair");
	in->pid = fork();
	if (in->pid == 0)
		child_main(pair[1], name, tun_fd != NULL, self);
	close(pair[1]);
	in->sock = pair[0];
	if (in->pid < 0)
		return rn_fail_errno(err, RN_EOS, "fork");
	int code = hear(in, &fd, err);
	if (tun_fd)
		*tun_fd = fd;
	struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
	if (!code && setsockopt(in->sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		code = rn_fail_errno(err, RN_EOS, "setsockopt");
	return code;
}

struct inside *inside_start(enum inside_mode mode, const char *name, int *tun_fd,
			    struct rn_error *err)
{
	if (tun_fd)
		*tun_fd = -1;
	struct inside *in = calloc(1, sizeof(*in));
	if (!in) {
		rn_fail(err, RN_EOS, "out of memory");
		return NULL;
	}
	in->sock = -1;
	int code = mode == INSIDE_PRIVATE ? start_private(in, name, tun_fd, err)
					  : settle(in, name, tun_fd, err);
	if (!code && tun_fd && *tun_fd < 0)
		code = rn_fail(err, RN_EBUG, "no device came from inside the tunnel");
	if (!code)
		return in;
	if (tun_fd)
		fd_close(tun_fd);
	inside_stop(in);
	return NULL;
}

struct inside *inside_of(inside_carry_fn *carry, void *ctx)
{
	struct inside *in = calloc(1, sizeof(*in));
	if (in)
		*in = (struct inside){.sock = -1, .carry = carry, .ctx = ctx};
	return in;
}

void inside_stop(struct inside *in)
{
	struct request rq = {.verb = VERB_REMOVE};
	struct rn_error err;
	if (!in)
		return;
	if (in->adopted && ask(in, &rq, false, &err))
		log_write(LOG_WARN, "%s", err.text);
	fd_close(&in->sock); /* the child sees the end and leaves */
	netlink_close(in->nl);
	if (in->pid > 0) {
		kill(in->pid, SIGKILL);
		while (waitpid(in->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(in);
}

int inside_fd(const struct inside *in)
{
	return in->sock;
}

pid_t inside_pid(const struct inside *in)
{
	return in->pid;
}

int inside_adopt(struct inside *in, const char *name, struct rn_error *err)
{
	struct request rq = {.verb = VERB_ADOPT};
	(void)str_copy(rq.name, sizeof(rq.name), str_from(name));
	int code = ask(in, &rq, false, err);
	in->adopted = !code;
	return code;
}

int inside_up(struct inside *in, unsigned mtu, struct rn_error *err)
{
	struct request rq = {.verb = VERB_UP, .mtu = mtu};
	return ask(in, &rq, false, err);
}

int inside_address(struct inside *in, const struct cidr *address, bool add, struct rn_error *err)
{
	struct request rq = {.verb = VERB_ADDRESS, .cidr = *address, .add = add};
	return ask(in, &rq, false, err);
}

int inside_route(struct inside *in, const struct cidr *prefix, bool add, struct rn_error *err)
{
	struct request rq = {.verb = VERB_ROUTE, .cidr = *prefix, .add = add};
	return ask(in, &rq, false, err);
}

int inside_listen(struct inside *in, const struct addr *a, struct rn_error *err)
{
	struct request rq = {.verb = VERB_LISTEN, .local = *a};
	return ask(in, &rq, true, err);
}

int inside_connect(struct inside *in, const struct addr *a, struct rn_error *err)
{
	struct request rq = {.verb = VERB_CONNECT, .local = *a};
	return ask(in, &rq, true, err);
}

int inside_udp(struct inside *in, const struct addr *local, const struct addr *peer,
	       struct rn_error *err)
{
	struct request rq = {.verb = VERB_UDP, .local = *local};
	if (peer) {
		rq.peer = *peer;
		rq.has_peer = true;
	}
	return ask(in, &rq, true, err);
}

int inside_netlink(struct inside *in, int protocol, unsigned groups, struct rn_error *err)
{
	struct request rq = {.verb = VERB_NETLINK, .protocol = protocol, .groups = groups};
	return ask(in, &rq, true, err);
}
