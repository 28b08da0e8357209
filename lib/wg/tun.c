/* SPDX-License-Identifier: MIT */
#include "wg/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

static int open_failed(struct rn_error *err)
{
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return rn_fail_errno(err, RN_EOS, TUN_PATH " cannot be opened: load the tun module "
			"(modprobe tun), or give the container the device (--device " TUN_PATH ")");
	case EACCES:
	case EPERM:
		return rn_fail_errno(err, RN_EPERM, TUN_PATH " cannot be opened: it must be readable "
			"and writable for this user (chmod 0666 " TUN_PATH ", as udev sets it)");
	default:
		return rn_fail_errno(err, RN_EOS, TUN_PATH " cannot be opened");
	}
}

static int make_failed(const char *name, struct rn_error *err)
{
	if (errno == EBUSY)
		return rn_fail(err, RN_EAWAY, "the device %s exists already: choose another name, or "
			"remove it (ip link del %s)", name, name);
	return rn_fail_errno(err, errno == EPERM ? RN_EPERM : RN_EOS, "making the TUN device %s", name);
}

int tun_open(const char *name, struct rn_error *err)
{
	int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return open_failed(err);
	struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	if (!str_copy(req.ifr_name, sizeof(req.ifr_name), str_from(name))) {
		close(fd);
		return rn_fail(err, RN_EUSAGE, "%s: a device's name has at most 15 bytes", name);
	}
	if (ioctl(fd, TUNSETIFF, &req) < 0) {
		int code = make_failed(name, err);
		close(fd);
		return code;
	}
	/* Without it the kernel cuts itself, so a refusal only costs speed. */
	if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)(TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) < 0)
		log_write(LOG_DEBUG, "%s: no segmentation offload", name);
	return fd;
}

struct tun *tun_new(int fd, const char *name)
{
	struct tun *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->fd = fd;
	t->mtu = TUN_MTU_DEFAULT;
	(void)str_copy(t->name, sizeof(t->name), str_from(name));
	return t;
}

void tun_free(struct tun *t)
{
	if (!t)
		return;
	fd_close(&t->fd);
	free(t);
}

/* 1: BIG is filled; 0: nothing there; negative: the device is gone. */
static int read_big(struct tun *t, struct rn_error *err)
{
	struct iovec to[2] = {{&t->big.how, sizeof(t->big.how)}, {t->big.ip, TUN_PACKET_MAX}};
	for (;;) {
		ssize_t n = readv(t->fd, to, 2);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EIO)) /* EIO: the device is down */
			return 0;
		if (n < 0)
			return rn_fail_errno(err, RN_EOS, "%s: reading", t->name);
		if ((size_t)n <= sizeof(t->big.how))
			continue;
		t->big.len = (size_t)n - sizeof(t->big.how);
		if (tun_big_start(&t->big))
			return 1;
		t->big.len = 0;
	}
}

/* What WG_SEALED_LEN says, with the padding capped by the MTU. */
static size_t sealed_len(const struct tun *t, size_t len)
{
	size_t padded = (len + 15) & ~(size_t)15;
	return WG_HEAD + MAX(MIN(padded, t->mtu), len) + 16;
}

int tun_read(struct tun *t, struct wg_pkt *v, size_t max, struct rn_error *err)
{
	size_t used = 0, n = 0;
	while (n < MIN(max, TUN_BATCH)) {
		int got = t->big.len ? 1 : read_big(t, err);
		if (got < 0 && !n)
			return got;
		if (got <= 0)
			break;
		size_t room = sizeof(t->out) - used;
		if (room <= WG_SEALED_LEN(0))
			break;
		uint8_t *at = t->out + used + WG_HEAD;
		size_t len = tun_big_next(&t->big, at, room - WG_SEALED_LEN(0));
		if (!len)
			break; /* full: the next call goes on here */
		v[n++] = (struct wg_pkt){.data = at, .len = (uint32_t)len};
		used += sealed_len(t, len);
	}
	return (int)n;
}

void tun_write(struct tun *t, const struct wg_pkt *v, size_t n)
{
	struct tun_join join;
	for (size_t i = 0; i < n; i += join.n) {
		tun_join(&join, v + i, n - i);
		while (writev(t->fd, join.iov, (int)join.n) < 0 && errno == EINTR)
			;
	}
}
