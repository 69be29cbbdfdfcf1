/* SPDX-License-Identifier: ISC */
/*
 * Reading leaves and hashes: from memory since base, else from full tiles and
 * bundles at home.  Nothing from there is believed: a tile must hash to its
 * place in the tile above it, and so on up to what is in memory, and a bundle
 * to its place in level 1.  Where the newest object of a key is not the one,
 * the older versions of it are tried, so that whoever can write to the bucket
 * cannot stop us.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"

#define VERSIONS_MAX 1000

struct slice
ledger_kept(const struct ledger *l, uint64_t index)
{
	const struct kept *k = &l->kept[index - l->tree.base];

	return slice_of(k->p + HASH_LEN, k->n - HASH_LEN);
}

void
bundle_clear(struct bundle *b)
{
	free(b->p);
	b->p = NULL;
}

/* --- an object that checks out ---------------------------------------------
 */

struct fetch {
	const char *key;
	size_t max;
	int (*check)(struct fetch *f, struct slice s); /* 0 or ERR_* */
	struct hash want;
	struct hash *tile;     /* out */
	struct bundle *bundle; /* out */
	uint8_t *p;
	size_t n;
	struct strs versions;
};

static int
add_version(void *ctx, const struct blob_info *info)
{
	struct fetch *f = ctx;

	if (strcmp(info->key, f->key) != 0 || info->deleted ||
	    info->size > f->max || f->versions.n == VERSIONS_MAX)
		return 0;
	return strs_add(&f->versions, info->version);
}

static int
fetch_versions(struct ledger *l, struct fetch *f, struct err *e)
{
	int r = blob_list(l->home, f->key, add_version, f, e);

	if (r == ERR_NOMEM)
		return err_nomem(e);
	for (size_t i = 0; r == 0 && i < f->versions.n; i++) {
		r = blob_get_version(l->home, f->key, f->versions.v[i], f->max,
		    &f->p, &f->n, e);
		if (r == 0 && (r = f->check(f, slice_of(f->p, f->n))) == 0) {
			ledger_warn(l,
			    "%s in %s: the newest version is not of this log, "
			    "an older one is",
			    f->key, blob_url(l->home));
			return 0;
		}
		free(f->p);
		f->p = NULL;
		if (r == ERR_NOTFOUND || r == ERR_CORRUPT || r == ERR_LIMIT)
			r = 0;
	}
	return r != 0 ? r : ERR_CORRUPT;
}

/* f->p is the object, for the caller to free. */
static int
fetch(struct ledger *l, struct fetch *f, struct err *e)
{
	int r = blob_get(l->home, f->key, f->max, &f->p, &f->n, e);
	bool missing = r == ERR_NOTFOUND;

	if (r == 0 && (r = f->check(f, slice_of(f->p, f->n))) != 0) {
		free(f->p);
		f->p = NULL;
	}
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if ((missing || r == ERR_CORRUPT || r == ERR_LIMIT) &&
	    l->home_dir == NULL) {
		r = fetch_versions(l, f, e);
		strs_clear(&f->versions);
	}
	if (r == ERR_NOTFOUND || r == ERR_CORRUPT || r == ERR_LIMIT)
		r = err_set(e, ERR_CORRUPT, "%s in %s is %s", f->key,
		    blob_url(l->home),
		    missing ? "missing, though its leaves were published"
			    : "damaged: it does not hash to its place in the "
			      "tree");
	return r;
}

static int
check_tile(struct fetch *f, struct slice s)
{
	struct hash h;

	if (s.n != TILE_WIDTH * HASH_LEN)
		return ERR_CORRUPT;
	memcpy(f->tile, s.p, s.n);
	tree_fold(f->tile, TILE_WIDTH, &h);
	return hash_equal(&h, &f->want) ? 0 : ERR_CORRUPT;
}

static int
check_bundle(struct fetch *f, struct slice s)
{
	struct merkle_edge m = {.size = 0};
	struct view v = view_slice(s);
	struct hash h;

	for (size_t i = 0; i < TILE_WIDTH; i++) {
		struct slice *leaf = &f->bundle->leaf[i];

		if (entries_get(&v, leaf) != 0)
			return ERR_CORRUPT;
		merkle_leaf(leaf->p, leaf->n, &h);
		merkle_append(&m, &h);
	}
	return view_end(&v) == 0 && hash_equal(&m.h[8], &f->want) ? 0
								  : ERR_CORRUPT;
}

/* --- tiles and bundles -----------------------------------------------------
 */

