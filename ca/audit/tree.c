/* SPDX-License-Identifier: ISC */
/*
 * The tree, from its leaves up, against every tile that is there.
 *
 * Leaves and hash tiles are two accounts of one tree.  Where they differ, the
 * one that gives the signed root is right; that is known at the end only, so
 * both roots are kept until then.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"

#define BLOCK_LEVEL 8 /* a block's root is a subtree of 2^8 leaves */

/* --- one block ------------------------------------------------------------ */

/* Does a hash tile begin with these?  Says where it does not. */
static void
compare_hashes(struct audit *a, const struct tile_seen *s, struct slice got,
    const struct hash *want, unsigned n)
{
	char path[TILE_PATH_MAX];

	audit_seen_path(s, path);
	for (unsigned i = 0; i < n && (i + 1) * HASH_LEN <= got.n; i++)
		if (memcmp(got.p + i * HASH_LEN, want[i].b, HASH_LEN) != 0) {
			OBJECT_FINDING(a, STAGE_TREE, "tile", path,
			    "hash %u is not what the leaves give", i);
			return;
		}
	if (got.n != (size_t)s->width * HASH_LEN)
		OBJECT_FINDING(a, STAGE_TREE, "tile", path,
		    "has %zu bytes, expected %u", got.n, s->width * HASH_LEN);
}

/* A narrower or wider bundle holds the same leaves. */
static void
compare_bundle(struct audit *a, const struct tile_seen *s, struct slice got,
    const struct audit_block *b)
{
	unsigned want = s->width < b->n_leaves ? s->width : b->n_leaves;
	struct slice leaf[TILE_WIDTH];
	char path[TILE_PATH_MAX];
	unsigned n, i = 0;
	size_t used;

	audit_seen_path(s, path);
	n = audit_split(got, s->width, leaf, &used);
	while (i < n && i < want && slice_equal(leaf[i], b->leaf[i]))
		i++;
	if (i < want)
		finding_add(a->r, a->label, STAGE_TREE, "tile", false, path,
		    b->index * TILE_WIDTH + i, "is not the one that %s has",
		    audit_bundle(a, b->index * TILE_WIDTH,
			(char[TILE_PATH_MAX]){0}));
	else if (n < s->width || used != got.n)
		OBJECT_FINDING(a, STAGE_TREE, "tile", path,
		    "does not split into %u %s", s->width, LEAVES(s->width));
}

/* The other tiles of this place: superseded ones, and ones ahead. */
static int
compare_others(struct audit *a, const struct audit_block *b, unsigned level,
    unsigned read, struct err *e)
{
	size_t from, to;

	audit_tiles_of(a, level, b->index, &from, &to);
	for (; from < to; from++) {
		const struct tile_seen *s = &a->tiles[from];
		uint8_t *bytes = NULL;
		unsigned same;
		size_t n;
		int r;

		if (s->width == read)
			continue;
		r = audit_get_tile(a, level, b->index, s->width, 0, &bytes, &n,
		    &same, e);
		if (r < 0)
			return r;
		if (r == 0 && level == TILE_ENTRIES)
			compare_bundle(a, s, slice_of(bytes, n), b);
		else if (r == 0)
			compare_hashes(a, s, slice_of(bytes, n), b->e,
			    s->width < b->width ? s->width : b->width);
		free(bytes);
	}
	return 0;
}

static int
note_bad(struct audit *a, uint64_t index, bool cut)
{
	if (vec_grow(&a->bad, a->n_bad, &a->cap_bad, AUDIT_FINDINGS_MAX) != 0)
		return ERR_NOMEM;
	a->bad[a->n_bad++] = (struct bad_leaf){.index = index, .cut = cut};
	return 0;
}

