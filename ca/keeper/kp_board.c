/* SPDX-License-Identifier: ISC */
/*
 * Requests at hand: those that wait, and those that a job is about.
 *
 * An asked is found by its hash and lives while it waits or a job borrows it.
 * Only the loop makes, changes and frees one; the committer reads its statement
 * meanwhile.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"

static size_t
bucket_of(const struct hash *h)
{
	return ((size_t)h->b[0] << 8 | h->b[1]) % KP_BUCKETS;
}

static struct asked *
find(struct kp *k, const struct hash *h, enum statement_type type)
{
	struct asked *a = k->bucket[bucket_of(h)];

	while (a != NULL && (a->s.type != type || !hash_equal(&a->s.hash, h)))
		a = a->bucket;
	return a;
}

struct asked *
kp_asked_find(struct kp *k, const struct hash *h)
{
	return find(k, h, ST_REQUEST);
}

struct asked *
kp_renewal_find(struct kp *k, const struct hash *h)
{
	return find(k, h, ST_RENEW);
}

int
kp_asked_new(struct kp *k, struct statement *s, struct asked **out,
    struct err *e)
{
	struct asked *a;
	size_t b;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return err_nomem(e);
	a->s = *s;
	statement_init(s, ST_REQUEST);
	b = bucket_of(&a->s.hash);
	a->bucket = k->bucket[b];
	k->bucket[b] = a;
	*out = a;
	return 0;
}

static void
clear_terms(struct asked *a)
{
	for (size_t i = 0; i < a->n_terms; i++)
		free(a->terms[i].group);
	a->n_terms = 0;
}

static void
asked_free(struct kp *k, struct asked *a)
{
	struct asked **p = &k->bucket[bucket_of(&a->s.hash)];

	while (*p != a)
		p = &(*p)->bucket;
	*p = a->bucket;
	clear_terms(a);
	outcome_clear(&a->shown);
	strs_clear(&a->decided);
	strs_clear(&a->counted);
	statement_clear(&a->s);
	free(a);
}

void
kp_asked_pin(struct asked *a)
{
	a->pins++;
}

void
kp_asked_unpin(struct kp *k, struct asked *a)
{
	if (a->pins > 0)
		a->pins--;
	if (a->pins == 0 && !a->waits)
		asked_free(k, a);
}

void
kp_asked_board(struct kp *k, struct asked *a, bool waits)
{
	if (a->waits == waits)
		return;
	a->waits = waits;
	k->board_changed = true;
	if (waits) {
		TAILQ_INSERT_TAIL(&k->board, a, link);
		k->n_board++;
		return;
	}
	TAILQ_REMOVE(&k->board, a, link);
	k->n_board--;
	if (a->pins == 0)
		asked_free(k, a);
}

/* Without memory for it: as if every decision did. */
static void
keep_counted(struct asked *a, const struct strs *approvers)
{
	strs_clear(&a->counted);
	a->judged = true;
	for (size_t i = 0; i < approvers->n; i++)
		if (strs_add(&a->counted, approvers->v[i]) != 0)
			a->judged = false;
}

void
kp_asked_update(struct asked *a, struct kp_job *j)
{
	if (j->r == ERR_WAIT)
		keep_counted(a, &j->result.approvers);
	clear_terms(a);
	memcpy(a->terms, j->terms, sizeof(a->terms));
	a->n_terms = j->n_terms;
	j->n_terms = 0;
	a->break_glass = j->break_glass;
	if (j->result.shown.principals.n > 0) {
		outcome_clear(&a->shown);
		a->shown = j->result.shown;
		memset(&j->result.shown, 0, sizeof(j->result.shown));
		a->has_shown = true;
	}
	a->retry = j->r != 0 && j->r != ERR_WAIT && j->r != ERR_DENIED;
}

void
kp_asked_free_all(struct kp *k)
{
	for (size_t i = 0; i < KP_BUCKETS; i++)
		while (k->bucket[i] != NULL)
			asked_free(k, k->bucket[i]);
	TAILQ_INIT(&k->board);
	k->n_board = 0;
}

/* --- who ------------------------------------------------------------------ */

static bool
standing_good(const struct kp *k, const char *person)
{
	return !standing_person_revoked(k->standing, person);
}