static int
full_tile(struct ledger *l, unsigned level, uint64_t index, struct err *e)
{
	const struct tile t = {level, index, TILE_WIDTH};
	struct tile_cache *c = l->tiles[level];
	char key[TILE_PATH_MAX];
	struct fetch f = {
	    .key = key, .max = TILE_WIDTH * HASH_LEN, .check = check_tile};
	int r;

	if (c != NULL && c->any && c->index == index)
		return 0;
	if ((r = ledger_level_hash(l, level + 1, index, &f.want, e)) != 0)
		return r;
	if (c == NULL && (c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	l->tiles[level] = c;
	c->any = false;
	f.tile = c->v;
	tile_path(&t, key);
	if ((r = fetch(l, &f, e)) == 0) {
		c->any = true;
		c->index = index;
	}
	free(f.p);
	return r;
}

int
ledger_level_hash(struct ledger *l, unsigned level, uint64_t index,
    struct hash *out, struct err *e)
{
	const struct hash *h =
	    level < TREE_LEVELS ? tree_at(&l->tree, level, index) : NULL;
	int r;

	if (h != NULL) {
		*out = *h;
		return 0;
	}
	/* What is not in memory lies in a full tile, which has one above. */
	if (level + 1 >= TREE_LEVELS || index >= l->tree.l[level].start)
		return err_set(e, ERR_CORRUPT,
		    "the tree has no hash %llu at level %u", LL(index), level);
	if ((r = full_tile(l, level, index / TILE_WIDTH, e)) == 0)
		*out = l->tiles[level]->v[index % TILE_WIDTH];
	return r;
}

int
ledger_tile(struct ledger *l, const struct tile *t, struct hash *out,
    struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < t->width && r == 0; i++)
		r = ledger_level_hash(l, t->level, t->index * TILE_WIDTH + i,
		    &out[i], e);
	return r;
}

int
ledger_bundle(struct ledger *l, uint64_t index, struct bundle *out,
    struct err *e)
{
	const struct tile t = {TILE_ENTRIES, index, TILE_WIDTH};
	char key[TILE_PATH_MAX];
	struct fetch f = {.key = key,
	    .max = BUNDLE_MAX,
	    .check = check_bundle,
	    .bundle = out};
	int r;

	bundle_clear(out);
	if ((r = ledger_level_hash(l, 1, index, &f.want, e)) != 0)
		return r;
	tile_path(&t, key);
	if ((r = fetch(l, &f, e)) != 0)
		return r;
	out->p = f.p;
	out->index = index;
	return 0;
}

int
ledger_read(struct ledger *l, uint64_t index, uint8_t **out, size_t *n,
    struct err *e)
{
	uint64_t which = index / TILE_WIDTH;
	struct slice s;
	uint8_t *p;
	int r;

	if (index >= l->tree.size)
		return err_set(e, ERR_NOTFOUND,
		    "there is no leaf %llu, the log has %llu", LL(index),
		    LL(l->tree.size));
	if (index >= l->tree.base) {
		s = ledger_kept(l, index);
	} else {
		if ((l->bundle.p == NULL || l->bundle.index != which) &&
		    (r = ledger_bundle(l, which, &l->bundle, e)) != 0)
			return r;
		s = l->bundle.leaf[index % TILE_WIDTH];
	}
	if ((p = malloc(s.n + 1)) == NULL)
		return err_nomem(e);
	memcpy(p, s.p, s.n);
	*out = p;
	*n = s.n;
	return 0;
}

/* A bundle of its own, since each() may read other leaves. */
int
ledger_each(struct ledger *l, uint64_t from, uint64_t to,
    int (*each)(void *ctx, uint64_t index, struct slice leaf), void *ctx,
    struct err *e)
{
	struct bundle b = {.p = NULL};
	int r = 0;

	if (from > to || to > l->tree.size)
		return err_set(e, ERR_NOTFOUND,
		    "there are no leaves %llu to %llu, the log has %llu",
		    LL(from), LL(to), LL(l->tree.size));
	for (uint64_t i = from; i < to && r == 0; i++) {
		if (i >= l->tree.base) {
			r = each(ctx, i, ledger_kept(l, i));
			continue;
		}
		if (b.p == NULL || b.index != i / TILE_WIDTH)
			r = ledger_bundle(l, i / TILE_WIDTH, &b, e);
		if (r == 0)
			r = each(ctx, i, b.leaf[i % TILE_WIDTH]);
	}
	bundle_clear(&b);
	return r;
}

/* --- proofs ----------------------------------------------------------------
 */

/* A perfect subtree, out of the level of tiles at or below it. */
static int
subtree(void *ctx, unsigned level, uint64_t index, struct hash *out,
    struct err *e)
{
	struct hash v[TILE_WIDTH / 2];
	size_t n = (size_t)1 << level % 8;
	uint64_t first = index << level % 8;
	int r;

	for (size_t i = 0; i < n; i++)
		if ((r = ledger_level_hash(ctx, level / 8, first + i, &v[i],
			 e)) != 0)
			return r;
	tree_fold(v, n, out);
	return 0;
}

int
ledger_root_at(struct ledger *l, uint64_t size, struct hash *out, struct err *e)
{
	const struct merkle_source src = {subtree, l};

	if (size > l->tree.size)
		return err_set(e, ERR_NOTFOUND,
		    "there is no tree of %llu leaves, the log has %llu",
		    LL(size), LL(l->tree.size));
	if (size == l->tree.size) {
		tree_root(&l->tree, out);
		return 0;
	}
	return merkle_source_root(&src, size, out, e);
}

void
ledger_source(struct ledger *l, struct merkle_source *out)
{
	*out = (struct merkle_source){subtree, l};
}

int
ledger_prove(struct ledger *l, uint64_t index, uint64_t size,
    struct hash proof[MERKLE_PROOF_MAX], size_t *n, struct err *e)
{
	const struct merkle_source src = {subtree, l};

	if (size > l->tree.size)
		return err_set(e, ERR_NOTFOUND,
		    "there is no tree of %llu leaves, the log has %llu",
		    LL(size), LL(l->tree.size));
	return merkle_prove_inclusion(&src, index, size, proof, n, e);
}

/* --- heads -----------------------------------------------------------------
 */

int
ledger_open_note(const struct ledger *l, struct slice note,
    struct checkpoint *out, struct err *e)
{
	int r = ERR_BADSIG;

	if (l->c.n_pks == 0)
		return err_set(e, r, "checkpoint: the log has no key");
	for (size_t i = l->c.n_pks; i-- > 0 && r != 0 && r != ERR_NOMEM;)
		r = checkpoint_open(note, l->c.origin, l->c.pks[i], out, e);
	return r;
}

struct heads {
	struct ledger *l;
	struct blob_store *s;
	struct strs versions;
};

static int
add_head(void *ctx, const struct blob_info *info)
{
	struct heads *h = ctx;

	if (strcmp(info->key, "checkpoint") != 0 || info->deleted ||
	    info->size > NOTE_MAX || h->versions.n == VERSIONS_MAX)
		return 0;
	return strs_add(&h->versions, info->version);
}

/* The largest of ours among the versions of `checkpoint`. */
static int
search_heads(struct ledger *l, struct blob_store *s, struct checkpoint *out,
    char **note, size_t *note_len, struct err *e)
{
	struct heads h = {l, s, {NULL, 0, 0}};
	bool found = false;
	int r = blob_list(s, "checkpoint", add_head, &h, e);

	for (size_t i = 0; r == 0 && i < h.versions.n; i++) {
		struct checkpoint c;
		uint8_t *p = NULL;
		size_t n;

		r = blob_get_version(s, "checkpoint", h.versions.v[i], NOTE_MAX,
		    &p, &n, e);
		if (r == 0)
			r = ledger_open_note(l, slice_of(p, n), &c, NULL);
		if (r == 0 && (!found || c.size > out->size)) {
			free(*note);
			*note = (char *)p;
			*note_len = n;
			*out = c;
			p = NULL;
			found = true;
		}
		free(p);
		if (r != ERR_NET && r != ERR_DENIED && r != ERR_NOMEM)
			r = 0;
	}
	strs_clear(&h.versions);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	return r != 0 || found ? r : ERR_NOTFOUND;
}

int
ledger_head_at(struct ledger *l, struct blob_store *s, struct checkpoint *out,
    char **note, size_t *note_len, bool *foreign, struct err *e)
{
	uint8_t *p = NULL;
	int r;

	*foreign = false;
	*note = NULL;
	r = blob_get(s, "checkpoint", NOTE_MAX, &p, note_len, e);
	if (r == 0) {
		r = ledger_open_note(l, slice_of(p, *note_len), out, e);
		if (r == 0) {
			*note = (char *)p;
			return 0;
		}
		free(p);
		*foreign = true;
	}
	if (r == ERR_LIMIT)
		*foreign = true;
	/* A delete marker hides what is there as well. */
	if ((*foreign || r == ERR_NOTFOUND) && r != ERR_NOMEM &&
	    blob_is_remote(s))
		return search_heads(l, s, out, note, note_len, e);
	return *foreign && r != ERR_NOMEM ? ERR_NOTFOUND : r;
}

int
ledger_compare(struct ledger *l, const char *who, const struct checkpoint *c,
    struct err *e)
{
	char ours[HASH_HEX], theirs[HASH_HEX];
	struct hash root;
	int r;

	if (c->size > l->tree.size) {
		r = err_set(e, ERR_ROLLBACK,
		    "%s has a checkpoint of %llu leaves, the journal in %s "
		    "ends at %llu",
		    who, LL(c->size), l->c.dir, LL(l->tree.size));
		err_hint(e,
		    "leaves are missing here; keep the directory and run "
		    "writ-ca rebuild --from %s",
		    who);
		return r;
	}
	if ((r = ledger_root_at(l, c->size, &root, e)) != 0)
		return r;
	if (hash_equal(&root, &c->root))
		return 0;
	hash_hex(&root, ours);
	hash_hex(&c->root, theirs);
	return err_set(e, ERR_CORRUPT,
	    "two logs of one name: of %llu leaves %s has root %s, the journal "
	    "in %s has %s",
	    LL(c->size), who, theirs, l->c.dir, ours);
}
