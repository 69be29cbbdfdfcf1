/* SPDX-License-Identifier: ISC */
/* Orders at hand: found, and how hosts stand to them. */
#include "agent/master/jobs.h"

#include <stdlib.h>

#include "agent/master/jobs_impl.h"

const char *
job_state_name(enum job_state s)
{
	static const char *const names[] = {
	    [JOB_RUNNING] = "running",
	    [JOB_DONE] = "done",
	    [JOB_STOPPED] = "stopped",
	    [JOB_EXPIRED] = "expired",
	};

	return names[s];
}

const char *
job_part_name(enum job_part p)
{
	static const char *const names[] = {
	    [JOB_CLOSED] = "closed",
	    [JOB_WAITING] = "waiting",
	    [JOB_AWAY] = "away",
	    [JOB_REPLACED] = "replaced",
	    [JOB_REPORTED] = "reported",
	};

	return names[p];
}

void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	free(j->batches);
	free(j->hosts);
	free(j->order);
	free(j);
}

int
jobs_new(const struct jobs_ops *ops, void *ctx, struct jobs **out)
{
	struct jobs *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return ERR_NOMEM;
	j->ops = ops;
	j->ctx = ctx;
	*out = j;
	return 0;
}

void
jobs_free(struct jobs *j)
{
	if (j == NULL)
		return;
	for (size_t i = 0; i < j->n; i++)
		job_free(j->v[i]);
	free(j->v);
	free(j->slots);
	free(j);
}

/* --- looking -------------------------------------------------------------- */

struct job *
job_of(const struct jobs *j, const struct hash *name)
{
	/* The one asked for is nearly always among the last. */
	for (size_t i = j->n; i-- > 0;)
		if (hash_equal(&j->v[i]->name, name))
			return j->v[i];
	return NULL;
}

const struct job *
jobs_find(const struct jobs *j, const struct hash *name)
{
	return job_of(j, name);
}

const struct job *
jobs_at(const struct jobs *j, size_t i)
{
	return i < j->n ? j->v[i] : NULL;
}

const struct job *
jobs_target(const struct jobs *j, uint32_t host)
{
	return host < j->n_slots ? j->slots[host].target : NULL;
}

uint64_t
jobs_version(const struct jobs *j, uint32_t host)
{
	return host < j->n_slots ? j->slots[host].version : 0;
}

int
job_by_host(const void *a, const void *b)
{
	const struct job_host *x = a, *y = b;

	return x->host < y->host ? -1 : x->host > y->host;
}

struct job_host *
job_part_of(const struct job *j, uint32_t host)
{
	const struct job_host key = {.host = host};

	return bsearch(&key, j->hosts, j->n_hosts, sizeof(key), job_by_host);
}

const struct job_host *
job_host(const struct job *j, uint32_t host)
{
	return job_part_of(j, host);
}

/* --- how hosts stand ------------------------------------------------------ */

static void
count(struct job *j, const struct job_host *h, int by)
{
	struct job_batch *b = &j->batches[h->batch - 1];

	if (h->part == JOB_WAITING)
		b->waiting += (uint32_t)by;
	else if (h->part == JOB_REPLACED)
		b->replaced += (uint32_t)by;
	else if (h->part == JOB_REPORTED)
		b->reported += (uint32_t)by;
}

void
job_set_part(struct job *j, struct job_host *h, enum job_part part)
{
	count(j, h, -1);
	h->part = (uint8_t)part;
	count(j, h, 1);
}

void
job_set_target(struct jobs *j, uint32_t host, struct job *to)
{
	struct slot *s = &j->slots[host];

	if (s->target != NULL)
		s->target->n_targets--;
	s->target = to;
	if (to == NULL)
		return;
	to->n_targets++;
	if (to->enforce)
		s->version = to->version;
}

/* Out of the older order, which does not wait for it any more. */
void
job_replace(struct jobs *j, uint32_t host, struct job *by)
{
	struct slot *s = &j->slots[host];
	struct job *old = s->newest;
	struct job_host *h;

	s->newest = by;
	if (old == NULL || (h = job_part_of(old, host)) == NULL ||
	    h->part == JOB_REPORTED)
		return;
	job_set_part(old, h, JOB_REPLACED);
}
