/* SPDX-License-Identifier: ISC */
/*
 * The thread that has the log: commits what it is given, one fdatasync a batch,
 * adds a tick now and then, has the signer sign the head and publishes.
 *
 * Whoever gives a batch waits for nothing: it comes back by scribe_take() once
 * its leaves are in the log for good, or with the reason why they are not, and
 * a descriptor of his becomes readable.  The head is signed and published later,
 * when nothing has come for SCRIBE_IDLE_MS or SCRIBE_LATEST_MS have passed; a
 * signer that is away delays that alone, and a copy that is slow or away not even
 * that: copies have another thread.  Where the log had to refuse it is
 * opened anew, every SCRIBE_AGAIN_MS.
 */
#ifndef AGENT_MASTER_SCRIBE_H
#define AGENT_MASTER_SCRIBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/base/err.h"
#include "lib/crypto/hash.h"
#include "lib/ledger/ledger.h"

#define SCRIBE_IDLE_MS	 50
#define SCRIBE_LATEST_MS 1000
#define SCRIBE_AGAIN_MS	 2000

struct scribe; /* opaque */

/* A file that goes into the log before the leaves that name it. */
struct scribe_object {
	char	     key[8 + HASH_HEX];	/* "policy/<sha256>" */
	struct slice data;
};

/* Leaves to be committed together.  Its memory is its owner's, and is left alone
 * between scribe_put() and scribe_take(). */
struct scribe_batch {
	STAILQ_ENTRY(scribe_batch) link;
	const struct slice *leaves;	/* at most LEDGER_BATCH_MAX */
	size_t		    n;
	const struct scribe_object *objects;
	size_t		    n_objects;
	int64_t		    until;	/* past that it is refused (ERR_RECORD);
					   0: never */
	bool		    versions;	/* once it is there, ticks say these */
	uint64_t	    root, policy;
	/* What became of it. */
	int	    r;
	struct err  e;
	uint64_t   *index;	/* of each leaf, when r is 0: owner's array */
	uint64_t    size;	/* of the log then */
};
STAILQ_HEAD(scribe_batches, scribe_batch);

struct scribe_config {		/* borrowed while it runs */
	struct ledger_config ledger;
	const char *signer;	/* its socket */
	struct hash realm;
	int64_t	    tick;	/* seconds between ticks */
	int	    wake;	/* an eventfd that is written when there is news */
};

/*
 * Open the log and compare it with what the signer has signed.  The thread is
 * not there yet, so the log is the caller's to read: scribe_ledger().
 * ERR_ROLLBACK: the signer is ahead, or has signed another log; ERR_NET: it is
 * not there; else as ledger_open().
 */
int  scribe_open(const struct scribe_config *c, struct scribe **out,
     struct err *e) MUST_CHECK;
struct ledger *scribe_ledger(struct scribe *s);
/* A batch in the caller's thread, before scribe_start(). */
void scribe_work(struct scribe *s, struct scribe_batch *b);
/* Which revocation list ticks name from now on. */
void scribe_krl(struct scribe *s, uint64_t version);
int  scribe_start(struct scribe *s, struct err *e) MUST_CHECK;

void scribe_put(struct scribe *s, struct scribe_batch *b);
/* The batches that are done, in their order; all of them when it has stopped. */
void scribe_take(struct scribe *s, struct scribe_batches *out);

/*
 * Leaves that a batch which failed has left in the log all the same: they are
 * there (a bucket was away after the journal had them).  Read by the thread;
 * from..to-1, each() as of ledger_each().  Called before another scribe_put().
 */
int  scribe_read(struct scribe *s, uint64_t from,
     int (*each)(void *ctx, uint64_t index, struct slice leaf), void *ctx,
     struct err *e) MUST_CHECK;

struct scribe_state {
	uint64_t size, published;
	bool	 log_ok, signer_ok;
	bool	 held; /* open, but for a copy's sake it takes nothing */
	struct err log_why, signer_why;
	uint64_t batches, leaves, heads;	/* so far */
	struct ledger_copy copies[LEDGER_COPIES_MAX];
};
void scribe_state(struct scribe *s, struct scribe_state *out);

/* Finish what was put, publish, end the thread. */
void scribe_stop(struct scribe *s);
void scribe_free(struct scribe *s);	/* NULL allowed; after scribe_stop() */

#endif
