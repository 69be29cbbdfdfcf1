/* SPDX-License-Identifier: ISC */
/*
 * What the logs of a fleet and those of a CA say of each other; inside ca/audit
 * alone.
 *
 * The fleet's logs are gone through first and the CA's after them.  So whatever
 * a host saw used was issued, if it was, in what is read later; and what the CA
 * issued counts only as far as the fleet's logs had come.
 */
#ifndef CA_AUDIT_ACROSS_H
#define CA_AUDIT_ACROSS_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/audit/audit_impl.h"

#define ACROSS_CLOCKS_OFF 300	/* seconds between a CA's and a master's */

/* A certificate as logins showed it; each once. */
struct across_use {
	struct hash name;	/* of all that tells it from others */
	struct hash ca, key;	/* the CA's key, and the plain one */
	struct hash tbs;	/* of all of it, where the host had it */
	bool	    has_key, has_tbs;
	uint64_t    serial;
	char	   *object;	/* where the first of them stands */
	uint64_t    index;
	uint64_t    count;	/* of logins */
	bool	    of_policy;	/* its CA was one of the policy there */
	bool	    met;	/* a log has it */
	bool	    other;	/* a log has that serial, of another key or of
				   other content */
};
/* A statement that makes a host one. */
struct across_act {
	struct hash name;
	char	   *object;	/* of what ended it; NULL: nothing did */
	const char *how;	/* "rejected", static */
	uint64_t    index;
	uint64_t    nth_log;	/* of those of the fleet, that has it */
	int64_t     over;	/* the tick after it there; 0: none came yet */
};
struct across_policy {
	uint64_t    version, index;
	struct hash hash;
	char	   *object;
};
struct audit_across {		/* zero-initialise / across_clear */
	bool		   fleet;	/* the fleet's logs, not the CA's yet */
	struct across_use *uses;
	size_t		   n_uses, cap_uses;
	struct audit_table table;	/* by name: uses, and acts */
	struct across_act *acts;	/* who is a host, by the fleet's logs */
	size_t		   n_acts, cap_acts;
	size_t		   n_open;	/* ended since the last tick */
	struct across_policy *policies;
	size_t		   n_policies, cap_policies;
	uint64_t	   n_logs;	/* of the fleet */
	struct hash	   logs;	/* of their names */
	int64_t		   until;	/* the earliest of their last ticks */
	uint64_t	   krl, krl_index;	/* the newest that they name */
	char		  *krl_object;
	uint64_t	   krl_ca;	/* the newest that the CA made */
};
void across_clear(struct audit_across *x);

/* All of these do nothing where a->across is NULL.  Failures: ERR_NOMEM. */

/* In the fleet's logs: a report; who is a host; a list that a tick names. */
int across_report(struct audit *a, uint64_t index,
    const struct report_statement *r) MUST_CHECK;
int across_act(struct audit *a, const struct hash *statement) MUST_CHECK;
/* That acceptance ended at index: its host was `how` ("rejected", static), of
 * which the first counts; a tick came. */
int across_ended(struct audit *a, uint64_t index, const struct hash *accept,
    const char *how) MUST_CHECK;
void across_tick_at(struct audit *a, int64_t at);
/* Did one end since the last tick? */
bool across_is_open(const struct audit *a);
int across_list(struct audit *a, uint64_t index, uint64_t version) MUST_CHECK;
/* In any: the same version is the same policy everywhere. */
int across_policy(struct audit *a, uint64_t index, const struct statement *s)
    MUST_CHECK;
/* Between the fleet's logs and the CA's. */
void across_turn(struct audit_across *x);
/* Was a certificate of that serial used? */
bool across_asks(const struct audit *a, uint64_t serial);
/* In the CA's: a certificate; one that a host renewed.  index: of its leaf. */
int across_issued(struct audit *a, const struct issue_leaf *l) MUST_CHECK;
void across_renewed(struct audit *a, uint64_t index,
    const struct issue_leaf *l);
/* After each log. */
void across_log(struct audit *a);
/* After all of them. */
void across_finish(const struct audit_across *x, struct audit_report *r);

#endif
