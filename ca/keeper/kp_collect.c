/* SPDX-License-Identifier: ISC */
/*
 * The leaves that the log has got, for the loop to make rows of.
 *
 * Most are of the batch that was just done, so what they say is in memory: its
 * jobs' statements are lent, the leaf that a certificate was made of moves, and
 * the certificates of the batch before were kept.  They come in the order of
 * the jobs, each is known by its bytes, or by its one serial at its one place,
 * and what is none of these is read and parsed.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_commit_impl.h"

/* --- certificates that are out and not in the log yet -------------------- */

void
kp_outs_clear(struct kp_outs *o)
{
	for (size_t i = o->first; i < o->n; i++)
		buf_free(o->v[i].cert);
	free(o->v);
	memset(o, 0, sizeof(*o));
}

/* Without memory for it the leaf is parsed. */
static void
outs_add(struct kp_outs *o, const struct kp_job *j)
{
	struct slice blob = buf_slice(j->cert);
	struct kp_out *out;

	if (o->first == o->n)
		o->first = o->n = 0;
	if (vec_grow(&o->v, o->n, &o->cap, KP_OUTS_MAX) != 0)
		return;
	out = &o->v[o->n];
	out->request = j->asked->s.hash;
	out->cert = NULL;
	if (buf_new(&out->cert, CERT_MAX) != 0 ||
	    buf_put(out->cert, blob.p, blob.n) != 0) {
		buf_free(out->cert);
		return;
	}
	o->n++;
}

void
kp_outs_note(struct kp_outs *o, const struct kp_done *d)
{
	const struct kp_job *j;

	STAILQ_FOREACH (j, &d->jobs, link)
		if (j->kind == JOB_ISSUE && j->cert != NULL)
			outs_add(o, j);
}

/* The certificate of that serial becomes leaf.  Those before it got no leaf:
 * they had one already, or the log was opened anew. */
static bool
outs_take(struct kp_outs *o, uint64_t serial, struct leaf *leaf)
{
	size_t i = o->first;

	while (i < o->n && leaf_serial(&o->v[i].request) != serial)
		i++;
	if (i == o->n)
		return false;
	while (o->first < i)
		buf_free(o->v[o->first++].cert);
	leaf->kind = LEAF_CERTIFICATE;
	leaf->u.c.request = o->v[i].request;
	buf_take(o->v[i].cert, &leaf->u.c.blob, &leaf->u.c.blob_len);
	buf_free(o->v[i].cert);
	o->first++;
	return true;
}

/* --- one leaf ------------------------------------------------------------ */

struct collecting {
	struct committer *c;
	struct kp_done *d;
	struct kp_job *at; /* the job whose leaf came last */
};

static bool
lend(struct kp_leaf *l, const struct statement *s, struct slice bytes)
{
	if (s == NULL || !slice_equal(statement_bytes(s), bytes))
		return false;
	l->leaf.kind = LEAF_STATEMENT;
	l->leaf.u.s = *s;
	l->lent = true;
	return true;
}

static bool
take_issue(struct kp_leaf *l, struct kp_job *j, uint64_t serial)
{
	if (serial == 0 || j->leaf.tbs == NULL || j->leaf_index != l->index ||
	    leaf_serial(&j->leaf.request) != serial)
		return false;
	l->leaf.kind = LEAF_ISSUE;
	l->leaf.u.i = j->leaf;
	memset(&j->leaf, 0, sizeof(j->leaf));
	return true;
}

/* From the job whose leaf came last to the end, then those before it. */
static bool
of_job(struct collecting *g, struct kp_leaf *l, struct slice bytes,
    uint64_t serial)
{
	struct kp_job *first = STAILQ_FIRST(&g->d->jobs), *j;

	if (g->at == NULL)
		g->at = first;
	if ((j = g->at) == NULL || first->kind != JOB_ISSUE)
		return false;
	do {
		if (serial != 0 ? take_issue(l, j, serial)
				: lend(l, &j->asked->s, bytes) ||
			    lend(l, j->statement, bytes)) {
			g->at = j;
			return true;
		}
		if ((j = STAILQ_NEXT(j, link)) == NULL)
			j = first;
	} while (j != g->at);
	return false;
}

static int
collect_one(void *ctx, uint64_t index, struct slice bytes)
{
	struct collecting *g = ctx;
	struct kp_leaf *l = &g->d->leaves[g->d->n_leaves];
	struct err e = {0};
	uint64_t serial;
	uint8_t tag;
	int r;

	l->index = index;
	leaf_init(&l->leaf);
	tag = leaf_serial_of(bytes, &serial);
	if (tag == LTAG_CERTIFICATE ? outs_take(&g->c->outs, serial, &l->leaf)
				    : of_job(g, l, bytes, serial)) {
		g->d->n_leaves++;
		return 0;
	}
	if ((r = leaf_parse("leaf", bytes, &l->leaf, &e)) == 0)
		g->d->n_leaves++;
	else
		g->d->e = e;
	return r;
}

int
kp_collect(struct committer *c, struct kp_done *d)
{
	struct ledger *log = c->local->ledger;
	struct collecting g = {.c = c, .d = d};
	uint64_t size = ledger_size(log);
	int r;

	if (size <= c->folded)
		return 0;
	d->leaves = calloc(size - c->folded, sizeof(*d->leaves));
	if (d->leaves == NULL)
		return err_nomem(&d->e);
	r = ledger_each(log, c->folded, size, collect_one, &g, &d->e);
	c->folded += d->n_leaves;
	return r;
}