/* Fill e and t, one from the other where it lacks.  1: both do. */
static int
fill(struct audit *a, struct audit_block *b)
{
	unsigned have_t = b->hashes == NULL ? 0
	    : b->n_hashes / HASH_LEN < b->width
	    ? (unsigned)(b->n_hashes / HASH_LEN)
	    : b->width;

	for (unsigned i = 0; i < b->width; i++) {
		if (i < have_t)
			memcpy(b->t[i].b, b->hashes + i * HASH_LEN, HASH_LEN);
		if (i >= have_t && i >= b->n_leaves)
			return 1;
		if (i >= have_t)
			b->t[i] = b->e[i];
		if (i >= b->n_leaves)
			b->e[i] = b->t[i];
	}
	if (b->hashes != NULL && b->n_hashes != (size_t)b->read_t * HASH_LEN) {
		const struct tile_seen s = {.level = 0,
		    .index = b->index,
		    .width = (uint16_t)b->read_t};

		compare_hashes(a, &s, slice_of(b->hashes, b->n_hashes), NULL,
		    0);
	}
	return 0;
}

static int
find_bad(struct audit *a, const struct audit_block *b)
{
	uint64_t first = b->index * TILE_WIDTH;
	char path[TILE_PATH_MAX];

	for (unsigned i = 0; i < b->width; i++)
		if (!hash_equal(&b->e[i], &b->t[i]))
			return note_bad(a, first + i, false);
	if (b->entries != NULL && b->n_leaves < b->width)
		return note_bad(a, first + b->n_leaves, true);
	if (b->entries != NULL && b->read_e == b->width &&
	    b->used != b->n_entries)
		OBJECT_FINDING(a, STAGE_TREE, "tile",
		    audit_bundle(a, first, path),
		    "has bytes after leaf %llu, its last",
		    (unsigned long long)(first + b->width - 1));
	return 0;
}

static void
append(struct merkle_edge *m, const struct hash *v, unsigned n,
    struct hash *root)
{
	struct merkle_edge block = {.size = 0};

	for (unsigned i = 0; i < n; i++)
		merkle_append(n == TILE_WIDTH ? &block : m, &v[i]);
	if (n < TILE_WIDTH)
		return;
	merkle_root(&block, root);
	merkle_append_subtree(m, BLOCK_LEVEL, root);
}

int
audit_block_take(struct audit *a, struct audit_block *b, struct err *e)
{
	int r;

	if (fill(a, b) != 0)
		return 1;
	if ((r = find_bad(a, b)) == ERR_LIMIT)
		r = 0; /* enough is known */
	if (r == 0)
		r = compare_others(a, b, TILE_ENTRIES, b->read_e, e);
	if (r == 0)
		r = compare_others(a, b, 0, b->read_t, e);
	if (r != 0)
		return r;
	if (vec_grow(&a->e8, a->n8, &a->cap_e8, SIZE_MAX / 64) != 0 ||
	    vec_grow(&a->t8, a->n8, &a->cap_t8, SIZE_MAX / 64) != 0)
		return err_nomem(e);
	audit_heads_pass(a, &a->edge_e, b->e, b->width, false);
	audit_heads_pass(a, &a->edge_t, b->t, b->width, true);
	append(&a->edge_e, b->e, b->width, &a->e8[a->n8]);
	append(&a->edge_t, b->t, b->width, &a->t8[a->n8]);
	if (b->width == TILE_WIDTH)
		a->n8++;
	return 0;
}

/* --- at the end ------------------------------------------------------------
 */

/* Leaf against hash: whom does the signed root contradict? */
static void
blame(struct audit *a, const struct bad_leaf *bad, bool e_right)
{
	uint64_t block = bad->index / TILE_WIDTH;
	const struct tile t = {0, block, tile_width(0, block, a->head.size)};
	char path[TILE_PATH_MAX], bundle[TILE_PATH_MAX];

	tile_path(&t, path);
	(void)audit_bundle(a, bad->index, bundle);
	if (bad->cut)
		finding_add(a->r, a->label, STAGE_TREE, "tile", false, bundle,
		    bad->index, "is not there, the bundle ends before it");
	else if (e_right)
		OBJECT_FINDING(a, STAGE_TREE, "tile", path,
		    "hash %u is not that of leaf %llu",
		    (unsigned)(bad->index % TILE_WIDTH),
		    (unsigned long long)bad->index);
	else if (a->truth_t)
		finding_add(a->r, a->label, STAGE_TREE, "tile", false, bundle,
		    bad->index, "is not what was logged");
	else
		finding_add(a->r, a->label, STAGE_TREE, "tile", false, bundle,
		    bad->index,
		    "does not have hash %u of %s, and neither gives the "
		    "signed root",
		    (unsigned)(bad->index % TILE_WIDTH), path);
}

