/* SPDX-License-Identifier: ISC */
#include "agent/states/undo.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/states/record.h"
#include "agent/states/runs.h"

#define TRIES 3

struct undo {
	struct host *h;
	const char *dir;
	const struct state_env *env;
	unsigned flags;
	struct record rec;
	struct str *report;
	struct err first;
	int r; /* of the first failure */
};

typedef int step_fn(struct undo *u, size_t i, struct err *e);

/* Three times, since a disk that was full or a program that was busy may not be
 * so any more; then on with the next. */
static void
step(struct undo *u, step_fn *fn, size_t i)
{
	struct err e = {0};
	int r = ERR_SYS;

	for (int n = 0; n < TRIES && r != 0; n++) {
		e = (struct err){0};
		r = fn(u, i, &e);
	}
	if (r == 0)
		return;
	if (u->r == 0) {
		u->r = r;
		u->first = e;
	}
	if (u->report != NULL)
		str_addf(u->report, "%s\n", e.msg);
}

static bool
xattrs_equal(const struct host_xattrs *a, const struct host_xattrs *b)
{
	size_t same = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			same += strcmp(a->v[i].name, b->v[j].name) == 0 &&
			    a->v[i].n == b->v[j].n &&
			    memcmp(a->v[i].value, b->v[j].value, a->v[i].n) ==
				0;
	return a->n == b->n && same == a->n;
}

/* Is what stands at path what was backed up?  1: it is, 0: it is not. */
static int
is_as_it_was(struct undo *u, const struct rec_file *f, const char *path,
    struct err *e)
{
	struct host_xattrs x = {0};
	struct host_stat st;
	struct hash hash;
	char *data = NULL;
	size_t n;
	int r;

	r = host_stat(u->h, path, &st, e);
	if (r == ERR_NOTFOUND)
		return !f->was;
	if (r != 0)
		return r;
	if (!f->was || !S_ISREG(st.mode) || (st.mode & 07777) != f->mode ||
	    st.uid != f->uid || st.gid != f->gid || st.size != f->size)
		return 0;
	if ((r = host_read(u->h, path, HOST_FILE_MAX, &data, &n, e)) != 0 ||
	    (r = host_xattrs(u->h, path, &x, e)) != 0)
		goto out;
	hash_sha256(data, n, &hash);
	r = hash_equal(&hash, &f->hash) && xattrs_equal(&x, &f->xattrs);
out:
	host_xattrs_clear(&x);
	free(data);
	return r;
}

static bool
stays(const struct undo *u, bool takes_away)
{
	return (u->flags & UNDO_UNCONFIRMED) != 0 && takes_away;
}

static int
put_back(struct undo *u, size_t i, struct err *e)
{
	const struct rec_file *f = &u->rec.files[i];
	struct host_file file = {
	    .mode = f->mode,
	    .uid = f->uid,
	    .gid = f->gid,
	    .mtime_ns = f->mtime_ns,
	    .xattrs = &f->xattrs,
	};
	char kept[HOST_PATH_MAX + 64], *data = NULL;
	size_t n = 0;
	int r;

	host_kept_path(f->path, kept);
	if (strlen(kept) <= HOST_PATH_MAX && is_as_it_was(u, f, kept, e) == 1 &&
	    host_revert(u->h, f->path, e) == 0)
		return 0;
	if ((r = record_file_data(&u->rec, u->dir, i, &data, &n, e)) != 0)
		return r;
	file.data = slice_of(data, n);
	if ((r = host_put(u->h, f->path, &file, e)) == 0)
		r = host_commit(u->h, f->path, e);
	mem_wipe(data, n);
	free(data);
	return r;
}

static int
undo_file(struct undo *u, size_t i, struct err *e)
{
	const struct rec_file *f = &u->rec.files[i];
	int r;

	if ((r = host_unput(u->h, f->path, e)) != 0)
		return r;
	if (!stays(u, f->takes_away)) {
		if ((r = is_as_it_was(u, f, f->path, e)) < 0)
			return r;
		if (r == 0 &&
		    (r = f->was ? put_back(u, i, e)
				: host_unlink(u->h, f->path, e)) != 0)
			return r;
	}
	return host_forget(u->h, f->path, e);
}

