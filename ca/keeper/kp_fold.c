/* SPDX-License-Identifier: ISC */
/*
 * What the committer says, taken in: what is in force, leaves into the store,
 * then what that changes for the board, for those who wait and for those who
 * are to be told; then the answers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/proc/plog.h"

/* --- during the fold ------------------------------------------------------ */

void
kp_changed(void *ctx, const struct hash *request, enum request_change what)
{
	struct kp *k = ctx;

	if (vec_grow(&k->changes, k->n_changes, &k->cap_changes,
		SIZE_MAX / 64) != 0) {
		k->r = err_nomem(&k->e);
		return;
	}
	k->changes[k->n_changes++] = (struct kp_change){*request, what};
}

int
kp_policy_of(void *ctx, const struct hash *h, const struct policy **out,
    struct err *e)
{
	struct kp *k = ctx;
	int r;

	if (hash_equal(h, &k->view->trust.policy->hash)) {
		*out = k->view->trust.policy;
		return 0;
	}
	if (k->policy_then == NULL || !hash_equal(h, &k->policy_then->hash)) {
		policy_free(k->policy_then);
		k->policy_then = NULL;
		if ((r = bundles_load_policy(k->dir, h, &k->policy_then, e)) !=
		    0)
			return r;
	}
	*out = k->policy_then;
	return 0;
}

static bool
has_news(const struct kp_done *d)
{
	const struct kp_job *j;

	if (d->n_leaves > 0)
		return true;
	STAILQ_FOREACH (j, &d->jobs, link)
		if (j->cert != NULL)
			return true;
	return false;
}

static int
fold(struct kp *k, struct kp_done *d, struct err *e)
{
	struct kp_job *j;
	int r;

	if (!has_news(d))
		return 0;
	if ((r = requests_flush_full(k->rows, e)) != 0)
		return r;
	for (size_t i = 0; i < d->n_leaves && r == 0; i++)
		if (d->leaves[i].index >= requests_applied(k->rows))
			r = requests_apply(k->rows, d->leaves[i].index,
			    &d->leaves[i].leaf, e);
	STAILQ_FOREACH (j, &d->jobs, link)
		if (r == 0 && j->cert != NULL)
			r = requests_set_certificate(k->rows, &j->asked->s.hash,
			    buf_slice(j->cert), e);
	return r;
}

/* --- what it changes ------------------------------------------------------ */

static void
log_change(const struct request_row *row, enum request_change what)
{
	static const char *const words[] = {
	    [CHANGE_NEW] = "submitted",
	    [CHANGE_DECIDED] = "approved",
	    [CHANGE_ISSUED] = "issued",
	    [CHANGE_DENIED] = "denied",
	    [CHANGE_ENDED] = "ended",
	    [CHANGE_REVOKED] = "revoked",
	};
	char hex[HASH_HEX], serial[24];

	hash_hex(&row->hash, hex);
	snprintf(serial, sizeof(serial), "%llu",
	    (unsigned long long)row->serial);
	plog(PLOG_INFO, words[what], "id", hex, "person", row->person, "grant",
	    row->grant, "serial", serial, NULL);
}

static void
count_change(struct kp *k, enum request_change what)
{
	uint64_t *const counters[] = {
	    [CHANGE_NEW] = &k->totals.submitted,
	    [CHANGE_DECIDED] = &k->totals.decided,
	    [CHANGE_ISSUED] = &k->totals.issued,
	    [CHANGE_DENIED] = &k->totals.denied,
	    [CHANGE_ENDED] = &k->totals.ended,
	    [CHANGE_REVOKED] = &k->totals.revoked,
	};

	++*counters[what];
}

