/* SPDX-License-Identifier: ISC */
/* Blocks of leaves from the store: a bundle, and the tile of its hashes. */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"

const char *
audit_bundle(const struct audit *a, uint64_t index, char out[TILE_PATH_MAX])
{
	const uint64_t block = index / TILE_WIDTH;
	struct tile t = {.level = TILE_ENTRIES,
	    .index = block,
	    .width = tile_width(TILE_ENTRIES, block, a->head.size)};

	if (t.width == 0)
		t.width = TILE_WIDTH;
	tile_path(&t, out);
	return out;
}

const char *
audit_seen_path(const struct tile_seen *s, char out[TILE_PATH_MAX])
{
	const struct tile t = {
	    .level = s->level, .index = s->index, .width = s->width};

	tile_path(&t, out);
	return out;
}

void
audit_block_clear(struct audit_block *b)
{
	free(b->entries);
	free(b->hashes);
	b->entries = b->hashes = NULL;
	b->n_leaves = 0;
}

/* The nth version of the narrowest tile that is wide enough.  1: none. */
int
audit_get_tile(struct audit *a, unsigned level, uint64_t index, unsigned width,
    size_t nth, uint8_t **out, size_t *n, unsigned *read, struct err *e)
{
	const struct tile_seen *seen = audit_tile(a, level, index, width);
	struct err why = {0};
	char path[TILE_PATH_MAX];
	int r;

	if (seen == NULL)
		return 1;
	audit_seen_path(seen, path);
	r = audit_get(a, path, nth,
	    level == TILE_ENTRIES ? BUNDLE_BYTES_MAX : TILE_BYTES, out, n,
	    &why);
	*read = seen->width;
	if (r == AUDIT_UNREADABLE) {
		OBJECT_FINDING(a, STAGE_TREE, "tile", path, "%s", why.msg);
		return 1;
	}
	if (r < 0 && e != NULL)
		*e = why;
	return r;
}

/*
 * The log has grown since it was listed, and the partial tile is gone: the full
 * one has what that had.
 */
static int
get_tile(struct audit *a, unsigned level, const struct audit_block *b,
    size_t nth, uint8_t **out, size_t *n, unsigned *read, struct err *e)
{
	const struct tile full = {level, b->index, TILE_WIDTH};
	char path[TILE_PATH_MAX];
	int r;

	r = audit_get_tile(a, level, b->index, b->width, nth, out, n, read, e);
	if (r != 1 || nth > 0 || b->width == TILE_WIDTH ||
	    audit_tile(a, level, b->index, b->width) == NULL)
		return r;
	tile_path(&full, path);
	*read = TILE_WIDTH;
	r = audit_get(a, path, 0,
	    level == TILE_ENTRIES ? BUNDLE_BYTES_MAX : TILE_BYTES, out, n, e);
	return r == AUDIT_UNREADABLE ? 1 : r;
}

static int
load_entries(struct audit *a, struct audit_block *b, size_t nth, struct err *e)
{
	uint8_t *bytes = NULL;
	size_t n;
	int r;

	r = get_tile(a, TILE_ENTRIES, b, nth, &bytes, &n, &b->read_e, e);
	if (r != 0)
		return r;
	free(b->entries);
	b->entries = bytes;
	b->n_entries = n;
	b->n_leaves =
	    audit_split(slice_of(bytes, n), b->width, b->leaf, &b->used);
	return 0;
}

static int
load_hashes(struct audit *a, struct audit_block *b, size_t nth, struct err *e)
{
	uint8_t *bytes = NULL;
	size_t n;
	int r;

	r = get_tile(a, 0, b, nth, &bytes, &n, &b->read_t, e);
	if (r != 0)
		return r;
	free(b->hashes);
	b->hashes = bytes;
	b->n_hashes = n;
	return 0;
}

static bool
is_match(const struct audit_block *b)
{
	struct hash h;

	if (b->entries == NULL || b->hashes == NULL || b->n_leaves < b->width ||
	    b->n_hashes < b->width * HASH_LEN)
		return false;
	for (unsigned i = 0; i < b->width; i++) {
		merkle_leaf(b->leaf[i].p, b->leaf[i].n, &h);
		if (memcmp(h.b, b->hashes + i * HASH_LEN, HASH_LEN) != 0)
			return false;
	}
	return true;
}

static int
source_version(struct audit *a, const struct audit_block *b, size_t nth)
{
	struct audit_source *s = &a->source;
	char path[TILE_PATH_MAX];
	const char *version;

	(void)audit_bundle(a, b->index * TILE_WIDTH, path);
	if ((version = audit_version(a, path, nth)) == NULL)
		return 0;
	if (vec_grow(&s->versions, s->n_versions, &s->cap_versions,
		SIZE_MAX / 64) != 0)
		return ERR_NOMEM;
	s->versions[s->n_versions] = (struct source_version){
	    .index = b->index, .version = str_dup(version)};
	return s->versions[s->n_versions++].version == NULL ? ERR_NOMEM : 0;
}

/* Somebody wrote further versions: take the two that belong together. */
static int
settle(struct audit *a, struct audit_block *b, struct err *e)
{
	int re, rt;

	for (size_t i = 0;; i++) {
		if ((re = load_entries(a, b, i, e)) != 0)
			break;
		for (size_t j = 0;; j++) {
			if ((rt = load_hashes(a, b, j, e)) < 0)
				return rt;
			if (rt != 0)
				break;
			if (is_match(b))
				return source_version(a, b, i);
		}
	}
	if (re < 0)
		return re;
	if ((re = load_entries(a, b, 0, e)) < 0)
		return re;
	return (rt = load_hashes(a, b, 0, e)) < 0 ? rt : 0;
}

static bool
is_doubtful(const struct audit *a, unsigned level, const struct audit_block *b)
{
	const struct tile_seen *s = audit_tile(a, level, b->index, b->width);
	char path[TILE_PATH_MAX];

	return s != NULL && a->n_versions > 0 &&
	    audit_has_versions(a, audit_seen_path(s, path));
}

void
audit_missing_tile(struct audit *a, unsigned level, uint64_t index,
    unsigned width)
{
	const struct tile t = {level, index, width};
	char path[TILE_PATH_MAX];

	tile_path(&t, path);
	OBJECT_FINDING(a, STAGE_TREE, "missing", path, "is missing");
}

int
audit_block_load(struct audit *a, struct audit_block *b, struct err *e)
{
	int r;

	b->width = tile_width(0, b->index, a->head.size);
	if ((r = load_entries(a, b, 0, e)) < 0)
		return r;
	if (r == 1 && audit_tile(a, TILE_ENTRIES, b->index, b->width) == NULL)
		audit_missing_tile(a, TILE_ENTRIES, b->index, b->width);
	if ((r = load_hashes(a, b, 0, e)) < 0)
		return r;
	if (r == 1 && audit_tile(a, 0, b->index, b->width) == NULL)
		audit_missing_tile(a, 0, b->index, b->width);
	if (is_doubtful(a, TILE_ENTRIES, b) || is_doubtful(a, 0, b))
		return settle(a, b, e);
	return 0;
}
