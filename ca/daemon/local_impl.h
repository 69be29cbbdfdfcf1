/* SPDX-License-Identifier: ISC */
/* What the files of local.h share, and nobody else. */
#ifndef CA_DAEMON_LOCAL_IMPL_H
#define CA_DAEMON_LOCAL_IMPL_H

#include "ca/daemon/local.h"

/* Everything the signer needs to see that the head extends its last; proof is
 * borrowed by b. */
int local_fill_head(struct local *l, struct signer_batch *b,
    struct hash proof[MERKLE_PROOF_MAX], struct err *e) MUST_CHECK;

/* A revocation list whose leaf is in the log and not yet published: its file,
 * which a crash may have kept back. */
int local_recover_krl(struct local *l, struct err *e) MUST_CHECK;
/* A list that lacks a revocation of the log, since a crash came in between: a
 * new one. */
int local_renew_krl(struct local *l, struct err *e) MUST_CHECK;

#endif
