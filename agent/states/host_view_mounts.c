/* SPDX-License-Identifier: ISC */
/*
 * The staging directory of a view: changed files, and where they are mounted.
 *
 *	DIR/N		a changed file that is there already: bound over it
 *	DIR/N/...	a directory that gets or loses names, made anew: for
 *			each name that stays a place to bind the real thing to,
 *			symbolic links as they are, new files and directories
 *
 * All binds of real things come first, while nothing is covered yet; then each
 * directory made anew goes over the real one, outer before inner; then files.
 */
#include "agent/states/host_view_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"

#define MOUNTS_MAX 20000

/* Directories that are made anew, and what goes over what. */
struct layout {
	struct host *v;
	struct strs anew;     /* real paths, sorted */
	struct strs from, to; /* last mounts */
	size_t next;          /* name in DIR */
};

static int
add_mount(struct host_view *w, const char *from, const char *to, struct err *e)
{
	struct view_mount m = {str_dup(from), str_dup(to)};
	int r = m.from == NULL || m.to == NULL ? ERR_NOMEM : 0;

	if (r != 0 ||
	    (r = vec_grow(&w->mounts, w->n_mounts, &w->cap_mounts,
		 MOUNTS_MAX)) != 0) {
		free(m.from);
		free(m.to);
		return r == ERR_NOMEM
		    ? err_nomem(e)
		    : err_set(e, r, "more than %d mounts to stage", MOUNTS_MAX);
	}
	w->mounts[w->n_mounts++] = m;
	return 0;
}

/* The nearest directory above path that is there, into out. */
static void
parent_that_is_there(const char *path, char out[HOST_PATH_MAX + 1])
{
	struct stat st;
	char *slash;

	memcpy(out, path, strlen(path) + 1);
	do {
		slash = strrchr(out, '/');
		slash[slash == out ? 1 : 0] = '\0';
	} while (out[1] != '\0' &&
	    (lstat(out, &st) != 0 || !S_ISDIR(st.st_mode)));
}

static bool
is_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A directory that gets or loses a name by a change is made anew. */
static int
find_anew(struct layout *l, struct err *e)
{
	const struct host_view *w = l->v->view;
	char dir[HOST_PATH_MAX + 1];
	struct stat st;

	for (size_t i = 0; i < w->n; i++) {
		if (!w->v[i].absent && is_file(w->v[i].path))
			continue;
		if (w->v[i].absent && lstat(w->v[i].path, &st) != 0)
			continue;
		parent_that_is_there(w->v[i].path, dir);
		if (dir[1] == '\0')
			return err_set(e, ERR_DENIED,
			    "%s: / itself cannot be staged", w->v[i].path);
		if (!strs_has(&l->anew, dir) && strs_add(&l->anew, dir) != 0)
			return err_nomem(e);
	}
	strs_sort(&l->anew);
	return 0;
}

static int
write_file(const char *path, const struct view_file *f, struct host *v,
    struct err *e)
{
	int r = file_write(path, f->data.p, f->data.n, f->mode, FILE_NOSYNC, e);

	if (r == 0 &&
	    (chown(path, host_uid_in(v, f->uid), host_gid_in(v, f->gid)) != 0 ||
		chmod(path, f->mode) != 0))
		r = err_sys(e, "%s", path);
	return r;
}

/* The real entry dir/name gets its place in made. */
static int
mirror(struct host_view *w, const char *dir, const char *made, const char *name,
    struct err *e)
{
	char target[HOST_PATH_MAX + 1], *from = NULL, *to = NULL;
	struct stat st;
	ssize_t n;
	int r = 0;

	if (path_join(dir, name, &from) != 0 || path_join(made, name, &to) != 0)
		r = err_nomem(e);
	else if (lstat(from, &st) != 0)
		r = errno == ENOENT ? 0 : err_sys(e, "%s", from);
	else if (S_ISLNK(st.st_mode)) {
		n = readlink(from, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (n < 0 || symlink(target, to) != 0)
			r = err_sys(e, "%s", to);
	} else if (S_ISDIR(st.st_mode)) {
		if (mkdir(to, 0700) != 0)
			r = err_sys(e, "%s", to);
	} else {
		r = file_write(to, "", 0, 0600, FILE_NOSYNC, e);
	}
	if (r == 0 && from != NULL && to != NULL && !S_ISLNK(st.st_mode))
		r = add_mount(w, from, to, e);
	free(from);
	free(to);
	return r;
}

static bool
is_changed(const struct host_view *w, const char *dir, const char *name)
{
	size_t n = strlen(dir);

	for (size_t i = 0; i < w->n; i++)
		if (strncmp(w->v[i].path, dir, n) == 0 &&
		    w->v[i].path[n] == '/' &&
		    strcmp(w->v[i].path + n + 1, name) == 0)
			return true;
	return false;
}

static int
mirror_all(struct host_view *w, const char *dir, const char *made,
    struct err *e)
{
	struct dirent *d;
	size_t n = 0;
	DIR *all;
	int r = 0;

