/* SPDX-License-Identifier: ISC */
#include "agent/states/host_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "agent/states/host_impl.h"
#include "lib/base/file.h"
#include "lib/crypto/hash.h"

#define BESIDE_MAX 48

/* An open directory and the name in it. */
struct slot {
	int dir;
	char name[HOST_PATH_MAX + 1];
	char tmp[BESIDE_MAX], old[BESIDE_MAX];
};

/* A name beside a name: begins with a dot and has no suffix, so that no
 * directory of drop-ins takes it for one. */
static void
beside(const char *what, const char *name, char out[BESIDE_MAX])
{
	struct hash hash;
	char hex[17];

	hash_sha256(name, strlen(name), &hash);
	hex_encode(hash.b, 8, hex);
	(void)snprintf(out, BESIDE_MAX, ".writ-%s-%s", what, hex);
}

bool
host_is_beside(const char *name)
{
	static const char *const heads[] = {".writ-old-", ".writ-tmp-"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t n = strlen(heads[i]);

		if (strncmp(name, heads[i], n) == 0 && strlen(name) == n + 16 &&
		    strspn(name + n, "0123456789abcdef") == 16)
			return true;
	}
	return false;
}

void
host_kept_path(const char *path, char out[HOST_PATH_MAX + 64])
{
	const char *name = strrchr(path, '/') + 1;
	char old[BESIDE_MAX];

	beside("old", name, old);
	(void)snprintf(out, HOST_PATH_MAX + 64, "%.*s%s", (int)(name - path),
	    path, old);
}

static int
slot_open(struct host *h, const char *call, const char *path, struct slot *s,
    struct err *e)
{
	char dir[HOST_PATH_MAX + 1];
	char *slash;
	int r;

	s->dir = -1;
	if ((r = host_begin(h, call, path, e)) != 0 ||
	    (r = host_path_check(path, e)) != 0)
		return r;
	if (h->view != NULL || path[1] == '\0')
		return err_set(e, ERR_USAGE, "%s: cannot be written", path);
	memcpy(dir, path, strlen(path) + 1);
	slash = strrchr(dir, '/');
	memcpy(s->name, slash + 1, strlen(slash + 1) + 1);
	beside("tmp", s->name, s->tmp);
	beside("old", s->name, s->old);
	slash[slash == dir ? 1 : 0] = '\0';
	return host_openat(h, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
	    &s->dir, e);
}

/* The same, where no directory is an answer. */
#define SLOT_NONE 1
static int
slot_open_if(struct host *h, const char *call, const char *path, struct slot *s,
    struct err *e)
{
	struct err why = {0};
	int r = slot_open(h, call, path, s, &why);

	if (r == ERR_NOTFOUND)
		return SLOT_NONE;
	if (r != 0 && e != NULL)
		*e = why;
	return r;
}

static void
slot_close(struct slot *s)
{
	if (s->dir != -1)
		(void)close(s->dir);
}

void
host_xattrs_clear(struct host_xattrs *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].name);
		free(x->v[i].value);
	}
	free(x->v);
	*x = (struct host_xattrs){0};
}

static int
xattr_add(int fd, const char *name, struct host_xattrs *x, size_t *sum)
{
	uint8_t value[HOST_XATTRS_MAX];
	struct host_xattr a = {0};
	ssize_t n;
	int r;

	n = fgetxattr(fd, name, value, sizeof(value));
	if (n == -1)
		return errno == ENODATA ? 0 : ERR_SYS;
	*sum += (size_t)n;
	if (*sum > HOST_XATTRS_MAX)
		return ERR_LIMIT;
	a.name = str_dup(name);
	a.value = malloc((size_t)n + 1);
	if (a.name == NULL || a.value == NULL ||
	    (r = vec_grow(&x->v, x->n, &x->cap, HOST_XATTRS_MAX)) != 0) {
		free(a.name);
		free(a.value);
		return ERR_NOMEM;
	}
	memcpy(a.value, value, (size_t)n);
	a.n = (size_t)n;
	x->v[x->n++] = a;
	return 0;
}

/* Of an open file; only those whose name begins with prefix. */
static int
xattrs_of(int fd, const char *prefix, struct host_xattrs *out)
{
	char names[HOST_XATTRS_MAX];
	size_t sum = 0;
	ssize_t n;
	int r = 0;

	n = flistxattr(fd, names, sizeof(names));
	if (n == -1)
		return errno == ENOTSUP ? 0
		    : errno == ERANGE   ? ERR_LIMIT
					: ERR_SYS;
	for (ssize_t i = 0; r == 0 && i < n;
	     i += (ssize_t)strlen(names + i) + 1)
		if (strncmp(names + i, prefix, strlen(prefix)) == 0)
			r = xattr_add(fd, names + i, out, &sum);
	if (r != 0)
		host_xattrs_clear(out);
	return r;
}

