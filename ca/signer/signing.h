/* SPDX-License-Identifier: ISC */
/*
 * Who signs for local.h: the signer in this process, or the one at the other
 * end of a socket (signer_link.h).  What local.c does is the same with both.
 */
#ifndef CA_SIGNER_SIGNING_H
#define CA_SIGNER_SIGNING_H

#include "ca/signer/signer.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/bundle/bundles.h"

struct signing_ops {
	/* What the signer will not go back behind. */
	int (*seen)(void *ctx, struct signer_seen *out, struct err *e);
	/*
	 * Give it a batch before its leaves are durable, to work on meanwhile;
	 * its tail must be set.  Followed by sign() with the same batch once they
	 * are, or by abandon().  NULL where nothing is won by that: then sign()
	 * gets it all, and no tail is needed.
	 */
	int (*begin)(void *ctx, struct signer_batch *b, struct err *e);
	void (*abandon)(void *ctx);
	/* As signer_sign(); ERR_NET too. */
	int (*sign)(void *ctx, struct signer_batch *b, struct str *note,
	    struct err *e);
	/* Append the signature block of a krl statement's message; list is what
	 * the statement names. */
	int (*sign_krl)(void *ctx, struct slice message, struct slice list,
	    struct str *out, struct err *e);
	/* This policy is in force from now on. */
	int (*policy)(void *ctx, const struct bundle_chain *c, struct err *e);
	/* A key, revoke or decision statement that is in the log now.  Whatever
	   keeps it from the signer, nothing is signed before it is there. */
	void (*act)(void *ctx, const struct statement *s);
	/* Is somebody there?  ERR_NET, after two seconds at most; NULL: always. */
	int (*reach)(void *ctx, struct err *e);
	void (*close)(void *ctx);
};

struct signatory {
	const struct signing_ops *ops;	/* NULL: nobody signs */
	void *ctx;
};

/*
 * The signer of this process.  It shares the policy and
 * standing of whoever fills the batches, so that policy() and act() have nothing
 * to do.  ERR_* of signer_open().
 */
int  signing_here(const struct signer_config *c, struct signatory *out,
     struct err *e) MUST_CHECK;
void signing_close(struct signatory *s);

#endif
