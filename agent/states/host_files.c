/* SPDX-License-Identifier: ISC */
/*
 * Reading a host's files: below its root, through no symbolic link but root's,
 * regular files alone, never more than was said.
 *
 * A path without a symbolic link, which is nearly every one, costs one
 * openat2(2); only when the kernel says that there is one are the parts walked
 * and their owners looked at, and the path without them is opened again under
 * RESOLVE_NO_SYMLINKS, so a link that is put there meanwhile is not followed.
 */
#include "agent/states/host_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/states/host_view.h"
#include "lib/base/file.h"

#define LINKS_MAX 40 /* as the kernel */

uid_t
host_uid_out(const struct host *h, uid_t uid)
{
	return uid == h->uid ? 0 : uid;
}

gid_t
host_gid_out(const struct host *h, gid_t gid)
{
	return gid == h->gid ? 0 : gid;
}

uid_t
host_uid_in(const struct host *h, uid_t uid)
{
	return uid == 0 ? h->uid : uid;
}

gid_t
host_gid_in(const struct host *h, gid_t gid)
{
	return gid == 0 ? h->gid : gid;
}

int
host_path_check(const char *path, struct err *e)
{
	char quoted[QUOTE_MAX];
	const char *p, *end;
	bool ok = path[0] == '/' && strlen(path) <= HOST_PATH_MAX;

	for (p = path; ok && *p == '/' && p[1] != '\0'; p = end) {
		end = strchrnul(++p, '/');
		ok = end > p && !(end - p == 1 && p[0] == '.') &&
		    !(end - p == 2 && p[0] == '.' && p[1] == '.');
	}
	if (ok && p != path && *p == '/')
		ok = false; /* a slash at the end */
	return ok ? 0
		  : err_set(e, ERR_USAGE,
			"not a path for a host: %s, expected an absolute one "
			"without . and .., at most %d bytes",
			str_quote(quoted, path), HOST_PATH_MAX);
}

/* Through no symbolic link at all.  -1 with errno. */
static int
open_plain(struct host *h, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
	    .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	    .mode = (flags & O_CREAT) != 0 ? mode : 0,
	    .resolve =
		RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, h->root_fd, path, &how, sizeof(how));
	while (fd == -1 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

/* What is being walked: out so far, and rest still to come. */
struct walk {
	struct host *h;
	char out[HOST_PATH_MAX + 1];
	char rest[2 * HOST_PATH_MAX + 2];
	const char *whole; /* for messages */
	int links;
};

/* The link out[], with the parts after it, takes the place of rest; at is how
 * long out was before its name. */
static int
follow(struct walk *w, int fd, size_t at, struct err *e)
{
	char target[HOST_PATH_MAX + 1];
	size_t have = strlen(w->rest) + 1;
	ssize_t n;

	if (++w->links > LINKS_MAX)
		return err_set(e, ERR_DENIED, "%s: more than %d symbolic links",
		    w->whole, LINKS_MAX);
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n == -1)
		return err_sys(e, "%s", w->out);
	target[n] = '\0';
	if ((size_t)n + 1 + have > sizeof(w->rest))
		return err_set(e, ERR_LIMIT, "%s: too long", w->whole);
	memmove(w->rest + n + 1, w->rest, have);
	memcpy(w->rest, target, (size_t)n);
	w->rest[n] = '/';
	w->out[target[0] == '/' ? 0 : at] = '\0';
	return 0;
}

