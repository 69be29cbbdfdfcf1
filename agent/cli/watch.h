/* SPDX-License-Identifier: ISC */
/* A job that runs: followed to its end, and told of. */
#ifndef AGENT_CLI_WATCH_H
#define AGENT_CLI_WATCH_H

#include "agent/cli/online.h"
#include "lib/trust/fleet_job.h"

/* What is followed. */
struct watched {
	struct hash name;	/* of the job's statement */
	uint64_t    version;	/* of the fleet */
	bool	    enforce;
	struct targets targets;
};
/* Can what WATCH_OPTIONS ask for be written?  Before a key is used and a job is
 * there.  ERR_USAGE, ERR_SYS, ERR_NOMEM. */
int  watch_check(const struct cli_args *a, struct err *e) MUST_CHECK;
/*
 * Follow it, a line for each host, until it ends or Ctrl-C, which leaves it
 * running; then say how it went, by the options WATCH_OPTIONS.  A connection
 * that is lost is made anew.  The answer is an exit status, or ERR_*; ERR_WAIT:
 * left before its end.
 */
int  watch_job(struct online *o, const struct watched *w,
     const struct cli_args *a, struct err *e) MUST_CHECK;

/* The difference of that name on a host, for a terminal; ERR_CORRUPT: what came
 * has another hash. */
int  watch_diff(struct online *o, const char *host, const struct hash *name,
     struct str *out, struct err *e) MUST_CHECK;

/* When the newest job that a master has was made; 0: none, or it does not say. */
int64_t jobs_newest(struct online *o);

#define WATCH_OPTIONS							     \
	{0, "diff", NULL, "print what changed in files, once it has ended"}, \
	{0, "junit", "FILE", "write how it went as JUnit's XML"}, CLI_JSON

#endif
