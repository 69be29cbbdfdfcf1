/* SPDX-License-Identifier: ISC */
/*
 * A certificate that came: is it what was asked for, and into whose hands?
 */
#ifndef CA_CLIENT_HANDOVER_H
#define CA_CLIENT_HANDOVER_H

#include "ca/client/kept.h"
#include "lib/trust/policy.h"

/*
 * Check that line is a certificate for the request k, by a CA of the policy, for
 * no more than was asked, and put it where it belongs:
 *
 *	a key that was named	KEY-cert.pub beside it, or -o FILE
 *	made for it, -o FILE	FILE, FILE.pub, FILE-cert.pub
 *	made for it		the ssh-agent, for as long as it is good; where
 *				there is none, both stay in DIR/requests/ID
 *
 * A copy stays in DIR/requests/ID.  Appends a sentence on where it is to where.
 * ERR_BADSIG, ERR_DENIED: not what was asked for; ERR_EXPIRED: no longer good;
 * and what writing files has.
 */
int handover(struct kept *k, const struct policy *p, const char *line,
    struct str *where, struct err *e) MUST_CHECK;

/* Can ssh use it now?  Its private key is in a file or in the agent, and its
 * certificate is not expired for secs more. */
bool handover_at_hand(const struct kept *k, int64_t now, int64_t secs);

/*
 * The private half as ssh_config names it: the file, which may be absent while
 * FILE.pub is there and the agent has the rest.  The caller frees.
 */
int handover_identity(const struct kept *k, char **out, struct err *e)
    MUST_CHECK;

#endif
