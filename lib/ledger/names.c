/* SPDX-License-Identifier: ISC */
/*
 * Further names: a leaf may be about others, as a decision is about up to 200
 * requests, and must be found from each of them.
 */
#include <stdlib.h>

#include "lib/ledger/ledger_impl.h"

static void
count_one(void *ctx, uint8_t tag, const struct hash *name)
{
	size_t *n = ctx;

	(void)tag;
	(void)name;
	(*n)++;
}

size_t
ledger_count_names(struct ledger *l, struct slice leaf)
{
	size_t n = 0;

	if (l->c.names != NULL)
		l->c.names(leaf, count_one, &n);
	return n;
}

static void
add_one(void *ctx, uint8_t tag, const struct hash *name)
{
	index_add_name(ctx, tag, name);
}

void
ledger_add_names(struct ledger *l, struct slice leaf)
{
	if (l->c.names != NULL)
		l->c.names(leaf, add_one, l->index);
}

/* --- finding -------------------------------------------------------------- */

struct finder {
	struct ledger *l;
	uint8_t tag;
	const struct hash *name;
	uint64_t *out;
	size_t max, n;
	bool is_named;
	struct err *e;
};

static void
compare(void *ctx, uint8_t tag, const struct hash *name)
{
	struct finder *f = ctx;

	if (tag == f->tag && hash_equal(name, f->name))
		f->is_named = true;
}

/* What the index says is a hint: does the leaf bear the name? */
static int
look(void *ctx, uint64_t index)
{
	struct finder *f = ctx;
	uint8_t *p;
	size_t n;
	int r;

	if (index >= f->l->tree.size)
		return 0;
	for (size_t i = 0; i < f->n; i++)
		if (f->out[i] == index)
			return 0;
	if ((r = ledger_read(f->l, index, &p, &n, f->e)) != 0)
		return r;
	f->is_named = false;
	f->l->c.names(slice_of(p, n), compare, f);
	free(p);
	if (!f->is_named)
		return 0;
	if (f->n == f->max)
		return err_set(f->e, ERR_LIMIT,
		    "more than %zu leaves are about the same", f->max);
	f->out[f->n++] = index;
	return 0;
}

int
ledger_find_all(struct ledger *l, uint8_t tag, const struct hash *name,
    uint64_t *out, size_t max, size_t *n, struct err *e)
{
	struct finder f = {
	    .l = l, .tag = tag, .name = name, .out = out, .max = max, .e = e};
	int r;

	if (l->c.names == NULL) {
		*n = 0;
		return 0;
	}
	if ((r = index_find(l->index, tag, name, look, &f)) != 0)
		return r;
	qsort(out, f.n, sizeof(*out), u64_compare);
	*n = f.n;
	return 0;
}
