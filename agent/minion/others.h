/* SPDX-License-Identifier: ISC */
/*
 * Who else manages what states manage: two of them change it to and fro.  They
 * are named, before anything is enforced, and nothing is done about them: which
 * of the two is to go is a person's to know.
 */
#ifndef AGENT_MINION_OTHERS_H
#define AGENT_MINION_OTHERS_H

#include "agent/states/host.h"

/* Their names, separated by ", ", appended; nothing where there is none.  What
 * cannot be looked at is not there to be named. */
void other_managers(struct host *h, struct str *out);

#endif
