/* SPDX-License-Identifier: ISC */
/*
 * A host's own look at its acceptance: who it is, from nobody but operators.
 *
 * The fold of lib/trust/fleet_hosts.h is a master's, which has every statement;
 * a host has three of them, about itself, from somebody it does not believe.
 * Pure.
 */
#ifndef LIB_TRUST_FLEET_ACCEPTED_H
#define LIB_TRUST_FLEET_ACCEPTED_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/statement/statement.h"
#include "lib/trust/bundle.h"

/*
 * Is `accept` an acceptance of the host with these two keys?  All statements are
 * verified; token NULL: none came with it.  since: when the acceptance was made
 * that is held (0: none); an older one is ERR_ROLLBACK.
 *
 * A token is judged at the time the acceptance says it was made, which lies
 * within the token's (FLEET_HOSTS_AHEAD before its `at` at the earliest: two
 * machines' clocks) and no more than FLEET_HOSTS_AHEAD after now; so a host that
 * gets it when the token has expired is accepted all the same.  All else is
 * judged by now.
 *
 * ERR_PARSE	other types than these
 * ERR_DENIED	another realm, not by an operator or not within its token; for
 *		other keys, or for an enrol statement that is not the one given;
 *		from the future; no policy is trusted
 * ERR_NOTFOUND	it is by a token, and that one did not come along
 * ERR_EXPIRED	renew_until is past, or the token was when it was accepted
 * ERR_BADSIG, ERR_ROLLBACK, ERR_NOMEM
 */
int fleet_accepted(const struct trust *t, const struct statement *accept,
    const struct statement *enrol, const struct statement *token,
    const struct pubkey *host_key, const struct pubkey *transport_key,
    int64_t since, int64_t now, struct err *e) MUST_CHECK;

/*
 * Is `rename` what an operator says of the host that is called `host`?  It is
 * verified; since: when it was last said who the host is; what is older is
 * ERR_ROLLBACK.
 *
 * ERR_PARSE	not a rename
 * ERR_DENIED	another realm, not by an operator, of another host, from the
 *		future; no policy is trusted
 * ERR_BADSIG, ERR_ROLLBACK, ERR_NOMEM
 */
int fleet_renamed(const struct trust *t, const struct statement *rename,
    const char *host, int64_t since, int64_t now, struct err *e) MUST_CHECK;

#endif
