/* SPDX-License-Identifier: ISC */
#include "agent/master/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"

#define JOBS_MAX (16 * 1024 * 1024)

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

bool
job_outcome_is_failure(enum run_outcome o)
{
	return o == RUN_FAILED || o == RUN_UNDONE || o == RUN_REFUSED;
}

static void
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

/* --- looking ----------------------------------------------------------------- */

static struct job *
find(const struct jobs *j, const struct hash *name)
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
	return find(j, name);
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

static int
by_host(const void *a, const void *b)
{
	const struct job_host *x = a, *y = b;

	return x->host < y->host ? -1 : x->host > y->host;
}

static struct job_host *
part_of(const struct job *j, uint32_t host)
{
	const struct job_host key = {.host = host};

	return bsearch(&key, j->hosts, j->n_hosts, sizeof(key), by_host);
}

const struct job_host *
job_host(const struct job *j, uint32_t host)
{
	return part_of(j, host);
}

/* --- how hosts stand ----------------------------------------------------------- */

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

static void
set_part(struct job *j, struct job_host *h, enum job_part part)
{
	count(j, h, -1);
	h->part = (uint8_t)part;
	count(j, h, 1);
}

static void
set_target(struct jobs *j, uint32_t host, struct job *to)
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

/* --- a new order ------------------------------------------------------------------ */

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
		if ((r = grow(j, v[i].host, e)) != 0)
			return r;
	}
	qsort(n->hosts, n->n_hosts, sizeof(*n->hosts), by_host);
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

/* Out of the older order, which does not wait for it any more. */
static void
replace(struct jobs *j, uint32_t host, struct job *by)
{
	struct slot *s = &j->slots[host];
	struct job *old = s->newest;
	struct job_host *h;

	s->newest = by;
	if (old == NULL || (h = part_of(old, host)) == NULL ||
	    h->part == JOB_REPORTED)
		return;
	set_part(old, h, JOB_REPLACED);
}

int
jobs_add(struct jobs *j, const struct job *order, const struct job_place *v,
    size_t n, struct err *e)
{
	char was[CLOCK_TEXT], is[CLOCK_TEXT];
	const struct job *last = j->n > 0 ? j->v[j->n - 1] : NULL;
	struct job *new;
	int r;

	if (find(j, &order->name) != NULL)
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
		replace(j, v[i].host, new);
	return 0;
}

/* --- batches ------------------------------------------------------------------------ */

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
		set_part(n, h, away ? JOB_AWAY : JOB_WAITING);
	if (j->slots[h->host].newest == n)
		set_target(j, h->host, n);
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

/* --- hosts ---------------------------------------------------------------------------- */

static void
take_report(struct job *n, struct job_host *h, enum run_outcome outcome)
{
	bool failed =
	    h->part == JOB_REPORTED && job_outcome_is_failure(h->outcome);

	set_part(n, h, JOB_REPORTED);
	/* A host that failed has failed, whatever it does afterwards. */
	if (failed)
		return;
	h->outcome = (uint8_t)outcome;
	n->failures += job_outcome_is_failure(outcome);
}

int
jobs_report(struct jobs *j, uint32_t host, const struct hash *job,
    enum run_outcome outcome)
{
	struct job *n = find(j, job);
	struct job_host *h = n != NULL ? part_of(n, host) : NULL;

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
	struct job_host *h = n != NULL ? part_of(n, host) : NULL;

	if (h != NULL && h->part == JOB_AWAY)
		set_part(n, h, JOB_WAITING);
}

void
jobs_left(struct jobs *j, uint32_t host)
{
	if (host >= j->n_slots)
		return;
	replace(j, host, NULL);
	if (j->slots[host].target != NULL)
		j->ops->target(j->ctx, host, NULL);
	set_target(j, host, NULL);
	j->slots[host].version = 0;
}

/* --- from what was kept ------------------------------------------------------------------ */

void
jobs_restore(struct jobs *j, const struct hash *name, unsigned opened,
    enum job_state state)
{
	struct job *n = find(j, name);

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
	struct job *n = find(j, name);
	struct job_host *h = n != NULL ? part_of(n, host) : NULL;

	if (h != NULL && h->part == JOB_WAITING)
		set_part(n, h, JOB_AWAY);
}

void
jobs_restore_report(struct jobs *j, const struct hash *name, uint32_t host,
    enum run_outcome outcome)
{
	struct job *n = find(j, name);
	struct job_host *h = n != NULL ? part_of(n, host) : NULL;

	if (h != NULL && h->batch <= n->opened)
		take_report(n, h, outcome);
}
