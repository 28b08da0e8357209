/* SPDX-License-Identifier: MIT
 *
 * Where things are: control sockets, state, sibling programs. See doc/contracts.md, "Folders".
 */
#include "cli/cli.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

static bool env_path(char *out, size_t size, const char *name, const char *tail)
{
	const char *value = getenv(name);
	int n;

	if (!value || value[0] != '/')
		return false;
	n = snprintf(out, size, "%s%s", value, tail);
	return n > 0 && (size_t)n < size;
}

static void find_bin_dir(struct cli *c)
{
	char exe[sizeof(c->bin_dir)];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = 0;
	if (!path_dir(c->bin_dir, sizeof(c->bin_dir), exe))
		c->bin_dir[0] = 0;
}

/* Keys never go below /tmp, where anybody may have made the folder first: without HOME the user's
 * home is asked of the system, and without that nothing can be kept. */
static void home_state(struct cli *c)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *home = pw && pw->pw_dir[0] == '/' ? pw->pw_dir : "/nonexistent";

	if ((size_t)snprintf(c->state_dir, sizeof(c->state_dir), "%s/.local/state/rustronaut", home) >=
	    sizeof(c->state_dir))
		c->state_dir[0] = 0;
}

void cli_folders(struct cli *c)
{
	bool root = geteuid() == 0;

	if (!env_path(c->run_dir, sizeof(c->run_dir), "RN_RUN_DIR", "") &&
	    !(root && str_copy(c->run_dir, sizeof(c->run_dir), STR("/run/rustronaut"))) &&
	    !env_path(c->run_dir, sizeof(c->run_dir), "XDG_RUNTIME_DIR", "/rustronaut"))
		snprintf(c->run_dir, sizeof(c->run_dir), "/tmp/rustronaut-%u", geteuid());
	if (!env_path(c->state_dir, sizeof(c->state_dir), "RN_STATE_DIR", "") &&
	    !(root && str_copy(c->state_dir, sizeof(c->state_dir), STR("/var/lib/rustronaut"))) &&
	    !env_path(c->state_dir, sizeof(c->state_dir), "XDG_STATE_HOME", "/rustronaut") &&
	    !env_path(c->state_dir, sizeof(c->state_dir), "HOME", "/.local/state/rustronaut"))
		home_state(c);
	find_bin_dir(c);
}

/* The fallback lies in /tmp, where anybody may have made the name first: control sockets only go into
 * a real folder that is ours alone. */
static int check_own(const char *dir, struct rn_error *err)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return rn_fail_errno(err, RN_EOS, "%s", dir);
	if (!S_ISDIR(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return rn_fail(err, RN_EPERM,
			       "%s: not a folder that only you can write; remove it or set RN_RUN_DIR",
			       dir);
	return 0;
}

int cli_run_path(struct cli *c, char *out, size_t size, const char *name)
{
	if (dir_make(c->run_dir, 0700, &c->err) < 0 || check_own(c->run_dir, &c->err) < 0)
		return c->err.code;
	if (!path_join(out, size, c->run_dir, str_from(name)))
		return rn_fail(&c->err, RN_EUSAGE, "%s/%s: name too long", c->run_dir, name);
	return 0;
}

const char *cli_sibling(struct cli *c, const char *name, char *out, size_t size)
{
	if (path_join(out, size, c->bin_dir, str_from(name)) && access(out, X_OK) == 0)
		return out;
	snprintf(out, size, "%s", name); /* execvp looks in PATH */
	return out;
}
