/* SPDX-License-Identifier: ISC */
/*
 * The leaves of a master's log: bundles of the fleet and orders, signed by
 * operators; reports, signed by hosts.  Who is a host is standing's.
 */
#include <inttypes.h>
#include <string.h>

#include "ca/audit/across.h"
#include "ca/audit/audit_impl.h"

static int
fleet_leaf(struct audit *a, const struct audit_slot *s, struct err *e)
{
	const struct bundle_statement *b = &s->leaf.u.s.u.bundle;
	const struct fleet_input in = {
	    .statement = statement_bytes(&s->leaf.u.s)};
	struct err why = {0};
	struct statement st;
	int r;

	statement_init(&st, ST_FLEET);
	r = fleet_statement_check(&a->fleet, &a->chain.trust, &in, &st, &why);
	statement_clear(&st);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0) {
		LEAF_FINDING(a, s->index, "fleet", "%s", why.msg);
		return 0;
	}
	a->fleet = (struct fleet_held){.have = true,
	    .version = b->version,
	    .bundle = s->leaf.u.s.hash,
	    .expires = b->expires};
	return 0;
}

/* The bundle that an order is for is in the log before it. */
static int
job_bundle(struct audit *a, const struct audit_slot *s, struct err *e)
{
	const struct job_statement *j = &s->leaf.u.s.u.job;
	const struct statement *f;
	uint64_t index;
	int r;

	f = audit_statement(a, ST_FLEET, &j->bundle, s->index, &index, &r, e);
	if (r != 0)
		return r;
	if (f == NULL)
		LEAF_FINDING(a, s->index, "job",
		    "is for fleet version %" PRIu64
		    ", which is not in the log before it",
		    j->version);
	else if (f->u.bundle.version != j->version)
		LEAF_FINDING(a, s->index, "job",
		    "calls version %" PRIu64 " of the fleet version %" PRIu64,
		    f->u.bundle.version, j->version);
	return 0;
}

static int
job_leaf(struct audit *a, const struct audit_slot *s, struct err *e)
{
	const struct statement *st = &s->leaf.u.s;
	struct str targets = STR_INIT;
	struct fleet_job out;
	struct err why = {0};
	int r;

	if (vec_grow(&a->refs, a->n_refs, &a->cap_refs, SIZE_MAX / 64) != 0)
		return err_nomem(e);
	a->refs[a->n_refs++] = st->u.job.targets;
	r = audit_file(a, "policy", &st->u.job.targets, TARGETS_MAX, s->index,
	    &targets, e);
	if (r == 0) {
		r = fleet_job_check_all(&a->last_job, &a->chain.trust,
		    statement_bytes(st), slice_of(targets.p, targets.n), 0,
		    &out, &why);
		if (r == ERR_NOMEM)
			(void)err_nomem(e);
		else if (r != 0)
			LEAF_FINDING(a, s->index, "job", "%s",
			    r > 0 ? "was ordered before" : why.msg);
		else
			a->last_job = (struct fleet_last){
			    .have = true, .job = st->hash, .at = st->at};
		r = r == ERR_NOMEM ? r : 0;
	}
	str_clear(&targets);
	return r < 0 ? r : job_bundle(a, s, e);
}

/*
 * One that is missing is told, and does not make the audit fail: a master may
 * drop reports, and that it shows is all that can be had.  After `since` the
 * first of a host follows those that were not gone through; a state has the last
 * of them.
 */
static int
report_leaf(struct audit *a, const struct audit_slot *s, struct err *e)
{
	const struct statement *st = &s->leaf.u.s;
	const struct fleet_hosts *hosts = standing_hosts(a->standing);
	const struct fleet_host_row *row =
	    hosts != NULL ? fleet_hosts_by_id(hosts, st->by) : NULL;
	bool first = row == NULL || !row->has_report;
	struct err why = {0};
	int r;

	if (across_report(a, s->index, &st->u.report) != 0)
		return err_nomem(e);
	r = standing_report(a->standing, &a->c->realm, st, &why);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r == FLEET_HOSTS_GAP &&
	    !(first && a->since > 0 && a->resumed == 0 && !a->c->all))
		LEAF_NOTICE(a, s->index, "gap", "%s", why.msg);
	else if (r == FLEET_HOSTS_AGAIN)
		LEAF_FINDING(a, s->index, "report", "is there before");
	else if (r < 0)
		LEAF_FINDING(a, s->index, "author",
		    "is by nobody who could say it: %s", why.msg);
	return 0;
}

