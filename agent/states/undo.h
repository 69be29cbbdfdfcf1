/* SPDX-License-Identifier: ISC */
/*
 * Undo a run from its directory: files as they were, what is not in files by
 * the modules' restore(), services told; then every file is read again and
 * compared with its backup, byte for byte.
 *
 * Goes on after a failure, each step being tried three times, so that as much
 * as can be is as it was.  Doing it twice is doing it once.
 */
#ifndef AGENT_STATES_UNDO_H
#define AGENT_STATES_UNDO_H

#include "agent/states/host.h"
#include "agent/states/state.h"

enum {
	UNDO_UNCONFIRMED = 1,	/* what only takes access away stays */
	UNDO_QUIET = 2,		/* at boot: no service runs, tell none */
};

/*
 * The caller holds the lock.  The status of the run says afterwards how it
 * went, with why before it.  0: as it was, or there was nothing to undo;
 * otherwise the first failure, and the rest in report (a line each; may be
 * NULL).
 */
int undo_run(struct host *h, const char *run_dir, const struct state_env *env,
    unsigned flags, const char *why, struct str *report, struct err *e)
    MUST_CHECK;

/* After a run that stays: what was kept beside its files goes.  ERR_NOTFOUND:
 * no such run. */
int undo_forget(struct host *h, const char *run_dir, struct err *e);

#endif
