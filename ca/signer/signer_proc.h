/* SPDX-License-Identifier: ISC */
/*
 * The signer as a process: what its keeper may ask, and in which order.
 *
 * Holds the keys (through struct signer), the signed policy, and a standing that
 * it folds itself.  Reads frames of one keeper, which it does not believe: each
 * statement's signatures, the chain of each policy, each leaf's place in the log
 * are verified here.  Never opens a file but its journal, never a network.
 *
 * A frame that is malformed, or not permitted where the conversation stands, ends
 * the connection and is an error in the log.  What is well-formed and wrong is
 * REFUSED and a warning.
 */
#ifndef CA_SIGNER_SIGNER_PROC_H
#define CA_SIGNER_SIGNER_PROC_H

#include "ca/signer/signer.h"
#include "lib/base/err.h"
#include "lib/proc/frame.h"
#include "lib/proc/serve.h"
#include "lib/trust/bundle.h"

struct signer_proc; /* opaque */

struct signer_proc_config {	/* all borrowed */
	struct signer *signer;
	struct trust  *trust;	/* verified; moves on with POLICY */
	const char    *origin;
	const char    *log_name;
	const struct pubkey *user_ca, *host_ca, *log; /* NULL: none */
};

int  signer_proc_new(const struct signer_proc_config *c,
     struct signer_proc **out, struct err *e) MUST_CHECK;
void signer_proc_free(struct signer_proc *p);

/* A keeper has come: forget all of the one before, say SEEN.  c is borrowed
 * until the next one. */
int signer_proc_begin(struct signer_proc *p, struct chan *c, struct err *e)
    MUST_CHECK;
/* A frame of his.  On failure he is to be cut off. */
int signer_proc_frame(struct signer_proc *p, const struct frame *f,
    struct err *e) MUST_CHECK;

/* The two and what a stop waits for, for lib/proc/serve.h; ctx is the
 * signer_proc. */
extern const struct serve_ops signer_proc_ops;

#endif
