/* SPDX-License-Identifier: ISC */
/*
 * From leaves to objects.  Everything is a function of leaves and heads, so
 * all of it may be done again: an object that is there already with the same
 * bytes is a success.
 *
 * In a directory nothing but the heads is fsynced; what a power loss takes is
 * made again from the journal, which lets go of leaves only after one syncfs
 * of the home.  The heads are synced, since they take a signature to make.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"
#include "lib/ledger/putter.h"

#define PUBLISHED "published" /* the last note, where home is a bucket */

/* --- tiles and bundles -----------------------------------------------------
 */

static int
bundle_bytes(struct ledger *l, const struct tile *t, struct buf *b,
    struct err *e)
{
	struct bundle from_home = {.p = NULL};
	struct slice leaf[TILE_WIDTH];
	uint64_t first = t->index * TILE_WIDTH;
	bool kept = first >= l->tree.base;
	size_t bytes = 0;
	int r = 0;

	if (!kept)
		r = ledger_bundle(l, t->index, &from_home, e);
	if (r != 0)
		return r;
	for (unsigned i = 0; i < t->width; i++) {
		leaf[i] = kept ? ledger_kept(l, first + i) : from_home.leaf[i];
		bytes += sizeof(uint16_t) + leaf[i].n;
	}
	r = buf_expect(b, bytes);
	for (unsigned i = 0; i < t->width && r == 0; i++)
		r = entries_put(b, leaf[i]);
	if (r != 0)
		(void)err_set(e, r, "make an entry bundle");
	bundle_clear(&from_home);
	return r;
}

static int
tile_bytes(struct ledger *l, const struct tile *t, struct buf *b, struct err *e)
{
	struct hash v[TILE_WIDTH];
	int r;

	if ((r = ledger_tile(l, t, v, e)) != 0)
		return r;
	if (buf_put(b, v, t->width * sizeof(v[0])) != 0)
		return err_nomem(e);
	return 0;
}

static int
put_tile(struct putter *p, const struct tile *t)
{
	char key[TILE_PATH_MAX];
	struct buf *b = NULL;
	uint8_t *data;
	size_t n;
	int r;

	if (buf_new(&b, BUNDLE_MAX) != 0)
		return err_nomem(p->e);
	if (t->level == TILE_ENTRIES)
		r = bundle_bytes(p->l, t, b, p->e);
	else
		r = tile_bytes(p->l, t, b, p->e);
	if (r == 0) {
		buf_take(b, &data, &n);
		tile_path(t, key);
		r = putter_add(p, key, data, n,
		    t->width < TILE_WIDTH ? BLOB_PARTIAL : 0, NULL);
	}
	buf_free(b);
	return r;
}

/* The tiles of a level that leaves from .. to - 1 change. */
static int
put_level(struct putter *p, unsigned level, uint64_t from, uint64_t to)
{
	unsigned shift = level == TILE_ENTRIES ? 0 : 8 * level;
	uint64_t a = from >> shift, b = to >> shift;
	int r = 0;

	for (uint64_t i = a / TILE_WIDTH; a < b && i * TILE_WIDTH < b && r == 0;
	     i++) {
		const struct tile t = {level, i, tile_width(level, i, to)};

		r = put_tile(p, &t);
	}
	return r;
}

int
ledger_put_bundles(struct ledger *l, struct blob_store *s, unsigned flags,
    uint64_t from, uint64_t to, struct err *e)
{
	struct putter p;
	int r;

	putter_init(&p, l, s, flags, e);
	if ((r = put_level(&p, TILE_ENTRIES, from, to)) == 0)
		r = putter_flush(&p);
	putter_clear(&p);
	return r;
}

/* --- what goes with a leaf -------------------------------------------------
 */

static int
put_one(void *ctx, const char *key, struct slice data, const char *type)
{
	struct putter *p = ctx;
	uint8_t *copy = malloc(data.n + 1);

	if (copy == NULL)
		return err_nomem(p->e);
	if (data.n > 0)
		memcpy(copy, data.p, data.n);
	return putter_add(p, key, copy, data.n, 0, type);
}

static int
put_objects(void *ctx, uint64_t index, struct slice leaf)
{
	struct putter *p = ctx;
	const struct ledger_config *c = &p->l->c;
	char *own = NULL;
	int r;

	if (p->s == p->l->home && index >= p->l->ahead_from &&
	    index < p->l->ahead_to)
		return 0;
	/* While a copy is waited for the journal may let go of the leaf. */
	if (p->s != p->l->home && p->l->copy_waits != NULL) {
		if ((own = str_dupn((const char *)leaf.p, leaf.n)) == NULL)
			return err_nomem(p->e);
		leaf = slice_of(own, leaf.n);
	}
	r = c->objects(c->objects_ctx, index, leaf, put_one, p, p->e);
	free(own);
	return r;
}