static int
take_change(struct kp *k, const struct kp_change *c, struct err *e)
{
	struct asked *a = kp_asked_find(k, &c->hash);
	struct request_row row;
	int r;

	if ((r = requests_lend(k->rows, &c->hash, k->now, &row, e)) != 0)
		return r < 0 ? r : 0;
	log_change(&row, c->what);
	count_change(k, c->what);
	if (a != NULL) {
		a->in_rows = true;
		a->ends = row.ends;
	}
	if (a != NULL && c->what == CHANGE_DECIDED) {
		r = kp_asked_deciders(k, a, e);
		k->board_changed = true;
	}
	/* One that waited for somebody hears of the end. */
	if (c->what == CHANGE_ISSUED && a != NULL && a->break_glass)
		kp_notice_break_glass(k, a);
	if (c->what == CHANGE_ISSUED && a != NULL && a->waits)
		kp_notice_issued(k, &row);
	if (c->what == CHANGE_DENIED)
		kp_notice(k, &c->hash, "denied");
	if (c->what == CHANGE_REVOKED)
		kp_notice(k, &c->hash, "revoked");
	if (a != NULL && (c->what == CHANGE_DENIED || c->what == CHANGE_ENDED))
		kp_asked_board(k, a, false);
	request_row_clear(&row);
	return r;
}

/* --- jobs ----------------------------------------------------------------- */

/* Refused by a clock, perhaps, that may be set back: then it goes on waiting. */
static bool
may_be_the_clock(struct kp *k, const struct asked *a)
{
	struct request_row row;
	bool waits;

	if (!kp_clock_is_held(k) || !a->in_rows ||
	    requests_lend(k->rows, &a->s.hash, 0, &row, NULL) != 0)
		return false;
	waits = row.state == REQUEST_WAITING;
	request_row_clear(&row);
	return waits;
}

static int
issue_done(struct kp *k, struct kp_job *j, struct err *e)
{
	struct asked *a = j->asked;
	int r = 0;

	kp_asked_update(a, j);
	/* Whoever was passed over may decide again. */
	if (j->r == ERR_WAIT && j->notes.n > 0)
		k->board_changed = true;
	if (j->r == ERR_WAIT && a->in_rows) {
		kp_asked_board(k, a, true);
		kp_notice_waiting(k, a);
	} else if (j->r == 0) {
		/* Self-serve break glass is known by its result alone. */
		if (a->break_glass)
			kp_notice_break_glass(k, a);
		kp_asked_board(k, a, false);
	} else if (j->r == ERR_DENIED && !may_be_the_clock(k, a)) {
		if (a->in_rows)
			r = requests_close_one(k->rows, &a->s.hash,
			    REQUEST_REFUSED, j->e.msg, e);
		kp_asked_board(k, a, false);
	} else {
		/* Signer, log or the right time are away: once more when they
		 * are back. */
		kp_asked_board(k, a, a->in_rows);
	}
	return r;
}

static int
finish_job(struct kp *k, struct kp_job *j, struct err *e)
{
	int r = 0;

	if (j->kind == JOB_ISSUE)
		r = issue_done(k, j, e);
	if (j->asked != NULL)
		kp_tell_waiting(k, &j->asked->s.hash);
	if (j->kind == JOB_RELOAD)
		kp_push_job(k, j);
	else if (j->part != NULL)
		kp_submit_job(k, j);
	if (j->asked != NULL)
		kp_asked_unpin(k, j->asked);
	return r;
}

static int
finish(struct kp *k, struct kp_done *d, struct err *e)
{
	struct kp_job *j;
	int r = 0;

	for (size_t i = 0; i < k->n_changes && r == 0; i++)
		r = take_change(k, &k->changes[i], e);
	while ((j = STAILQ_FIRST(&d->jobs)) != NULL && r == 0) {
		STAILQ_REMOVE_HEAD(&d->jobs, link);
		r = finish_job(k, j, e);
		kp_job_free(j);
	}
	for (size_t i = 0; i < k->n_changes && r == 0; i++)
		kp_tell_waiting(k, &k->changes[i].hash);
	k->n_changes = 0;
	return r;
}

/* --- what is in force ----------------------------------------------------- */

