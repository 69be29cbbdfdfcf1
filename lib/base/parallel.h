/* SPDX-License-Identifier: ISC */
/*
 * The same work on many items, on all cores.
 */
#ifndef LIB_BASE_PARALLEL_H
#define LIB_BASE_PARALLEL_H

#include <stddef.h>

#include "lib/base/err.h"

/*
 * Call work(ctx, i) once for each i in [0, n), from several threads at a time
 * (one a core, at most 16; few items: the caller's alone).  Returns when all
 * calls have returned.  work() reports through ctx, each item in a place of its
 * own.  Where no thread can be started the caller does it all: never fails.
 */
void parallel_for(size_t n, void (*work)(void *ctx, size_t i), void *ctx);
/*
 * The same for work that can fail.  All of it is done; 0, or what the first
 * item (of the lowest i) that failed has returned, with its reason in e.
 */
int parallel_try(size_t n, int (*work)(void *ctx, size_t i, struct err *e),
    void *ctx, struct err *e) MUST_CHECK;

/*
 * From now on the threads of this process stay for the next time, where they are
 * not busy for another thread: one that is begun and ended costs as much as a
 * signature.  For a process that has sealed itself, as threads of before would
 * have more rights than it, and that forks no more.  They end with it.
 */
void parallel_keep(void);

#endif
