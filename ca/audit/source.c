/* SPDX-License-Identifier: ISC */
/* Leaves by their index, through a few bundles kept in memory. */
#include "ca/audit/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tlog/merkle.h"

void
audit_source_clear(struct audit_source *s)
{
	for (size_t i = 0; i < SOURCE_BLOCKS; i++)
		free(s->block[i].bytes);
	for (size_t i = 0; i < s->n_versions; i++)
		free(s->versions[i].version);
	free(s->versions);
	memset(s, 0, sizeof(*s));
}

unsigned
audit_split(struct slice bundle, unsigned max, struct slice *leaf, size_t *used)
{
	struct view v = view_slice(bundle);
	unsigned n = 0;

	while (n < max && entries_get(&v, &leaf[n]) == 0)
		n++;
	*used = bundle.n - v.n;
	return n;
}

static const char *
version_of(const struct audit_source *s, uint64_t index)
{
	for (size_t i = 0; i < s->n_versions; i++)
		if (s->versions[i].index == index)
			return s->versions[i].version;
	return NULL;
}

int
audit_of_store(int r)
{
	return r == ERR_DENIED ? ERR_NET : r;
}

static int
read_bundle(struct audit_source *s, const struct tile *t, uint8_t **out,
    size_t *n, struct err *e)
{
	const char *version = version_of(s, t->index);
	char path[TILE_PATH_MAX];

	tile_path(t, path);
	if (version != NULL)
		return audit_of_store(blob_get_version(s->store, path, version,
		    BUNDLE_BYTES_MAX, out, n, e));
	return audit_of_store(blob_get(s->store, path, BUNDLE_BYTES_MAX, out, n,
	    e));
}

/* Is it the bundle that an earlier audit judged? */
static int
check_root(const struct audit_source *s, const struct source_block *b,
    struct err *e)
{
	struct merkle_edge m = {.size = 0};
	struct hash h;

	for (unsigned i = 0; i < b->n_leaves; i++) {
		merkle_leaf(b->leaf[i].p, b->leaf[i].n, &h);
		merkle_append(&m, &h);
	}
	merkle_root(&m, &h);
	return m.size == TILE_WIDTH && hash_equal(&h, &s->roots[b->index])
	    ? 0
	    : err_set(e, ERR_CORRUPT, "its bundle has other leaves");
}

static int
load(struct audit_source *s, uint64_t index, struct source_block *b,
    struct err *e)
{
	struct tile t = {.level = TILE_ENTRIES,
	    .index = index,
	    .width = tile_width(TILE_ENTRIES, index, s->size)};
	unsigned width = t.width;
	size_t used;
	int r;

	r = read_bundle(s, &t, &b->bytes, &b->n, e);
	if (r == ERR_NOTFOUND && t.width < TILE_WIDTH) {
		/* The log has grown since, and the partial one is gone. */
		t.width = TILE_WIDTH;
		r = read_bundle(s, &t, &b->bytes, &b->n, e);
	}
	if (r != 0)
		return r;
	b->index = index;
	b->n_leaves =
	    audit_split(slice_of(b->bytes, b->n), width, b->leaf, &used);
	return index < s->n_roots ? check_root(s, b, e) : 0;
}

static int
get_block(struct audit_source *s, uint64_t index, struct source_block **out,
    struct err *e)
{
	struct source_block *b = &s->block[0];
	int r;

	for (size_t i = 0; i < SOURCE_BLOCKS; i++) {
		if (s->block[i].used != 0 && s->block[i].index == index) {
			b = &s->block[i];
			goto found;
		}
		if (s->block[i].used < b->used)
			b = &s->block[i];
	}
	free(b->bytes);
	memset(b, 0, sizeof(*b));
	if ((r = load(s, index, b, e)) != 0)
		return r;
found:
	b->used = ++s->clock;
	*out = b;
	return 0;
}

int
audit_source_leaf(struct audit_source *s, uint64_t index, struct slice *out,
    struct err *e)
{
	struct source_block *b;
	unsigned at = (unsigned)(index % TILE_WIDTH);
	int r;

	if (index >= s->size)
		return err_set(e, ERR_NOTFOUND, "no leaf %llu in %llu",
		    (unsigned long long)index, (unsigned long long)s->size);
	if ((r = get_block(s, index / TILE_WIDTH, &b, e)) != 0)
		return r;
	if (at >= b->n_leaves)
		return err_set(e, ERR_CORRUPT,
		    "the bundle of leaf %llu ends before it",
		    (unsigned long long)index);
	*out = b->leaf[at];
	return 0;
}

int
audit_source_parse(struct audit_source *s, uint64_t index, struct leaf *out,
    struct err *e)
{
	struct slice bytes;
	char name[40];
	int r;

	(void)snprintf(name, sizeof(name), "leaf %llu",
	    (unsigned long long)index);
	if ((r = audit_source_leaf(s, index, &bytes, e)) != 0 ||
	    (r = leaf_parse(name, bytes, out, e)) != 0)
		return r;
	if (out->kind == LEAF_STATEMENT &&
	    (r = statement_verify(&out->u.s, e)) != 0)
		err_prefix(e, "%s", name);
	return r;
}
