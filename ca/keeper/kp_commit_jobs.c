/* SPDX-License-Identifier: ISC */
/*
 * What the committer does for the loop: a batch of requests into certificates,
 * an act into the log, a new policy, a revocation list.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/keeper/kp_commit_impl.h"
#include "lib/base/clock.h"

/* --- the revocation list -------------------------------------------------- */

void
kp_commit_krl(struct committer *c, struct kp_done *d, bool must)
{
	struct kp_krl *k = NULL;
	struct err e = {0};
	int r;

	r = kp_krl_last(c->local, &k, &e);
	if (r == 1 ||
	    (r == 0 && (must || k->next_update - clock_now() < KRL_BEFORE))) {
		kp_krl_free(k);
		k = NULL;
		if ((r = local_new_krl(c->local, NULL, &e)) == 0)
			r = kp_krl_last(c->local, &k, &e);
	}
	/* That there is none is an answer, whatever e holds. */
	if (r != 0) {
		if (r < 0)
			d->e = e;
		return;
	}
	kp_krl_free(d->krl);
	d->krl = k;
}

/* --- batches -------------------------------------------------------------- */

static int
release(void *ctx, size_t i, struct keeper_item *it, struct err *e)
{
	struct committer *c = ctx;
	struct slice blob = buf_slice(it->cert);
	int r;

	if ((r = buf_new(&c->of_item[i]->cert, CERT_MAX)) != 0 ||
	    (r = buf_put(c->of_item[i]->cert, blob.p, blob.n)) != 0)
		return err_set(e, r, "certificate: %s", err_text(r));
	return 0;
}

/* What borrows from the policy is copied: the loop has another one. */
static void
keep_result(struct kp_job *j, struct keeper_item *it)
{
	j->r = it->r;
	j->notes = it->notes;
	j->new_leaf = !it->again && it->leaf.tbs != NULL;
	memset(&it->notes, 0, sizeof(it->notes));
	/* Where the leaf was in the log before, no new one is. */
	if (!it->again) {
		j->leaf = it->leaf;
		j->leaf_index = it->index;
		memset(&it->leaf, 0, sizeof(it->leaf));
	}
	j->break_glass =
	    j->result.grant != NULL && j->result.grant->break_glass;
	for (size_t i = 0; i < j->result.n_terms; i++) {
		const struct issue_term *t = &j->result.terms[i];

		j->terms[i] =
		    (struct asked_term){str_dup(t->group), t->need, t->have};
		if (j->terms[i].group == NULL)
			break;
		j->n_terms++;
	}
	j->result.grant = NULL;
	j->result.requester = NULL;
	j->result.n_terms = 0;
}

static void
fill_items(struct committer *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct kp_job *j = c->of_item[i];

		keeper_item_init(&c->items[i]);
		c->items[i].request = &j->asked->s;
		j->e = (struct err){0};
		c->items[i].e = &j->e;
		issue_result_clear(&j->result);
		c->items[i].result = &j->result;
		if (j->statement != NULL) {
			c->items[i].given = &j->statement;
			c->items[i].n_given = 1;
		}
		buf_free(j->cert);
		j->cert = NULL;
	}
}

static void
clear_items(struct committer *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		keeper_item_clear(&c->items[i]);
}

static bool
stopping(struct committer *c)
{
	bool stop;

	(void)pthread_mutex_lock(&c->lock);
	stop = c->stop;
	(void)pthread_mutex_unlock(&c->lock);
	return stop;
}

/* While the signer starts anew, nobody's request need fail. */
static int
issue_patiently(struct committer *c, size_t n, struct err *e)
{
	int r = 0;

	for (int try = 0; try < TRIES; try++) {
		fill_items(c, n);
		memset(e, 0, sizeof(*e));
		r = local_issue(c->local, c->items, n, release, c, e);
		if (r != ERR_NET || stopping(c))
			break;
		clear_items(c, n);
		(void)usleep(TRY_MS * 1000);
	}
	return r;
}

static void
issue_batch(struct committer *c, struct kp_done *d)
{
	struct err e = {0};
	int64_t start = clock_mono_ms();
	struct kp_job *j;
	size_t n = 0;
	int r;

	STAILQ_FOREACH (j, &d->jobs, link)
		c->of_item[n++] = j;
	d->n_items = n;
	r = issue_patiently(c, n, &e);
	for (size_t i = 0; i < n; i++) {
		keep_result(c->of_item[i], &c->items[i]);
		/* Of a batch that failed, what is out is out. */
		if (r != 0 && c->of_item[i]->cert == NULL) {
			c->of_item[i]->r = r;
			c->of_item[i]->e = e;
		}
	}
	clear_items(c, n);
	kp_outs_note(&c->outs, d);
	if (r != 0) {
		d->e = e;
		c->broken = r == ERR_RECORD || r == ERR_CORRUPT;
		c->why = e;
	}
	d->secs = (double)(clock_mono_ms() - start) / 1000;
}

static void
add_standing(struct committer *c, struct kp_done *d)
{
	if (standing_dup(keeper_standing(c->local->keeper), &d->standing) != 0)
		(void)err_nomem(&d->e);
}

static void
apply_one(struct committer *c, struct kp_done *d)
{
	struct kp_job *j = STAILQ_FIRST(&d->jobs);
	struct statement *given = j->statement;
	struct err e = {0};

	kp_commit_settle(c);
	if (j->on != NULL)
		j->r = local_apply(c->local, j->on, &given, 1, &j->e);
	else
		j->r = local_apply(c->local, j->statement, &j->given,
		    j->given != NULL ? 1 : 0, &j->e);
	if (j->r != 0 && j->r != ERR_WAIT && j->r != ERR_EXISTS &&
	    j->r != ERR_DENIED && j->r != ERR_BADSIG) {
		d->e = j->e;
		c->broken = j->r == ERR_RECORD || j->r == ERR_CORRUPT;
		c->why = j->e;
		return;
	}
	add_standing(c, d);
	if (j->r == 0 && j->statement->type == ST_REVOKE) {
		kp_commit_krl(c, d, true);
		/* It is revoked; hosts hear of it with the next list. */
		if (d->e.code != 0) {
			e = d->e;
			err_prefix(&e, "revoked, and the list follows");
			(void)!strs_add(&j->notes, e.msg);
			c->next_krl = 0;
		}
	}
}

static void
reload_one(struct committer *c, struct kp_done *d)
{
	struct kp_job *j = STAILQ_FIRST(&d->jobs);
	int r;

	kp_commit_settle(c);
	if ((r = local_reload(c->local, j->chain, &j->e)) >= 0)
		r = kp_view_new(c->c.local.dir, &d->view, &j->e);
	j->r = r < 0 ? r : 0;
	if (j->r == 0)
		add_standing(c, d);
}

/* --- one kind or another -------------------------------------------------- */

static void
fail_jobs(struct committer *c, struct kp_done *d)
{
	struct kp_job *j;

	STAILQ_FOREACH (j, &d->jobs, link) {
		j->e = c->why;
		err_prefix(&j->e, "the log cannot be written now");
		j->e.code = ERR_RECORD;
		j->r = ERR_RECORD;
	}
	d->e = c->why;
}

void
kp_commit_work(struct committer *c, struct kp_done *d)
{
	struct kp_job *first = STAILQ_FIRST(&d->jobs);

	if (!kp_commit_usable(c)) {
		fail_jobs(c, d);
		return;
	}
	if (first->kind == JOB_ISSUE)
		issue_batch(c, d);
	else if (first->kind == JOB_APPLY)
		apply_one(c, d);
	else
		reload_one(c, d);
}
