/* SPDX-License-Identifier: ISC */
/*
 * Signed statements on their way to a master: sent, or kept in DIR/unsent until
 * they can be.  A signature may have cost a touch of a token, so it is not
 * thrown away for want of a network.
 *
 *	DIR/unsent/HASH		a statement with its signatures
 *	DIR/unsent/HASH.targets	of a job: its TARGETS
 */
#ifndef AGENT_CLIENT_SUBMIT_H
#define AGENT_CLIENT_SUBMIT_H

#include "agent/client/master.h"

/* What became of one: taken when error.code is 0. */
struct submitted {
	struct err error;
	uint64_t   index;	/* of the leaf, where it was told */
	bool	   has_index;
};

/*
 * Send one statement; targets NULL but for a job.  0 also where the master
 * refused it: *out says so.  As master_call().
 */
int master_submit(struct master *m, struct slice statement, const char *targets,
    struct submitted *out, struct err *e) MUST_CHECK;

/* Keep one for later; *path (to be freed) is where.  ERR_SYS, ERR_NOMEM. */
int master_keep(const char *dir, struct slice statement, const char *targets,
    char **path, struct err *e) MUST_CHECK;
/*
 * Send what was kept, and say of each what became of it.  What the master
 * answered for is kept no longer, whatever the answer, unless it could not
 * record it.
 */
int master_send_kept(struct master *m, const char *dir, struct err *e) MUST_CHECK;

#endif
