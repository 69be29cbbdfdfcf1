/* SPDX-License-Identifier: ISC */
/* The first half of a run: what would change, and why not. */
#include <stdlib.h>

#include "agent/states/diff.h"
#include "agent/states/run_impl.h"

bool
run_has_changes(const struct run_state *s)
{
	return s->result == RESULT_WOULD || s->result == RESULT_CHANGED;
}

static int PRINTF_LIKE(3, 4)
    say(struct run_state *s, enum run_result result, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = str_vset(&s->note, fmt, ap);
	va_end(ap);
	if (r == 0)
		s->result = result;
	return r;
}

static bool
has_failed(const struct run_state *s)
{
	return s->result == RESULT_SKIPPED || s->result == RESULT_FOUGHT ||
	    s->result == RESULT_FAILED;
}

int
run_look(struct running *r, size_t i, struct plan *plan, struct str *sign,
    struct err *e)
{
	const struct state *s = r->out->v[i].s;
	const struct state_env *env = r->in->env;
	void *observed;
	int res = 0;

	observed =
	    calloc(1, s->ops->observed_size > 0 ? s->ops->observed_size : 1);
	if (observed == NULL)
		return err_nomem(e);
	/* Signs first: what changes meanwhile is then seen the next time. */
	if (sign != NULL && s->ops->fingerprint != NULL)
		res = s->ops->fingerprint(r->in->host, env, s->params, sign, e);
	if (res == 0 &&
	    (res = s->ops->observe(r->in->host, env, s->params, observed, e)) ==
		0)
		res = s->ops->plan(env, s->params, observed, plan, e);
	if (res == 0 && sign != NULL && str_check(sign) != 0)
		res = err_nomem(e);
	if (s->ops->observed_clear != NULL)
		s->ops->observed_clear(observed);
	free(observed);
	return res;
}

/* By its signs alone: 1 when they are those with which it was seen to hold. */
static int
is_known(struct running *r, size_t i, struct err *e)
{
	const struct state *s = r->out->v[i].s;
	struct str sign = STR_INIT;
	struct hash want, signs;
	int res;

	if ((r->in->flags & RUN_FULL) != 0 || s->ops->fingerprint == NULL)
		return 0;
	res = s->ops->fingerprint(r->in->host, r->in->env, s->params, &sign, e);
	if (res == 0 && str_check(&sign) != 0)
		res = err_nomem(e);
	if (res == 0) {
		verified_want(s, r->in->env, &want);
		hash_sha256(sign.p, sign.n, &signs);
		res = verified_has(&r->known, s->h->decl->id, &want, &signs);
	}
	str_clear(&sign);
	return res;
}

/* sign NULL or empty: nothing is known of it. */
static int
remember(struct running *r, size_t i, const struct str *sign)
{
	const struct state *s = r->out->v[i].s;
	struct hash want, signs;

	verified_want(s, r->in->env, &want);
	if (sign != NULL && sign->n > 0)
		hash_sha256(sign->p, sign->n, &signs);
	return verified_set(&r->known, s->h->decl->id, &want,
	    sign != NULL && sign->n > 0 ? &signs : NULL);
}

/* Does a state that i requires, however far, still have to change? */
static bool
waits_for(const struct run_out *out, size_t i, size_t *whom)
{
	const struct hstate *h = out->v[i].s->h;

	for (size_t k = 0; k < h->n_require + h->n_watch; k++) {
		size_t j = k < h->n_require ? h->require[k]
					    : h->watch[k - h->n_require];

		*whom = j;
		if (out->v[j].result == RESULT_WOULD || waits_for(out, j, whom))
			return true;
	}
	return false;
}

static int
plan_failed(struct running *r, size_t i, const char *why)
{
	struct run_state *st = &r->out->v[i];
	size_t whom;

	plan_clear(&st->plan);
	if (!waits_for(r->out, i, &whom))
		return say(st, RESULT_FAILED, "%s", why);
	st->after = true;
	return say(st, RESULT_WOULD, "to be seen when %s has changed: %s",
	    r->out->v[whom].s->h->decl->id, why);
}

