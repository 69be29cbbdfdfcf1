/* SPDX-License-Identifier: ISC */
/* A run from end to end. */
#include "agent/states/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/states/left.h"
#include "agent/states/run_impl.h"
#include "agent/states/runs.h"
#include "agent/states/undo.h"
#include "lib/base/file.h"

static const char *const names[] = {
    [RESULT_OK] = "ok",
    [RESULT_WOULD] = "would change",
    [RESULT_CHANGED] = "changed",
    [RESULT_UNDONE] = "undone",
    [RESULT_OFF] = "off",
    [RESULT_EXCEPTED] = "excepted",
    [RESULT_NOT_APPLICABLE] = "not applicable",
    [RESULT_SKIPPED] = "skipped",
    [RESULT_FOUGHT] = "fought over",
    [RESULT_FAILED] = "failed",
};

const char *
run_result_name(enum run_result r)
{
	return (size_t)r < sizeof(names) / sizeof(names[0]) ? names[r] : "?";
}

void
run_clear(struct run_out *out)
{
	for (size_t i = 0; i < out->n; i++) {
		plan_clear(&out->v[i].plan);
		free(out->v[i].note);
		free(out->v[i].diff);
	}
	free(out->v);
	strs_clear(&out->left);
	*out = (struct run_out){0};
}

static int
out_init(const struct run_in *in, struct run_out *out)
{
	size_t n = in->states->n;

	if ((out->v = calloc(n > 0 ? n : 1, sizeof(*out->v))) == NULL)
		return ERR_NOMEM;
	out->n = n;
	for (size_t i = 0; i < n; i++)
		out->v[i].s = &in->states->v[i];
	return 0;
}

/* A run that did not end, or was not confirmed in time, is undone. */
static int
undo_last(const struct run_in *in, const char *dir, const struct run_status *s,
    struct err *e)
{
	struct record rec = {0};
	bool waits = s->stands == STANDS_UNCONFIRMED;
	int r;

	if (waits) {
		if ((r = record_read(dir, &rec, e)) != 0)
			return r;
		if (!run_is_overdue(s, rec.within))
			r = err_set(e, ERR_BUSY,
			    "run %" PRIu64 " waits to be confirmed",
			    rec.number);
		record_clear(&rec);
		if (r != 0)
			return r;
	}
	r = undo_run(in->host, dir, in->env, waits ? UNDO_UNCONFIRMED : 0,
	    waits ? "not confirmed in time"
		  : "the agent ended in the middle of it",
	    NULL, e);
	if (r != 0)
		err_prefix(e, "undo the last run, which did not end");
	return r;
}

static int
settle_last(const struct run_in *in, uint64_t *newest, struct err *e)
{
	struct run_status s = {0};
	char *dir = NULL;
	int r;

	if ((r = runs_newest(in->dir, newest, e)) != 0 || *newest == 0)
		return r;
	if (runs_path(in->dir, *newest, &dir) != 0)
		return err_nomem(e);
	/* A dry run looks at the host as it is. */
	if ((r = run_status_read(dir, &s, e)) == 0 &&
	    !run_is_finished(s.stands) && (in->flags & RUN_TEST) == 0)
		r = undo_last(in, dir, &s, e);
	run_status_clear(&s);
	free(dir);
	return r;
}

static int
begin(struct running *r, uint64_t number, struct err *e)
{
	int res;

	if (runs_path(r->in->dir, number, &r->run_dir) != 0)
		return err_nomem(e);
	if ((res = runs_begin(r->in->dir, number, e)) != 0)
		return res;
	r->rec.number = number;
	r->rec.at = host_now(r->in->host);
	r->rec.within = r->in->within;
	r->rec.host_id =
	    str_dup(r->in->env->host_id != NULL ? r->in->env->host_id : "");
	return r->rec.host_id != NULL ? 0 : err_nomem(e);
}

/* Of a kind that comes first, and so is all that it requires. */
static bool
comes_first(const struct run_out *out, size_t i)
{
	const struct state *s = out->v[i].s;

	if ((s->ops->flags & STATE_FIRST) == 0)
		return false;
	for (size_t k = 0; k < s->h->n_require; k++)
		if (!comes_first(out, s->h->require[k]))
			return false;
	for (size_t k = 0; k < s->h->n_watch; k++)
		if (!comes_first(out, s->h->watch[k]))
			return false;
	return true;
}

