/* SPDX-License-Identifier: ISC */
/*
 * Opening, committing, finding.  A record of the journal is a leaf's hash and
 * its bytes, so that opening hashes nodes and not leaves; in a journal whose
 * base is not 0 the first record is the edge of the tree at base (tree.h), so
 * that opening reads nothing but the journal and the index.
 */
#include "lib/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"

/* Each block goes when all of its leaves are published. */
#define BLOCKS_MAX (1u << 30)

void
ledger_warn(struct ledger *l, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	if (l->c.warn == NULL)
		return;
	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if (str_check(&s) == 0)
		l->c.warn(l->c.warn_ctx, s.p);
	str_clear(&s);
}

/* --- the journal ------------------------------------------------------------
 */

/* A leaf that is in the journal, in room that was made before. */
static void
take_in(struct ledger *l, struct kept k)
{
	struct hash h;

	memcpy(h.b, k.p, HASH_LEN);
	tree_append(&l->tree, &h);
	l->kept[l->n_kept++] = k;
}

static int
reserve(struct ledger *l, size_t n)
{
	size_t cap = l->cap_kept == 0 ? 64 : l->cap_kept;
	struct kept *v;

	if (tree_reserve(&l->tree, n) != 0)
		return ERR_NOMEM;
	while (cap < l->n_kept + n)
		cap *= 2;
	if (cap == l->cap_kept)
		return 0;
	if ((v = reallocarray(l->kept, cap, sizeof(*v))) == NULL)
		return ERR_NOMEM;
	l->kept = v;
	l->cap_kept = cap;
	return 0;
}

static int
replay(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	struct ledger *l = ctx;

	if (nth == 0 && base > 0)
		return tree_start(&l->tree, base, record);
	if (record.n <= HASH_LEN || record.n > HASH_LEN + LEDGER_LEAF_MAX)
		return ERR_CORRUPT;
	if (reserve(l, 1) != 0)
		return ERR_NOMEM;
	take_in(l, (struct kept){record.p, record.n});
	return 0;
}

/* Room for a block more. */
static int
reserve_block(struct ledger *l)
{
	return vec_grow(&l->blocks, l->n_blocks, &l->cap_blocks, BLOCKS_MAX);
}

/* The leaves that were taken in last lie there. */
static void
add_block(struct ledger *l, uint8_t *p)
{
	l->blocks[l->n_blocks++] = (struct block){p, l->tree.size};
}

void
ledger_drop_blocks(struct ledger *l, uint64_t base)
{
	size_t n = 0;

	while (n < l->n_blocks && l->blocks[n].end <= base)
		free(l->blocks[n++].p);
	l->n_blocks -= n;
	if (l->n_blocks > 0)
		memmove(l->blocks, l->blocks + n,
		    l->n_blocks * sizeof(l->blocks[0]));
}

static int
open_journal(struct ledger *l, struct err *e)
{
	struct err why = {0};
	uint8_t *content = NULL;
	char *path = NULL;
	int r;

	if (reserve_block(l) != 0 || path_join(l->c.dir, "journal", &path) != 0)
		return err_nomem(e);
	r = journal_open_kept(path, LEDGER_JOURNAL_ROOM, l->c.read_only, replay,
	    l, &content, &l->journal, &why);
	if (content != NULL)
		add_block(l, content);
	if (r == 0 && l->tree.base != journal_base(l->journal))
		r = ERR_CORRUPT; /* begins within a log, and has no edge */
	if (r != 0 && why.code != 0 && e != NULL)
		*e = why;
	else if (r == ERR_NOMEM)
		(void)err_nomem(e);
	else if (r != 0)
		(void)err_set(e, r, "%s is not the journal of a log", path);
	free(path);
	return r;
}

/* --- home --------------------------------------------------------------------
 */

static int
open_home(struct ledger *l, struct err *e)
{
	const char *url = l->c.home != NULL ? l->c.home : l->c.dir;
	int r;

	if ((r = blob_open(url, &l->c.blob, &l->home, e)) != 0)
		return r;
	if (!blob_is_remote(l->home))
		l->home_dir = strncmp(url, "dir:", 4) == 0 ? url + 4 : url;
	return 0;
}

/* The last note this directory published to a bucket; absent, unreadable or of
 * another tree: the bucket will tell. */
