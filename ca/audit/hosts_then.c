/* SPDX-License-Identifier: ISC */
#include "ca/audit/hosts_then.h"

#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"

#define HOSTS_MAX 1000000

static void
states_clear(struct host_then *h)
{
	for (size_t i = 0; i < h->n_states; i++)
		free(h->states[i].id);
	free(h->states);
	h->states = NULL;
	h->n_states = 0;
}

static void
host_clear(struct host_then *h)
{
	states_clear(h);
	strs_clear(&h->roles);
	free(h->id);
	pubkey_free(h->key);
	free(h->failed);
	*h = (struct host_then){0};
}

void
hosts_then_clear(struct hosts_then *h)
{
	for (size_t i = 0; i < h->n; i++)
		host_clear(&h->v[i]);
	free(h->v);
	free(h->fleets);
	free(h->jobs);
	*h = (struct hosts_then){0};
}

/* Where it is (true), or would be. */
static bool
find(const struct hosts_then *h, const char *id, size_t *at)
{
	size_t lo = 0, hi = h->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(h->v[mid].id, id);

		if (c == 0) {
			*at = mid;
			return true;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
	return false;
}

/* x moves into the list, also where it fails; one of that id gives way. */
static int
put(struct hosts_then *h, struct host_then *x)
{
	size_t at;

	if (find(h, x->id, &at)) {
		host_clear(&h->v[at]);
	} else if (vec_grow(&h->v, h->n, &h->cap, HOSTS_MAX) != 0) {
		host_clear(x);
		return ERR_NOMEM;
	} else {
		memmove(&h->v[at + 1], &h->v[at], (h->n - at) * sizeof(*h->v));
		h->n++;
	}
	h->v[at] = *x;
	return 0;
}

/* It moves out of the list. */
static struct host_then
take(struct hosts_then *h, size_t at)
{
	struct host_then x = h->v[at];

	h->n--;
	memmove(&h->v[at], &h->v[at + 1], (h->n - at) * sizeof(*h->v));
	return x;
}

const struct hash *
hosts_then_fleet(const struct hosts_then *h, uint64_t version)
{
	for (size_t i = h->n_fleets; i-- > 0;)
		if (h->fleets[i].version == version)
			return &h->fleets[i].name;
	return NULL;
}

/* --- leaves --------------------------------------------------------------- */

static int
on_accept(struct hosts_then *h, const struct acceptance *a)
{
	struct host_then x = {.id = str_dup(a->host)};

	if (x.id == NULL || pubkey_dup(a->host_key, &x.key) != 0 ||
	    strs_dup(&a->roles, &x.roles) != 0) {
		host_clear(&x);
		return ERR_NOMEM;
	}
	return put(h, &x);
}

static int
on_rename(struct hosts_then *h, const struct rename_host *r)
{
	struct host_then x;
	char *to;
	size_t at;

	if (!find(h, r->host, &at))
		return 0;
	if ((to = str_dup(r->to)) == NULL)
		return ERR_NOMEM;
	x = take(h, at);
	free(x.id);
	x.id = to;
	return put(h, &x);
}

static void
on_forget(struct hosts_then *h, const char *host)
{
	struct host_then x;
	size_t at;

	if (!find(h, host, &at))
		return;
	x = take(h, at);
	host_clear(&x);
}

static int
failed_of(const struct report_statement *r, char **out)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < r->n_changes; i++)
		if (r->changes[i].result != CHANGE_DONE)
			str_addf(&s, "%s%s: %s", s.n > 0 ? ", " : "",
			    r->changes[i].state,
			    change_result_name(r->changes[i].result));
	return str_take(&s, out);
}

static int
states_of(const struct report_statement *r, struct host_then *out)
{
	out->states = calloc(r->n_changes + 1, sizeof(*out->states));
	if (out->states == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < r->n_changes; i++) {
		struct state_then *x = &out->states[out->n_states];

		if ((x->id = str_dup(r->changes[i].state)) == NULL)
			return ERR_NOMEM;
		x->result = r->changes[i].result;
		out->n_states++;
	}
	return 0;
}

