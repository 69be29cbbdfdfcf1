/* SPDX-License-Identifier: ISC */
#include "agent/states/left.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

#define OWNED_BYTES (1024 * 1024)

/* A line of the file: "ID KIND WHAT". */
struct owned {
	struct slice id, kind;
	const char *what;
};

static bool
owned_parse(const char *line, struct owned *out)
{
	const char *kind = strchr(line, ' ');
	const char *what = kind != NULL ? strchr(kind + 1, ' ') : NULL;

	if (what == NULL || what[1] == '\0')
		return false;
	out->id = slice_of(line, (size_t)(kind - line));
	out->kind = slice_of(kind + 1, (size_t)(what - kind) - 1);
	out->what = what + 1;
	return true;
}

/* The lines; none where there is no file, or none of ours. */
static int
read_lines(const char *dir, struct strs *out, struct err *e)
{
	struct err why = {0};
	char *path, *text = NULL;
	size_t n;
	int r;

	if (path_join(dir, "owned", &path) != 0)
		return err_nomem(e);
	r = file_read(path, OWNED_BYTES, &text, &n, &why);
	free(path);
	if (r == ERR_NOTFOUND || r == ERR_LIMIT)
		return 0;
	if (r != 0) {
		if (e != NULL)
			*e = why;
		return r;
	}
	for (char *at = text, *end; r == 0 && (end = strchr(at, '\n')) != NULL;
	     at = end + 1)
		r = strs_addn(out, at, (size_t)(end - at));
	free(text);
	return r == 0 ? 0 : err_nomem(e);
}

static int
write_lines(const char *dir, const struct strs *lines, struct err *e)
{
	struct str s = STR_INIT;
	char *path = NULL;
	int r;

	for (size_t i = 0; i < lines->n; i++)
		str_addf(&s, "%s\n", lines->v[i]);
	if (str_check(&s) != 0 || path_join(dir, "owned", &path) != 0)
		r = err_nomem(e);
	else
		r = file_write(path, s.p, s.n, 0600, 0, e);
	free(path);
	str_clear(&s);
	return r;
}

static bool
can_be_absent(struct slice kind)
{
	char name[64];
	const struct state_ops *ops;

	if (kind.n >= sizeof(name))
		return false;
	memcpy(name, kind.p, kind.n);
	name[kind.n] = '\0';
	ops = state_kind(name);
	return ops != NULL && ops->is_absent != NULL;
}

/*
 * What a state owns that would stay without it; nothing where it is off or
 * excepted.  A kind that is written as a whole has one name for all of it.
 */
static int
owns(const struct state *s, struct strs *out)
{
	int (*names)(const void *, struct strs *) =
	    s->ops->leaves != NULL ? s->ops->leaves : s->ops->owns;
	struct strs all = {0};
	int r;

	if (s->params == NULL || names == NULL)
		return 0;
	if ((s->ops->flags & STATE_EACH) != 0)
		return names(s->params, out);
	if ((r = names(s->params, &all)) == 0 && all.n > 0)
		r = strs_add(out, all.v[0]);
	strs_clear(&all);
	return r;
}

/* What all of now own, whatever becomes of them. */
static int
owned_now(const struct states *now, struct strs *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < now->n; i++)
		r = owns(&now->v[i], out);
	return r;
}

/* Does a state of now speak of it?  One that is off or excepted does. */
static bool
is_spoken_of(const struct owned *o, const struct states *now,
    const struct strs *owned)
{
	if (strs_has(owned, o->what))
		return true;
	for (size_t i = 0; i < now->n; i++) {
		const struct state *s = &now->v[i];

		if (!slice_is(o->kind, s->ops->name))
			continue;
		if ((s->params == NULL && slice_is(o->id, s->h->decl->id)) ||
		    (s->params != NULL && (s->ops->flags & STATE_EACH) == 0))
			return true;
	}
	return false;
}

static bool
is_gone(struct host *h, const char *what)
{
	return what[0] == '/' && host_exists(h, what, NULL) == 0;
}

static int
tell(const struct owned *o, struct strs *out)
{
	struct str s = STR_INIT;
	int r;

	str_addn(&s, (const char *)o->id.p, o->id.n);
	str_add(&s, " (");
	str_addn(&s, (const char *)o->kind.p, o->kind.n);
	str_addf(&s, "): %s", o->what);
	if ((r = str_check(&s)) == 0)
		r = strs_add(out, s.p);
	str_clear(&s);
	return r;
}

int
left_find(struct host *h, const char *dir, const struct states *now,
    struct strs *out, struct err *e)
{
	struct strs lines = {0}, owned = {0};
	struct owned o;
	int r;

	if ((r = read_lines(dir, &lines, e)) != 0)
		goto out;
	r = lines.n > 0 ? owned_now(now, &owned) : 0;
	for (size_t i = 0; r == 0 && i < lines.n; i++)
		if (owned_parse(lines.v[i], &o) &&
		    !is_spoken_of(&o, now, &owned) && !is_gone(h, o.what))
			r = tell(&o, out);
	if (r != 0)
		(void)err_nomem(e);
	strs_sort(out);
out:
	strs_clear(&lines);
	strs_clear(&owned);
	return r;
}

/* The lines of one state that holds. */
static int
add_state(const struct state *s, struct strs *lines)
{
	struct strs own = {0};
	struct str line = STR_INIT;
	int r = owns(s, &own);

	for (size_t i = 0; r == 0 && i < own.n; i++) {
		str_clear(&line);
		str_addf(&line, "%s %s %s", s->h->decl->id, s->ops->name,
		    own.v[i]);
		if ((r = str_check(&line)) == 0)
			r = strs_add(lines, line.p);
	}
	str_clear(&line);
	strs_clear(&own);
	return r;
}

/* What is kept of the file: what nobody speaks of and could be taken away, and
 * what a state owns that does not hold, which may have been there before. */
static int
keep(const struct strs *was, const struct states *now, const bool *holds,
    struct strs *out)
{
	struct strs settled = {0}, owned = {0};
	struct owned o;
	int r = owned_now(now, &owned);

	for (size_t i = 0; r == 0 && i < now->n; i++)
		if (holds[i])
			r = owns(&now->v[i], &settled);
	for (size_t i = 0; r == 0 && i < was->n; i++)
		if (owned_parse(was->v[i], &o) && !strs_has(&settled, o.what) &&
		    (is_spoken_of(&o, now, &owned) || can_be_absent(o.kind)))
			r = strs_add(out, was->v[i]);
	strs_clear(&settled);
	strs_clear(&owned);
	return r;
}

int
left_note(const char *dir, const struct states *now, const bool *holds,
    struct err *e)
{
	struct strs was = {0}, is = {0};
	int r;

	if ((r = read_lines(dir, &was, e)) != 0)
		goto out;
	r = keep(&was, now, holds, &is);
	for (size_t i = 0; r == 0 && i < now->n; i++) {
		const struct state *s = &now->v[i];

		if (holds[i] && s->params != NULL &&
		    (s->ops->is_absent == NULL ||
			!s->ops->is_absent(s->params)))
			r = add_state(s, &is);
	}
	if (r != 0) {
		(void)err_nomem(e);
		goto out;
	}
	strs_sort(&was);
	strs_sort(&is);
	if (!strs_equal(&was, &is))
		r = write_lines(dir, &is, e);
out:
	strs_clear(&was);
	strs_clear(&is);
	return r;
}
