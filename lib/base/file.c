/* SPDX-License-Identifier: ISC */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_FIRST 4096 /* for what does not say its size */

/* Whether a call that failed is worth another try; waits where it must. */
static bool
again(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

/* A larger block with the same bytes; the old one is wiped. */
static int
move_to_larger(char **p, size_t n, size_t cap)
{
	char *to = malloc(cap);

	if (to == NULL)
		return ERR_NOMEM;
	if (n > 0)
		memcpy(to, *p, n);
	mem_wipe(*p, n);
	free(*p);
	*p = to;
	return 0;
}

/*
 * To the end of the file.  One byte more than max is asked for, since only
 * that shows that there is more, and one more than its size, so that a file of
 * that size is read without growing, and by one call: where all of it has come
 * and less than was asked for, there is no more.  What does not say its size
 * (0) is read until nothing comes.
 */
static int
read_all(int fd, const char *what, size_t max, size_t size, char **out,
    size_t *n_out, struct err *e)
{
	size_t n = 0, cap = 0, next = (size > 0 ? size : READ_FIRST) + 2;
	char *p = NULL;
	int r;

	for (;;) {
		ssize_t got;
		size_t room;

		if (cap < n + 2) {
			if (next > max + 2)
				next = max + 2;
			if ((r = move_to_larger(&p, n, next)) != 0) {
				(void)err_nomem(e);
				goto out;
			}
			cap = next;
			next = cap * 2;
		}
		room = cap - 1 - n;
		got = read(fd, p + n, room);
		if (got < 0 && again(fd, POLLIN))
			continue;
		if (got < 0) {
			r = err_sys(e, "read %s", what);
			goto out;
		}
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > max) {
			r = err_set(e, ERR_LIMIT,
			    "%s is too large, expected at most %zu bytes", what,
			    max);
			goto out;
		}
		if (size > 0 && n >= size && (size_t)got < room)
			break;
	}
	p[n] = '\0';
	*out = p;
	*n_out = n;
	return 0;
out:
	mem_wipe(p, n);
	free(p);
	return r;
}

static int
read_stat(int fd, const struct stat *st, const char *name, size_t max,
    char **out, size_t *n, struct err *e)
{
	size_t size = 0;

	if (max > SIZE_MAX / 4)
		max = SIZE_MAX / 4;
	if (S_ISREG(st->st_mode) && st->st_size > 0)
		size = (uintmax_t)st->st_size > max ? max : (size_t)st->st_size;
	return read_all(fd, name, max, size, out, n, e);
}

int
file_read_fd(int fd, const char *name, size_t max, char **out, size_t *n,
    struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "read %s", name);
	return read_stat(fd, &st, name, max, out, n, e);
}

static int
read_path(int dirfd, const char *path, int nofollow, size_t max, char **out,
    size_t *n, struct err *e)
{
	/* O_NONBLOCK: a FIFO of that name must not hold us up. */
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | nofollow;
	struct stat st;
	int fd, r;

	fd = openat(dirfd, path, flags);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOTFOUND, "%s: no such file", path);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (fstat(fd, &st) != 0) {
		r = err_sys(e, "read %s", path);
	} else if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		r = err_set(e, ERR_SYS, "%s is not a regular file", path);
	} else {
		r = read_stat(fd, &st, path, max, out, n, e);
	}
	(void)close(fd);
	return r;
}

int
file_read(const char *path, size_t max, char **out, size_t *n, struct err *e)
{
	if (strcmp(path, "-") == 0)
		return file_read_fd(STDIN_FILENO, "standard input", max, out, n,
		    e);
	return read_path(AT_FDCWD, path, 0, max, out, n, e);
}

int
file_read_at(int dirfd, const char *path, size_t max, char **out, size_t *n,
    struct err *e)
{
	return read_path(dirfd, path, O_NOFOLLOW, max, out, n, e);
}

int
fd_write_all(int fd, const void *p, size_t n, struct err *e)
{
	const char *from = p;

	while (n > 0) {
		ssize_t put = write(fd, from, n);

		if (put < 0 && again(fd, POLLOUT))
			continue;
		if (put < 0)
			return err_sys(e, "write");
		from += put;
		n -= (size_t)put;
	}
	return 0;
}

int
fd_keep_standard(struct err *e)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The other way round: a use of it stays an error. */
		int how = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
		int got;

		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* Those below are open, so it is this one that open gives; and
		   children inherit it, as they do the others. */
		got = open("/dev/null", how); // NOLINT(android-cloexec-open)
		if (got < 0)
			return err_sys(e, "open /dev/null");
		if (got != fd) {
			(void)close(got);
			return err_set(e, ERR_SYS,
			    "/dev/null is descriptor %d, expected %d", got, fd);
		}
	}
	return 0;
}

static int
sync_fd(int fd)
{
	int r;

	while ((r = fsync(fd)) != 0 && errno == EINTR)
		;
	return r;
}

