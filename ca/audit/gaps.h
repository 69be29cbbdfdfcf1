/* SPDX-License-Identifier: ISC */
/*
 * What nothing explains: logins that no certificate of the log stands behind,
 * hosts that say nothing; certificates that nobody used; and apart from them
 * what audit.yaml says is known.  Pure.
 */
#ifndef CA_AUDIT_GAPS_H
#define CA_AUDIT_GAPS_H

#include "ca/audit/known.h"
#include "ca/audit/uses.h"

#define GAPS_SILENT_S (2 * 3600)	/* hosts report hourly, or more often */

struct gap {
	const char *kind;	/* "never issued", "silent"; static */
	bool	    alarm;	/* must not be; else merely to know of */
	int64_t	    at;		/* 0: no time of its own; of several the last */
	size_t	    count;	/* logins; 0: it is not about logins */
	char	   *host, *account, *person, *from;	/* NULL: none */
	char	   *what;	/* in words */
};
struct gaps {			/* zero-initialise / gaps_clear */
	struct gap *v;
	size_t	    n, cap;
	size_t	    n_alarms;
	size_t	    n_excepted;	/* logins */
};
void gaps_clear(struct gaps *g);

/* Appended, each in the order of what it is given, but those that an exception
 * of p excepts now.  ERR_NOMEM. */
int gaps_of_logins(struct gaps *g, const struct uses *u, struct issued *s,
    const struct policy *p, int64_t now) MUST_CHECK;
/* Those: "excepted", one for each exception and host, counted; and "expired",
 * the exceptions that except nothing any more.  ERR_NOMEM. */
int gaps_of_known(struct gaps *g, const struct uses *u, struct issued *s,
    const struct policy *p, int64_t now) MUST_CHECK;
/*
 * The rows that `writ fleet status --json` prints: hosts that are not connected
 * and were not heard of for GAPS_SILENT_S, and those with a gap in their reports.
 * ERR_PARSE (which row), ERR_NOMEM.
 */
int gaps_of_hosts(struct gaps *g, const json_t *rows, int64_t now,
    struct err *e) MUST_CHECK;
/* Certificates of since and later that are over, and that gaps_of_logins() or
 * uses_judge() did not meet. */
int gaps_of_unused(struct gaps *g, const struct issued *s, int64_t since,
    int64_t now) MUST_CHECK;

#endif
