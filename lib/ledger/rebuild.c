/* SPDX-License-Identifier: ISC */
/*
 * A journal out of what is published.  The tiles at the right edge, levels 1
 * and up, are the edge that a journal begins with; with the leaves of the last
 * bundle they must give the root that was signed.  So a rebuild reads a few
 * objects, and all others are checked against them when they are read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/ledger/ledger_impl.h"

struct rebuild {
	struct ledger *l; /* its home is where we rebuild from */
	uint64_t base, size;
	struct buf *edge;
	uint8_t *bundle; /* the partial one */
	uint8_t *leaves; /* each behind its hash, one after another */
	struct kept records[TILE_WIDTH]; /* in leaves */
	size_t n;
};

static int
get_partial(struct rebuild *b, unsigned level, uint8_t **p, size_t *n,
    struct err *e)
{
	unsigned shift = level == TILE_ENTRIES ? 0 : 8 * level;
	uint64_t index = (b->size >> shift) / TILE_WIDTH;
	const struct tile t = {level, index, tile_width(level, index, b->size)};
	char key[TILE_PATH_MAX];
	int r;

	*p = NULL;
	*n = 0;
	if (t.width == 0)
		return 0;
	tile_path(&t, key);
	r = blob_get(b->l->home, key, BUNDLE_MAX, p, n, e);
	if (r == 0 && level != TILE_ENTRIES && *n != t.width * HASH_LEN)
		r = ERR_CORRUPT;
	if (r == ERR_NOTFOUND || r == ERR_CORRUPT)
		r = err_set(e, ERR_CORRUPT, "%s in %s is %s", key,
		    blob_url(b->l->home),
		    r == ERR_NOTFOUND ? "missing" : "damaged");
	return r;
}

static int
read_edge(struct rebuild *b, struct err *e)
{
	int r;

	if (buf_new(&b->edge, TREE_EDGE_MAX) != 0)
		return err_nomem(e);
	for (unsigned i = 1; i < TREE_LEVELS; i++) {
		uint8_t *p;
		size_t n;

		r = get_partial(b, i, &p, &n, e);
		if (r == 0 && n > 0 && buf_put(b->edge, p, n) != 0)
			r = err_nomem(e);
		free(p);
		if (r != 0)
			return r;
	}
	r = tree_start(&b->l->tree, b->base, buf_slice(b->edge));
	if (r == 0)
		r = tree_reserve(&b->l->tree, TILE_WIDTH);
	return r == 0 ? 0 : err_set(e, r, "the edge of the tree");
}

static int
read_leaves(struct rebuild *b, struct err *e)
{
	struct slice s;
	struct view v;
	uint8_t *p;
	size_t n;
	int r;

	if ((r = get_partial(b, TILE_ENTRIES, &b->bundle, &n, e)) != 0)
		return r;
	p = b->leaves = malloc(TILE_WIDTH * HASH_LEN + n);
	if (p == NULL)
		return err_nomem(e);
	v = view_of(b->bundle, n);
	for (uint64_t i = b->base; i < b->size; i++) {
		struct hash h;

		if (entries_get(&v, &s) != 0 || s.n == 0)
			return err_set(e, ERR_CORRUPT,
			    "the last entry bundle in %s is damaged",
			    blob_url(b->l->home));
		merkle_leaf(s.p, s.n, &h);
		memcpy(p, h.b, HASH_LEN);
		memcpy(p + HASH_LEN, s.p, s.n);
		b->records[b->n++] = (struct kept){p, HASH_LEN + s.n};
		p += HASH_LEN + s.n;
		tree_append(&b->l->tree, &h);
	}
	return view_end(&v) == 0
	    ? 0
	    : err_set(e, ERR_CORRUPT, "the last entry bundle in %s is damaged",
		  blob_url(b->l->home));
}

static int
read_log(struct rebuild *b, struct err *e)
{
	struct checkpoint c;
	struct hash root;
	char *note = NULL;
	bool foreign;
	size_t n;
	int r;

	r = ledger_head_at(b->l, b->l->home, &c, &note, &n, &foreign, e);
	if (r != 0) {
		err_prefix(e, "%s", blob_url(b->l->home));
		return r;
	}
	r = ledger_set_published(b->l, &c, slice_of(note, n), e);
	free(note);
	b->size = c.size;
	b->base = c.size / TILE_WIDTH * TILE_WIDTH;
	if (r != 0 || (r = read_edge(b, e)) != 0 ||
	    (r = read_leaves(b, e)) != 0)
		return r;
	tree_root(&b->l->tree, &root);
	if (!hash_equal(&root, &c.root))
		return err_set(e, ERR_CORRUPT,
		    "the tiles in %s do not hash to its checkpoint of %llu "
		    "leaves",
		    blob_url(b->l->home), LL(c.size));
	return 0;
}

/* --- the journal that is there
 * ------------------------------------------------ */

static int
count(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	(void)record;
	*(uint64_t *)ctx = base > 0 ? base + nth : nth + 1;
	return 0;
}

/* Looked at before anything is changed: who has more is not replaced. */
static int
check_fewer(const struct rebuild *b, const char *what, uint64_t n,
    struct err *e)
{
	if (n <= b->size)
		return 0;
	return err_set(e, ERR_EXISTS, "%s has %llu leaves, %s only %llu", what,
	    LL(n), blob_url(b->l->home), LL(b->size));
}