/* The bytes, up to their being safe on the disk. */
static int
fill(int fd, const void *p, size_t n, unsigned flags, struct err *e)
{
	int r;

	if ((r = fd_write_all(fd, p, n, e)) != 0)
		return r;
	if ((flags & FILE_NOSYNC) == 0 && sync_fd(fd) != 0)
		return err_sys(e, "fsync");
	return 0;
}

/* The mode comes first: no byte may be readable by more than mean to. */
static int
fill_with_mode(int fd, const void *p, size_t n, mode_t mode, unsigned flags,
    struct err *e)
{
	if (fchmod(fd, mode) != 0)
		return err_sys(e, "set the mode");
	return fill(fd, p, n, flags, e);
}

/* Give the temporary its name. */
static int
put_in_place(const char *tmp, const char *path, unsigned flags, struct err *e)
{
	if ((flags & FILE_NEW) == 0) {
		if (rename(tmp, path) != 0)
			return err_sys(e, "rename");
		return 0;
	}
	if (link(tmp, path) != 0) {
		if (errno == EEXIST)
			return err_set(e, ERR_EXISTS, "exists already");
		return err_sys(e, "link");
	}
	/* The file is there; a second name of it harms nobody. */
	(void)unlink(tmp);
	return 0;
}

/* Make the file under its own name: 0, ERR_EXISTS where that is taken. */
static int
write_at_once(const char *path, const void *p, size_t n, mode_t mode,
    unsigned flags, struct err *e)
{
	struct stat st;
	int fd, r;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return errno == EEXIST ? ERR_EXISTS
				       : err_sys(e, "make the file");
	/* The umask mostly leaves the mode as it is, and to look is cheap. */
	if (fstat(fd, &st) == 0 && (st.st_mode & 07777) == mode)
		r = fill(fd, p, n, flags, e);
	else
		r = fill_with_mode(fd, p, n, mode, flags, e);
	if (close(fd) != 0 && r == 0)
		r = err_sys(e, "close");
	if (r != 0)
		(void)unlink(path);
	return r;
}

/* Make the file under another name and give it its own when it is whole. */
static int
write_aside(const char *path, const void *p, size_t n, mode_t mode,
    unsigned flags, struct err *e)
{
	char *tmp = NULL;
	int fd = -1, r;

	r = path_joinf(&tmp, "%.*s" FILE_TMP_PREFIX "XXXXXX",
	    (int)(path_base(path) - path), path);
	if (r != 0)
		return err_nomem(e);
	if ((fd = mkostemp(tmp, O_CLOEXEC)) < 0) {
		r = err_sys(e, "make a temporary file");
		goto out;
	}
	r = fill_with_mode(fd, p, n, mode, flags, e);
	/* Some network file systems report a failed write here. */
	if (close(fd) != 0 && r == 0)
		r = err_sys(e, "close");
	if (r == 0)
		r = put_in_place(tmp, path, flags, e);
	if (r != 0)
		(void)unlink(tmp);
out:
	free(tmp);
	return r;
}

static bool
is_no_place_for_links(int err)
{
	return err == EXDEV || err == EPERM || err == EMLINK ||
	    err == EOPNOTSUPP;
}

/* The name is taken: in its place, so that there is something at any time. */
static int
link_over(const char *from, const char *to)
{
	char *tmp = NULL;
	int r = -1, err;

	if (path_joinf(&tmp, "%.*s" FILE_TMP_PREFIX "link-%ld",
		(int)(path_base(to) - to), to, (long)getpid()) != 0) {
		errno = ENOMEM;
		return -1;
	}
	(void)unlink(tmp);
	if (link(from, tmp) == 0) {
		r = rename(tmp, to);
		err = errno;
		/* It stays where both were names of one file already. */
		(void)unlink(tmp);
		errno = err;
	}
	free(tmp);
	return r;
}

int
file_link(const char *from, const char *to, unsigned flags, struct err *e)
{
	int r = link(from, to);

	if (r != 0 && errno == EEXIST)
		r = link_over(from, to);
	if (r != 0 && is_no_place_for_links(errno))
		return 1;
	if (r != 0)
		return err_sys(e, "write %s", to);
	return (flags & FILE_NOSYNC) == 0 ? file_sync_parent(to, e) : 0;
}

int
file_write(const char *path, const void *p, size_t n, mode_t mode,
    unsigned flags, struct err *e)
{
	int r = ERR_EXISTS;

	if ((flags & FILE_AT_ONCE) != 0)
		r = write_at_once(path, p, n, mode, flags, e);
	if (r == ERR_EXISTS)
		r = write_aside(path, p, n, mode, flags, e);
	if (r == 0 && (flags & FILE_NOSYNC) == 0)
		r = file_sync_parent(path, e);
	if (r != 0)
		err_prefix(e, "write %s", path);
	return r;
}
