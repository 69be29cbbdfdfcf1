/* SPDX-License-Identifier: ISC */
/*
 * A start: what the log has and the store has not goes into the store, and then
 * hosts (mk_fold.c), orders and the last reports come from there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/master/called.h"
#include "agent/master/mk_impl.h"
#include "lib/proc/plog.h"
#include "lib/statement/leaf.h"

#define CATCH_UP 2048 /* leaves of a transaction */

/* --- leaves that are not in the store ------------------------------------- */

struct behind {
	struct mk *k;
	struct blob_store *home; /* NULL: not opened */
	struct err *e;
	int64_t tick; /* what the clock said in the log last; 0: nothing yet */
	struct called called;
};

/* It was put there before the order. */
int
mk_fetch_targets(struct mk *k, struct blob_store **home, const struct hash *h,
    char **out, size_t *n, struct err *e)
{
	char hex[HASH_HEX], key[sizeof("policy/") + HASH_HEX];
	uint8_t *bytes = NULL;
	struct hash got;
	int r;

	if ((r = rows_object(k->rows, h, out, n, e)) != 1)
		return r;
	if (*home == NULL && (r = mk_open_home(k, home, e)) != 0)
		return r;
	hash_hex(h, hex);
	(void)snprintf(key, sizeof(key), "policy/%s", hex);
	r = blob_get(*home, key, TARGETS_MAX, &bytes, n, e);
	if (r == ERR_NOTFOUND) {
		plog(PLOG_WARN, "the log has lost the TARGETS of an order",
		    NULL);
		return 0;
	}
	if (r != 0)
		return r;
	hash_sha256(bytes, *n, &got);
	if (!hash_equal(&got, h)) {
		free(bytes);
		return err_set(e, ERR_CORRUPT,
		    "%s of the log does not hash to its name", key);
	}
	*out = (char *)bytes;
	return 0;
}

static int
behind_report(struct behind *b, const struct mk_item *i)
{
	const struct report_statement *r = &i->s.u.report;
	struct rows *rows = b->k->rows;
	int ret;

	ret = rows_put_report(rows, i->called, i->index, i->s.at, &i->s,
	    mk_is_run(&i->s), b->e);
	/* By this machine's clock as near as the log has it: how far a host's
	 * is off is seen by that. */
	if (ret == 0)
		ret = mk_put_logins(b->k, i, b->tick != 0 ? b->tick : i->s.at,
		    b->e);
	if (ret == 0 && r->has_job && r->kind == REPORT_RUN)
		ret = rows_put_part(rows, &r->job, i->called, i->index,
		    statement_bytes(&i->s), b->e);
	return ret;
}

static int
behind_statement(struct behind *b, struct mk_item *i)
{
	struct mk *k = b->k;
	int r = 0;

	if (i->s.type == ST_JOB)
		r = mk_fetch_targets(k, &b->home, &i->s.u.job.targets,
		    &i->targets, &i->n_targets, b->e);
	if (r != 0)
		return r;
	if (i->s.type == ST_REPORT) {
		i->called = called_by(&b->called, &i->s);
		return behind_report(b, i);
	}
	return called_take(&b->called, &i->s) != 0 ? err_nomem(b->e)
						   : mk_apply_rows(k, i, b->e);
}

static int
behind_leaf(void *ctx, uint64_t index, struct slice bytes)
{
	struct behind *b = ctx;
	struct mk_item i = {.has_leaf = true, .index = index};
	struct leaf leaf;
	int r;

	leaf_init(&leaf);
	if ((r = leaf_parse("leaf", bytes, &leaf, b->e)) != 0)
		return r;
	b->k->applied = index + 1;
	if (leaf.kind == LEAF_TICK)
		b->tick = leaf.u.t.at;
	if (leaf.kind != LEAF_STATEMENT) {
		leaf_clear(&leaf);
		return 0;
	}
	i.s = leaf.u.s;
	r = behind_statement(b, &i);
	mk_item_clear(&i);
	return r;
}

/* Those of the store are before them. */
static int
was_called(void *ctx, uint64_t index, bool report, struct slice bytes)
{
	struct behind *b = ctx;
	struct statement s;
	int r;

	(void)index;
	if (report)
		return 0;
	statement_init(&s, ST_ACCEPT);
	if ((r = statement_parse("store", bytes, &s, b->e)) == 0 &&
	    called_take(&b->called, &s) != 0)
		r = err_nomem(b->e);
	statement_clear(&s);
	return r;
}

