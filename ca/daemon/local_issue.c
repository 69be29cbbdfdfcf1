/* SPDX-License-Identifier: ISC */
/* A batch of requests: decided, logged, signed, handed out, logged again. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ca/daemon/local_impl.h"

/* A batch of fewer is not worth a thread. */
#define RELEASE_ASIDE 16

static size_t
collect_jobs(struct keeper_item *items, size_t n, struct signer_job *jobs,
    size_t *owner)
{
	size_t n_jobs = 0;

	for (size_t i = 0; i < n; i++) {
		struct keeper_item *it = &items[i];

		if (it->r != 0 || it->cert != NULL)
			continue;
		owner[n_jobs] = i;
		jobs[n_jobs++] = (struct signer_job){.leaf = &it->leaf,
		    .request = it->request,
		    .decisions = it->counted,
		    .n_decisions = it->n_counted,
		    .resign = it->again};
	}
	return n_jobs;
}

/*
 * A certificate that a crash kept back is checked by the signer under the
 * policy of today; if that refuses, it must not take the others of the batch
 * with it.
 */
static int
sign_again(struct local *l, struct signer_job *job, struct keeper_item *it,
    struct err *e)
{
	struct hash proof[MERKLE_PROOF_MAX];
	struct signer_batch b = {.jobs = job, .n_jobs = 1};
	struct str note = STR_INIT;
	int r;

	if ((r = local_fill_head(l, &b, proof, e)) == 0 &&
	    (r = signer_sign(l->signer, &b, &note, e)) == 0)
		it->cert = job->cert;
	str_clear(&note);
	return r;
}

static int
sign_batch(struct local *l, struct keeper_item *items, size_t n, struct err *e)
{
	struct hash proof[MERKLE_PROOF_MAX];
	struct signer_batch b = {0};
	struct signer_job *jobs = NULL;
	struct str note = STR_INIT;
	size_t *owner = NULL, n_jobs, n_new = 0;
	int r = 0;

	if ((jobs = calloc(n + 1, sizeof(*jobs))) == NULL ||
	    (owner = calloc(n + 1, sizeof(*owner))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	n_jobs = collect_jobs(items, n, jobs, owner);
	for (size_t i = 0; i < n_jobs; i++) {
		struct keeper_item *it = &items[owner[i]];

		if (jobs[i].resign) {
			it->r = sign_again(l, &jobs[i], it, &it->e);
		} else {
			jobs[n_new] = jobs[i];
			owner[n_new++] = owner[i];
		}
	}
	b.jobs = jobs;
	b.n_jobs = n_new;
	if (n_new == 0 || (r = local_fill_head(l, &b, proof, e)) != 0 ||
	    (r = signer_sign(l->signer, &b, &note, e)) != 0)
		goto out;
	for (size_t i = 0; i < n_new; i++)
		items[owner[i]].cert = jobs[i].cert;
out:
	str_clear(&note);
	free(owner);
	free(jobs);
	return r;
}

/* The certificates as leaves, and everything in sight of everybody. */
static int
finish_batch(struct local *l, const struct keeper_item *items, size_t n,
    struct keeper_leaves *leaves, struct err *e)
{
	const struct statement **requests = NULL;
	struct ledger_receipt *receipts = NULL;
	size_t n_requests = 0;
	int r;

	if ((receipts = calloc(leaves->n + 1, sizeof(*receipts))) == NULL ||
	    (requests = calloc(n + 1, sizeof(*requests))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	/* What has a certificate has its request in the log. */
	for (size_t i = 0; i < n; i++)
		if (items[i].cert != NULL)
			requests[n_requests++] = items[i].request;
	recorder_at_hand(&l->recorder, requests, n_requests);
	r = local_commit(l, leaves, receipts, e);
	recorder_at_hand(&l->recorder, NULL, 0);
out:
	free(requests);
	free(receipts);
	return r;
}

struct releasing {
	struct keeper_item *items;
	size_t n;
	int (*release)(void *ctx, size_t i, struct keeper_item *it,
	    struct err *e);
	void *ctx;
};

static void *
release_all(void *arg)
{
	struct releasing *g = arg;

	for (size_t i = 0; i < g->n; i++) {
		struct keeper_item *it = &g->items[i];

		if (it->r == 0)
			it->r = g->release(g->ctx, i, it, &it->e);
	}
	return NULL;
}

/*
 * Hand the certificates out, and log them.  Neither waits for the other, and
 * both write thousands of files for a large batch: so in two threads.  What is
 * logged is made before, since it depends on the outcomes that release() may
 * change.
 */
static int
release_and_finish(struct local *l, struct releasing *g, struct err *e)
{
	struct keeper_leaves leaves = {0};
	pthread_t thread;
	bool aside;
	int r;

	r = keeper_finish(l->keeper, g->items, g->n, &leaves, e);
	aside = g->n >= RELEASE_ASIDE &&
	    pthread_create(&thread, NULL, release_all, g) == 0;
	if (!aside)
		(void)release_all(g);
	if (r == 0)
		r = finish_batch(l, g->items, g->n, &leaves, e);
	if (r != 0) {
		err_prefix(e, "what was issued is recorded, but not published");
		if (e != NULL && e->hint[0] == '\0')
			err_hint(e, "the same command once more publishes it");
	}
	if (aside)
		(void)pthread_join(thread, NULL);
	keeper_leaves_clear(&leaves);
	return r;
}

int
local_issue(struct local *l, struct keeper_item *items, size_t n,
    int (*release)(void *ctx, size_t i, struct keeper_item *it, struct err *e),
    void *ctx, struct err *e)
{
	struct ledger_receipt *receipts = NULL;
	struct keeper_leaves leaves = {0};
	bool released = false;
	int r;

	r = keeper_prepare(l->keeper, items, n, l->now,
	    l->user_ca != NULL ? key_public(l->user_ca) : NULL,
	    l->host_ca != NULL ? key_public(l->host_ca) : NULL, &leaves, e);
	if (r != 0)
		goto out;
	if ((receipts = calloc(leaves.n + 1, sizeof(*receipts))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if (leaves.n > 0 &&
	    (r = ledger_commit(l->ledger, leaves.v, leaves.n, receipts, e)) !=
		0)
		goto out;
	keeper_committed(items, &leaves, receipts);
	if ((r = sign_batch(l, items, n, e)) != 0)
		goto out;
	released = true;
	r = release_and_finish(l, &(struct releasing){items, n, release, ctx},
	    e);
out:
	if (r != 0 && !released)
		err_prefix(e, "not issued");
	keeper_leaves_clear(&leaves);
	free(receipts);
	return r;
}