static int
xattr_err(const char *path, int r, struct err *e)
{
	if (r == ERR_LIMIT)
		return err_set(e, r, "%s: more than %d bytes of attributes",
		    path, HOST_XATTRS_MAX);
	return r == ERR_NOMEM ? err_nomem(e)
			      : err_sys(e, "%s: read its attributes", path);
}

int
host_xattrs(struct host *h, const char *path, struct host_xattrs *out,
    struct err *e)
{
	int fd, r;

	if ((r = host_begin(h, "xattrs", path, e)) != 0 ||
	    (r = host_openat(h, path,
		 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, &fd, e)) !=
		0)
		return r;
	if ((r = xattrs_of(fd, "", out)) != 0)
		r = xattr_err(path, r, e);
	(void)close(fd);
	return r;
}

/* Of the file that is to be replaced, its label. */
static int
label_of(const struct slot *s, struct host_xattrs *out)
{
	int fd, r;

	fd = openat(s->dir, s->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? 0 : ERR_SYS;
	r = xattrs_of(fd, "security.", out);
	(void)close(fd);
	return r;
}

/* A directory's default ACL and the like were given to it when it was made. */
static int
attributes(int fd, const struct host_xattrs *want)
{
	struct host_xattrs have = {0};
	int r;

	if ((r = xattrs_of(fd, "", &have)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < have.n; i++)
		if (strncmp(have.v[i].name, "security.", 9) != 0 &&
		    fremovexattr(fd, have.v[i].name) != 0 && errno != ENODATA)
			r = ERR_SYS;
	host_xattrs_clear(&have);
	for (size_t i = 0; r == 0 && i < want->n; i++)
		if (fsetxattr(fd, want->v[i].name, want->v[i].value,
			want->v[i].n, 0) != 0)
			r = ERR_SYS;
	return r;
}

static int
fill(int fd, struct host *h, const struct host_file *f,
    const struct host_xattrs *xattrs, const char *path, struct err *e)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
	    {.tv_sec = f->mtime_ns / 1000000000,
		.tv_nsec = f->mtime_ns % 1000000000}};
	int r;

	/* Owner and mode while it is still empty; an ACL's mask is the mode's
	 * group bits, so the mode comes first. */
	if (fchown(fd, host_uid_in(h, f->uid), host_gid_in(h, f->gid)) != 0 ||
	    fchmod(fd, f->mode & 07777) != 0 || attributes(fd, xattrs) != 0)
		return err_sys(e, "%s: owner, mode and attributes", path);
	if ((r = fd_write_all(fd, f->data.p, f->data.n, e)) != 0) {
		err_prefix(e, "%s", path);
		return r;
	}
	/* Writing takes set-user-id away. */
	if (((f->mode & 07000) != 0 && fchmod(fd, f->mode & 07777) != 0) ||
	    (f->mtime_ns != 0 && futimens(fd, times) != 0) || fsync(fd) != 0)
		return err_sys(e, "%s", path);
	return 0;
}

int
host_put(struct host *h, const char *path, const struct host_file *f,
    struct err *e)
{
	struct host_xattrs label = {0};
	struct slot s;
	int fd = -1, r;

	if ((r = slot_open(h, "put", path, &s, e)) != 0)
		return r;
	if (f->xattrs == NULL && (r = label_of(&s, &label)) != 0) {
		r = xattr_err(path, r, e);
		goto out;
	}
	(void)unlinkat(s.dir, s.tmp, 0); /* of a run that died */
	fd = openat(s.dir, s.tmp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		r = err_sys(e, "%s: make a file beside it", path);
		goto out;
	}
	r = fill(fd, h, f, f->xattrs != NULL ? f->xattrs : &label, path, e);
	if (close(fd) != 0 && r == 0)
		r = err_sys(e, "%s", path);
	if (r != 0)
		(void)unlinkat(s.dir, s.tmp, 0);
out:
	host_xattrs_clear(&label);
	slot_close(&s);
	return r;
}

/* What is to be replaced: a regular file, or nothing.  *there. */
static int
replaceable(const struct slot *s, const char *path, bool *there, struct err *e)
{
	struct stat st;

	*there = fstatat(s->dir, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*there && errno != ENOENT)
		return err_sys(e, "%s", path);
	if (*there && !S_ISREG(st.st_mode))
		return err_set(e, ERR_DENIED,
		    "%s is %s, expected a regular file or nothing", path,
		    S_ISLNK(st.st_mode)       ? "a symbolic link"
			: S_ISDIR(st.st_mode) ? "a directory"
					      : "something special");
	return 0;
}

