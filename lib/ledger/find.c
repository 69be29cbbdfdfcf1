/* SPDX-License-Identifier: ISC */
/* What is found by name or tag: the index, filled from the leaves. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/ledger/ledger_impl.h"

int
ledger_add_to_index(void *ctx, uint64_t index, struct slice leaf)
{
	struct ledger *l = ctx;
	struct hash name, h;
	uint8_t tag;

	if (index >= l->tree.base)
		memcpy(h.b, l->kept[index - l->tree.base].p, HASH_LEN);
	else
		merkle_leaf(leaf.p, leaf.n, &h);
	l->c.classify(leaf, &tag, &name);
	ledger_add_names(l, leaf);
	index_add(l->index, tag, &name, &h);
	return 0;
}

/* Leaves that were there before: their further names are not counted ahead. */
static int
add_old(void *ctx, uint64_t index, struct slice leaf)
{
	struct ledger *l = ctx;
	int r = index_reserve(l->index, 1 + ledger_count_names(l, leaf), NULL);

	return r != 0 ? r : ledger_add_to_index(ctx, index, leaf);
}

/* Is what the index has of these leaves? */
static bool
index_fits(const struct ledger *l)
{
	uint64_t n = index_count(l->index);
	struct hash h;

	if (n > l->tree.size || n < l->tree.base)
		return false;
	if (n == l->tree.base)
		return true;
	memcpy(h.b, l->kept[n - 1 - l->tree.base].p, HASH_LEN);
	return index_last_is(l->index, &h);
}

static bool
home_has(const struct ledger *l, unsigned level)
{
	uint64_t last = (l->published.size - 1) / TILE_WIDTH;
	const struct tile t = {
	    level, last, tile_width(level, last, l->published.size)};
	char key[TILE_PATH_MAX], *path = NULL;
	bool there = false;

	tile_path(&t, key);
	if (path_join(l->home_dir, key, &path) == 0)
		there = file_exists(path);
	free(path);
	return there;
}

/* How far is home surely filled?  Not further than base, after a power loss or
 * where somebody removed the tiles. */
static void
find_settled(struct ledger *l, bool lost)
{
	uint64_t n = index_settled(l->index);

	if (n > l->published.size)
		n = l->published.size;
	if (n < l->tree.base || lost)
		n = l->tree.base;
	if (l->home_dir != NULL && l->published.size > l->tree.base &&
	    !(home_has(l, 0) && home_has(l, TILE_ENTRIES)))
		n = l->tree.base;
	l->settled = n;
}

int
ledger_open_index(struct ledger *l, struct err *e)
{
	char *path = NULL;
	bool lost;
	int r;

	if (path_join(l->c.dir, "index", &path) != 0)
		return err_nomem(e);
	r = index_open(path, l->c.listed, l->c.read_only, &l->index, e);
	free(path);
	if (r != 0)
		return r;
	if (!index_fits(l) && (r = index_reset(l->index, e)) != 0)
		return r;
	lost = index_count(l->index) == 0 && l->tree.size > 0;
	r = index_reserve(l->index,
	    (size_t)(l->tree.size - index_count(l->index)), e);
	if (r == 0)
		r = ledger_each(l, index_count(l->index), l->tree.size, add_old,
		    l, e);
	if (r == 0)
		find_settled(l, lost);
	/* Somebody may have been killed while he published. */
	l->torn = l->settled < l->tree.size;
	if (r == 0 && !l->c.read_only)
		index_settle(l->index, l->settled);
	return r;
}

int
ledger_index_in_memory(struct ledger *l, struct err *e)
{
	int r = index_open(NULL, l->c.listed, false, &l->index, e);

	if (r == 0 &&
	    (r = index_reserve(l->index, (size_t)l->tree.size, e)) == 0)
		r = ledger_each(l, 0, l->tree.size, add_old, l, e);
	if (r == 0 && l->c.opened != NULL)
		l->c.opened(l->c.objects_ctx, l);
	return r;
}

/* --- find
 * ---------------------------------------------------------------------- */

struct finder {
	struct ledger *l;
	uint8_t tag;
	const struct hash *name;
	uint64_t best;
	struct err *e;
};

static int
look(void *ctx, uint64_t index)
{
	struct finder *f = ctx;
	struct hash name;
	uint8_t *p, tag;
	size_t n;
	int r;

	if (index >= f->best || index >= f->l->tree.size)
		return 0;
	if ((r = ledger_read(f->l, index, &p, &n, f->e)) != 0)
		return r;
	f->l->c.classify(slice_of(p, n), &tag, &name);
	free(p);
	if (tag == f->tag && hash_equal(&name, f->name))
		f->best = index;
	return 0;
}

int
ledger_find(struct ledger *l, uint8_t tag, const struct hash *name,
    uint64_t *index, struct err *e)
{
	struct finder f = {l, tag, name, UINT64_MAX, e};
	int r = index_find(l->index, tag, name, look, &f);

	if (r != 0 || f.best == UINT64_MAX)
		return r != 0 ? r : 1;
	*index = f.best;
	return 0;
}

int
ledger_listed(struct ledger *l, uint8_t tag, const uint64_t **out, size_t *n,
    struct err *e)
{
	if (tag >= 32 || (l->c.listed >> tag & 1) == 0)
		return err_set(e, ERR_USAGE, "leaves of tag %u are not listed",
		    tag);
	if (index_listed(l->index, tag, out, n) != 0)
		return err_nomem(e);
	/* A writer may have gone on since this reader was opened. */
	while (*n > 0 && (*out)[*n - 1] >= l->tree.size)
		(*n)--;
	return 0;
}
