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
#define LEDGER_JOURNAL_ROOM (1024 * 1024) /* preallocated; begun anew when
					     published and fuller than that */
#define LEDGER_COPIES_MAX  8

struct ledger_config {		/* all borrowed while the ledger is open */
	const char	   *dir;	/* journal, index, lock; must exist */
	const char	   *home;	/* NULL: dir; else "dir:..." or "s3://..." */
	const char *const  *copies;	/* catch up by themselves */
	size_t		    n_copies;
	struct blob_config  blob;
	const char	   *origin;	/* of its checkpoints */
	const uint8_t	   *pk;		/* the log's Ed25519 key */
	int64_t		    max_lag;	/* seconds a copy may be behind before
					   commits are refused; 0: any */
	/* What to index of a leaf: see lib/statement/leaf.h. */
	void (*classify)(struct slice leaf, uint8_t *tag, struct hash *name);
	uint32_t	    listed;	/* tags (bits) whose indexes are listed */
	/* The objects that go with a leaf, or NULL: called in order when it is
	   published; puts what it makes with the given function. */
	int (*objects)(void *ctx, uint64_t index, struct slice leaf,
	    int (*put)(void *pctx, const char *key, struct slice data,
		const char *content_type), void *pctx, struct err *e);
	void		   *objects_ctx;
	/* Told of what a person should know and that stopped nothing: a copy
	   that lags, a foreign version.  NULL: nobody. */
	void (*warn)(void *ctx, const char *sentence);
	void		   *warn_ctx;
	bool		    read_only;	/* no lock, no recovery, no commit */
};

struct ledger; /* opaque */

struct ledger_receipt {
	uint64_t    index;	/* of the leaf */
	struct hash leaf;	/* RFC 6962 leaf hash */
};

/*
 * Open: take the lock, replay the journal (a torn record at its end is cut off,
 * as a crash leaves it; damage before the end is ERR_CORRUPT), bring the index
 * up to date, read the home's checkpoint.  ERR_ROLLBACK when the home or a
 * reachable copy is ahead of the journal: names `writ-ca rebuild --from`.
 * ERR_BUSY, ERR_NOTFOUND, ERR_CORRUPT, ERR_NET, ERR_SYS, ERR_NOMEM.
 */
int  ledger_open(const struct ledger_config *c, struct ledger **out,
     struct err *e) MUST_CHECK;
void ledger_close(struct ledger *l);

uint64_t ledger_size(const struct ledger *l);
void	 ledger_head(const struct ledger *l, struct checkpoint *out);
/* The last checkpoint published at home; size 0 when there is none. */
void	 ledger_published(const struct ledger *l, struct checkpoint *out);

/*
 * Append leaves, n of 1..LEDGER_BATCH_MAX, each 1..65,535 bytes, in order.
 * 0: durable, receipts filled.  ERR_RECORD, with words that say why nothing is
 * issued: disk full, I/O error, bucket unreachable, a copy too far behind.  After
 * a failed write the ledger refuses further commits until opened again (what is
 * on the disk is unknown then).  ERR_LIMIT, ERR_NOMEM.
 */
int ledger_commit(struct ledger *l, const struct slice *leaves, size_t n,
    struct ledger_receipt *receipts, struct err *e) MUST_CHECK;

/*
 * Publish everything up to the checkpoint in note (signed; it must be a head
 * this ledger had, not behind the last one): bundles, tiles, objects of leaves,
 * `checkpoints/<size>`, then `checkpoint`; then the copies, whose failure is a
 * warning.  Idempotent.
 */
int ledger_publish(struct ledger *l, struct slice note, struct err *e)
    MUST_CHECK;
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
/* Indexes of all leaves with a listed tag, ascending, borrowed until the next
 * commit. */
int ledger_listed(struct ledger *l, uint8_t tag, const uint64_t **out,
    size_t *n, struct err *e) MUST_CHECK;
/* Proofs within the tree of size leaves. */
int ledger_prove(struct ledger *l, uint64_t index, uint64_t size,
    struct hash proof[MERKLE_PROOF_MAX], size_t *n, struct err *e) MUST_CHECK;
/* The root of the first size leaves: is a checkpoint one of ours? */
int ledger_root_at(struct ledger *l, uint64_t size, struct hash *out,
    struct err *e) MUST_CHECK;

#endif
