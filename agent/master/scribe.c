/* SPDX-License-Identifier: ISC */
/* The thread that has the log, and how the loop speaks to it. */
#include "agent/master/scribe.h"

#include <stdlib.h>
#include <time.h>

#include "agent/master/scribe_impl.h"
#include "lib/base/clock.h"

/* --- the thread ----------------------------------------------------------- */

static void
wait_for_more(struct scribe *s, int64_t until)
{
	struct timespec t = {
	    .tv_sec = until / 1000, .tv_nsec = (until % 1000) * 1000000};

	while (STAILQ_EMPTY(&s->todo) && !s->stop && s->reading == NULL &&
	    clock_mono_ms() < until)
		(void)pthread_cond_timedwait(&s->more, &s->lock, &t);
}

static void
read_for(struct scribe *s, struct scribe_reading *q)
{
	if (s->ledger == NULL) {
		if (q->e != NULL)
			*q->e = s->why;
		q->r = ERR_RECORD;
	} else {
		q->r = ledger_each(s->ledger, q->from, ledger_size(s->ledger),
		    q->each, q->ctx, q->e);
	}
	(void)pthread_mutex_lock(&s->lock);
	s->reading = NULL;
	(void)pthread_cond_signal(&s->read);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
work_all(struct scribe *s, struct scribe_batches *todo)
{
	struct scribe_batch *b;
	size_t n = 0, leaves = 0;

	STAILQ_FOREACH (b, todo, link) {
		scribe_work(s, b);
		n++;
		leaves += b->n;
	}
	if (n == 0)
		return;
	s->last_batch = clock_mono_ms();
	(void)pthread_mutex_lock(&s->lock);
	scribe_note_state(s);
	s->state.batches += n;
	s->state.leaves += leaves;
	STAILQ_CONCAT(&s->done, todo);
	(void)pthread_mutex_unlock(&s->lock);
	scribe_wake(s);
}

static void *
run(void *arg)
{
	struct scribe *s = arg;
	struct scribe_batches todo = STAILQ_HEAD_INITIALIZER(todo);
	struct scribe_reading *reading;
	bool stop = false;

	turns_take(&s->turns);
	while (!stop) {
		int64_t next = scribe_periodic(s);

		turns_give(&s->turns);
		(void)pthread_mutex_lock(&s->lock);
		wait_for_more(s, next);
		STAILQ_CONCAT(&todo, &s->todo);
		reading = s->reading;
		stop = s->stop && STAILQ_EMPTY(&todo);
		(void)pthread_mutex_unlock(&s->lock);
		turns_take(&s->turns);
		if (reading != NULL)
			read_for(s, reading);
		work_all(s, &todo);
	}
	if (s->ledger != NULL && scribe_has_unpublished(s) &&
	    ledger_copies_met(s->ledger))
		scribe_publish(s);
	turns_give(&s->turns);
	return NULL;
}

/* --- from the loop -------------------------------------------------------- */

/* The copies have other leaves now, perhaps. */
static void
on_copied(void *ctx)
{
	struct scribe *s = ctx;

	(void)pthread_mutex_lock(&s->lock);
	scribe_note_state(s);
	(void)pthread_mutex_unlock(&s->lock);
	scribe_wake(s);
}

int
scribe_open(const struct scribe_config *c, struct scribe **out, struct err *e)
{
	struct scribe *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	int r;

	if (s == NULL)
		return err_nomem(e);
	s->c = *c;
	STAILQ_INIT(&s->todo);
	STAILQ_INIT(&s->done);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->more, &attr);
	(void)pthread_cond_init(&s->read, NULL);
	turns_init(&s->turns);
	(void)pthread_condattr_destroy(&attr);
	if ((c->ledger.n_copies > 0 &&
		(r = copier_new(&s->turns, on_copied, s, &s->copier, e)) !=
		    0) ||
	    (r = ledger_open(&s->c.ledger, &s->ledger, e)) != 0 ||
	    (r = scribe_connect(s, e)) != 0) {
		scribe_free(s);
		return r;
	}
	copier_of(s->copier, s->ledger);
	s->state.signer_ok = true;
	scribe_note_state(s);
	*out = s;
	return 0;
}

struct ledger *
scribe_ledger(struct scribe *s)
{
	return s->ledger;
}

void
scribe_krl(struct scribe *s, uint64_t version)
{
	(void)pthread_mutex_lock(&s->lock);
	s->krl = version;
	(void)pthread_mutex_unlock(&s->lock);
}

int
scribe_start(struct scribe *s, struct err *e)
{
	int r = copier_start(s->copier, e);

	if (r != 0)
		return r;
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		return err_set(e, ERR_SYS, "cannot start a thread");
	s->started = true;
	return 0;
}

void
scribe_put(struct scribe *s, struct scribe_batch *b)
{
	b->r = 0;
	b->e = (struct err){0};
	(void)pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->todo, b, link);
	(void)pthread_cond_signal(&s->more);
	(void)pthread_mutex_unlock(&s->lock);
}

void
scribe_take(struct scribe *s, struct scribe_batches *out)
{
	(void)pthread_mutex_lock(&s->lock);
	STAILQ_CONCAT(out, &s->done);
	(void)pthread_mutex_unlock(&s->lock);
}

int
scribe_read(struct scribe *s, uint64_t from,
    int (*each)(void *ctx, uint64_t index, struct slice leaf), void *ctx,
    struct err *e)
{
	struct scribe_reading q = {
	    .from = from, .each = each, .ctx = ctx, .e = e};

	(void)pthread_mutex_lock(&s->lock);
	s->reading = &q;
	(void)pthread_cond_signal(&s->more);
	while (s->reading == &q)
		(void)pthread_cond_wait(&s->read, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	return q.r;
}

void
scribe_state(struct scribe *s, struct scribe_state *out)
{
	(void)pthread_mutex_lock(&s->lock);
	*out = s->state;
	(void)pthread_mutex_unlock(&s->lock);
}

void
scribe_stop(struct scribe *s)
{
	if (s == NULL || !s->started)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_signal(&s->more);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	s->started = false;
	copier_free(s->copier);
	s->copier = NULL;
}

void
scribe_free(struct scribe *s)
{
	if (s == NULL)
		return;
	scribe_stop(s);
	copier_free(s->copier);
	scribe_disconnect(s);
	ledger_close(s->ledger);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->more);
	(void)pthread_cond_destroy(&s->read);
	turns_clear(&s->turns);
	free(s);
}
