/* SPDX-License-Identifier: MIT */
#include "wg/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

#ifndef TUN_F_USO4 /* newer than the headers of some systems */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define HOW_BYTES sizeof(struct virtio_net_hdr)
_Static_assert(offsetof(struct tun_big, ip) == HOW_BYTES, "one read fills both");
_Static_assert(HOW_BYTES <= WG_HEAD, "it fits in front of a packet");

static int open_failed(struct rn_error *err)
{
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return rn_fail_errno(
			err, RN_EOS,
			TUN_PATH
			" cannot be opened: load the tun module "
			"(modprobe tun), or give the container the device (--device " TUN_PATH ")");
	case EACCES:
	case EPERM:
		return rn_fail_errno(err, RN_EPERM,
				     TUN_PATH " cannot be opened: it must be readable "
					      "and writable for this user (chmod 0666 " TUN_PATH
					      ", as udev sets it)");
	default:
		return rn_fail_errno(err, RN_EOS, TUN_PATH " cannot be opened");
	}
}

static int make_failed(const char *name, struct rn_error *err)
{
	if (errno == EBUSY)
		return rn_fail(err, RN_EAWAY,
			       "the device %s exists already: choose another name, or "
			       "remove it (ip link del %s)",
			       name, name);
	return rn_fail_errno(err, errno == EPERM ? RN_EPERM : RN_EOS, "making the TUN device %s",
			     name);
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
	return fd;
}

/* What is refused the kernel cuts itself, which only costs speed. UDP: Linux 6.2. */
static void set_offload(struct tun *t)
{
	const unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	t->uso = ioctl(t->fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (!t->uso && ioctl(t->fd, TUNSETOFFLOAD, tcp) < 0)
		log_write(LOG_DEBUG, "%s: no segmentation offload", t->name);
}

struct tun *tun_new(int fd, const char *name)
{
	struct tun *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->fd = fd;
	t->mtu = TUN_MTU_DEFAULT;
	(void)str_copy(t->name, sizeof(t->name), str_from(name));
	set_offload(t);
	return t;
}

void tun_free(struct tun *t)
{
	if (!t)
		return;
	fd_close(&t->fd);
	free(t);
}

/* A packet with its virtio-net header to BUF; how many bytes of packet, 0: nothing there, negative:
 * the device is gone. */
static ssize_t read_packet(struct tun *t, void *buf, struct rn_error *err)
{
	for (;;) {
		ssize_t n = read(t->fd, buf, HOW_BYTES + TUN_PACKET_MAX);
		if (n > (ssize_t)HOW_BYTES)
			return n - (ssize_t)HOW_BYTES;
		if (n >= 0 || errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EIO) /* EIO: the device is down */
			return 0;
		return rn_fail_errno(err, RN_EOS, "%s: reading", t->name);
	}
}

/* Where the next packet is likely to belong: among those to be cut, or right at its place AT. Gives
 * the length at AT; 0: it is in BIG, or malformed and dropped, or there is none (*MORE is false).
 */
static ssize_t read_to(struct tun *t, uint8_t *at, bool *more, struct rn_error *err)
{
	uint8_t *buf = t->expect_big ? (uint8_t *)&t->big : at - HOW_BYTES;
	ssize_t len = read_packet(t, buf, err);
	struct virtio_net_hdr how;
	*more = len > 0;
	if (len <= 0)
		return len;
	memcpy(&how, buf, sizeof(how));
	bool cut = how.gso_type != VIRTIO_NET_HDR_GSO_NONE;
	if (!cut && !t->expect_big)
		return tun_whole(&how, at, (size_t)len) ? len : 0;
	if (!t->expect_big)
		memcpy(&t->big, buf, HOW_BYTES + (size_t)len);
	t->expect_big = cut;
	t->big.len = (size_t)len;
	if (!tun_big_start(&t->big))
		t->big.len = 0;
	return 0;
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
	bool more = true;
	t->drained = false;
	while (more && n < MIN(max, TUN_BATCH) &&
	       sizeof(t->out) - used >= WG_SEALED_LEN(TUN_PACKET_MAX)) {
		uint8_t *at = t->out + used + WG_HEAD;
		ssize_t len;
		if (t->big.len)
			len = (ssize_t)tun_big_next(&t->big, at, TUN_PACKET_MAX);
		else
			len = read_to(t, at, &more, err);
		if (len < 0 && !n)
			return (int)len;
		if (len <= 0)
			continue;
		v[n++] = (struct wg_pkt){.data = at, .len = (uint32_t)len};
		used += sealed_len(t, (size_t)len);
	}
	t->drained = !more;
	return (int)n;
}

void tun_write(struct tun *t, const struct wg_pkt *v, size_t n)
{
	struct tun_join join;
	for (size_t i = 0; i < n; i += join.n) {
		tun_join(&join, v + i, n - i, t->uso);
		while (writev(t->fd, join.iov, (int)join.n) < 0 && errno == EINTR)
			;
	}
}
