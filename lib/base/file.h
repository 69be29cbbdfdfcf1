/* SPDX-License-Identifier: ISC */
/*
 * Files: bounded reads, writes that are whole or not there, locks.
 *
 * A write here is: a temporary in the same directory, owner and mode first,
 * fsync of the file, rename or link, fsync of the directory.
 */
#ifndef LIB_BASE_FILE_H
#define LIB_BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/*
 * The whole of a regular file into a new terminated block (the NUL is not
 * counted); "-" is standard input.  ERR_NOTFOUND, ERR_LIMIT (larger than max),
 * ERR_SYS (also for what is not a regular file), ERR_NOMEM.  The caller frees
 * *out.
 */
int file_read(const char *path, size_t max, char **out, size_t *n,
    struct err *e) MUST_CHECK;
/* From where fd stands, a pipe too; name is for messages. */
int file_read_fd(int fd, const char *name, size_t max, char **out, size_t *n,
    struct err *e) MUST_CHECK;
/* As file_read, relative to dirfd, never following a symbolic link at the end.
 */
int file_read_at(int dirfd, const char *path, size_t max, char **out, size_t *n,
    struct err *e) MUST_CHECK;

/*
 * Write a file whole and durably; it belongs to whoever writes and has exactly
 * mode, whatever the umask.  FILE_NEW: fails with ERR_EXISTS where the name is
 * taken (atomically); else the old file, or a symbolic link of that name, is
 * replaced.  FILE_NOSYNC: no fsync, for what can be made again.  FILE_AT_ONCE:
 * where the name is free the file is made under it, for less than half of the
 * time; a crash may then leave an empty file or a part of one there, so this
 * too is for what can be made again.  ERR_SYS, ERR_NOMEM.  When the fsync of
 * the directory alone fails, the new file is there, but it is not known whether
 * it would outlive a crash.
 *
 * A crash may leave a file FILE_TMP_PREFIX... behind: readers of directories
 * pass such names over.
 */
#define FILE_TMP_PREFIX ".tmp-"
enum { FILE_NEW = 1, FILE_NOSYNC = 2, FILE_AT_ONCE = 4 };
int file_write(const char *path, const void *p, size_t n, mode_t mode,
    unsigned flags, struct err *e) MUST_CHECK;

/*
 * A second name for the file `from`, in the place of what has that name; durable
 * as file_write(), and FILE_NOSYNC as there.  1 where the two cannot be one file
 * (another file system, one without such names, too many of them): nothing is
 * changed then.  ERR_SYS, ERR_NOMEM.
 */
int file_link(const char *from, const char *to, unsigned flags, struct err *e)
    MUST_CHECK;

/* fsync a directory.  ERR_SYS. */
int file_sync_dir(const char *path, struct err *e) MUST_CHECK;
/* fsync the directory that holds path.  ERR_SYS, ERR_NOMEM. */
int file_sync_parent(const char *path, struct err *e) MUST_CHECK;
/*
 * mkdir -p; existing directories are fine.  New ones get exactly mode, and are
 * durable: their parents are fsynced.  ERR_SYS, ERR_NOMEM.
 */
int file_mkdirs(const char *path, mode_t mode, struct err *e) MUST_CHECK;
/* Something is there and can be reached; a dangling link is not. */
bool file_exists(const char *path);

/*
 * An exclusive lock on a file, made with 0600 if absent, held until the
 * descriptor is closed (or the process ends).  ERR_BUSY when another has it;
 * the message names the path and, where known, the holder's process id, which
 * the holder writes into the file if that is empty or held such an id.  Never
 * follows a symbolic link at the end.  ERR_SYS.
 */
int file_lock(const char *path, int *fd, struct err *e) MUST_CHECK;

/* a/b, with one slash between; b where a is "".  ERR_NOMEM.  Caller frees. */
int path_join(const char *a, const char *b, char **out) MUST_CHECK;
/* A formatted path.  ERR_NOMEM.  The caller frees. */
int path_joinf(char **out, const char *fmt, ...) MUST_CHECK PRINTF_LIKE(2, 3);
/* *path, or absent where it is NULL, with dir before it where it is relative.
 * ERR_NOMEM. */
int path_default(char **path, const char *dir, const char *absent) MUST_CHECK;
const char *path_base(const char *path); /* after the last '/' */

/* All of it, through short writes and EINTR.  ERR_SYS. */
int fd_write_all(int fd, const void *p, size_t n, struct err *e) MUST_CHECK;
/*
 * Take the place of standard input, output and error where they are closed, so
 * that no file that is opened later gets their number and what is printed for
 * people.  Reading or writing them fails with EBADF as before.  A program's
 * first act.  ERR_SYS.
 */
int fd_keep_standard(struct err *e) MUST_CHECK;

#endif
