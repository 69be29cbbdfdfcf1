/* SPDX-License-Identifier: ISC */
#include "lib/ledger/tree.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/tlog/tile.h"

void
tree_clear(struct tree *t)
{
	for (unsigned i = 0; i < TREE_LEVELS; i++)
		free(t->l[i].v);
	*t = (struct tree){.base = 0};
}

/* Where a tree that begins at base begins at a level. */
static uint64_t
level_start(uint64_t base, unsigned level)
{
	return (base >> (8 * level)) / TILE_WIDTH * TILE_WIDTH;
}

int
tree_reserve(struct tree *t, size_t n)
{
	int r = 0;

	for (unsigned i = 0; i < TREE_LEVELS && r == 0; i++) {
		r = vec_reserve(&t->l[i].v, t->l[i].n, n, &t->l[i].cap);
		n = n / TILE_WIDTH + 1;
	}
	return r;
}

static void
level_append(struct tree *t, unsigned level, struct hash h)
{
	for (; level < TREE_LEVELS; level++) {
		struct tree_level *l = &t->l[level];

		l->v[l->n++] = h;
		merkle_append(&l->open, &h);
		if (l->open.size < TILE_WIDTH)
			break;
		h = l->open.h[8];
		l->open.size = 0;
	}
}

void
tree_append(struct tree *t, const struct hash *leaf)
{
	level_append(t, 0, *leaf);
	t->size++;
}

int
tree_start(struct tree *t, uint64_t base, struct slice edge)
{
	struct view v = view_slice(edge);
	int r;

	tree_clear(t);
	if (base % TILE_WIDTH != 0)
		return ERR_CORRUPT;
	t->base = t->size = base;
	for (unsigned i = 0; i < TREE_LEVELS; i++) {
		struct tree_level *l = &t->l[i];
		uint64_t n = (base >> (8 * i)) % TILE_WIDTH;
		struct slice s;

		l->start = level_start(base, i);
		if ((r = vec_reserve(&l->v, l->n, (size_t)n, &l->cap)) != 0)
			return r;
		if (view_get(&v, (size_t)n * HASH_LEN, &s) != 0)
			return ERR_CORRUPT;
		if (n > 0)
			memcpy(l->v, s.p, s.n);
		l->n = (size_t)n;
		for (size_t k = 0; k < l->n; k++)
			merkle_append(&l->open, &l->v[k]);
	}
	return view_end(&v) == 0 ? 0 : ERR_CORRUPT;
}

int
tree_edge(const struct tree *t, uint64_t base, struct buf *out)
{
	int r = 0;

	for (unsigned i = 0; i < TREE_LEVELS && r == 0; i++) {
		size_t n = (size_t)((base >> (8 * i)) % TILE_WIDTH);
		size_t skip = (size_t)(level_start(base, i) - t->l[i].start);

		if (n > 0)
			r = buf_put(out, t->l[i].v + skip, n * HASH_LEN);
	}
	return r;
}

void
tree_rebase(struct tree *t, uint64_t base)
{
	for (unsigned i = 0; i < TREE_LEVELS; i++) {
		struct tree_level *l = &t->l[i];
		uint64_t start = level_start(base, i);
		size_t skip = (size_t)(start - l->start);

		if (skip > 0)
			memmove(l->v, l->v + skip,
			    (l->n - skip) * sizeof(l->v[0]));
		l->n -= skip;
		l->start = start;
	}
	t->base = base;
}

/* The open tiles, level above level, are the right edge of the whole. */
void
tree_root(const struct tree *t, struct hash *out)
{
	struct merkle_edge m = {.size = t->size};

	for (unsigned i = 0; i < TREE_LEVELS; i++)
		memcpy(m.h + 8 * i, t->l[i].open.h, 8 * sizeof(m.h[0]));
	merkle_root(&m, out);
}

const struct hash *
tree_at(const struct tree *t, unsigned level, uint64_t index)
{
	const struct tree_level *l = &t->l[level];

	if (index < l->start || index - l->start >= l->n)
		return NULL;
	return &l->v[index - l->start];
}

void
tree_fold(const struct hash *v, size_t n, struct hash *out)
{
	struct merkle_edge m = {.size = 0};

	for (size_t i = 0; i < n; i++)
		merkle_append(&m, &v[i]);
	merkle_root(&m, out);
}