static int
check_tile(struct audit *a, const struct tile_seen *s, const struct hash *want,
    unsigned allowed, struct err *e)
{
	uint8_t *bytes = NULL;
	size_t n, nth = 0;
	char path[TILE_PATH_MAX];
	int r;

	audit_seen_path(s, path);
	/* Any version that is right will do; the others were told. */
	while ((r = audit_get(a, path, nth++, TILE_BYTES, &bytes, &n, e)) ==
	    0) {
		unsigned cmp = s->width < allowed ? s->width : allowed;

		if (n == (size_t)s->width * HASH_LEN &&
		    memcmp(bytes, want, cmp * HASH_LEN) == 0) {
			free(bytes);
			return 0;
		}
		if (!audit_has_versions(a, path))
			compare_hashes(a, s, slice_of(bytes, n), want, cmp);
		free(bytes);
		bytes = NULL;
	}
	if (r < 0)
		return r;
	if (r == AUDIT_UNREADABLE || audit_has_versions(a, path))
		OBJECT_FINDING(a, STAGE_TREE, "tile", path,
		    "is in no version what the leaves give");
	return 0;
}

/* Of what an earlier audit compared, its full tiles are there: old hashes. */
static int
check_level(struct audit *a, unsigned level, const struct hash *v, size_t n,
    size_t old, struct err *e)
{
	int r = 0;

	for (uint64_t i = 0; i * TILE_WIDTH < n && r == 0; i++) {
		unsigned allowed = tile_width(level, i, a->head.size);
		size_t from, to;

		if (allowed == 0)
			break;
		if (audit_tile(a, level, i, allowed) == NULL)
			audit_missing_tile(a, level, i, allowed);
		if ((i + 1) * TILE_WIDTH <= old)
			continue;
		audit_tiles_of(a, level, i, &from, &to);
		for (; from < to && r == 0; from++)
			r = check_tile(a, &a->tiles[from], v + i * TILE_WIDTH,
			    allowed, e);
	}
	return r;
}

/* Tiles wider than the tree, of which no signed head knows. */
static void
check_ahead(struct audit *a)
{
	char path[TILE_PATH_MAX];

	for (size_t i = 0; i < a->n_tiles; i++) {
		const struct tile_seen *s = &a->tiles[i];

		if (s->width <= tile_width(s->level, s->index, a->head.size))
			continue;
		if (a->grown != 0 &&
		    s->width <= tile_width(s->level, s->index, a->grown))
			continue;
		OBJECT_FINDING(a, STAGE_TREE, "ahead", audit_seen_path(s, path),
		    "goes beyond the checkpoint");
	}
}

static int
check_levels(struct audit *a, struct err *e)
{
	const struct hash *base = a->truth_t ? a->t8 : a->e8;
	struct hash *v = NULL;
	size_t n = a->n8, old = (size_t)(a->resumed / TILE_WIDTH);
	int r = 0;

	if (n == 0)
		return 0;
	if ((v = malloc(n * sizeof(*v))) == NULL)
		return err_nomem(e);
	memcpy(v, base, n * sizeof(*v));
	for (unsigned level = 1; n > 0 && r == 0; level++) {
		size_t up = n / TILE_WIDTH;

		r = check_level(a, level, v, n, old, e);
		for (size_t i = 0; i < up; i++) {
			struct merkle_edge m = {.size = 0};

			for (size_t j = 0; j < TILE_WIDTH; j++)
				merkle_append(&m, &v[i * TILE_WIDTH + j]);
			merkle_root(&m, &v[i]);
		}
		n = up;
		old /= TILE_WIDTH;
	}
	free(v);
	return r;
}

int
audit_tree_finish(struct audit *a, struct err *e)
{
	struct hash e_root, t_root;
	bool e_right;

	merkle_root(&a->edge_e, &e_root);
	merkle_root(&a->edge_t, &t_root);
	e_right = hash_equal(&e_root, &a->head.root);
	a->truth_t = !e_right && hash_equal(&t_root, &a->head.root);
	for (size_t i = 0; i < a->n_bad; i++)
		blame(a, &a->bad[i], e_right);
	check_ahead(a);
	if (a->walked < a->head.size)
		return 0;
	return check_levels(a, e);
}
