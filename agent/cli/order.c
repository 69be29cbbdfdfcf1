/* SPDX-License-Identifier: ISC */
#include "agent/cli/order.h"

#include "lib/base/clock.h"
#include "lib/cli/signing.h"
#include "lib/trust/fleet_place.h"

#define JOB_LIFE   (INT64_C(86400))
#define HOSTS_SHOW 100

void
order_init(struct order *o)
{
	*o = (struct order){.targets = STR_INIT};
	statement_init(&o->job, ST_JOB);
}

void
order_clear(struct order *o)
{
	strs_clear(&o->hosts);
	batches_clear(&o->batches);
	str_clear(&o->targets);
	statement_clear(&o->job);
}

static int
fill_job(struct order *o, const struct cli_args *a,
    const struct fleet_signer *by, const struct fleet_held *held, struct err *e)
{
	struct job_statement *j = &o->job.u.job;
	const char *expires = cli_get(a, "expires");
	const char *failures = cli_get(a, "max-failures");
	char quoted[QUOTE_MAX];
	int r;

	j->version = held->version;
	j->bundle = held->bundle;
	j->enforce = !cli_flag(a, "test");
	j->expires = by->now + JOB_LIFE;
	if (expires != NULL &&
	    (r = cli_time("--expires", expires, by->now, 1, &j->expires, e)) !=
		0)
		return r;
	if (failures != NULL &&
	    parse_u64(failures, 0, TARGETS_HOSTS_MAX, &j->max_failures) != 0)
		return err_set(e, ERR_USAGE,
		    "--max-failures is %s, expected a number of hosts",
		    str_quote(quoted, failures));
	return job_set_targets(j, slice_of(o->targets.p, o->targets.n), e);
}

int
order_make(struct order *o, const struct cli_args *a,
    const struct fleet_signer *by, const struct fleet_held *held, struct err *e)
{
	const char *batch = cli_get(a, "batch");
	int r;

	if ((r = batches_split(&o->hosts, batch != NULL ? batch : "1,10%",
		 &o->batches, e)) != 0 ||
	    (r = targets_write(o->batches.v, o->batches.n, &o->targets, e)) !=
		0 ||
	    (r = cli_new_statement(&o->job, ST_JOB, &by->trust.realm,
		 by->person, e)) != 0)
		return r;
	return fill_job(o, a, by, held, e);
}

void
order_describe(const struct order *o, struct str *out)
{
	const struct job_statement *j = &o->job.u.job;
	char when[CLOCK_TEXT];
	size_t shown = 0;

	clock_format(j->expires, when);
	str_addf(out, "%s fleet %llu on %zu host%s",
	    j->enforce ? "enforce" : "test", (unsigned long long)j->version,
	    o->hosts.n, o->hosts.n == 1 ? "" : "s");
	for (size_t i = 0; i < o->batches.n; i++)
		str_addf(out, "%s%zu", i == 0 ? ", in batches of " : ", ",
		    o->batches.v[i].n);
	str_addf(out, "; at most %llu may fail; until %s\n",
	    (unsigned long long)j->max_failures, when);
	for (size_t i = 0; i < o->batches.n; i++)
		for (size_t k = 0; k < o->batches.v[i].n; k++)
			if (shown++ < HOSTS_SHOW)
				str_addf(out, "  %zu %s\n", i + 1,
				    o->batches.v[i].v[k]);
	if (shown > HOSTS_SHOW)
		str_addf(out, "  and %zu more\n", shown - HOSTS_SHOW);
}
