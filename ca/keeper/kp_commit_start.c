/* SPDX-License-Identifier: ISC */
/*
 * The committer as others see it: started, given jobs, asked for what is done,
 * stopped.
 */
#include <stdlib.h>

#include "ca/keeper/kp_commit_impl.h"

void
kp_job_free(struct kp_job *j)
{
	if (j == NULL)
		return;
	strs_clear(&j->notes);
	issue_result_clear(&j->result);
	for (size_t i = 0; i < j->n_terms; i++)
		free(j->terms[i].group);
	if (j->on != NULL)
		statement_clear(j->on);
	free(j->on);
	if (j->chain != NULL)
		bundle_chain_clear(j->chain);
	free(j->chain);
	buf_free(j->cert);
	free(j->leaf.decisions);
	free(j->leaf.tbs);
	free(j);
}

void
kp_done_free(struct kp_done *d)
{
	struct kp_job *j;

	if (d == NULL)
		return;
	while ((j = STAILQ_FIRST(&d->jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->jobs, link);
		kp_job_free(j);
	}
	for (size_t i = 0; i < d->n_leaves; i++)
		if (!d->leaves[i].lent)
			leaf_clear(&d->leaves[i].leaf);
	free(d->leaves);
	kp_view_free(d->view);
	standing_free(d->standing);
	kp_krl_free(d->krl);
	free(d);
}

int
committer_start(const struct committer_config *cc, struct committer **out,
    struct err *e)
{
	struct committer *c;
	pthread_condattr_t attr;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	c->c = *cc;
	c->folded = cc->folded;
	c->signer_up = true;
	STAILQ_INIT(&c->jobs);
	STAILQ_INIT(&c->dones);
	c->items = calloc(KEEPER_BATCH_MAX, sizeof(*c->items));
	c->of_item = calloc(KEEPER_BATCH_MAX, sizeof(*c->of_item));
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->more, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (c->items == NULL || c->of_item == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = publisher_start(committer_on_published, c, &c->publisher,
		 e)) != 0)
		goto out;
	if (cc->opened->config.home.copies.n > 0 &&
	    ((r = copier_new(publisher_turns(c->publisher), committer_on_copied,
		  c, &c->copier, e)) != 0 ||
		(r = copier_start(c->copier, e)) != 0))
		goto out;
	c->local = cc->opened;
	publisher_of(c->publisher, c->local);
	if (pthread_create(&c->thread, NULL, committer_run, c) == 0) {
		*out = c;
		return 0;
	}
	r = err_set(e, ERR_SYS, "cannot start a thread");
	ledger_set_waits(c->local->ledger, NULL, NULL);
	c->local = NULL; /* it is the caller's still */
out:
	committer_free(c);
	return r;
}

int
committer_put(struct committer *c, struct kp_job *j, bool force, struct err *e)
{
	int r = 0;

	(void)pthread_mutex_lock(&c->lock);
	if (c->n_jobs >= KP_JOBS_MAX && !force) {
		r = err_set(e, ERR_BUSY,
		    "%zu requests and decisions wait for the log already",
		    c->n_jobs);
		err_hint(e, "send the same once more in a while");
	} else {
		STAILQ_INSERT_TAIL(&c->jobs, j, link);
		c->n_jobs++;
		(void)pthread_cond_signal(&c->more);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return r;
}

size_t
committer_queue(struct committer *c)
{
	size_t n;

	(void)pthread_mutex_lock(&c->lock);
	n = c->n_jobs;
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}

void
committer_take(struct committer *c, struct kp_dones *out)
{
	(void)pthread_mutex_lock(&c->lock);
	STAILQ_CONCAT(out, &c->dones);
	(void)pthread_mutex_unlock(&c->lock);
}

void
committer_stop(struct committer *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	(void)pthread_cond_signal(&c->more);
	(void)pthread_mutex_unlock(&c->lock);
	(void)pthread_join(c->thread, NULL);
	copier_free(c->copier);
	c->copier = NULL;
}

void
committer_free(struct committer *c)
{
	struct kp_done *d;

	if (c == NULL)
		return;
	while ((d = STAILQ_FIRST(&c->dones)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->dones, link);
		kp_done_free(d);
	}
	copier_free(c->copier);
	publisher_free(c->publisher);
	local_free(c->local);
	kp_outs_clear(&c->outs);
	(void)pthread_cond_destroy(&c->more);
	(void)pthread_mutex_destroy(&c->lock);
	free(c->items);
	free(c->of_item);
	free(c);
}