bool
kp_may_decide(const struct kp *k, const char *person, const char *grant,
    const char *requester)
{
	const struct policy *p = k->view->trust.policy;
	const struct person *who = policy_person(p, person);
	const struct grant *g = policy_grant(p, grant);

	if (who == NULL || g == NULL || strcmp(person, requester) == 0 ||
	    !standing_good(k, person))
		return false;
	for (size_t i = 0; i < g->n_approve; i++)
		if (person_in_group(who, g->approve[i].group))
			return true;
	return false;
}

bool
kp_may_see(const struct kp *k, const struct kp_call *c, const char *grant,
    const char *requester)
{
	const struct person *who;

	if (c->control || strcmp(c->person, requester) == 0)
		return true;
	who = policy_person(k->view->trust.policy, c->person);
	if (who != NULL && who->officer && standing_good(k, c->person))
		return true;
	return kp_may_decide(k, c->person, grant, requester);
}

/* One that was passed over keeps nobody from looking again. */
bool
kp_has_decided(const struct asked *a, const char *person)
{
	return strs_has(&a->decided, person) &&
	    (!a->judged || strs_has(&a->counted, person));
}

/* --- to the committer ----------------------------------------------------- */

static int
retry_one(struct kp *k, struct asked *a, struct err *e)
{
	struct kp_job *j;
	int r;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return err_nomem(e);
	issue_result_init(&j->result);
	j->kind = JOB_ISSUE;
	j->asked = a;
	kp_asked_pin(a);
	a->retry = false;
	/* There is room for those that were taken once. */
	if ((r = committer_put(k->committer, j, true, e)) != 0) {
		kp_asked_unpin(k, a);
		kp_job_free(j);
	}
	return r;
}

int
kp_board_retry(struct kp *k, bool all, struct err *e)
{
	struct asked *a;
	int r;

	TAILQ_FOREACH (a, &k->board, link)
		if ((all || a->retry) && a->pins == 0 &&
		    (r = retry_one(k, a, e)) != 0)
			return r;
	return 0;
}

struct loading {
	struct kp *k;
	struct err *e;
	bool waits;
};

static int
load_one(void *ctx, const struct request_row *row)
{
	struct loading *l = ctx;
	struct statement s;
	struct asked *a = NULL;
	int r;

	if (l->waits && row->state != REQUEST_WAITING)
		return 0; /* ended meanwhile: the sweep says so */
	statement_init(&s, ST_REQUEST);
	if ((r = statement_parse("request",
		 slice_of(row->statement, row->statement_len), &s, l->e)) != 0)
		return r;
	if ((r = kp_asked_new(l->k, &s, &a, l->e)) != 0) {
		statement_clear(&s);
		return r;
	}
	a->in_rows = a->loaded = true;
	a->ends = row->ends;
	kp_asked_board(l->k, a, true);
	return 0;
}

static int
add_decider(void *ctx, const struct decision_row *d)
{
	struct asked *a = ctx;

	return strs_add(&a->decided, d->person);
}

int
kp_asked_deciders(struct kp *k, struct asked *a, struct err *e)
{
	strs_clear(&a->decided);
	return requests_decisions(k->rows, &a->s.hash, add_decider, a, e);
}

int
kp_board_load(struct kp *k, struct err *e)
{
	struct loading l = {.k = k, .e = e, .waits = true};
	struct asked *a;
	int r;

	if ((r = requests_waiting(k->rows, k->now, load_one, &l, e)) != 0)
		return r;
	l.waits = false;
	if ((r = requests_unsigned(k->rows, k->now, load_one, &l, e)) != 0)
		return r;
	TAILQ_FOREACH (a, &k->board, link)
		if ((r = kp_asked_deciders(k, a, e)) != 0)
			return r;
	return kp_board_retry(k, true, e);
}

/* --- time ----------------------------------------------------------------- */

static int
end_one(struct kp *k, const struct hash *h, struct err *e)
{
	int r = requests_close_one(k->rows, h, REQUEST_ENDED,
	    "nobody decided on it in time", e);

	if (r == 0) {
		k->totals.ended++;
		kp_tell_waiting(k, h);
	}
	return r;
}

int
kp_board_sweep(struct kp *k, struct err *e)
{
	struct hash v[64];
	size_t n = 0;
	int r;

	r = requests_overdue(k->rows, k->now, v, sizeof(v) / sizeof(v[0]), &n,
	    e);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct asked *a = kp_asked_find(k, &v[i]);

		/* What is on its way comes back first. */
		if (a != NULL && a->pins > 0)
			continue;
		if ((r = end_one(k, &v[i], e)) == 0 && a != NULL)
			kp_asked_board(k, a, false);
	}
	return r;
}