static int
read_kept_note(struct ledger *l)
{
	struct checkpoint c;
	char *path = NULL, *text = NULL;
	size_t n;
	int r = 0;

	if (path_join(l->c.dir, "published", &path) != 0)
		return ERR_NOMEM;
	if (file_read(path, NOTE_MAX, &text, &n, NULL) == 0 &&
	    ledger_open_note(l, slice_of(text, n), &c, NULL) == 0 &&
	    c.size >= l->tree.base && ledger_compare(l, "", &c, NULL) == 0)
		r = ledger_set_published(l, &c, slice_of(text, n), NULL);
	free(text);
	free(path);
	return r;
}

static int
check_home(struct ledger *l, struct err *e)
{
	struct checkpoint c;
	char *note = NULL;
	bool foreign;
	size_t n;
	int r;

	if (l->home_dir == NULL)
		return read_kept_note(l) == 0 ? 0 : err_nomem(e);
	r = ledger_head_at(l, l->home, &c, &note, &n, &foreign, e);
	if (r == ERR_NOTFOUND && foreign) {
		err_prefix(e, "%s/checkpoint", l->home_dir);
		return ERR_CORRUPT;
	}
	if (r == ERR_NOTFOUND && l->tree.base > 0)
		return err_set(e, ERR_CORRUPT,
		    "%s has no checkpoint, though %llu leaves were published "
		    "there",
		    l->home_dir, LL(l->tree.base));
	if (r != 0)
		return r == ERR_NOTFOUND ? 0 : r;
	if ((r = ledger_compare(l, l->home_dir, &c, e)) == 0)
		r = ledger_set_published(l, &c, slice_of(note, n), e);
	free(note);
	return r;
}

/* --- the index ---------------------------------------------------------------
 */

static int
add_to_index(void *ctx, uint64_t index, struct slice leaf)
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

	return r != 0 ? r : add_to_index(ctx, index, leaf);
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

static int
open_index(struct ledger *l, struct err *e)
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

/* --- open and close
 * ----------------------------------------------------------- */

static int
take_lock(struct ledger *l, struct err *e)
{
	char *path = NULL;
	int r;

	if (l->c.read_only)
		return 0;
	if (path_join(l->c.dir, "lock", &path) != 0)
		return err_nomem(e);
	r = file_lock(path, &l->lock, e);
	free(path);
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

int
ledger_open(const struct ledger_config *c, struct ledger **out, struct err *e)
{
	struct ledger *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return err_nomem(e);
	l->c = *c;
	l->lock = -1;
	if ((r = take_lock(l, e)) != 0 || (r = open_home(l, e)) != 0 ||
	    (r = open_journal(l, e)) != 0 || (r = check_home(l, e)) != 0 ||
	    (r = open_index(l, e)) != 0 || (r = copies_open(l, e)) != 0)
		goto out;
	if (c->opened != NULL)
		c->opened(c->objects_ctx, l);
	if (!c->read_only && l->home_dir != NULL)
		ledger_restart_when_full(l, LEDGER_JOURNAL_ROOM);
	*out = l;
	l = NULL;
out:
	ledger_close(l);
	return r;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	copies_close(l);
	index_close(l->index);
	journal_close(l->journal);
	blob_close(l->home);
	ledger_drop_blocks(l, UINT64_MAX);
	free(l->blocks);
	free(l->kept);
	free(l->note);
	strs_clear(&l->ahead_foreign);
	bundle_clear(&l->bundle);
	for (size_t i = 0; i < TREE_LEVELS; i++)
		free(l->tiles[i]);
	tree_clear(&l->tree);
	if (l->lock >= 0)
		(void)close(l->lock);
	free(l);
}

uint64_t
ledger_size(const struct ledger *l)
{
	return l->tree.size;
}

void
ledger_head(const struct ledger *l, struct checkpoint *out)
{
	*out = (struct checkpoint){.size = l->tree.size};
	memcpy(out->origin, l->c.origin,
	    strnlen(l->c.origin, sizeof(out->origin) - 1));
	tree_root(&l->tree, &out->root);
}

void
ledger_published(const struct ledger *l, struct checkpoint *out)
{
	*out = l->published;
}

/* --- commit
 * ------------------------------------------------------------------- */

/* Whether anything may be appended now; the answer to why not. */
static int
allowed(struct ledger *l, struct err *e)
{
	struct err why = {0};
	int r;

	if (l->c.read_only)
		return err_set(e, ERR_RECORD, "the log is open for reading");
	if (l->broken)
		return err_set(e, ERR_RECORD,
		    "nothing is recorded: writing to the journal in %s failed "
		    "before, open the log again",
		    l->c.dir);
	r = ledger_contact(l, &why);
	if (r == ERR_ROLLBACK || r == ERR_CORRUPT || r == ERR_NOMEM) {
		if (e != NULL)
			*e = why;
		return r;
	}
	if (r != 0) {
		err_set(e, ERR_RECORD, "nothing is recorded: %s", why.msg);
		err_hint(e, "%s", why.hint);
		return ERR_RECORD;
	}
	return copies_allow(l, e);
}

/* Leaves on their way into the journal. */
struct commit {
	const struct slice *leaves;
	struct kept *k;
	size_t *len;
};

static int
measure(struct commit *c, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (c->leaves[i].n == 0 || c->leaves[i].n > LEDGER_LEAF_MAX)
			return err_set(e, ERR_LIMIT,
			    "a leaf of %zu bytes, expected 1 to %d",
			    c->leaves[i].n, LEDGER_LEAF_MAX);
		c->len[i] = HASH_LEN + c->leaves[i].n;
	}
	return 0;
}

