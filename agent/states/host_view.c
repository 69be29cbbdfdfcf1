/* SPDX-License-Identifier: ISC */
/*
 * Changes over a host's files, in memory: what a read sees.
 */
#include "agent/states/host_view_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int
host_view_open(struct host *base, const char *dir, struct host **out,
    struct err *e)
{
	struct host *h = NULL;
	int r;

	if ((r = host_open_at(base->root, base->ops, base->ctx, &h, e)) != 0)
		return r;
	if ((h->view = calloc(1, sizeof(*h->view))) == NULL ||
	    (h->view->dir = str_dup(dir)) == NULL) {
		host_close(h);
		return err_nomem(e);
	}
	*out = h;
	return 0;
}

void
host_view_free(struct host_view *w)
{
	if (w == NULL)
		return;
	view_unstage(w);
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i].path);
	free(w->v);
	free(w->dir);
	free(w);
}

/* Where path stands, or would. */
static size_t
place(const struct host_view *w, const char *path)
{
	size_t lo = 0, hi = w->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(w->v[mid].path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
put(struct host *v, const char *path, const struct view_file *what,
    struct err *e)
{
	struct host_view *w = v->view;
	char real[HOST_PATH_MAX + 1];
	struct view_file f = *what;
	size_t i;
	int r;

	if ((r = host_resolve(v, path, false, real, e)) != 0)
		return r;
	i = place(w, real);
	if (i < w->n && strcmp(w->v[i].path, real) == 0) {
		f.path = w->v[i].path;
		w->v[i] = f;
		return 0;
	}
	if ((r = vec_grow(&w->v, w->n, &w->cap, HOST_VIEW_MAX)) != 0)
		return err_set(e, r, "%s: more than %d staged files", path,
		    HOST_VIEW_MAX);
	if ((f.path = str_dup(real)) == NULL)
		return err_nomem(e);
	memmove(&w->v[i + 1], &w->v[i], (w->n - i) * sizeof(w->v[0]));
	w->v[i] = f;
	w->n++;
	return 0;
}

int
host_view_put(struct host *v, const char *path, struct slice data, mode_t mode,
    uid_t uid, gid_t gid, struct err *e)
{
	const struct view_file f = {
	    .data = data, .mode = mode & 07777, .uid = uid, .gid = gid};

	return put(v, path, &f, e);
}

int
host_view_remove(struct host *v, const char *path, struct err *e)
{
	const struct view_file f = {.absent = true};

	return put(v, path, &f, e);
}

/* The change of exactly that place, if there is one. */
static int
find(struct host *v, const char *path, const struct view_file **out,
    struct err *e)
{
	const struct host_view *w = v->view;
	char real[HOST_PATH_MAX + 1];
	size_t i;
	int r;

	*out = NULL;
	if ((r = host_resolve(v, path, false, real, e)) != 0)
		return r;
	i = place(w, real);
	if (i < w->n && strcmp(w->v[i].path, real) == 0)
		*out = &w->v[i];
	return 0;
}

int
host_view_read(struct host *v, const char *path, size_t max, char **out,
    size_t *n, struct err *e)
{
	const struct view_file *f;
	int r;

	if ((r = find(v, path, &f, e)) != 0)
		return r;
	if (f == NULL)
		return 1;
	if (f->absent)
		return err_set(e, ERR_NOTFOUND, "%s: not there", path);
	if (f->data.n > max)
		return err_set(e, ERR_LIMIT, "%s: more than %zu bytes", path,
		    max);
	if ((*out = str_dupn(f->data.p, f->data.n)) == NULL)
		return err_nomem(e);
	*n = f->data.n;
	return 0;
}

/* "/a/b" holds "/a/b/c" and not "/a/bc". */
static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1)
		return path[1] != '\0';
	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* A directory that only a staged file makes. */
static bool
is_implied(struct host *v, const char *path)
{
	const struct host_view *w = v->view;
	char real[HOST_PATH_MAX + 1];

	if (host_resolve(v, path, false, real, NULL) != 0)
		return false;
	for (size_t i = 0; i < w->n; i++)
		if (!w->v[i].absent && is_below(w->v[i].path, real))
			return true;
	return false;
}

int
host_view_stat(struct host *v, const char *path, struct host_stat *out,
    struct err *e)
{
	const struct view_file *f;
	int fd, r;

	if ((r = find(v, path, &f, e)) != 0)
		return r;
	if (f != NULL && f->absent)
		return err_set(e, ERR_NOTFOUND, "%s: not there", path);
	if (f != NULL) {
		*out = (struct host_stat){.mode = S_IFREG | f->mode,
		    .uid = f->uid,
		    .gid = f->gid,
		    .size = f->data.n};
		return 0;
	}
	if (host_openat(v, path, O_PATH | O_NOFOLLOW, 0, &fd, NULL) == 0) {
		(void)close(fd);
		return 1;
	}
	if (!is_implied(v, path))
		return 1;
	*out = (struct host_stat){.mode = S_IFDIR | 0755};
	return 0;
}

/* out without the name, from start on. */
static void
drop(struct strs *out, size_t start, const char *name)
{
	for (size_t i = start; i < out->n; i++) {
		if (strcmp(out->v[i], name) != 0)
			continue;
		free(out->v[i]);
		out->v[i] = out->v[--out->n];
		return;
	}
}

int
host_view_list(struct host *v, const char *path, int r, struct strs *out,
    size_t start, struct err *e)
{
	const struct host_view *w = v->view;
	char real[HOST_PATH_MAX + 1], name[HOST_PATH_MAX + 1];
	size_t at, n;
	int res;

	if (r != 0 && (r != ERR_NOTFOUND || !is_implied(v, path)))
		return r;
	if ((res = host_resolve(v, path, false, real, e)) != 0)
		return res;
	at = real[1] == '\0' ? 1 : strlen(real) + 1;
	for (size_t i = 0; i < w->n; i++) {
		if (!is_below(w->v[i].path, real))
			continue;
		n = strcspn(w->v[i].path + at, "/");
		memcpy(name, w->v[i].path + at, n);
		name[n] = '\0';
		if (w->v[i].absent && w->v[i].path[at + n] == '/')
			continue;
		drop(out, start, name);
		if (!w->v[i].absent && strs_add(out, name) != 0)
			return err_nomem(e);
	}
	return 0;
}

/* In the child: only mount(2) and unshare(2), nothing that allocates. */
static int
enter(void *arg)
{
	const struct host_view *w = arg;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return errno;
	for (size_t i = 0; i < w->n_mounts; i++)
		if (mount(w->mounts[i].from, w->mounts[i].to, NULL,
			MS_BIND | MS_REC, NULL) != 0)
			return errno;
	return 0;
}

int
host_view_run(struct host *v, const struct child_run *run,
    struct child_result *out, struct err *e)
{
	struct child_run in_view = *run;
	int r;

	if (strcmp(v->root, "/") != 0)
		return err_set(e, ERR_USAGE,
		    "%s: programs run in a view of this machine alone",
		    v->root);
	if (!v->view->staged && (r = view_stage(v, e)) != 0)
		return r;
	in_view.before_exec = enter;
	in_view.before_exec_arg = v->view;
	return child_run(&in_view, out, e);
}
