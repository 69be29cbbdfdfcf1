/* SPDX-License-Identifier: ISC */
/*
 * A thread that brings the copies of a log up to date, for a process that stays.
 * It has its turn at the log while it reads it, and gives that away for as long
 * as it waits for a copy: one that is slow or away delays nobody.
 *
 * NULL stands for no copies in all of these but copier_new().
 */
#ifndef LIB_LEDGER_COPIER_H
#define LIB_LEDGER_COPIER_H

#include "lib/base/err.h"
#include "lib/ledger/ledger.h"
#include "lib/ledger/turns.h"

struct copier; /* opaque; copier_free */

/*
 * The turns are those of all who use the log, and are borrowed.  news() is told
 * after each round, from the thread and in its turn: what the copies have may be
 * another.  ERR_NOMEM.
 */
int  copier_new(struct turns *turns, void (*news)(void *ctx), void *ctx,
     struct copier **out, struct err *e) MUST_CHECK;
/* The thread; it does nothing before copier_of().  ERR_SYS. */
int  copier_start(struct copier *c, struct err *e) MUST_CHECK;
/* A last round, where one was asked for and the thread was started; then that has
 * ended.  In nobody's turn. */
void copier_free(struct copier *c);

/* In one's turn, or before there is a thread: l was opened, and its copies are the
 * thread's until copier_hold().  A first round begins. */
void copier_of(struct copier *c, struct ledger *l);
/* In one's turn, which is given away meanwhile, or before there is a thread: wait
 * for the end of a round.  The ledger is let go of, and may be closed. */
void copier_hold(struct copier *c);

/* There is more to copy. */
void copier_ask(struct copier *c);
/*
 * The thread was started.  In one's turn, which is given away meanwhile: wait until
 * each copy was compared or did not answer, which it has to before a head is
 * signed, as one may be ahead of us.  That is a wait after copier_of() alone, of
 * LEDGER_COPY_AGAIN seconds or so at most.
 */
void copier_meet(struct copier *c);

#endif