static int
check_journal(const struct rebuild *b, const char *path, struct err *e)
{
	struct journal *j = NULL;
	uint64_t n = 0;
	int r;

	if (!file_exists(path))
		return 0;
	r = journal_open(path, LEDGER_JOURNAL_ROOM, true, count, &n, &j, NULL);
	journal_close(j);
	/* One that cannot be read is what this is for. */
	return r == 0 ? check_fewer(b, path, n, e) : 0;
}

static int
check_home(const struct rebuild *b, struct blob_store *home, struct err *e)
{
	struct checkpoint head;
	char *note = NULL;
	bool foreign;
	size_t n;
	int r;

	r = ledger_head_at(b->l, home, &head, &note, &n, &foreign, e);
	if (r == ERR_NOTFOUND)
		return 0;
	/* Whoever does not answer may have more all the same. */
	if (r != 0) {
		err_prefix(e, "%s", blob_url(home));
		return r;
	}
	free(note);
	return check_fewer(b, blob_url(home), head.size, e);
}

static int
put_aside(const char *path, struct err *e)
{
	char *old = NULL;
	int r;

	if (!file_exists(path))
		return 0;
	for (unsigned i = 1; i < 10000; i++) {
		free(old);
		if (path_joinf(&old, "%s.old-%u", path, i) != 0)
			return err_nomem(e);
		if (link(path, old) == 0) {
			free(old);
			return 0;
		}
		if (errno != EEXIST)
			break;
	}
	r = err_sys(e, "keep %s as %s", path, old);
	free(old);
	return r;
}

static int
write_journal(struct rebuild *b, const char *path, struct err *e)
{
	struct slice records[TILE_WIDTH + 1];
	struct journal *j = NULL;
	char *tmp = NULL;
	size_t n = 0;
	int r;

	if (path_joinf(&tmp, "%s.new", path) != 0)
		return err_nomem(e);
	if (unlink(tmp) != 0 && errno != ENOENT) {
		r = err_sys(e, "remove %s", tmp);
		goto out;
	}
	if (b->base > 0)
		records[n++] = buf_slice(b->edge);
	for (size_t i = 0; i < b->n; i++)
		records[n++] = slice_of(b->records[i].p, b->records[i].n);
	r = journal_open(tmp, LEDGER_JOURNAL_ROOM, false, NULL, NULL, &j, e);
	if (r == 0)
		r = journal_restart(j, b->base, records, n, e);
	if (r == 0 && (r = put_aside(path, e)) == 0) {
		if (rename(tmp, path) != 0)
			r = err_sys(e, "rename %s to %s", tmp, path);
		else
			r = file_sync_parent(path, e);
	}
	if (r != 0)
		(void)unlink(tmp);
out:
	journal_close(j);
	free(tmp);
	return r;
}

/* Home gets all of it, where it is somewhere else. */
static int
fill_home(struct rebuild *b, const struct ledger_config *c, struct err *e)
{
	const char *url = c->home != NULL ? c->home : c->dir;
	const char *from = blob_url(b->l->home);
	struct blob_store *home = NULL;
	int r;

	if (strncmp(url, "dir:", 4) == 0)
		url += 4;
	if (strncmp(from, "dir:", 4) == 0)
		from += 4;
	if (strcmp(url, from) == 0)
		return 0;
	if ((r = blob_open(url, &c->blob, &home, e)) == 0 &&
	    (r = check_home(b, home, e)) == 0 &&
	    (c->objects == NULL || (r = ledger_index_in_memory(b->l, e)) == 0))
		r = copy_from_home(b->l, home, 0, e);
	blob_close(home);
	return r;
}

static int
run(struct rebuild *b, const struct ledger_config *c, struct err *e)
{
	char *path = NULL, *index = NULL;
	int r;

	if (path_join(c->dir, "journal", &path) != 0 ||
	    path_join(c->dir, "index", &index) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = read_log(b, e)) != 0 || (r = check_journal(b, path, e)) != 0)
		goto out;
	/* copy_from_home() reads leaves of the last bundle from memory. */
	b->l->kept = calloc(b->n + 1, sizeof(*b->l->kept));
	if (b->l->kept == NULL) {
		r = err_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < b->n; i++)
		b->l->kept[i] = b->records[i];
	if ((r = fill_home(b, c, e)) != 0 ||
	    (r = write_journal(b, path, e)) != 0)
		goto out;
	if (unlink(index) != 0 && errno != ENOENT)
		r = err_sys(e, "remove %s", index);
out:
	free(index);
	free(path);
	return r;
}

int
ledger_rebuild(const struct ledger_config *c, const char *from, struct err *e)
{
	struct rebuild b = {.base = 0};
	char *lock = NULL;
	int r;

	if ((b.l = calloc(1, sizeof(*b.l))) == NULL)
		return err_nomem(e);
	b.l->c = *c;
	b.l->lock = -1;
	if (path_join(c->dir, "lock", &lock) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = file_lock(lock, &b.l->lock, e)) != 0 ||
	    (r = blob_open(from, &c->blob, &b.l->home, e)) != 0)
		goto out;
	if (!blob_is_remote(b.l->home))
		b.l->home_dir = from;
	r = run(&b, c, e);
out:
	free(b.leaves);
	free(b.bundle);
	buf_free(b.edge);
	free(lock);
	ledger_close(b.l);
	return r;
}
