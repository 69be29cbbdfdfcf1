/* SPDX-License-Identifier: ISC */
/* writ audit hosts: how hosts were on a day, by the logs of their masters. */
#include "ca/cli/audit_hosts.h"

#include <stdlib.h>

#include "lib/base/clock.h"

static const char *const short_columns[] = {
    "host", "reported", "version", "run", "outcome", "failed", "proof"};
static const char *const columns[] = {"host", "reported", "fleet_version",
    "policy_version", "krl_version", "run", "mode", "outcome", "failed", "more",
    "rejected", "log", "index", "report", "as_of"};

void
hosts_add_time(struct table *t, bool has, int64_t at, const struct cli_args *a)
{
	if (has)
		add_when(t, at, a);
	else
		table_add(t, NULL);
}

/* What fits a terminal. */
static void
add_short(struct table *t, const struct host_then *h, const char *log,
    const struct cli_args *a)
{
	table_add(t, h->id);
	hosts_add_time(t, h->reported, h->at, a);
	table_add_number(t, h->reported, h->fleet_version);
	hosts_add_time(t, h->ran, h->run_at, a);
	table_addf(t, "%s%s",
	    h->rejected  ? "rejected"
		: h->ran ? run_outcome_name(h->outcome)
			 : "-",
	    h->ran && !h->enforce ? " (test)" : "");
	if (h->more > 0)
		table_addf(t, "%s and up to %llu more", h->failed,
		    (unsigned long long)h->more);
	else
		table_add(t, h->failed);
	if (h->ran)
		table_addf(t, "%s:%llu", log, (unsigned long long)h->run_index);
	else
		table_add(t, NULL);
}

/* In the order of columns[]. */
static void
add_all(struct table *t, const struct host_then *h, const char *log,
    int64_t as_of, const struct cli_args *a)
{
	table_add(t, h->id);
	hosts_add_time(t, h->reported, h->at, a);
	table_add_number(t, h->reported, h->fleet_version);
	table_add_number(t, h->reported, h->policy_version);
	table_add_number(t, h->reported, h->krl_version);
	hosts_add_time(t, h->ran, h->run_at, a);
	table_add(t, !h->ran ? NULL : h->enforce ? "enforce" : "test");
	table_add(t, h->ran ? run_outcome_name(h->outcome) : NULL);
	table_add(t, h->failed);
	table_add_number(t, h->ran, h->more);
	table_add(t, h->rejected ? "yes" : "no");
	table_add(t, log);
	table_add_number(t, h->ran, h->run_index);
	table_add(t, h->ran ? h->run_report : NULL);
	hosts_add_time(t, as_of != 0, as_of, a);
}

/* A master that is retired is no more in the policy: what hosts said stands in its
 * log all the same. */
static int
check_is_masters(const struct audit_log *log, const struct hosts_then *h,
    const struct policy *p, struct err *e)
{
	if (h->n > 0 || h->n_fleets > 0 || h->n_jobs > 0 ||
	    audit_log_is_master(log, p))
		return 0;
	return err_set(e, ERR_DENIED,
	    "it is the log '%s', which is no master's by the policy and had no "
	    "hosts then, expected that of a master",
	    audit_log_name(log));
}

static int
add_log(struct table *t, const char *url, const struct place *p, int64_t when,
    struct cli_args *a, struct err *e)
{
	struct audit_log *log = NULL;
	struct hosts_then h = {0};
	int r;

	r = audit_log_open(url, &p->blob, &p->trust.realm, p->trust.policy,
	    &log, e);
	if (r == 0)
		r = hosts_then_read(log, when, &h, e);
	if (r == 0)
		r = check_is_masters(log, &h, p->trust.policy, e);
	if (r != 0)
		err_prefix(e, "%s", url);
	else if (cli_flag(a, "cis"))
		r = hosts_add_controls(t, &h, audit_log_name(log), when, a, e);
	for (size_t i = 0; r == 0 && !cli_flag(a, "cis") && i < h.n; i++)
		if (cli_format(a) == TABLE_TEXT)
			add_short(t, &h.v[i], audit_log_name(log), a);
		else
			add_all(t, &h.v[i], audit_log_name(log), h.as_of, a);
	hosts_then_clear(&h);
	audit_log_close(log);
	return r;
}

/* Those named, else those of writ.yaml. */
static int
add_logs(struct table *t, const struct place *p, int64_t when,
    struct cli_args *a, struct err *e)
{
	const struct strs *named = cli_all(a, "fleet-log");
	size_t n = named->n > 0 ? named->n : p->config.fleet_logs.n;
	int r = 0;

	if (n == 0)
		return err_set(e, ERR_USAGE,
		    "no log of a master is named, expected --fleet-log, or "
		    "fleet_logs in writ.yaml");
	for (size_t i = 0; i < n && r == 0; i++) {
		char *url = NULL;

		if (named->n > 0)
			url = str_dup(named->v[i]);
		else if (config_fleet_url(&p->config, i, &url) != 0)
			url = NULL;
		r = url == NULL ? err_nomem(e) : add_log(t, url, p, when, a, e);
		free(url);
	}
	return r;
}

int
run_audit_hosts(struct cli_args *a, struct err *e)
{
	bool is_short = cli_format(a) == TABLE_TEXT;
	const char *at = cli_get(a, "at");
	int64_t now = clock_now(), when = now;
	struct table t;
	struct place p;
	int r = 0;

	place_init(&p);
	if (cli_flag(a, "cis"))
		hosts_init_controls(&t, is_short);
	else if (is_short)
		table_init(&t, short_columns,
		    sizeof(short_columns) / sizeof(short_columns[0]));
	else
		table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	if (at != NULL)
		r = cli_time("--at", at, now, -1, &when, e);
	if (r == 0 && (r = place_check_fleet_logs(a, e)) == 0 &&
	    (r = place_open(a, &p, e)) == 0 &&
	    (r = add_logs(&t, &p, when, a, e)) == 0)
		r = cli_print_table(&t, cli_format(a), e);
	table_clear(&t);
	place_clear(&p);
	return r;
}
