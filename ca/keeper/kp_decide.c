/* SPDX-License-Identifier: ISC */
/*
 * A decision that was submitted: on which of the requests and keys that it names
 * its author can decide, and what the batches made of it.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/base/clock.h"

static int
note(struct kp_part *p, const char *text, struct err *e)
{
	return strs_add(&p->notes, text) != 0 ? err_nomem(e) : 0;
}

/* Why can there be no decision on what is not on the board any more? */
void
kp_past_deciding(const struct request_row *row, struct err *why)
{
	char id[KP_SHORT_ID], until[CLOCK_TEXT];

	kp_short_id(&row->hash, id);
	switch (row->state) {
	case REQUEST_ISSUED:
		clock_format(row->valid_before, until);
		(void)err_set(why, ERR_EXISTS,
		    "request %s is decided: its certificate was issued, until "
		    "%s",
		    id, until);
		err_hint(why, "what was issued can be revoked: serial %llu",
		    (unsigned long long)row->serial);
		break;
	case REQUEST_ENDED:
		(void)err_set(why, ERR_EXPIRED, "request %s has ended: %s", id,
		    row->why[0] != '\0' ? row->why
					: "nobody decided on it in time");
		err_hint(why, "%s has to ask again", row->person);
		break;
	case REQUEST_DENIED:
	case REQUEST_REFUSED:
		(void)err_set(why, ERR_EXISTS, "request %s is decided: %s", id,
		    row->why);
		break;
	case REQUEST_WAITING:
		(void)err_set(why, ERR_BUSY,
		    "request %s is being looked at, send the same once more",
		    id);
		break;
	}
}

/* Those that do not count are leaves too, of which a request may have so many
 * and no more (ISSUE_DECISIONS_MAX): nobody fills that up alone. */
#define DECISIONS_EACH 8

static bool
is_at_his_last(const struct asked *a, const char *person)
{
	size_t n = 0;

	for (size_t i = 0; i < a->decided.n; i++)
		n += strcmp(a->decided.v[i], person) == 0;
	return n >= DECISIONS_EACH;
}

/* 0: he can decide on it. */
static int
check_decider(struct kp *k, const struct kp_part *p, const struct asked *a,
    struct err *why)
{
	char id[KP_SHORT_ID];

	kp_short_id(&a->s.hash, id);
	if (strcmp(a->s.by, p->s.by) == 0)
		return err_set(why, ERR_DENIED,
		    "request %s is your own: others decide on it", id);
	if (kp_has_decided(a, p->s.by))
		return err_set(why, ERR_EXISTS,
		    "you have decided on request %s before: the first decision "
		    "counts",
		    id);
	if (is_at_his_last(a, p->s.by))
		return err_set(why, ERR_LIMIT,
		    "you have decided on request %s %d times, and no more is "
		    "taken",
		    id, DECISIONS_EACH);
	if (!kp_may_decide(k, p->s.by, a->s.u.r.grant, a->s.by))
		return err_set(why, ERR_DENIED,
		    "you are in no group that decides about grant '%s' "
		    "(request %s)",
		    a->s.u.r.grant, id);
	return 0;
}

static int
decide_one(struct kp *k, struct kp_part *p, const struct hash *h,
    struct err *why, struct err *e)
{
	struct asked *a = kp_asked_find(k, h);
	struct request_row row;
	char id[KP_SHORT_ID];
	int r;

	kp_short_id(h, id);
	if (a == NULL || (a->in_rows && !a->waits)) {
		if ((r = requests_get(k->rows, h, k->now, &row, e)) < 0)
			return r;
		if (r == 1) {
			(void)err_set(why, ERR_NOTFOUND, "no request %s", id);
			return 0;
		}
		kp_past_deciding(&row, why);
		request_row_clear(&row);
		return kp_part_covers(p, h) != 0 ? err_nomem(e) : 0;
	}
	if (kp_part_covers(p, h) != 0)
		return err_nomem(e);
	if (check_decider(k, p, a, why) != 0)
		return 0;
	return kp_put_job(k, p, JOB_ISSUE, a, &p->s, NULL, e);
}

