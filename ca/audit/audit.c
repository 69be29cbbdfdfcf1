/* SPDX-License-Identifier: ISC */
/* One audit, from the list of objects to the report. */
#include "ca/audit/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/across.h"
#include "ca/audit/audit_impl.h"
#include "ca/audit/past.h"
#include "lib/base/file.h"

static void
clear(struct audit *a)
{
	for (size_t i = 0; i < READERS; i++)
		blob_close(a->readers[i]);
	audit_source_clear(&a->source);
	blob_close(a->store);
	free(a->tiles);
	for (size_t i = 0; i < a->n_versions; i++) {
		free(a->versions[i].key);
		free(a->versions[i].version);
	}
	free(a->versions);
	strs_clear(&a->early);
	free(a->later);
	strs_clear(&a->files);
	strs_clear(&a->logs);
	for (size_t i = 0; i < a->n_heads; i++) {
		free(a->heads[i].key);
		free(a->heads[i].version);
		free(a->heads[i].note);
	}
	free(a->heads);
	free(a->keys);
	free(a->e8);
	free(a->t8);
	free(a->bad);
	free(a->blocks);
	free(a->slots);
	free(a->pool);
	audit_table_clear(&a->pool_at);
	audit_table_clear(&a->table);
	chain_clear(&a->chain);
	standing_free(a->standing);
	free(a->refs);
	free(a->issues);
	for (size_t i = 0; i < a->n_jobs; i++)
		audit_job_free(a->jobs[i]);
	free(a->jobs);
	free(a->owner);
	for (size_t i = 0; i < a->n_compare; i++)
		str_clear(&a->compare[i].want);
	free(a->compare);
	past_free(a->past);
}

/* The earlier checkpoint is one more head that this log must have had. */
static int
add_since(struct audit *a, struct err *e)
{
	struct slice note = a->c->since_note;
	struct audit_head *h;

	if (a->past != NULL && a->past->have)
		note = slice_of(a->past->note, a->past->n_note);

	a->since = a->c->since;
	if (note.n == 0)
		return 0;
	if (vec_grow(&a->heads, a->n_heads, &a->cap_heads, SIZE_MAX / 1024) !=
	    0)
		return err_nomem(e);
	h = &a->heads[a->n_heads++];
	*h = (struct audit_head){.key = str_dup("the earlier checkpoint"),
	    .note = (uint8_t *)str_dupn(note.p, note.n),
	    .n = note.n};
	return h->key == NULL || h->note == NULL ? err_nomem(e) : 0;
}

static int
find_since(struct audit *a, struct err *e)
{
	if (a->c->since_note.n == 0)
		return 0;
	for (size_t i = 0; i < a->n_heads; i++)
		if (strcmp(a->heads[i].key, "the earlier checkpoint") == 0) {
			a->since = a->heads[i].claim.size;
			return 0;
		}
	return err_set(e, ERR_PARSE,
	    "the earlier checkpoint is none, expected a signed note of three "
	    "lines");
}

/* To be signed and not yet signed: a crash, or the next batch has it. */
static void
tell_pending(struct audit *a)
{
	for (size_t i = 0; i < a->n_issues; i++)
		if (a->issues[i].certificate == AUDIT_NO_INDEX)
			LEAF_NOTICE(a, a->issues[i].index, "pending",
			    "has no leaf with the signed certificate; it "
			    "counts as issued");
}

static int
go_through(struct audit *a, struct err *e)
{
	int r;

	if ((r = audit_list(a, e)) != 0)
		return r;
	if (a->n_heads == 0 && a->n_tiles == 0)
		return err_set(e, ERR_NOTFOUND,
		    "no log in %s, expected a checkpoint", a->c->url);
	if ((r = past_open(a, e)) != 0 || (r = add_since(a, e)) != 0 ||
	    (r = audit_heads_load(a, e)) != 0 || (r = find_since(a, e)) != 0 ||
	    (r = audit_heads_choose(a, e)) != 0)
		return r;
	if (a->name[0] == '\0')
		return 0;
	/* Nothing would be judged, and nothing found. */
	if (a->c->since_note.n == 0 && a->since > a->head.size)
		OBJECT_FINDING(a, STAGE_HEAD, "since", "checkpoint",
		    "has %" PRIu64 " leaves, fewer than the %" PRIu64
		    " that were judged before",
		    a->head.size, a->since);
	if ((r = audit_walk(a, e)) != 0 ||
	    (r = audit_wait_for_head(a, e)) != 0 ||
	    (r = audit_tree_finish(a, e)) != 0)
		return r;
	audit_heads_check(a);
	across_log(a);
	tell_pending(a);
	if ((r = audit_list_records(a, e)) != 0 ||
	    (r = audit_wait_for_records(a, e)) != 0 ||
	    (r = audit_check_files(a, e)) != 0)
		return r;
	audit_tell_grown(a);
	return past_give(a, e);
}

