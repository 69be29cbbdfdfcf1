/* SPDX-License-Identifier: ISC */
/*
 * The master's signer: holds the key of the fleet's log and nothing else.
 *
 * It signs heads of one tree that only grows.  Its journal has the right edge of
 * that tree, so it computes each new root itself from the leaves, and a head
 * leaves after the journal is durable: whatever becomes of the keeper, there is
 * one history of this log that is signed.  What a leaf says is not its concern,
 * since statements carry their own signatures, but for what only a clock can say:
 *
 * An acceptance by a token that expired more than LOG_TOKEN_LATE seconds ago is
 * not signed for.  "Ago" is before the last head, by the signer's clock then and
 * now: the leaf was not there yet.  So what a keeper took in time is signed for
 * however long the signer was away, and a keeper that dates acceptances back has
 * to have kept the log from growing since the token expired, which shows.  A
 * signer that has signed nothing knows no such time: it is given a log as it is.
 */
#ifndef AGENT_MASTER_LOG_SIGNER_H
#define AGENT_MASTER_LOG_SIGNER_H

#include <stdint.h>

#include "agent/master/log_token.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/key/key.h"
#include "lib/tlog/checkpoint.h"

struct log_signer; /* opaque */

struct log_signer_config {		/* all borrowed while open */
	const char *dir;	/* holds `journal`; made with 0700 if absent */
	struct key *log;	/* Ed25519 */
	const char *origin;	/* of the log's checkpoints */
	int64_t	  (*now)(void);	/* NULL: clock_now() */
};

/*
 * ERR_BUSY: another signer has the journal.  ERR_CORRUPT: the journal, or a
 * journal of another log.  ERR_LIMIT (the origin), ERR_PARSE (no Ed25519 key),
 * ERR_SYS, ERR_NOMEM.
 */
int  log_signer_open(const struct log_signer_config *c, struct log_signer **out,
     struct err *e) MUST_CHECK;
void log_signer_close(struct log_signer *s); /* NULL allowed */

/* The last head it signed or may have signed. */
void log_signer_head(const struct log_signer *s, struct checkpoint *out);

/*
 * Grow the tree by n leaves, of which nothing is signed yet; any number of times,
 * then log_signer_sign().  from is the size of the tree as it has grown so far.
 * On failure, and by log_signer_drop(), it is as it was signed last.
 *
 * ERR_ROLLBACK	from is less: the log has lost what was signed
 * ERR_DENIED	from is more, or there is nothing to sign yet; an acceptance by a
 *		token comes without it
 * ERR_EXPIRED	an acceptance is by a token that had expired
 * ERR_LIMIT	a tree of 2^62 leaves
 * ERR_CORRUPT, ERR_ROLLBACK, ERR_SYS	the journal failed before, and cannot be
 *		read or lacks what was signed; each call looks again
 * ERR_NOMEM
 */
int  log_signer_grow(struct log_signer *s, uint64_t from,
     const struct log_leaf *leaves, size_t n, struct err *e) MUST_CHECK;
void log_signer_drop(struct log_signer *s);

/*
 * Append the signed note of the tree's head to note.
 *
 * ERR_RECORD	the journal cannot be written: nothing is signed; it is read anew,
 *		and log_signer_head() says what it holds now
 * ERR_CRYPTO, ERR_NOMEM
 */
int log_signer_sign(struct log_signer *s, struct str *note, struct err *e)
    MUST_CHECK;

#endif
