/* SPDX-License-Identifier: ISC */
/*
 * The committer, for kp_commit.c, which is its thread, kp_commit_jobs.c, which
 * is what that does, and kp_commit_start.c, which is how others see it.
 */
#ifndef CA_KEEPER_KP_COMMIT_IMPL_H
#define CA_KEEPER_KP_COMMIT_IMPL_H

#include <pthread.h>

#include "ca/keeper/kp_jobs.h"
#include "lib/ledger/copier.h"

#define IDLE_MS    50   /* without a job before it publishes */
#define LATEST_MS  1000 /* and at the latest after this */
#define AGAIN_MS   2000 /* between tries to open the log */
#define KRL_EVERY  60000
#define LOOK_EVERY 5000           /* is the signer there? */
#define KRL_BEFORE INT64_C(21600) /* seconds before next_update */
#define TRIES      20             /* while the signer is away */
#define TRY_MS     250

/* Certificates whose leaf goes with the next commit. */
#define KP_OUTS_MAX 4096
struct kp_outs {
	struct kp_out {
		struct hash request;
		struct buf *cert;
	} *v; /* from first to n - 1 */
	size_t first, n, cap;
};

struct committer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool stop; /* under lock, as what follows */
	struct kp_jobs jobs;
	size_t n_jobs;
	struct kp_dones dones;
	bool published; /* the publisher has news */
	bool copied;	/* the copier has */

	/* The thread's own. */
	struct publisher *publisher;
	struct copier *copier; /* NULL: no copies */
	uint64_t copies_of;    /* leaves published when that was asked last */
	struct committer_config c;
	struct local *local; /* NULL: could not be opened again */
	bool broken;
	struct err why;
	uint64_t folded, batch;
	int64_t unpublished; /* ms: since when; 0: nothing is */
	int64_t last_job, next_tick, next_krl, next_open, next_look;
	bool signer_up;
	struct err signer_why;
	struct ledger_copy copies[LEDGER_COPIES_MAX]; /* as last known */
	struct keeper_item *items;
	struct kp_job **of_item;
	struct kp_outs outs;
};

/* The thread; arg is the committer. */
void *committer_run(void *arg);
/* The publisher has finished something; ctx is the committer. */
void  committer_on_published(void *ctx);
/* The same for the copier. */
void  committer_on_copied(void *ctx);

/* --- within the thread ---------------------------------------------------- */

/* Do d's jobs, and say in d what came of them. */
void kp_commit_work(struct committer *c, struct kp_done *d);
/* The last revocation list into d; a new one first where that ends soon, or must
 * be. */
void kp_commit_krl(struct committer *c, struct kp_done *d, bool must);
/* What publishes in this thread waits for the other. */
void kp_commit_settle(struct committer *c);
/* Is there a log to write to?  Opened again, where it is time to try; once its
 * copies were asked whether they are ahead of it. */
bool kp_commit_usable(struct committer *c);

/* --- kp_collect.c --------------------------------------------------------- */

/* The leaves that the log has got since the loop was told last, into d; what is
 * known of them by d's jobs is not parsed.  Failures of ledger_each(). */
int kp_collect(struct committer *c, struct kp_done *d) MUST_CHECK;
/* What d's jobs have got will be leaves, in their order. */
void kp_outs_note(struct kp_outs *o, const struct kp_done *d);
void kp_outs_clear(struct kp_outs *o);

#endif
