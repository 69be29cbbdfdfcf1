/* SPDX-License-Identifier: ISC */
/*
 * Acceptances by a token among the leaves of a master's log: the one kind of
 * leaf of which the log's signer looks at what it says.
 *
 * Whoever has the keeper and a token's key, and the token expired long ago, is
 * not to date an acceptance back.  Nobody signs when a leaf came, so the signer
 * asks its own clock; all else about the acceptance is judged by those who go by
 * it.  Pure.
 */
#ifndef AGENT_MASTER_LOG_TOKEN_H
#define AGENT_MASTER_LOG_TOKEN_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypto/hash.h"

#define LOG_TOKEN_LATE 60	/* seconds past its end a token is let pass */

/* A leaf, and the statement of the token that it is an acceptance by; that is
 * empty (n 0) for every other leaf.  Borrowed. */
struct log_leaf {
	struct slice bytes, token;
};

/*
 * Is the leaf an acceptance by a token?  1: yes, *token names its statement; 0:
 * no, nor is what nobody could read as one.  ERR_NOMEM.
 */
int log_token_of(struct slice leaf, struct hash *token, struct err *e)
    MUST_CHECK;

/*
 * May this leaf be in a log that the signer knew, at `at`, without it?  What is
 * no acceptance by a token may.  at 0: no time is known, and none is asked.
 *
 * ERR_DENIED	its token is not the one that it names
 * ERR_EXPIRED	the token expired more than LOG_TOKEN_LATE seconds before
 * ERR_NOMEM
 */
int log_token_check(const struct log_leaf *leaf, int64_t at, struct err *e)
    MUST_CHECK;

#endif