/* A file system without hard links keeps nothing: undo has its copy. */
static int
keep_old(const struct slot *s)
{
	if (unlinkat(s->dir, s->old, 0) != 0 && errno != ENOENT)
		return -1;
	if (linkat(s->dir, s->name, s->dir, s->old, 0) != 0 && errno != EPERM &&
	    errno != ENOTSUP && errno != EMLINK)
		return -1;
	return 0;
}

int
host_commit(struct host *h, const char *path, struct err *e)
{
	struct slot s;
	bool there;
	int r;

	if ((r = slot_open(h, "commit", path, &s, e)) == 0 &&
	    (r = replaceable(&s, path, &there, e)) == 0 &&
	    ((there && keep_old(&s) != 0) ||
		renameat(s.dir, s.tmp, s.dir, s.name) != 0 ||
		fsync(s.dir) != 0))
		r = err_sys(e, "%s", path);
	slot_close(&s);
	return r;
}

int
host_revert(struct host *h, const char *path, struct err *e)
{
	struct slot s;
	bool there;
	int r;

	if ((r = slot_open(h, "revert", path, &s, e)) != 0 ||
	    (r = replaceable(&s, path, &there, e)) != 0)
		goto out;
	/* Of two names of one inode rename(2) takes neither away. */
	if (renameat(s.dir, s.old, s.dir, s.name) != 0)
		r = errno == ENOENT
		    ? err_set(e, ERR_NOTFOUND, "%s: nothing was kept", path)
		    : err_sys(e, "%s", path);
	else if ((unlinkat(s.dir, s.old, 0) != 0 && errno != ENOENT) ||
	    fsync(s.dir) != 0)
		r = err_sys(e, "%s", path);
out:
	slot_close(&s);
	return r;
}

/* A name in the directory of path. */
static int
away(struct host *h, const char *call, const char *path, bool old,
    struct err *e)
{
	struct slot s;
	int r;

	r = slot_open_if(h, call, path, &s, e);
	if (r == 0 && unlinkat(s.dir, old ? s.old : s.tmp, 0) != 0 &&
	    errno != ENOENT)
		r = err_sys(e, "%s: take away what is beside it", path);
	slot_close(&s);
	return r == SLOT_NONE ? 0 : r;
}

int
host_unput(struct host *h, const char *path, struct err *e)
{
	return away(h, "unput", path, false, e);
}

int
host_forget(struct host *h, const char *path, struct err *e)
{
	return away(h, "forget", path, true, e);
}

int
host_unlink(struct host *h, const char *path, struct err *e)
{
	struct slot s;
	bool there;
	int r;

	if ((r = slot_open_if(h, "unlink", path, &s, e)) == 0 &&
	    (r = replaceable(&s, path, &there, e)) == 0 && there &&
	    (keep_old(&s) != 0 || unlinkat(s.dir, s.name, 0) != 0 ||
		fsync(s.dir) != 0))
		r = err_sys(e, "%s", path);
	slot_close(&s);
	return r == SLOT_NONE ? 0 : r;
}

int
host_mkdir(struct host *h, const char *path, struct err *e)
{
	struct slot s;
	int r;

	if ((r = slot_open(h, "mkdir", path, &s, e)) != 0)
		return r;
	if (mkdirat(s.dir, s.name, 0700) != 0)
		r = errno == EEXIST
		    ? err_set(e, ERR_EXISTS, "%s exists already", path)
		    : err_sys(e, "%s", path);
	else if (fchownat(s.dir, s.name, h->uid, h->gid, AT_SYMLINK_NOFOLLOW) !=
		0 ||
	    fchmodat(s.dir, s.name, 0755, 0) != 0 || fsync(s.dir) != 0)
		r = err_sys(e, "%s", path);
	slot_close(&s);
	return r;
}

int
host_rmdir(struct host *h, const char *path, struct err *e)
{
	struct slot s;
	int r;

	if ((r = slot_open_if(h, "rmdir", path, &s, e)) != 0)
		return r == SLOT_NONE ? 0 : r;
	if (unlinkat(s.dir, s.name, AT_REMOVEDIR) != 0 && errno != ENOENT &&
	    errno != ENOTEMPTY && errno != EEXIST)
		r = err_sys(e, "%s", path);
	slot_close(&s);
	return r;
}
