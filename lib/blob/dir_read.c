/* SPDX-License-Identifier: ISC */
/* A directory as a store: opening, reading, listing.  dir.c writes. */
#include "lib/blob/dir.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

#define TMP_PREFIX ".tmp-"
#define NAMES_MAX  16777216 /* of one directory */
#define DEPTH_MAX  64

void
dir_tmp_name(char *out, size_t n, unsigned counter)
{
	(void)snprintf(out, n, TMP_PREFIX "%ld-%u", (long)getpid(), counter);
}

bool
dir_is_tmp(const char *base)
{
	return strncmp(base, TMP_PREFIX, sizeof(TMP_PREFIX) - 1) == 0;
}

int
dir_openat(const struct dir_store *d, const char *path, uint64_t flags)
{
	struct open_how how = {
	    .flags = flags | O_CLOEXEC,
	    .resolve =
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	do
		fd = (int)syscall(SYS_openat2, d->fd, path, &how, sizeof(how));
	while (fd == -1 && (errno == EINTR || errno == EAGAIN));
	return fd;
}

/* The sentence for a failed dir_openat(); errno says which. */
int
dir_open_failed(const struct dir_store *d, const char *path, struct err *e)
{
	int err = errno;

	if (err == ENOENT || err == ENOTDIR)
		return err_set(e, ERR_NOTFOUND, "no object '%s' in %s", path,
		    d->root);
	if (err == ELOOP || err == EXDEV)
		return err_set(e, ERR_CORRUPT,
		    "a symbolic link is in the way of %s/%s, which is never "
		    "followed",
		    d->root, path);
	/* The second is what RestrictSUIDSGID= of a unit does. */
	if (err == ENOSYS)
		return err_set(e, ERR_SYS,
		    "no openat2 here, expected Linux 5.6 or newer and no "
		    "filter that takes it away");
	return err_sys(e, "open %s/%s", d->root, path);
}

int
dir_open(const char *path, struct blob_store **out, struct err *e)
{
	struct dir_store *d = calloc(1, sizeof(*d));
	char q[QUOTE_MAX];
	int r;

	if (d == NULL)
		return err_nomem(e);
	d->base.ops = &dir_ops;
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			r = err_set(e, ERR_NOTFOUND, "no directory %s",
			    str_quote(q, path));
		else
			r = err_sys(e, "open directory %s", str_quote(q, path));
		goto fail;
	}
	if ((d->root = str_dup(path)) == NULL) {
		r = err_nomem(e);
		goto fail;
	}
	*out = &d->base;
	return 0;
fail:
	dir_close(&d->base);
	free(d);
	return r;
}

void
dir_close(struct blob_store *b)
{
	struct dir_store *d = (struct dir_store *)b;

	if (d->fd != -1)
		close(d->fd);
	free(d->root);
}

int
dir_probe(struct blob_store *b, struct err *e)
{
	struct dir_store *d = (struct dir_store *)b;
	int fd;

	/* Says what is wrong with an old kernel before anything is put. */
	if ((fd = dir_openat(d, ".", O_PATH | O_DIRECTORY)) == -1)
		return dir_open_failed(d, ".", e);
	close(fd);
	if (faccessat(d->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return err_sys(e, "directory %s cannot be written", d->root);
	return 0;
}

int
dir_read_fd(const struct dir_store *d, int fd, const char *key, size_t max,
    char **out, size_t *n, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "stat %s/%s", d->root, key);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_CORRUPT, "%s/%s is not a regular file",
		    d->root, key);
	return file_read_fd(fd, key, max, out, n, e);
}

int
dir_get(struct blob_store *b, const char *key, const char *version, size_t max,
    uint8_t **out, size_t *n, struct err *e)
{
	struct dir_store *d = (struct dir_store *)b;
	char *text;
	int fd, r;

	if (version != NULL && version[0] != '\0')
		return err_set(e, ERR_NOTFOUND,
		    "no version of '%s' but the newest in directory %s", key,
		    d->root);
	/* Not to wait for the other end of a FIFO put in the way. */
	if ((fd = dir_openat(d, key, O_RDONLY | O_NONBLOCK)) == -1)
		return dir_open_failed(d, key, e);
	r = dir_read_fd(d, fd, key, max, &text, n, e);
	close(fd);
	if (r == 0)
		*out = (uint8_t *)text;
	return r;
}

int
dir_exists(struct blob_store *b, const char *key, struct err *e)
{
	struct dir_store *d = (struct dir_store *)b;
	struct stat st;
	int fd, r;

	if ((fd = dir_openat(d, key, O_PATH)) == -1)
		return errno == ENOENT || errno == ENOTDIR
		    ? 1
		    : dir_open_failed(d, key, e);
	r = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? 0 : 1;
	close(fd);
	return r;
}

struct entry {
	char *name; /* a directory's ends in '/': S3's order */
	uint64_t size;
	bool dir;
	bool other;
};

