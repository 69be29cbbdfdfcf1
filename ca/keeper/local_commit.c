/* SPDX-License-Identifier: ISC */
/* Leaves into the log: committed, their checkpoint signed, published. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/local_impl.h"
#include "lib/base/clock.h"

bool
local_is_remote(const struct local *l)
{
	return l->signing.ops != NULL && l->signing.ops->begin != NULL;
}

void
local_set_now(struct local *l)
{
	if (l->mode == LOCAL_SERVE)
		l->now = clock_now();
}

static size_t
n_carried(const struct local *l)
{
	return l->carried != NULL ? l->carried->n : 0;
}

/* --- one commit ----------------------------------------------------------- */

/* A round as the ledger gets it, and what the signer is told of it. */
struct joined {
	struct slice *v;
	struct ledger_receipt *receipts;
	size_t n;
	struct hash proof[MERKLE_PROOF_MAX];
	struct hash *hashes;
	struct signer_tail tail;
	struct signer_batch b;
};

static int
join(struct local *l, const struct local_round *q, struct joined *j)
{
	size_t kept = n_carried(l);

	j->n = kept + q->n;
	j->v = calloc(j->n + 1, sizeof(*j->v));
	j->receipts = calloc(j->n + 1, sizeof(*j->receipts));
	if (j->v == NULL || j->receipts == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < kept; i++)
		j->v[i] =
		    slice_of(l->carried->text[i].p, l->carried->text[i].n);
	for (size_t i = 0; i < q->n; i++)
		j->v[kept + i] = q->leaves[i];
	j->b = (struct signer_batch){.trust = &l->trust,
	    .standing = keeper_standing(l->keeper),
	    .jobs = q->jobs,
	    .n_jobs = q->n_jobs,
	    .now = clock_now(),
	    .consistency = j->proof};
	return 0;
}

static int
commit(struct local *l, const struct local_round *q, struct joined *j,
    struct err *e)
{
	uint64_t before = ledger_size(l->ledger);
	int r;

	if (j->n == 0)
		return q->n_jobs > 0 ? ledger_secure(l->ledger, e) : 0;
	r = ledger_commit(l->ledger, j->v, j->n, j->receipts, e);
	/* Where a bucket does not take them they are leaves all the same, and the
	 * next round must not make them leaves twice. */
	if (ledger_size(l->ledger) != before)
		local_carried_clear(l);
	if (r == 0 && q->n > 0)
		memcpy(q->receipts, j->receipts + (j->n - q->n),
		    q->n * sizeof(*q->receipts));
	return r;
}

/* That the tree of size leaves extends what the signer has seen. */
static int
prove_extension(struct local *l, struct joined *j, uint64_t size, struct err *e)
{
	struct merkle_source src;
	struct signer_seen seen;
	int r;

	j->b.n_consistency = 0;
	if ((r = l->signing.ops->seen(l->signing.ctx, &seen, e)) != 0 ||
	    seen.head.size == 0 || seen.head.size >= size)
		return r;
	ledger_source(l->ledger, &src);
	return merkle_prove_consistency(&src, seen.head.size, size, j->proof,
	    &j->b.n_consistency, e);
}

/* The head that the leaves will give, before they are there. */
static int
foresee(struct local *l, struct joined *j, struct err *e)
{
	struct merkle_edge edge = {.size = ledger_size(l->ledger)};
	struct merkle_source src;
	int r = 0;

	if ((j->hashes = calloc(j->n + 1, sizeof(*j->hashes))) == NULL)
		return err_nomem(e);
	ledger_source(l->ledger, &src);
	for (unsigned i = 0; i < 64 && r == 0; i++)
		if (edge.size >> i & 1)
			r = src.get(src.ctx, i, (edge.size >> i) - 1,
			    &edge.h[i], e);
	if (r != 0 || (r = prove_extension(l, j, edge.size, e)) != 0)
		return r;
	j->tail.edge = edge;
	j->tail.leaves = j->hashes;
	j->tail.n = j->n;
	for (size_t i = 0; i < j->n; i++) {
		merkle_leaf(j->v[i].p, j->v[i].n, &j->hashes[i]);
		merkle_append(&edge, &j->hashes[i]);
	}
	ledger_head(l->ledger, &j->b.head); /* its origin */
	j->b.head.size = edge.size;
	merkle_root(&edge, &j->b.head.root);
	j->b.tail = &j->tail;
	return 0;
}

/* The signer looks at the batch while the disk works. */
static int
sign_ahead(struct local *l, struct local_round *q, struct joined *j,
    struct err *e)
{
	const struct signatory *s = &l->signing;
	struct checkpoint head;
	int r;