int
ledger_put_leaves(struct ledger *l, struct blob_store *s, unsigned flags,
    uint64_t from, uint64_t to, struct err *e)
{
	struct putter p;
	int r = 0;

	putter_init(&p, l, s, flags, e);
	/* Where a commit has put them they need not go again. */
	if (s != l->home || l->bundled != to)
		r = put_level(&p, TILE_ENTRIES, from, to);
	for (unsigned i = 0; i < tile_levels(to) && r == 0; i++)
		r = put_level(&p, i, from, to);
	if (r == 0 && l->c.objects != NULL)
		r = ledger_each(l, from, to, put_objects, &p, e);
	if (r == 0)
		r = putter_flush(&p);
	putter_clear(&p);
	return r;
}

void
ledger_set_waits(struct ledger *l, void (*waits)(void *ctx, bool begins),
    void *ctx)
{
	l->waits = waits;
	l->waits_ctx = ctx;
}

/* A commit uses the store of a bucket, and looks at copies unless they are
 * apart. */
void
ledger_waits(const struct ledger *l, const struct blob_store *s, bool begins)
{
	if (s != l->home && l->copy_waits != NULL)
		l->copy_waits(l->copy_ctx, begins);
	else if (l->waits != NULL && l->home_dir != NULL && s == l->home)
		l->waits(l->waits_ctx, begins);
}

static int
put_one_item(struct ledger *l, struct blob_store *s, struct blob_item *it,
    struct err *e)
{
	int r;

	ledger_waits(l, s, true);
	r = blob_put_many(s, it, 1, e);
	ledger_waits(l, s, false);
	return r;
}

int
ledger_put_head(struct ledger *l, struct blob_store *s, uint64_t size,
    struct slice note, struct err *e)
{
	struct blob_item it = {
	    .data = note, .content_type = "text/plain; charset=utf-8"};
	char key[40];
	int r;

	(void)snprintf(key, sizeof(key), "checkpoints/%llu", LL(size));
	it.key = key;
	if ((r = put_one_item(l, s, &it, e)) != 0)
		return r;
	if (it.result == BLOB_FOREIGN)
		ledger_warn(l, "%s in %s had other bytes, which are kept", key,
		    blob_url(s));
	it.key = "checkpoint";
	it.flags = BLOB_MUTABLE;
	return put_one_item(l, s, &it, e);
}

/* --- the last head ---------------------------------------------------------
 */

int
ledger_set_published(struct ledger *l, const struct checkpoint *c,
    struct slice note, struct err *e)
{
	char *copy = str_dupn(note.p, note.n);

	if (copy == NULL)
		return err_nomem(e);
	free(l->note);
	l->note = copy;
	l->note_len = note.n;
	l->published = *c;
	return 0;
}

int
ledger_contact(struct ledger *l, struct err *e)
{
	struct checkpoint c;
	char *note = NULL;
	bool foreign;
	size_t n;
	int r;

	if (l->home_dir != NULL || l->contacted)
		return 0;
	r = ledger_head_at(l, l->home, &c, &note, &n, &foreign, e);
	if (r == ERR_NOTFOUND) {
		r = blob_probe(l->home, e); /* no bucket, or nothing in it */
		if (r == 0 && (foreign || l->note != NULL))
			ledger_warn(l,
			    "%s has no checkpoint of %s; it is published anew",
			    blob_url(l->home), l->c.origin);
		if (r == 0) {
			l->published.size = 0;
			l->settled = l->tree.base;
			l->contacted = true;
		}
		return r;
	}
	if (r != 0)
		return r;
	if (foreign)
		ledger_warn(l,
		    "the newest checkpoint in %s is not of this log, an older "
		    "version is",
		    blob_url(l->home));
	r = ledger_compare(l, blob_url(l->home), &c, e);
	if (r == 0 && (l->note == NULL || c.size > l->published.size))
		r = ledger_set_published(l, &c, slice_of(note, n), e);
	if (r == 0) {
		/* What the journal let go of was published before that. */
		if (l->settled > c.size)
			l->settled =
			    c.size > l->tree.base ? c.size : l->tree.base;
		l->contacted = true;
	}
	free(note);
	return r;
}

/* --- publishing ------------------------------------------------------------
 */

