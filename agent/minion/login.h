/* SPDX-License-Identifier: ISC */
/* Did whoever types log in after a moment?  From /proc alone. */
#ifndef AGENT_MINION_LOGIN_H
#define AGENT_MINION_LOGIN_H

#include "agent/states/host.h"

#define LOGIN_DEPTH 64	/* parents that are looked at */

/*
 * Among the parents of pid there must be an sshd that serves one connection,
 * begun in a second after up (since the boot): a login that came in through
 * what was changed.  0, ERR_DENIED: it is older, or no login over ssh; ERR_SYS,
 * ERR_NOMEM.
 */
int login_is_newer(struct host *h, int pid, int64_t up, struct err *e)
    MUST_CHECK;

#endif
