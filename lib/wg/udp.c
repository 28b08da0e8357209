/* SPDX-License-Identifier: MIT */
#include "wg/udp.h"

#include "wg/noise.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <unistd.h>

#define BUFFER_BYTES (4 << 20) /* as much of it as the system grants */
#define PORT_TRIES 16

struct udp *udp_make(void)
{
	struct udp *u = calloc(1, sizeof(*u));
	if (u)
		u->fd4 = u->fd6 = -1;
	return u;
}

void udp_free(struct udp *u)
{
	if (!u)
		return;
	fd_close(&u->fd4);
	fd_close(&u->fd6);
	free(u);
}

static void set_int(int fd, int level, int option, int value)
{
	/* Only for what is an improvement, and fine without. */
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		log_write(LOG_DEBUG, "socket option %d/%d is not supported", level, option);
}

/* Beyond the system's limit if we may. */
static void set_buffer(int fd, int option, int forced)
{
	const int bytes = BUFFER_BYTES;
	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) < 0)
		set_int(fd, SOL_SOCKET, option, bytes);
}

static int set_mark(int fd, uint32_t mark, struct rn_error *err)
{
	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return rn_fail_errno(err, RN_EPERM, "fwmark=%u", mark);
	return 0;
}

/* A socket of FAMILY on PORT; *MISSING when the system does not have the family. */
static int open_one(int family, uint16_t port, uint32_t mark, bool *missing, struct rn_error *err)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	if (fd < 0) {
		*missing = errno == EAFNOSUPPORT;
		return rn_fail_errno(err, RN_EOS, "UDP socket");
	}
	bool v4 = family == AF_INET;
	if (!v4)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	set_int(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
	set_int(fd, IPPROTO_UDP, UDP_GRO, 1);
	set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE);
	set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE);
	struct addr a = {.sa.sa_family = (sa_family_t)family};
	addr_set_port(&a, port);
	int code = set_mark(fd, mark, err);
	if (!code && bind(fd, &a.sa, addr_len(&a)) < 0) {
		*missing = errno == EADDRNOTAVAIL;
		code = rn_fail_errno(err, errno == EACCES ? RN_EPERM : RN_EAWAY, "UDP port %u",
				     port);
	}
	if (!code)
		return fd;
	close(fd);
	return code;
}

/* Both families on one port; one of them may be missing. */
static int open_pair(int fd[2], uint16_t *port, uint32_t mark, struct rn_error *err)
{
	static const int families[2] = {AF_INET, AF_INET6};
	for (int i = 0; i < 2; i++) {
		bool missing = false;
		struct addr a;
		fd[i] = open_one(families[i], *port, mark, &missing, err);
		if (fd[i] < 0 && (!missing || (i == 1 && fd[0] < 0)))
			goto fail;
		if (fd[i] >= 0 && sock_local(fd[i], &a))
			*port = addr_port(&a);
	}
	return 0;
fail:
	fd_close(&fd[0]);
	return err->code;
}

int udp_open(struct udp *u, uint16_t port, uint32_t fwmark, struct rn_error *err)
{
	int fd[2] = {-1, -1}, code = RN_EBUG;
	if (port && port == u->port) { /* the same port again: the old sockets hold it */
		code = u->fd4 >= 0 ? set_mark(u->fd4, fwmark, err) : 0;
		if (!code && u->fd6 >= 0)
			code = set_mark(u->fd6, fwmark, err);
		if (!code)
			u->fwmark = fwmark;
		return code;
	}
	for (int i = 0; i < (port ? 1 : PORT_TRIES); i++) {
		uint16_t got = port; /* one that is free for IPv4 may be taken for IPv6 */
		code = open_pair(fd, &got, fwmark, err);
		if (!code) {
			fd_close(&u->fd4);
			fd_close(&u->fd6);
			u->fd4 = fd[0];
			u->fd6 = fd[1];
			u->port = got;
			u->shedding = false;
			u->fwmark = fwmark;
			return 0;
		}
	}
	return code;
}

/* ---- in ---------------------------------------------------------------------------------------
 */

union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

/* Fills E->from and ifindex; gives the size of the datagrams that the message holds, or 0. */
static size_t read_control(struct msghdr *m, struct wg_endpoint *e)
{
	int size = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&size, CMSG_DATA(c), sizeof(size));
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			e->from.in.sin_family = AF_INET;
			e->from.in.sin_addr = info.ipi_spec_dst;
			e->ifindex = (uint32_t)info.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			e->from.in6.sin6_family = AF_INET6;
			e->from.in6.sin6_addr = info.ipi6_addr;
			e->ifindex = info.ipi6_ifindex;
		}
	}
	return size > 0 ? (size_t)size : 0;
}

