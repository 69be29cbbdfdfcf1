/* SPDX-License-Identifier: ISC */
/*
 * What earlier runs brought about and no state speaks of any more: removing a
 * state from policy undoes nothing, and nobody should think it did.
 *
 *	DIR/owned	ID KIND WHAT: what a state that was enforced owns
 *
 * A line stays until a state with `ensure: absent` has taken away what it names,
 * or, for kinds that have no such thing and for files that are gone, until the
 * next run that enforces.  A file that is missing or damaged knows nothing.
 */
#ifndef AGENT_STATES_LEFT_H
#define AGENT_STATES_LEFT_H

#include "agent/states/params.h"

/* "limits (pam_limits): /etc/security/limits.d/zz-writ.conf" of each, sorted,
 * appended to out.  ERR_SYS, ERR_NOMEM. */
int left_find(struct host *h, const char *dir, const struct states *now,
    struct strs *out, struct err *e) MUST_CHECK;
/* After a run that enforced: holds[i] says that state i is as it should be.
 * Written only where it differs.  ERR_SYS, ERR_NOMEM. */
int left_note(const char *dir, const struct states *now, const bool *holds,
    struct err *e) MUST_CHECK;

#endif
