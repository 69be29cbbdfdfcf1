/* SPDX-License-Identifier: ISC */
/*
 * What the log has of statements and of orders' TARGETS: in the store, and while
 * that has no room, in the batches that wait for some.
 */
#include "agent/master/mk_impl.h"

/* The item that waits and is, or whose TARGETS are, called so. */
static const struct mk_item *
waits(const struct mk *k, const struct hash *h, bool targets)
{
	const struct mk_batch *b;
	const struct mk_item *i;

	STAILQ_FOREACH (b, &k->unstored, link)
		STAILQ_FOREACH (i, &b->items, link)
			if (targets ? i->targets != NULL &&
				    hash_equal(&i->s.u.job.targets, h)
				    : i->has_leaf && hash_equal(&i->s.hash, h))
				return i;
	return NULL;
}

static int
copy(struct slice data, char **out, size_t *n, struct err *e)
{
	char *p = str_dupn(data.p, data.n);

	if (p == NULL)
		return err_nomem(e);
	*out = p;
	*n = data.n;
	return 0;
}

int
mk_said(struct mk *k, const struct hash *h, char **out, size_t *n,
    struct err *e)
{
	const struct mk_item *i = waits(k, h, false);

	if (i != NULL)
		return copy(statement_bytes(&i->s), out, n, e);
	return rows_act(k->rows, h, out, n, e);
}

int
mk_said_index(struct mk *k, const struct hash *h, uint64_t *index,
    struct err *e)
{
	const struct mk_item *i = waits(k, h, false);

	if (i == NULL)
		return rows_find_act(k->rows, h, index, e);
	*index = i->index;
	return 0;
}

int
mk_said_targets(struct mk *k, const struct hash *h, char **out, size_t *n,
    struct err *e)
{
	const struct mk_item *i = waits(k, h, true);

	if (i != NULL)
		return copy(slice_of(i->targets, i->n_targets), out, n, e);
	return rows_object(k->rows, h, out, n, e);
}
