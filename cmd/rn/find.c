/* SPDX-License-Identifier: MIT
 *
 * Which programs there are, next to this one and on PATH.
 */
#include "rn.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

/* This program's folder, then those of PATH: NEXT is called for each until it says true. */
static bool each_folder(bool (*next)(void *ctx, const char *dir), void *ctx)
{
	char exe[4096], dir[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	const char *path = getenv("PATH");
	struct str rest = str_from(path ? path : "/usr/local/bin:/usr/bin:/bin"), part;
	exe[n > 0 ? n : 0] = '\0';
	if (n > 0 && path_dir(dir, sizeof dir, exe) && next(ctx, dir))
		return true;
	while (str_cut(&rest, ':', &part))
		if (part.len && str_copy(dir, sizeof dir, part) && next(ctx, dir))
			return true;
	return false;
}

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

struct search {
	const char *name;
	char *path;
	size_t size;
};

static bool look_in(void *ctx, const char *dir)
{
	struct search *s = ctx;
	return path_join(s->path, s->size, dir, str_from(s->name)) && is_program(s->path);
}

bool program_find(const char *name, char *path, size_t size)
{
	struct search s = {name, path, size};
	return !strchr(name, '/') && each_folder(look_in, &s);
}

/* rn-wg, but not rn-console.cgi or rn-wg.old. */
static bool is_name(const char *name)
{
	return strncmp(name, "rn-", 3) == 0 &&
	       name[3 + strspn(name + 3, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' &&
	       name[3];
}

static bool list_in(void *ctx, const char *dir)
{
	struct programs *p = ctx;
	char path[4096];
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (!is_name(e->d_name) ||
		    !path_join(path, sizeof path, dir, str_from(e->d_name)) || !is_program(path))
			continue;
		char **name = VEC_PUSH(&p->names);
		if (name)
			*name = strdup(e->d_name);
	}
	if (d)
		closedir(d);
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int programs_list(struct programs *p, struct rn_error *err)
{
	size_t kept = 0;
	*p = (struct programs){0};
	each_folder(list_in, p);
	for (size_t i = 0; i < p->names.len; i++)
		if (!p->names.ptr[i])
			return rn_fail(err, RN_EOS, "out of memory");
	if (p->names.len)
		qsort(p->names.ptr, p->names.len, sizeof *p->names.ptr, compare);
	for (size_t i = 0; i < p->names.len; i++) {
		char *name = p->names.ptr[i];
		if (kept && strcmp(p->names.ptr[kept - 1], name) == 0)
			free(name);
		else
			p->names.ptr[kept++] = name;
	}
	p->names.len = kept;
	return 0;
}

void programs_free(struct programs *p)
{
	for (size_t i = 0; i < p->names.len; i++)
		free(p->names.ptr[i]);
	vec_free(&p->names.base);
}
