/* SPDX-License-Identifier: ISC */
/* What the files of signer_proc.h share, and nobody else. */
#ifndef CA_SIGNER_SIGNER_PROC_IMPL_H
#define CA_SIGNER_SIGNER_PROC_IMPL_H

#include "ca/signer/signer_frames.h"
#include "ca/signer/signer_proc.h"
#include "lib/base/str.h"
#include "lib/trust/standing.h"

struct signer_proc {
	struct signer_proc_config c;
	/* Of the conversation: */
	struct chan *chan;
	uint32_t permitted;
	bool in_force;		/* a policy in force was told */
	struct trust past;	/* the one that judges acts, until then */
	struct standing *standing;
	uint64_t acts;		/* told so far */
	struct hash chain;
	struct sign_frame *batch; /* waits for DURABLE; NULL: was refused */
	uint32_t batch_id;
	struct str note;	/* of batch, whose certificates are signed too */
};

/* An act onto the standing.  ERR_ROLLBACK: not what was told before. */
int signer_proc_act(struct signer_proc *p, struct slice payload,
    struct err *e) MUST_CHECK;
/* All that the signer has ever judged by was told again: else ERR_ROLLBACK. */
int signer_proc_acts_known(const struct signer_proc *p, struct err *e)
    MUST_CHECK;

/* Is that message one of a list that lacks no revocation?  Its version. */
int signer_proc_check_krl(const struct signer_proc *p, struct slice message,
    struct slice list, uint64_t *version, struct err *e) MUST_CHECK;

#endif
