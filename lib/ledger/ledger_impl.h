/* SPDX-License-Identifier: ISC */
/* What the files of lib/ledger share; for them alone. */
#ifndef LIB_LEDGER_LEDGER_IMPL_H
#define LIB_LEDGER_LEDGER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/blob/blob.h"
#include "lib/ledger/index.h"
#include "lib/ledger/journal.h"
#include "lib/ledger/ledger.h"
#include "lib/ledger/tree.h"
#include "lib/tlog/checkpoint.h"
#include "lib/tlog/tile.h"

#define LEDGER_LEAF_MAX 65535
#define BUNDLE_MAX      (TILE_WIDTH * (LEDGER_LEAF_MAX + 2))
#define LL(v)           ((unsigned long long)(v))

struct kept {             /* a leaf since base, as the journal has it */
	const uint8_t *p; /* its hash, then its bytes: in a block */
	size_t n;
};

struct block {        /* where the leaves of a commit lie, or the old ones */
	uint8_t *p;
	uint64_t end; /* the leaf after its last */
};

struct bundle {     /* a full entry bundle from home, checked */
	uint8_t *p; /* NULL: none */
	uint64_t index;
	struct slice leaf[TILE_WIDTH];
};

struct tile_cache { /* a full tile from home, checked; one a level */
	bool any;
	uint64_t index;
	struct hash v[TILE_WIDTH];
};

struct copy {
	const char *url;
	char *path;               /* of its state */
	struct blob_store *store; /* NULL: not opened yet */
	uint64_t size;            /* of the checkpoint it has */
	int64_t since;            /* when it was first found behind; 0: level */
	uint64_t objects;         /* under policy/ and krl/, when last level */
	bool suspect;             /* was found ahead of us, or forked */
	bool compared;            /* in this process */
	int64_t retry_at;         /* not before (CLOCK_MONOTONIC): no answer */
};

struct ledger {
	struct ledger_config c;
	int lock;
	struct journal *journal;
	struct index *index;
	struct blob_store *home;
	const char *home_dir; /* NULL: a bucket */
	struct tree tree;
	struct kept *kept; /* leaves tree.base .. tree.size - 1 */
	size_t n_kept, cap_kept;
	struct block *blocks;
	size_t n_blocks, cap_blocks;

	struct checkpoint published;
	char *note; /* of published; NULL: none */
	size_t note_len;
	uint64_t ahead_from, ahead_to; /* the objects of these are at home */
	struct strs ahead_foreign;     /* where other bytes were */
	uint64_t settled;   /* home has everything up to here, for sure: put
	                       in this boot, or fsynced */
	bool torn;          /* partial tiles beyond settled may be torn */
	uint64_t bundled;   /* bucket: entry bundles up to here are there */
	bool contacted;     /* bucket: its checkpoint was compared */
	bool broken;        /* a write to the journal failed */
	struct err refused; /* a copy is ahead: why nothing is committed */

	void (*waits)(void *ctx, bool begins);
	void *waits_ctx;
	void (*copy_waits)(void *ctx, bool begins); /* NULL: none apart */
	void *copy_ctx;

	struct copy copies[LEDGER_COPIES_MAX];
	struct bundle bundle;
	struct tile_cache *tiles[TREE_LEVELS];
};

