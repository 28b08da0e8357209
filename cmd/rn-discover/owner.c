/* SPDX-License-Identifier: MIT
 *
 * Whose socket it is: the process that has it among its descriptors. Other users' processes cannot
 * be looked into; their sockets stay without a name.
 */
#include "rn-discover.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static struct listener *by_inode(struct listeners *ls, unsigned long inode)
{
	for (size_t i = 0; i < ls->all.len; i++)
		if (ls->all.ptr[i].inode == inode)
			return &ls->all.ptr[i];
	return NULL;
}

static void name_of(const char *dir, char out[static PROGRAM_MAX])
{
	char path[512];
	struct rn_error ignored;
	struct buf text;

	buf_init(&text, 64);
	snprintf(path, sizeof(path), "%s/comm", dir);
	if (file_read(path, &text, &ignored) == 0 && text.len)
		str_copy(out, PROGRAM_MAX,
			 str_slice(buf_str(&text), 0, MIN(text.len - 1, (size_t)PROGRAM_MAX - 1)));
	buf_free(&text);
}

/* "socket:[12345]" */
static bool socket_inode(const char *path, unsigned long *inode)
{
	char link[64];
	ssize_t n = readlink(path, link, sizeof(link));
	struct str text = str_make(link, n > 0 ? (size_t)n : 0);
	uint64_t v;

	if (!str_starts(text, STR("socket:[")) ||
	    !str_to_u64(str_slice(text, 8, text.len - 1), UINT64_MAX, &v))
		return false;
	*inode = v;
	return true;
}

static void look_into(struct listeners *ls, const char *dir)
{
	char path[512];
	struct dirent *e;
	DIR *fds;

	snprintf(path, sizeof(path), "%s/fd", dir);
	fds = opendir(path);
	while (fds && (e = readdir(fds))) {
		struct listener *l;
		unsigned long inode;

		if (snprintf(path, sizeof(path), "%s/fd/%s", dir, e->d_name) >= (int)sizeof(path) ||
		    !socket_inode(path, &inode) || !(l = by_inode(ls, inode)) || l->program[0])
			continue;
		name_of(dir, l->program);
	}
	if (fds)
		closedir(fds);
}

void owners_find(struct listeners *ls, const char *proc)
{
	DIR *d = opendir(proc);
	char dir[300];
	struct dirent *e;
	uint64_t pid;

	while (d && (e = readdir(d))) {
		if (!str_to_u64(str_from(e->d_name), INT32_MAX, &pid))
			continue;
		if (snprintf(dir, sizeof(dir), "%s/%s", proc, e->d_name) < (int)sizeof(dir))
			look_into(ls, dir);
	}
	if (d)
		closedir(d);
}
