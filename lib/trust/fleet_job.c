/* SPDX-License-Identifier: ISC */
#include "lib/trust/fleet_job.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/trust/fleet_place.h"
#include "lib/trust/signers.h"

/* --- the order itself --- */

static int
check_order(const struct fleet_last *last, const struct statement *s,
    struct err *e)
{
	char was[CLOCK_TEXT], is[CLOCK_TEXT];

	if (!last->have)
		return 0;
	if (hash_equal(&last->job, &s->hash))
		return FLEET_JOB_AGAIN;
	if (s->at > last->at)
		return 0;
	clock_format(last->at, was);
	clock_format(s->at, is);
	return err_set(e, ERR_ROLLBACK,
	    "job of %s is not newer than the one of %s, which was acted on", is,
	    was);
}

/* The clock is the host's own, and may be what is wrong: say both. */
static int
check_clock(const struct trust *t, const struct statement *s, int64_t now,
    struct err *e)
{
	char when[CLOCK_TEXT], here[CLOCK_TEXT];
	int r;

	if (now == 0)
		return 0;
	if ((r = trust_expiry(t, now, NULL, e)) < 0)
		return r;
	clock_format(now, here);
	if (s->at > now + FLEET_JOB_AHEAD) {
		clock_format(s->at, when);
		return err_set(e, ERR_DENIED,
		    "job of %s is from the future: the clock here says %s",
		    when, here);
	}
	if (s->u.job.expires < now) {
		clock_format(s->u.job.expires, when);
		return err_set(e, ERR_EXPIRED,
		    "job expired at %s: the clock here says %s", when, here);
	}
	return 0;
}

/* What a job is judged by, and whom it is for: a host, or all of TARGETS. */
struct asked {
	const struct fleet_last *last;
	const struct trust *t;
	struct slice targets, place;
	const char *host; /* NULL: all */
	int64_t now;
};

static int
check_targets(const struct asked *a, const struct job_statement *j,
    struct fleet_job *out, struct err *e)
{
	char mine[QUOTE_MAX], is[QUOTE_MAX];
	struct place p;
	int r;

	if (a->host == NULL)
		return job_check_targets(j, a->targets, NULL, e);
	if ((r = place_parse(a->place, &p, e)) != 0 ||
	    (r = place_check(&p, j, e)) != 0)
		return r;
	if (strcmp(p.host, a->host) != 0)
		return err_set(e, ERR_DENIED,
		    "job is not for host %s: the place shown is that of %s",
		    str_quote(mine, a->host), str_quote(is, p.host));
	out->batch = p.batch;
	return 0;
}

static int
check(const struct asked *a, struct slice statement, struct fleet_job *out,
    struct err *e)
{
	const struct trust *t = a->t;
	struct fleet_job job = {0};
	struct statement s;
	int again, r;

	if (!t->have)
		return err_set(e, ERR_DENIED,
		    "no policy is trusted that would name operators");
	statement_init(&s, ST_JOB);
	if ((r = signers_read("job", statement, ST_JOB, &t->realm, &s, e)) !=
		0 ||
	    (r = signers_enough(t->root, SIGN_OPERATOR, &s,
		 t->root->thresholds.fleet, "job", e)) != 0 ||
	    (r = signers_author(t->root, NULL, SIGN_OPERATOR, &s, "job", e)) !=
		0 ||
	    (r = again = check_order(a->last, &s, e)) < 0 ||
	    (r = check_clock(t, &s, a->now, e)) != 0 ||
	    (r = check_targets(a, &s.u.job, &job, e)) != 0)
		goto out;
	job.name = s.hash;
	job.at = s.at;
	job.expires = s.u.job.expires;
	job.version = s.u.job.version;
	job.bundle = s.u.job.bundle;
	job.enforce = s.u.job.enforce;
	job.max_failures = s.u.job.max_failures;
	job.n_hosts = s.u.job.hosts;
	*out = job;
	r = again;
out:
	statement_clear(&s);
	return r;
}

int
fleet_job_check(const struct fleet_last *last, const struct trust *t,
    struct slice statement, struct slice place, const char *host, int64_t now,
    struct fleet_job *out, struct err *e)
{
	const struct asked a = {
	    .last = last, .t = t, .place = place, .host = host, .now = now};

	return check(&a, statement, out, e);
}

int
fleet_job_check_all(const struct fleet_last *last, const struct trust *t,
    struct slice statement, struct slice targets, int64_t now,
    struct fleet_job *out, struct err *e)
{
	const struct asked a = {
	    .last = last, .t = t, .targets = targets, .now = now};

	return check(&a, statement, out, e);
}

/* --- the move --- */

/* The bundle that came, or the one held where none did, is the job's. */
static int
check_named(const struct fleet_job *job, const struct fleet_held *have,
    struct err *e)
{
	if (have->have && have->version == job->version &&
	    hash_equal(&have->bundle, &job->bundle))
		return 0;
	if (have->have && have->version > job->version)
		return err_set(e, ERR_ROLLBACK,
		    "job is for fleet version %llu, which is older than "
		    "version %llu, which is held",
		    (unsigned long long)job->version,
		    (unsigned long long)have->version);
	return err_set(e, ERR_DENIED,
	    "bundle is not the fleet version %llu that the job names",
	    (unsigned long long)job->version);
}

int
fleet_move(struct fleet_held *held, struct fleet_last *last,
    const struct trust *t, const struct fleet_delivery *d, const char *host,
    int64_t now, struct fleet_job *out, struct err *e)
{
	struct fleet_held after = *held;
	struct fleet_job job = {0};
	int answer = 0, r;

	if (d->job.n == 0)
		return err_set(e, ERR_DENIED,
		    "no job came with it, expected an order to this host");
	r = fleet_job_check(last, t, d->job, d->place, host, now, &job, e);
	if (r < 0)
		return r;
	if (d->bundle != NULL &&
	    (answer = fleet_accept(&after, t, d->bundle, now, e)) < 0)
		return answer;
	if ((r = check_named(&job, &after, e)) != 0)
		return r;
	if (job.enforce)
		*held = after;
	*last =
	    (struct fleet_last){.have = true, .job = job.name, .at = job.at};
	*out = job;
	return answer;
}