static int
plan_changes(struct running *r, size_t i, struct err *e)
{
	struct run_state *st = &r->out->v[i];
	const char *id = st->s->h->decl->id;
	struct hash name;
	unsigned n;
	int res;

	if ((r->in->flags & RUN_AGAIN) == 0) {
		plan_hash(&st->plan, &name);
		if ((res = history_count(r->in->dir, id, &name,
			 host_now(r->in->host), &n, e)) != 0)
			return res;
		if (n >= FOUGHT_TIMES)
			return say(st, RESULT_FOUGHT,
			    "fought over: changed like this %u times within "
			    "%d minutes, and changed back by somebody",
			    n, FOUGHT_SECS / 60);
	}
	st->result = RESULT_WOULD;
	return st->plan.note != NULL
	    ? say(st, RESULT_WOULD, "%s", st->plan.note)
	    : 0;
}

/* What a plan without a failure of the host says. */
static int
plan_verdict(struct running *r, size_t i, const struct str *sign, struct err *e)
{
	struct run_state *st = &r->out->v[i];

	if (st->plan.verdict == PLAN_IMPOSSIBLE) {
		char *note = st->plan.note;
		int res;

		st->plan.note = NULL;
		res = plan_failed(r, i, note != NULL ? note : "impossible");
		free(note);
		return res != 0 ? err_nomem(e) : 0;
	}
	if (st->plan.n > 0)
		return plan_changes(r, i, e);
	if (st->plan.verdict == PLAN_NOT_APPLICABLE)
		return say(st, RESULT_NOT_APPLICABLE, "%s",
			   st->plan.note != NULL ? st->plan.note : "") != 0
		    ? err_nomem(e)
		    : 0;
	st->result = RESULT_OK;
	return remember(r, i, sign) != 0 ? err_nomem(e) : 0;
}

static int
plan_seen(struct running *r, size_t i, struct err *e)
{
	struct str sign = STR_INIT;
	struct err why = {0};
	int res;

	plan_clear(&r->out->v[i].plan);
	res = run_look(r, i, &r->out->v[i].plan, &sign, &why);
	if (res == 0)
		res = plan_verdict(r, i, &sign, e);
	else if (res == ERR_NOMEM || plan_failed(r, i, why.msg) != 0)
		res = err_nomem(e);
	else
		res = 0;
	str_clear(&sign);
	return res;
}

/* Requisites: 0 to go on, 1 when the result stands already. */
static int
requisites(struct running *r, size_t i)
{
	struct run_state *st = &r->out->v[i];
	const struct hstate *h = st->s->h;
	bool changed = h->n_onchanges == 0;
	int res;

	for (size_t k = 0; k < h->n_require + h->n_watch; k++) {
		size_t j = k < h->n_require ? h->require[k]
					    : h->watch[k - h->n_require];

		if (has_failed(&r->out->v[j])) {
			res = say(st, RESULT_SKIPPED, "requires %s, which %s",
			    r->out->v[j].s->h->decl->id,
			    r->out->v[j].result == RESULT_SKIPPED
				? "was skipped"
				: "failed");
			return res != 0 ? res : 1;
		}
		if (k >= h->n_require && run_has_changes(&r->out->v[j]))
			st->tell = true;
	}
	for (size_t k = 0; k < h->n_onchanges; k++)
		changed =
		    changed || run_has_changes(&r->out->v[h->onchanges[k]]);
	if (changed)
		return 0;
	st->result = RESULT_OK;
	return 1;
}