static int
undo_dir(struct undo *u, size_t i, struct err *e)
{
	return host_rmdir(u->h, u->rec.dirs.v[i], e);
}

static int
undo_live(struct undo *u, size_t i, struct err *e)
{
	const struct rec_state *s = &u->rec.states[i];
	const struct state_ops *ops = state_kind(s->kind);
	char *data;
	size_t n;
	int r;

	if (!s->snapshot || stays(u, s->takes_away))
		return 0;
	if (ops == NULL || ops->restore == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "state %s: this agent cannot restore a %s", s->id, s->kind);
	if ((r = record_snapshot(&u->rec, u->dir, i, &data, &n, e)) != 0)
		return r;
	if ((r = ops->restore(u->h, slice_of(data, n), e)) != 0)
		err_prefix(e, "state %s", s->id);
	free(data);
	return r;
}

static int
tell(struct undo *u, size_t i, struct err *e)
{
	const struct rec_state *s = &u->rec.states[i];
	const struct state_ops *ops = state_kind(s->kind);
	void *params = NULL;
	int r;

	if (!s->files || ops == NULL || ops->activate == NULL ||
	    stays(u, s->takes_away))
		return 0;
	if ((r = params_read(ops, s->params, &params, e)) == 0)
		r = ops->activate(u->h, u->env, params, e);
	if (r != 0)
		err_prefix(e, "state %s", s->id);
	params_free(ops, params);
	return r;
}

static int
verify(struct undo *u, size_t i, struct err *e)
{
	const struct rec_file *f = &u->rec.files[i];
	int r;

	if (stays(u, f->takes_away))
		return 0;
	r = is_as_it_was(u, f, f->path, e);
	return r == 0 ? err_set(e, ERR_CORRUPT,
			    "%s is not as it was before the run", f->path)
	    : r == 1  ? 0
		      : r;
}

static void
undo_all(struct undo *u)
{
	for (size_t i = u->rec.n_files; i-- > 0;)
		step(u, undo_file, i);
	for (size_t i = u->rec.dirs.n; i-- > 0;)
		step(u, undo_dir, i);
	for (size_t i = u->rec.n_states; i-- > 0;)
		step(u, undo_live, i);
	for (size_t i = 0; (u->flags & UNDO_QUIET) == 0 && i < u->rec.n_states;
	     i++)
		step(u, tell, i);
	for (size_t i = 0; i < u->rec.n_files; i++)
		step(u, verify, i);
}

int
undo_run(struct host *h, const char *run_dir, const struct state_env *env,
    unsigned flags, const char *why, struct str *report, struct err *e)
{
	struct undo u = {.h = h,
	    .dir = run_dir,
	    .env = env,
	    .flags = flags,
	    .report = report};
	struct str text = STR_INIT;
	struct err unread = {0};
	int r;

	r = record_read(run_dir, &u.rec, &unread);
	if (r != 0 && r != ERR_NOTFOUND) {
		if (e != NULL)
			*e = unread;
		return r;
	}
	if (r == 0)
		undo_all(&u);
	str_add(&text, why);
	if (u.r != 0)
		str_addf(&text, "; %s", u.first.msg);
	r = run_status_write(run_dir,
	    u.r == 0 ? STANDS_UNDONE : STANDS_UNDO_FAILED, host_now(h), text.p,
	    e);
	str_clear(&text);
	record_clear(&u.rec);
	if (u.r != 0 && e != NULL)
		*e = u.first;
	return u.r != 0 ? u.r : r;
}

static int
forget(struct undo *u, size_t i, struct err *e)
{
	return host_forget(u->h, u->rec.files[i].path, e);
}

int
undo_forget(struct host *h, const char *run_dir, struct err *e)
{
	struct undo u = {.h = h, .dir = run_dir};
	int r;

	if ((r = record_read(run_dir, &u.rec, e)) != 0)
		return r;
	for (size_t i = 0; i < u.rec.n_files; i++)
		step(&u, forget, i);
	record_clear(&u.rec);
	if (u.r != 0 && e != NULL)
		*e = u.first;
	return u.r;
}
