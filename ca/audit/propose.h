/* SPDX-License-Identifier: ISC */
/*
 * A first audit.yaml, of the logins that nothing explains and an exception
 * could.
 *
 * What happens is not yet what may: `reason` and `owner` are left empty, and as
 * long as one is, the policy that has this file is refused.  Pure.
 */
#ifndef CA_AUDIT_PROPOSE_H
#define CA_AUDIT_PROPOSE_H

#include "ca/audit/known.h"

#define PROPOSE_DAYS 90	/* until what is proposed expires */

struct proposed {
	size_t n_exceptions;	/* 0: the text is of no use */
	size_t n_logins;	/* that they would except */
	size_t n_others;	/* unexplained, and no exception could be for */
};
/*
 * Appended to out.  One exception for each account and key, or CA that is none
 * of the policy, with all hosts by name; what p excepts already is left out.
 * Others, and what no exception may name (an account or a host that is none),
 * are told in comments.  ERR_NOMEM.
 */
int propose_write(const struct uses *u, struct issued *s,
    const struct policy *p, int64_t since, int64_t now, struct str *out,
    struct proposed *n) MUST_CHECK;

#endif
