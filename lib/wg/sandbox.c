/* SPDX-License-Identifier: MIT
 *
 * The system calls of a tunnel that runs. What is not listed is refused with EPERM; what only an
 * intruder would try ends the process. The resolver's child (resolve.h) lives under the same list.
 */
#include "wg/sandbox.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define CALL(name) SCMP_SYS(name)

/* Both processes: memory, time, descriptors, messages. */
static const int common[] = {
	CALL(brk),
	CALL(mmap),
	CALL(mprotect),
	CALL(mremap),
	CALL(munmap),
	CALL(madvise),
	CALL(mlock),
	CALL(mlock2),
	CALL(munlock),
	CALL(futex),
	CALL(membarrier),
	CALL(rseq),
	CALL(set_robust_list),
	CALL(clock_gettime),
	CALL(clock_getres),
	CALL(gettimeofday),
	CALL(time),
	CALL(getrandom),
	CALL(getpid),
	CALL(getppid),
	CALL(gettid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(sigaltstack),
	CALL(restart_syscall),
	CALL(exit),
	CALL(exit_group),
	CALL(sched_yield),
	CALL(read),
	CALL(readv),
	CALL(write),
	CALL(writev),
	CALL(close),
	CALL(close_range),
	CALL(dup),
	CALL(dup2),
	CALL(dup3),
	CALL(fcntl),
	CALL(fstat),
	CALL(lseek),
	CALL(pipe2),
	CALL(poll),
	CALL(ppoll),
	CALL(bind),
	CALL(listen),
	CALL(connect),
	CALL(shutdown),
	CALL(getsockname),
	CALL(getpeername),
	CALL(getsockopt),
	CALL(setsockopt),
	CALL(sendto),
	CALL(sendmsg),
	CALL(sendmmsg),
	CALL(recvfrom),
	CALL(recvmsg),
	CALL(recvmmsg),
};

/* The engine: its loop, key files, the resolver in a child, the end of both. */
static const int engine[] = {
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(epoll_pwait2),
	CALL(eventfd2),
	CALL(signalfd4),
	CALL(timerfd_create),
	CALL(timerfd_settime),
	CALL(nanosleep),
	CALL(clock_nanosleep),
	CALL(select),
	CALL(pselect6),
	CALL(alarm),
	CALL(setitimer),
	CALL(accept),
	CALL(accept4),
	CALL(socketpair),
	CALL(flock),
	CALL(open),
	CALL(openat),
	CALL(access),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(stat),
	CALL(lstat),
	CALL(newfstatat),
	CALL(statx),
	CALL(statfs),
	CALL(fstatfs),
	CALL(readlink),
	CALL(readlinkat),
	CALL(getcwd),
	CALL(getdents64),
	CALL(pread64),
	CALL(unlink),
	CALL(unlinkat),
	CALL(fsync),
	CALL(fchmod),
	CALL(rename),
	CALL(renameat),
	CALL(renameat2),
	CALL(fork),
	CALL(vfork),
	CALL(wait4),
	CALL(waitid),
	CALL(kill),
	CALL(tgkill),
	CALL(set_tid_address),
	CALL(uname),
	CALL(sysinfo),
	CALL(prlimit64),
	CALL(getrlimit),
	CALL(prctl),
	CALL(sched_getaffinity),
	CALL(sched_setaffinity),
	CALL(rt_sigtimedwait),
	CALL(getrusage),
	CALL(arch_prctl),
};

static const int deadly[] = {
	CALL(execve),
	CALL(execveat),
	CALL(ptrace),
	CALL(process_vm_readv),
	CALL(process_vm_writev),
	CALL(mount),
	CALL(pivot_root),
	CALL(setns),
	CALL(unshare),
	CALL(bpf),
	CALL(init_module),
	CALL(finit_module),
	CALL(kexec_load),
};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static const unsigned long ioctls[] = {
	FIONREAD, FIONBIO,   TCGETS,	SIOCGIFINDEX,  SIOCGIFNAME,	SIOCGIFMTU,  SIOCGIFFLAGS,
	SIOCOUTQ, TUNSETIFF, TUNGETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ, TUNSETQUEUE, TUNGETFEATURES,
};

static int allow_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t n)
{
	int code = 0;
	for (size_t i = 0; i < n && !code; i++) {
		code = seccomp_rule_add(f, action, calls[i], 0);
		if (code == -EDOM || code == -EFAULT)
			code = 0; /* this processor has no such call */
	}
	return code;
}

/* Those that are allowed with some arguments only. */
static int allow_some(scmp_filter_ctx f, enum sandbox_role role)
{
	const scmp_datum_t namespaces = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID |
					CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	int code = 0;
	for (size_t i = 0; i < ARRAY_LEN(families) && !code; i++)
		code = seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(socket), 1,
					SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	for (size_t i = 0; i < ARRAY_LEN(ioctls) && !code; i++)
		code = seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(ioctl), 1,
					SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)ioctls[i], 0));
	if (!code && role != SANDBOX_INSIDE)
		code = seccomp_rule_add(f, SCMP_ACT_ALLOW, CALL(clone), 1,
					SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
	/* Its flags are behind a pointer; libc takes clone instead when it is told that there is
	 * none. */
	if (!code)
		code = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
	return code;
}

static int enter_seccomp(enum sandbox_role role)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!f)
		return -ENOMEM;
	int code = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!code)
		code = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a search tree */
	/* Older kernels would else slow a filtered process down for Spectre's sake; no foreign code
	 * runs here. */
	if (!code)
		code = seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
	if (!code)
		code = allow_all(f, SCMP_ACT_ALLOW, common, ARRAY_LEN(common));
	if (!code && role != SANDBOX_INSIDE)
		code = allow_all(f, SCMP_ACT_ALLOW, engine, ARRAY_LEN(engine));
	if (!code)
		code = allow_all(f, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_LEN(deadly));
	if (!code)
		code = allow_some(f, role);
	if (!code)
		code = seccomp_load(f);
	seccomp_release(f);
	return code;
}

static const char *state = "none";

const char *sandbox_state(void)
{
	return state;
}

/* Sanitizers and coverage need at the end what is forbidden here. */
#ifdef RN_NO_SANDBOX
#define WANTED false
#else
#define WANTED true
#endif

void sandbox_enter(enum sandbox_role role, const char *const *folders)
{
	if (!WANTED)
		return;
	bool landlock = sandbox_landlock(role, folders) == 0;
	int code = enter_seccomp(role);
	if (!landlock)
		log_write(LOG_DEBUG, "no landlock here");
	if (code)
		log_write(LOG_DEBUG, "no seccomp here: %s", strerror(-code));
	state = landlock ? (code ? "landlock" : "landlock,seccomp") : (code ? "none" : "seccomp");
}
