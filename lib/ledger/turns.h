/* SPDX-License-Identifier: ISC */
/*
 * Threads that share a ledger take turns at it, in the order in which they asked:
 * by a mutex one that has much to do would let nobody in between two batches.
 */
#ifndef LIB_LEDGER_TURNS_H
#define LIB_LEDGER_TURNS_H

#include <pthread.h>
#include <stdint.h>

struct turns {			/* turns_init / turns_clear */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t asked, served;
};
void turns_init(struct turns *t);
void turns_clear(struct turns *t);	/* nobody has one or waits for one */

/* Wait for mine; give it to the next. */
void turns_take(struct turns *t);
void turns_give(struct turns *t);

#endif
