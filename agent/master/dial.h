/* SPDX-License-Identifier: ISC */
/*
 * Can a host be reached from outside?  A helper that was forked before the keeper
 * sealed itself connects to an address, exchanges SSH keys as far as to know that
 * sshd holds its host key, says which that is, and hangs up; it does nothing else
 * and holds nothing.  At most DIAL_MOST at once, DIAL_SECS each; what comes above
 * waits.
 */
#ifndef AGENT_MASTER_DIAL_H
#define AGENT_MASTER_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define DIAL_MOST  16
#define DIAL_QUEUE 20000
#define DIAL_SECS  10
#define DIAL_TEXT  256

struct dialer; /* opaque */

/* Fork it; user NULL: whoever this is.  ERR_SYS, ERR_NOMEM. */
int  dialer_new(const char *user, struct dialer **out, struct err *e)
     MUST_CHECK;
void dialer_free(struct dialer *d);	/* NULL allowed; it ends */
int  dialer_fd(const struct dialer *d);
bool dialer_wants_write(const struct dialer *d);

/* address: of a peer, as the front names it (an IP address, perhaps with a
 * port, which is left out).  ERR_PARSE, ERR_BUSY, ERR_NET: it is gone. */
int dialer_ask(struct dialer *d, uint32_t id, const char *address,
    uint16_t port, struct err *e) MUST_CHECK;

struct dial_answer {
	uint32_t id;
	bool	 reached;
	char	 text[DIAL_TEXT];	/* the fingerprint; or why not */
};
/* Called when dialer_fd() is ready, until 1: no more now.  ERR_NET: it is gone. */
int dialer_take(struct dialer *d, struct dial_answer *out, struct err *e)
    MUST_CHECK;

#endif
