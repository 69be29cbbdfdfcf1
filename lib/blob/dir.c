/* SPDX-License-Identifier: ISC */
/*
 * Objects as files of a directory.
 *
 * Nothing is ever reached through a symbolic link below the root, and nothing
 * outside of it: every path goes through openat2(2).  An object is written to a
 * file without a name (O_TMPFILE), fsynced and then linked to its key, so a
 * killed process leaves neither a torn object nor a stray file; where the file
 * system has no such files a `.tmp-PID-N` stands in, which a listing passes
 * over.  What is put with BLOB_NOSYNC may be torn by a power loss anyway, so it
 * is written under its name at once, for half of the time.  Items go through in
 * groups: all of a group are written before the first fsync, so that the
 * journal of the file system commits once for many, and each directory is
 * fsynced once.
 *
 * A file that holds only the beginning of the bytes put is what a power loss or
 * a kill leaves of a BLOB_NOSYNC put; it is replaced and is nobody's finding.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/parallel.h"
#include "lib/blob/dir.h"
#include "lib/blob/ops.h"
#include "lib/crypto/hash.h"

#define GROUP        128 /* items written before the first fsync */
#define PARENTS_KEEP 32  /* directories held open between groups */
#define FOREIGN_MAX  (BLOB_KEY_MAX + 32)
#define PROC_FD_MAX  40

struct stage { /* an item on its way to its name */
	struct blob_item *item;
	size_t parent;
	const char *base;
	int fd;
	bool named;   /* it was made under its own name */
	char tmp[32]; /* its name so far; "" while it has none */
};

struct put { /* one call of put_many */
	struct dir_store *d;
	struct dir_parents dirs;
	struct stage group[GROUP];
	size_t n_group;
	unsigned counter;
};

static int
stage_fail(const struct put *p, const struct stage *s, const char *what,
    struct err *e)
{
	return err_sys(e, "%s %s/%s", what, p->d->root, s->item->key);
}

/* Whether it may be seen before it is whole. */
static bool
may_be_torn(const struct stage *s)
{
	return (s->item->flags & (BLOB_NOSYNC | BLOB_MUTABLE)) == BLOB_NOSYNC;
}

