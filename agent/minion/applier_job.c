/* SPDX-License-Identifier: ISC */
/* Orders, and runs of what is held. */
#include <stdlib.h>

#include "agent/minion/applier.h"
#include "agent/minion/spool.h"
#include "lib/bundle/fleets.h"
#include "lib/trust/fleet_place.h"

/* What a master brought for an order. */
struct delivery {
	char *job, *place;
	size_t n_job, n_place;
	bool with_bundle; /* it is not the one that is held */
	struct fleet_chain chain;
	struct fleet_input input;
	struct fleet_delivery d;
};

static void
delivery_clear(struct delivery *d)
{
	fleet_chain_clear(&d->chain);
	free(d->job);
	free(d->place);
}

/* Which bundle the order names, before it is believed: only to know whether to
 * read one; and that nobody signed it who is revoked. */
static int
look_at_job(const struct applier *a, const struct delivery *d, struct hash *out,
    struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_JOB);
	r = statement_parse(SPOOL_JOB, slice_of(d->job, d->n_job), &s, e);
	if (r == 0 && s.type != ST_JOB)
		r = err_set(e, ERR_PARSE, "%s statement, expected a job",
		    statement_type_name(s.type));
	if (r == 0 && (r = applier_unrevoked(a, &s, "job", e)) == 0)
		*out = s.u.job.bundle;
	statement_clear(&s);
	return r;
}

static int
look_at_fleet(const struct applier *a, const struct fleet_chain *c,
    struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_FLEET);
	if ((r = statement_parse("fleet", c->statement, &s, e)) == 0)
		r = applier_unrevoked(a, &s, "fleet bundle", e);
	statement_clear(&s);
	return r;
}

static int
read_delivery(struct applier *a, struct delivery *d, struct err *e)
{
	const struct fleet_held *h = &a->held.fleet;
	struct hash bundle;
	int r;

	d->chain.some_pillar = true;
	if ((r = applier_read_spool(a, SPOOL_JOB, STATEMENT_MAX, &d->job,
		 &d->n_job, e)) != 0 ||
	    (r = applier_read_spool(a, SPOOL_PLACE, PLACE_MAX, &d->place,
		 &d->n_place, e)) != 0 ||
	    (r = look_at_job(a, d, &bundle, e)) != 0)
		return r;
	d->with_bundle = !h->have || !hash_equal(&h->bundle, &bundle);
	if (d->with_bundle) {
		applier_as_link(a, true);
		r = fleets_read(a->spool, h->have ? h->version : 0, &d->chain,
		    e);
		applier_as_link(a, false);
		if (r == 0)
			r = look_at_fleet(a, &d->chain, e);
	}
	if (r != 0)
		return r;
	fleet_chain_input(&d->chain, &d->input);
	d->d = (struct fleet_delivery){.job = slice_of(d->job, d->n_job),
	    .place = slice_of(d->place, d->n_place),
	    .bundle = d->with_bundle ? &d->input : NULL};
	return 0;
}

/* The files of the fleet that is held. */
static int
held_files(struct applier *a, struct policy_files *out, struct err *e)
{
	struct fleet_chain c = {.some_pillar = true};
	struct fleet_held h = a->held.fleet;
	int r;

	r = fleets_load(a->state_dir, &a->trust, true, 0, &h, &c, e);
	if (r < 0)
		return r;
	*out = c.files;
	c.files = (struct policy_files){0};
	fleet_chain_clear(&c);
	return 0;
}

/* Taken over from the delivery, or those that are held. */
static int
files_of(struct applier *a, struct delivery *d, struct policy_files *out,
    struct err *e)
{
	struct fleet_chain c = {.some_pillar = true};
	int r;