/* What the log has and rows have not. */
static int
catch_up(struct mk *k, struct err *e)
{
	struct ledger *l = scribe_ledger(k->scribe);
	struct behind b = {.k = k, .e = e};
	uint64_t from = rows_applied(k->rows), size = ledger_size(l), to;
	int r = 0;

	if (from > size) {
		(void)err_set(e, ERR_CORRUPT,
		    "%s/store: knows %llu leaves of the log, which has %llu",
		    k->dir, (unsigned long long)from, (unsigned long long)size);
		err_hint(e, "take it away: it is made anew from the log");
		return ERR_CORRUPT;
	}
	k->applied = from;
	if (from > 0 && from < size)
		r = rows_each_act(k->rows, was_called, &b, e);
	while (r == 0 && from < size) {
		to = size - from <= CATCH_UP ? size : from + CATCH_UP;
		if ((r = rows_begin(k->rows, e)) != 0)
			break;
		k->in_rows = true;
		if ((r = ledger_each(l, from, to, behind_leaf, &b, e)) == 0)
			r = rows_commit(k->rows, k->applied, e);
		if (r != 0)
			rows_rollback(k->rows);
		k->in_rows = false;
		from = to;
	}
	blob_close(b.home);
	called_clear(&b.called);
	return r;
}

/* --- orders --------------------------------------------------------------- */

int
mk_add_job(struct mk *k, const struct statement *s, struct slice text,
    struct err *e)
{
	const struct job_statement *o = &s->u.job;
	struct job order = {.name = s->hash,
	    .at = s->at,
	    .expires = o->expires,
	    .version = o->version,
	    .bundle = o->bundle,
	    .targets = o->targets,
	    .enforce = o->enforce,
	    .max_failures = o->max_failures};
	struct job_place *v = NULL;
	struct targets t = {0};
	struct mk_host *h = NULL;
	int r;

