/* SPDX-License-Identifier: ISC */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/str.h"

#define PID_LINE 21 /* a process id and its LF, never longer */

const char *
path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

int
path_join(const char *a, const char *b, char **out)
{
	size_t n = strlen(a);

	return path_joinf(out, "%s%s%s", a,
	    n == 0 || a[n - 1] == '/' ? "" : "/", b);
}

int
path_joinf(char **out, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	return str_take(&s, out);
}

bool
file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int
file_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return err_sys(e, "open directory %s", path);
	while ((r = fsync(fd)) != 0 && errno == EINTR)
		;
	if (r != 0)
		r = err_sys(e, "fsync directory %s", path);
	(void)close(fd);
	return r;
}

int
file_sync_parent(const char *path, struct err *e)
{
	size_t n = (size_t)(path_base(path) - path);
	char *dir;
	int r;

	if (n == 0)
		return file_sync_dir(".", e);
	if ((dir = str_dupn(path, n)) == NULL)
		return err_nomem(e);
	r = file_sync_dir(dir, e);
	free(dir);
	return r;
}

/* One directory whose parent is there. */
static int
make_dir(const char *path, mode_t mode, struct err *e)
{
	struct stat st;
	int fd, r = 0;

	if (mkdir(path, mode) != 0) {
		if (errno != EEXIST)
			return err_sys(e, "make directory %s", path);
		if (stat(path, &st) != 0)
			return err_sys(e, "make directory %s", path);
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
		return err_set(e, ERR_SYS, "%s is not a directory", path);
	}
	/* mkdir() took the umask away. */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, mode) != 0)
		r = err_sys(e, "set the mode of %s", path);
	if (fd >= 0)
		(void)close(fd);
	return r != 0 ? r : file_sync_parent(path, e);
}

int
file_mkdirs(const char *path, mode_t mode, struct err *e)
{
	size_t len = strlen(path), end = 0;
	char *part;
	int r = 0;

	if ((part = str_dup(path)) == NULL)
		return err_nomem(e);
	while (len > 1 && part[len - 1] == '/')
		part[--len] = '\0';
	while (r == 0 && end < len) {
		end += strspn(part + end, "/");
		end += strcspn(part + end, "/");
		part[end] = '\0';
		r = make_dir(part, mode, e);
		if (end < len)
			part[end] = '/';
	}
	free(part);
	return r;
}

/*
 * The process id in a lock file, "" where there is none.  Returns whether the
 * file is ours to write: empty, or with such an id and nothing else.
 */
static bool
read_pid(int fd, char out[PID_LINE + 1])
{
	ssize_t n = pread(fd, out, PID_LINE, 0);
	size_t digits;

	out[n > 0 ? n : 0] = '\0';
	digits = strspn(out, "0123456789");
	if (n == 0)
		return true;
	if (n < 0 || digits == 0 || digits + 1 != (size_t)n ||
	    out[digits] != '\n') {
		out[0] = '\0';
		return false;
	}
	out[digits] = '\0';
	return true;
}

/* Whether path still names what fd has open. */
static bool
same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Say in the file who holds it.  Only a courtesy: failing is no failure. */
static void
write_pid(int fd)
{
	char line[PID_LINE + 1];
	int n;

	if (!read_pid(fd, line) || ftruncate(fd, 0) != 0)
		return;
	n = snprintf(line, sizeof(line), "%ld\n", (long)getpid());
	if (pwrite(fd, line, (size_t)n, 0) != n)
		(void)!ftruncate(fd, 0);
}

int
file_lock(const char *path, int *out, struct err *e)
{
	char pid[PID_LINE + 1];
	int fd, r;

	for (;;) {
		fd =
		    open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return err_sys(e, "open %s", path);
		while ((r = flock(fd, LOCK_EX | LOCK_NB)) != 0 &&
		    errno == EINTR)
			;
		if (r != 0)
			break;
		if (same_file(fd, path)) {
			write_pid(fd);
			*out = fd;
			return 0;
		}
		/* Somebody removed the file while we were at it. */
		(void)close(fd);
	}
	if (errno != EWOULDBLOCK) {
		r = err_sys(e, "lock %s", path);
	} else {
		(void)read_pid(fd, pid);
		r = err_set(e, ERR_BUSY, "%s is in use by %s%s", path,
		    pid[0] != '\0' ? "process " : "another process", pid);
	}
	(void)close(fd);
	return r;
}

int
path_default(char **path, const char *dir, const char *absent)
{
	const char *name = *path != NULL ? *path : absent;
	char *whole = NULL;

	if (name[0] == '/')
		return 0;
	if (path_join(dir, name, &whole) != 0)
		return ERR_NOMEM;
	free(*path);
	*path = whole;
	return 0;
}