static int
decide_key(struct kp *k, struct kp_part *p, const struct hash *h,
    struct err *why, struct err *e)
{
	const struct person *who =
	    policy_person(k->view->trust.policy, p->s.by);
	struct kp_job *j = NULL;
	char *text = NULL, id[KP_SHORT_ID];
	size_t n = 0;
	int r;

	kp_short_id(h, id);
	/* Whoever is known is written down, whether it counts or not. */
	if (who == NULL || !who->officer) {
		(void)err_set(why, ERR_DENIED,
		    "officers alone decide on keys (key statement %s)", id);
		return 0;
	}
	if ((r = requests_act(k->rows, h, &text, &n, e)) != 0) {
		if (r == 1)
			(void)err_set(why, ERR_NOTFOUND, "no key statement %s",
			    id);
		return r < 0 ? r : 0;
	}
	if ((r = kp_job_new(p, JOB_APPLY, NULL, &j, e)) != 0)
		goto out;
	if ((j->on = calloc(1, sizeof(*j->on))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	statement_init(j->on, ST_KEY);
	j->statement = &p->s;
	if ((r = statement_parse("key", slice_of(text, n), j->on, e)) != 0)
		goto out;
	if (j->on->type != ST_KEY) {
		(void)err_set(why, ERR_NOTFOUND, "no key statement %s", id);
	} else {
		r = kp_job_put(k, p, j, e);
		j = NULL;
	}
out:
	kp_job_free(j);
	free(text);
	return r;
}

/* What cannot be decided is named, and keeps the rest from nothing; where
 * nothing is left, it is the answer. */
static int
gather_why(struct kp_part *p, struct err *why, struct err *first, struct err *e)
{
	int r = 0;

	if (why->code == 0)
		return 0;
	if (first->code == 0)
		*first = *why;
	r = note(p, why->msg, e);
	memset(why, 0, sizeof(*why));
	return r;
}

int
kp_take_decision(struct kp *k, struct kp_part *p, struct err *e)
{
	const struct decision *d = &p->s.u.d;
	struct err why = {0}, first = {0};
	bool known = false;
	int r = 0;

	if ((r = requests_has_decision(k->rows, &p->s.hash, &known, e)) != 0)
		return r;
	for (size_t i = 0; i < d->n_outcomes; i++)
		for (size_t j = 0; j < d->outcomes[i].n_requests; j++) {
			const struct hash *h = &d->outcomes[i].requests[j];

			if (known) {
				if (kp_part_covers(p, h) != 0)
					return err_nomem(e);
				continue;
			}
			if ((r = decide_one(k, p, h, &why, e)) != 0 ||
			    (r = gather_why(p, &why, &first, e)) != 0)
				return r;
		}
	for (size_t i = 0; i < d->n_keys && !known; i++)
		if ((r = decide_key(k, p, &d->keys[i], &why, e)) != 0 ||
		    (r = gather_why(p, &why, &first, e)) != 0)
			return r;
	if (p->open_jobs == 0 && first.code != 0) {
		/* The first is the sentence; the others stay notes. */
		free(p->notes.v[0]);
		memmove(p->notes.v, p->notes.v + 1,
		    (p->notes.n - 1) * sizeof(p->notes.v[0]));
		p->notes.n--;
		*e = first;
		return first.code;
	}
	return 0;
}

/* --- what became of it ---------------------------------------------------- */

void
kp_decision_done(struct kp_part *p, struct kp_job *j)
{
	bool denied = j->r == ERR_DENIED && j->result.rule != NULL &&
	    strcmp(j->result.rule, "denied") == 0;

	if ((j->r == 0 || j->r == ERR_WAIT) &&
	    strs_has(&j->result.approvers, p->s.by)) {
		p->counted++;
		return;
	}
	if (denied && !p->s.u.d.approve) {
		p->counted++;
		return;
	}
	if (j->r == 0 && j->notes.n == 0)
		j->r = err_set(&j->e, ERR_EXISTS,
		    "it was decided already, and the certificate is issued");
	else if ((j->r == 0 || j->r == ERR_WAIT) && j->notes.n > 0)
		j->r = err_set(&j->e, ERR_DENIED, "does not count: %s",
		    j->notes.v[j->notes.n - 1]);
	else if (j->r == ERR_WAIT)
		j->r = err_set(&j->e, ERR_DENIED, "does not count");
	kp_part_fail(p, j);
}
