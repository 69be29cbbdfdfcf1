/* SPDX-License-Identifier: ISC */
/* For whom a job is, and in what steps. */
#ifndef AGENT_CLI_JOB_H
#define AGENT_CLI_JOB_H

#include "agent/fleet/fleet.h"

/* The ids in FILE, one a line; what follows after a blank is passed over, as
 * are lines that begin with '#'.  Appended.  ERR_PARSE: not an id, or none. */
int  fleet_read_hosts(const char *path, struct strs *out, struct err *e)
     MUST_CHECK;

/*
 * The hosts of FILE (NULL: none) and of said, each once and sorted; on, when
 * not NULL, takes those it matches.  It may ask for id and role alone: what a
 * host says of itself is not known here.  ERR_USAGE: none were named, or none
 * match, or on is no such expression.
 */
int  job_hosts(const struct fleet *f, const char *file, const struct strs *said,
     const char *on, struct strs *out, struct err *e) MUST_CHECK;

/* A host as it was accepted. */
struct job_who {
	const char	  *id;
	const struct strs *roles;	/* beside fleet.yaml's; NULL: none */
};
/* Those of v that on matches (it may ask for id and role; NULL: all), sorted,
 * each once.  ERR_USAGE, ERR_NOMEM. */
int  job_choose(const struct fleet *f, const struct job_who *v, size_t n,
     const char *on, struct strs *out, struct err *e) MUST_CHECK;

struct batches {		/* zero-initialise; batches_clear */
	struct strs *v;
	size_t	     n;
};
void batches_clear(struct batches *b);
/*
 * "1,10%": a host, then a tenth of all (rounded up), then the rest.  Steps for
 * which no host is left are not made.  ERR_USAGE, ERR_NOMEM.
 */
int  batches_split(const struct strs *hosts, const char *steps,
     struct batches *out, struct err *e) MUST_CHECK;

#endif