/* A master's log is named for its transport key: NAME_log. */
static bool
is_masters(const struct policy *p, const char *log)
{
	size_t n;

	for (size_t i = 0; i < p->masters.n; i++) {
		n = strlen(p->masters.v[i]);
		if (strncmp(log, p->masters.v[i], n) == 0 &&
		    strcmp(log + n, "_log") == 0)
			return true;
	}
	return false;
}

bool
audit_is_master(const struct audit *a)
{
	return is_masters(a->chain.trust.policy, a->name);
}

bool
audit_log_is_master(const struct audit_log *l, const struct policy *p)
{
	return is_masters(p, l->name);
}

bool
audit_is_of_fleet(const struct statement *s)
{
	return s->type == ST_FLEET || s->type == ST_JOB || s->type == ST_REPORT;
}

int
audit_fleet_leaf(struct audit *a, const struct audit_slot *s, struct err *e)
{
	switch (s->leaf.u.s.type) {
	case ST_FLEET:
		return fleet_leaf(a, s, e);
	case ST_JOB:
		return job_leaf(a, s, e);
	default:
		return report_leaf(a, s, e);
	}
}

int
audit_host_act(struct audit *a, const struct statement *s)
{
	if (s->type == ST_ACCEPT)
		a->counts.acceptances++;
	if (s->type != ST_ACCEPT && s->type != ST_RENAME && s->type != ST_TOKEN)
		return 0;
	return across_act(a, &s->hash);
}

const char *
audit_host_ends(const struct audit *a, const struct statement *s,
    struct hash *accept)
{
	const struct fleet_hosts *hosts = standing_hosts(a->standing);
	const struct fleet_host_row *row;
	const char *host = NULL;

	if (s->type == ST_ACCEPT && s->u.accept.has_replace) {
		*accept = s->u.accept.replace;
		return "replaced";
	}
	if (s->type == ST_REJECT)
		host = s->u.reject.host;
	else if (s->type == ST_FORGET)
		host = s->u.forget.host;
	if (host == NULL || hosts == NULL ||
	    (row = fleet_hosts_by_id(hosts, host)) == NULL)
		return NULL;
	*accept = row->accept;
	return s->type == ST_REJECT ? "rejected" : "forgotten";
}

/* No clock says when a leaf came, but it came after the tick before it. */
void
audit_token_in_time(struct audit *a, const struct audit_slot *s)
{
	const struct statement *st = &s->leaf.u.s;
	const struct fleet_hosts *hosts = standing_hosts(a->standing);
	const struct fleet_token_row *t;

	if (st->type != ST_ACCEPT || !st->u.accept.has_token || hosts == NULL)
		return;
	t = fleet_hosts_token(hosts, &st->u.accept.token);
	if (t != NULL && a->last_tick > t->expires)
		LEAF_FINDING(a, s->index, "standing",
		    "came by a token that had expired at the tick before it");
}

/* A master has no list of its own and names the one it hands on, which is never
 * an older one. */
int
audit_list_named(struct audit *a, const struct audit_slot *s, uint64_t version)
{
	if (a->last_krl == 0 && a->chain.trust.have && audit_is_master(a) &&
	    version >= a->foreign_krl) {
		a->foreign_krl = version;
		return across_list(a, s->index, version);
	}
	if (version != a->last_krl)
		LEAF_FINDING(a, s->index, "tick",
		    "goes by revocation list %llu, %llu is the last",
		    (unsigned long long)version,
		    (unsigned long long)(a->last_krl != 0 ? a->last_krl
							  : a->foreign_krl));
	return 0;
}
