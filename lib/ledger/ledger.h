/* SPDX-License-Identifier: ISC */
/*
 * The writer of a log: journal -> durable -> published.
 *
 * A ledger owns a directory (`journal`, the index, a lock) and publishes to its
 * home, a directory (that one, by default) or a bucket.  ledger_commit() is the
 * gate: when it returns 0 the leaves are in the log for good, in the journal
 * of a home that is a directory, in locked objects read back where the home is
 * a bucket.  Tiles, records and index are made from the journal and can be
 * lost; the journal lets go only of what is published in full.
 *
 * One writer at a time, held by a lock.  The ledger has no key: whoever has one
 * signs ledger_head() and hands the note to ledger_publish().
 */
#ifndef LIB_LEDGER_LEDGER_H
#define LIB_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/blob/blob.h"
#include "lib/crypto/hash.h"
#include "lib/tlog/checkpoint.h"
#include "lib/tlog/merkle.h"

#define LEDGER_BATCH_MAX   4096		/* leaves of one commit */
/*
 * The journal is preallocated by this much, and begun anew at the next opening
 * after more of it is published; by a process that stays, once that is
 * LEDGER_JOURNAL_MOST.
 */
#define LEDGER_JOURNAL_ROOM (1024 * 1024)
#define LEDGER_JOURNAL_MOST (8 * 1024 * 1024)
#define LEDGER_NAMES_MAX 512 /* further names of one leaf */
#define LEDGER_COPIES_MAX  8

struct ledger; /* opaque */

struct ledger_config {		/* all borrowed while the ledger is open */
	const char	   *dir;	/* journal, index, lock; must exist */
	const char	   *home;	/* NULL: dir; else "dir:..." or "s3://..." */
	const char *const  *copies;	/* catch up by themselves */
	size_t		    n_copies;
	struct blob_config  blob;
	const char	   *origin;	/* of its checkpoints */
	const uint8_t	 (*pks)[32];	/* the log's Ed25519 keys: what any of */
	size_t		    n_pks;	/* them has signed is a head of it */
	int64_t		    max_lag;	/* seconds a copy may be behind before
					   commits are refused; 0: any */
	/* What to index of a leaf: see lib/statement/leaf.h. */
	void (*classify)(struct slice leaf, uint8_t *tag, struct hash *name);
	/* Further names of a leaf, all of one tag, or NULL: calls add() for
	   each, at most LEDGER_NAMES_MAX times. */
	void (*names)(struct slice leaf, void (*add)(void *ctx, uint8_t tag,
	    const struct hash *name), void *ctx);
	uint32_t	    listed;	/* tags (bits) whose indexes are listed */
	/* The objects that go with a leaf, or NULL: called in order when it is
	   published; puts what it makes with the given function. */
	int (*objects)(void *ctx, uint64_t index, struct slice leaf,
	    int (*put)(void *pctx, const char *key, struct slice data,
		const char *content_type), void *pctx, struct err *e);
	/* Which ledger objects() may find and read leaves in, before its first
	   call: that of ledger_open(), or one that ledger_rebuild() has for a
	   while.  NULL: it needs none. */
	void (*opened)(void *ctx, struct ledger *l);
	void		   *objects_ctx;
	/* Told of what a person should know and that stopped nothing: a copy
	   that lags, a foreign version.  NULL: nobody. */
	void (*warn)(void *ctx, const char *sentence);
	void		   *warn_ctx;
	bool		    copies_later; /* copies get nothing by a commit or a
					   put, but by whom ledger_copies_apart()
					   names; until then a commit asks each
					   whether it is ahead */
	bool		    read_only;	/* no lock, no recovery, no commit */
};

struct ledger_receipt {
	uint64_t    index;	/* of the leaf */
	struct hash leaf;	/* RFC 6962 leaf hash */
};

/*
 * Open: take the lock, replay the journal (a torn record at its end is cut off,
 * as a crash leaves it; damage before the end is ERR_CORRUPT), bring the index
 * up to date, read the checkpoint of a home that is a directory and of copies
 * that are; buckets are compared when first needed, so that opening needs no
 * network (but after the machine was started anew, when the index is made from
 * all leaves, and those before base come from home).  ERR_ROLLBACK when the
 * home or a copy is ahead of the journal: names `writ-ca rebuild --from`.
 * ERR_CORRUPT also for two logs of one name: both roots are named.
 * ERR_BUSY, ERR_NOTFOUND, ERR_CORRUPT, ERR_NET, ERR_SYS, ERR_NOMEM.
 */