static bool
is_ready(const struct run_state *st)
{
	return (st->result == RESULT_WOULD && !st->after) ||
	    (st->result == RESULT_OK && st->tell);
}

/* What can be applied now; false: nothing. */
static bool
pick_ready(const struct run_out *out, bool first, bool *pick)
{
	bool any = false;

	for (size_t i = 0; i < out->n; i++) {
		pick[i] =
		    is_ready(&out->v[i]) && (!first || comes_first(out, i));
		any = any || (pick[i] && out->v[i].plan.n > 0);
	}
	return any;
}

/*
 * Plan anew what has not been applied.  Where a plan was named, what is left of
 * it must still be what it was: packages may have made it another.
 */
static int
plan_rest(struct running *r, bool *rest, bool *same, struct err *e)
{
	struct hash was, is;
	int res;

	for (size_t i = 0; i < r->out->n; i++)
		rest[i] = r->out->v[i].result != RESULT_CHANGED;
	if (run_plan_name(r->out, rest, &was) != 0)
		return err_nomem(e);
	if ((res = run_plan(r, rest, e)) != 0)
		return res;
	if (run_plan_name(r->out, rest, &is) != 0)
		return err_nomem(e);
	*same = hash_equal(&was, &is);
	return 0;
}

/*
 * Packages first; then what can be said now; then, round by round, what could
 * only be said when something else had changed.
 */
static int
apply_all(struct running *r, struct err *e)
{
	bool *pick = calloc(r->out->n + 1, sizeof(*pick));
	int res = pick != NULL ? 0 : err_nomem(e), rounds = 0;
	bool same = true;

	if (res == 0 && !pick_ready(r->out, true, pick) &&
	    !pick_ready(r->out, false, pick))
		goto out;
	while (res == 0) {
		if ((res = run_apply(r, pick, e)) != 0 ||
		    (res = plan_rest(r, pick, &same, e)) != 0)
			break;
		rounds++;
		if (r->in->expect != NULL && !same) {
			r->out->later = true;
			break;
		}
		if (!pick_ready(r->out, false, pick))
			break;
	}
	/* A later round may have taken back what an earlier one made. */
	for (size_t i = 0; res == 0 && rounds > 1 && i < r->out->n; i++)
		if (r->out->v[i].result == RESULT_CHANGED)
			res = run_holds(r, i, e);
out:
	free(pick);
	return res;
}

static int
note_history(struct running *r, struct err *e)
{
	int res = 0;

	for (size_t i = 0; res == 0 && i < r->rec.n_states; i++)
		for (size_t k = 0; res == 0 && k < r->out->n; k++) {
			const struct run_state *st = &r->out->v[k];
			struct hash name;

			if (strcmp(st->s->h->decl->id, r->rec.states[i].id) !=
				0 ||
			    st->plan.n == 0)
				continue;
			plan_hash(&st->plan, &name);
			res = history_add(r->in->dir, st->s->h->decl->id, &name,
			    host_now(r->in->host), e);
		}
	return res;
}

static int
finish(struct running *r, struct err *e)
{
	struct run_out *out = r->out;
	int res;

	if ((res = run_status_write(r->run_dir,
		 r->rec.way_in ? STANDS_UNCONFIRMED : STANDS_DONE,
		 host_now(r->in->host), NULL, e)) != 0)
		return res;
	out->end = r->rec.way_in ? RUN_END_WAITS : RUN_END_DONE;
	/* Left where it fails: nobody reads them, and the next run over these
	 * files takes them away. */
	if (!r->rec.way_in)
		(void)undo_forget(r->in->host, r->run_dir, NULL);
	return 0;
}

/* Nothing is live: no more than a trace is left. */
static void
refuse(struct running *r, const struct err *e)
{
	r->out->end = RUN_END_REFUSED;
	if (r->run_dir != NULL && r->wrote_status)
		(void)run_status_write(r->run_dir, STANDS_UNDONE,
		    host_now(r->in->host), e->msg, NULL);
}

