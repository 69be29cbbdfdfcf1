/* SPDX-License-Identifier: ISC */
/* Batches open and orders end, as hosts come, report and leave. */
#include "agent/master/jobs_impl.h"

/* --- batches -------------------------------------------------------------- */

static const uint32_t *
hosts_of(const struct job *n, unsigned batch)
{
	const uint32_t *v = n->order;

	for (unsigned b = 1; b < batch; b++)
		v += n->batches[b - 1].n;
	return v;
}

static bool
can_tell(struct jobs *j, const struct job *n, unsigned batch)
{
	const uint32_t *v = hosts_of(n, batch);

	for (uint32_t i = 0; i < n->batches[batch - 1].n; i++) {
		const struct job_host *h = &n->hosts[v[i]];

		if (h->part != JOB_REPLACED &&
		    j->ops->presence(j->ctx, h->host) == HOST_UNKNOWN)
			return false;
	}
	return true;
}

static void
open_host(struct jobs *j, struct job *n, struct job_host *h, bool away)
{
	if (h->part == JOB_CLOSED)
		job_set_part(n, h, away ? JOB_AWAY : JOB_WAITING);
	if (j->slots[h->host].newest == n)
		job_set_target(j, h->host, n);
}

static void
open_next(struct jobs *j, struct job *n)
{
	const uint32_t *v = hosts_of(n, ++n->opened);

	for (uint32_t i = 0; i < n->batches[n->opened - 1].n; i++) {
		struct job_host *h = &n->hosts[v[i]];

		if (h->part == JOB_REPLACED)
			continue;
		open_host(j, n, h,
		    j->ops->presence(j->ctx, h->host) != HOST_THERE);
		j->ops->target(j->ctx, h->host, n);
	}
	j->ops->changed(j->ctx, n);
}

/* Is nobody waited for, and has somebody of each batch spoken? */
static bool
batch_is_in(const struct job_batch *b)
{
	return b->waiting == 0 && (b->reported > 0 || b->replaced == b->n);
}

static bool
open_ones_are_in(const struct job *n)
{
	for (unsigned b = 0; b < n->opened; b++)
		if (!batch_is_in(&n->batches[b]))
			return false;
	return true;
}

static void
end(struct jobs *j, struct job *n, enum job_state state)
{
	n->state = state;
	j->ops->changed(j->ctx, n);
}

static void
turn_one(struct jobs *j, struct job *n, int64_t now)
{
	while (n->state == JOB_RUNNING) {
		if (n->failures > n->max_failures)
			end(j, n, JOB_STOPPED);
		else if (open_ones_are_in(n) && n->opened == n->n_batches)
			end(j, n, JOB_DONE);
		else if (now > n->expires)
			end(j, n, JOB_EXPIRED);
		else if (open_ones_are_in(n) && can_tell(j, n, n->opened + 1))
			open_next(j, n);
		else
			return;
	}
}

void
jobs_turn(struct jobs *j, int64_t now)
{
	for (size_t i = 0; i < j->n; i++)
		turn_one(j, j->v[i], now);
}

/* --- hosts ---------------------------------------------------------------- */

static void
take_report(struct job *n, struct job_host *h, enum run_outcome outcome)
{
	bool failed =
	    h->part == JOB_REPORTED && run_outcome_is_failure(h->outcome);

	job_set_part(n, h, JOB_REPORTED);
	/* A host that failed has failed, whatever it does afterwards. */
	if (failed)
		return;
	h->outcome = (uint8_t)outcome;
	n->failures += run_outcome_is_failure(outcome);
}

int
jobs_report(struct jobs *j, uint32_t host, const struct hash *job,
    enum run_outcome outcome)
{
	struct job *n = job_of(j, job);
	struct job_host *h = n != NULL ? job_part_of(n, host) : NULL;

	/* Of a batch that is not open it cannot know: nobody gave it that. */
	if (h == NULL || h->batch > n->opened)
		return 1;
	take_report(n, h, outcome);
	return 0;
}

void
jobs_came(struct jobs *j, uint32_t host)
{
	struct job *n = host < j->n_slots ? j->slots[host].target : NULL;
	struct job_host *h = n != NULL ? job_part_of(n, host) : NULL;

	if (h != NULL && h->part == JOB_AWAY)
		job_set_part(n, h, JOB_WAITING);
}

void
jobs_left(struct jobs *j, uint32_t host)
{
	if (host >= j->n_slots)
		return;
	job_replace(j, host, NULL);
	if (j->slots[host].target != NULL)
		j->ops->target(j->ctx, host, NULL);
	job_set_target(j, host, NULL);
	j->slots[host].version = 0;
}

/* --- from what was kept --------------------------------------------------- */

void
jobs_restore(struct jobs *j, const struct hash *name, unsigned opened,
    enum job_state state)
{
	struct job *n = job_of(j, name);

	if (n == NULL)
		return;
	n->state = state;
	while (n->opened < opened && n->opened < n->n_batches) {
		const uint32_t *v = hosts_of(n, ++n->opened);

		for (uint32_t i = 0; i < n->batches[n->opened - 1].n; i++)
			open_host(j, n, &n->hosts[v[i]], false);
	}
}

void
jobs_restore_away(struct jobs *j, const struct hash *name, uint32_t host)
{
	struct job *n = job_of(j, name);
	struct job_host *h = n != NULL ? job_part_of(n, host) : NULL;

	if (h != NULL && h->part == JOB_WAITING)
		job_set_part(n, h, JOB_AWAY);
}

void
jobs_restore_report(struct jobs *j, const struct hash *name, uint32_t host,
    enum run_outcome outcome)
{
	struct job *n = job_of(j, name);
	struct job_host *h = n != NULL ? job_part_of(n, host) : NULL;

	if (h != NULL && h->batch <= n->opened)
		take_report(n, h, outcome);
}
