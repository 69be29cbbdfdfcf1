/* SPDX-License-Identifier: ISC */
/*
 * What the auditor's questions about logins have in common: what hosts saw, which
 * the fleet's own program asks a master for, and what the logs of -C DIR issued.
 */
#ifndef CA_CLI_AUDIT_USES_H
#define CA_CLI_AUDIT_USES_H

#include "ca/audit/uses.h"
#include "ca/cli/audit.h"

#define USES_SPAN "24h" /* before now, unless --since says it */

/* Options of every such command. */
#define USES_ASKED                                                            \
	{'i', NULL, "KEY", "your key, to be known by at the master"},         \
	{0, "master", "ADDRESS", "ask this one (default: the fleet's first)"}
#define USES_UTC                                                              \
	{0, "utc", NULL, "times in UTC (JSON and CSV always have them so)"}
#define USES_OPTIONS USES_ASKED, USES_UTC, CLI_JSON, CLI_CSV

struct asked_uses {		/* zero-initialise / asked_uses_clear */
	struct place  place;
	struct uses   uses;
	struct issued issued;	/* of these logins */
	struct revocations revoked;
	int64_t	      since;
	/* Set before: the ends of sessions, and sudos, as well; and how far
	 * back without --since (NULL: USES_SPAN). */
	bool	      ends, sudos;
	bool	      unused;	/* certificates since then that nobody used */
	const char   *span;
};
/*
 * Logins as --host, --account, --since and --until of a say, and the
 * certificates that may have been used since then.  Positive: the status with
 * which writ-fleet ended, which has said why.  Else as place_open(),
 * child_run(), uses_read(), audit_log_each(); ERR_USAGE.
 */
int  asked_uses_get(struct cli_args *a, struct asked_uses *q, struct err *e)
     MUST_CHECK;
void asked_uses_clear(struct asked_uses *q);

/* writ-fleet WORD --json ... of -C DIR, and its rows; as above.  The caller has
 * the reference. */
int  ask_fleet(struct cli_args *a, const char *const *words, json_t **rows,
     struct err *e) MUST_CHECK;

/* Everything that is wrong with what was asked, and hosts besides.  As above. */
struct gaps;
int  asked_gaps(struct cli_args *a, struct asked_uses *q, struct gaps *out,
     struct err *e) MUST_CHECK;

/* A --person that is none finds nothing, which is no answer to who mistyped it:
 * warn. */
void say_unknown_person(const struct cli_args *a, const struct policy *p);

/* For people in their zone, unless --utc; returns out. */
#define WHEN_TEXT 64
const char *format_when(int64_t when, const struct cli_args *a,
    char out[WHEN_TEXT]);
/* The same as a cell. */
void add_when(struct table *t, int64_t when, const struct cli_args *a);

#endif
