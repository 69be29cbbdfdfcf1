/* SPDX-License-Identifier: ISC */
/*
 * Publishing beside the committer, in a thread of its own: thousands of files for
 * a thousand certificates, which nobody waits for.
 *
 * The log is one thread's at a time, by turns (lib/ledger/turns.h); the publisher
 * gives its turn away for as long as it waits for the disk.  Copies are none of
 * its business: they have a thread too (lib/ledger/copier.h).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_jobs.h"
#include "lib/ledger/turns.h"

struct publisher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct turns turns;
	/* Under lock: */
	struct local *local; /* whose note is to be published; NULL: idle */
	struct str note;
	bool stop, finished;
	int r;
	struct err e;
	/* Told, without the lock, when something is finished. */
	void (*news)(void *ctx);
	void *ctx;
};

struct turns *
publisher_turns(struct publisher *p)
{
	return &p->turns;
}

void
publisher_take_turn(struct publisher *p)
{
	turns_take(&p->turns);
}

void
publisher_give_turn(struct publisher *p)
{
	turns_give(&p->turns);
}

static void
waits(void *ctx, bool begins)
{
	struct publisher *p = ctx;

	/* Whoever publishes in the committer's thread keeps his turn. */
	if (!pthread_equal(pthread_self(), p->thread))
		return;
	if (begins)
		publisher_give_turn(p);
	else
		publisher_take_turn(p);
}

void
publisher_of(struct publisher *p, struct local *l)
{
	ledger_set_waits(l->ledger, waits, p);
}

static void *
run(void *arg)
{
	struct publisher *p = arg;
	struct err e;
	int r;

	(void)pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		if (p->local == NULL || p->finished) {
			(void)pthread_cond_wait(&p->changed, &p->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&p->lock);
		memset(&e, 0, sizeof(e));
		publisher_take_turn(p);
		r = local_publish_head(p->local, &p->note, &e);
		publisher_give_turn(p);
		(void)pthread_mutex_lock(&p->lock);
		p->r = r;
		p->e = e;
		p->finished = true;
		(void)pthread_cond_broadcast(&p->changed);
		p->news(p->ctx);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

int
publisher_start(void (*news)(void *ctx), void *ctx, struct publisher **out,
    struct err *e)
{
	struct publisher *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return err_nomem(e);
	str_init(&p->note);
	p->news = news;
	p->ctx = ctx;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->changed, NULL);
	turns_init(&p->turns);
	if (pthread_create(&p->thread, NULL, run, p) != 0) {
		free(p);
		return err_set(e, ERR_SYS, "cannot start a thread");
	}
	*out = p;
	return 0;
}

void
publisher_free(struct publisher *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	turns_clear(&p->turns);
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->lock);
	str_clear(&p->note);
	free(p);
}

void
publisher_put(struct publisher *p, struct local *l, struct str *note)
{
	(void)pthread_mutex_lock(&p->lock);
	str_clear(&p->note);
	p->note = *note;
	str_init(note);
	p->local = l;
	p->finished = false;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
}

bool
publisher_is_busy(struct publisher *p)
{
	bool busy;

	(void)pthread_mutex_lock(&p->lock);
	busy = p->local != NULL;
	(void)pthread_mutex_unlock(&p->lock);
	return busy;
}

bool
publisher_finished(struct publisher *p, int *r, struct err *e)
{
	bool finished;

	(void)pthread_mutex_lock(&p->lock);
	finished = p->local != NULL && p->finished;
	if (finished) {
		*r = p->r;
		*e = p->e;
		p->local = NULL;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return finished;
}

void
publisher_wait(struct publisher *p)
{
	publisher_give_turn(p);
	(void)pthread_mutex_lock(&p->lock);
	while (p->local != NULL && !p->finished)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	(void)pthread_mutex_unlock(&p->lock);
	publisher_take_turn(p);
}
