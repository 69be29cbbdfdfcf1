/* SPDX-License-Identifier: ISC */
/* What this host says of itself: agent/fleet/highstate.h lists what there is. */
#ifndef AGENT_MINION_GRAINS_H
#define AGENT_MINION_GRAINS_H

#include "agent/fleet/highstate.h"
#include "agent/states/host.h"

/*
 * All grains; "unknown" for what cannot be told.  Files of the host alone, but
 * for the version of sshd, which it is asked for once for each sshd: the answer
 * is kept in STATE/sshd-version (state_dir NULL: asked each time).  ERR_NOMEM.
 */
int grains_read(struct host *h, const char *state_dir, struct grains *out,
    struct err *e) MUST_CHECK;

#endif
