/* SPDX-License-Identifier: MIT
 *
 * rn-wg doctor: what this machine allows. Looks, and changes nothing.
 */
#include "rn-wg.h"

#include "wg/namespace.h"
#include "wg/overlap.h"
#include "wg/sandbox.h"
#include "wg/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#define UDP_BUFFER_BYTES (4 << 20) /* what lib/wg/udp.c asks for */

enum result { FINE, WARNING, FAILED };

struct finding {
	enum result result;
	char text[320];
	const char *advice; /* or NULL */
};

static void say(struct finding *f, enum result result, const char *advice, const char *fmt, ...)
	printf_like(4, 5);
static void say(struct finding *f, enum result result, const char *advice, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	f->result = result;
	f->advice = advice;
}

/* The first line of a small file, or "". */
static void read_line(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	fd_close(&fd);
}

/* ---- the checks ------------------------------------------------------------ */

static void check_tun(struct cli *c, struct finding *f)
{
	(void)c;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		say(f, FAILED,
		    errno == ENOENT
			    ? "modprobe tun; in a container: give it the device /dev/net/tun"
			    : "make /dev/net/tun readable and writable for you",
		    "/dev/net/tun cannot be opened: %s", strerror(errno));
	else
		say(f, FINE, NULL, "/dev/net/tun opens");
	fd_close(&fd);
}

/* In a child, since a process cannot leave a namespace that it entered. */
static void check_private(struct cli *c, struct finding *f)
{
	struct rn_error err = {0};
	int word[2];
	(void)c;
	if (pipe2(word, O_CLOEXEC) < 0) {
		say(f, FAILED, NULL, "pipe: %s", strerror(errno));
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		if (!namespace_enter_new(&err) && tun_open("rndoctor", &err) >= 0)
			err.code = RN_OK;
		_exit(write(word[1], &err, sizeof(err)) != (ssize_t)sizeof(err));
	}
	close(word[1]);
	ssize_t n = pid < 0 ? -1 : read(word[0], &err, sizeof(err));
	close(word[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (n == (ssize_t)sizeof(err) && !err.code)
		say(f, FINE, NULL, "a tunnel can have a network namespace of its own");
	else
		say(f, geteuid() ? FAILED : WARNING, "as root, --netns host works without", "%s",
		    n == (ssize_t)sizeof(err) ? err.text : "no process could be made to try");
}

static void check_kernel(struct cli *c, struct finding *f)
{
	(void)c;
	if (access("/sys/module/wireguard", F_OK) == 0)
		say(f, FINE, NULL, "the kernel's WireGuard module is loaded");
	else
		say(f, WARNING,
		    "modprobe wireguard, if the kernel has it; without, the user engine carries "
		    "tunnels",
		    "the kernel's WireGuard module is not loaded");
}

/* What a socket is granted of what the engine asks for. */
static void check_udp_buffers(struct cli *c, struct finding *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), want = UDP_BUFFER_BYTES, in = 0,
	    out = 0;
	socklen_t len = sizeof(in);
	(void)c;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof(want));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &in, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &out, &len) < 0)
		say(f, FAILED, NULL, "UDP socket: %s", strerror(errno));
	else if (in / 2 < want || out / 2 < want) /* the kernel doubles what it grants */
		say(f, WARNING, "sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304",
		    "UDP buffers of %d and %d bytes, where fast links want %d", in / 2, out / 2,
		    want);
	else
		say(f, FINE, NULL, "UDP buffers of %d bytes", want);
	fd_close(&fd);
}

static void check_udp_batches(struct cli *c, struct finding *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1, size = 1400;
	(void)c;
	bool gro = setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof(one)) == 0;
	bool gso = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0;
	if (gro && gso)
		say(f, FINE, NULL,
		    "the kernel takes and gives datagrams in batches (UDP_SEGMENT, UDP_GRO)");
	else
		say(f, WARNING, "Linux 5.0 or newer has both", "the kernel lacks %s: slower",
		    gro	  ? "UDP_SEGMENT"
		    : gso ? "UDP_GRO"
			  : "UDP_SEGMENT and UDP_GRO");
	fd_close(&fd);
}

/* Handshakes carry the time: one with an older time than the last is refused by the peer. */
static void check_clock(struct cli *c, struct finding *f)
{
	struct timex t = {0};
	const int64_t written = 1795000000; /* this code is not older */
	int state = adjtimex(&t);
	(void)c;
	if (clock_wall_s() < written)
		say(f, FAILED, "set the clock, and keep it set (an NTP client)",
		    "the clock stands at %lld, which is past: peers refuse handshakes older than "
		    "the last",
		    (long long)clock_wall_s());
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC))
		say(f, WARNING, "run an NTP client",
		    "nothing keeps the clock right: if it is ever set back, peers refuse "
		    "handshakes until it "
		    "catches up");
	else
		say(f, FINE, NULL, "the clock is synchronised");
}