static void
add_counts(struct audit_counts *to, const struct audit_counts *c)
{
	to->leaves += c->leaves;
	to->certificates += c->certificates;
	to->signatures += c->signatures;
	to->records += c->records;
	to->objects += c->objects;
	to->acceptances += c->acceptances;
	to->reports += c->reports;
	to->logins += c->logins;
}

static int
add_part(const struct audit *a, struct err *e)
{
	struct audit_report *r = a->r;
	struct audit_part *p;

	if (vec_grow(&r->parts, r->n_parts, &r->cap_parts, 100000) != 0)
		return err_nomem(e);
	p = &r->parts[r->n_parts++];
	*p = (struct audit_part){.name = str_dup(a->name),
	    .label = str_dup(a->label),
	    .head = a->head,
	    .since = a->since,
	    .counts = a->counts};
	for (size_t i = 0; i < a->n_issues; i++)
		p->fresh += a->issues[i].index >= a->since;
	if (!a->c->all && a->since > 0) {
		p->old_leaves = a->since < a->walked ? a->since : a->walked;
		p->old_certificates = a->n_issues - p->fresh;
		r->old_leaves += p->old_leaves;
		r->old_certificates += p->old_certificates;
	}
	add_counts(&r->counts, &a->counts);
	return p->name == NULL || p->label == NULL ? err_nomem(e) : 0;
}

/* logs/NAME/: a whole log of the realm, whose name is NAME. */
static int
go_merged(const struct audit *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < a->logs.n && r == 0; i++) {
		struct audit_config c = *a->c;
		struct str url = STR_INIT, label = STR_INIT;

		str_addf(&url, "%s/logs/%s", a->c->url, a->logs.v[i]);
		str_addf(&label, "logs/%s/", a->logs.v[i]);
		c.url = url.p;
		c.name = a->logs.v[i];
		c.since = 0;
		c.since_note = slice_of(NULL, 0);
		c.state = NULL;
		if (url.failed || label.failed)
			r = err_nomem(e);
		else
			r = audit_verify_labelled(&c, label.p, a->across, a->r,
			    e);
		if (r == ERR_NOTFOUND) {
			OBJECT_FINDING(a, STAGE_OBJECT, "foreign", label.p,
			    "holds no log");
			r = 0;
		}
		str_clear(&url);
		str_clear(&label);
	}
	return r;
}

int
audit_verify_labelled(const struct audit_config *c, const char *label,
    struct audit_across *across, struct audit_report *report, struct err *e)
{
	struct audit *a;
	int r;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return err_nomem(e);
	a->c = c;
	a->r = report;
	a->label = label;
	a->across = across;
	chain_init(&a->chain);
	if (standing_new(&a->standing) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = blob_open(c->url, c->blob, &a->store, e)) != 0 ||
	    (r = go_through(a, e)) != 0 || (r = add_part(a, e)) != 0 ||
	    (r = go_merged(a, e)) != 0)
		goto out;
	if (report->failed)
		r = err_nomem(e);
out:
	clear(a);
	free(a);
	return r;
}

/* Findings about it begin with its address. */
static int
go_fleet(const struct audit_config *ca, const struct audit_fleet *f,
    struct audit_across *x, struct audit_report *report, struct err *e)
{
	struct audit_config c = *ca;
	struct str label = STR_INIT;
	int r;

	c.url = f->url;
	c.since = 0;
	c.since_note = f->since_note;
	c.state = f->state;
	c.name = NULL;
	str_addf(&label, "%s/", f->url);
	r = label.failed ? err_nomem(e)
			 : audit_verify_labelled(&c, label.p, x, report, e);
	if (r != 0)
		err_prefix(e, "log of the fleet");
	str_clear(&label);
	return r;
}

int
audit_verify(const struct audit_config *c, struct audit_report *report,
    struct err *e)
{
	struct audit_across x = {.fleet = true};
	int r = 0;

	for (size_t i = 0; i < c->n_fleets && r == 0; i++)
		r = go_fleet(c, &c->fleets[i], &x, report, e);
	across_turn(&x);
	if (r == 0)
		r = audit_verify_labelled(c, "", c->n_fleets > 0 ? &x : NULL,
		    report, e);
	if (r == 0)
		across_finish(&x, report);
	if (r == 0 && report->failed)
		r = err_nomem(e);
	across_clear(&x);
	return audit_of_store(r);
}

int
audit_report_keep(const struct audit_report *report, struct err *e)
{
	int r = 0;

	for (size_t i = 0;
	     i < report->n_left && report->n_findings == 0 && r == 0; i++)
		r = file_write(report->left[i].path, report->left[i].bytes,
		    report->left[i].n, 0600, 0, e);
	return r;
}