void ledger_warn(struct ledger *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Around what is put into s, while its thread uses nothing of l. */
void ledger_waits(
    const struct ledger *l, const struct blob_store *s, bool begins);

/* --- kept.c: leaves since base, in memory ----------------------------------
 */

/* Room for n leaves more.  ERR_NOMEM. */
int ledger_reserve(struct ledger *l, size_t n) MUST_CHECK;
/* A leaf that is in the journal, in room that was made before. */
void ledger_take_in(struct ledger *l, struct kept k);
/* Room for a block more.  ERR_NOMEM, ERR_LIMIT. */
int ledger_reserve_block(struct ledger *l) MUST_CHECK;
/* The leaves that were taken in last lie there. */
void ledger_add_block(struct ledger *l, uint8_t *p);
/* Free the blocks all of whose leaves lie before base. */
void ledger_drop_blocks(struct ledger *l, uint64_t base);

/* --- find.c: the index, filled ---------------------------------------------
 */

int ledger_open_index(struct ledger *l, struct err *e) MUST_CHECK;
/* As index_add(), of a leaf of l (struct ledger), in room that was made. */
int ledger_add_to_index(void *l, uint64_t index, struct slice leaf);
/* An index of all leaves that nobody else sees, for a rebuild: what makes the
 * objects that go with leaves finds others by it. */
int ledger_index_in_memory(struct ledger *l, struct err *e) MUST_CHECK;

/* --- names.c: further names of leaves ------------------------------------- */

size_t ledger_count_names(struct ledger *l, struct slice leaf);
void ledger_add_names(struct ledger *l, struct slice leaf);

/* --- read.c: what is not in memory, from home ------------------------------
 */

/* Hash number index of a level of tiles. */
int ledger_level_hash(struct ledger *l, unsigned level, uint64_t index,
    struct hash *out, struct err *e) MUST_CHECK;
/* The tile, n hashes from its beginning. */
int ledger_tile(struct ledger *l, const struct tile *t, struct hash *out,
    struct err *e) MUST_CHECK;
int ledger_bundle(struct ledger *l, uint64_t index, struct bundle *out,
    struct err *e) MUST_CHECK;
void bundle_clear(struct bundle *b);
struct slice ledger_kept(const struct ledger *l, uint64_t index);
/* A note that one of the log's keys has signed.  As checkpoint_open(). */
int ledger_open_note(const struct ledger *l, struct slice note,
    struct checkpoint *out, struct err *e) MUST_CHECK;
/*
 * A checkpoint of ours at a store, the newest that opens: ERR_NOTFOUND when
 * there is none, or, with *foreign set, none of ours.
 */
int ledger_head_at(struct ledger *l, struct blob_store *s,
    struct checkpoint *out, char **note, size_t *note_len, bool *foreign,
    struct err *e) MUST_CHECK;
/* ERR_ROLLBACK: c is ahead of us; ERR_CORRUPT: of another tree. */
int ledger_compare(struct ledger *l, const char *who,
    const struct checkpoint *c, struct err *e) MUST_CHECK;

/* --- publish.c -------------------------------------------------------------
 */

/* Everything of leaves from .. to - 1 in a tree of `to` leaves, to a store. */
int ledger_put_leaves(struct ledger *l, struct blob_store *s, unsigned flags,
    uint64_t from, uint64_t to, struct err *e) MUST_CHECK;
/* The entry bundles alone. */
int ledger_put_bundles(struct ledger *l, struct blob_store *s, unsigned flags,
    uint64_t from, uint64_t to, struct err *e) MUST_CHECK;
/* checkpoints/<size>, then checkpoint. */
int ledger_put_head(struct ledger *l, struct blob_store *s, uint64_t size,
    struct slice note, struct err *e) MUST_CHECK;
/*
 * Let go of what is published, when the journal holds more than `most` bytes.
 * Where home is a directory it is synced first, which waits for everything
 * that was just published to reach the disk; nothing that is acknowledged waits
 * for that, so it is left to who opens the log next, if possible.  Failure
 * costs space and is a warning.
 */
void ledger_restart_when_full(struct ledger *l, uint64_t most);
/* Bring a bucket's checkpoint in, once; nothing to do for a directory. */
int ledger_contact(struct ledger *l, struct err *e) MUST_CHECK;
/* Take note of the last checkpoint; the note is copied. */
int ledger_set_published(struct ledger *l, const struct checkpoint *c,
    struct slice note, struct err *e) MUST_CHECK;

/* --- ahead.c ---------------------------------------------------------------
 */

/* Of other bytes that ledger_put_ahead() found, which tells nobody. */
void ledger_warn_ahead(struct ledger *l);

/* --- prune.c ---------------------------------------------------------------
 */

/*
 * In a directory: remove the partial tiles of tiles that are full in a tree of
 * `to` leaves, looking at those that from .. to touches; with torn, also those
 * of trees of more than from and other than to leaves.
 */
void ledger_prune(struct ledger *l, uint64_t from, uint64_t to, bool torn);

/* --- copy_state.c ----------------------------------------------------------
 */

/* What is kept of c->url, if anything. */
void copy_state_load(struct copy *c);
/* Failure is a warning: it can be found out again. */
void copy_state_save(struct ledger *l, const struct copy *c);

/* --- copies.c --------------------------------------------------------------
 */

int copies_open(struct ledger *l, struct err *e) MUST_CHECK;
void copies_close(struct ledger *l);
/* ERR_RECORD, ERR_ROLLBACK, ERR_CORRUPT: nothing may be committed. */
int copies_allow(struct ledger *l, struct err *e) MUST_CHECK;
/* false: one is behind. */
bool copies_catch_up(struct ledger *l);
/* Is it for another to bring them up to date? */
static inline bool
copies_are_apart(const struct ledger *l)
{
	return l->copy_waits != NULL || l->c.copies_later;
}
void copies_put_object(struct ledger *l, const char *key, struct slice data);
/* Make dst, which has `have` leaves of ours, what home is. */
int copy_from_home(struct ledger *l, struct blob_store *dst, uint64_t have,
    struct err *e) MUST_CHECK;
/* The same for the files under policy/ and krl/. */
int copy_objects(
    struct ledger *l, struct blob_store *dst, struct err *e) MUST_CHECK;

#endif