static void
take_state(struct kp *k, struct kp_done *d)
{
	const bool ok = d->ok && !d->held;

	if (d->view != NULL) {
		kp_view_free(k->view);
		k->view = d->view;
		d->view = NULL;
		k->keys_changed = true;
	}
	if (d->standing != NULL) {
		standing_free(k->standing);
		k->standing = d->standing;
		d->standing = NULL;
		k->keys_changed = true;
	}
	if (d->krl != NULL) {
		kp_krl_free(k->krl);
		k->krl = d->krl;
		d->krl = NULL;
	}
	k->log_size = d->size;
	k->log_published = d->published;
	memcpy(k->copies, d->copies, sizeof(k->copies));
	if (d->n_items > 0) {
		k->totals.batches++;
		k->totals.items += d->n_items;
		k->totals.batch_secs += d->secs;
	}
	/* Said once, and once more when it is over. */
	if (ok != k->log_ok && !ok)
		plog_err(PLOG_ERR, &d->e, "cannot issue or publish", NULL);
	if (ok != k->log_ok && ok)
		plog(PLOG_INFO, "log and signer are back", NULL);
	if (!d->ok)
		k->totals.failed++;
	k->log_ok = ok;
	k->log_why = d->e;
	if (d->signer_up != k->signer_ok && !d->signer_up)
		plog_err(PLOG_ERR, &d->signer_why, "the signer is not there",
		    NULL);
	if (d->signer_up != k->signer_ok && d->signer_up)
		plog(PLOG_INFO, "the signer is there again", NULL);
	k->signer_ok = d->signer_up;
	k->signer_why = d->signer_why;
}

/* It is in the log or not: nobody knows before the store has caught up. */
static void
lags(struct kp *k, const struct err *why)
{
	struct err e = *why;

	if (!k->store_ok)
		return;
	plog_err(PLOG_ERR, why, "the store lags behind the log", NULL);
	k->store_ok = false;
	k->store_why = *why;
	if (why->code == ERR_BUSY)
		return; /* for a moment */
	err_prefix(&e, "what becomes of it cannot be told now");
	err_hint(&e, "send the same once more when the store is back");
	kp_call_leave(k, &e);
}

int
kp_fold_check(const struct kp *k, struct err *e)
{
	if (k->store_ok)
		return 0;
	return err_set(e, ERR_RECORD,
	    "nothing is taken while the store lags behind the log: %s",
	    k->store_why.msg);
}

int
kp_fold_behind(struct kp *k, struct err *e)
{
	struct kp_done *d;
	int r;

	while ((d = STAILQ_FIRST(&k->behind)) != NULL) {
		struct err why = {0};

		if (!d->taken)
			take_state(k, d);
		d->taken = true;
		if ((r = fold(k, d, &why)) == ERR_RECORD || r == ERR_BUSY) {
			lags(k, &why);
			return 0;
		}
		if (r != 0) {
			if (e != NULL)
				*e = why;
			return r;
		}
		STAILQ_REMOVE_HEAD(&k->behind, link);
		r = finish(k, d, e);
		kp_done_free(d);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Said once, and once more when it is over; tried each time. */
static void
notices_are_unkept(struct kp *k, bool unkept, const struct err *why)
{
	if (unkept && !k->notices_unkept)
		plog_err(PLOG_WARN, why, "the store does not take notices",
		    NULL);
	if (!unkept && k->notices_unkept)
		plog(PLOG_INFO, "the store takes notices again", NULL);
	k->notices_unkept = unkept;
}

int
kp_store(struct kp *k, struct err *e)
{
	struct err why = {0};
	int r = requests_flush(k->rows, &why);

	if ((r == ERR_RECORD || r == ERR_BUSY) && requests_lag(k->rows)) {
		lags(k, &why);
		return 0;
	}
	if (r == 0 && !k->store_ok) {
		plog(PLOG_INFO, "the store is back", NULL);
		k->store_ok = true;
	}
	/* What is left is not of the log: nobody waits for it. */
	if (r == 0)
		r = kp_queue_store(k, &why);
	if (r == 0 || r == ERR_RECORD || r == ERR_BUSY) {
		notices_are_unkept(k, r != 0, &why);
		return 0;
	}
	if (e != NULL)
		*e = why;
	return r;
}

int
kp_done(struct kp *k, struct kp_done *d, struct err *e)
{
	STAILQ_INSERT_TAIL(&k->behind, d, link);
	return kp_fold_behind(k, e);
}
