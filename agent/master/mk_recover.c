/* SPDX-License-Identifier: ISC */
/*
 * After a failure.  Of the store: batches that are in the log wait until there is
 * room for them, in their order.  Of the log: what a batch that failed has left in
 * it all the same counts; what was judged and is not there does not.
 *
 * The store first: hosts are made again from it, and one whose acceptance waits
 * for room is a host.
 */
#include <stdlib.h>

#include "agent/master/mk_impl.h"
#include "lib/proc/plog.h"
#include "lib/statement/leaf.h"

#define RECOVER_MS 1000

/* --- the store ------------------------------------------------------------ */

static int
store_batch(struct mk *k, struct mk_batch *b, struct err *e)
{
	struct mk_item *i;
	int r;

	if ((r = rows_begin(k->rows, e)) != 0)
		return r;
	k->in_rows = true;
	STAILQ_FOREACH (i, &b->items, link)
		if (i->has_leaf && (r = mk_apply_rows(k, i, e)) != 0)
			break;
	if (r == 0)
		r = rows_commit(k->rows, b->sb.size, e);
	if (r != 0)
		rows_rollback(k->rows);
	k->in_rows = false;
	return r;
}

bool
mk_batch_store(struct mk *k, struct mk_batch *b)
{
	struct err e = {0};

	if (k->n_unstored == 0) {
		if (store_batch(k, b, &e) == 0)
			return true;
		plog_err(PLOG_ERR, &e, "the store lags behind the log", NULL);
		k->store_why = e;
	}
	STAILQ_INSERT_TAIL(&k->unstored, b, link);
	k->n_unstored++;
	return false;
}

static void
store_again(struct mk *k)
{
	struct err e = {0};
	struct mk_batch *b;

	while ((b = STAILQ_FIRST(&k->unstored)) != NULL) {
		if (store_batch(k, b, &e) != 0) {
			k->store_why = e;
			return;
		}
		STAILQ_REMOVE_HEAD(&k->unstored, link);
		mk_batch_free(b);
		if (--k->n_unstored == 0)
			plog(PLOG_INFO, "the store has caught up", NULL);
	}
}

/* --- the log -------------------------------------------------------------- */

struct found {
	struct mk_batch *b;
	struct err *e;
};

/* In the scribe's thread. */
static int
find_leaf(void *ctx, uint64_t index, struct slice bytes)
{
	struct found *f = ctx;
	struct mk_item *i;
	struct leaf leaf;
	int r;

	leaf_init(&leaf);
	if ((r = leaf_parse("leaf", bytes, &leaf, f->e)) != 0)
		return r;
	f->b->sb.size = index + 1;
	if (leaf.kind != LEAF_STATEMENT) {
		leaf_clear(&leaf);
		return 0;
	}
	if ((i = calloc(1, sizeof(*i))) == NULL) {
		leaf_clear(&leaf);
		return err_nomem(f->e);
	}
	i->s = leaf.u.s;
	i->index = index;
	i->has_leaf = true;
	STAILQ_INSERT_TAIL(&f->b->items, i, link);
	return 0;
}

/* Orders without them are none. */
static int
find_targets(struct mk *k, struct mk_batch *b, struct err *e)
{
	struct blob_store *home = NULL;
	struct mk_item *i;
	int r = 0;

	STAILQ_FOREACH (i, &b->items, link)
		if (i->s.type == ST_JOB &&
		    (r = mk_fetch_targets(k, &home, &i->s.u.job.targets,
			 &i->targets, &i->n_targets, e)) != 0)
			break;
	blob_close(home);
	return r;
}

/* Leaves that are there though nobody was told so, as if their batch came now. */
static int
find_leaves(struct mk *k, struct err *e)
{
	struct found f = {.e = e};
	struct scribe_state st;
	struct mk_item *i;
	int r;

	scribe_state(k->scribe, &st);
	if (!st.log_ok)
		return err_set(e, ERR_RECORD, "%s", st.log_why.msg);
	if (st.size <= k->applied)
		return 0;
	if ((f.b = calloc(1, sizeof(*f.b))) == NULL)
		return err_nomem(e);
	STAILQ_INIT(&f.b->items);
	if ((r = scribe_read(k->scribe, k->applied, find_leaf, &f, e)) != 0 ||
	    (r = find_targets(k, f.b, e)) != 0) {
		mk_batch_free(f.b);
		return r;
	}
	STAILQ_FOREACH (i, &f.b->items, link)
		mk_apply(k, i);
	k->applied = f.b->sb.size;
	if (mk_batch_store(k, f.b))
		mk_batch_free(f.b);
	return 0;
}

/* An order that was judged and is not in the log may be handed in again. */
static void
find_last_job(struct mk *k)
{
	const struct job *j;

	k->last_job = 0;
	for (size_t i = 0; (j = jobs_at(k->jobs, i)) != NULL; i++)
		if (j->at > k->last_job)
			k->last_job = j->at;
}

static void
log_again(struct mk *k)
{
	struct err e = {0};
	int r;

	k->recover_at = k->now_ms;
	if ((r = find_leaves(k, &e)) == 0 && k->n_unstored > 0)
		return;
	if (r == 0)
		r = mk_reload_hosts(k, &e);
	if (r != 0) {
		k->log_why = e;
		return;
	}
	find_last_job(k);
	k->recover = false;
	plog(PLOG_INFO, "the log takes statements again", NULL);
}

void
mk_batch_again(struct mk *k)
{
	struct err e = {0};

	store_again(k);
	if (k->recover && k->n_unstored == 0 &&
	    k->now_ms - k->recover_at >= RECOVER_MS)
		log_again(k);
	if (k->jobs_unstored && mk_store_jobs(k, &e) == 0)
		k->jobs_unstored = false;
}
