/* SPDX-License-Identifier: ISC */
/*
 * Things in an order in which each comes after what it needs, or the cycle that
 * makes that impossible.  Pure.
 */
#ifndef AGENT_FLEET_ORDER_H
#define AGENT_FLEET_ORDER_H

#include <stddef.h>

#include "lib/base/err.h"

#define ORDER_END  ((size_t)-1)	/* it needs no more */
#define ORDER_SKIP ((size_t)-2)	/* this one does not count */
#define ORDER_CYCLE 1

/*
 * needs: the k-th thing that i needs, below n, or ORDER_END, ORDER_SKIP.
 * out (n of them): 0 to n - 1, the lowest first that the rest allows.
 * ORDER_CYCLE: out begins with the *n_cycle members of one, each of which needs
 * the next, and the last the first; *edge is which of the last's needs that is.
 * ERR_NOMEM.
 */
int order_sort(size_t n,
    size_t (*needs)(const void *ctx, size_t i, size_t k), const void *ctx,
    size_t *out, size_t *n_cycle, size_t *edge) MUST_CHECK;

#endif
