/* SPDX-License-Identifier: ISC */
/* Did whoever types log in after a moment?  From /proc alone. */
#ifndef AGENT_MINION_LOGIN_H
#define AGENT_MINION_LOGIN_H

#include "agent/states/host.h"

#define LOGIN_DEPTH 64	/* parents that are looked at */

/*
 * Among the parents of pid there must be an sshd that serves one connection,
 * begun after up_ms (milliseconds since the boot): a login that came in through
 * what was changed.  The kernel counts in ticks of a hundredth of a second; one of
 * the same tick is older.  0, ERR_DENIED: it is older, or no login over ssh;
 * ERR_SYS, ERR_NOMEM.
 */
int login_is_newer(struct host *h, int pid, int64_t up_ms, struct err *e)
    MUST_CHECK;

#endif
