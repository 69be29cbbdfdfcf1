/* SPDX-License-Identifier: ISC */
/*
 * Which states a host gets, by what is known of one that nobody can ask any
 * more: its id and its roles, not its grains.  For an auditor, who looks back;
 * a highstate (highstate.h) is what a host gets whose grains are there.  Pure.
 */
#ifndef AGENT_FLEET_REACH_H
#define AGENT_FLEET_REACH_H

#include "agent/fleet/fleet.h"

/* For each of f->files, in out: does the host get that file? */
void fleet_reach(const struct fleet *f, const struct expr_host *h,
    enum expr_answer *out);
/* Does it get that state of a file that it gets so? */
enum expr_answer fleet_state_reach(const struct fleet_state *s,
    enum expr_answer file, const struct expr_host *h);

/*
 * The exception of a state that is the host's at a time: one in force, else
 * one that may be the host's (EXPR_UNKNOWN in *how), else the last that has
 * ended (EXPR_NO).  NULL: there is none at all.
 */
const struct fleet_exception *fleet_state_spared(const struct fleet_state *s,
    const struct expr_host *h, int64_t at, enum expr_answer *how);

#endif
