/* SPDX-License-Identifier: MIT
 *
 * Descriptors and whole files. Every descriptor is close-on-exec.
 */
#ifndef RN_FILE_H
#define RN_FILE_H

#include "base/err.h"
#include "base/mem.h"

#include <sys/types.h>

/* Closes *fd if it is not -1 and sets it to -1. */
void fd_close(int *fd);
int fd_set_nonblock(int fd);
/* All of it, over short writes and EINTR. */
int fd_write_all(int fd, struct str s, struct rn_error *err) __attribute__((warn_unused_result));
/* Until end of file, at most B's maximum. */
int fd_read_all(int fd, struct buf *b, struct rn_error *err) __attribute__((warn_unused_result));

/* Reads PATH ("-": standard input) into B. RN_ENOINPUT if it cannot be opened, RN_EDATA if it is
 * longer than B's maximum. */
int file_read(const char *path, struct buf *b, struct rn_error *err)
	__attribute__((warn_unused_result));

/* Like file_read for a secret: refuses (RN_EPERM) a file that group or others can read; B is
 * from then on a secret one. */
int file_read_secret(const char *path, struct buf *b, struct rn_error *err)
	__attribute__((warn_unused_result));

/* Replaces PATH with S whole: temporary file in the same folder with MODE, fsync, rename, fsync of
 * the folder. On failure the old content stands and no temporary is left. */
int file_write(const char *path, mode_t mode, struct str s, struct rn_error *err)
	__attribute__((warn_unused_result));

/* Makes PATH and its missing parents with MODE; fine if it is there already. */
int dir_make(const char *path, mode_t mode, struct rn_error *err)
	__attribute__((warn_unused_result));

/* DIR "/" NAME, or NAME itself if it is absolute; false if longer than size. */
bool path_join(char *out, size_t size, const char *dir, struct str name);
/* The folder part of PATH ("." if it has none). */
bool path_dir(char *out, size_t size, const char *path);

#endif
