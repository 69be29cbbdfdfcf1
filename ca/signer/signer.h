/* SPDX-License-Identifier: ISC */
/*
 * The signer: holds the CA keys and the log's key, believes nobody.
 *
 * For each certificate it runs ca/issue itself over the statements and signs
 * nothing but what comes out.  Its journal remembers the last checkpoint, the
 * highest root and bundle versions, and every certificate it signed: it never
 * goes back behind any of them, and what it signed is known even if the log's
 * keeper loses it.  What it has signed leaves after its journal is durable.
 */
#ifndef CA_SIGNER_SIGNER_H
#define CA_SIGNER_SIGNER_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/key/key.h"
#include "lib/statement/leaf.h"
#include "lib/tlog/checkpoint.h"
#include "lib/tlog/merkle.h"
#include "lib/trust/bundle.h"
#include "lib/trust/standing.h"

#define SIGNER_CLOCK_MAX 60	/* seconds a leaf's now may differ from ours */

struct signer; /* opaque */

struct signer_config {		/* all borrowed while open */
	const char *dir;	/* holds `journal`; made with 0700 if absent */
	struct key *user_ca;	/* NULL: signs no such certificates */
	struct key *host_ca;
	struct key *log;
	const char *origin;	/* of the log's checkpoints */
};

/*
 * ERR_BUSY: another signer has the journal.  ERR_CORRUPT, ERR_SYS, ERR_NOMEM.
 */
int  signer_open(const struct signer_config *c, struct signer **out,
     struct err *e) MUST_CHECK;
void signer_close(struct signer *s);
/*
 * After an ERR_RECORD the journal takes no more.  This reads it anew, as an
 * opening does: what signer_get_seen() says then may be what failed.  ERR_ROLLBACK:
 * it lacks what was signed.  ERR_CORRUPT, ERR_SYS, ERR_NOMEM.  On failure nothing
 * has changed.
 */
int  signer_recover(struct signer *s, struct err *e) MUST_CHECK;

/* What it will not go back behind; zeros at first. */
struct signer_seen {
	struct checkpoint head;
	uint64_t	  root_version, policy_version;
	/* Of a signer that folds its own standing: how many acts, and the chain
	   of their hashes, each with the policy that judged it. */
	uint64_t	  acts;
	struct hash	  acts_chain;
	uint64_t	  krl_version;
};
void signer_get_seen(const struct signer *s, struct signer_seen *out);

/* One certificate to sign: its leaf, and the statements the leaf names. */
struct signer_job {
	const struct issue_leaf	       *leaf;
	const struct statement	       *request;	/* verified */
	const struct statement *const *decisions; /* those counted, verified */
	size_t			        n_decisions;
	bool			        resign; /* its leaf is of the past */
	/* Where the log has it; looked at where the batch has a tail.  A leaf
	   that lies before the tail needs the proof that it is in head's tree. */
	struct slice			bytes;
	uint64_t			index;
	const struct hash	       *inclusion;
	size_t				n_inclusion;
	struct buf		       *cert; /* out: new, the signed blob */
};

/*
 * How a head came to be: a smaller tree, and the hash of each leaf since.  Shows
 * a signer that cannot look into the log that head extends what it has seen, and
 * that these leaves are in it, for one hash a leaf.
 */
struct signer_tail {
	struct merkle_edge edge;	/* of the smaller tree */
	const struct hash *leaves;
	size_t		   n;
};

struct signer_batch {
	const struct trust    *trust;	/* verified by the signer's own load */
	const struct standing *standing;
	struct checkpoint      head;	/* to sign; its origin is ours */
	/* That head, or the tree that tail begins with, extends what was seen;
	   unused while nothing was. */
	const struct hash     *consistency;
	size_t		       n_consistency;
	const struct signer_tail *tail;	/* NULL: whoever calls has committed the
					   leaves himself, in this process */
	struct signer_job     *jobs;
	size_t		       n_jobs;
	int64_t		       now;	/* the signer's clock */
};

/*
 * All or nothing: the checkpoint's note is appended to note, each job's cert
 * set.  On failure none is.
 *
 * A leaf's now must be within SIGNER_CLOCK_MAX of ours.  With resign it may lie
 * in the past: a crash kept the certificate from its owner, and he must get that
 * very one.  All that decides its content and its end is dated by signed
 * statements, so an old now gives a certificate that ends earlier, never more.
 *
 * ERR_ROLLBACK	head, root or bundle version behind what was seen, or a fork
 * ERR_DENIED	ca/issue does not give this certificate (says which rule), or its
 *		leaf is not shown to be in the log
 * ERR_SYS	a leaf is dated too far from our clock: the same batch may pass later
 * ERR_RECORD	the journal cannot be written
 * ERR_CRYPTO, ERR_NET (agent), ERR_NOMEM
 */
int signer_sign(struct signer *s, struct signer_batch *b, struct str *note,
    struct err *e) MUST_CHECK;

/*
 * Its parts, for whoever has something else to wait for in between.  First every
 * check, which changes nothing.  Then, of a batch that passed and a signer that
 * has signed nothing since, in either order: the signatures, all or none of
 * them, which are worth nothing before they leave; and the journal.  What was
 * signed may leave this process once both are done.
 */
int signer_check(const struct signer *s, const struct signer_batch *b,
    struct err *e) MUST_CHECK;
int signer_make(const struct signer *s, struct signer_batch *b,
    struct str *note, struct err *e) MUST_CHECK;
int signer_commit(struct signer *s, const struct signer_batch *b,
    struct err *e) MUST_CHECK;

/* Never again fewer acts, or others, or an older revocation list, than these:
 * durable when it returns 0.  Nothing is written where all are known.
 * ERR_RECORD, ERR_NOMEM. */
int signer_remember_acts(struct signer *s, uint64_t acts,
    const struct hash *chain, uint64_t krl_version, struct err *e) MUST_CHECK;

/* The block of a krl statement's message, appended; whoever calls has looked at
 * what it says.  As key_sshsig(). */
int signer_sign_krl(struct signer *s, struct slice message, struct str *out,
    struct err *e) MUST_CHECK;

#endif
