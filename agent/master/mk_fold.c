/* SPDX-License-Identifier: ISC */
/*
 * Who is a host, from the store: at a start, and after a failure of the log.
 *
 * Statements are judged once more, in the order of the log and each by the policy
 * of its time: who let a host in need not be an operator any more.
 */
#include "agent/master/mk_impl.h"
#include "lib/proc/plog.h"
#include "lib/trust/standing.h"

struct fold {
	struct mk *k;
	const struct policy *policy; /* in force at that leaf */
	struct err *e;
};

/* What was taken once and is not now is said, and does not end the start. */
static int
fold_host(struct fold *f, const struct statement *s)
{
	const struct fleet_judge j = {
	    .policy = f->policy, .realm = &content_trust(f->k->content)->realm};
	struct err why = {0};
	int r;

	r = fleet_hosts_fold(f->k->hosts, &j, s, &why);
	if (r == ERR_NOMEM)
		return err_nomem(f->e);
	if (r < 0 && r != ERR_EXPIRED)
		plog_err(PLOG_WARN, &why, "a statement of the log is ignored",
		    "type", statement_type_name(s->type), NULL);
	return 0;
}

static int
fold_report(struct fold *f, const struct statement *s)
{
	const struct trust *t = content_trust(f->k->content);
	struct err why = {0};
	int r;

	r = fleet_hosts_report(f->k->hosts, &t->realm, s, NULL, &why);
	return r == ERR_NOMEM ? err_nomem(f->e) : 0;
}

/* Parsed and verified: it comes from a file, even if from ours. */
static int
fold_one(void *ctx, uint64_t index, bool report, struct slice bytes)
{
	struct fold *f = ctx;
	struct statement s;
	int r;

	(void)index;
	(void)report;
	statement_init(&s, ST_REPORT);
	if ((r = statement_parse("store", bytes, &s, f->e)) != 0 ||
	    (r = statement_verify(&s, f->e)) != 0)
		goto out;
	if (s.type == ST_POLICY)
		r = content_policy_then(f->k->content, &s.hash, &f->policy,
		    f->e);
	else if (s.type == ST_REPORT)
		r = fold_report(f, &s);
	else if (standing_is_about_host(s.type))
		r = fold_host(f, &s);
out:
	statement_clear(&s);
	return r;
}

/* Those that ask in are in no leaf yet. */
static int
fold_waiting(void *ctx, const char *from, int64_t since, struct slice bytes)
{
	struct fold *f = ctx;
	struct statement s;
	int r;

	(void)from;
	(void)since;
	statement_init(&s, ST_ENROL);
	r = statement_parse("store", bytes, &s, f->e);
	if (r == 0 && (r = statement_verify(&s, f->e)) == 0)
		r = fold_host(f, &s);
	statement_clear(&s);
	return r;
}

int
mk_reload_hosts(struct mk *k, struct err *e)
{
	struct fold f = {
	    .k = k, .policy = content_trust(k->content)->policy, .e = e};
	struct fleet_hosts *old = k->hosts;
	int r;

	if (fleet_hosts_new(&k->hosts) != 0) {
		k->hosts = old;
		return err_nomem(e);
	}
	if ((r = rows_each_act(k->rows, fold_one, &f, e)) == 0) {
		f.policy = content_trust(k->content)->policy;
		r = rows_each_waiting(k->rows, fold_waiting, &f, e);
	}
	if (r != 0) {
		fleet_hosts_free(k->hosts);
		k->hosts = old;
		return r;
	}
	fleet_hosts_free(old);
	k->keys_changed = true;
	return 0;
}