/* The device of the default route, or "". */
static void default_device(char out[static IFNAMSIZ])
{
	char line[256], device[32];
	unsigned long to;
	FILE *file = fopen("/proc/net/route", "re");
	out[0] = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%31s %lx", device, &to) == 2 && to == 0)
			(void)str_copy(out, IFNAMSIZ, str_from(device));
	if (file)
		fclose(file);
}

static void check_mtu(struct cli *c, struct finding *f)
{
	struct ifreq r = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)c;
	default_device(r.ifr_name);
	if (!r.ifr_name[0])
		say(f, WARNING, NULL,
		    "no default route over IPv4: nobody can be reached outside of this link");
	else if (fd < 0 || ioctl(fd, SIOCGIFMTU, &r) < 0)
		say(f, WARNING, NULL, "%s: its MTU cannot be told: %s", r.ifr_name,
		    strerror(errno));
	else if (r.ifr_mtu < WG_MTU_DEFAULT + 80)
		say(f, WARNING, "set mtu= in the interface record to the link's MTU less 80",
		    "%s, towards the default route, has an MTU of %d: that of a tunnel over it is "
		    "%d at most",
		    r.ifr_name, r.ifr_mtu, r.ifr_mtu - 80);
	else
		say(f, FINE, NULL, "%s, towards the default route, has an MTU of %d", r.ifr_name,
		    r.ifr_mtu);
	fd_close(&fd);
}

static void check_overlap(struct cli *c, struct finding *f)
{
	overlap_ranges host = {0};
	const struct overlap_range *a, *b;
	struct rn_error err;
	char x[ADDR_TEXT_MAX], y[ADDR_TEXT_MAX];
	(void)c;
	if (overlap_read(&host, &err)) {
		say(f, WARNING, NULL, "%s", err.text);
	} else if (overlap_between(&host, &a, &b)) {
		cidr_format(&a->prefix, x);
		cidr_format(&b->prefix, y);
		say(f, WARNING, "give one of them another range", "%s on %s overlaps %s on %s", x,
		    a->device, y, b->device);
	} else {
		say(f, FINE, NULL, "no two devices here have overlapping ranges");
	}
	vec_free(&host.base);
}

static void check_memory(struct cli *c, struct finding *f)
{
	struct rlimit limit = {0};
	(void)c;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < (1U << 20))
		say(f, WARNING, "ulimit -l 8192, or LimitMEMLOCK=8M in a systemd unit",
		    "%llu bytes of memory may be locked: keys may be swapped out",
		    (unsigned long long)limit.rlim_cur);
	else
		say(f, FINE, NULL, "enough memory may be locked to keep keys out of swap");
}

static void check_sandbox(struct cli *c, struct finding *f)
{
	int abi = sandbox_landlock_abi();
	char seccomp[256];
	(void)c;
	read_line("/proc/sys/kernel/seccomp/actions_avail", seccomp, sizeof(seccomp));
	if (seccomp[0] && abi > 0)
		say(f, FINE, NULL, "the kernel has seccomp and landlock (version %d)", abi);
	else
		say(f, WARNING,
		    "a newer kernel, or lsm=landlock on its command line, confines tunnels better",
		    "the kernel lacks %s",
		    abi > 0	 ? "seccomp"
		    : seccomp[0] ? "landlock"
				 : "seccomp and landlock");
}

static void check_run_folder(struct cli *c, struct finding *f)
{
	char path[4096];
	if (cli_run_path(c, path, sizeof(path), "doctor"))
		say(f, FAILED, "set RN_RUN_DIR, or make it", "%s", c->err.text);
	else
		say(f, FINE, NULL, "control sockets go to %s", c->run_dir);
}

static const struct {
	const char *name;
	void (*run)(struct cli *c, struct finding *f);
} checks[] = {
	{"tun", check_tun},
	{"private", check_private},
	{"kernel", check_kernel},
	{"run_dir", check_run_folder},
	{"udp_buffers", check_udp_buffers},
	{"udp_batches", check_udp_batches},
	{"clock", check_clock},
	{"mtu", check_mtu},
	{"overlap", check_overlap},
	{"locked_memory", check_memory},
	{"sandbox", check_sandbox},
};

static int put(struct cli *c, const char *name, const struct finding *f)
{
	static const char *const results[] = {"ok", "warning", "failed"};
	struct buf b;
	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "finding", str_from(name));
	rec_add_cstr(&b, "result", results[f->result]);
	rec_add_cstr(&b, "text", f->text);
	rec_add_cstr(&b, "advice", f->advice);
	rec_end(&b);
	int code = rec_out_put(&c->out, buf_str(&b), &c->err);
	buf_free(&b);
	return code;
}

int run_doctor(struct cli *c, int argc, char **argv)
{
	bool failed = false;
	(void)argc, (void)argv;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		struct finding f = {0};
		checks[i].run(c, &f);
		int code = put(c, checks[i].name, &f);
		if (code)
			return code;
		failed |= f.result == FAILED;
	}
	c->err = (struct rn_error){0}; /* a check's own */
	return failed ? RN_ENO : 0;
}