/* A test is of the version that its order names, which the host does not hold
 * yet, nor perhaps ever will. */
static uint64_t
version_of(const struct hosts_then *h, const struct report_statement *r)
{
	if (r->enforce || !r->has_job)
		return r->fleet_version;
	for (size_t i = h->n_jobs; i-- > 0;)
		if (hash_equal(&h->jobs[i].name, &r->job))
			return h->jobs[i].version;
	return 0;
}

static void
set_run(const struct hosts_then *h, struct host_then *x, uint64_t index,
    const struct statement *s)
{
	x->ran = true;
	x->run_at = s->at;
	x->run_index = index;
	x->run_version = version_of(h, &s->u.report);
	hash_hex(&s->hash, x->run_report);
}

static int
on_run(const struct hosts_then *h, struct host_then *x, uint64_t index,
    const struct statement *s)
{
	const struct report_statement *r = &s->u.report;
	struct host_then new = {0};

	if (failed_of(r, &new.failed) != 0 || states_of(r, &new) != 0) {
		states_clear(&new);
		free(new.failed);
		return ERR_NOMEM;
	}
	states_clear(x);
	free(x->failed);
	x->failed = new.failed;
	x->states = new.states;
	x->n_states = new.n_states;
	x->outcome = r->outcome;
	x->enforce = r->enforce;
	x->more = r->more;
	set_run(h, x, index, s);
	return 0;
}

/* Runs that found nothing to do are counted in the next report alone: whatever
 * failed before them does so no more. */
static int
on_quiet(const struct hosts_then *h, struct host_then *x, uint64_t index,
    const struct statement *s)
{
	char *none = str_dup("");

	if (none == NULL)
		return ERR_NOMEM;
	states_clear(x);
	free(x->failed);
	x->failed = none;
	x->outcome = RUN_UNCHANGED;
	x->enforce = true; /* what nobody ordered runs on such hosts alone */
	x->more = 0;
	set_run(h, x, index, s);
	return 0;
}

/* By its id, or by one that it had: its key says which host it is. */
static struct host_then *
speaker(const struct hosts_then *h, const struct statement *s)
{
	size_t at;

	if (s->n_sigs != 1)
		return NULL;
	if (find(h, s->by, &at) && pubkey_equal(s->sigs[0].key, h->v[at].key))
		return &h->v[at];
	for (at = 0; at < h->n; at++)
		if (pubkey_equal(s->sigs[0].key, h->v[at].key))
			return &h->v[at];
	return NULL;
}

static int
on_report(struct hosts_then *h, uint64_t index, const struct statement *s,
    struct err *e)
{
	const struct report_statement *r = &s->u.report;
	struct host_then *x = speaker(h, s);

	if (x == NULL)
		return err_set(e, ERR_CORRUPT,
		    "a report of '%s' that no key of an accepted host signed",
		    s->by);
	x->reported = true;
	x->index = index;
	x->at = s->at;
	x->fleet_version = r->fleet_version;
	x->policy_version = r->policy_version;
	x->krl_version = r->krl_version;
	if (r->kind == REPORT_RUN || r->kind == REPORT_DRIFT)
		return on_run(h, x, index, s) != 0 ? err_nomem(e) : 0;
	if (r->quiet > 0 && on_quiet(h, x, index, s) != 0)
		return err_nomem(e);
	return 0;
}

static int
on_fleet(struct hosts_then *h, const struct statement *s)
{
	if (vec_grow(&h->fleets, h->n_fleets, &h->cap_fleets, HOSTS_MAX) != 0)
		return ERR_NOMEM;
	h->fleets[h->n_fleets++] =
	    (struct fleet_then){s->u.bundle.version, s->hash};
	return 0;
}

