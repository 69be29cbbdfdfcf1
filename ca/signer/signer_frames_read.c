/* SPDX-License-Identifier: ISC */
/* SIGN as it is read: what is there and no more, then on all cores what is in
 * it. */
#include <stdlib.h>
#include <string.h>

#include "ca/signer/signer_frames.h"
#include "lib/base/parallel.h"

/* A tree so large is none of ours: it leaves sums of sizes below 2^64. */
#define TREE_SIZE_MAX (UINT64_C(1) << 62)

/* n things of at least size bytes each must be there before room is made. */
static int
get_count(struct view *v, size_t size, size_t max, size_t *out)
{
	uint32_t n;
	int r;

	if ((r = view_get_u32(v, &n)) != 0)
		return r;
	if (n > max)
		return ERR_LIMIT;
	if (n > v->n / size)
		return ERR_PARSE;
	*out = n;
	return 0;
}

static int
get_hash(struct view *v, struct hash *out)
{
	struct slice s;
	int r;

	if ((r = view_get(v, HASH_LEN, &s)) == 0)
		memcpy(out->b, s.p, HASH_LEN);
	return r;
}

static int
get_hashes(struct view *v, size_t max, struct hash **out, size_t *n)
{
	int r;

	if ((r = get_count(v, HASH_LEN, max, n)) != 0)
		return r;
	if ((*out = calloc(*n + 1, sizeof(**out))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < *n && r == 0; i++)
		r = get_hash(v, &(*out)[i]);
	return r;
}

static int
get_edge(struct view *v, struct merkle_edge *edge)
{
	int r;

	if ((r = view_get_u64(v, &edge->size)) != 0)
		return r;
	if (edge->size > TREE_SIZE_MAX)
		return ERR_LIMIT;
	for (unsigned i = 0; i < 64 && r == 0; i++)
		if (edge->size >> i & 1)
			r = get_hash(v, &edge->h[i]);
	return r;
}

static int
get_head(struct view *v, struct sign_frame *f)
{
	uint8_t durable;
	int r;

	if ((r = view_get_u8(v, &durable)) != 0 ||
	    (r = durable > 1 ? ERR_PARSE : 0) != 0 ||
	    (r = view_get_u64(v, &f->b.head.size)) != 0 ||
	    (r = get_hash(v, &f->b.head.root)) != 0 ||
	    (r = get_hashes(v, MERKLE_PROOF_MAX, &f->consistency,
		 &f->b.n_consistency)) != 0 ||
	    (r = get_edge(v, &f->tail.edge)) != 0 ||
	    (r = get_hashes(v, SIGN_TAIL_MAX, &f->leaves, &f->tail.n)) != 0)
		return r;
	f->durable = durable == 1;
	f->b.consistency = f->consistency;
	f->tail.leaves = f->leaves;
	f->b.tail = &f->tail;
	return 0;
}

static int
get_statements(struct view *v, struct sign_frame *f)
{
	size_t n;
	int r;

	if ((r = get_count(v, 4, SIGN_STATEMENTS_MAX, &n)) != 0)
		return r;
	if ((f->bytes = calloc(n + 1, sizeof(*f->bytes))) == NULL ||
	    (f->statements = calloc(n + 1, sizeof(*f->statements))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = view_get_string(v, &f->bytes[i]);
		statement_init(&f->statements[i], ST_REQUEST);
	}
	f->n_statements = n;
	return r;
}

/* How far the arrays of all jobs are filled. */
struct filled {
	size_t decisions, hashes;
};

static int
get_statement(struct view *v, const struct sign_frame *f,
    const struct statement **out)
{
	uint32_t n;
	int r;

	if ((r = view_get_u32(v, &n)) != 0)
		return r;
	if (n >= f->n_statements)
		return ERR_PARSE;
	*out = &f->statements[n];
	return 0;
}

static int
get_job(struct view *v, struct sign_frame *f, struct signer_job *j,
    struct filled *at)
{
	uint8_t resign;
	int r;

	if ((r = view_get_string(v, &j->bytes)) != 0 ||
	    (r = view_get_u64(v, &j->index)) != 0 ||
	    (r = view_get_u8(v, &resign)) != 0 ||
	    (r = resign > 1 ? ERR_PARSE : 0) != 0 ||
	    (r = get_statement(v, f, &j->request)) != 0 ||
	    (r = get_count(v, 4, ISSUE_DECISIONS_MAX, &j->n_decisions)) != 0)
		return r;
	j->resign = resign == 1;
	j->decisions = f->decisions + at->decisions;
	for (size_t i = 0; i < j->n_decisions && r == 0; i++)
		r = get_statement(v, f, &f->decisions[at->decisions++]);
	if (r != 0 ||
	    (r = get_count(v, HASH_LEN, MERKLE_PROOF_MAX, &j->n_inclusion)) !=
		0)
		return r;
	j->inclusion = f->inclusion + at->hashes;
	for (size_t i = 0; i < j->n_inclusion && r == 0; i++)
		r = get_hash(v, &f->inclusion[at->hashes++]);
	return r;
}

/* The least bytes of a job: its leaf's length, index, flag, three numbers. */
#define JOB_MIN (4 + 8 + 1 + 4 + 4 + 4)

static int
get_jobs(struct view *v, struct sign_frame *f)
{
	struct filled at = {0};
	int r;

	if ((r = get_count(v, JOB_MIN, SIGN_JOBS_MAX, &f->b.n_jobs)) != 0)
		return r;
	f->b.jobs = calloc(f->b.n_jobs + 1, sizeof(*f->b.jobs));
	f->issued = calloc(f->b.n_jobs + 1, sizeof(*f->issued));
	/* What is left bounds how many of either can follow. */
	f->decisions = calloc(v->n / 4 + 1, sizeof(*f->decisions));
	f->inclusion = calloc(v->n / HASH_LEN + 1, sizeof(*f->inclusion));
	if (f->b.jobs == NULL || f->issued == NULL || f->decisions == NULL ||
	    f->inclusion == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < f->b.n_jobs; i++)
		leaf_init(&f->issued[i]);
	for (size_t i = 0; i < f->b.n_jobs && r == 0; i++)
		r = get_job(v, f, &f->b.jobs[i], &at);
	return r != 0 ? r : view_end(v);
}

void
sign_frame_free(struct sign_frame *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; f->statements != NULL && i < f->n_statements; i++)
		statement_clear(&f->statements[i]);
	for (size_t i = 0;
	     f->b.jobs != NULL && f->issued != NULL && i < f->b.n_jobs; i++) {
		leaf_clear(&f->issued[i]);
		buf_free(f->b.jobs[i].cert);
	}
	free(f->consistency);
	free(f->leaves);
	free(f->statements);
	free(f->bytes);
	free(f->issued);
	free(f->decisions);
	free(f->inclusion);
	free(f->b.jobs);
	free(f);
}

/* --- what is in it, on all cores ------------------------------------------ */

struct working {
	struct sign_frame *f;
	bool verify;
	struct outcome_of {
		int r;
		struct err e;
	} * done; /* statements, then leaves */
};

static int
read_leaf(struct sign_frame *f, size_t i, struct err *e)
{
	struct leaf *l = &f->issued[i];
	int r = leaf_parse("leaf to sign", f->b.jobs[i].bytes, l, e);

	if (r != 0)
		return r;
	if (l->kind != LEAF_ISSUE)
		return err_set(e, ERR_PARSE,
		    "leaf to sign is not one of a certificate");
	f->b.jobs[i].leaf = &l->u.i;
	return 0;
}

static void
work_on(void *ctx, size_t i)
{
	struct working *w = ctx;
	struct sign_frame *f = w->f;
	struct outcome_of *o = &w->done[i];

	if (w->verify)
		o->r = statement_verify(&f->statements[i], &o->e);
	else if (i < f->n_statements)
		o->r = statement_parse("statement", f->bytes[i],
		    &f->statements[i], &o->e);
	else
		o->r = read_leaf(f, i - f->n_statements, &o->e);
}

static int
work(struct sign_frame *f, size_t n, bool verify, struct err *e)
{
	struct working w = {.f = f, .verify = verify};
	int r = 0;

	if ((w.done = calloc(n + 1, sizeof(*w.done))) == NULL)
		return err_nomem(e);
	parallel_for(n, work_on, &w);
	for (size_t i = 0; i < n && r == 0; i++)
		if ((r = w.done[i].r) != 0 && e != NULL)
			*e = w.done[i].e;
	free(w.done);
	return r;
}

int
sign_frame_parse(struct slice payload, struct sign_frame **out, struct err *e)
{
	struct view v = view_slice(payload);
	struct sign_frame *f;
	int r;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return err_nomem(e);
	if ((r = get_head(&v, f)) != 0 || (r = get_statements(&v, f)) != 0 ||
	    (r = get_jobs(&v, f)) != 0)
		(void)err_set(e, r, "frame of a batch to sign: %s",
		    err_text(r));
	else
		r = work(f, f->n_statements + f->b.n_jobs, false, e);
	if (r != 0) {
		sign_frame_free(f);
		return r;
	}
	*out = f;
	return 0;
}

int
sign_frame_verify(struct sign_frame *f, struct err *e)
{
	return work(f, f->n_statements, true, e);
}
