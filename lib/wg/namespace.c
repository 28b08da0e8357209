/* SPDX-License-Identifier: MIT */
#include "wg/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int write_proc(const char *path, const char *text, struct rn_error *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return rn_fail_errno(err, RN_EPERM, "%s", path);
	int code = fd_write_all(fd, str_from(text), err);
	if (code)
		code = rn_fail_in(err, "%s", path);
	close(fd);
	return code;
}

static int map_user(uid_t uid, gid_t gid, struct rn_error *err)
{
	char map[32];
	int code = write_proc("/proc/self/setgroups", "deny", err);
	if (code)
		return code;
	snprintf(map, sizeof(map), "0 %u 1\n", uid);
	if ((code = write_proc("/proc/self/uid_map", map, err)))
		return code;
	snprintf(map, sizeof(map), "0 %u 1\n", gid);
	return write_proc("/proc/self/gid_map", map, err);
}

int namespace_enter_new(struct rn_error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (uid == 0 && unshare(CLONE_NEWNET) == 0)
		return 0;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
		return map_user(uid, gid, err);
	if (errno == ENOSPC)
		return rn_fail_errno(err, RN_EPERM, "user namespaces are used up or switched off "
			"(sysctl user.max_user_namespaces, user.max_net_namespaces)");
	if (errno == EPERM || errno == EACCES)
		return rn_fail_errno(err, RN_EPERM, "user namespaces are forbidden here: allow them (sysctl "
			"kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0, "
			"or the container's seccomp profile), or run as root");
	return rn_fail_errno(err, RN_EOS, "making a network namespace");
}

bool privilege_over_network(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{0}};
	return syscall(SYS_capget, &head, caps) == 0 && (caps[0].effective & 1U << CAP_NET_ADMIN);
}

int privilege_drop(struct rn_error *err)
{
	const uint32_t keep = 1U << CAP_NET_ADMIN | 1U << CAP_NET_BIND_SERVICE;
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2] = {{0}};
	if (syscall(SYS_capget, &head, caps) < 0)
		return rn_fail_errno(err, RN_EOS, "reading capabilities");
	for (int i = 0; i < 2; i++) {
		caps[i].permitted &= i ? 0 : keep;
		caps[i].effective = caps[i].permitted;
		caps[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, caps) < 0)
		return rn_fail_errno(err, RN_EOS, "dropping capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return rn_fail_errno(err, RN_EOS, "giving up privileges");
	return 0;
}
