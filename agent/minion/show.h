/* SPDX-License-Identifier: ISC */
/* A run, for people and for programs. */
#ifndef AGENT_MINION_SHOW_H
#define AGENT_MINION_SHOW_H

#include "agent/states/run.h"

/*
 * Appended to out: a line a state, its changes and diffs below, and how it
 * ended.  With quiet only states that are not as they should be, or were not.
 * why is what run() said where it did not end well.
 */
void show_text(const struct run_out *r, const struct err *why, bool quiet,
    struct str *out);
void show_json(const struct run_out *r, const struct err *why,
    const char *host_id, struct str *out);

#endif
