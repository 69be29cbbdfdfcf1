/* SPDX-License-Identifier: ISC */
/*
 * How a job goes: what each host of it has said, as a master tells it.
 *
 * Which hosts there are, and in which batches, is the signed TARGETS' to say;
 * news of another host are said and not counted.  Pure.
 */
#ifndef AGENT_CLIENT_PROGRESS_H
#define AGENT_CLIENT_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/statement.h"
#include "lib/trust/fleet_job.h"

struct progress_host {
	const char *host;	/* of the targets */
	unsigned    batch;
	bool	    said;	/* has reported, and: */
	enum run_outcome outcome;
	char	   *message;	/* NULL: none */
	struct report_change *changes;
	size_t	    n_changes;
	uint64_t    more;	/* changes that are not listed */
};

/* How it ended. */
enum progress_end {
	PROGRESS_RUNNING,	/* not yet, as far as is known here */
	PROGRESS_DONE,
	PROGRESS_STOPPED,	/* too many failed; no further batch opened */
	PROGRESS_EXPIRED,	/* some were not there in time */
};

struct progress {		/* progress_new / progress_clear */
	const struct targets *targets;	/* borrowed */
	struct progress_host *v;	/* as targets->v */
	size_t	n, n_said;
	bool	enforce;
	enum progress_end end;
};
int  progress_new(struct progress *p, const struct targets *t, bool enforce)
     MUST_CHECK;
void progress_clear(struct progress *p);

/*
 * News of a host: {"host","outcome","message","changes"}.  A host may be told
 * of again; what it said last holds.  Appends the line for people to out
 * (without its end), or nothing where nothing is new.  ERR_PARSE, ERR_LIMIT: no
 * such news (which field).
 */
int  progress_news(struct progress *p, const json_t *news, struct str *out,
     struct err *e) MUST_CHECK;
/* The answer at the end: {"outcome"}.  ERR_PARSE. */
int  progress_finish(struct progress *p, const json_t *answer, struct err *e)
     MUST_CHECK;

/* How many said what. */
struct progress_counts {
	size_t of[RUN_REFUSED + 1];	/* by enum run_outcome */
	size_t silent;
};
void progress_count(const struct progress *p, struct progress_counts *out);

/*
 * The exit status: 0 where every host has said that it is as it should be;
 * EXIT_REFUSED where one failed, undid or refused, or the job was stopped;
 * EXIT_WAITING where some have not said anything yet.
 */
int  progress_status(const struct progress *p);

/* "12 hosts: 3 changed, 8 unchanged, 1 undone; stopped". */
void progress_summary(const struct progress *p, struct str *out);
/* As an object of JSON; name: of the job. */
void progress_json(const struct progress *p, const struct hash *name,
     uint64_t version, struct str *out);
/* As JUnit's XML: a test case a host. */
void progress_junit(const struct progress *p, const struct hash *name,
     uint64_t version, struct str *out);

#endif
