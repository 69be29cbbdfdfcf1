/* SPDX-License-Identifier: ISC */
/*
 * A host's order, handed to it with its place among the targets.  All of a batch
 * come at once, so the trees of the last orders that were asked for are kept.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"
#include "lib/trust/fleet_place.h"

struct mk_order {
	struct hash job;
	char *statement;
	size_t n;
	struct targets_tree *tree;
	uint64_t used;
};

static void
order_free(struct mk_order *o)
{
	if (o == NULL)
		return;
	free(o->statement);
	targets_tree_free(o->tree);
	free(o);
}

void
mk_orders_clear(struct mk_orders *v)
{
	for (size_t i = 0; i < MK_ORDERS; i++)
		order_free(v->v[i]);
	*v = (struct mk_orders){.clock = 0};
}

static struct mk_order *
find(const struct mk_orders *v, const struct hash *job)
{
	for (size_t i = 0; i < MK_ORDERS; i++)
		if (v->v[i] != NULL && hash_equal(&v->v[i]->job, job))
			return v->v[i];
	return NULL;
}

/* In the place of the one that was asked for longest ago. */
static void
keep(struct mk_orders *v, struct mk_order *o)
{
	size_t at = 0;

	for (size_t i = 0; i < MK_ORDERS && v->v[at] != NULL; i++)
		if (v->v[i] == NULL || v->v[i]->used < v->v[at]->used)
			at = i;
	order_free(v->v[at]);
	v->v[at] = o;
}

/* TARGETS of the order as the log has them; what does not agree with it any more
 * is not handed out. */
static int
make_tree(struct mk *k, const struct mk_order *o, struct targets_tree **out,
    struct err *e)
{
	struct targets t = {0};
	struct err why = {0};
	struct statement s;
	char *text = NULL;
	size_t n = 0;
	int r;

	statement_init(&s, ST_JOB);
	if ((r = statement_parse("store", slice_of(o->statement, o->n), &s,
		 e)) != 0 ||
	    (r = mk_said_targets(k, &s.u.job.targets, &text, &n, e)) != 0)
		goto out;
	r = job_check_targets(&s.u.job, slice_of(text, n), &t, &why);
	if (r != 0)
		r = err_set(e, r == ERR_NOMEM ? r : ERR_CORRUPT,
		    "store: order: %s", why.msg);
	else if (targets_tree_new(&t, out) != 0)
		r = err_nomem(e);
out:
	targets_clear(&t);
	free(text);
	statement_clear(&s);
	return r;
}

/* 1: the log has not got it. */
static int
load(struct mk *k, const struct hash *job, struct mk_order **out, struct err *e)
{
	struct mk_order *o = calloc(1, sizeof(*o));
	int r;

	if (o == NULL)
		return err_nomem(e);
	o->job = *job;
	if ((r = mk_said(k, job, &o->statement, &o->n, e)) != 0 ||
	    (r = make_tree(k, o, &o->tree, e)) != 0) {
		order_free(o);
		return r;
	}
	keep(&k->orders, o);
	*out = o;
	return 0;
}

static int
put_order(const struct mk_order *o, const struct mk_host *h,
    const struct job_host *at, struct str *out, struct err *e)
{
	struct str place = STR_INIT;
	struct jw w;
	int r;

	if ((r = targets_tree_place(o->tree, at->place, at->batch, h->id,
		 &place, e)) == 0) {
		jw_init(&w, out, false);
		jw_begin(&w, NULL, '{');
		jw_strn(&w, "statement", o->statement, o->n);
		jw_str(&w, "place", place.p);
		jw_end(&w, '}');
	}
	str_clear(&place);
	return r;
}

int
mk_order(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const struct job_host *at;
	const struct job *j;
	struct mk_order *o;
	struct hash h;
	int r;

	if ((r = json_hex(c->args, "job", 0, h.b, HASH_LEN, e)) != 0)
		return r;
	mk_about(c, &h);
	j = jobs_target(k->jobs, c->host->number);
	if (mk_row(k, c->host) == NULL || j == NULL ||
	    !hash_equal(&j->name, &h))
		return err_set(e, ERR_NOTFOUND, "no such order");
	/* Whose target it is, it names. */
	at = job_host(j, c->host->number);
	o = find(&k->orders, &h);
	r = at == NULL ? 1 : o == NULL ? load(k, &h, &o, e) : 0;
	if (r != 0)
		return r < 0 ? r : err_set(e, ERR_NOTFOUND, "no such order");
	o->used = ++k->orders.clock;
	return put_order(o, c->host, at, out, e);
}
