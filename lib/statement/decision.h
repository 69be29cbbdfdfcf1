/* SPDX-License-Identifier: ISC */
/*
 * Making a decision: requests that would come to the same share an outcome.
 * Pure.
 */
#ifndef LIB_STATEMENT_DECISION_H
#define LIB_STATEMENT_DECISION_H

#include "lib/base/err.h"
#include "lib/statement/statement.h"

/*
 * Room for n subjects in all, at most DECISION_REQUESTS_MAX; d is new.
 * ERR_NOMEM: what there is of it goes with statement_clear().
 */
int decision_room(struct decision *d, size_t n) MUST_CHECK;
/* A request, under the outcome that was shown of it (copied), once however often
 * it is added; there must be room.  ERR_NOMEM. */
int decision_add_request(struct decision *d, const struct outcome *shown,
    const struct hash *request) MUST_CHECK;
/* A key statement; there must be room. */
void decision_add_key(struct decision *d, const struct hash *key);

#endif
