/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int fd_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int fd_write_all(int fd, struct str s, struct rn_error *err)
{
	while (s.len) {
		ssize_t n = write(fd, s.ptr, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rn_fail_errno(err, RN_EIO, "cannot write");
		s = str_from_at(s, (size_t)n);
	}
	return 0;
}

/* Reads up to what B can still hold and one byte beyond, to tell "full" from "too long". */
int fd_read_all(int fd, struct buf *b, struct rn_error *err)
{
	for (;;) {
		size_t room = b->max - b->len;
		size_t want = MIN(MAX(room, 1), 65536);
		char extra = 0, *p = room ? buf_reserve(b, want) : &extra;
		ssize_t n;

		if (!p)
			return rn_fail(err, RN_EOS, "out of memory");
		n = read(fd, p, room ? want : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return rn_fail_errno(err, RN_EIO, "cannot read");
		if (n == 0)
			return 0;
		if (!room)
			return rn_fail(err, RN_EDATA, "longer than %zu bytes", b->max);
		b->len += (size_t)n;
	}
}

static int read_open(const char *path, int fd, struct buf *b, struct rn_error *err)
{
	if (fd_read_all(fd, b, err) < 0)
		return rn_fail_in(err, "%s", path);
	return 0;
}

int file_read(const char *path, struct buf *b, struct rn_error *err)
{
	int fd, rc;

	if (strcmp(path, "-") == 0)
		return read_open("stdin", 0, b, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rn_fail_errno(err, RN_ENOINPUT, "%s", path);
	rc = read_open(path, fd, b, err);
	fd_close(&fd);
	return rc;
}

int file_read_secret(const char *path, struct buf *b, struct rn_error *err)
{
	struct stat st;
	int fd, rc;

	b->secret = true;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = rn_fail_errno(err, errno == EACCES ? RN_EPERM : RN_ENOINPUT, "%s", path);
	} else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		rc = rn_fail(err, RN_EPERM, "%s: others can read this secret: chmod 600 %s", path, path);
	} else {
		rc = read_open(path, fd, b, err);
	}
	fd_close(&fd);
	return rc;
}

bool path_join(char *out, size_t size, const char *dir, struct str name)
{
	int n;

	if (str_starts(name, STR("/")))
		return str_copy(out, size, name);
	n = snprintf(out, size, "%s/%.*s", dir, STR_ARG(name));
	return n >= 0 && (size_t)n < size;
}

bool path_dir(char *out, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return str_copy(out, size, STR("."));
	if (slash == path)
		return str_copy(out, size, STR("/"));
	return str_copy(out, size, str_make(path, (size_t)(slash - path)));
}

static int sync_dir(const char *path)
{
	char dir[4096];
	int fd, rc;

	if (!path_dir(dir, sizeof(dir), path))
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

static int write_temp(int fd, mode_t mode, struct str s, struct rn_error *err)
{
	if (fchmod(fd, mode) < 0)
		return rn_fail_errno(err, RN_EIO, "cannot set its mode");
	if (fd_write_all(fd, s, err) < 0)
		return err->code;
	if (fsync(fd) < 0)
		return rn_fail_errno(err, RN_EIO, "cannot write to disk");
	return 0;
}

int file_write(const char *path, mode_t mode, struct str s, struct rn_error *err)
{
	char temp[4096];
	int fd, rc, n;

	n = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(temp))
		return rn_fail(err, RN_ECANTCREAT, "%s: name too long", path);
	fd = mkostemp(temp, O_CLOEXEC); /* made with mode 0600 */
	if (fd < 0)
		return rn_fail_errno(err, RN_ECANTCREAT, "%s", path);
	rc = write_temp(fd, mode, s, err);
	fd_close(&fd);
	if (rc == 0 && rename(temp, path) < 0)
		rc = rn_fail_errno(err, RN_ECANTCREAT, "cannot replace it");
	if (rc < 0) {
		unlink(temp);
		return rn_fail_in(err, "%s", path);
	}
	if (sync_dir(path) < 0)
		return rn_fail_errno(err, RN_EIO, "%s: cannot write its folder to disk", path);
	return 0;
}

int dir_make(const char *path, mode_t mode, struct rn_error *err)
{
	char part[4096];

	if (!str_copy(part, sizeof(part), str_from(path)))
		return rn_fail(err, RN_ECANTCREAT, "%s: name too long", path);
	for (char *p = part + 1;; p++) {
		char c = *p;

		if (c != '/' && c != 0)
			continue;
		*p = 0;
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return rn_fail_errno(err, RN_ECANTCREAT, "%s", part);
		*p = c;
		if (c == 0)
			return 0;
	}
}