static int
on_job(struct hosts_then *h, const struct statement *s)
{
	if (vec_grow(&h->jobs, h->n_jobs, &h->cap_jobs, HOSTS_MAX) != 0)
		return ERR_NOMEM;
	h->jobs[h->n_jobs++] = (struct job_then){s->hash, s->u.job.version};
	return 0;
}

static int
on_statement(struct hosts_then *h, uint64_t index, const struct statement *s,
    struct err *e)
{
	size_t at;
	int r = 0;

	if (s->type == ST_REPORT)
		return on_report(h, index, s, e);
	if (s->type == ST_ACCEPT)
		r = on_accept(h, &s->u.accept);
	else if (s->type == ST_FLEET)
		r = on_fleet(h, s);
	else if (s->type == ST_JOB)
		r = on_job(h, s);
	else if (s->type == ST_RENAME)
		r = on_rename(h, &s->u.rename);
	else if (s->type == ST_FORGET)
		on_forget(h, s->u.forget.host);
	else if (s->type == ST_REJECT && s->u.reject.host != NULL &&
	    find(h, s->u.reject.host, &at))
		h->v[at].rejected = true;
	return r != 0 ? err_nomem(e) : 0;
}

/* --- in order ------------------------------------------------------------- */

static bool
is_of_hosts(uint8_t tag)
{
	return tag == LTAG_FLEET || tag == LTAG_JOB || tag == LTAG_ACCEPT ||
	    tag == LTAG_REJECT || tag == LTAG_RENAME || tag == LTAG_FORGET ||
	    tag == LTAG_REPORT;
}

/* 1: it is later than what was asked. */
static int
on_leaf(struct audit_log *l, uint64_t index, int64_t when, struct hosts_then *h,
    struct err *e)
{
	struct slice bytes;
	struct hash name;
	struct leaf leaf;
	uint8_t tag;
	int r;

	if ((r = audit_source_leaf(&l->source, index, &bytes, e)) != 0)
		return r;
	leaf_classify(bytes, &tag, &name);
	if (tag != LTAG_TICK && !is_of_hosts(tag))
		return 0;
	leaf_init(&leaf);
	/* Of reports those that count are verified at the end. */
	r = tag == LTAG_REPORT
	    ? leaf_parse("report", bytes, &leaf, e)
	    : audit_source_parse(&l->source, index, &leaf, e);
	if (r != 0)
		goto out;
	if (leaf.kind == LEAF_STATEMENT)
		r = on_statement(h, index, &leaf.u.s, e);
	else if (leaf.kind == LEAF_TICK && leaf.u.t.at > when)
		r = 1;
	else if (leaf.kind == LEAF_TICK)
		h->as_of = leaf.u.t.at;
out:
	leaf_clear(&leaf);
	return r;
}

static int
verify_report(struct audit_log *l, uint64_t index, struct err *e)
{
	struct leaf leaf;
	int r;

	leaf_init(&leaf);
	r = audit_source_parse(&l->source, index, &leaf, e);
	leaf_clear(&leaf);
	return r;
}

/* What is told of a host comes from its last report and that of its last run: to
 * verify all others took most of the time, and changed nothing that is told. */
static int
verify_told(struct audit_log *l, const struct hosts_then *h, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < h->n && r == 0; i++) {
		const struct host_then *x = &h->v[i];

		if (x->reported)
			r = verify_report(l, x->index, e);
		if (r == 0 && x->ran && x->run_index != x->index)
			r = verify_report(l, x->run_index, e);
	}
	return r;
}

int
hosts_then_read(struct audit_log *l, int64_t when, struct hosts_then *out,
    struct err *e)
{
	int r = 0;

	for (uint64_t i = 0; i < l->head.size && r == 0; i++)
		if ((r = on_leaf(l, i, when, out, e)) < 0)
			err_prefix(e, "leaf %llu", (unsigned long long)i);
	return r < 0 ? r : verify_told(l, out, e);
}
