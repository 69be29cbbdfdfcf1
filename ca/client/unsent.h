/* SPDX-License-Identifier: ISC */
/*
 * Signed statements on their way: sent, or kept in DIR/unsent until they can be.
 * A signature may have cost a touch of a token, so it is not thrown away for
 * want of a network.
 */
#ifndef CA_CLIENT_UNSENT_H
#define CA_CLIENT_UNSENT_H

#include <jansson.h>

#include "ca/client/remote.h"

#define SUBMIT_MAX 200	/* statements a call */

/*
 * Submit them, in order.  *status: the worst of the results; *results: the
 * array "results" (json_decref).  As remote_call().
 */
int unsent_submit(struct remote *r, const struct strs *statements, int *status,
    json_t **results, struct err *e) MUST_CHECK;

/* Keep one for later. */
int unsent_keep(const struct profile *p, const char *text, struct err *e)
    MUST_CHECK;
/* Send what was kept, and tell of each what became of it.  What the CA answered
 * for is kept no longer, whatever the answer, unless it could not record it. */
int unsent_flush(struct remote *r, struct err *e) MUST_CHECK;

#endif