	if (!d->with_bundle)
		return held_files(a, out, e);
	/* Read once more: the delivery's are stored yet. */
	applier_as_link(a, true);
	r = fleets_read(a->spool,
	    a->held.fleet.have ? a->held.fleet.version : 0, &c, e);
	applier_as_link(a, false);
	if (r != 0)
		return r;
	if (!slice_equal(c.manifest, d->chain.manifest))
		r = err_set(e, ERR_BUSY, "the spool changed meanwhile");
	else {
		*out = c.files;
		c.files = (struct policy_files){0};
	}
	fleet_chain_clear(&c);
	return r;
}

/* From here on the host has that target, whatever becomes of the run. */
static int
move(struct applier *a, const struct delivery *d, const struct held *after,
    const struct fleet_job *job, struct err *e)
{
	int r;

	if (job->enforce && d->with_bundle &&
	    (r = fleets_store(a->state_dir, &d->chain, e)) != 0)
		return r;
	a->held.last = after->last;
	a->held.owed = true;
	if (job->enforce) {
		a->held.fleet = after->fleet;
		a->held.enforcing = true;
	}
	return applier_save(a, e);
}

static int
paid(struct applier *a, struct err *e)
{
	a->held.owed = false;
	return applier_save(a, e);
}

static int
carry_out(struct applier *a, struct delivery *d, const struct held *after,
    const struct fleet_job *job, struct err *e)
{
	const struct applier_run how = {.enforce = job->enforce,
	    .first = !a->held.enforcing,
	    .connected = true,
	    .kind = REPORT_RUN,
	    .job = &job->name};
	struct policy_files files = {0};
	struct session s = {0};
	struct err why = {0};
	int r;

	if ((r = files_of(a, d, &files, e)) != 0)
		return r;
	r = applier_session(a, &files, &s, &why);
	policy_files_clear(&files);
	if (r == ERR_PARSE) {
		/* Signed, and nothing for this host: that is the answer, and the
		   host stays at what it has. */
		a->held.last = after->last;
		if ((r = applier_refused(a, &how, &why, e)) == 0)
			r = paid(a, e);
		return r;
	}
	if (r != 0) {
		*e = why;
		return r;
	}
	if ((r = move(a, d, after, job, e)) == 0 &&
	    (r = applier_run(a, &s, &how, e)) == 0)
		r = paid(a, e);
	session_close(&s);
	return r;
}

int
verb_job(struct applier *a, struct err *e)
{
	struct held after = a->held;
	struct delivery d = {0};
	struct fleet_job job;
	int r;

	if ((r = applier_is_accepted(a, e)) != 0 ||
	    (r = read_delivery(a, &d, e)) != 0)
		goto out;
	if ((r = fleet_move(&after.fleet, &after.last, &a->trust, &d.d,
		 a->held.host, a->now, &job, e)) < 0)
		goto out;
	r = 0;
	if (a->held.last.have && hash_equal(&job.name, &a->held.last.job) &&
	    !a->held.owed)
		goto out; /* done, and said so */
	r = carry_out(a, &d, &after, &job, e);
out:
	delivery_clear(&d);
	return r;
}

int
verb_run(struct applier *a, struct err *e)
{
	struct applier_run how = {.enforce = true, .kind = REPORT_DRIFT};
	struct policy_files files = {0};
	struct session s = {0};
	struct err why = {0};
	int r;

	if ((r = json_bool(a->args, "connected", 0, &how.connected, e)) != 0 ||
	    (r = applier_is_accepted(a, e)) != 0)
		return r;
	if (!a->held.fleet.have || !a->held.enforcing)
		return 0; /* in test until an order enforces */
	if ((r = held_files(a, &files, e)) != 0)
		return r;
	r = applier_session(a, &files, &s, &why);
	policy_files_clear(&files);
	if (r != 0) {
		/* It did compile once: what changed is the host, or the policy
		   beside it. */
		(void)applier_alarm(a, "run", &why);
		*e = why;
		return r;
	}
	how.enforce = s.fleet->on_drift == FLEET_REPAIR;
	r = applier_run(a, &s, &how, e);
	session_close(&s);
	return r;
}
