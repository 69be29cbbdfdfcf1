/* SPDX-License-Identifier: ISC */
/* What the files of jobs share; for them alone. */
#ifndef AGENT_MASTER_JOBS_IMPL_H
#define AGENT_MASTER_JOBS_IMPL_H

#include "agent/master/jobs.h"

/* A host, as orders see it. */
struct slot {
	struct job *newest; /* that names it, open or not */
	struct job *target;
	uint64_t version; /* of the last target that enforces */
};

struct jobs {
	const struct jobs_ops *ops;
	void *ctx;
	struct job **v; /* by age */
	size_t n, cap;
	struct slot *slots;
	size_t n_slots;
};

/* --- jobs.c */

/* NULL allowed. */
void job_free(struct job *j);
/* NULL: there is none. */
struct job *job_of(const struct jobs *j, const struct hash *name);
/* For qsort() and bsearch() of struct job_host. */
int  job_by_host(const void *a, const void *b);
/* NULL: it does not name the host. */
struct job_host *job_part_of(const struct job *j, uint32_t host);
/* The host's part, and with it the counts of its batch. */
void job_set_part(struct job *j, struct job_host *h, enum job_part part);
/* to: NULL, it has none any more. */
void job_set_target(struct jobs *j, uint32_t host, struct job *to);
/* Out of the older order, which does not wait for it any more. */
void job_replace(struct jobs *j, uint32_t host, struct job *by);

#endif
