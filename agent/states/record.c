/* SPDX-License-Identifier: ISC */
/* Capture of what a run changes; its text form is in record_json.c. */
#include "agent/states/record.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/file.h"

void
record_clear(struct record *r)
{
	for (size_t i = 0; i < r->n_files; i++) {
		free(r->files[i].path);
		host_xattrs_clear(&r->files[i].xattrs);
	}
	for (size_t i = 0; i < r->n_states; i++) {
		free(r->states[i].id);
		free(r->states[i].kind);
		free(r->states[i].params);
	}
	free(r->files);
	free(r->states);
	free(r->host_id);
	strs_clear(&r->dirs);
	*r = (struct record){0};
}

static int
blob_path(const char *dir, char letter, size_t i, char **out, struct err *e)
{
	return path_joinf(out, "%s/%c%zu", dir, letter, i) != 0 ? err_nomem(e)
								: 0;
}

static int
blob_write(const char *dir, char letter, size_t i, struct slice data,
    struct err *e)
{
	char *path;
	int r;

	if ((r = blob_path(dir, letter, i, &path, e)) != 0)
		return r;
	r = file_write(path, data.p, data.n, 0600, 0, e);
	free(path);
	return r;
}

static int
blob_read(const char *dir, char letter, size_t i, char **out, size_t *n,
    struct err *e)
{
	char *path;
	int r;

	if ((r = blob_path(dir, letter, i, &path, e)) != 0)
		return r;
	r = file_read(path, HOST_OUT_MAX, out, n, e);
	free(path);
	return r;
}

/* The directories above path that are not there, outer before inner. */
static int
note_dirs(struct record *r, struct host *h, const char *path, struct err *e)
{
	char dir[HOST_PATH_MAX + 1];
	struct host_stat st;
	const char *slash = path;
	int res;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		if (strs_has(&r->dirs, dir))
			continue;
		res = host_stat(h, dir, &st, e);
		if (res == 0)
			continue;
		if (res != ERR_NOTFOUND)
			return res;
		if (strs_add(&r->dirs, dir) != 0)
			return err_nomem(e);
	}
	return 0;
}

static bool
same_file(const struct host_stat *a, const struct host_stat *b)
{
	return a->ino == b->ino && a->dev == b->dev &&
	    a->ctime_ns == b->ctime_ns && a->size == b->size;
}

static int
note_there(struct rec_file *f, const char *dir, struct host *h, size_t i,
    const struct host_stat *st, struct err *e)
{
	struct host_stat after;
	char *data = NULL;
	size_t n = 0;
	int r;

	if (!S_ISREG(st->mode))
		return err_set(e, ERR_DENIED,
		    "%s is not a regular file, expected one or nothing",
		    f->path);
	if ((r = host_read(h, f->path, HOST_FILE_MAX, &data, &n, e)) != 0 ||
	    (r = host_xattrs(h, f->path, &f->xattrs, e)) != 0 ||
	    (r = host_stat(h, f->path, &after, e)) != 0)
		goto out;
	if (!same_file(st, &after)) {
		r = err_set(e, ERR_BUSY, "%s is being written by somebody",
		    f->path);
		goto out;
	}
	f->was = true;
	f->size = n;
	f->mode = st->mode & 07777;
	f->uid = st->uid;
	f->gid = st->gid;
	f->mtime_ns = st->mtime_ns;
	hash_sha256(data, n, &f->hash);
	r = blob_write(dir, 'f', i, slice_of(data, n), e);
out:
	if (data != NULL)
		mem_wipe(data, n);
	free(data);
	return r;
}

