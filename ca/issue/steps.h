/* SPDX-License-Identifier: ISC */
/*
 * The steps of issue_decide(), for the files of ca/issue and their tests alone.
 *
 * A step answers 0 to go on, ISSUE_STOP when it has set the verdict, or a
 * negative code when it could not find out.
 */
#ifndef CA_ISSUE_STEPS_H
#define CA_ISSUE_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/issue/issue.h"

#define ISSUE_STOP 1

struct issue_step {
	const struct issue_input *in;
	struct issue_result	 *r;
	const struct request	 *q;	 /* of in->request */
	struct sk_flags		  flags; /* of the asker's signatures */
	bool			  asking; /* nobody signed: in->who asks */
	const char		 *id;	  /* of who asks, for the key id */
	struct request		  renewal; /* what a renewal comes to; q then */
};

/* Set the verdict to refused, by this rule; the answer is ISSUE_STOP. */
int issue_refuse(struct issue_result *r, const char *rule, const char *fmt,
    ...) PRINTF_LIKE(3, 4);
/* An answer of lib/ssh/lint.h: ERR_DENIED becomes a refusal. */
int issue_lint_answer(struct issue_result *r, const char *rule, int answer,
    const struct err *why);

/* rules.c: of this realm, under a policy that still holds. */
int issue_check_realm(struct issue_step *s) MUST_CHECK;
int issue_check_policy(struct issue_step *s) MUST_CHECK;
/* rules.c: not made ahead of its time, and within the grant's wait. */
int issue_check_clock(struct issue_step *s) MUST_CHECK;
/* rules.c: neither serial nor key id was revoked before. */
int issue_check_revoked(struct issue_step *s) MUST_CHECK;

/* renew.c: all of it, for a host that was accepted and asks for its own
 * certificate. */
int issue_decide_renewal(struct issue_step *s) MUST_CHECK;

/* rules.c: who asks, under which grant.  Fills requester, grant and terms. */
int issue_check_asker(struct issue_step *s) MUST_CHECK;
/* rules.c: everything about the request that no decision can mend. */
int issue_check_request(struct issue_step *s) MUST_CHECK;

/* options.c: what the certificate may carry. */
int issue_check_principals(struct issue_step *s) MUST_CHECK;
int issue_check_source(struct issue_step *s) MUST_CHECK;
int issue_check_force_command(struct issue_step *s) MUST_CHECK;
int issue_check_extensions(struct issue_step *s) MUST_CHECK;

/* outcome.c: what request and grant make together, before any decision. */
int issue_fill_shown(struct issue_step *s) MUST_CHECK;
/* Which field of `wanted` goes beyond `given`?  NULL: none does.  Lengths are
 * not compared, since the shorter one is issued. */
const char *issue_outcome_beyond(const struct outcome *given,
    const struct outcome *wanted);

/*
 * approvals.c: count the decisions.  *met is when the last approval that was
 * needed was given, *length the shortest of what was shown and what the
 * decisions allow.  Stops with waiting, or refused where somebody denied.
 */
int issue_count_decisions(struct issue_step *s, int64_t *met,
    int64_t *length) MUST_CHECK;

/* build.c: validity and certificate; sets the last verdict. */
int issue_build(struct issue_step *s, int64_t met, int64_t length) MUST_CHECK;

/*
 * hours.c.  Local wall clock decides: a window holds its first second and not
 * its last; one that ends at or before its start goes past midnight and
 * belongs to the day it began.  h->has_rule must be true.
 */
bool issue_hours_hold(const struct hours *h, int64_t t);
/* The end of the hours that hold t, or limit where that is earlier.  Windows
 * that touch count as one. */
int64_t issue_hours_end(const struct hours *h, int64_t t, int64_t limit);
/* The first whole minute after t that they hold, within 8 days; else -1. */
int64_t issue_hours_next(const struct hours *h, int64_t t);

#endif
