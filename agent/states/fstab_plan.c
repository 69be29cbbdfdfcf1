/* SPDX-License-Identifier: ISC */
/*
 * fstab: what is to change, and what cannot be.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/fstab_impl.h"
#include "agent/states/words.h"

/* What one mount point has.  Of one that is to be absent: table_ok where the
 * table has nothing of ours, mount_ok where no flag of ours is in force. */
struct seen {
	bool in_table, table_ok;
	bool is_mounted, mount_ok;
	struct mounted m;
};

/* A line that add_line() may have made, for a tmpfs. */
static bool
is_ours(const struct fstab_line *l, const struct mount_want *w)
{
	return w->tmpfs != NULL && slice_is(l->source, "tmpfs") &&
	    slice_is(l->type, "tmpfs");
}

static bool
line_is_ok(const struct fstab_line *l, const struct mount_want *w)
{
	return w->absent
	    ? !is_ours(l, w) && !fstab_has_any(l->options, &w->options)
	    : fstab_has_all(l->options, &w->options);
}

static bool
mount_is_ok(const struct mounted *m, const struct mount_want *w)
{
	for (size_t i = 0; i < w->options.n; i++)
		if (w->absent ? mount_flag(w->options.v[i]) != NULL &&
			    mounted_has(m, w->options.v[i])
			      : !mounted_has(m, w->options.v[i]))
			return false;
	return true;
}

static struct seen
look(const struct fstab_observed *o, const struct mount_want *w)
{
	struct slice text = {(const uint8_t *)o->table, o->n_table};
	struct seen s = {.table_ok = true};
	struct fstab_line l;
	unsigned line = 0;

	while (fstab_next(&text, &line, &l))
		if (fstab_path_is(l.path, w->path)) {
			s.in_table = true;
			if (!line_is_ok(&l, w))
				s.table_ok = false;
		}
	text = (struct slice){(const uint8_t *)o->mounts, o->n_mounts};
	s.is_mounted = mountinfo_find(text, w->path, &s.m);
	s.mount_ok = s.is_mounted && mount_is_ok(&s.m, w);
	return s;
}

/* Nobody's line yet: from what is mounted, or a tmpfs that the state asks for.
 * `nofail`, since a line of ours must never stop a boot. */
static int
add_line(const struct mount_want *w, const struct seen *s, struct str *out)
{
	static const struct slice nothing = {0};
	struct str has = STR_INIT;
	int r;

	if (!s->is_mounted) {
		str_add(out, "tmpfs\t");
		fstab_add_path(out, w->path);
		str_addf(out, "\ttmpfs\tmode=1777,size=%s,nofail,", w->tmpfs);
		r = fstab_merge(nothing, &w->options, out);
		str_add(out, "\t0\t0\n");
		return r;
	}
	str_addf(out, "%.*s\t", (int)s->m.source.n,
	    (const char *)s->m.source.p);
	fstab_add_path(out, w->path);
	str_addf(out, "\t%.*s\t", (int)s->m.type.n, (const char *)s->m.type.p);
	/* Without the latter a private tmpfs would be everybody's. */
	if ((r = fstab_join(s->m.options, s->m.super, &has)) == 0)
		r = fstab_merge(slice_of(has.p, has.n), &w->options, out);
	str_add(out, ",nofail\t0\t0\n");
	str_clear(&has);
	return r;
}

/* The table with one mount point's lines changed, or one added; out replaces
 * text. */
static int
change_lines(struct slice text, const struct mount_want *w,
    const struct seen *s, struct str *out)
{
	const char *at = (const char *)text.p, *end = at + text.n;
	struct fstab_line l;
	unsigned line = 0;
	int r = 0;

	while (r == 0 && fstab_next(&text, &line, &l)) {
		const char *options = (const char *)l.options.p;

		if (!fstab_path_is(l.path, w->path) ||
		    (w->absent && l.options.n == 0 && !is_ours(&l, w)))
			continue;
		if (w->absent && is_ours(&l, w)) {
			const char *whole = (const char *)l.whole.p;

			str_addn(out, at, (size_t)(whole - at));
			at = whole + l.whole.n;
			at += at < end && *at == '\n';
			continue;
		}
		str_addn(out, at, (size_t)(options - at));
		if (l.options.n == 0)
			str_addc(out, '\t');
		r = w->absent ? fstab_take(l.options, &w->options, out)
			      : fstab_merge(l.options, &w->options, out);
		at = options + l.options.n;
	}
	if (at < end)
		str_addn(out, at, (size_t)(end - at));
	if (r == 0 && !s->in_table && !w->absent) {
		if (!out->failed && out->n > 0 && out->p[out->n - 1] != '\n')
			str_addc(out, '\n');
		r = add_line(w, s, out);
	}
	return r != 0 ? r : str_check(out);
}

/* text with the lines of one mount point as they are to be. */
static int
plan_lines(const struct mount_want *w, const struct seen *s, struct str *text,
    struct str *what, const char *said)
{
	struct str next = STR_INIT;
	int r;

	if ((r = change_lines(slice_of(text->p, text->n), w, s, &next)) != 0) {
		str_clear(&next);
		return r;
	}
	str_addf(what, "%s%s %s%s", what->n > 0 ? "; " : "", w->path,
	    w->absent ? "without " : "", said);
	str_clear(text);
	*text = next;
	return 0;
}

/* One that is to be absent: what is mounted is not unmounted, since somebody
 * may be in it; the flags go. */
static int
plan_away(const struct mount_want *w, const struct seen *s, struct str *text,
    struct str *what, struct plan *out)
{
	struct str said = STR_INIT;
	int r;