/* Open a file to write into: without a name where the file system can. */
static int
stage_open(struct put *p, struct stage *s, struct err *e)
{
	int dfd = p->dirs.v[s->parent].fd;

	s->tmp[0] = '\0';
	if (may_be_torn(s)) {
		s->fd = openat(dfd, s->base,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		s->named = s->fd != -1;
		if (s->named)
			return 0;
		if (errno != EEXIST)
			return stage_fail(p, s, "write", e);
	}
	if (!p->d->no_tmpfile) {
		s->fd =
		    openat(dfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
		if (s->fd != -1)
			return 0;
		if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
			return stage_fail(p, s, "write", e);
		p->d->no_tmpfile = true;
	}
	dir_tmp_name(s->tmp, sizeof(s->tmp), p->counter++);
	if (unlinkat(dfd, s->tmp, 0) != 0 && errno != ENOENT)
		return stage_fail(p, s, "write", e);
	s->fd =
	    openat(dfd, s->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (s->fd == -1) {
		s->tmp[0] = '\0';
		return stage_fail(p, s, "write", e);
	}
	return 0;
}

/* Take an item into the group: where its directory is, or is to be. */
static int
stage_begin(struct put *p, struct blob_item *item, struct err *e)
{
	const char *slash = strrchr(item->key, '/');
	struct stage *s = &p->group[p->n_group];
	int r;

	*s = (struct stage){.item = item, .fd = -1};
	s->base = slash == NULL ? item->key : slash + 1;
	r = dir_parents_get(p->d, &p->dirs, item->key,
	    slash == NULL ? 0 : (size_t)(slash - item->key),
	    (item->flags & BLOB_NOSYNC) == 0, &s->parent, e);
	if (r == 0)
		p->n_group++;
	return r;
}

/*
 * A file that may be seen before it is whole, in whichever thread: making
 * thousands of them is what a large batch waits for, and half of that is not
 * under the directory's lock.  Nothing but the plain case ends here; a name
 * that is taken, or what fails, is left to stage_write(), which can tell.
 */
static void
write_nth(void *ctx, size_t i)
{
	struct put *p = ctx;
	struct stage *s = &p->group[i];
	int dfd = p->dirs.v[s->parent].fd, fd;

	if (!may_be_torn(s))
		return;
	fd =
	    openat(dfd, s->base, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd == -1)
		return;
	s->named =
	    fd_write_all(fd, s->item->data.p, s->item->data.n, NULL) == 0;
	if (close(fd) != 0)
		s->named = false;
	if (!s->named)
		(void)unlinkat(dfd, s->base, 0);
}

static int
stage_write(struct put *p, struct stage *s, struct err *e)
{
	int r;

	if (s->named)
		return 0; /* by write_nth() */
	if ((r = stage_open(p, s, e)) != 0)
		return r;
	r = fd_write_all(s->fd, s->item->data.p, s->item->data.n, e);
	if (r != 0)
		err_prefix(e, "write %s/%s", p->d->root, s->item->key);
	return r;
}

/* Give the written file the name `to`, which must be free: EEXIST else. */
static int
stage_name(struct put *p, struct stage *s, const char *to)
{
	int dfd = p->dirs.v[s->parent].fd;
	char proc[PROC_FD_MAX];

	if (s->tmp[0] != '\0')
		return linkat(dfd, s->tmp, dfd, to, 0);
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", s->fd);
	if (linkat(AT_FDCWD, proc, dfd, to, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	/* Without /proc; takes CAP_DAC_READ_SEARCH. */
	return errno == ENOENT ? linkat(s->fd, "", dfd, to, AT_EMPTY_PATH) : -1;
}

/* Put the written file in the place of what has its name. */
static int
stage_replace(struct put *p, struct stage *s, struct err *e)
{
	int dfd = p->dirs.v[s->parent].fd;

	if (s->tmp[0] == '\0') {
		char tmp[sizeof(s->tmp)];

		dir_tmp_name(tmp, sizeof(tmp), p->counter++);
		(void)unlinkat(dfd, tmp, 0);
		if (stage_name(p, s, tmp) != 0)
			return stage_fail(p, s, "write", e);
		memcpy(s->tmp, tmp, sizeof(tmp));
	}
	if (renameat(dfd, s->tmp, dfd, s->base) != 0)
		return stage_fail(p, s, "rename to", e);
	s->tmp[0] = '\0';
	return 0;
}

/*
 * What lies under the name already?  0: the same bytes (fsynced, since whoever
 * put them may have died before that); 1: only the beginning of them; 2: other
 * bytes, whose hash is in *h.
 */
static int
stage_compare(struct put *p, struct stage *s, struct hash *h, struct err *e)
{
	struct slice want = s->item->data;
	char *text = NULL;
	size_t n = 0;
	int fd, r;

	hash_sha256(NULL, 0, h);
	fd = dir_openat(p->d, s->item->key, O_RDONLY | O_NONBLOCK);
	if (fd == -1 && errno == ELOOP)
		return 2; /* a symbolic link */
	if (fd == -1)
		return dir_open_failed(p->d, s->item->key, e);
	r = dir_read_fd(p->d, fd, s->item->key, BLOB_OBJECT_MAX, &text, &n, e);
	if (r == ERR_LIMIT || r == ERR_CORRUPT) {
		r = 2; /* too large, or no file: not ours anyway */
		goto out;
	}
	if (r != 0)
		goto out;
	hash_sha256(text, n, h);
	if (slice_equal(slice_of(text, n), want)) {
		if ((s->item->flags & BLOB_NOSYNC) == 0 && fsync(fd) != 0)
			r = stage_fail(p, s, "fsync", e);
	} else {
		r = n < want.n && (n == 0 || memcmp(text, want.p, n) == 0) ? 1
									   : 2;
	}
out:
	free(text);
	close(fd);
	return r;
}

/*
 * Put foreign bytes aside and ours in their place.  A second link first, so
 * that the key is there at every moment; a directory cannot be linked, so it
 * is renamed.
 */
static int
stage_over_foreign(struct put *p, struct stage *s, const struct hash *h,
    struct err *e)
{
	int dfd = p->dirs.v[s->parent].fd;
	char name[FOREIGN_MAX], hex[HASH_HEX];

	hash_hex(h, hex);
	(void)snprintf(name, sizeof(name), "%s.foreign-%.8s", s->base, hex);
	if (linkat(dfd, s->base, dfd, name, 0) != 0 && errno != EEXIST &&
	    renameat(dfd, s->base, dfd, name) != 0)
		return stage_fail(p, s, "put foreign bytes aside at", e);
	s->item->result = BLOB_FOREIGN;
	return stage_replace(p, s, e);
}

static int
stage_land(struct put *p, struct stage *s, struct err *e)
{
	struct hash h;
	int r = 0;

	if ((s->item->flags & BLOB_NOSYNC) == 0)
		p->dirs.v[s->parent].dirty = true;
	s->item->result = 0;
	if (s->named)
		s->named = false; /* stays, whatever becomes of the others */
	else if ((s->item->flags & BLOB_MUTABLE) != 0)
		r = stage_replace(p, s, e);
	else if (stage_name(p, s, s->base) == 0)
		r = 0;
	else if (errno != EEXIST)
		r = stage_fail(p, s, "link", e);
	else if ((r = stage_compare(p, s, &h, e)) == 1)
		r = stage_replace(p, s, e);
	else if (r == 2)
		r = stage_over_foreign(p, s, &h, e);
	if (r != 0)
		s->item->result = r;
	return r;
}

static void
group_drop(struct put *p)
{
	for (size_t i = 0; i < p->n_group; i++) {
		struct stage *s = &p->group[i];

		if (s->tmp[0] != '\0' || s->named)
			(void)unlinkat(p->dirs.v[s->parent].fd,
			    s->named ? s->base : s->tmp, 0);
		if (s->fd != -1)
			close(s->fd);
	}
	p->n_group = 0;
}

/* Fewer files are written, by stage_write(), before a second thread has begun;
 * and in their order, so that a failure is the first one's. */
#define MANY 64

static int
group_put(struct put *p, struct blob_item *items, size_t n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = stage_begin(p, &items[i], e);
	if (r == 0 && n >= MANY)
		parallel_for(n, write_nth, p);
	for (size_t i = 0; i < n && r == 0; i++)
		r = stage_write(p, &p->group[i], e);
	for (size_t i = 0; i < n && r == 0; i++)
		if ((items[i].flags & BLOB_NOSYNC) == 0 &&
		    fsync(p->group[i].fd) != 0)
			r = stage_fail(p, &p->group[i], "fsync", e);
	for (size_t i = 0; i < n && r == 0; i++)
		r = stage_land(p, &p->group[i], e);
	group_drop(p);
	return r;
}

static int
dir_put_many(struct blob_store *b, struct blob_item *items, size_t n,
    struct err *e)
{
	struct put p = {.d = (struct dir_store *)b};
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const char *base = strrchr(items[i].key, '/');

		if (dir_is_tmp(base == NULL ? items[i].key : base + 1))
			r = err_set(e, ERR_PARSE,
			    "'%s' is a name for files not yet whole",
			    items[i].key);
	}
	for (size_t i = 0; i < n && r == 0; i += GROUP) {
		r = group_put(&p, items + i, n - i < GROUP ? n - i : GROUP, e);
		if (r == 0 && p.dirs.n > PARENTS_KEEP) {
			r = dir_parents_sync(p.d, &p.dirs, e);
			dir_parents_clear(&p.dirs);
		}
	}
	if (r == 0)
		r = dir_parents_sync(p.d, &p.dirs, e);
	dir_parents_clear(&p.dirs);
	return r;
}

const struct blob_ops dir_ops = {
    .probe = dir_probe,
    .put_many = dir_put_many,
    .get = dir_get,
    .exists = dir_exists,
    .list = dir_list,
    .close = dir_close,
};