static int
note_file(struct record *r, const char *dir, struct host *h,
    const struct change *c, struct err *e)
{
	struct rec_file f = {.takes_away = c->takes_away};
	struct host_stat st;
	int res;

	for (size_t i = 0; i < r->n_files; i++)
		if (strcmp(r->files[i].path, c->path) == 0)
			return 0;
	if ((f.path = str_dup(c->path)) == NULL)
		return err_nomem(e);
	if ((res = note_dirs(r, h, c->path, e)) != 0)
		goto out;
	res = host_stat(h, c->path, &st, e);
	if (res == ERR_NOTFOUND)
		res = 0;
	else if (res == 0)
		res = note_there(&f, dir, h, r->n_files, &st, e);
	if (res == 0 &&
	    (res = vec_grow(&r->files, r->n_files, &r->cap_files,
		 RECORD_FILES_MAX)) != 0)
		(void)err_set(e, res, "more than %d files in a run",
		    RECORD_FILES_MAX);
out:
	if (res != 0) {
		free(f.path);
		host_xattrs_clear(&f.xattrs);
		return res;
	}
	r->files[r->n_files++] = f;
	return 0;
}

int
record_plan(struct record *r, const char *dir, struct host *h,
    const struct plan *plan, struct err *e)
{
	int res = 0;

	for (size_t i = 0; res == 0 && i < plan->n; i++)
		if (plan->v[i].kind == CHANGE_FILE)
			res = note_file(r, dir, h, &plan->v[i], e);
	return res;
}

static int
snapshot(const char *dir, struct host *h, const struct state *s, size_t i,
    struct err *e)
{
	struct str text = STR_INIT;
	int r;

	if ((r = s->ops->snapshot(h, s->params, &text, e)) == 0 &&
	    (r = str_check(&text)) != 0)
		(void)err_nomem(e);
	if (r == 0 && text.n > HOST_OUT_MAX)
		r = err_set(e, ERR_LIMIT,
		    "the snapshot of state %s has more than %d bytes",
		    s->h->decl->id, HOST_OUT_MAX);
	if (r == 0)
		r = blob_write(dir, 's', i, slice_of(text.p, text.n), e);
	str_clear(&text);
	return r;
}

int
record_state(struct record *r, const char *dir, struct host *h,
    const struct state *s, const struct plan *plan, bool tell, struct err *e)
{
	struct rec_state st = {.files = tell, .takes_away = plan->n > 0};
	int res;

	for (size_t i = 0; i < plan->n; i++) {
		st.files = st.files || plan->v[i].kind == CHANGE_FILE;
		st.takes_away = st.takes_away && plan->v[i].takes_away;
	}
	if (s->ops->snapshot != NULL) {
		if ((res = snapshot(dir, h, s, r->n_states, e)) != 0)
			return res;
		st.snapshot = true;
	}
	st.id = str_dup(s->h->decl->id);
	st.kind = str_dup(s->ops->name);
	st.params = str_dup(s->text);
	if (st.id == NULL || st.kind == NULL || st.params == NULL ||
	    (res = vec_grow(&r->states, r->n_states, &r->cap_states,
		 RECORD_FILES_MAX)) != 0) {
		free(st.id);
		free(st.kind);
		free(st.params);
		return err_nomem(e);
	}
	r->states[r->n_states++] = st;
	return 0;
}

int
record_file_data(const struct record *r, const char *dir, size_t i, char **out,
    size_t *n, struct err *e)
{
	const struct rec_file *f = &r->files[i];
	struct hash hash;
	char *data;
	size_t len;
	int res;

	if ((res = blob_read(dir, 'f', i, &data, &len, e)) != 0)
		return res;
	hash_sha256(data, len, &hash);
	if (len != f->size || !hash_equal(&hash, &f->hash)) {
		free(data);
		return err_set(e, ERR_CORRUPT,
		    "the backup of %s is not what was backed up", f->path);
	}
	*out = data;
	*n = len;
	return 0;
}

int
record_snapshot(const struct record *r, const char *dir, size_t i, char **out,
    size_t *n, struct err *e)
{
	return r->states[i].snapshot
	    ? blob_read(dir, 's', i, out, n, e)
	    : err_set(e, ERR_NOTFOUND, "no snapshot of it");
}
