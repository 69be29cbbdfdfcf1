/* SPDX-License-Identifier: ISC */
/*
 * A certificate authority over one directory: keeper and signer.  In one process
 * for commands that work on files; in LOCAL_SERVE for a process that stays, with
 * the signer at the other end of a socket.  Not thread safe.
 */
#ifndef CA_KEEPER_LOCAL_H
#define CA_KEEPER_LOCAL_H

#include <stdbool.h>

#include "ca/common/config.h"
#include "ca/keeper/keeper.h"
#include "ca/keeper/recorder.h"
#include "ca/signer/signing.h"
#include "lib/base/err.h"
#include "lib/bundle/bundles.h"

enum {
	LOCAL_READ = 0,		/* the log, read only; no keys */
	LOCAL_SIGN = 1,		/* all keys, the locks, the signer */
	LOCAL_LOG = 2,		/* as LOCAL_SIGN with the log's key alone */
	/*
	 * As LOCAL_SIGN, for a process that stays: certificates are released as
	 * soon as they are signed, and become leaves with the next commit;
	 * nothing is published but by local_publish() and those below that say
	 * so.  `now` moves on.
	 */
	LOCAL_SERVE = 3,
};

struct local {			/* local_free */
	struct config	 config;
	struct trust	 trust;
	char		 origin[ORIGIN_MAX];
	/* The log's key: the ledger borrows it, and outlives policies. */
	uint8_t		 log_pk[32];	/* of the key that signs */
	uint8_t		 log_pks[POLICY_LOG_KEYS_MAX][32];
	struct key	*user_ca, *host_ca, *log_key;
	struct recorder	 recorder;
	bool		 krl_owed; /* a list has a leaf and maybe no file */
	struct ledger	*ledger;
	struct keeper	*keeper;
	struct signatory signing;
	unsigned	 mode;
	int64_t		 now;	/* of the whole run; LOCAL_SERVE: of a call */
	struct local_carried *carried;	/* LOCAL_SERVE: certificates that are
					   out, and not in the log yet */
	/* What the ledger's config borrows. */
	char		*log_dir, *log_url;
	const char	*copies[LEDGER_COPIES_MAX];
	void (*warn)(void *ctx, const char *sentence);
	void		*warn_ctx;
};

/*
 * Open DIR: its config, the signed policy, keys, log.  chain, when not NULL, is
 * the policy that is about to be published in place of the one on disk.  pass
 * as key_load_file().  warn is told of what stops nothing: an expiry that is
 * near, a copy that lags.
 */
struct local_options {
	const char		  *dir;
	unsigned		   mode;
	/* LOCAL_SERVE: where the signer listens; NULL: it is in this process and
	   loads all keys. */
	const char		  *signer_socket;
	const struct bundle_chain *chain;
	const struct passphrase	  *pass;
	void (*warn)(void *ctx, const char *sentence);
	void			  *warn_ctx;
};
int  local_open(const struct local_options *o, struct local **out,
     struct err *e) MUST_CHECK;
void local_free(struct local *l);

/*
 * Make DIR's journal and index anew from what is published at from, its home
 * (NULL) or a copy.  As ledger_rebuild(), and ERR_ROLLBACK where that has fewer
 * leaves than the signer has signed for.  *size is how many there are.
 */
int  local_rebuild(const char *dir, const char *from, uint64_t *size,
     struct err *e) MUST_CHECK;

/*
 * Issue items as one batch.  release() is called for each certificate, in order,
 * once it is durable and signed, while the records are made (in a thread, where
 * the batch is large: it may look at the item and at ctx alone); its failure is
 * the item's.  Each item's r says what became of it.  ERR_RECORD and the like when
 * the batch as a whole failed: then nothing was released.  At most
 * KEEPER_BATCH_MAX.
 */
int local_issue(struct local *l, struct keeper_item *items, size_t n,
    int (*release)(void *ctx, size_t i, struct keeper_item *it, struct err *e),
    void *ctx, struct err *e) MUST_CHECK;

/* Commit leaves, sign the checkpoint, publish; in any mode.  n may be 0: publish
 * alone. */
int local_commit(struct local *l, const struct keeper_leaves *leaves,
    struct ledger_receipt *receipts, struct err *e) MUST_CHECK;
/* Is anything in the log, or on its way there, that is not published? */
bool local_has_unpublished(const struct local *l);
/*
 * If so, commit what is carried, sign the checkpoint, publish: what a crash kept
 * back; in LOCAL_SERVE for whenever there is nothing else to do, or a second has
 * passed.
 */
int local_publish(struct local *l, struct err *e) MUST_CHECK;
/*
 * The same in two steps, for who publishes in another thread (see
 * ledger_set_waits()): commit and sign, into *note, which must be empty; then
 * publish that.
 * 1: there is nothing to be published.
 */
int local_head(struct local *l, struct str *note, struct err *e) MUST_CHECK;
int local_publish_head(struct local *l, const struct str *note, struct err *e)
    MUST_CHECK;

/* Make sure that the log has the chain of roots and the policy in force, and
 * their files. */
int local_log_policy(struct local *l, const struct bundle_chain *chain,
    struct err *e) MUST_CHECK;

/* A new revocation list: its file, its statement as a leaf.  *out is a new
 * buf with the file, NULL allowed. */
int local_new_krl(struct local *l, struct buf **out, struct err *e) MUST_CHECK;
/* The last one: 0, 1 when there is none or it lacks a revocation of the log (a
 * crash came in between, and the next writer makes it), ERR_*. */
int local_last_krl(struct local *l, struct buf **out, struct err *e)
    MUST_CHECK;

/* --- LOCAL_SERVE ---------------------------------------------------------- */

/*
 * A key or revoke statement and decisions on it: as keeper_apply(), then durable
 * in the log, then told to the signer.  What keeper_apply() answered, or ERR_*
 * of the commit.  A revocation that counts wants local_new_krl() next.
 */
int local_apply(struct local *l, struct statement *s,
    struct statement **given, size_t n_given, struct err *e) MUST_CHECK;

/* Is the signer there?  ERR_NET, after two seconds at most. */
int local_reach(struct local *l, struct err *e) MUST_CHECK;

/* A tick leaf, published. */
int local_tick(struct local *l, struct err *e) MUST_CHECK;

/*
 * Move to a newer policy: all roots from 1, as bundles_read() gives them; NULL:
 * what lies in DIR/bundle now.  Verified first, then stored there, logged, told
 * to the signer; in force when this returns 0, and what l->trust and items borrow
 * of the old one is gone then.  The policy in force already is a success.  On
 * failure the old one stays.  Answers of trust_update(), and ERR_* of the
 * others.
 */
int local_reload(struct local *l, const struct bundle_chain *chain,
    struct err *e) MUST_CHECK;

#endif