int  ledger_open(const struct ledger_config *c, struct ledger **out,
     struct err *e) MUST_CHECK;
void ledger_close(struct ledger *l);

/* Of all leaves that are durable, published or not; the head is not signed. */
uint64_t ledger_size(const struct ledger *l);
void	 ledger_head(const struct ledger *l, struct checkpoint *out);
/* The last checkpoint published at home; size 0 when there is none. */
void	 ledger_published(const struct ledger *l, struct checkpoint *out);

/* How each copy does, in the order of the configuration; returns how many. */
struct ledger_copy {
	uint64_t size;		/* leaves under the checkpoint it has, as far as
				   is known */
	int64_t	 behind_since;	/* 0: it is not */
};
size_t ledger_copies(const struct ledger *l,
    struct ledger_copy out[LEDGER_COPIES_MAX]);
/* Would a commit be refused now for a copy's sake, as far as is known without
 * asking it?  0: no; else as ledger_commit(): one is too far behind (ERR_RECORD),
 * ahead of us or of another tree (ERR_ROLLBACK, ERR_CORRUPT). */
int    ledger_copies_hold(const struct ledger *l, struct err *e) MUST_CHECK;

/*
 * Append leaves, n of 1..LEDGER_BATCH_MAX, each 1..65,535 bytes, in order.
 * 0: durable, receipts filled.  ERR_RECORD, with words that say why nothing is
 * issued: disk full, I/O error, bucket unreachable, a copy too far behind.  After
 * a failed write the ledger refuses further commits until opened again (what is
 * on the disk is unknown then).  Where the home is a bucket and only putting
 * them there fails, the leaves are in the journal and count in ledger_size();
 * they go to the bucket with the next commit or publication, so who tries again
 * looks first whether his leaf is there (ledger_find).  ERR_ROLLBACK,
 * ERR_CORRUPT: home or a copy turned out to be ahead, or another log; nothing
 * was appended.  ERR_LIMIT, ERR_NOMEM: nothing was appended.
 */
int ledger_commit(struct ledger *l, const struct slice *leaves, size_t n,
    struct ledger_receipt *receipts, struct err *e) MUST_CHECK;
/* Has a write failed, so that it has to be opened again? */
bool ledger_is_broken(const struct ledger *l);
/*
 * Before something is issued by leaves of an earlier commit: that one may have
 * failed after its leaves were in the journal, where home is a bucket that could
 * not be reached.  They are put there now.  As ledger_commit().
 */
int ledger_secure(struct ledger *l, struct err *e) MUST_CHECK;

/*
 * Publish everything up to the checkpoint in note (signed; it must be a head
 * this ledger had, not behind the last one): bundles, tiles, objects of leaves,
 * `checkpoints/<size>`, then `checkpoint`; then the copies, whose failure is a
 * warning.  Idempotent.  ERR_PARSE, ERR_BADSIG, ERR_LIMIT: the note;
 * ERR_ROLLBACK: behind the last one or ahead of the log; ERR_CORRUPT: not of
 * this log; those of blob_put_many(), and what objects() returns.
 */
int ledger_publish(struct ledger *l, struct slice note, struct err *e)
    MUST_CHECK;
/*
 * Put at home the objects that go with leaves from..to-1, which are committed;
 * ledger_publish() then leaves them out there.  objects() is as in struct
 * ledger_config, for all of them at once.  In a thread of its own while another
 * one commits, which it has to have ended before anybody publishes.  What fails
 * is told by ledger_publish(), which does it again.  For a home that is a
 * directory; else nothing is done.
 */
void ledger_put_ahead(struct ledger *l, uint64_t from, uint64_t to,
    int (*objects)(void *ctx, int (*put)(void *pctx, const char *key,
	struct slice data, const char *content_type), void *pctx,
	struct err *e), void *ctx);
