/* SPDX-License-Identifier: ISC */
/*
 * A certificate authority in one process: keeper and signer over one
 * directory, for commands that work on files.
 */
#ifndef CA_DAEMON_LOCAL_H
#define CA_DAEMON_LOCAL_H

#include "ca/daemon/bundles.h"
#include "ca/daemon/config.h"
#include "ca/daemon/keeper.h"
#include "ca/daemon/recorder.h"
#include "ca/daemon/signer.h"
#include "lib/base/err.h"

enum {
	LOCAL_READ = 0,		/* the log, read only; no keys */
	LOCAL_SIGN = 1,		/* all keys, the locks, the signer */
	LOCAL_LOG = 2,		/* as LOCAL_SIGN with the log's key alone */
};

struct local {			/* local_free */
	struct config	 config;
	struct trust	 trust;
	char		 origin[ORIGIN_MAX];
	struct key	*user_ca, *host_ca, *log_key;
	struct recorder	 recorder;
	struct ledger	*ledger;
	struct keeper	*keeper;
	struct signer	*signer;
	int64_t		 now;	/* of the whole run */
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
 * the batch as a whole failed: then nothing was released.
 */
int local_issue(struct local *l, struct keeper_item *items, size_t n,
    int (*release)(void *ctx, size_t i, struct keeper_item *it, struct err *e),
    void *ctx, struct err *e) MUST_CHECK;

/* Commit leaves, sign the checkpoint, publish.  n may be 0: publish alone. */
int local_commit(struct local *l, const struct keeper_leaves *leaves,
    struct ledger_receipt *receipts, struct err *e) MUST_CHECK;
/* Publish what a crash kept back; for whoever finds nothing left to commit. */
int local_settle(struct local *l, struct err *e) MUST_CHECK;

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

#endif