	if ((all = opendir(dir)) == NULL)
		return err_sys(e, "%s", dir);
	while (r == 0 && (errno = 0, d = readdir(all)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0 ||
		    is_changed(w, dir, d->d_name))
			continue;
		r = ++n > HOST_LIST_MAX
		    ? err_set(e, ERR_LIMIT, "%s: more than %d names", dir,
			  HOST_LIST_MAX)
		    : mirror(w, dir, made, d->d_name, e);
	}
	(void)closedir(all);
	return r;
}

/* New files below dir, with the directories that lead to them. */
static int
fill(struct layout *l, const char *dir, const char *made, struct err *e)
{
	const struct host_view *w = l->v->view;
	char top[HOST_PATH_MAX + 1], *to;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		if (w->v[i].absent)
			continue;
		parent_that_is_there(w->v[i].path, top);
		if (strcmp(top, dir) != 0)
			continue;
		if (path_join(made, w->v[i].path + strlen(dir) + 1, &to) != 0)
			return err_nomem(e);
		for (char *p = to + strlen(made) + 1;
		     r == 0 && (p = strchr(p, '/')) != NULL; *p++ = '/') {
			*p = '\0';
			if (mkdir(to, 0755) != 0 && errno != EEXIST)
				r = err_sys(e, "%s", to);
		}
		if (r == 0)
			r = write_file(to, &w->v[i], l->v, e);
		free(to);
	}
	return r;
}

static int
make_anew(struct layout *l, const char *dir, struct err *e)
{
	struct host_view *w = l->v->view;
	struct stat st;
	char *made;
	int r;

	if (path_joinf(&made, "%s/%zu", w->dir, l->next++) != 0)
		return err_nomem(e);
	if (stat(dir, &st) != 0 || mkdir(made, 0700) != 0 ||
	    chown(made, st.st_uid, st.st_gid) != 0 ||
	    chmod(made, st.st_mode & 07777) != 0)
		r = err_sys(e, "stage %s", dir);
	else if ((r = mirror_all(w, dir, made, e)) == 0 &&
	    (r = fill(l, dir, made, e)) == 0 &&
	    (strs_add(&l->from, made) != 0 || strs_add(&l->to, dir) != 0))
		r = err_nomem(e);
	free(made);
	return r;
}

/* Files that are there, in directories that stay as they are. */
static int
stage_files(struct layout *l, struct err *e)
{
	struct host_view *w = l->v->view;
	char dir[HOST_PATH_MAX + 1], *to;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		if (w->v[i].absent || !is_file(w->v[i].path))
			continue;
		parent_that_is_there(w->v[i].path, dir);
		if (strs_has(&l->anew, dir))
			continue;
		if (path_joinf(&to, "%s/%zu", w->dir, l->next++) != 0)
			return err_nomem(e);
		if ((r = write_file(to, &w->v[i], l->v, e)) == 0 &&
		    (strs_add(&l->from, to) != 0 ||
			strs_add(&l->to, w->v[i].path) != 0))
			r = err_nomem(e);
		free(to);
	}
	return r;
}

int
view_stage(struct host *v, struct err *e)
{
	struct host_view *w = v->view;
	struct layout l = {.v = v};
	int r;

	view_unstage(w);
	if ((r = file_mkdirs(w->dir, 0700, e)) != 0)
		return r;
	w->staged = true;
	r = find_anew(&l, e);
	for (size_t i = 0; r == 0 && i < l.anew.n; i++)
		r = make_anew(&l, l.anew.v[i], e);
	if (r == 0)
		r = stage_files(&l, e);
	for (size_t i = 0; r == 0 && i < l.from.n; i++)
		r = add_mount(w, l.from.v[i], l.to.v[i], e);
	strs_clear(&l.anew);
	strs_clear(&l.from);
	strs_clear(&l.to);
	if (r != 0)
		view_unstage(w);
	return r;
}

/* Nothing is mounted here but in namespaces that have ended. */
static void
remove_tree(int dirfd, const char *name)
{
	struct dirent *d;
	DIR *dir;
	int fd;

	if (unlinkat(dirfd, name, 0) == 0)
		return;
	fd = openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;
	if ((dir = fdopendir(fd)) == NULL) {
		(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			remove_tree(fd, d->d_name);
	(void)closedir(dir);
	(void)unlinkat(dirfd, name, AT_REMOVEDIR);
}

void
view_unstage(struct host_view *w)
{
	for (size_t i = 0; i < w->n_mounts; i++) {
		free(w->mounts[i].from);
		free(w->mounts[i].to);
	}
	free(w->mounts);
	w->mounts = NULL;
	w->n_mounts = w->cap_mounts = 0;
	/* Left where it cannot be removed: it is on /run and has no secret
	 * that was not to be live. */
	if (w->staged)
		remove_tree(AT_FDCWD, w->dir);
	w->staged = false;
}
