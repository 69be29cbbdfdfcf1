/* SPDX-License-Identifier: ISC */
/*
 * The thread that brings copies of the log up to date.  It has its turn at the log
 * while it reads it, and gives that away for as long as it waits for a copy: one
 * that is slow or away delays nobody.
 */
#include <errno.h>
#include <time.h>

#include "agent/master/scribe_impl.h"
#include "lib/base/clock.h"

static void
waits(void *ctx, bool begins)
{
	struct scribe *s = ctx;

	if (begins)
		turns_give(&s->turns);
	else
		turns_take(&s->turns);
}

/* Until there is something to copy, or a copy may be tried again: `at`, 0: none
 * is behind.  false: it is time to end. */
static bool
wait_for_work(struct scribe *s, int64_t at)
{
	struct timespec t = {
	    .tv_sec = at / 1000, .tv_nsec = (at % 1000) * 1000000};

	(void)pthread_mutex_lock(&s->lock);
	while (s->copy_held || (!s->copy_asked && !s->copy_stop)) {
		if (at == 0 || s->copy_held)
			(void)pthread_cond_wait(&s->copy, &s->lock);
		else if (pthread_cond_timedwait(&s->copy, &s->lock, &t) ==
		    ETIMEDOUT)
			break;
	}
	/* The last time is one more where something was asked for. */
	s->copying = !s->copy_stop || s->copy_asked;
	s->copy_asked = false;
	(void)pthread_mutex_unlock(&s->lock);
	return s->copying;
}

static void
done(struct scribe *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->copying = false;
	scribe_note_state(s);
	(void)pthread_cond_broadcast(&s->copy);
	(void)pthread_mutex_unlock(&s->lock);
	scribe_wake(s);
}

static void *
run(void *arg)
{
	struct scribe *s = arg;
	bool level = true;

	while (wait_for_work(s,
	    level ? 0 : clock_mono_ms() + LEDGER_COPY_AGAIN * 1000)) {
		turns_take(&s->turns);
		level = s->ledger == NULL || ledger_catch_up(s->ledger);
		done(s);
		turns_give(&s->turns);
	}
	return NULL;
}

int
scribe_copies_start(struct scribe *s, struct err *e)
{
	if (s->c.ledger.n_copies == 0)
		return 0;
	if (pthread_create(&s->copier, NULL, run, s) != 0)
		return err_set(e, ERR_SYS, "cannot start a thread");
	s->copier_started = true;
	scribe_copies_ask(s); /* is one ahead, or behind since the last time? */
	return 0;
}

void
scribe_copies_of(struct scribe *s)
{
	if (s->c.ledger.n_copies > 0)
		ledger_copies_apart(s->ledger, waits, s);
}

void
scribe_copies_ask(struct scribe *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->copy_asked = true;
	(void)pthread_cond_broadcast(&s->copy);
	(void)pthread_mutex_unlock(&s->lock);
}

void
scribe_copies_hold(struct scribe *s)
{
	if (!s->copier_started)
		return;
	turns_give(&s->turns);
	(void)pthread_mutex_lock(&s->lock);
	s->copy_held = true;
	while (s->copying)
		(void)pthread_cond_wait(&s->copy, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	turns_take(&s->turns);
}

void
scribe_copies_go_on(struct scribe *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->copy_held = false;
	(void)pthread_cond_broadcast(&s->copy);
	(void)pthread_mutex_unlock(&s->lock);
}

void
scribe_copies_stop(struct scribe *s)
{
	if (!s->copier_started)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->copy_stop = true;
	(void)pthread_cond_broadcast(&s->copy);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->copier, NULL);
	s->copier_started = false;
}
