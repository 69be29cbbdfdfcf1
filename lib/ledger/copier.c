/* SPDX-License-Identifier: ISC */
#include "lib/ledger/copier.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/clock.h"

struct copier {
	pthread_t thread;
	bool started;
	struct turns *turns;
	void (*news)(void *ctx);
	void *ctx;
	struct ledger *ledger; /* in one's turn; NULL: none is open */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool asked, busy, held, stop; /* under lock, as is: */
	uint64_t steps;               /* waits that have begun, rounds ended */
};

/* Whoever waits for the thread may find what he waits for. */
static void
step(struct copier *c, bool busy)
{
	(void)pthread_mutex_lock(&c->lock);
	c->steps++;
	c->busy = busy;
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->lock);
}

static void
waits(void *ctx, bool begins)
{
	struct copier *c = ctx;

	if (begins) {
		step(c, true);
		turns_give(c->turns);
	} else {
		turns_take(c->turns);
	}
}

/* Until there is something to copy or, with again, a copy may be tried again.
 * false: it is time to end. */
static bool
wait_for_work(struct copier *c, bool again)
{
	int64_t at = clock_mono_ms() + LEDGER_COPY_AGAIN * 1000;
	struct timespec t = {
	    .tv_sec = at / 1000, .tv_nsec = (at % 1000) * 1000000};
	bool late = false;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->stop && (c->held || (!c->asked && !late))) {
		if (!again || c->held)
			(void)pthread_cond_wait(&c->changed, &c->lock);
		else
			late = pthread_cond_timedwait(&c->changed, &c->lock,
				   &t) == ETIMEDOUT;
	}
	/* The last time is one more where something was asked for. */
	c->busy = !c->stop || (c->asked && !c->held);
	c->asked = false;
	again = c->busy;
	(void)pthread_mutex_unlock(&c->lock);
	return again;
}

static void *
run(void *arg)
{
	struct copier *c = arg;
	bool level = true;

	while (wait_for_work(c, !level)) {
		turns_take(c->turns);
		level = c->ledger == NULL || ledger_catch_up(c->ledger);
		step(c, false);
		c->news(c->ctx);
		turns_give(c->turns);
	}
	return NULL;
}

int
copier_new(struct turns *turns, void (*news)(void *ctx), void *ctx,
    struct copier **out, struct err *e)
{
	struct copier *c;
	pthread_condattr_t attr;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	c->turns = turns;
	c->news = news;
	c->ctx = ctx;
	c->held = true;
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	*out = c;
	return 0;
}

int
copier_start(struct copier *c, struct err *e)
{
	if (c == NULL)
		return 0;
	if (pthread_create(&c->thread, NULL, run, c) != 0)
		return err_set(e, ERR_SYS, "cannot start a thread");
	c->started = true;
	return 0;
}

void
copier_free(struct copier *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->stop = true;
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->lock);
	if (c->started)
		(void)pthread_join(c->thread, NULL);
	(void)pthread_cond_destroy(&c->changed);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

void
copier_of(struct copier *c, struct ledger *l)
{
	if (c == NULL)
		return;
	ledger_copies_apart(l, waits, c);
	c->ledger = l;
	(void)pthread_mutex_lock(&c->lock);
	c->held = false;
	c->asked = true; /* is one ahead, or behind since the last time? */
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->lock);
}

void
copier_hold(struct copier *c)
{
	if (c == NULL)
		return;
	if (!c->started) {
		c->held = true;
		c->ledger = NULL;
		return;
	}
	turns_give(c->turns);
	(void)pthread_mutex_lock(&c->lock);
	c->held = true;
	while (c->busy)
		(void)pthread_cond_wait(&c->changed, &c->lock);
	(void)pthread_mutex_unlock(&c->lock);
	turns_take(c->turns);
	c->ledger = NULL;
}

void
copier_ask(struct copier *c)
{
	if (c == NULL)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->asked = true;
	(void)pthread_cond_broadcast(&c->changed);
	(void)pthread_mutex_unlock(&c->lock);
}

void
copier_meet(struct copier *c)
{
	uint64_t steps;

	while (c != NULL && !ledger_copies_met(c->ledger)) {
		(void)pthread_mutex_lock(&c->lock);
		steps = c->steps;
		turns_give(c->turns);
		while (c->steps == steps)
			(void)pthread_cond_wait(&c->changed, &c->lock);
		(void)pthread_mutex_unlock(&c->lock);
		turns_take(c->turns);
	}
}
