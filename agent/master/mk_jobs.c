/* SPDX-License-Identifier: ISC */
/* Orders: taken, shown, watched. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"
#include "lib/cli/cli.h"

/* --- taken ---------------------------------------------------------------- */

/* Past its time and grace no host would take it. */
static int
check_expiry(struct mk *k, const struct fleet_job *j, struct err *e)
{
	const struct fleet_held *held = content_held(k->content);
	int r;

	if (held->version != j->version)
		return 0;
	r = fleet_expiry(held, content_trust(k->content), k->now, NULL, e);
	return r < 0 ? r : 0;
}

/* Does the order name a version that this master has, and as it has it? */
static int
check_bundle(struct mk *k, const struct fleet_job *j, struct err *e)
{
	const struct content_fleet *f = content_fleet(k->content, j->version);

	if (f == NULL) {
		(void)err_set(e, ERR_NOTFOUND,
		    "fleet version %llu is not on this master",
		    (unsigned long long)j->version);
		err_hint(e, "writ fleet push brings it");
		return ERR_NOTFOUND;
	}
	if (!hash_equal(&f->name, &j->bundle))
		return err_set(e, ERR_DENIED,
		    "the job names another fleet version %llu than the one "
		    "that was pushed",
		    (unsigned long long)j->version);
	return check_expiry(k, j, e);
}

/* A version never goes down: not one of its hosts would follow. */
static int
check_versions(struct mk *k, const struct fleet_job *j, struct slice text,
    struct err *e)
{
	struct targets t = {0};
	int r;

	if ((r = targets_parse(text, &t, e)) != 0)
		return r;
	for (size_t i = 0; i < t.n && r == 0; i++) {
		const struct mk_host *h = board_find(&k->board, t.v[i].host);

		if (h != NULL && j->version < jobs_version(k->jobs, h->number))
			r = err_set(e, ERR_ROLLBACK,
			    "fleet version %llu is older than %llu, which %s "
			    "has orders for",
			    (unsigned long long)j->version,
			    (unsigned long long)jobs_version(k->jobs,
				h->number),
			    h->id);
	}
	targets_clear(&t);
	return r;
}

static int
check_age(struct mk *k, const struct fleet_job *j, struct err *e)
{
	char was[CLOCK_TEXT], is[CLOCK_TEXT];

	if (j->at > k->last_job)
		return 0;
	clock_format(k->last_job, was);
	clock_format(j->at, is);
	return err_set(e, ERR_ROLLBACK,
	    "job of %s is not newer than the last one, of %s", is, was);
}

/* Its leaf is on its way, or there: the same once more. */
static bool
is_known(struct mk *k, const struct hash *h)
{
	const struct mk_item *i;

	if (jobs_find(k->jobs, h) != NULL)
		return true;
	STAILQ_FOREACH (i, &k->next, link)
		if (hash_equal(&i->s.hash, h))
			return true;
	if (k->flying == NULL)
		return false;
	STAILQ_FOREACH (i, &k->flying->items, link)
		if (hash_equal(&i->s.hash, h))
			return true;
	return false;
}

static int
judge(struct mk *k, const struct statement *s, struct slice targets,
    struct err *e)
{
	const struct fleet_last last = {.have = false};
	struct fleet_job j = {.version = 0};
	int r;

	if ((r = fleet_job_check_all(&last, content_trust(k->content),
		 statement_bytes(s), targets, k->now, &j, e)) < 0 ||
	    (r = check_age(k, &j, e)) != 0 || (r = check_bundle(k, &j, e)) != 0)
		return r;
	return check_versions(k, &j, targets, e);
}

/* In the call, or put before it where it is too long for one. */
static int
find_targets(struct mk *k, const struct mk_call *c, const struct hash *h,
    struct slice *out, struct err *e)
{
	const json_t *t = json_object_get(c->args, "targets");

	if (t == NULL) {
		*out = stages_find(&k->stages, c->name, h);
		return out->p != NULL
		    ? 0
		    : err_set(e, ERR_PARSE,
			  "'targets' is missing, and was not put");
	}
	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'targets' is no text");
	*out = slice_of(json_string_value(t), json_string_length(t));
	return 0;
}

