/* SPDX-License-Identifier: ISC */
/* The second half of a run: from a plan to a host that holds it. */

#include "agent/states/host_view.h"
#include "agent/states/host_write.h"
#include "agent/states/run_impl.h"
#include "agent/states/runs.h"

/* fn for each change of the picked states, in order, until one fails. */
typedef int change_fn(struct running *r, const struct run_state *st,
    const struct change *c, void *arg, struct err *e);

static int
each_change(struct running *r, const bool *pick, enum change_kind kind,
    change_fn *fn, void *arg, struct err *e)
{
	int res = 0;

	for (size_t i = 0; res == 0 && i < r->out->n; i++) {
		const struct run_state *st = &r->out->v[i];

		for (size_t k = 0; pick[i] && res == 0 && k < st->plan.n; k++)
			if (st->plan.v[k].kind == kind &&
			    (res = fn(r, st, &st->plan.v[k], arg, e)) != 0)
				err_prefix(e, "state %s", st->s->h->decl->id);
	}
	return res;
}

static int
can_write(struct running *r, const struct run_state *st, const struct change *c,
    void *arg, struct err *e)
{
	(void)st;
	(void)arg;
	return host_writable(r->in->host, c->path, c->n, e);
}

static int
stage(struct running *r, const struct run_state *st, const struct change *c,
    void *arg, struct err *e)
{
	(void)r;
	(void)st;
	return c->absent ? host_view_remove(arg, c->path, e)
			 : host_view_put(arg, c->path, slice_of(c->data, c->n),
			       c->mode, c->uid, c->gid, e);
}

/* The first of the picked states of its kind? */
static bool
is_first_of_kind(const struct run_out *out, const bool *pick, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (pick[k] && out->v[k].s->ops == out->v[i].s->ops &&
		    out->v[k].plan.n > 0)
			return false;
	return out->v[i].plan.n > 0;
}

/* Checkers first, all of them: a proof asks a configuration that is sound. */
static int
check(struct running *r, const bool *pick, struct host *view, struct err *e)
{
	const struct state_env *env = r->in->env;
	int res = 0;

	for (int proof = 0; res == 0 && proof < 2; proof++)
		for (size_t i = 0; res == 0 && i < r->out->n; i++) {
			const struct state *s = r->out->v[i].s;

			if (!pick[i] || r->out->v[i].plan.n == 0)
				continue;
			if (proof == 1 && s->ops->proof != NULL)
				res = s->ops->proof(view, env, s->params, e);
			else if (proof == 0 && s->ops->validate != NULL &&
			    is_first_of_kind(r->out, pick, i))
				res = s->ops->validate(view, env, s->params, e);
			if (res != 0)
				err_prefix(e, "state %s: %s", s->h->decl->id,
				    proof ? "this would shut somebody out"
					  : "its checker refuses");
		}
	return res;
}

static int
staged_checks(struct running *r, const bool *pick, struct err *e)
{
	struct host *view;
	int res;

	if ((res = host_view_open(r->in->host, r->in->stage, &view, e)) != 0)
		return res;
	if ((res = each_change(r, pick, CHANGE_FILE, stage, view, e)) == 0)
		res = check(r, pick, view, e);
	host_close(view);
	return res;
}

static int
backup(struct running *r, const bool *pick, struct err *e)
{
	struct host *h = r->in->host;
	int res = 0;

	for (size_t i = 0; res == 0 && i < r->out->n; i++) {
		const struct run_state *st = &r->out->v[i];

		if (!pick[i])
			continue;
		if ((res = record_plan(&r->rec, r->run_dir, h, &st->plan, e)) ==
		    0)
			res = record_state(&r->rec, r->run_dir, h, st->s,
			    &st->plan, st->tell, e);
		if (res != 0)
			err_prefix(e, "state %s: back up", st->s->h->decl->id);
	}
	return res == 0 ? record_write(&r->rec, r->run_dir, e) : res;
}

/* The plan that was staged and checked is still the plan. */
static int
not_moved(struct running *r, const bool *pick, struct err *e)
{
	struct hash was, is;
	int res = 0;

	for (size_t i = 0; res == 0 && i < r->out->n; i++) {
		struct plan now = {0};

		if (!pick[i])
			continue;
		if ((res = run_look(r, i, &now, NULL, e)) == 0) {
			plan_hash(&r->out->v[i].plan, &was);
			plan_hash(&now, &is);
			if (!hash_equal(&was, &is))
				res = err_set(e, ERR_BUSY,
				    "state %s: the host has changed since it "
				    "was looked at",
				    r->out->v[i].s->h->decl->id);
		}
		plan_clear(&now);
	}
	return res;
}

static int
arm(struct running *r, const bool *pick, struct err *e)
{
	bool way_in = false;
	int res;

	for (size_t i = 0; i < r->out->n; i++)
		for (size_t k = 0; pick[i] && k < r->out->v[i].plan.n; k++)
			way_in = way_in ||
			    (r->out->v[i].plan.v[k].way_in &&
				!r->out->v[i].plan.v[k].takes_away);
	if (!way_in || r->rec.way_in)
		return 0;
	r->rec.way_in = true;
	if ((res = record_write(&r->rec, r->run_dir, e)) != 0)
		return res;
	return r->in->arm != NULL
	    ? r->in->arm(r->in->ctx, r->rec.number, e)
	    : err_set(e, ERR_DENIED,
		  "this would touch a way in, and nothing would undo it");
}