/*
 * A ledger is one thread's at a time.  Threads that share it by a lock of their
 * own, one to commit and one to publish, are told before and after each wait for
 * the disk while something is published to a home that is a directory: only then
 * may the other come in between, with anything but ledger_publish(),
 * ledger_put_object() and ledger_close().  NULL: nobody.
 */
void ledger_set_waits(struct ledger *l, void (*waits)(void *ctx, bool begins),
    void *ctx);
/*
 * From now on whoever publishes or commits waits for no copy: a thread of its own
 * calls ledger_catch_up(), and is told before and after each wait for a copy, in
 * which the others may do anything but that and ledger_close().  It also compares
 * what opening passed over; until ledger_copies_met() one may be ahead of us, and
 * no head should be signed.  objects() may be called for another leaf while one
 * call of it is in put(), so after that it uses nothing that both do.
 */
void ledger_copies_apart(struct ledger *l,
    void (*waits)(void *ctx, bool begins), void *ctx);
/* Bring copies up to what is published at home, but those that did not answer in
 * the last LEDGER_COPY_AGAIN seconds.  false: one is behind. */
#define LEDGER_COPY_AGAIN 30
bool ledger_catch_up(struct ledger *l);
/* Each was compared in this process, or did not answer. */
bool ledger_copies_met(const struct ledger *l);
/* A file that belongs to the log: policy/<sha256>, krl/<sha256>.  Durable at
 * home when it returns 0; copies get it too. */
int ledger_put_object(struct ledger *l, const char *key, struct slice data,
    struct err *e) MUST_CHECK;

/* A leaf's bytes: a new block.  ERR_NOTFOUND past the end, ERR_CORRUPT. */
int ledger_read(struct ledger *l, uint64_t index, uint8_t **out, size_t *n,
    struct err *e) MUST_CHECK;
/* Leaves from..to-1 in order; each() non-zero ends it and is returned. */
int ledger_each(struct ledger *l, uint64_t from, uint64_t to,
    int (*each)(void *ctx, uint64_t index, struct slice leaf), void *ctx,
    struct err *e) MUST_CHECK;
/* The first leaf with this tag and name: 0, 1 when there is none, ERR_*. */
int ledger_find(struct ledger *l, uint8_t tag, const struct hash *name,
    uint64_t *index, struct err *e) MUST_CHECK;
/* All leaves that have this further name, ascending, at most max of them; *n
 * is how many.  ERR_LIMIT: there are more. */
int ledger_find_all(struct ledger *l, uint8_t tag, const struct hash *name,
    uint64_t *out, size_t max, size_t *n, struct err *e) MUST_CHECK;
/* Indexes of all leaves with a listed tag, ascending, borrowed until the next
 * commit. */
int ledger_listed(struct ledger *l, uint8_t tag, const uint64_t **out,
    size_t *n, struct err *e) MUST_CHECK;
/* Its tree, for proofs; valid while the ledger is open. */
void ledger_source(struct ledger *l, struct merkle_source *out);
/* Proofs within the tree of size leaves. */
int ledger_prove(struct ledger *l, uint64_t index, uint64_t size,
    struct hash proof[MERKLE_PROOF_MAX], size_t *n, struct err *e) MUST_CHECK;
/* The root of the first size leaves: is a checkpoint one of ours? */
int ledger_root_at(struct ledger *l, uint64_t size, struct hash *out,
    struct err *e) MUST_CHECK;

/*
 * Make the journal anew from what is published at from, the home or a copy of
 * it: the checkpoint must be signed by one of pks and the edge of the tree must
 * hash to it.  Where from is not the home, the home gets all of it.  What was
 * committed and never published is not in it; an old journal is kept beside the
 * new one as journal.old-<n>.  The ledger must not be open.  ERR_EXISTS: the
 * journal that is there, or the home, has more leaves than from: nothing has
 * changed, and neither where the home does not say.  ERR_NOTFOUND: no checkpoint
 * there.  ERR_BUSY, ERR_PARSE, ERR_BADSIG, ERR_CORRUPT, ERR_NET, ERR_SYS,
 * ERR_NOMEM.
 */
int ledger_rebuild(const struct ledger_config *c, const char *from,
    struct err *e) MUST_CHECK;

#endif
