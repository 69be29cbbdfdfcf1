/* SPDX-License-Identifier: ISC */
/*
 * The committer: the thread that has the log.
 *
 * It takes everything that waits as one batch, so that the more there is to do
 * the fewer times the disk is waited for.  It publishes once nothing has come
 * for a while, or a second has passed; the copier goes on from there.  Where the
 * log had to refuse (disk full, bucket gone) it is opened anew, which is what the
 * ledger wants before it takes anything again.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/keeper/kp_commit_impl.h"
#include "lib/base/clock.h"

/* --- news for the loop ---------------------------------------------------- */

static void
tell(struct committer *c, struct kp_done *d)
{
	const uint64_t one = 1;

	/* Also where nobody waits for an answer: a tick, a head, a list. */
	if (c->local != NULL && !c->broken &&
	    ledger_is_broken(c->local->ledger)) {
		c->broken = true;
		c->why = d->e;
	}
	d->ok = d->e.code == 0 && !c->broken;
	if (c->local != NULL) {
		struct checkpoint published;
		int r = kp_collect(c, d);

		if (r != 0)
			d->ok = false;
		ledger_published(c->local->ledger, &published);
		d->published = published.size;
		(void)ledger_copies(c->local->ledger, c->copies);
		/* What is told of does not always try the log. */
		d->held =
		    d->ok && ledger_copies_hold(c->local->ledger, &d->e) != 0;
	}
	d->size = c->folded;
	memcpy(d->copies, c->copies, sizeof(d->copies));
	d->signer_up = c->signer_up;
	d->signer_why = c->signer_why;
	(void)pthread_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->dones, d, link);
	(void)pthread_mutex_unlock(&c->lock);
	/* A full counter has woken the loop already. */
	(void)!write(c->c.wake, &one, sizeof(one));
}

static struct kp_done *
new_done(void)
{
	struct kp_done *d = NULL;

	/* Without it the loop would never hear of its jobs: wait for memory. */
	while ((d = calloc(1, sizeof(*d))) == NULL)
		(void)usleep(10000);
	STAILQ_INIT(&d->jobs);
	return d;
}

/* --- publishing ----------------------------------------------------------- */

/* Not each round anew, while the bucket is away. */
static void
publish_again_later(struct committer *c)
{
	c->unpublished = clock_mono_ms() + AGAIN_MS;
}

static void
publish(struct committer *c)
{
	struct str note = STR_INIT;
	struct kp_done *d;
	struct err e = {0};
	int r;

	if ((r = local_head(c->local, &note, &e)) == 0)
		publisher_put(c->publisher, c->local, &note);
	str_clear(&note);
	c->unpublished = 0;
	if (r >= 0)
		return;
	publish_again_later(c);
	d = new_done();
	d->e = e;
	tell(c, d);
}

static void
look_at_publisher(struct committer *c)
{
	struct kp_done *d;
	struct err e = {0};
	int r = 0;

	if (!publisher_finished(c->publisher, &r, &e))
		return;
	if (r != 0)
		publish_again_later(c);
	d = new_done();
	d->e = e;
	tell(c, d);
}

/* What publishes in this thread waits for the other. */
void
kp_commit_settle(struct committer *c)
{
	publisher_wait(c->publisher);
	look_at_publisher(c);
}

/* --- the log, opened again ------------------------------------------------ */

static void
open_again(struct committer *c)
{
	struct local_options o = c->c.local;

	publisher_wait(c->publisher);
	copier_hold(c->copier);
	local_free(c->local);
	kp_outs_clear(&c->outs);
	c->local = NULL;
	memset(&c->why, 0, sizeof(c->why));
	if (local_open(&o, &c->local, &c->why) == 0) {
		publisher_of(c->publisher, c->local);
		copier_of(c->copier, c->local->ledger);
		c->broken = false;
	}
	c->next_open = clock_mono_ms() + AGAIN_MS;
}

bool
kp_commit_usable(struct committer *c)
{
	if ((c->local == NULL || c->broken) && clock_mono_ms() >= c->next_open)
		open_again(c);
	if (c->local == NULL || c->broken)
		return false;
	copier_meet(c->copier);
	return true;
}

/* Whoever has published, what copies lack is more. */
static void
ask_copier(struct committer *c)
{
	struct checkpoint published;

	ledger_published(c->local->ledger, &published);
	if (published.size != c->copies_of)
		copier_ask(c->copier);
	c->copies_of = published.size;
}

/* --- the thread ----------------------------------------------------------- */

/*
 * The next jobs that can be done as one: requests, each once, up to the next
 * job of another kind; or that one.  What is left keeps its order.
 */