/* All that lies at home, onto its disk. */
static int
sync_home(const struct ledger *l, struct err *e)
{
	int fd, r = 0;

	if (l->home_dir == NULL)
		return 0;
	fd = open(l->home_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open %s", l->home_dir);
	ledger_waits(l, l->home, true);
	if (syncfs(fd) != 0)
		r = err_sys(e, "syncfs %s", l->home_dir);
	ledger_waits(l, l->home, false);
	(void)close(fd);
	return r;
}

/* Let the journal begin at base: the edge, then the leaves from there on. */
static int
restart(struct ledger *l, uint64_t base, struct err *e)
{
	size_t skip = (size_t)(base - l->tree.base);
	size_t n = l->n_kept - skip + 1;
	struct slice *records = NULL;
	struct buf *edge = NULL;
	int r;

	if (buf_new(&edge, TREE_EDGE_MAX) != 0 ||
	    tree_edge(&l->tree, base, edge) != 0 ||
	    (records = calloc(n, sizeof(*records))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	records[0] = buf_slice(edge);
	for (size_t i = 1; i < n; i++) {
		const struct kept *k = &l->kept[skip + i - 1];

		records[i] = slice_of(k->p, k->n);
	}
	if ((r = journal_restart(l->journal, base, records, n, e)) != 0)
		goto out;
	l->n_kept -= skip;
	memmove(l->kept, l->kept + skip, l->n_kept * sizeof(l->kept[0]));
	tree_rebase(&l->tree, base);
	ledger_drop_blocks(l, base);
out:
	free(records);
	buf_free(edge);
	return r;
}

void
ledger_restart_when_full(struct ledger *l, uint64_t most)
{
	uint64_t base = l->settled / TILE_WIDTH * TILE_WIDTH;
	struct err e = {0};
	int r;

	if (journal_bytes(l->journal) <= most || base <= l->tree.base)
		return;
	if ((r = sync_home(l, &e)) == 0)
		r = restart(l, base, &e);
	if (r != 0)
		ledger_warn(l, "the journal is not begun anew: %s", e.msg);
}

static void
keep_note(const struct ledger *l, struct slice note)
{
	char *path = NULL;

	/* Derived: the bucket tells it again. */
	if (path_join(l->c.dir, PUBLISHED, &path) == 0)
		(void)!file_write(path, note.p, note.n, 0600, FILE_NOSYNC,
		    NULL);
	free(path);
}

static int
check_note(struct ledger *l, struct slice note, struct checkpoint *c,
    struct err *e)
{
	struct hash root;
	int r;

	r = ledger_open_note(l, note, c, e);
	if (r != 0)
		return r;
	if (l->c.read_only)
		return err_set(e, ERR_RECORD, "the log is open for reading");
	if (c->size > l->tree.size || c->size < l->published.size)
		return err_set(e, ERR_ROLLBACK,
		    "a checkpoint of %llu leaves, expected %llu to %llu",
		    LL(c->size), LL(l->published.size), LL(l->tree.size));
	if ((r = ledger_root_at(l, c->size, &root, e)) != 0)
		return r;
	return hash_equal(&root, &c->root)
	    ? 0
	    : err_set(e, ERR_CORRUPT,
		  "the checkpoint of %llu leaves is not of this log",
		  LL(c->size));
}

int
ledger_publish(struct ledger *l, struct slice note, struct err *e)
{
	unsigned flags = l->home_dir != NULL ? BLOB_NOSYNC : 0;
	struct checkpoint c;
	uint64_t from;
	bool torn;
	int r;

	if ((r = ledger_contact(l, e)) != 0 ||
	    (r = check_note(l, note, &c, e)) != 0)
		return r;
	ledger_warn_ahead(l);
	from = l->settled < c.size ? l->settled : c.size;
	torn = l->torn;
	l->torn = true; /* until all of it is there */
	r = ledger_put_leaves(l, l->home, flags, from, c.size, e);
	if (r != 0 || (r = ledger_put_head(l, l->home, c.size, note, e)) != 0 ||
	    (r = ledger_set_published(l, &c, note, e)) != 0)
		return r;
	if (l->home_dir != NULL)
		ledger_prune(l, from, c.size, torn);
	else
		keep_note(l, note);
	l->torn = false;
	l->ahead_from = l->ahead_to = 0;
	l->settled = c.size;
	index_settle(l->index, l->settled);
	if (!copies_are_apart(l))
		(void)copies_catch_up(l);
	ledger_restart_when_full(l,
	    l->home_dir != NULL ? LEDGER_JOURNAL_MOST : LEDGER_JOURNAL_ROOM);
	return 0;
}

int
ledger_put_object(struct ledger *l, const char *key, struct slice data,
    struct err *e)
{
	int r;

	if (strncmp(key, "policy/", 7) != 0 && strncmp(key, "krl/", 4) != 0)
		return err_set(e, ERR_USAGE,
		    "'%s' is no file of a log, expected policy/ or krl/ and "
		    "a hash",
		    key);
	if (l->c.read_only)
		return err_set(e, ERR_RECORD, "the log is open for reading");
	r = blob_put(l->home, key, data, 0, e);
	if (r == BLOB_FOREIGN)
		ledger_warn(l, "%s in %s had other bytes, which are kept", key,
		    blob_url(l->home));
	if (r < 0)
		return r;
	copies_put_object(l, key, data);
	return 0;
}
