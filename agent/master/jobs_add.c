/* SPDX-License-Identifier: ISC */
/* A new order: its hosts and batches, and what it takes from older ones. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/jobs_impl.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

#define JOBS_MAX (16 * 1024 * 1024)

static int
grow(struct jobs *j, uint32_t host, struct err *e)
{
	size_t n = j->n_slots == 0 ? 64 : j->n_slots;
	struct slot *v;

	if (host >= JOBS_HOSTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d hosts",
		    JOBS_HOSTS_MAX);
	if (host < j->n_slots)
		return 0;
	while (n <= host)
		n *= 2;
	if ((v = reallocarray(j->slots, n, sizeof(*v))) == NULL)
		return err_nomem(e);
	memset(v + j->n_slots, 0, (n - j->n_slots) * sizeof(*v));
	j->slots = v;
	j->n_slots = n;
	return 0;
}

static int
count_batches(struct job *n, const struct job_place *v, struct err *e)
{
	for (size_t i = 0; i < n->n_hosts; i++) {
		if (v[i].batch == 0)
			return err_set(e, ERR_PARSE, "a host in batch 0");
		if (v[i].batch > n->n_batches)
			n->n_batches = v[i].batch;
	}
	if ((n->batches = calloc(n->n_batches, sizeof(*n->batches))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n->n_hosts; i++)
		n->batches[v[i].batch - 1].n++;
	for (unsigned b = 0; b < n->n_batches; b++)
		if (n->batches[b].n == 0)
			return err_set(e, ERR_PARSE, "batch %u has no host",
			    b + 1);
	return 0;
}

/* order: places in hosts, those of batch 1 first. */
static int
sort_batches(struct job *n, struct err *e)
{
	uint32_t *next, at = 0;

	if ((next = calloc(n->n_batches, sizeof(*next))) == NULL)
		return err_nomem(e);
	for (unsigned b = 0; b < n->n_batches; b++) {
		next[b] = at;
		at += n->batches[b].n;
	}
	for (size_t i = 0; i < n->n_hosts; i++)
		n->order[next[n->hosts[i].batch - 1]++] = (uint32_t)i;
	free(next);
	return 0;
}

static int
fill(struct jobs *j, struct job *n, const struct job_place *v, struct err *e)
{
	int r;

	if (n->n_hosts == 0)
		return err_set(e, ERR_PARSE, "an order to no host");
	if ((r = count_batches(n, v, e)) != 0)
		return r;
	n->hosts = calloc(n->n_hosts, sizeof(*n->hosts));
	n->order = calloc(n->n_hosts, sizeof(*n->order));
	if (n->hosts == NULL || n->order == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n->n_hosts; i++) {
		n->hosts[i].host = v[i].host;
		n->hosts[i].batch = v[i].batch;
		n->hosts[i].place = (uint32_t)i;
		if ((r = grow(j, v[i].host, e)) != 0)
			return r;
	}
	qsort(n->hosts, n->n_hosts, sizeof(*n->hosts), job_by_host);
	for (size_t i = 1; i < n->n_hosts; i++)
		if (n->hosts[i].host == n->hosts[i - 1].host)
			return err_set(e, ERR_PARSE, "a host twice");
	return sort_batches(n, e);
}

/* What is over, and nobody's target, goes once there are many. */
static void
forget_old(struct jobs *j)
{
	size_t idle = 0, n = 0;

	for (size_t i = 0; i < j->n; i++)
		idle +=
		    j->v[i]->n_targets == 0 && j->v[i]->state != JOB_RUNNING;
	for (size_t i = 0; i < j->n; i++) {
		struct job *old = j->v[i];

		if (idle <= JOBS_KEPT || old->n_targets > 0 ||
		    old->state == JOB_RUNNING) {
			j->v[n++] = old;
			continue;
		}
		idle--;
		for (size_t k = 0; k < old->n_hosts; k++)
			if (j->slots[old->hosts[k].host].newest == old)
				j->slots[old->hosts[k].host].newest = NULL;
		job_free(old);
	}
	j->n = n;
}

int
jobs_add(struct jobs *j, const struct job *order, const struct job_place *v,
    size_t n, struct err *e)
{
	char was[CLOCK_TEXT], is[CLOCK_TEXT];
	const struct job *last = j->n > 0 ? j->v[j->n - 1] : NULL;
	struct job *new;
	int r;

	if (job_of(j, &order->name) != NULL)
		return JOBS_AGAIN;
	if (last != NULL && order->at <= last->at) {
		clock_format(last->at, was);
		clock_format(order->at, is);
		return err_set(e, ERR_ROLLBACK,
		    "job of %s is not newer than the last one, of %s", is, was);
	}
	if (vec_grow(&j->v, j->n, &j->cap, JOBS_MAX) != 0 ||
	    (new = calloc(1, sizeof(*new))) == NULL)
		return err_nomem(e);
	*new = *order;
	new->state = JOB_RUNNING;
	new->n_batches = new->opened = 0;
	new->failures = 0;
	new->batches = NULL;
	new->hosts = NULL;
	new->order = NULL;
	new->n_targets = 0;
	new->n_hosts = n;
	if ((r = fill(j, new, v, e)) != 0) {
		job_free(new);
		return r;
	}
	forget_old(j);
	j->v[j->n++] = new;
	for (size_t i = 0; i < n; i++)
		job_replace(j, v[i].host, new);
	return 0;
}