static void
take_batch(struct committer *c, struct kp_jobs *out)
{
	struct kp_jobs rest = STAILQ_HEAD_INITIALIZER(rest);
	struct kp_job *j;
	size_t n = 0;

	c->batch++;
	while ((j = STAILQ_FIRST(&c->jobs)) != NULL) {
		if (j->kind != JOB_ISSUE && n > 0)
			break;
		if (j->kind != JOB_ISSUE && !STAILQ_EMPTY(&rest))
			break;
		if (n == KEEPER_BATCH_MAX)
			break;
		STAILQ_REMOVE_HEAD(&c->jobs, link);
		if (j->kind == JOB_ISSUE && j->asked->batch == c->batch) {
			STAILQ_INSERT_TAIL(&rest, j, link);
			continue;
		}
		STAILQ_INSERT_TAIL(out, j, link);
		n++;
		if (j->kind != JOB_ISSUE)
			break;
		j->asked->batch = c->batch;
	}
	STAILQ_CONCAT(&rest, &c->jobs);
	STAILQ_CONCAT(&c->jobs, &rest);
	c->n_jobs -= n;
}

static void
tick(struct committer *c)
{
	struct kp_done *d = new_done();

	kp_commit_settle(c);
	(void)!local_tick(c->local, &d->e);
	c->next_tick = clock_mono_ms() + c->c.tick * 1000;
	tell(c, d);
}

static void
look_at_krl(struct committer *c)
{
	struct kp_done *d = new_done();

	kp_commit_settle(c);
	kp_commit_krl(c, d, false);
	/* A revocation that hosts do not hear of waits for nothing else. */
	c->next_krl = clock_mono_ms() + (d->e.code == 0 ? KRL_EVERY : AGAIN_MS);
	tell(c, d);
}

/* Nobody should learn only from his request that the signer is gone. */
static void
look_at_signer(struct committer *c)
{
	bool was = c->signer_up;

	memset(&c->signer_why, 0, sizeof(c->signer_why));
	c->signer_up = local_reach(c->local, &c->signer_why) == 0;
	c->next_look = clock_mono_ms() + LOOK_EVERY;
	if (c->signer_up != was)
		tell(c, new_done());
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is due now; the next time that something is. */
static int64_t
periodic(struct committer *c)
{
	int64_t now = clock_mono_ms(), next;
	bool busy;

	look_at_publisher(c);
	if (!kp_commit_usable(c))
		return c->next_open;
	ask_copier(c);
	busy = publisher_is_busy(c->publisher);
	if (c->unpublished == 0 && !busy && local_has_unpublished(c->local))
		c->unpublished = now;
	if (c->unpublished != 0 && !busy && now >= c->unpublished &&
	    (now - c->last_job >= IDLE_MS || now - c->unpublished >= LATEST_MS))
		publish(c);
	if (now >= c->next_tick)
		tick(c);
	if (now >= c->next_krl)
		look_at_krl(c);
	if (now >= c->next_look)
		look_at_signer(c);
	next = earlier(earlier(c->next_tick, c->next_krl), c->next_look);
	if (c->unpublished != 0)
		next = earlier(next,
		    c->unpublished > now ? c->unpublished
					 : c->last_job + IDLE_MS);
	return next;
}

/* True: the copier has news. */
static bool
wait_for_jobs(struct committer *c, int64_t until)
{
	struct timespec t = {
	    .tv_sec = until / 1000, .tv_nsec = (until % 1000) * 1000000};
	bool copied;

	while (STAILQ_EMPTY(&c->jobs) && !c->stop && !c->published &&
	    !c->copied && clock_mono_ms() < until)
		(void)pthread_cond_timedwait(&c->more, &c->lock, &t);
	c->published = false;
	copied = c->copied;
	c->copied = false;
	return copied;
}

void
committer_on_published(void *ctx)
{
	struct committer *c = ctx;

	(void)pthread_mutex_lock(&c->lock);
	c->published = true;
	(void)pthread_cond_signal(&c->more);
	(void)pthread_mutex_unlock(&c->lock);
}

void
committer_on_copied(void *ctx)
{
	struct committer *c = ctx;

	(void)pthread_mutex_lock(&c->lock);
	c->copied = true;
	(void)pthread_cond_signal(&c->more);
	(void)pthread_mutex_unlock(&c->lock);
}

void *
committer_run(void *arg)
{
	struct committer *c = arg;
	struct kp_done *d;
	bool stop = false, copied;

	publisher_take_turn(c->publisher);
	copier_of(c->copier, c->local->ledger);
	while (!stop) {
		int64_t next = periodic(c);

		d = new_done();
		publisher_give_turn(c->publisher);
		(void)pthread_mutex_lock(&c->lock);
		copied = wait_for_jobs(c, next);
		take_batch(c, &d->jobs);
		stop = c->stop && STAILQ_EMPTY(&d->jobs);
		(void)pthread_mutex_unlock(&c->lock);
		publisher_take_turn(c->publisher);
		if (copied)
			tell(c, new_done());
		if (STAILQ_EMPTY(&d->jobs)) {
			kp_done_free(d);
			continue;
		}
		kp_commit_work(c, d);
		c->last_job = clock_mono_ms();
		tell(c, d);
	}
	kp_commit_settle(c);
	if (c->local != NULL && !c->broken) {
		d = new_done();
		(void)!local_publish(c->local, &d->e);
		ask_copier(c);
		tell(c, d);
	}
	publisher_give_turn(c->publisher);
	return NULL;
}