int
mk_take_job(struct mk *k, struct mk_call *c, size_t part, struct statement *s,
    struct err *e)
{
	struct mk_item item = {.s = *s, .call = c, .part = part};
	struct slice text = {0};
	int64_t at = s->at;
	int r;

	statement_init(s, ST_JOB);
	if (is_known(k, &item.s.hash))
		return mk_item_put(k, &item, e);
	if ((r = mk_unrevoked(k, &item.s, e)) == 0 &&
	    (r = find_targets(k, c, &item.s.u.job.targets, &text, e)) == 0 &&
	    (r = judge(k, &item.s, text, e)) == 0 &&
	    (item.targets = str_dupn(text.p, text.n)) == NULL)
		r = err_nomem(e);
	if (r != 0) {
		mk_item_clear(&item);
		return r;
	}
	item.n_targets = text.n;
	item.has_leaf = true;
	if ((r = mk_item_put(k, &item, e)) == 0)
		k->last_job = at;
	return r;
}

/* --- shown ---------------------------------------------------------------- */

struct tally {
	size_t parts[JOB_REPORTED + 1];
	size_t outcomes[RUN_REFUSED + 1];
};

static void
count(const struct job *j, struct tally *t)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < j->n_hosts; i++) {
		t->parts[j->hosts[i].part]++;
		if (j->hosts[i].part == JOB_REPORTED)
			t->outcomes[j->hosts[i].outcome]++;
	}
}

static void
put_counts(const struct job *j, struct jw *w)
{
	struct tally t;

	count(j, &t);
	jw_begin(w, "counts", '{');
	jw_int(w, "hosts", (int64_t)j->n_hosts);
	for (int o = RUN_UNCHANGED; o <= RUN_REFUSED; o++)
		jw_int(w, run_outcome_name((enum run_outcome)o),
		    (int64_t)t.outcomes[o]);
	for (int p = JOB_CLOSED; p < JOB_REPORTED; p++)
		jw_int(w, job_part_name((enum job_part)p), (int64_t)t.parts[p]);
	jw_end(w, '}');
}

static void
put_job(const struct job *j, struct jw *w)
{
	jw_hex(w, "job", j->name.b, HASH_LEN);
	jw_time(w, "at", j->at);
	jw_time(w, "expires", j->expires);
	jw_u64(w, "version", j->version);
	jw_str(w, "mode", j->enforce ? "enforce" : "test");
	jw_u64(w, "max_failures", j->max_failures);
	jw_str(w, "state", job_state_name(j->state));
	jw_int(w, "batches", j->n_batches);
	jw_int(w, "opened", j->opened);
	jw_u64(w, "failures", j->failures);
	put_counts(j, w);
}

static void
put_parts(struct mk *k, const struct job *j, struct jw *w)
{
	jw_begin(w, "hosts", '[');
	for (size_t i = 0; i < j->n_hosts; i++) {
		const struct job_host *h = &j->hosts[j->order[i]];

		jw_begin(w, NULL, '{');
		jw_str(w, "host", k->board.v[h->host]->id);
		jw_int(w, "batch", h->batch);
		jw_str(w, "state", job_part_name((enum job_part)h->part));
		if (h->part == JOB_REPORTED)
			jw_str(w, "outcome",
			    run_outcome_name((enum run_outcome)h->outcome));
		jw_end(w, '}');
	}
	jw_end(w, ']');
}

static int
find_job(struct mk *k, struct mk_call *c, const char *key,
    const struct job **out, struct err *e)
{
	struct hash h;
	int r;

	if ((r = json_hex(c->args, key, 0, h.b, HASH_LEN, e)) != 0)
		return r;
	if ((*out = jobs_find(k->jobs, &h)) == NULL)
		return err_set(e, ERR_NOTFOUND, "there is no such job");
	return 0;
}

int
mk_jobs(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const struct job *j = NULL;
	struct jw w;
	int r;

	jw_init(&w, out, false);
	if (json_object_get(c->args, "id") != NULL) {
		if ((r = find_job(k, c, "id", &j, e)) != 0)
			return r;
		jw_begin(&w, NULL, '{');
		put_job(j, &w);
		put_parts(k, j, &w);
		jw_end(&w, '}');
		return 0;
	}
	jw_begin(&w, NULL, '{');
	jw_begin(&w, "jobs", '[');
	for (size_t i = 0; (j = jobs_at(k->jobs, i)) != NULL; i++) {
		jw_begin(&w, NULL, '{');
		put_job(j, &w);
		jw_end(&w, '}');
	}
	jw_end(&w, ']');
	jw_end(&w, '}');
	return 0;
}