struct input {
	udp_input_fn *fn;
	void *ctx;
	size_t n;
	struct wg_dgram v[UDP_BATCH];
};

static void input_flush(struct input *in)
{
	if (in->n)
		in->fn(in->ctx, in->v, in->n);
	in->n = 0;
}

/* One message: one datagram, or several of SIZE bytes (the last may be shorter). */
static void input_message(struct input *in, uint8_t *data, size_t len, size_t size,
			  const struct wg_endpoint *at)
{
	if (!size)
		size = len;
	while (len) {
		size_t one = MIN(size, len);
		if (in->n == UDP_BATCH)
			input_flush(in);
		in->v[in->n++] = (struct wg_dgram){.data = data, .len = (uint32_t)one, .at = at};
		data += one;
		len -= one;
	}
}

bool udp_receive(struct udp *u, int fd, udp_input_fn *fn, void *ctx)
{
	struct mmsghdr msgs[UDP_SLOTS] = {0};
	struct iovec iov[UDP_SLOTS];
	struct wg_endpoint at[UDP_SLOTS] = {0};
	union control control[UDP_SLOTS];
	for (size_t i = 0; i < UDP_SLOTS; i++) {
		iov[i] = (struct iovec){u->slots[i], UDP_SLOT_BYTES};
		msgs[i].msg_hdr = (struct msghdr){.msg_name = &at[i].to,
						  .msg_namelen = sizeof(at[i].to),
						  .msg_iov = &iov[i],
						  .msg_iovlen = 1,
						  .msg_control = &control[i],
						  .msg_controllen = sizeof(control[i])};
	}
	int n = recvmmsg(fd, msgs, UDP_SLOTS, 0, NULL);
	struct input in;
	in.fn = fn;
	in.ctx = ctx;
	in.n = 0; /* V stays as it is: zeroing it would cost as much as a packet */
	for (int i = 0; i < n; i++) {
		if (msgs[i].msg_hdr.msg_flags & MSG_TRUNC)
			continue;
		size_t size = read_control(&msgs[i].msg_hdr, &at[i]);
		input_message(&in, u->slots[i], msgs[i].msg_len, size, &at[i]);
	}
	input_flush(&in);
	/* Errors that ICMP messages left on the socket are no reason to stop. */
	return n == UDP_SLOTS || (n < 0 && errno != EAGAIN);
}

/* ---- floods -----------------------------------------------------------------------------------
 */

#define LET_IN_ONE_OF 8U
#define PAYLOAD 8 /* a filter sees the UDP header, too */
#define MAC2 (PAYLOAD + sizeof(struct noise_initiation) - 16)
#define ALL UINT32_MAX

/* See networking/filter.rst of the kernel. A message too short to have a mac2 is dropped. */
static const struct sock_filter shed_filter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PAYLOAD),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NOISE_INITIATION, 0, 10),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, MAC2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 8),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, MAC2 + 4),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 6),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, MAC2 + 8),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, MAC2 + 12),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, UINT32_MAX / LET_IN_ONE_OF, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, ALL),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

void udp_shed(struct udp *u, bool on)
{
	/* The kernel copies it, and does not write to it. */
	const struct sock_fprog program = {ARRAY_LEN(shed_filter),
					   (struct sock_filter *)(uintptr_t)shed_filter};
	const int fds[2] = {u->fd4, u->fd6}, none = 0;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		int code = 0;
		if (fds[i] >= 0 && on)
			code = setsockopt(fds[i], SOL_SOCKET, SO_ATTACH_FILTER, &program,
					  sizeof(program));
		else if (fds[i] >= 0)
			code = setsockopt(fds[i], SOL_SOCKET, SO_DETACH_FILTER, &none,
					  sizeof(none));
		if (code < 0)
			log_write(LOG_DEBUG, "the system does not shed floods");
	}
	u->shedding = on;
}

/* ---- out --------------------------------------------------------------------------------------
 */

#define OUT_MESSAGES 32
#define OUT_SEGMENTS 64 /* UDP_MAX_SEGMENTS of the kernel */
#define OUT_BYTES 65000 /* a UDP payload at most, with room for any header */

struct outgoing {
	struct mmsghdr msgs[OUT_MESSAGES];
	struct iovec iov[OUT_MESSAGES];
	union control control[OUT_MESSAGES];
	uint32_t size[OUT_MESSAGES];  /* of the first datagram: the segment size */
	uint32_t count[OUT_MESSAGES]; /* datagrams in the message */
	const struct wg_endpoint *at[OUT_MESSAGES];
	unsigned n;
	int fd;
};

static struct cmsghdr *next_control(struct msghdr *m, size_t *used, int level, int type, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)((uint8_t *)m->msg_control + *used);
	*c = (struct cmsghdr){.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len)};
	*used += CMSG_SPACE(len);
	return c;
}