	if (w->tmpfs != NULL)
		str_add(&said, "our tmpfs");
	else
		strs_join(&w->options, ",", &said);
	if ((r = str_check(&said)) == 0 && s->in_table && !s->table_ok)
		r = plan_lines(w, s, text, what, said.p);
	if (r == 0 && s->is_mounted && !s->mount_ok)
		r = plan_live(out, "lift", w->path, false,
		    "remount %s without what we asked for", w->path);
	str_clear(&said);
	return r;
}

/* Why a line for what is mounted cannot be made of it; NULL: it can. */
static const char *
no_line_for(const struct mounted *m)
{
	if (slice_is(m->type, "autofs"))
		return "is mounted when somebody asks for it";
	/* Of a subvolume the options name it. */
	if (!slice_is(m->root, "/") && !slice_is(m->type, "btrfs"))
		return "is a part of another file system";
	return NULL;
}

/* 1 with a note where there is such a mount. */
static int
plan_no_line(const struct fstab_params *p, const struct fstab_observed *o,
    struct plan *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct mount_want *w = &p->v[i];
		struct seen s = look(o, w);
		const char *why = s.is_mounted ? no_line_for(&s.m) : NULL;

		if (why != NULL && !s.in_table && !w->absent)
			return plan_note(out, PLAN_IMPOSSIBLE,
				   "%s %s and has no line in " FSTAB_PATH
				   ", expected one",
				   w->path, why) == 0
			    ? 1
			    : ERR_NOMEM;
	}
	return 0;
}

/* 1 with a note where the next boot would pass over what fstab says. */
static int
plan_stronger(const struct fstab_params *p, const struct fstab_observed *o,
    struct plan *out)
{
	for (size_t i = 0; i < o->n_boot; i++) {
		const struct fstab_boot *b = &o->boot[i];
		struct str want = STR_INIT;
		int r;

		if (b->options == NULL ||
		    fstab_has_all(slice_str(b->options), &p->v[i].options))
			continue;
		strs_join(&p->v[i].options, ",", &want);
		if ((r = str_check(&want)) == 0)
			r = plan_note(out, PLAN_IMPOSSIBLE,
			    "%s: %s counts at boot, and not " FSTAB_PATH
			    ", expected Options=%s in it",
			    p->v[i].path,
			    b->by != NULL ? b->by : "a unit that is masked",
			    want.p);
		str_clear(&want);
		return r == 0 ? 1 : r;
	}
	return 0;
}

/* One mount point: its part of the table goes into the text; live changes into
 * the plan; what cannot be into notes. */
static int
plan_mount(const struct mount_want *w, const struct seen *s, struct str *text,
    struct str *what, struct str *notes, struct plan *out)
{
	struct str options = STR_INIT;
	int r = 0;

	strs_join(&w->options, ",", &options);
	if ((r = str_check(&options)) != 0)
		goto out;
	if (!s->is_mounted && w->tmpfs == NULL && !s->in_table) {
		str_addf(notes, "%s%s is no mount of its own",
		    notes->n > 0 ? ", " : "", w->path);
		goto out;
	}
	if ((!s->in_table || !s->table_ok) &&
	    (r = plan_lines(w, s, text, what, options.p)) != 0)
		goto out;
	if (s->is_mounted && !s->mount_ok)
		r = plan_live(out, "remount", w->path, false, "remount %s %s",
		    w->path, options.p);
	else if (!s->is_mounted && w->tmpfs != NULL)
		r = plan_live(out, "mount", w->path, false,
		    "mount a tmpfs of %s on %s", w->tmpfs, w->path);
	else if (!s->is_mounted)
		str_addf(notes, "%s%s is in fstab and not mounted",
		    notes->n > 0 ? ", " : "", w->path);
out:
	str_clear(&options);
	return r;
}

int
fstab_plan(const struct state_env *env, const void *params,
    const void *observed, struct plan *out, struct err *e)
{
	const struct fstab_params *p = params;
	const struct fstab_observed *o = observed;
	struct str text = STR_INIT, what = STR_INIT, notes = STR_INIT;
	int r;

	(void)env;
	if ((r = plan_no_line(p, o, out)) != 0 ||
	    (r = plan_stronger(p, o, out)) != 0)
		return r == 1 ? 0 : err_nomem(e);
	if (o->n_table > 0)
		str_addn(&text, o->table, o->n_table);
	r = str_check(&text);
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		struct seen s = look(o, &p->v[i]);

		r = p->v[i].absent
		    ? plan_away(&p->v[i], &s, &text, &what, out)
		    : plan_mount(&p->v[i], &s, &text, &what, &notes, out);
	}
	/* Whoever can write it mounts what he likes at the next boot. */
	if (o->table != NULL && (o->st.uid != 0 || (o->st.mode & 022) != 0))
		str_addf(&what, "%sroot's alone to write",
		    what.n > 0 ? "; " : "");
	if (r == 0 && (what.failed || notes.failed))
		r = ERR_NOMEM;
	if (r == 0 && what.n > 0)
		r = plan_file(out, FSTAB_PATH,
		    o->table != NULL ? o->st.mode & 07755 : 0644, 0, o->st.gid,
		    (struct slice){(const uint8_t *)text.p, text.n}, false,
		    FSTAB_PATH ": %s", what.p);
	if (r == 0 && notes.n > 0)
		r = plan_note(out, PLAN_NOT_APPLICABLE, "%s", notes.p);
	str_clear(&text);
	str_clear(&what);
	str_clear(&notes);
	if (r == ERR_LIMIT)
		return err_set(e, r,
		    "options of a mount are too long, expected at most %d "
		    "bytes",
		    FSTAB_OPTIONS_MAX);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}