static void
undo(struct running *r, struct err *e)
{
	struct str report = STR_INIT;
	struct err why = {0};
	int res;

	res = undo_run(r->in->host, r->run_dir, r->in->env, 0, e->msg, &report,
	    &why);
	r->out->end = res == 0 ? RUN_END_UNDONE : RUN_END_BROKEN;
	if (res != 0) {
		char *first = str_dup(e->msg);

		(void)err_set(e, res, "%s; and it could not be undone: %s",
		    first != NULL ? first : "it failed", why.msg);
		free(first);
	}
	for (size_t i = 0; i < r->out->n; i++)
		if (run_has_changes(&r->out->v[i]))
			r->out->v[i].result =
			    res == 0 ? RESULT_UNDONE : RESULT_FAILED;
	str_clear(&report);
}

/* With a plan that has something in it. */
static void
carry_out(struct running *r, uint64_t newest, struct err *e)
{
	struct err why = {0};
	int res;

	if ((res = begin(r, newest + 1, &why)) == 0 &&
	    (res = apply_all(r, &why)) == 0)
		res = finish(r, &why);
	r->out->number = r->live ? r->rec.number : 0;
	if (res != 0) {
		if (r->live)
			undo(r, &why);
		else
			refuse(r, &why);
		if (e != NULL)
			*e = why;
	}
	/* A history that cannot be written costs its warning alone. */
	if (r->live)
		(void)note_history(r, NULL);
}

/* What holds now, by this run or without it. */
static int
note_left(struct running *r, struct err *e)
{
	const struct run_out *out = r->out;
	bool *holds;
	int res;

	if (out->end != RUN_END_NOTHING && out->end != RUN_END_DONE &&
	    out->end != RUN_END_WAITS)
		return 0;
	if ((holds = calloc(out->n + 1, sizeof(*holds))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < out->n; i++)
		holds[i] = out->v[i].result == RESULT_OK ||
		    out->v[i].result == RESULT_CHANGED;
	res = left_note(r->in->dir, r->in->states, holds, e);
	free(holds);
	return res;
}

static int
go(struct running *r, uint64_t newest, struct err *e)
{
	const struct run_in *in = r->in;
	struct run_out *out = r->out;
	int res;

	if ((res = verified_read(in->dir, &r->known, e)) != 0 ||
	    (res = run_plan(r, NULL, e)) != 0 || (res = run_sum(r, e)) != 0 ||
	    (res = left_find(in->host, in->dir, in->states, &out->left, e)) !=
		0)
		return res;
	if (in->expect != NULL && !hash_equal(in->expect, &out->plan)) {
		out->end = RUN_END_REFUSED;
		(void)err_set(e, ERR_BUSY,
		    "this is not the plan that was looked at: the host or the "
		    "policy has changed since");
		return 0;
	}
	if ((in->flags & RUN_TEST) != 0)
		out->end = out->n_changes > 0 ? RUN_END_WOULD : RUN_END_NOTHING;
	else if (out->n_changes > 0)
		carry_out(r, newest, e);
	/* Lost, it is observed anew; and the other is told once more. */
	if (r->known.changed)
		(void)verified_write(&r->known, in->dir, NULL);
	if ((in->flags & RUN_TEST) == 0)
		(void)note_left(r, NULL);
	return 0;
}

int
run(const struct run_in *in, struct run_out *out, struct err *e)
{
	struct running r = {.in = in, .out = out};
	uint64_t newest = 0;
	int lock = -1, res;

	if ((res = file_mkdirs(in->dir, 0700, e)) != 0 ||
	    (res = runs_lock(in->dir, &lock, e)) != 0)
		return res;
	if ((res = settle_last(in, &newest, e)) == 0 &&
	    (res = out_init(in, out)) != 0)
		(void)err_nomem(e);
	if (res == 0)
		res = go(&r, newest, e);
	if (res != 0)
		run_clear(out);
	verified_clear(&r.known);
	record_clear(&r.rec);
	free(r.run_dir);
	(void)close(lock);
	return res;
}
