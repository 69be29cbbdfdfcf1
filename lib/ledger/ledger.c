/* SPDX-License-Identifier: ISC */
/*
 * Opening and closing.  A record of the journal is a leaf's hash and its bytes,
 * so that opening hashes nodes and not leaves; in a journal whose base is not 0
 * the first record is the edge of the tree at base (tree.h), so that opening
 * reads nothing but the journal and the index.
 */
#include "lib/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"

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

static int
replay(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	struct ledger *l = ctx;

	if (nth == 0 && base > 0)
		return tree_start(&l->tree, base, record);
	if (record.n <= HASH_LEN || record.n > HASH_LEN + LEDGER_LEAF_MAX)
		return ERR_CORRUPT;
	if (ledger_reserve(l, 1) != 0)
		return ERR_NOMEM;
	ledger_take_in(l, (struct kept){record.p, record.n});
	return 0;
}

static int
open_journal(struct ledger *l, struct err *e)
{
	struct err why = {0};
	uint8_t *content = NULL;
	char *path = NULL;
	int r;

	if (ledger_reserve_block(l) != 0 ||
	    path_join(l->c.dir, "journal", &path) != 0)
		return err_nomem(e);
	r = journal_open_kept(path, LEDGER_JOURNAL_ROOM, l->c.read_only, replay,
	    l, &content, &l->journal, &why);
	if (content != NULL)
		ledger_add_block(l, content);
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
		err_hint(e,
		    "has the policy lost the key that signed it? another has "
		    "to sign a head before that key goes");
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
	    (r = ledger_open_index(l, e)) != 0 || (r = copies_open(l, e)) != 0)
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