static void put_source(struct msghdr *m, size_t *used, const struct wg_endpoint *e)
{
	if (e->from.sa.sa_family == AF_INET) {
		struct in_pktinfo info = {.ipi_spec_dst = e->from.in.sin_addr};
		memcpy(CMSG_DATA(next_control(m, used, IPPROTO_IP, IP_PKTINFO, sizeof(info))),
		       &info, sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_addr = e->from.in6.sin6_addr};
		if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
			info.ipi6_ifindex = e->ifindex;
		memcpy(CMSG_DATA(next_control(m, used, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info))),
		       &info, sizeof(info));
	}
}

static void put_control(struct outgoing *o, unsigned i, bool source, bool segment)
{
	struct msghdr *m = &o->msgs[i].msg_hdr;
	const struct wg_endpoint *at = o->at[i];
	size_t used = 0;
	m->msg_control = &o->control[i];
	if (source && at->from.sa.sa_family == at->to.sa.sa_family)
		put_source(m, &used, at);
	if (segment && o->count[i] > 1) {
		uint16_t size = (uint16_t)o->size[i];
		memcpy(CMSG_DATA(next_control(m, &used, IPPROTO_UDP, UDP_SEGMENT, sizeof(size))),
		       &size, sizeof(size));
	}
	m->msg_controllen = used;
	if (!used)
		m->msg_control = NULL;
}

static void begin_message(struct outgoing *o, const struct wg_dgram *d)
{
	unsigned i = o->n++;
	o->iov[i] = (struct iovec){d->data, d->len};
	o->size[i] = d->len;
	o->count[i] = 1;
	o->at[i] = d->at;
	/* sendmmsg does not write to the name. */
	o->msgs[i].msg_hdr = (struct msghdr){.msg_name = (void *)(uintptr_t)&d->at->to,
					     .msg_namelen = addr_len(&d->at->to),
					     .msg_iov = &o->iov[i],
					     .msg_iovlen = 1};
}

/* Adds D to the last message if it continues it. */
static bool joins_message(struct outgoing *o, const struct wg_dgram *before,
			  const struct wg_dgram *d)
{
	unsigned i = o->n - 1;
	if (before->at != d->at && memcmp(before->at, d->at, sizeof(*d->at)) != 0)
		return false;
	if (before->data + before->len != d->data || before->len != o->size[i] ||
	    d->len > o->size[i])
		return false;
	if (o->count[i] == OUT_SEGMENTS || o->iov[i].iov_len + d->len > OUT_BYTES)
		return false;
	o->iov[i].iov_len += d->len;
	o->count[i]++;
	return true;
}

/* Sends message I again as its datagrams, and from whatever address the system chooses: the path is
 * too narrow for segments (EINVAL), the card cannot sum them (EIO), or our address of before is
 * gone. */
static void send_apart(struct udp *u, struct outgoing *o, unsigned i)
{
	if (errno == EAGAIN || errno == ENOBUFS)
		return; /* full: as on any link */
	if (errno == EIO && o->count[i] > 1)
		u->no_segment = true;
	struct iovec whole = o->iov[i];
	put_control(o, i, false, false);
	for (size_t at = 0; at < whole.iov_len; at += o->size[i]) {
		o->iov[i].iov_base = (uint8_t *)whole.iov_base + at;
		o->iov[i].iov_len = MIN((size_t)o->size[i], whole.iov_len - at);
		if (sendmsg(o->fd, &o->msgs[i].msg_hdr, MSG_NOSIGNAL) < 0)
			return;
	}
}

static void flush_messages(struct udp *u, struct outgoing *o)
{
	for (unsigned i = 0; i < o->n; i++)
		put_control(o, i, true, true);
	for (unsigned i = 0; i < o->n;) {
		int n = sendmmsg(o->fd, o->msgs + i, o->n - i, MSG_NOSIGNAL);
		if (n > 0)
			i += (unsigned)n;
		else if (errno != EINTR)
			send_apart(u, o, i++);
	}
	o->n = 0;
}

void udp_transmit(struct udp *u, const struct wg_dgram *v, size_t n)
{
	struct outgoing o;
	o.n = 0;
	o.fd = -1;
	for (size_t i = 0; i < n; i++) {
		int fd = v[i].at->to.sa.sa_family == AF_INET ? u->fd4 : u->fd6;
		if (fd < 0)
			continue;
		if (o.n && fd == o.fd && !u->no_segment && joins_message(&o, &v[i - 1], &v[i]))
			continue;
		if (o.n == OUT_MESSAGES || (o.n && fd != o.fd))
			flush_messages(u, &o);
		o.fd = fd;
		begin_message(&o, &v[i]);
	}
	flush_messages(u, &o);
}
