/* SPDX-License-Identifier: ISC */
/* A directory as a store: the directories that objects are put into. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/blob/dir.h"

static void
parent_clear(struct dir_parent *p)
{
	if (p->fd != -1)
		close(p->fd);
	free(p->path);
	*p = (struct dir_parent){.fd = -1};
}

void
dir_parents_clear(struct dir_parents *l)
{
	for (size_t i = 0; i < l->n; i++)
		parent_clear(&l->v[i]);
	free(l->v);
	*l = (struct dir_parents){0};
}

int
dir_parents_sync(const struct dir_store *d, struct dir_parents *l,
    struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		struct dir_parent *p = &l->v[i];

		if (p->dirty && fsync(p->fd) != 0)
			return err_sys(e, "fsync %s/%s", d->root, p->path);
		p->dirty = false;
	}
	return 0;
}

/* Make the directory path inside its parent, which may have to be made too. */
static int
parent_make(const struct dir_store *d, struct dir_parents *l, const char *path,
    bool sync, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	size_t up = 0;
	int r;

	r = dir_parents_get(d, l, path,
	    slash == NULL ? 0 : (size_t)(slash - path), sync, &up, e);
	if (r != 0)
		return r;
	if (mkdirat(l->v[up].fd, base, 0777) != 0 && errno != EEXIST)
		return err_sys(e, "mkdir %s/%s", d->root, path);
	l->v[up].dirty |= sync;
	return 0;
}

int
dir_parents_get(const struct dir_store *d, struct dir_parents *l,
    const char *path, size_t n, bool sync, size_t *out, struct err *e)
{
	struct dir_parent one = {.fd = -1};
	int r;

	for (size_t i = l->n; i-- > 0;)
		if (strncmp(l->v[i].path, path, n) == 0 &&
		    l->v[i].path[n] == '\0') {
			*out = i;
			return 0;
		}
	if ((one.path = str_dupn(path, n)) == NULL)
		return err_nomem(e);
	for (int try = 0; try < 2 && one.fd == -1; try++) {
		one.fd = dir_openat(d, n == 0 ? "." : one.path,
		    O_RDONLY | O_DIRECTORY);
		if (one.fd == -1 && (errno != ENOENT || try == 1)) {
			r = errno == ENOTDIR
			    ? err_set(e, ERR_CORRUPT,
				  "%s/%s is in the way, expected a directory",
				  d->root, one.path)
			    : dir_open_failed(d, one.path, e);
			goto out;
		}
		if (one.fd == -1 &&
		    (r = parent_make(d, l, one.path, sync, e)) != 0)
			goto out;
	}
	if ((r = vec_grow(&l->v, l->n, &l->cap, 1 << 20)) != 0) {
		(void)err_set(e, r, "too many directories in one call");
		goto out;
	}
	*out = l->n;
	l->v[l->n++] = one;
	one = (struct dir_parent){.fd = -1};
	r = 0;
out:
	parent_clear(&one);
	return r;
}