	if ((r = foresee(l, j, e)) != 0 ||
	    (r = s->ops->begin(s->ctx, &j->b, e)) != 0)
		return r;
	if ((r = commit(l, q, j, e)) != 0) {
		s->ops->abandon(s->ctx);
		return r;
	}
	ledger_head(l->ledger, &head);
	if (head.size != j->b.head.size ||
	    !hash_equal(&head.root, &j->b.head.root)) {
		s->ops->abandon(s->ctx);
		return err_set(e, ERR_CORRUPT,
		    "the log has another head than its leaves give");
	}
	return s->ops->sign(s->ctx, &j->b, &q->note, e);
}

static int
sign_after(struct local *l, struct local_round *q, struct joined *j,
    struct err *e)
{
	const struct signatory *s = &l->signing;
	int r;

	if ((r = commit(l, q, j, e)) != 0)
		return r;
	ledger_head(l->ledger, &j->b.head);
	if ((r = prove_extension(l, j, j->b.head.size, e)) != 0)
		return r;
	return s->ops->sign(s->ctx, &j->b, &q->note, e);
}

int
local_run(struct local *l, struct local_round *q, struct err *e)
{
	struct joined *j;
	int r;

	if ((j = calloc(1, sizeof(*j))) == NULL || join(l, q, j) != 0)
		r = err_nomem(e);
	else if (!q->head && q->n_jobs == 0)
		r = commit(l, q, j, e);
	else if (local_is_remote(l))
		r = sign_ahead(l, q, j, e);
	else
		r = sign_after(l, q, j, e);
	if (j != NULL) {
		free(j->v);
		free(j->receipts);
		free(j->hashes);
	}
	free(j);
	return r;
}

int
local_next_index(struct local *l, size_t n, uint64_t *out, struct err *e)
{
	struct local_round none = {.note = STR_INIT};
	int r = 0;

	if (n + n_carried(l) > LEDGER_BATCH_MAX)
		r = local_run(l, &none, e);
	*out = ledger_size(l->ledger) + n_carried(l);
	return r;
}

/*
 * The round that follows carries what is carried, so its head is not the one of
 * now: that goes in first.
 */
int
local_prove(struct local *l, uint64_t index,
    struct hash proof[MERKLE_PROOF_MAX], size_t *n, struct err *e)
{
	struct local_round none = {.note = STR_INIT};
	int r;

	if ((r = local_run(l, &none, e)) != 0)
		return r;
	return ledger_prove(l->ledger, index, ledger_size(l->ledger), proof, n,
	    e);
}

/* --- and published -------------------------------------------------------- */

int
local_publish_head(struct local *l, const struct str *note, struct err *e)
{
	int r = 0;

	/* Nothing is in sight that names a file nobody has. */
	if (l->krl_owed)
		r = local_recover_krl(l, e);
	if (r == 0)
		r = ledger_publish(l->ledger, slice_of(note->p, note->n), e);
	if (r < 0)
		err_prefix(e, "publish the log");
	return r < 0 ? r : 0;
}

int
local_commit_head(struct local *l, const struct keeper_leaves *leaves,
    struct ledger_receipt *receipts, struct str *note, struct err *e)
{
	struct local_round q = {.leaves = leaves->v,
	    .n = leaves->n,
	    .receipts = receipts,
	    .head = true,
	    .note = STR_INIT};
	uint64_t index;
	int r;

	if ((r = local_next_index(l, leaves->n, &index, e)) == 0)
		r = local_run(l, &q, e);
	*note = q.note;
	return r;
}

int
local_commit(struct local *l, const struct keeper_leaves *leaves,
    struct ledger_receipt *receipts, struct err *e)
{
	struct str note = STR_INIT;
	int r;

	if ((r = local_commit_head(l, leaves, receipts, &note, e)) == 0)
		r = local_publish_head(l, &note, e);
	str_clear(&note);
	return r;
}

bool
local_has_unpublished(const struct local *l)
{
	struct checkpoint published;

	ledger_published(l->ledger, &published);
	return n_carried(l) > 0 || published.size < ledger_size(l->ledger);
}

int
local_publish(struct local *l, struct err *e)
{
	const struct keeper_leaves none = {0};

	return local_has_unpublished(l) ? local_commit(l, &none, NULL, e) : 0;
}

int
local_head(struct local *l, struct str *note, struct err *e)
{
	const struct keeper_leaves none = {0};

	return local_has_unpublished(l)
	    ? local_commit_head(l, &none, NULL, note, e)
	    : 1;
}
