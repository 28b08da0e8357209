/* SPDX-License-Identifier: MIT
 *
 * Landlock by its raw system calls: neither libc nor the headers of all systems know them yet. The
 * numbers are the kernel's ABI (include/uapi/linux/landlock.h).
 */
#include "wg/sandbox.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_CREATE_RULESET 444
#define SYS_ADD_RULE 445
#define SYS_RESTRICT_SELF 446
#define CREATE_VERSION 1U

#define RULE_PATH 1
#define RULE_PORT 2

#define FS_READ (1ULL << 2 | 1ULL << 3)			  /* files, folders */
#define FS_KEEP_FILES (1ULL << 1 | 1ULL << 5 | 1ULL << 8 | 1ULL << 9) /* write, remove, make */
#define FS_REFER (1ULL << 13)				  /* from version 2 */
#define FS_TRUNCATE (1ULL << 14)			  /* from version 3 */
#define FS_IOCTL_DEV (1ULL << 15)			  /* from version 5 */
#define FS_ALL_1 ((1ULL << 13) - 1)
#define NET_BIND_TCP (1ULL << 0) /* from version 4 */
#define NET_CONNECT_TCP (1ULL << 1)
#define SCOPE_ABSTRACT_UNIX (1ULL << 0) /* from version 6 */
#define SCOPE_SIGNAL (1ULL << 1)

#define DNS_PORT 53 /* long answers come by TCP */

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed, port;
};

int sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_CREATE_RULESET, NULL, 0, CREATE_VERSION);
	return abi > 0 ? (int)abi : 0;
}

/* What is forbidden unless a rule allows it. */
static struct ruleset choose(enum sandbox_role role, int abi)
{
	struct ruleset r = {.fs = FS_ALL_1};
	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	/* Later changes may name key files anywhere, and the resolver reads what it needs. */
	if (role != SANDBOX_INSIDE)
		r.fs &= ~FS_READ;
	if (abi >= 4 && role == SANDBOX_PRIVATE)
		r.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6)
		r.scoped = role == SANDBOX_INSIDE ? SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL : 0;
	return r;
}

static size_t size_for(int abi)
{
	return abi >= 6	  ? sizeof(struct ruleset)
	       : abi >= 4 ? 2 * sizeof(uint64_t)
			  : sizeof(uint64_t);
}

static bool allow_folder(int ruleset, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct path_rule rule = {FS_KEEP_FILES, fd};
	bool good = fd < 0 || syscall(SYS_ADD_RULE, ruleset, RULE_PATH, &rule, 0U) == 0;
	fd_close(&fd);
	return good;
}

static bool allow(int fd, const struct ruleset *r, const char *const *folders)
{
	struct port_rule dns = {NET_CONNECT_TCP, DNS_PORT};
	bool good = !r->net || syscall(SYS_ADD_RULE, fd, RULE_PORT, &dns, 0U) == 0;
	for (; *folders && good; folders++)
		good = allow_folder(fd, *folders);
	return good;
}

int sandbox_landlock(enum sandbox_role role, const char *const *folders)
{
	int abi = sandbox_landlock_abi();
	if (!abi)
		return -1;
	struct ruleset r = choose(role, abi);
	int fd = (int)syscall(SYS_CREATE_RULESET, &r, size_for(abi), 0U);
	if (fd < 0)
		return -1;
	bool good = allow(fd, &r, folders) && syscall(SYS_RESTRICT_SELF, fd, 0U) == 0;
	close(fd);
	return good ? 0 : -1;
}
