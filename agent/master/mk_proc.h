/* SPDX-License-Identifier: ISC */
/*
 * The master's keeper: log, store, bundles; decides what is taken and who gets
 * what.  README.md draws the processes, calls.md has what they say.
 */
#ifndef AGENT_MASTER_MK_PROC_H
#define AGENT_MASTER_MK_PROC_H

#include "lib/base/err.h"

/* Serve from DIR until SIGTERM or SIGINT.  What ends it otherwise is in e. */
int master_keeper_run(const char *dir, struct err *e) MUST_CHECK;

#endif