struct walk {
	struct dir_store *d;
	const char *prefix;
	int (*each)(void *ctx, const struct blob_info *info);
	void *ctx;
	struct str path; /* of the directory, "" or with a '/' at its end */
	struct err *e;
};

struct entries {
	struct entry *v;
	size_t n, cap;
};

static int
entry_order(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name,
	    ((const struct entry *)b)->name);
}

/* Does anything below path/name belong to the listing? */
static bool
wanted(const struct walk *w, const char *name, bool dir)
{
	const char *rest = w->prefix;
	size_t n = strlen(name), m;

	if (strlen(rest) <= w->path.n)
		return true; /* the whole prefix is behind us */
	rest += w->path.n;
	m = strlen(rest);
	if (n >= m)
		return strncmp(name, rest, m) == 0;
	return dir && strncmp(name, rest, n) == 0;
}

static int
entry_add(struct walk *w, struct entries *l, const char *name,
    const struct stat *st)
{
	struct entry one = {.dir = S_ISDIR(st->st_mode)};
	struct str s = STR_INIT;
	int r;

	one.other = !one.dir && !S_ISREG(st->st_mode);
	one.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	str_add(&s, name);
	if (one.dir)
		str_addc(&s, '/');
	if (str_take(&s, &one.name) != 0)
		return err_nomem(w->e);
	if (!wanted(w, one.name, one.dir)) {
		free(one.name);
		return 0;
	}
	if ((r = vec_grow(&l->v, l->n, &l->cap, NAMES_MAX)) != 0) {
		free(one.name);
		return err_set(w->e, r, "list %s/%s", w->d->root, w->path.p);
	}
	l->v[l->n++] = one;
	return 0;
}

static int
entries_read(struct walk *w, struct entries *l)
{
	struct dirent *de;
	struct stat st;
	DIR *dp;
	int fd, r = 0;

	fd = dir_openat(w->d, w->path.n == 0 ? "." : w->path.p,
	    O_RDONLY | O_DIRECTORY);
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd == -1)
		return dir_open_failed(w->d, w->path.p, w->e);
	if ((dp = fdopendir(fd)) == NULL) {
		close(fd);
		return err_sys(w->e, "list %s/%s", w->d->root, w->path.p);
	}
	for (errno = 0; r == 0 && (de = readdir(dp)) != NULL; errno = 0) {
		const char *n = de->d_name;

		if (strcmp(n, ".") == 0 || strcmp(n, "..") == 0 ||
		    dir_is_tmp(n))
			continue;
		if (fstatat(fd, n, &st, AT_SYMLINK_NOFOLLOW) == 0)
			r = entry_add(w, l, n, &st);
		else if (errno != ENOENT) /* gone since readdir is no failure */
			r = err_sys(w->e, "stat %s/%s%s", w->d->root, w->path.p,
			    n);
	}
	if (r == 0 && errno != 0)
		r = err_sys(w->e, "list %s/%s", w->d->root, w->path.p);
	closedir(dp);
	return r;
}

static void
path_cut(struct str *path, size_t n)
{
	path->n = n;
	path->p[n] = '\0';
}

static int
walk_dir(struct walk *w, int depth)
{
	struct entries l = {0};
	size_t len = w->path.n;
	int r;

	if (depth > DEPTH_MAX)
		return err_set(w->e, ERR_LIMIT,
		    "%s/%s is more than %d directories deep", w->d->root,
		    w->path.p, DEPTH_MAX);
	if ((r = entries_read(w, &l)) != 0)
		goto out;
	if (l.n > 1)
		qsort(l.v, l.n, sizeof(*l.v), entry_order);
	for (size_t i = 0; i < l.n && r == 0; i++) {
		str_add(&w->path, l.v[i].name);
		if (str_check(&w->path) != 0) {
			r = err_nomem(w->e);
		} else if (l.v[i].dir) {
			r = walk_dir(w, depth + 1);
		} else {
			struct blob_info info = {.key = w->path.p,
			    .version = "",
			    .size = l.v[i].size,
			    .latest = true,
			    .other = l.v[i].other};

			r = w->each(w->ctx, &info);
		}
		if (w->path.n > len)
			path_cut(&w->path, len);
	}
out:
	for (size_t i = 0; i < l.n; i++)
		free(l.v[i].name);
	free(l.v);
	return r;
}

int
dir_list(struct blob_store *b, const char *prefix,
    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
    struct err *e)
{
	struct walk w = {.d = (struct dir_store *)b,
	    .prefix = prefix,
	    .each = each,
	    .ctx = ctx,
	    .path = STR_INIT,
	    .e = e};
	const char *slash = strrchr(prefix, '/');
	int r;

	/* Begin where the prefix leads, not at the root. */
	if (slash != NULL)
		str_addn(&w.path, prefix, (size_t)(slash + 1 - prefix));
	r = str_check(&w.path) != 0 ? err_nomem(e) : walk_dir(&w, 0);
	str_clear(&w.path);
	return r;
}