/* --- watched -------------------------------------------------------------- */

static void
put_change(struct jw *w, const struct report_change *x)
{
	jw_begin(w, NULL, '{');
	jw_str(w, "state", x->state);
	jw_str(w, "kind", x->kind);
	jw_str(w, "result", change_result_name(x->result));
	if (x->has_diff)
		jw_hex(w, "diff", x->diff.b, HASH_LEN);
	jw_end(w, '}');
}

static void
put_result(const struct job *j, const struct mk_host *h,
    const struct statement *s, struct str *out)
{
	const struct report_statement *r = &s->u.report;
	const struct job_host *at = job_host(j, h->number);
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "host", h->id);
	jw_int(&w, "batch", at != NULL ? at->batch : 0);
	jw_str(&w, "outcome", run_outcome_name(r->outcome));
	if (r->has_plan)
		jw_hex(&w, "plan", r->plan.b, HASH_LEN);
	jw_u64(&w, "states", r->states);
	jw_begin(&w, "changes", '[');
	for (size_t i = 0; i < r->n_changes; i++)
		put_change(&w, &r->changes[i]);
	jw_end(&w, ']');
	if (r->more > 0)
		jw_u64(&w, "more", r->more);
	if (r->message != NULL)
		jw_str(&w, "message", r->message);
	jw_end(&w, '}');
}

void
mk_watch_report(struct mk *k, const struct mk_host *h,
    const struct statement *s)
{
	const struct job *j = jobs_find(k->jobs, &s->u.report.job);
	struct str text = STR_INIT;
	struct mk_call *c;

	TAILQ_FOREACH (c, &k->watchers, watch) {
		if (j == NULL || !hash_equal(&c->job, &j->name))
			continue;
		if (text.n == 0)
			put_result(j, h, s, &text);
		mk_call_event(k, c, &text);
	}
	str_clear(&text);
}

/* Over: its state is final, and nobody is at it any more. */
static bool
is_over(const struct mk *k, const struct job *j)
{
	if (j->state == JOB_RUNNING)
		return false;
	for (unsigned b = 0; b < j->opened; b++)
		if (j->batches[b].waiting > 0)
			return k->now > j->expires;
	return true;
}

static void
end_watch(struct mk *k, struct mk_call *c, const struct job *j)
{
	struct str s = STR_INIT;
	struct jw w;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "outcome", job_state_name(j->state));
	put_counts(j, &w);
	jw_end(&w, '}');
	mk_call_end(k, c, j->state == JOB_DONE ? 0 : EXIT_REFUSED, &s);
	str_clear(&s);
}

void
mk_watch_ends(struct mk *k)
{
	struct mk_call *c = TAILQ_FIRST(&k->watchers), *next;

	for (; c != NULL; c = next) {
		const struct job *j = jobs_find(k->jobs, &c->job);

		next = TAILQ_NEXT(c, watch);
		if (j != NULL && is_over(k, j))
			end_watch(k, c, j);
	}
}

struct replay {
	struct mk *k;
	struct mk_call *c;
	const struct job *j;
	struct err *e;
};

static int
replay(void *ctx, const char *host, struct slice report)
{
	struct replay *x = ctx;
	const struct mk_host *h = board_find(&x->k->board, host);
	struct str text = STR_INIT;
	struct statement s;
	int r;

	if (h == NULL)
		return 0;
	statement_init(&s, ST_REPORT);
	if ((r = statement_parse("store", report, &s, x->e)) == 0) {
		put_result(x->j, h, &s, &text);
		mk_call_event(x->k, x->c, &text);
	}
	str_clear(&text);
	statement_clear(&s);
	return r;
}

int
mk_watch(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct replay x = {.k = k, .c = c, .e = e};
	int r;

	(void)out;
	if ((r = find_job(k, c, "job", &x.j, e)) != 0 ||
	    (r = rows_each_part(k->rows, &x.j->name, replay, &x, e)) != 0)
		return r;
	c->job = x.j->name;
	c->watches = true;
	TAILQ_INSERT_TAIL(&k->watchers, c, watch);
	return MK_LATER;
}