/* Append one part to out[]: 0, or 1 when it is a symbolic link and *fd it. */
static int
step(struct walk *w, const char *part, size_t n, int *fd, struct err *e)
{
	size_t at = strlen(w->out);
	struct stat st;

	*fd = -1;
	if (at + 1 + n > HOST_PATH_MAX)
		return err_set(e, ERR_LIMIT, "%s: too long", w->whole);
	w->out[at] = '/';
	memcpy(w->out + at + 1, part, n);
	w->out[at + 1 + n] = '\0';
	*fd = open_plain(w->h, w->out, O_PATH | O_NOFOLLOW, 0);
	if (*fd == -1 || fstat(*fd, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR
		    ? 0
		    : err_sys(e, "%s", w->out);
	if (!S_ISLNK(st.st_mode))
		return 0;
	if (st.st_uid != w->h->uid)
		return err_set(e, ERR_DENIED,
		    "%s is a symbolic link of uid %u, which is not followed",
		    w->out, (unsigned)st.st_uid);
	return 1;
}

static int
walk_part(struct walk *w, bool follow_last, struct err *e)
{
	size_t at = strlen(w->out), n;
	char part[NAME_MAX + 1];
	bool last;
	int fd, r;

	n = strcspn(w->rest, "/");
	if (n > NAME_MAX)
		return err_set(e, ERR_LIMIT, "%s: too long", w->whole);
	memcpy(part, w->rest, n);
	part[n] = '\0';
	last = w->rest[n + strspn(w->rest + n, "/")] == '\0';
	memmove(w->rest, w->rest + n + strspn(w->rest + n, "/"),
	    strlen(w->rest + n + strspn(w->rest + n, "/")) + 1);
	if (n == 0 || strcmp(part, ".") == 0)
		return 0;
	if (strcmp(part, "..") == 0) { /* of a link: at the root it stays */
		while (at > 0 && w->out[--at] != '/')
			continue;
		w->out[at] = '\0';
		return 0;
	}
	r = step(w, part, n, &fd, e);
	if (r == 1)
		r = last && !follow_last ? 0 : follow(w, fd, at, e);
	if (fd != -1)
		(void)close(fd);
	return r;
}

int
host_resolve(struct host *h, const char *path, bool follow_last,
    char out[HOST_PATH_MAX + 1], struct err *e)
{
	struct walk w = {.h = h, .whole = path};
	int r;

	if ((r = host_path_check(path, e)) != 0)
		return r;
	memcpy(w.rest, path, strlen(path) + 1);
	while (r == 0 && w.rest[0] != '\0')
		r = walk_part(&w, follow_last, e);
	if (r == 0 && w.out[0] == '\0')
		w.out[0] = '/';
	if (r == 0)
		memcpy(out, w.out, strlen(w.out) + 1);
	return r;
}

int
host_openat(struct host *h, const char *path, int flags, mode_t mode, int *fd,
    struct err *e)
{
	char real[HOST_PATH_MAX + 1];
	int r;

	if ((r = host_path_check(path, e)) != 0)
		return r;
	*fd = open_plain(h, path, flags, mode);
	if (*fd == -1 && errno == ELOOP) {
		if ((r = host_resolve(h, path, false, real, e)) != 0)
			return r;
		*fd = open_plain(h, real, flags, mode);
	}
	if (*fd != -1)
		return 0;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return err_set(e, ERR_NOTFOUND, "%s: not there", path);
	case ELOOP:
		return err_set(e, ERR_DENIED,
		    "%s is a symbolic link, which is not followed", path);
	default:
		return err_sys(e, "%s", path);
	}
}

int
host_read(struct host *h, const char *path, size_t max, char **out, size_t *n,
    struct err *e)
{
	struct stat st;
	int fd, r;

	if ((r = host_begin(h, "read", path, e)) != 0)
		return r;
	if (h->view != NULL &&
	    (r = host_view_read(h, path, max, out, n, e)) <= 0)
		return r;
	/* O_NONBLOCK: a FIFO does not keep us. */
	if ((r = host_openat(h, path,
		 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, &fd, e)) !=
	    0)
		return r;
	if (fstat(fd, &st) != 0)
		r = err_sys(e, "%s", path);
	else if (!S_ISREG(st.st_mode))
		r = err_set(e, ERR_DENIED, "%s is not a regular file", path);
	else
		r = file_read_fd(fd, path, max, out, n, e);
	(void)close(fd);
	return r;
}

static int64_t
ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int
host_stat(struct host *h, const char *path, struct host_stat *out,
    struct err *e)
{
	struct stat st;
	int fd, r;

	if ((r = host_begin(h, "stat", path, e)) != 0)
		return r;
	if (h->view != NULL && (r = host_view_stat(h, path, out, e)) <= 0)
		return r;
	if ((r = host_openat(h, path, O_PATH | O_NOFOLLOW, 0, &fd, e)) != 0)
		return r;
	if (fstat(fd, &st) != 0)
		r = err_sys(e, "%s", path);
	(void)close(fd);
	if (r != 0)
		return r;
	*out = (struct host_stat){
	    .mode = st.st_mode,
	    .uid = host_uid_out(h, st.st_uid),
	    .gid = host_gid_out(h, st.st_gid),
	    .size = (uint64_t)st.st_size,
	    .ino = st.st_ino,
	    .dev = st.st_dev,
	    .mtime_ns = ns(&st.st_mtim),
	    .ctime_ns = ns(&st.st_ctim),
	};
	return 0;
}

int
host_exists(struct host *h, const char *path, struct err *e)
{
	struct host_stat st;
	struct err why = {0};
	int r = host_stat(h, path, &st, &why);

	if (r == ERR_NOTFOUND)
		return 0;
	if (r != 0 && e != NULL)
		*e = why;
	return r == 0 ? 1 : r;
}

int
host_has_systemd(struct host *h, struct err *e)
{
	return host_exists(h, "/run/systemd/system", e);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
read_names(DIR *dir, const char *path, struct strs *out, struct err *e)
{
	struct dirent *d;
	size_t start = out->n;

	for (errno = 0; (d = readdir(dir)) != NULL; errno = 0) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (out->n - start == HOST_LIST_MAX)
			return err_set(e, ERR_LIMIT, "%s: more than %d names",
			    path, HOST_LIST_MAX);
		if (strs_add(out, d->d_name) != 0)
			return err_nomem(e);
	}
	return errno == 0 ? 0 : err_sys(e, "%s", path);
}

int
host_list(struct host *h, const char *path, struct strs *out, struct err *e)
{
	size_t start = out->n;
	int fd, r;
	DIR *dir;

	if ((r = host_begin(h, "list", path, e)) != 0)
		return r;
	/* Without O_DIRECTORY, for which a link is as good as absent. */
	r = host_openat(h, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
	    0, &fd, e);
	if (r == 0 && (dir = fdopendir(fd)) == NULL) {
		r = errno == ENOTDIR
		    ? err_set(e, ERR_DENIED, "%s is not a directory", path)
		    : err_sys(e, "%s", path);
		(void)close(fd);
	} else if (r == 0) {
		r = read_names(dir, path, out, e);
		(void)closedir(dir);
	}
	if (h->view != NULL)
		r = host_view_list(h, path, r, out, start, e);
	if (r == 0 && out->n > start)
		qsort(out->v + start, out->n - start, sizeof(out->v[0]),
		    by_name);
	while (r != 0 && out->n > start)
		free(out->v[--out->n]);
	return r;
}