static int
plan_one(struct running *r, size_t i, struct err *e)
{
	struct run_state *st = &r->out->v[i];
	const struct hstate *h = st->s->h;
	int res;

	free(st->note);
	st->note = NULL;
	st->known = st->tell = st->after = false;
	if (h->off) {
		st->result = RESULT_OFF;
		return 0;
	}
	if (h->excepted != NULL)
		return say(st, RESULT_EXCEPTED, "%s (%s)", h->excepted->reason,
		    h->excepted->owner);
	if ((res = requisites(r, i)) != 0)
		return res == 1 ? 0 : err_nomem(e);
	/* Signs that cannot be read are not the last word: observing is. */
	res = is_known(r, i, NULL);
	if (res == ERR_NOMEM)
		return err_nomem(e);
	if (res == 1) {
		plan_clear(&st->plan);
		st->known = true;
		st->result = RESULT_OK;
		return 0;
	}
	return plan_seen(r, i, e);
}

int
run_plan(struct running *r, const bool *pick, struct err *e)
{
	int res = 0;

	for (size_t i = 0; res == 0 && i < r->out->n; i++)
		if (pick == NULL || pick[i])
			res = plan_one(r, i, e);
	return res;
}

static int
diff_of(struct running *r, const struct change *c, struct str *out,
    struct err *e)
{
	char *old = NULL;
	size_t n = 0;
	int res;

	res = host_read(r->in->host, c->path, HOST_FILE_MAX, &old, &n, e);
	if (res != 0 && res != ERR_NOTFOUND)
		return res;
	res = diff_unified(c->path, slice_of(old, n),
	    slice_of(c->absent ? NULL : c->data, c->absent ? 0 : c->n), out);
	free(old);
	return res == 0 ? 0 : err_nomem(e);
}

/* A file that cannot be read has its reason for a diff. */
static int
diffs(struct running *r, struct run_state *st, struct err *e)
{
	struct str text = STR_INIT;
	struct err why = {0};
	int res = 0;

	for (size_t i = 0; res == 0 && i < st->plan.n; i++) {
		if (st->plan.v[i].kind != CHANGE_FILE)
			continue;
		res = diff_of(r, &st->plan.v[i], &text, &why);
		if (res != 0 && res != ERR_NOMEM) {
			str_addf(&text, "%s\n", why.msg);
			res = 0;
		}
	}
	free(st->diff);
	st->diff = NULL;
	if (res != 0 || str_check(&text) != 0)
		res = err_nomem(e);
	else if (text.n > 0 && str_take(&text, &st->diff) != 0)
		res = err_nomem(e);
	str_clear(&text);
	return res;
}

int
run_plan_name(const struct run_out *out, const bool *pick, struct hash *name)
{
	struct str all = STR_INIT;
	struct hash one;
	int r;

	for (size_t i = 0; i < out->n; i++) {
		if (out->v[i].plan.n == 0 || (pick != NULL && !pick[i]))
			continue;
		plan_hash(&out->v[i].plan, &one);
		str_addf(&all, "%s ", out->v[i].s->h->decl->id);
		str_add_hex(&all, one.b, HASH_LEN);
		str_addc(&all, '\n');
	}
	if ((r = str_check(&all)) == 0)
		hash_sha256(all.p, all.n, name);
	str_clear(&all);
	return r;
}

int
run_sum(struct running *r, struct err *e)
{
	struct run_out *out = r->out;
	int res = 0;

	out->n_changes = out->n_failed = 0;
	out->way_in = false;
	for (size_t i = 0; res == 0 && i < out->n; i++) {
		struct run_state *st = &out->v[i];

		out->n_failed += has_failed(st);
		if (!run_has_changes(st))
			continue;
		out->n_changes += st->plan.n;
		for (size_t k = 0; k < st->plan.n; k++)
			out->way_in = out->way_in ||
			    (st->plan.v[k].way_in && !st->plan.v[k].takes_away);
		if ((r->in->flags & RUN_DIFF) != 0)
			res = diffs(r, st, e);
	}
	if (res == 0 && run_plan_name(out, NULL, &out->plan) != 0)
		res = err_nomem(e);
	return res;
}
