/* SPDX-License-Identifier: ISC */
#include "lib/ledger/turns.h"

void
turns_init(struct turns *t)
{
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_cond_init(&t->changed, NULL);
	t->asked = t->served = 0;
}

void
turns_clear(struct turns *t)
{
	(void)pthread_cond_destroy(&t->changed);
	(void)pthread_mutex_destroy(&t->lock);
}

void
turns_take(struct turns *t)
{
	uint64_t mine;

	(void)pthread_mutex_lock(&t->lock);
	mine = t->asked++;
	while (t->served != mine)
		(void)pthread_cond_wait(&t->changed, &t->lock);
	(void)pthread_mutex_unlock(&t->lock);
}

void
turns_give(struct turns *t)
{
	(void)pthread_mutex_lock(&t->lock);
	t->served++;
	/* Nobody is woken where nobody waits, as it mostly is. */
	if (t->served != t->asked)
		(void)pthread_cond_broadcast(&t->changed);
	(void)pthread_mutex_unlock(&t->lock);
}
