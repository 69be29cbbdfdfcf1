/* SPDX-License-Identifier: ISC */
/*
 * The committer: the thread that has the log.
 *
 * It takes everything that waits as one batch, so that the more there is to do
 * the fewer times the disk is waited for.  It publishes once nothing has come
 * for a while, or a second has passed.  Where the log had to refuse (disk full,
 * bucket gone) it is opened anew, which is what the ledger wants before it takes
 * anything again.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/keeper/kp_commit_impl.h"
#include "lib/base/clock.h"

int64_t
kp_mono_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- news for the loop ----------------------------------------------------- */

static void
tell(struct committer *c, struct kp_done *d)
{
	const uint64_t one = 1;

	d->ok = d->e.code == 0 && !c->broken;
	if (c->local != NULL) {
		struct checkpoint published;
		int r = kp_collect(c, d);

		if (r != 0)
			d->ok = false;
		ledger_published(c->local->ledger, &published);
		d->published = published.size;
		(void)ledger_copies(c->local->ledger, c->copies);
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

static void
add_standing(struct committer *c, struct kp_done *d)
{
	if (standing_dup(keeper_standing(c->local->keeper), &d->standing) != 0)
		(void)err_nomem(&d->e);
}

/* --- publishing -------------------------------------------------------------- */

/* Not each round anew, while the bucket is away. */
static void
publish_again_later(struct committer *c)
{
	c->unpublished = kp_mono_ms() + AGAIN_MS;
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
static void
settle(struct committer *c)
{
	publisher_wait(c->publisher);
	look_at_publisher(c);
}

/* --- the revocation list ---------------------------------------------------- */

static void
renew_krl(struct committer *c, struct kp_done *d, bool must)
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

/* --- batches ----------------------------------------------------------------- */

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
	int64_t start = kp_mono_ms();
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
	d->secs = (double)(kp_mono_ms() - start) / 1000;
}

static void
apply_one(struct committer *c, struct kp_done *d)
{
	struct kp_job *j = STAILQ_FIRST(&d->jobs);
	struct statement *given = j->statement;
	struct err e = {0};

	settle(c);
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
		renew_krl(c, d, true);
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

	settle(c);
	if ((r = local_reload(c->local, j->chain, &j->e)) >= 0)
		r = kp_view_new(c->c.local.dir, &d->view, &j->e);
	j->r = r < 0 ? r : 0;
	if (j->r == 0)
		add_standing(c, d);
}

/* --- the log, opened again ---------------------------------------------------- */

static void
open_again(struct committer *c)
{
	struct local_options o = c->c.local;

	publisher_wait(c->publisher);
	local_free(c->local);
	kp_outs_clear(&c->outs);
	c->local = NULL;
	memset(&c->why, 0, sizeof(c->why));
	if (local_open(&o, &c->local, &c->why) == 0) {
		publisher_of(c->publisher, c->local);
		c->broken = false;
	}
	c->next_open = kp_mono_ms() + AGAIN_MS;
}

static bool
usable(struct committer *c)
{
	if (c->local != NULL && !c->broken)
		return true;
	if (kp_mono_ms() >= c->next_open)
		open_again(c);
	return c->local != NULL && !c->broken;
}

/* --- the thread ----------------------------------------------------------------- */

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

static void
work(struct committer *c, struct kp_done *d)
{
	struct kp_job *first = STAILQ_FIRST(&d->jobs);

	if (!usable(c)) {
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

static void
tick(struct committer *c)
{
	struct kp_done *d = new_done();

	settle(c);
	(void)!local_tick(c->local, &d->e);
	c->next_tick = kp_mono_ms() + c->c.tick * 1000;
	tell(c, d);
}

static void
look_at_krl(struct committer *c)
{
	struct kp_done *d = new_done();

	settle(c);
	renew_krl(c, d, false);
	/* A revocation that hosts do not hear of waits for nothing else. */
	c->next_krl = kp_mono_ms() + (d->e.code == 0 ? KRL_EVERY : AGAIN_MS);
	tell(c, d);
}

/* Nobody should learn only from his request that the signer is gone. */
static void
look_at_signer(struct committer *c)
{
	bool was = c->signer_up;

	memset(&c->signer_why, 0, sizeof(c->signer_why));
	c->signer_up = local_reach(c->local, &c->signer_why) == 0;
	c->next_look = kp_mono_ms() + LOOK_EVERY;
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
	int64_t now = kp_mono_ms(), next;
	bool busy;

	look_at_publisher(c);
	if (!usable(c))
		return c->next_open;
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

static void
wait_for_jobs(struct committer *c, int64_t until)
{
	struct timespec t = {
	    .tv_sec = until / 1000, .tv_nsec = (until % 1000) * 1000000};

	while (STAILQ_EMPTY(&c->jobs) && !c->stop && !c->published &&
	    kp_mono_ms() < until)
		(void)pthread_cond_timedwait(&c->more, &c->lock, &t);
	c->published = false;
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

void *
committer_run(void *arg)
{
	struct committer *c = arg;
	struct kp_done *d;
	bool stop = false;

	publisher_take_turn(c->publisher);
	while (!stop) {
		int64_t next = periodic(c);

		d = new_done();
		publisher_give_turn(c->publisher);
		(void)pthread_mutex_lock(&c->lock);
		wait_for_jobs(c, next);
		take_batch(c, &d->jobs);
		stop = c->stop && STAILQ_EMPTY(&d->jobs);
		(void)pthread_mutex_unlock(&c->lock);
		publisher_take_turn(c->publisher);
		if (STAILQ_EMPTY(&d->jobs)) {
			kp_done_free(d);
			continue;
		}
		work(c, d);
		c->last_job = kp_mono_ms();
		tell(c, d);
	}
	settle(c);
	if (c->local != NULL && !c->broken) {
		d = new_done();
		(void)!local_publish(c->local, &d->e);
		tell(c, d);
	}
	publisher_give_turn(c->publisher);
	return NULL;
}

/* --- from the loop ---------------------------------------------------------------- */