	if ((r = targets_parse(text, &t, e)) != 0)
		return r;
	if ((v = calloc(t.n, sizeof(*v))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < t.n; i++) {
		if ((r = board_get(&k->board, t.v[i].host, &h)) != 0) {
			(void)err_set(e, r, "hosts: %s", err_text(r));
			goto out;
		}
		v[i].host = h->number;
		v[i].batch = (uint16_t)t.v[i].batch;
	}
	r = jobs_add(k->jobs, &order, v, t.n, e);
	if (r == 0 && s->at > k->last_job)
		k->last_job = s->at;
out:
	free(v);
	targets_clear(&t);
	return r;
}

struct loading {
	struct mk *k;
	const struct hash *job;
	unsigned opened;
	struct err *e;
};

static int
load_away(void *ctx, const char *host)
{
	struct loading *l = ctx;
	struct mk_host *h = board_find(&l->k->board, host);

	if (h != NULL)
		jobs_restore_away(l->k->jobs, l->job, h->number);
	return 0;
}

/*
 * How far an order is cannot be read off the log: as far as hosts have reported
 * about it at least, and those that have not are waited for.
 */
static int
find_progress(void *ctx, const char *host, struct slice report)
{
	struct loading *l = ctx;
	struct mk_host *h = board_find(&l->k->board, host);
	const struct job *j = jobs_find(l->k->jobs, l->job);
	const struct job_host *at;

	(void)report;
	if (h != NULL && j != NULL && (at = job_host(j, h->number)) != NULL &&
	    at->batch > l->opened)
		l->opened = at->batch;
	return 0;
}

static int
load_part(void *ctx, const char *host, struct slice report)
{
	struct loading *l = ctx;
	struct mk_host *h = board_find(&l->k->board, host);
	struct statement s;
	int r;

	if (h == NULL)
		return 0;
	statement_init(&s, ST_REPORT);
	if ((r = statement_parse("store", report, &s, l->e)) == 0)
		jobs_restore_report(l->k->jobs, l->job, h->number,
		    s.u.report.outcome);
	statement_clear(&s);
	return r;
}

static int
load_progress(struct loading *l)
{
	struct mk *k = l->k;
	int state = JOB_RUNNING, r;

	r = rows_job(k->rows, l->job, &l->opened, &state, l->e);
	if (r == 1)
		r = rows_each_part(k->rows, l->job, find_progress, l, l->e);
	if (r != 0)
		return r;
	jobs_restore(k->jobs, l->job, l->opened, (enum job_state)state);
	if ((r = rows_each_away(k->rows, l->job, load_away, l, l->e)) == 0)
		r = rows_each_part(k->rows, l->job, load_part, l, l->e);
	return r;
}

static int
load_job(struct mk *k, const struct statement *s, struct err *e)
{
	struct loading l = {.k = k, .job = &s->hash, .e = e};
	char *text = NULL;
	size_t n = 0;
	int r;

	r = rows_object(k->rows, &s->u.job.targets, &text, &n, e);
	if (r != 0)
		return r < 0 ? r : 0; /* it was said when it was lost */
	if ((r = mk_add_job(k, s, slice_of(text, n), e)) == 0)
		r = load_progress(&l);
	free(text);
	return r;
}

struct found_job {
	struct mk *k;
	struct statement *v;
	size_t n, cap;
	struct err *e;
};

static int
find_job(void *ctx, uint64_t index, bool report, struct slice bytes)
{
	struct found_job *f = ctx;
	struct hash name;
	uint8_t tag;

	(void)index;
	leaf_classify(bytes, &tag, &name);
	if (report || tag != LTAG_JOB)
		return 0;
	if (vec_grow(&f->v, f->n, &f->cap, 1000000) != 0)
		return err_nomem(f->e);
	statement_init(&f->v[f->n], ST_JOB);
	return statement_parse("store", bytes, &f->v[f->n++], f->e);
}

/* Each statement of SQL is in one use at a time, so they are gathered first. */
static int
load_jobs(struct mk *k, struct err *e)
{
	struct found_job f = {.k = k, .e = e};
	int r = rows_each_act(k->rows, find_job, &f, e);

	for (size_t i = 0; i < f.n && r == 0; i++) {
		r = load_job(k, &f.v[i], e);
		if (r == ERR_ROLLBACK)
			r = 0;
	}
	for (size_t i = 0; i < f.n; i++)
		statement_clear(&f.v[i]);
	free(f.v);
	return r < 0 ? r : 0;
}

/* --- the last reports ----------------------------------------------------- */

static int
load_host(void *ctx, const struct host_rows *row)
{
	struct loading *l = ctx;
	struct mk_host *h = NULL;
	struct statement s;
	int r;

	if (board_get(&l->k->board, row->host, &h) != 0)
		return err_nomem(l->e);
	if (row->certificate != NULL) {
		hash_sha256(row->certificate, strlen(row->certificate),
		    &h->certificate);
		h->has_certificate = true;
	}
	statement_init(&s, ST_REPORT);
	r = row->alarms != NULL ? mk_alarms_load(h, row->alarms, l->e) : 0;
	if (r == 0 && row->run.n > 0 &&
	    (r = statement_parse("store", row->run, &s, l->e)) == 0)
		mk_note_report(l->k, h, &s, row->run_at);
	if (r == 0 && row->report.n > 0 &&
	    (r = statement_parse("store", row->report, &s, l->e)) == 0)
		mk_note_report(l->k, h, &s, row->at);
	statement_clear(&s);
	return r;
}

static int
add_host(void *ctx, const struct fleet_host_row *row)
{
	struct loading *l = ctx;
	struct mk_host *h = NULL;

	return board_get(&l->k->board, row->id, &h) != 0 ? err_nomem(l->e) : 0;
}

int
mk_load(struct mk *k, struct err *e)
{
	struct loading l = {.k = k, .e = e};
	int r;

	k->loading = true;
	if (rows_are_new(k->rows))
		plog(PLOG_INFO, "the store is made anew from the log", NULL);
	if ((r = catch_up(k, e)) != 0 || (r = mk_reload_hosts(k, e)) != 0 ||
	    (r = fleet_hosts_each(k->hosts, add_host, &l)) != 0 ||
	    (r = rows_each_host(k->rows, load_host, &l, e)) != 0 ||
	    (r = load_jobs(k, e)) != 0)
		return r;
	k->loading = false;
	return 0;
}