static int
put(struct running *r, const struct run_state *st, const struct change *c,
    void *arg, struct err *e)
{
	const struct host_file f = {
	    .data = slice_of(c->data, c->n),
	    .mode = c->mode,
	    .uid = c->uid,
	    .gid = c->gid,
	};

	(void)st;
	(void)arg;
	return c->absent ? 0 : host_put(r->in->host, c->path, &f, e);
}

static int
commit(struct running *r, const struct run_state *st, const struct change *c,
    void *arg, struct err *e)
{
	(void)st;
	(void)arg;
	return c->absent ? host_unlink(r->in->host, c->path, e)
			 : host_commit(r->in->host, c->path, e);
}

/* All files are on the disk before one of them is live. */
static int
write_files(struct running *r, const bool *pick, struct err *e)
{
	int res = 0;

	for (size_t i = 0; res == 0 && i < r->rec.dirs.n; i++)
		if ((res = host_mkdir(r->in->host, r->rec.dirs.v[i], e)) ==
		    ERR_EXISTS)
			res = 0;
	if (res == 0 &&
	    (res = each_change(r, pick, CHANGE_FILE, put, NULL, e)) == 0)
		res = each_change(r, pick, CHANGE_FILE, commit, NULL, e);
	return res;
}

/* What is not in files, then the service, state by state. */
static int
make_live(struct running *r, size_t i, struct err *e)
{
	const struct run_state *st = &r->out->v[i];
	const struct state *s = st->s;
	struct host *h = r->in->host;
	bool files = st->tell;
	int res = 0;

	for (size_t k = 0; res == 0 && k < st->plan.n; k++) {
		const struct change *c = &st->plan.v[k];

		files = files || c->kind == CHANGE_FILE;
		if (c->kind != CHANGE_LIVE)
			continue;
		res = s->ops->apply != NULL
		    ? s->ops->apply(h, r->in->env, s->params, c, e)
		    : err_set(e, ERR_USAGE, "cannot do '%s'", c->what);
		if (res != 0)
			err_prefix(e, "%s", c->what);
	}
	if (res == 0 && files && s->ops->activate != NULL)
		res = s->ops->activate(h, r->in->env, s->params, e);
	if (res != 0)
		err_prefix(e, "state %s", s->h->decl->id);
	return res;
}

int
run_holds(struct running *r, size_t i, struct err *e)
{
	struct run_state *st = &r->out->v[i];
	const char *id = st->s->h->decl->id;
	struct str sign = STR_INIT;
	struct plan left = {0};
	struct hash want, signs;
	int res;

	if ((res = run_look(r, i, &left, &sign, e)) != 0) {
		err_prefix(e, "state %s: look at it again", id);
	} else if (left.n > 0 || left.verdict == PLAN_IMPOSSIBLE) {
		res = err_set(e, ERR_DENIED,
		    "state %s does not hold after it was applied: %s", id,
		    left.n > 0              ? left.v[0].what
			: left.note != NULL ? left.note
					    : "impossible");
	} else {
		verified_want(st->s, r->in->env, &want);
		hash_sha256(sign.p, sign.n, &signs);
		if (verified_set(&r->known, id, &want,
			sign.n > 0 ? &signs : NULL) != 0)
			res = err_nomem(e);
		strs_clear(&st->plan.proofs);
		st->plan.proofs = left.proofs;
		left.proofs = (struct strs){0};
	}
	plan_clear(&left);
	str_clear(&sign);
	return res;
}

static int
forget_known(struct running *r, const bool *pick, struct err *e)
{
	int res = 0;

	for (size_t i = 0; res == 0 && i < r->out->n; i++)
		if (pick[i] &&
		    verified_set(&r->known, r->out->v[i].s->h->decl->id, NULL,
			NULL) != 0)
			res = err_nomem(e);
	return res;
}

int
run_apply(struct running *r, const bool *pick, struct err *e)
{
	int res;

	if ((res = each_change(r, pick, CHANGE_FILE, can_write, NULL, e)) !=
		0 ||
	    (res = staged_checks(r, pick, e)) != 0 ||
	    (res = backup(r, pick, e)) != 0 ||
	    (res = not_moved(r, pick, e)) != 0)
		return res;
	if (!r->wrote_status) {
		if ((res = run_status_write(r->run_dir, STANDS_WRITING,
			 host_now(r->in->host), NULL, e)) != 0)
			return res;
		r->wrote_status = true;
	}
	if ((res = arm(r, pick, e)) != 0)
		return res;
	r->live = true;
	if ((res = forget_known(r, pick, e)) != 0 ||
	    (res = write_files(r, pick, e)) != 0)
		return res;
	for (size_t i = 0; i < r->out->n; i++)
		if (pick[i] && (res = make_live(r, i, e)) != 0)
			return res;
	for (size_t i = 0; i < r->out->n; i++)
		if (pick[i] && (res = run_holds(r, i, e)) != 0)
			return res;
	for (size_t i = 0; i < r->out->n; i++)
		if (pick[i] && r->out->v[i].plan.n > 0)
			r->out->v[i].result = RESULT_CHANGED;
	return 0;
}