/* A copy of the leaf, with its hash in front, as the journal has it. */
static void
fill_nth(void *ctx, size_t i, uint8_t *to)
{
	struct commit *c = ctx;
	const struct slice *leaf = &c->leaves[i];
	struct hash h;

	merkle_leaf(leaf->p, leaf->n, &h);
	memcpy(to, h.b, HASH_LEN);
	memcpy(to + HASH_LEN, leaf->p, leaf->n);
	c->k[i] = (struct kept){to, c->len[i]};
}

/* The leaves are in the journal: from here on nothing can fail. */
static void
accept(struct ledger *l, const struct kept *k, size_t n, uint8_t *block,
    struct ledger_receipt *receipts)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t index = l->tree.size;

		receipts[i].index = index;
		memcpy(receipts[i].leaf.b, k[i].p, HASH_LEN);
		take_in(l, k[i]);
		(void)add_to_index(l, index, ledger_kept(l, index));
	}
	add_block(l, block);
}

/* Where home is a bucket, that is where the leaves have to be. */
static int
put_in_bucket(struct ledger *l, struct err *e)
{
	uint64_t from = l->bundled > l->settled ? l->bundled : l->settled;
	struct err why = {0};
	int r;

	if (l->home_dir != NULL)
		return 0;
	r = ledger_put_bundles(l, l->home, 0, from, l->tree.size, &why);
	if (r == 0) {
		l->bundled = l->tree.size;
		return 0;
	}
	err_set(e, ERR_RECORD,
	    "recorded in the journal and not in %s, so nothing is issued: %s",
	    blob_url(l->home), why.msg);
	err_hint(e, "%s", why.hint);
	return ERR_RECORD;
}

int
ledger_secure(struct ledger *l, struct err *e)
{
	int r = allowed(l, e);

	return r != 0 ? r : put_in_bucket(l, e);
}

int
ledger_commit(struct ledger *l, const struct slice *leaves, size_t n,
    struct ledger_receipt *receipts, struct err *e)
{
	struct commit c = {.leaves = leaves};
	uint8_t *block = NULL;
	size_t names = 0;
	int r;

	if (n == 0 || n > LEDGER_BATCH_MAX)
		return err_set(e, ERR_LIMIT, "%zu leaves, expected 1 to %d", n,
		    LEDGER_BATCH_MAX);
	if ((r = allowed(l, e)) != 0)
		return r;
	c.k = calloc(n, sizeof(*c.k));
	c.len = calloc(n, sizeof(*c.len));
	if (c.k == NULL || c.len == NULL || reserve(l, n) != 0 ||
	    reserve_block(l) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = measure(&c, n, e)) != 0)
		goto out;
	for (size_t i = 0; i < n; i++)
		names += ledger_count_names(l, leaves[i]);
	r = index_reserve(l->index, n + names, e);
	if (r == ERR_SYS) { /* no room for what is found by it: not recorded */
		err_prefix(e, "nothing is recorded");
		r = ERR_RECORD;
	}
	if (r != 0)
		goto out;
	r = journal_append_made(l->journal, c.len, n, fill_nth, &c, &block, e);
	if (r != 0) {
		l->broken = r == ERR_RECORD;
		goto out;
	}
	accept(l, c.k, n, block, receipts);
	r = put_in_bucket(l, e);
out:
	free(c.k);
	free(c.len);
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
