/* SPDX-License-Identifier: ISC */
/*
 * The signer as a process: the one thing its keeper may ask.
 *
 * A frame that is malformed ends the connection and is an error in the log; what
 * is well-formed and wrong is REFUSED and a warning.
 */
#ifndef AGENT_MASTER_LOG_SIGNER_PROC_H
#define AGENT_MASTER_LOG_SIGNER_PROC_H

#include "agent/master/log_signer.h"
#include "lib/proc/serve.h"

struct log_signer_proc {
	struct log_signer   *signer;	/* borrowed */
	const struct pubkey *log;	/* borrowed: whose signatures they are */
	struct chan	    *chan;	/* of the keeper that is there */
};

/* For lib/proc/serve.h; ctx is a struct log_signer_proc. */
extern const struct serve_ops log_signer_ops;

#endif
